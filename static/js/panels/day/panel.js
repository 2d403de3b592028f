// A vehicle's day: which day, what it sums to, its trips, stops and silences in order, and files of it. What is chosen
// of it lies on the map (map/route.js), with the fix that is pointed at told above it.

import { ApiError } from "../../net/api.js";
import { limits } from "../../net/grants.js";
import { story, track } from "../../net/history.js";
import { fill, h, icon, iconButton, text } from "../../parts/dom.js";
import { around, later, legs, way } from "../../model/day.js";
import { oneStop } from "../../parts/roving.js";
import * as format from "../../words/format.js";
import { say } from "../../words/words.js";
import { Correct } from "./correct.js";
import { Corrected } from "./corrected.js";
import { Downloads } from "./downloads.js";
import { row, sums } from "./rows.js";
import { Way } from "./way.js";

/** @typedef {import("../../model/day.js").Leg} Leg */

const FRESH_MS = 60_000; // how often today is asked for again

export class DayPanel {
  /**
   * @param {import("../../app.js").App} app
   * @param {HTMLElement} side
   * @param {import("../../page/alerts.js").Alerts} alerts
   */
  constructor(app, side, alerts) {
    this.app = app;
    this.told = false; // as it was told then, not as it is known now
    /** @type {any[]} what is known otherwise than it was told */ this.corrections = [];
    /** @type {Leg[]} */ this.legs = [];
    /** @type {any} */ this.sums = null;
    /** @type {{text: string, bad: boolean, again: boolean}|null} why there is nothing, or nothing newer */
    this.problem = null;
    this.loading = this.more = false;
    this.askedAt = 0;
    /** @type {AbortController|null} */ this.asking = null;
    /** @type {AbortController|null} */ this.following = null;
    this.title = h("h2", { class: "title", tabIndex: -1 });
    this.subtitle = h("span", null);
    this.date = h("input", { type: "date", class: "input", "aria-label": say("day.date"), min: "2000-01-01" });
    this.date.addEventListener("change", () => this.date.value && this.#go(this.date.value));
    const day = (/** @type {any} */ label, /** @type {number} */ back) =>
      h(
        "button",
        { type: "button", class: "button small", onclick: () => this.#go(later(this.#today(), back)) },
        label,
      );
    this.near = [day(say("day.today"), 0), day(say("day.yesterday"), -1)];
    this.next = iconButton("chevron", say("day.next"), () => this.#step(1));
    this.notices = h("div", { class: "form" });
    this.totals = h("dl", { class: "facts" });
    this.list = h("ol", { class: "legs", "aria-label": say("day.legs") });
    oneStop(this.list, "li");
    this.downloads = new Downloads(app);
    this.way = new Way(app);
    this.correct = new Correct(app, alerts, this);
    this.corrected = new Corrected(app, alerts, this);
    this.body = h(
      "div",
      { class: "detail-body", tabIndex: -1 },
      h("div", { class: "block" }, this.notices, this.totals),
      this.corrected.element,
      this.list,
      this.downloads.element,
    );
    this.element = h(
      "section",
      { class: "detail day", hidden: true, "aria-label": say("day.of") },
      h(
        "div",
        { class: "detail-head" },
        iconButton("back", say("day.back"), () => app.state.set({ day: null, leg: null })),
        h("div", null, this.title, h("div", { class: "subtitle num" }, this.subtitle)),
        iconButton("close", say("vehicle.close"), () => app.select(null)),
      ),
      h(
        "div",
        { class: "detail-actions" },
        iconButton("back", say("day.previous"), () => this.#step(-1)),
        this.date,
        this.next,
        h("div", { class: "near" }, this.near),
      ),
      this.way.element,
      this.correct.element,
      this.body,
    );
    side.appendChild(this.element);
    app.state.changed.on((now, before) => {
      if (now.vehicle !== before.vehicle || now.day !== before.day) this.#other();
      else if (now.leg !== before.leg) this.#choose(true);
      this.#reveal();
    });
    app.selected.on((how) => how.open === false && app.state.value.day && app.state.set({ day: null, leg: null }));
    app.preferences.changed.on((now, before) => {
      app.route.show({ units: now.units, zone: now.zone });
      if (now.zone !== before.zone) this.#other();
      else this.#render();
    });
    app.forgotten.on(() => this.#other());
    app.regranted.on(() => this.#other());
    app.ticked.on(() => this.#tick());
    document.addEventListener("visibilitychange", () => this.#back());
    app.route.show({ units: app.preferences.value.units, zone: app.preferences.value.zone });
    this.#other(app.state.value.map === null);
    this.#reveal();
  }

  #today() {
    return format.isoDay(this.app.now(), this.app.preferences.value.zone);
  }

  /** @param {string} day */
  #go(day) {
    this.app.state.set({ day, leg: null });
  }

  /** @param {number} days */
  #step(days) {
    this.#go(later(this.app.state.value.day ?? this.#today(), days));
  }

  #reveal() {
    const { vehicle, day, tab, region } = this.app.state.value;
    this.element.hidden = !(vehicle && day && tab === "vehicles" && !region);
  }

  /** Another vehicle, day or zone: nothing of the one before stays. @param {boolean} [fits] the map goes there */
  #other(fits = true) {
    const { vehicle, day } = this.app.state.value;
    this.asking?.abort();
    this.legs = [];
    this.sums = this.problem = null;
    this.loading = this.more = this.told = false;
    this.corrections = [];
    this.app.route.clear();
    this.app.overlay.past = Boolean(vehicle && day);
    this.app.map.stage.invalidate("trail");
    this.way.clear();
    this.correct.show(null);
    if (vehicle && day) this.#load(fits);
    this.#render();
  }

  /** When the day begins and ends. */
  span() {
    const { zone } = this.app.preferences.value;
    const from = format.dayBegin(this.app.state.value.day ?? this.#today(), zone);
    const tz = zone || Intl.DateTimeFormat().resolvedOptions().timeZone;
    return { from, until: format.endOfDay(from, zone), tz, ...this.#as() };
  }

  #as() {
    return this.told ? { as: "told" } : {};
  }

  /** Somebody corrected it, or shows it as it was before. */
  again() {
    this.#load(false);
  }

  /** @param {boolean} told */
  switchTo(told) {
    if (told === this.told) return;
    this.told = told;
    this.app.state.set({ leg: null });
    this.#load(false);
  }

  /** Others may have corrected it meanwhile. */
  #back() {
    const { day, vehicle } = this.app.state.value;
    const away = Date.now() - this.askedAt > FRESH_MS;
    if (document.visibilityState === "visible" && day && vehicle && away && !this.loading) this.#load(false);
  }

  #tick() {
    const { day, vehicle } = this.app.state.value;
    if (vehicle && day) text(this.title, this.app.vehicleName(vehicle)); // it may come on the map only now
    if (!day || this.loading || this.app.paused || this.element.hidden) return;
    if (day === this.#today() && Date.now() - this.askedAt > FRESH_MS && !this.problem) this.#load(false);
  }

  /** @param {boolean} fits */
  async #load(fits) {
    const { vehicle } = this.app.state.value;
    this.asking?.abort();
    const asking = new AbortController();
    this.asking = asking;
    this.askedAt = Date.now();
    this.loading = true;
    try {
      for await (const told of story(vehicle ?? "", this.span(), asking.signal)) {
        if (asking.signal.aborted) return;
        this.sums = told.sums;
        if (!this.told) this.corrections = told.sums.corrections ?? [];
        this.legs = legs(told.moved, told.stood);
        this.more = told.more;
        this.problem = null;
        if (this.more) this.#render();
      }
    } catch (error) {
      if (asking.signal.aborted) return;
      this.problem = this.#why(error);
      this.more = false;
      if (!(error instanceof ApiError) || error.status !== 0) {
        this.legs = [];
        this.sums = null;
      }
    }
    if (asking.signal.aborted) return;
    this.loading = false;
    this.#render();
    if (!this.problem) this.app.say(say("day.loaded", { n: this.legs.filter((one) => one.kind === "trip").length }));
    this.#choose(fits);
  }

  /** @param {any} error */
  #why(error) {
    const status = error instanceof ApiError ? error.status : -1;
    if (status === 404) return { text: say("day.refused"), bad: true, again: false };
    const away = status === 0 && this.sums !== null;
    const { zone } = this.app.preferences.value;
    const since = away ? say("day.old", { time: format.clockShort(this.app.now(), zone) }) : "";
    return { text: [error.message, since].filter(Boolean).join(" "), bad: status !== 0, again: status !== 422 };
  }

  #render() {
    const { app, sums: told } = this;
    const { vehicle, day, leg } = app.state.value;
    if (!vehicle || !day) return;
    const { units, zone } = app.preferences.value;
    const { from } = this.span();
    text(this.title, app.vehicleName(vehicle));
    text(
      this.subtitle,
      `${format.weekday(from, zone)} ${format.dayOf(from, app.now(), zone)} · ${format.zoneName(from, zone)}`,
    );
    const today = this.#today();
    this.date.value = day;
    this.date.max = today;
    this.next.disabled = day >= today;
    for (const [i, button] of this.near.entries())
      button.setAttribute("aria-pressed", String(day === later(today, -i)));
    this.body.setAttribute("aria-busy", String(this.loading));
    const empty = told && !this.legs.length && !this.more;
    fill(this.notices, this.#notes());
    this.notices.hidden = !this.notices.children.length;
    fill(this.totals, told && !empty && sums(told, units));
    this.totals.hidden = !told || empty;
    this.corrected.show(this.corrections);
    fill(
      this.list,
      this.legs.map((one) =>
        row(app, one, one.from === leg, () =>
          app.state.set({ leg: one.from === app.state.value.leg ? null : one.from }),
        ),
      ),
    );
    this.list.hidden = !this.legs.length;
    this.downloads.element.hidden = !told || empty;
    this.downloads.show(vehicle, this.span());
    const stops = this.legs.filter((one) => one.kind === "stop");
    app.route.show({ stops: stops.map((one) => one.places[0]) });
  }

  /** What there is to say of what is told, or of why nothing is. */
  #notes() {
    const { app } = this;
    const note = (
      /** @type {any} */ what,
      kind = "",
      glyph = /** @type {any} */ ("info"),
      /** @type {any} */ more = null,
    ) => h("p", { class: `notice ${kind}` }, icon(glyph, 14), h("span", null, what, more));
    const again = h("button", { type: "button", class: "link", onclick: () => this.#load(false) }, say("day.again"));
    const notes = [];
    const { problem, sums: told } = this;
    if (problem) notes.push(note(problem.text, problem.bad ? "bad" : "warn", "warn", problem.again && [" ", again]));
    else if (!told) notes.push(note(say("vehicle.loading"), "", "clock"));
    else if (!this.legs.length) notes.push(note(say("day.empty")));
    if (this.more) notes.push(note(say("day.more"), "", "clock"));
    if (!told) return notes;
    const { day } = app.state.value;
    const { units, zone } = app.preferences.value;
    if (this.legs.length && day === this.#today())
      notes.push(note(say("day.until", { time: format.clockShort(this.legs.at(-1)?.until ?? 0, zone) }), "", "clock"));
    if (told.silent_s > 0)
      notes.push(note(say("day.silent", { time: format.lasted(told.silent_s * 1000) }), "", "silence"));
    const group = app.fleet.byId.get(app.state.value.vehicle ?? "")?.group ?? null;
    const { regions, coarse_m } = limits(app.who.grants, group);
    if (regions) notes.push(note(say("day.limited")));
    if (coarse_m) notes.push(note(say("day.coarse", { distance: format.distance(coarse_m, units) })));
    return notes;
  }

  /** What is chosen of it. @param {boolean} fits the map goes there */
  async #choose(fits) {
    const { app } = this;
    const { leg, vehicle } = app.state.value;
    this.following?.abort();
    const chosen = this.legs.find((one) => one.from === leg) ?? null;
    for (const item of this.list.children)
      item.firstElementChild?.setAttribute("aria-pressed", String(item.getAttribute("data-key") === String(leg)));
    app.route.show({ fixes: [], stop: chosen?.kind === "stop" ? chosen.places[0] : null });
    this.way.show(chosen);
    this.correct.show(chosen);
    if (!chosen || !vehicle) return;
    if (app.state.value.track) app.state.set({ track: false });
    if (fits) app.map.fit(around(chosen.places), { maxZoom: chosen.kind === "stop" ? 16 : 15 });
    if (chosen.kind === "gap") {
      const [[lat, lon], [toLat, toLon]] = chosen.places;
      const end = { speed: null, gap: true };
      const ends = [
        { ...end, time: chosen.from, lat, lon },
        { ...end, time: chosen.until, lat: toLat, lon: toLon },
      ];
      app.route.show({ fixes: ends });
    }
    if (chosen.kind !== "trip") return;
    const following = new AbortController();
    this.following = following;
    try {
      const span = { from: chosen.from, until: chosen.until + 1, ...this.#as() };
      for await (const positions of track(vehicle, span, following.signal)) {
        if (following.signal.aborted) return;
        const fixes = way(positions);
        app.route.show({ fixes });
        this.way.loaded();
        if (fits && fixes.length) app.map.fit(around(fixes.map((fix) => [fix.lat, fix.lon])));
      }
    } catch (error) {
      if (!following.signal.aborted) this.way.failed(/** @type {Error} */ (error).message, () => this.#choose(false));
    }
  }
}
