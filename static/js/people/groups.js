// Groups: what those in one see, and what they may do there.

import { call, get } from "../net/api.js";
import { listed } from "./differences.js";
import { confirm } from "../parts/dialog.js";
import { h } from "../parts/dom.js";
import { checks, formDialog, textField } from "../parts/form.js";
import { count } from "../words/format.js";
import { perhaps, say } from "../words/words.js";
import { Listing, adds, card } from "./listing.js";

/**
 * @typedef {object} Group
 * @property {string} name
 * @property {"all"|string[]} regions
 * @property {"all"|string[]} vehicles
 * @property {string[]} may
 * @property {number} [coarse_m]
 * @property {number} version
 */

const VERBS = /** @type {const} */ (["watch", "acknowledge", "edit_regions", "edit_vehicles"]);
/** @param {string} name */
const at = (name) => `groups/${encodeURIComponent(name)}`;

/** @param {import("./main.js").Desk} desk */
export function groups(desk) {
  /** @type {Listing<Group>} */
  const list = new Listing({
    path: "groups",
    key: "groups",
    head: [h("p", null, say("groups.more")), adds(say("groups.add"), () => open(null))],
    empty: () => [h("strong", null, say("groups.none")), h("span", null, say("groups.none.more"))],
    row: (group) =>
      card(group.name, {
        title: group.name,
        subs: [
          say("groups.sees", { regions: some(group.regions) }),
          group.vehicles === "all" ? "" : say("groups.sees.vehicles", { vehicles: some(group.vehicles) }),
          group.coarse_m ? say("groups.sees.coarse", { metres: count(group.coarse_m) }) : "",
          group.may.map((verb) => perhaps(`may.${verb}`, verb)).join(" · ") || say("groups.nothing"),
        ],
        open: () => open(group),
      }),
  });

  /** @param {Group|null} group null: a new one */
  const open = (group) =>
    desk.opening(async () => {
      const known = await groupNames();
      const name = textField(say("groups.name"), { name: "name", required: true, maxLength: 100 });
      const regions = chooser(say("groups.regions"), group?.regions ?? [], known.regions, say("groups.regions.more"));
      const vehicles = chooser(
        say("groups.vehicles"),
        group?.vehicles ?? "all",
        known.vehicles,
        say("groups.vehicles.more"),
      );
      const coarse = textField(
        say("groups.coarse"),
        {
          name: "coarse_m",
          type: "number",
          min: "10",
          max: "50000",
          step: "any",
          value: String(group?.coarse_m ?? ""),
        },
        say("groups.coarse.more"),
      );
      const may = checks(
        say("groups.may"),
        VERBS.map((verb) => [verb, say(`may.${verb}`)]),
        group?.may ?? ["watch"],
        say("groups.may.more"),
      );
      const others = (group?.may ?? []).filter((verb) => !VERBS.includes(/** @type {any} */ (verb)));
      formDialog(group?.name ?? say("groups.add"), {
        fields: [!group && name.element, regions.element, vehicles.element, coarse.element, may.element],
        action: say(group ? "save" : "groups.add.do"),
        send: async () => {
          const body = {
            regions: regions.value(),
            vehicles: vehicles.value(),
            coarse_m: coarse.input.value ? Number(coarse.input.value) : null,
            may: [...may.value(), ...others],
          };
          const saved = group?.name ?? name.input.value.trim();
          const headers = { "if-match": `"${group?.version}"` }; // what somebody else changed is not written over
          if (group) await call("PATCH", at(saved), { body, headers });
          else await call("POST", "groups", { body: { name: saved, ...body } });
          return () => list.load(saved).then(() => desk.done(say("groups.saved", { name: saved })));
        },
        others: group ? [{ label: say("groups.remove"), danger: true, run: () => remove(group.name) }] : [],
      });
    });

  /** @param {string} name */
  async function remove(name) {
    if (
      !(await confirm(
        say("groups.remove.of", { name }),
        say("groups.remove.more"),
        say("groups.remove"),
        say("cancel"),
      ))
    )
      return false;
    await call("DELETE", at(name));
    return () => list.load("").then(() => desk.done(say("groups.removed", { name })));
  }

  return list;
}

/** @param {"all"|string[]} names */
const some = (names) => (names === "all" ? say("groups.all") : names.join(", ") || say("groups.no"));

/** The groups that regions and vehicles are in, as far as one answer tells. */
export async function groupNames() {
  const of = async (/** @type {string} */ path, /** @type {(one: any) => string|null|undefined} */ group) => {
    const answer = await get(path, { limit: 1000 }).catch(() => ({}));
    return [...new Set((answer[path] ?? []).map(group).filter(Boolean))].sort();
  };
  const [regions, vehicles] = await Promise.all([
    of("regions", (one) => one.properties?.group),
    of("vehicles", (one) => one.group),
  ]);
  return { regions, vehicles };
}

/**
 * Everything, some of what is known, and others by name.
 * @param {string} label
 * @param {"all"|string[]} chosen
 * @param {string[]} known
 * @param {string} hint
 */
function chooser(label, chosen, known, hint) {
  const now = chosen === "all" ? [] : chosen;
  const all = h("input", { type: "checkbox", checked: chosen === "all", onchange: () => (rest.hidden = all.checked) });
  const names = [...new Set([...known, ...now])].sort();
  const boxes = checks(
    say("groups.which"),
    names.map((name) => [name, name]),
    now,
  );
  const other = textField(say("groups.others"), {}, hint);
  const rest = h("div", { class: "form", hidden: all.checked }, names.length > 0 && boxes.element, other.element);
  const element = h(
    "fieldset",
    { class: "form" },
    h("legend", null, label),
    h("label", { class: "check" }, all, h("span", null, say("groups.all"))),
    rest,
  );
  const value = () => (all.checked ? "all" : [...new Set([...boxes.value(), ...listed(other.input.value)])]);
  return { element, value };
}
