// What everything on the page shares: the model, the reader's choices, the map, and the few verbs between them.

import { Address } from "./page/address.js";
import { Connection } from "./net/connection.js";
import { steady } from "./net/clock.js";
import { Deeds } from "./model/deeds.js";
import { $, text } from "./parts/dom.js";
import { Backlog } from "./model/backlog.js";
import { Fleet } from "./model/fleet.js";
import { Resume } from "./model/resume.js";
import { tally } from "./model/status.js";
import { extent } from "./model/extent.js";
import { Journal } from "./model/events.js";
import { Decided } from "./panels/why/decided.js";
import { FleetMap } from "./map/map.js";
import { NoMap } from "./map/no_map.js";
import { Marks } from "./map/marks.js";
import { Picture } from "./map/picture.js";
import { Past } from "./panels/timeline/past.js";
import { showMoment } from "./panels/timeline/lead.js";
import { EventsPane } from "./panels/rail.js";
import { Route } from "./map/route.js";
import { readLink } from "./model/choices.js";
import { preferences } from "./model/preferences.js";
import { Store } from "./model/signal.js";
import { Signal } from "./model/signal.js";
import { ANYBODY } from "./net/who.js";
import { follow } from "./wire.js";
import { say } from "./words/words.js";

/** @typedef {import("./model/fleet.js").Vehicle} Vehicle */

