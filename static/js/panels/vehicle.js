// One vehicle in full: state with its timer, regions with dwell timers, today's strip, the register, the raw last ping.

import { ApiError, get, vehiclePath } from "../net/api.js";
import { track } from "../net/history.js";
import { fill, h, icon, iconButton, text } from "../parts/dom.js";
import { status } from "../model/status.js";
import * as format from "../words/format.js";
import { copyLink } from "../page/keys.js";
import { askReport } from "../page/reports.js";
import { halted } from "./vehicles.js";
import { colorOf } from "../map/regions.js";
import { oneStop } from "../parts/roving.js";
import { glyphIcon } from "../map/sprites.js";
import { Payloads } from "../connect/payloads.js";
import { Register } from "./register.js";
import { sinceLink, tellSince } from "./timeline/lead.js";
import { DayStrip } from "./day/today.js";
import { Track } from "../model/past/track.js";
import { STATES } from "../wire.js";
import { say } from "../words/words.js";

const FRESH_MS = 5000; // how often an open panel asks the server again

export class VehiclePanel {
  /**
   * @param {import("../app.js").App} app
   * @param {HTMLElement} side
   * @param {import("../page/alerts.js").Alerts} alerts
   */
  constructor(app, side, alerts) {
    this.app = app;
    this.alerts = alerts;
    /** @type {any} the server's own answer */ this.told = null;
    this.today = new Track();
    this.askedAt = 0;
    this.days = "";
    this.open = false;
    this.problem = "";
    const at = {
      glyph: h("canvas", null),
      state: h("span", null),
      speed: h("dd", null),
      heading: h("dd", null),
      age: h("dd", null),
      heard: h("dd", null),
    };
    this.at = at;
    this.title = h("h2", { class: "title", tabIndex: -1 });
    this.track = h(
      "button",
      { type: "button", class: "button small", onclick: () => app.state.set({ track: !app.state.value.track }) },
      icon("target", 14),
      say("vehicle.follow"),
    );
    this.notices = h("div", { class: "form" });
    this.regions = h("ul", { class: "line-list" });
    oneStop(this.regions, "li");
    this.strip = new DayStrip(app);
    this.dayName = h("h3", null, say("vehicle.today"));
    this.register = new Register(app, this);
    this.payloads = new Payloads(app);
    this.raw = h("pre", { class: "raw", tabIndex: 0 });
    this.element = h(
      "section",
      { class: "detail", hidden: true, "aria-label": say("vehicle") },
      h(
        "div",
        { class: "detail-head" },
        iconButton("back", say("vehicle.back"), () => this.close()),
        h("div", null, this.title, h("div", { class: "subtitle num" }, at.glyph, at.state)),
        iconButton("close", say("vehicle.close"), () => app.select(null)),
      ),
      h(
        "div",
        { class: "detail-actions" },
        this.track,
        h(
          "button",
          { type: "button", class: "button small", onclick: () => this.#centre() },
          icon("pin", 14),
          say("show"),
        ),
        h(
          "button",
          {
            type: "button",
            class: "button small of-server",
            onclick: () => app.state.set({ day: this.#lastDay(), leg: null }),
          },
          icon("history", 14),
          say("vehicle.day"),
        ),
        h(
          "button",
          {
            type: "button",
            class: "button small",
            onclick: () => app.state.set({ about: `vehicle:${app.state.value.vehicle}` }),
          },
          icon("list", 14),
          say("page.events"),
        ),
        h(
          "button",
          {
            type: "button",
            class: "button small of-server",
            onclick: () => alerts.mute(`vehicle:${app.state.value.vehicle}`, 15),
          },
          icon("mute", 14),
          say("mute.15"),
        ),
        h(
          "button",
          { type: "button", class: "button small", onclick: () => copyLink(app, alerts) },
          icon("copy", 14),
          say("vehicle.link"),
        ),
        h(
          "button",
          {
            type: "button",
            class: "button small of-server",
            onclick: () => askReport(app, String(app.state.value.vehicle)),
          },
          icon("report", 14),
          say("report.title"),
        ),
      ),
      h(
        "div",
        { class: "detail-body", tabIndex: -1 },
        h(
          "div",
          { class: "block" },
          h("p", { class: "past-card muted" }, say("past.card")),
          this.notices,
          h(
            "dl",
            { class: "facts" },
            fact(say("vehicle.speed"), at.speed),
            fact(say("vehicle.heading"), at.heading),
            fact(say("vehicle.fix"), at.age),
            fact(say("vehicle.heard"), at.heard),
          ),
        ),
        h("div", { class: "block of-server" }, h("h3", null, say("page.regions")), this.regions),
        h("div", { class: "block of-server" }, this.dayName, this.strip.element),
        h("div", { class: "block" }, this.register.element),
        h("div", { class: "block of-server" }, h("details", null, h("summary", null, say("vehicle.raw")), this.raw)),
        this.payloads.element,
      ),
    );
    side.appendChild(this.element);
    app.selected.on((how) => this.#selected(how));
    app.state.changed.on((now, before) => {
      if (now.vehicle !== before.vehicle) this.#other();
      if (now.vehicle === null || (now.region && !before.region) || now.tab !== before.tab)
        this.#reveal(now.vehicle !== null && this.open && now.tab === "vehicles" && !now.region);
      if (now.track !== before.track) this.#live();
    });
    app.heard.on((message) => message.op === "snapshot" && app.state.value.vehicle && this.#ask());
    app.ticked.on(() => this.#tick());
    app.corrected.on(() => this.#track());
    app.forgotten.on(() => this.#other()); // all of it may be told otherwise
    this.open = app.state.value.vehicle !== null;
    if (this.open) this.#other();
    this.#selected({});
  }

  /** @param {{open?: boolean, focus?: boolean}} how */
  #selected(how) {
    if (how.open !== undefined) this.open = how.open;
    this.#reveal(this.open && this.app.state.value.vehicle !== null && this.app.state.value.tab === "vehicles");
  }

  /** @param {boolean} yes */
  #reveal(yes) {
    if (this.element.hidden === !yes) return;
    this.element.hidden = !yes;
    if (yes) this.#live();
  }

  close() {
    this.open = false;
    this.#reveal(false);
  }

  #other() {
    this.told = null;
    this.today = new Track();
    this.days = "";
    this.register.clear();
    this.payloads.clear();
    this.problem = "";
    this.askedAt = 0;
    if (this.app.state.value.vehicle) {
      this.#ask();
      this.#track();
    }
    this.#live();
    this.#slow();
  }

  /** What only the server knows: register, entered times, the raw ping. */
  async #ask() {
    const id = this.app.state.value.vehicle;
    if (!id) return;
    this.askedAt = Date.now();
    const { signal } = this.app.asking;
    try {
      // What is not on the map may not exist: asked for so that this is an answer, not an error.
      const told = this.app.fleet.byId.has(id) ? await get(vehiclePath(id), {}, signal) : await this.#sought(id);
      if (!told) throw new ApiError(404, null);
      if (id !== this.app.state.value.vehicle) return;
      this.told = told;
      if (this.days === "") this.#track();
      const v = this.app.fleet.byId.get(id);
      if (v && told.position) v.accuracy = told.position.accuracy_m ?? -1;
      this.app.fleet.entered(told);
      this.problem = "";
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) {
        this.problem = say("vehicle.unknown");
        this.askedAt = Infinity; // until it is on the map
      }
    }
    this.#slow();
    this.#live();
  }

  /** @param {string} id */
  async #sought(id) {
    const { vehicles } = await get("vehicles", { q: id, limit: 1000 }, this.app.asking.signal);
    return vehicles.find((/** @type {any} */ one) => one.vehicle === id) ?? null;
  }

  /** Today's pings, for the strip; the last half hour of them is the trail. */
  async #track() {
    const id = this.app.state.value.vehicle;
    const { zone } = this.app.preferences.value;
    if (!id || !(this.told || this.app.fleet.byId.has(id))) return; // perhaps there is none
    /** @type {any[]} */ let positions = [];
    const { signal } = this.app.asking;
    try {
      this.days = this.#days();
      const from = this.#dayStart();
      this.dayStart = from;
      const today = from === format.startOfDay(this.app.now(), zone);
      text(this.dayName, today ? say("vehicle.today") : format.day(from, zone));
      for await (const told of track(id, { from, until: format.endOfDay(from, zone) }, signal)) {
        if (id !== this.app.state.value.vehicle) return;
        positions = told;
      }
    } catch {
      return; // a vehicle without history has none to show
    }
    this.today.read(positions);
    this.app.overlay.trail = this.today.trail;
    this.app.map.stage.invalidate("trail");
    this.#slow();
  }

  /** It as it is now, whatever moment the map shows. */
  #now() {
    return this.app.fleet.byId.get(this.app.state.value.vehicle ?? "") ?? null;
  }

