// The record: who changed what, and when; what it was before, and what after.

import { differences } from "./differences.js";
import { h } from "../parts/dom.js";
import { textField } from "../parts/form.js";
import { full } from "../words/format.js";
import { perhaps, say } from "../words/words.js";
import { Listing } from "./listing.js";

/**
 * @typedef {object} Entry
 * @property {string} at
 * @property {string} who
 * @property {string} address
 * @property {string} what
 * @property {string} target
 * @property {any} before
 * @property {any} after
 */

const TYPED_MS = 300;
const WHAT = /** @type {const} */ ([
  "session.begin",
  "session.end",
  "session.end_all",
  "user.first",
  "user.add",
  "user.change",
  "user.password",
  "user.link",
  "user.remove",
  "group.add",
  "group.change",
  "group.remove",
  "token.add",
  "token.rotate",
  "token.revoke",
  "region.save",
  "region.import",
  "clock.set",
  "region.delete",
  "vehicle.save",
  "vehicle.remove",
  "vehicle.erase",
  "vehicle.admit",
  "vehicle.refuse",
  "vehicle.forget",
  "target.add",
  "target.change",
  "target.remove",
  "target.test",
  "store.compact",
  "store.import",
  "store.give_up",
  "event.acknowledge",
  "event.take_back",
  "event.tell",
  "correction.add",
  "correction.take_back",
]);

/** @param {import("./main.js").Desk} desk */
export function record(desk) {
  let typing = 0;
  const who = textField(say("record.who"), {
    type: "search",
    oninput: () => {
      clearTimeout(typing);
      typing = window.setTimeout(() => list.load(), TYPED_MS);
    },
  });
  const what = h(
    "select",
    { onchange: () => list.load() },
    h("option", { value: "" }, say("record.all")),
    ...WHAT.map((one) => h("option", { value: one }, say(`did.${one}`, { target: "…" }))),
  );
  /** @type {Listing<Entry>} */
  const list = new Listing({
    path: "audit",
    key: "audit",
    query: () => ({ who: who.input.value.trim() || null, what: what.value || null }),
    head: [who.element, h("label", { class: "field" }, h("span", null, say("record.what")), what)],
    empty: () => [h("strong", null, say("record.none"))],
    row: (entry) => {
      const changed = differences(entry.before, entry.after);
      return h(
        "div",
        { class: "card" },
        h("b", null, said(entry)),
        h(
          "span",
          { class: "sub" },
          [entry.who, full(Date.parse(entry.at), desk.zone), entry.address].filter(Boolean).join(" · "),
        ),
        changed.length > 0 &&
          h(
            "details",
            null,
            h("summary", null, say("record.changes")),
            h(
              "dl",
              { class: "changes" },
              changed.map(({ field, before, after }) => [
                h("dt", null, perhaps(`field.${field}`, field)),
                h(
                  "dd",
                  null,
                  before && h("del", null, before),
                  before && after && " → ",
                  after && h("ins", null, after),
                ),
              ]),
            ),
          ),
      );
    },
  });
  return list;
}

/** @param {Entry} entry */
function said(entry) {
  const target = named(entry);
  return WHAT.includes(/** @type {any} */ (entry.what))
    ? say(`did.${/** @type {typeof WHAT[number]} */ (entry.what)}`, { target })
    : `${perhaps(`did.${entry.what}`, entry.what)} ${target}`.trim();
}

/** What was changed, as people call it; an id nobody reads is left out. @param {Entry} entry */
function named({ what, target, before, after }) {
  const { name, kind, vehicle } = after ?? before ?? {};
  if (what.startsWith("event.") && vehicle) return `${perhaps(`kind.${kind}`, kind)} · ${vehicle}`;
  if (what.startsWith("store.")) return name ?? "";
  if (what.startsWith("token.")) return name || say("tokens.unnamed");
  return name && name !== target ? `${name} (${target})` : target;
}