export class App {
  /**
   * @param {any} info what the server says of itself: GET /api/v1/page
   * @param {import("./net/who.js").Who} [who] reads this
   */
  constructor(info, who = ANYBODY) {
    this.info = info;
    this.who = who;
    this.preferences = preferences();
    this.state = new Store(readLink(location.hash));
    this.fleet = new Fleet();
    /** @type {Fleet|import("./model/past/fleet.js").PastFleet} what the map shows: that, or it as it was */
    this.shown = this.fleet;
    /** @type {import("./panels/timeline/recorded.js").Recording|null} a file that is shown, and no server */
    this.recording = null;
    this.journal = new Journal();
    this.map = aMap($("#map"), this.state.value.map);
    this.picture = new Picture(this.map.stage, this.fleet);
    this.regions = this.picture.regions;
    this.vehicles = this.picture.vehicles;
    this.overlay = this.picture.overlay;
    /** @type {string|null} the vehicle a pointer is on */ this.pointed = null;
    /** @type {Picture|null} of another moment, in the other part of the map */ this.beside = null;
    this.marks = new Marks(this.map.stage);
    this.route = new Route(this.map.stage);
    this.pane = new EventsPane(this);
    this.backlog = new Backlog();
    this.deeds = new Deeds();
    this.paused = false;
    this.resume = new Resume();
    /** @type {Signal<[one: any]>} a correction was made here, or taken back */ this.corrected = new Signal();
    /** @type {Signal<[message: any]>} a message of the channel, once it is applied */ this.heard = new Signal();
    /** @type {Signal<[]>} a second has passed */ this.ticked = new Signal();
    /** @type {Signal<[how: {open?: boolean, focus?: boolean}]>} somebody chose a vehicle, or none */
    this.selected = new Signal();
    /** @type {Signal<[]>} the connection is another, or its words may be */ this.statusChanged = new Signal();
    /** @type {Signal<[]>} the server's clock was measured */ this.measured = new Signal();
    /** @type {Signal<[]>} no WebSocket passes, though HTTP does */ this.blocked = new Signal();
    /** @type {Signal<[events: number]>} what happened during a break is here */ this.resumed = new Signal();
    /** @type {Signal<[]>} what the reader may see or do is another: see `who` */ this.regranted = new Signal();
    /** @type {Signal<[groups: boolean]>} something may not be seen any more: whatever is kept of it goes. `groups`:
     * that was decided about the reader, and not about a region or a vehicle */
    this.forgotten = new Signal();
    /** what is asked until then: an answer of before may say it again */ this.asking = new AbortController();
    /** @type {Vehicle[]|null} */ this.filter = null;
    this.frameToPaint = 0;
    this.fitted = this.state.value.map !== null;
    this.address = new Address(this.state, this.map);
    this.address.followed.on((vehicle) => this.selected.tell({ open: vehicle !== null }));
    this.say = (/** @type {string} */ words, urgent = false) => text($(urgent ? "#say-now" : "#say"), words);
    this.connection = new Connection({
      wish: (cursor) => this.wish(cursor),
      message: (message) => this.receive(message),
      status: () => this.#status(),
      blocked: () => this.blocked.tell(),
      clock: (server, began, ended) => {
        this.fleet.measured(server, began, ended);
        this.measured.tell();
      },
      slept: (ms) => {
        this.fleet.slept(ms);
        this.tickNow();
      },
    });
    this.past = new Past(this);
    this.decided = new Decided(this);
    this.map.stage.framing.on((now) => this.#beforeFrame(now));
    this.state.changed.on((now, before) => this.#chose(now, before));
    setInterval(() => this.#tick(), 1000);
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    const still = () => {
      this.fleet.motion.still = this.overlay.calm = calm.matches;
      if (calm.matches) this.fleet.motion.settle();
    };
    calm.addEventListener("change", still);
    still();
  }

  /** What is asked of the server. @param {string|null} cursor */
  wish(cursor) {
    const { regions, vehicle } = this.state.value;
    return follow({ regions, vehicles: regions && vehicle ? [vehicle] : [], resume: cursor });
  }

  /** One message of the channel. @param {any} message */
  receive(message) {
    if (this.paused && (message.op === "update" || message.op === "snapshot")) {
      this.backlog.add(message, steady());
      this.frameToPaint = Math.max(this.frameToPaint, message.frame ?? 0);
      this.connection.painted(this.frameToPaint);
      return;
    }
    this.#apply(message);
  }

  /** @param {any} message @param {number} [clock] when it was heard */
  #apply(message, clock = steady()) {
    const frame = performance.now();
    const { fleet, map } = this;
    const brought = this.resume.read(message);
    const regionsBefore = fleet.regionVersion;
    if (message.op === "welcome") {
      fleet.welcome(message, clock);
      this.measured.tell();
      this.frameToPaint = 0;
    } else if (message.op === "snapshot") fleet.snapshot(message, clock, frame);
    else if (message.op === "update") fleet.update(message, clock, frame);
    else if (message.op === "counts") fleet.counts(message);
    if (message.left || message.new) this.#selectedAgain();
    if (fleet.regionVersion !== regionsBefore) this.regions.refresh();
    if (message.op === "snapshot" && (message.part ?? 1) >= (message.parts ?? 1)) {
      this.#selectedAgain();
      this.tickNow();
    }
    // The first vehicles there are, whatever the list is filtered by meanwhile.
    if (!this.fitted && fleet.ready && fleet.byId.size) this.fitFleet(false, [...fleet.byId.values()]);
    this.heard.tell(message);
    if (brought !== null) this.resumed.tell(brought);
    if (message.frame) this.frameToPaint = Math.max(this.frameToPaint, message.frame);
    map.stage.invalidate("vehicles", "overlay");
  }

  /** The selected and the pointed at may have gone, or come only now; their slots belong to others then. */
  #selectedAgain() {
    const { overlay, shown } = this;
    const { vehicle } = this.state.value;
    const v = vehicle === null ? null : (shown.byId.get(vehicle) ?? null);
    if (overlay.hovered && shown.byId.get(overlay.hovered.id) !== overlay.hovered) overlay.hovered = null;
    if (v !== overlay.selected) this.#show(vehicle);
  }

  /** The map shows the fleet as it was, or again as it is.
   * @param {import("./model/past/fleet.js").PastFleet|null} past */
  look(past) {
    this.shown = past ?? this.fleet;
    this.picture.look(this.shown, past === null);
    document.documentElement.toggleAttribute("data-past", past !== null);
    this.lookAgain();
    this.filtered(this.filter);
  }

  /** Others may be shown. */
  lookAgain() {
    this.#selectedAgain();
  }

  #status() {
    const { phase } = this.connection?.status ?? { phase: "connecting" };
    this.resume.now(phase);
    this.statusChanged.tell();
  }

