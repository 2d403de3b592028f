// The verb of whatever names a time (an event, a trip, a stop, a visit, a place on a strip): show that moment. And the
// buttons that do.

import { happened } from "../../model/past/moment.js";
import { Signal } from "../../model/signal.js";
import { h, iconButton, text } from "../../parts/dom.js";
import { say } from "../../words/words.js";

const SOON_MS = 1000; // clocks are no better

/** @type {Signal<[time: number]>} somebody wants to see what is still to come */
export const ahead = new Signal();

/**
 * @typedef {object} Where
 * @property {string|null} [vehicle] is selected
 * @property {string|null} [region] is pointed out
 * @property {import("../../words/phrases.js").Event} [event] what happened then: told, and gone to
 * @property {number[]|null} [place] [lat, lon], seen on the map
 * @property {boolean} [along] one of many small steps
 */

/**
 * Show a moment: one step of the browser's history, whatever it changes.
 * @param {import("../../app.js").App} app @param {number} time ms @param {Where} [where]
 */
export function showMoment(app, time, { vehicle = null, region = null, event, place = null, along = false } = {}) {
  if (!Number.isFinite(time)) return;
  if (time > app.newest() + SOON_MS) return ahead.tell(time);
  app.address.together(() => {
    if (vehicle !== null && vehicle !== app.state.value.vehicle && app.fleet.byId.has(vehicle)) app.select(vehicle);
    if (event) return app.past.choose({ time, event });
    app.past.pause(false);
    app.past.go(happened(time), { along });
    if (region !== null) app.regions.flash(region);
    if (place && !app.state.value.track) {
      if (!along) app.address.leave();
      app.map.reveal(place[0], place[1]);
    }
  });
}

/** A time that leads to its moment. @param {import("../../app.js").App} app @param {string|Node} words
 * @param {string} what @param {number} time @param {Where} [where] */
export const momentLink = (app, words, what, time, where) =>
  h(
    "button",
    {
      type: "button",
      class: "moment",
      title: say("past.here.of", { what }),
      onclick: () => showMoment(app, time, where),
    },
    words,
  );

/** How long a vehicle has been in a region; leads to when it came in. `tellSince` says it.
 * @param {import("../../app.js").App} app @param {string} vehicle @param {string} region */
export const sinceLink = (app, vehicle, region) =>
  h("button", {
    type: "button",
    class: "moment num muted",
    hidden: true,
    title: say("past.here.of", {
      what: say("event.enter", { vehicle: app.vehicleName(vehicle), region: app.regionName(region), detail: "" }),
    }),
    onclick: () => showMoment(app, app.fleet.byId.get(vehicle)?.regions.get(region) || NaN, { vehicle, region }),
  });

/** @param {Element|null} node @param {string} words @param {boolean} known since when */
export function tellSince(node, words, known) {
  const link = /** @type {HTMLButtonElement} */ (node);
  text(link, words);
  link.hidden = !words;
  link.disabled = !known;
}

/**
 * A time that leads to its moment, without words.
 * @param {import("../../app.js").App} app @param {string} what @param {number} time @param {Where} [where]
 * @param {import("../../parts/dom.js").IconName} [glyph]
 */
export const momentButton = (app, what, time, where, glyph = "clock") =>
  iconButton(glyph, say("past.here.of", { what }), () => showMoment(app, time, where), { class: "icon-button tiny" });
