// What is chosen of a day, above its list: the colours of its speeds, and a slider for those who cannot point at the
// map.

import { bands } from "../../model/day.js";
import { fill, h, iconButton, refill, text } from "../../parts/dom.js";
import * as format from "../../words/format.js";
import { say } from "../../words/words.js";
import { momentLink } from "../timeline/lead.js";
import { called } from "./rows.js";

export class Way {
  /** @param {import("../../app.js").App} app */
  constructor(app) {
    this.app = app;
    /** @type {import("../../model/day.js").Leg|null} */ this.leg = null;
    this.name = h("strong", null);
    this.legend = h("ul", { class: "speeds num", "aria-label": say("leg.legend") });
    this.along = h("input", { type: "range", min: "0", step: "1", "aria-label": say("leg.along") });
    this.along.addEventListener("input", () => app.route.point(Number(this.along.value)));
    this.told = h("output", { class: "num" });
    this.here = iconButton("clock", say("past.here"), () => this.#lead(), { class: "icon-button tiny", hidden: true });
    this.element = h(
      "div",
      { class: "way", hidden: true },
      h("div", { class: "way-head" }, this.name, this.told, this.here),
      this.along,
      this.legend,
    );
    app.route.pointing.on((index) => this.#pointed(index));
    app.preferences.changed.on(() => this.leg && this.show(this.leg));
  }

  clear() {
    this.show(null);
  }

  /** @param {import("../../model/day.js").Leg|null} leg */
  show(leg) {
    const { zone } = this.app.preferences.value;
    this.leg = leg;
    this.element.hidden = !leg;
    if (!leg) return;
    const words = called(this.app, leg);
    const end = (/** @type {number} */ time, /** @type {number[]} */ place) => {
      const clock = format.clockShort(time, zone);
      const { vehicle } = this.app.state.value;
      return momentLink(this.app, clock, `${clock} ${words}`, time, { vehicle, place });
    };
    const [first, last] = [leg.places[0], leg.places[leg.places.length - 1]];
    refill(
      this.name,
      `${leg.from} ${leg.until} ${zone} ${words}`,
      end(leg.from, first),
      "–",
      end(leg.until, last),
      ` · ${words}`,
    );
    const moved = leg.kind === "trip";
    this.along.hidden = this.legend.hidden = !moved;
    if (moved && !this.app.route.fixes.length) text(this.told, say("leg.loading"));
    else this.#pointed(this.app.route.pointed);
    this.#colors();
  }

  loaded() {
    const { fixes } = this.app.route;
    this.along.max = String(Math.max(0, fixes.length - 1));
    this.along.disabled = fixes.length < 2;
    if (fixes.length) this.#pointed(this.app.route.pointed);
    else text(this.told, say("leg.none"));
  }

  /** @param {string} why @param {() => void} again */
  failed(why, again) {
    fill(this.told, why, " ", h("button", { type: "button", class: "link", onclick: again }, say("day.again")));
  }

  /** To the moment of the fix that is pointed at. */
  #lead() {
    const { route, state } = this.app;
    const fix = route.fixes[route.pointed];
    if (fix) this.app.showMoment(fix.time, { vehicle: state.value.vehicle, place: [fix.lat, fix.lon] });
  }

  /** @param {number} index */
  #pointed(index) {
    const { route } = this.app;
    const said =
      index >= 0 && route.fixes[index] ? route.said(index) : this.leg?.kind === "trip" ? say("leg.hint") : "";
    text(this.told, said);
    const there = index >= 0 && Boolean(route.fixes[index]);
    this.here.hidden = !there;
    if (there) this.here.setAttribute("aria-label", say("past.here.of", { what: said }));
    this.along.value = String(Math.max(0, index));
    this.along.setAttribute("aria-valuetext", said);
  }

  /** "under 10", "10–30", …, "over 80 km/h". */
  #colors() {
    const { units } = this.app.preferences.value;
    const ends = bands(units).map(({ value }) => value);
    const names = [
      say("leg.under", { n: ends[0] }),
      ...ends.slice(1).map((end, i) => `${ends[i]}–${end}`),
      say("leg.over", { n: ends[ends.length - 1], unit: format.speedUnit(units) }),
    ];
    fill(
      this.legend,
      names.map((name, i) => h("li", { data: { band: String(i) } }, h("i", null), name)),
    );
  }
}