  /** @param {number} now */
  #beforeFrame(now) {
    if (this.frameToPaint && !this.paused) this.connection.painted(this.frameToPaint);
    const { track } = this.state.value;
    const v = this.overlay.selected;
    if (track && v && !this.map.stage.zooming)
      this.map.track(this.shown.motion.x(v.slot, now), this.shown.motion.y(v.slot, now));
  }

  #tick() {
    if (this.paused) return this.statusChanged.tell();
    this.tickNow();
  }

  /** What passes with time alone: ages, freshness, timers. */
  tickNow() {
    if (this.fleet.tick(steady())) this.map.stage.invalidate("vehicles", "overlay");
    this.ticked.tell();
    this.statusChanged.tell();
  }

  /** @param {import("./model/choices.js").State} now @param {import("./model/choices.js").State} before */
  #chose(now, before) {
    if (now.vehicle !== before.vehicle) {
      this.overlay.trail = [];
      this.#show(now.vehicle);
    }
    if (now.region !== before.region) {
      this.regions.selected = now.region;
      this.map.stage.invalidate("regions");
    }
    if (now.regions !== before.regions || (now.regions && now.vehicle !== before.vehicle)) {
      this.regions.followed = this.fleet.followed = now.regions && new Set(now.regions);
      this.map.stage.invalidate("regions");
      this.resume.asked(this.connection.status.phase);
      this.connection.refollow();
    }
    if (now.only !== before.only) this.filtered(this.filter);
    if (now.labels !== before.labels) {
      this.overlay.labels = now.labels;
      this.map.stage.invalidate("overlay");
    }
    this.address.step(before);
  }

  /** @param {string|null} id */
  #show(id) {
    const v = id === null ? null : (this.shown.byId.get(id) ?? null);
    this.overlay.selected = /** @type {Vehicle|null} */ (v);
    this.map.stage.invalidate("overlay", "trail", "vehicles");
  }

  /**
   * Select a vehicle (null: none). `open` shows its panel, `reveal` keeps it on the map, `track` keeps the map on it.
   * @param {string|null} id
   * @param {{open?: boolean, reveal?: boolean, track?: boolean, focus?: boolean, along?: boolean}} [how]
   */
  select(id, how = {}) {
    const v = id === null ? null : this.#there(id);
    this.address.along = Boolean(how.along);
    this.state.set({
      vehicle: id,
      track: how.track ?? (id === this.state.value.vehicle ? this.state.value.track : false),
      ...(id === this.state.value.vehicle ? {} : { day: null, leg: null }),
      ...(how.open && id ? { region: null, tab: "vehicles" } : {}),
    });
    this.address.along = false;
    if (v && how.reveal && !this.state.value.track) this.map.reveal(v.lat, v.lon);
    this.selected.tell(how);
  }

  /** Lead to a moment. @param {number} time ms @param {import("./panels/timeline/lead.js").Where} [where] */
  showMoment(time, where) {
    showMoment(this, time, where);
  }

  /** @param {Vehicle|null} v */
  hover(v) {
    this.pointed = v?.id ?? null;
    v = /** @type {Vehicle|null} */ ((v && this.shown.byId.get(v.id)) ?? null); // a list points at it as it is now
    if (this.overlay.hovered === v && !this.beside) return;
    this.overlay.hovered = v;
    this.map.stage.invalidate("overlay");
  }

  /** The list shows only these (null: all). @param {Vehicle[]|null} shown */
  filtered(shown) {
    this.filter = shown;
    for (const picture of [this.picture, this.beside]) picture?.only(this.state.value.only ? shown : null);
  }

  /** @param {boolean} [animate] @param {Vehicle[]} [all] */
  fitFleet(animate = true, all = this.filter ?? [...this.fleet.byId.values()]) {
    const there = all.flatMap(({ id }) => this.#there(id) ?? []);
    if (!there.length) return;
    this.fitted = true;
    const regions = all === this.filter ? [] : [...this.regions.drawn.values()].map(({ lonLat }) => lonLat);
    this.map.fit(extent(there, regions), { animate });
  }

  /** A vehicle where the map shows it. @param {string} id @returns {{lat: number, lon: number}|null} */
  #there(id) {
    const v = this.shown.byId.get(id);
    return v && (!("known" in v) || v.known) ? v : null;
  }

  /** Something may not be seen any more: nothing of it stays, in no list that is held, in no link.
   * @param {boolean} groups */
  forget(groups) {
    const { fleet, state, preferences } = this;
    this.asking.abort();
    this.asking = new AbortController();
    if (this.paused) this.togglePause();
    fleet.past.clear();
    const { regions, region, vehicle, about, group } = state.value;
    const known = (/** @type {string} */ id) => fleet.regions.has(id);
    const grouped = [...fleet.byId.values()].some((v) => v.group === group);
    this.address.forgets = true; // "back" leads to none of it
    const stays = vehicle !== null && fleet.byId.has(vehicle);
    state.set({
      ...(stays ? {} : { day: null, leg: null }),
      regions: regions?.every(known) ? regions : (regions?.filter(known) ?? null),
      region: region && (known(region) ? region : null),
      vehicle: stays ? vehicle : null,
      about: about && (fleet.has(about) ? about : null),
      group: group && (grouped ? group : null),
    });
    this.address.forgets = false;
    const { mutes } = preferences.value;
    const kept = Object.entries(mutes).filter(([key]) => key.startsWith("kind:") || fleet.has(key));
    if (kept.length < Object.keys(mutes).length) preferences.set({ mutes: Object.fromEntries(kept) });
    this.say("");
    this.say("", true);
    this.forgotten.tell(groups);
    this.map.stage.invalidate();
  }

  togglePause() {
    this.paused = !this.paused;
    if (this.paused) this.fleet.motion.settle();
    else for (const [message, clock] of this.backlog.take()) this.#apply(message, clock);
    this.say(say(this.paused ? "display.paused" : "display.resumed"));
    this.overlay.calm = this.paused || matchMedia("(prefers-reduced-motion: reduce)").matches;
    document.documentElement.toggleAttribute("data-paused", this.paused);
    this.map.stage.invalidate("vehicles", "overlay", "decided");
    if (this.paused) this.statusChanged.tell();
    else this.tickNow();
  }

  /** @param {string} id */
  regionName = (id) => this.fleet.regions.get(id)?.properties.name || this.fleet.past.get(`region:${id}`) || id;
  /** @param {string} id */
  vehicleName = (id) => this.fleet.byId.get(id)?.name ?? this.fleet.past.get(`vehicle:${id}`) ?? id;
  /** @param {string} verb @returns {boolean} may the reader do this? */
  may = (verb) => this.who.may.includes(verb);
  names = () => ({ vehicle: this.vehicleName, region: this.regionName, units: this.preferences.value.units });
  now = () => this.fleet.now(steady());
  /** The last moment there is: now, or the end of what was recorded. */
  newest = () => this.now();

  /** [region, entered] of a vehicle, longest stay first. @param {Vehicle} v @returns {[string, number][]} */
  insideOf(v) {
    return v.regions.size === 0 ? NOWHERE : [...v.regions].sort((a, b) => (a[1] || Infinity) - (b[1] || Infinity));
  }

  /** The fleet in one line. */
  summary() {
    const { byId } = this.fleet;
    return byId.size ? say("fleet.summary", { n: byId.size, moving: tally(byId.values()).moving }) : "";
  }
}

/** @type {[string, number][]} */
const NOWHERE = [];

/** The map; where none can be made (a file that did not arrive, a browser without canvases) what stands in for it.
 * @param {HTMLElement} element @param {import("./map/map.js").Camera|null} camera @returns {FleetMap} */
function aMap(element, camera) {
  try {
    return new FleetMap(element, camera);
  } catch (fault) {
    console.warn("the map could not be made", fault);
    return /** @type {any} */ (new NoMap(element, fault));
  }
}
