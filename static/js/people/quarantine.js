// Vehicles nobody knows: what they send is kept apart until somebody lets them in, or turns them away.

import { call } from "../net/api.js";
import { confirm } from "../parts/dialog.js";
import { h } from "../parts/dom.js";
import { formDialog, textField } from "../parts/form.js";
import { age, full, place } from "../words/format.js";
import { say } from "../words/words.js";
import { Listing, card } from "./listing.js";

/**
 * @typedef {object} Stranger
 * @property {string} vehicle
 * @property {boolean} refused
 * @property {string} first_at
 * @property {string} last_at
 * @property {number} fixes
 * @property {{time: string, lat: number, lon: number}|null} position
 * @property {string|null} address
 * @property {string|null} token
 * @property {string|null} token_name
 */

/** @param {string} vehicle */
const at = (vehicle) => `quarantine/${encodeURIComponent(vehicle)}`;

/** @param {Pick<import("./main.js").Desk, "zone"|"done">} desk */
export function quarantine(desk) {
  /** @type {Listing<Stranger>} */
  const list = new Listing({
    path: "quarantine",
    key: "quarantine",
    head: [h("p", null, say("quarantine.more"))],
    empty: () => [h("strong", null, say("quarantine.none")), h("span", null, say("quarantine.none.more"))],
    row: (one) =>
      card(one.vehicle, {
        title: one.vehicle,
        subs: [came(one), from(one)],
        tags: [one.refused && say("quarantine.refused")],
        open: () => open(one),
      }),
  });

  /** @param {Stranger} one */
  function open(one) {
    const name = textField(say("vehicle.name"), { name: "name", maxLength: 200 }, say("quarantine.name.more"));
    const group = textField(say("vehicle.group"), { name: "group", maxLength: 100 });
    const facts = /** @type {[string, any][]} */ ([
      [say("quarantine.first"), full(Date.parse(one.first_at), desk.zone)],
      [say("quarantine.came"), came(one)],
      [say("quarantine.by"), from(one)],
      [say("quarantine.place"), one.position ? onMap(one.position) : "–"],
    ]);
    formDialog(one.vehicle, {
      fields: [
        h(
          "dl",
          { class: "changes" },
          facts.map(([key, value]) => [h("dt", null, key), h("dd", null, value)]),
        ),
        name.element,
        group.element,
      ],
      action: say("quarantine.admit"),
      send: async () => {
        const said = { name: name.input.value.trim(), group: group.input.value.trim() };
        const body = Object.fromEntries(Object.entries(said).filter(([, words]) => words));
        await call("POST", `${at(one.vehicle)}/admit`, { body });
        return done("quarantine.admitted", one);
      },
      others: [
        one.refused
          ? { label: say("quarantine.forget"), run: () => forget(one) }
          : { label: say("quarantine.refuse"), danger: true, run: () => refuse(one) },
      ],
    });
  }

  /** @param {"quarantine.admitted"|"quarantine.turned"|"quarantine.forgotten"} words @param {Stranger} one */
  const done = (words, one) => () => list.load("").then(() => desk.done(say(words, { name: one.vehicle })));

  /** @param {Stranger} one */
  async function refuse(one) {
    const asked = say("quarantine.refuse.of", { name: one.vehicle });
    if (!(await confirm(asked, say("quarantine.refuse.more"), say("quarantine.refuse"), say("cancel")))) return false;
    await call("DELETE", at(one.vehicle));
    return done("quarantine.turned", one);
  }

  /** @param {Stranger} one */
  async function forget(one) {
    await call("DELETE", at(one.vehicle), { query: { forget: "true" } });
    return done("quarantine.forgotten", one);
  }

  return list;
}

/** @param {Stranger} one */
const came = (one) => say("quarantine.fixes", { n: one.fixes, age: age(Date.now() - Date.parse(one.last_at)) });

/** @param {Stranger} one */
const from = (one) =>
  one.token
    ? say("quarantine.token", { address: one.address ?? "–", token: one.token_name || one.token })
    : say("quarantine.address", { address: one.address ?? "–" });

/** @param {{lat: number, lon: number}} there */
const onMap = ({ lat, lon }) => h("a", { class: "link", href: `./#map=16/${lat}/${lon}` }, place(lat, lon));