  /** When the day shown began: a recording of long ago has its own. */
  #dayStart() {
    const { zone } = this.app.preferences.value;
    const today = format.startOfDay(this.app.now(), zone);
    const v = this.#now();
    return v && v.time < today ? format.startOfDay(v.time, zone) : today;
  }

  /** Today, or the day of its last fix. */
  #lastDay() {
    return format.isoDay(this.#dayStart(), this.app.preferences.value.zone);
  }

  /** The day shown and the day it is. */
  #days() {
    return `${this.#dayStart()} ${format.startOfDay(this.app.now(), this.app.preferences.value.zone)}`;
  }

  #tick() {
    const v = this.#now();
    if (v && this.days !== this.#days()) this.#track(); // it came only now, it is midnight, or another zone
    if (v && this.today.add(v)) {
      this.app.overlay.trail = this.today.trail;
      this.app.map.stage.invalidate("trail");
    }
    if (this.element.hidden) return;
    if (Date.now() - this.askedAt > FRESH_MS || (v && !Number.isFinite(this.askedAt))) this.#ask();
    this.#live();
  }

  /** What changes every second. */
  #live() {
    const { app, at } = this;
    const id = app.state.value.vehicle;
    const v = id ? app.fleet.byId.get(id) : null;
    const now = app.now();
    const { units, zone } = app.preferences.value;
    text(this.title, v?.name ?? this.told?.name ?? id ?? "");
    this.track.setAttribute("aria-pressed", String(app.state.value.track));
    if (!v) {
      text(at.state, id ? this.problem || say(app.fleet.ready ? "vehicle.absent" : "vehicle.loading") : "");
      for (const node of [at.speed, at.heading, at.age, at.heard, this.notices, this.regions]) fill(node);
      for (const node of [this.notices, this.regions])
        for (const key of ["mark", "key", "none"]) delete node.dataset[key];
      return;
    }
    const s = status(v);
    glyphIcon(at.glyph, s, v.state, v.heading);
    const state = say(`state.${halted(v, units) ? "halted" : s}`);
    const said = halted(v, units)
      ? state
      : s === "stale" && STATES[v.state] !== "unknown"
        ? say("vehicle.was", { state, before: say(`status.${STATES[v.state]}`) })
        : v.since
          ? say("vehicle.for", { state, time: format.timer(now - v.since) })
          : state;
    text(at.state, [said, v.plate].filter(Boolean).join(" · "));
    text(at.speed, format.speed(v.speed, units));
    text(at.heading, format.heading(v.heading));
    fill(
      at.age,
      say("ago", { age: format.age(now - v.time) }),
      h(
        "small",
        { title: format.full(v.time, zone) },
        format.when(v.time, now, zone),
        ` ${format.zoneName(v.time, zone)}`,
      ),
    );
    fill(
      at.heard,
      say("ago", { age: format.age(now - v.heard) }),
      h(
        "small",
        null,
        v.accuracy >= 0
          ? say("vehicle.accurate", { distance: format.distance(v.accuracy, units) })
          : format.when(v.heard, now, zone),
      ),
    );
    const held = v.held || this.told?.held;
    const apart = v.heard - v.time > 300_000;
    const beyond = format.offMap(v.lat);
    this.notices.hidden = !held && !apart && !beyond;
    const marks = `${beyond}${Boolean(held)}${apart}${this.told?.held?.time ?? ""}`;
    if (this.notices.dataset.mark !== marks) {
      this.notices.dataset.mark = marks;
      fill(
        this.notices,
        beyond && h("p", { class: "notice" }, icon("info", 14), h("span", null, beyond)),
        held &&
          h(
            "p",
            { class: "notice warn" },
            icon("warn", 14),
            h(
              "span",
              null,
              this.told?.held
                ? say("vehicle.held.at", { place: format.place(this.told.held.lat, this.told.held.lon) })
                : say("vehicle.held"),
            ),
          ),
        apart &&
          h(
            "p",
            { class: "notice" },
            icon("clock", 14),
            h("span", null, say("vehicle.late", { time: format.spoken(v.heard - v.time) })),
          ),
      );
    }
    const inside = app.insideOf(v);
    if (!inside.length) {
      if (this.regions.children.length !== 1 || !this.regions.dataset.none) {
        fill(this.regions, h("li", { class: "muted" }, say("vehicle.nowhere")));
        this.regions.dataset.none = "1";
        this.regions.dataset.key = "";
      }
    } else {
      delete this.regions.dataset.none;
      const key = inside.map(([region]) => region).join("\0");
      if (this.regions.dataset.key !== key || this.regions.children.length !== inside.length) {
        fill(
          this.regions,
          inside.map(([region]) =>
            h(
              "li",
              null,
              swatch(app.fleet.regions.get(region)),
              h(
                "button",
                { type: "button", class: "link grow", onclick: () => app.state.set({ region, tab: "regions" }) },
                app.regionName(region),
              ),
              sinceLink(app, v.id, region),
            ),
          ),
        );
      }
      for (const [i, [, since]] of inside.entries())
        tellSince(this.regions.children[i].lastElementChild, since ? format.timer(now - since) : "", Boolean(since));
      this.regions.dataset.key = key;
    }
  }

  /** What changes when the server is asked. */
  #slow() {
    const { told } = this;
    this.strip.show(this.today.points, this.dayStart ?? 0);
    text(this.raw, told ? JSON.stringify(told.position ?? told, null, 1) : "…");
    this.register.render();
  }

  /** The register says something else. */
  changed() {
    this.#slow();
  }

  #centre() {
    const v = this.#now();
    if (!v) return;
    this.app.address.leave();
    this.app.map.go(v.lat, v.lon, Math.max(15, this.app.map.camera().zoom));
  }
}

/** @param {string} label @param {HTMLElement} value */
const fact = (label, value) => h("div", null, h("dt", null, label), value);

/** @param {any} feature */
export function swatch(feature) {
  const node = h("span", { class: "swatch" });
  if (feature) node.style.setProperty("--swatch", colorOf(feature));
  return node;
}
