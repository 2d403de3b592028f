// What a day of a vehicle is told in: its sums, and a row for each trip, stop and silence.

import { h, icon } from "../../parts/dom.js";
import * as format from "../../words/format.js";
import { say } from "../../words/words.js";
import { momentButton } from "../timeline/lead.js";

/** @typedef {import("../../model/day.js").Leg} Leg */

const ICONS = /** @type {const} */ ({ trip: "corridor", stop: "pause", gap: "silence" });

/** @param {any} told as the server sums a day @param {format.Units} units */
export function sums(told, units) {
  const lasted = (/** @type {number} */ seconds) => format.lasted(seconds * 1000);
  return [
    [say("day.distance"), format.distance(told.distance_m, units)],
    [say("day.fastest"), format.speed(told.max_mps, units)],
    [say("day.driving"), lasted(told.driving_s)],
    [say("day.idling"), lasted(told.idle_s)],
    [say("day.stopped"), lasted(told.stopped_s)],
    [say("day.trips"), format.count(told.trips)],
  ].map(([label, value]) => h("div", null, h("dt", null, label), h("dd", null, value)));
}

/**
 * @param {import("../../app.js").App} app
 * @param {Leg} leg
 * @param {boolean} chosen
 * @param {() => void} choose
 */
export function row(app, leg, chosen, choose) {
  const { units, zone } = app.preferences.value;
  return h(
    "li",
    { data: { key: String(leg.from), kind: leg.kind } },
    h(
      "button",
      { type: "button", class: "leg", "aria-pressed": String(chosen), onclick: choose },
      icon(ICONS[leg.kind], 14),
      h("span", { class: "num when" }, `${format.clockShort(leg.from, zone)}–${format.clockShort(leg.until, zone)}`),
      h("span", { class: "what-leg" }, called(app, leg)),
      h("span", { class: "num muted" }, format.lasted(leg.until - leg.from)),
      leg.kind === "trip" &&
        h("small", { class: "num muted" }, say("leg.fastest", { speed: format.speed(leg.fastest, units) })),
      leg.corrected.length > 0 &&
        h(
          "small",
          { class: "corrected" },
          icon("edit", 12),
          say("leg.corrected", { by: [...new Set(leg.corrected.map((one) => one.by))].join(", ") }),
        ),
    ),
    momentButton(app, `${format.clockShort(leg.from, zone)} ${called(app, leg)}`, leg.from, {
      vehicle: app.state.value.vehicle,
      place: leg.places[0],
    }),
  );
}

/** In a few words. @param {import("../../app.js").App} app @param {Leg} leg */
export function called(app, leg) {
  if (leg.kind === "trip")
    return say("leg.trip", { distance: format.distance(leg.metres, app.preferences.value.units) });
  if (leg.kind === "gap") return say("leg.gap");
  const names = leg.regions.map(({ id, name }) => name ?? app.regionName(id));
  return names.length ? names.join(", ") : say("leg.stop", { place: format.place(leg.places[0][0], leg.places[0][1]) });
}
