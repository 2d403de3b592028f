// The moment that is looked at, played and scrubbed: what of the past is here for it, and the fleet drawn as it was.
// The live fleet goes on beside it (app.fleet) and is drawn again when the reader comes back.

import { ApiError } from "../../net/api.js";
import { Latest } from "../../net/latest.js";
import { activity, events, fixes, frame, tapes, versions } from "../../net/past.js";
import { PastFleet } from "../../model/past/fleet.js";
import * as moments from "../../model/past/moment.js";
import { Signal } from "../../model/signal.js";
import { Track } from "../../model/past/track.js";

/** @typedef {import("../../model/past/moment.js").Span} Span */
/** @typedef {import("../../net/past.js").Happened} Happened */
/** @typedef {import("../../net/past.js").Grid} Grid */
/** @typedef {{grid: Grid, tapes: import("../../model/past/tape.js").Tape[], more: boolean}} Tapes */

const SOON_MS = 200; // a hand that scrubs or zooms is not done yet
const BINS = 240; // of the strip's activity
const TRAIL_MS = 30 * moments.MINUTE;
const TRAIL_GRID = 10 * moments.MINUTE;
const WRITTEN_MS = 1000; // how often the address follows what plays, …
const SOME_MS = 250; // … and a hand
const AGAIN_MS = 5000; // a server that is away is asked again
const CALM_STEPS = 2; // a second, with reduced motion

export class Past {
  /** @type {Signal<[]>} another moment is shown */ moved = new Signal();
  /** @type {Signal<[]>} another stretch, more of it is here, it plays or stops */ changed = new Signal();
  /** @type {Signal<[event: import("../../words/phrases.js").Event]>} that one was chosen */ opened = new Signal();
  open = false; // the strip is shown
  /** @type {number|null} ms; null: now */ at = null;
  /** @type {-1|0|1} */ playing = 0;
  scrubbing = false;
  fleet = new PastFleet();
  /** @type {Latest<Tapes>} */ coarse = new Latest(() => this.#came());
  /** @type {Latest<Tapes>} */ fine = new Latest(() => this.#came());
  /** @type {Latest<{at: number, positions: import("../../model/past/fleet.js").Position[]}>} */
  exact = new Latest(() => this.#came());
  /** @type {Latest<import("../../net/past.js").Version[]>} */ regions = new Latest(() => this.#came());
  /** @type {Latest<import("../../model/past/moment.js").Activity>} */ activity = new Latest(() => this.#told());
  /** @type {Latest<{events: Happened[], more: boolean}>} */ events = new Latest(() => this.#told());
  /** @type {Latest<{vehicle: string, points: import("../../model/past/track.js").Point[]}>} */ trail = new Latest(() =>
    this.#came(),
  );
  all = [this.coarse, this.fine, this.exact, this.regions, this.activity, this.events, this.trail];
  /** @type {Span[]} nothing moves, nothing happens */ dull = [];
  exactly = false; // what is drawn is no tape's

  #clock = 0; // of the frame before
  #writtenAt = -Infinity;
  /** @type {any} */ #writes = 0;
  #failedAt = 0;
  #then = ""; // which versions of regions are drawn
  #mine = false; // this writes the state
  #fresh = false; // nobody has chosen the stretch

  /** @param {import("../../app.js").App} app */
  constructor(app) {
    this.app = app;
    /** @type {Span} */ this.span = this.#today();
    app.state.changed.on((now, before) => {
      if (this.#mine) return;
      if (now.at !== before.at || now.range !== before.range) this.#read();
      else if (now.vehicle !== before.vehicle && this.open) this.#need();
    });
    app.map.stage.framing.on((now) => this.#frame(now));
    app.forgotten.on(() => this.#forget());
    app.regranted.on(() => this.#forget());
    app.ticked.on(() => this.#tick());
  }

  /** What the address says, once all stands. */
  begin() {
    this.#read();
  }

  #today() {
    const now = this.app.now();
    return { from: now - moments.DAY, until: now };
  }

  get speed() {
    return this.app.state.value.speed;
  }

  /** What is drawn: now, or the moment. */
  get now() {
    return this.at ?? this.app.now();
  }

  /** Why the past cannot be shown. @returns {any} */
  get problem() {
    return this.all.find((one) => one.problem)?.problem ?? null;
  }

  get refused() {
    const problem = this.coarse.problem ?? this.exact.problem;
    return problem instanceof ApiError && [401, 403, 404].includes(problem.status);
  }

  /** Everything that is here of the range says that there is nothing. */
  get empty() {
    const told = this.coarse.value;
    return told !== null && !this.coarse.busy && told.tapes.every(({ vehicles }) => !vehicles.length);
  }

  /** @param {boolean} open */
  show(open) {
    if (open === this.open) return;
    this.open = open;
    if (open) {
      this.#fresh = this.at === null && this.app.state.value.vehicle === null;
      if (this.at === null) this.span = this.#today();
      this.#need();
    } else {
      this.live();
      for (const one of this.all) one.drop();
      this.dull = [];
    }
    this.changed.tell();
  }

  /** Look at this moment. @param {number} at @param {{along?: boolean}} [how] along: one of many small steps */
  go(at, { along = false } = {}) {
    if (at >= this.app.now() - moments.SECOND) return this.live();
    this.scrubbing = false;
    this.#to(at);
    this.#write(along);
    this.#need();
    this.changed.tell();
  }

  /** A hand moves along: nothing is written or asked until it rests. @param {number} at */
  scrub(at) {
    if (!this.scrubbing) this.exact.stop();
    this.scrubbing = true;
    this.pause(false);
    this.#to(at);
  }

  /** @param {number} by ms */
  step(by) {
    this.pause(false);
    this.go(moments.whole(this.now) + by, { along: true });
  }

  /** @param {1|-1} by */
  toEvent(by) {
    const found = moments.beside(this.events.value?.events ?? [], this.now, by);
    if (found) this.choose(found);
    return found !== null;
  }

  /** @param {Happened} happened */
  choose({ time, event }) {
    this.pause(false);
    this.go(time);
    this.opened.tell(event);
  }

  live() {
    this.playing = 0;
    this.scrubbing = false;
    if (this.at === null) return;
    this.at = null;
    this.#write(false);
    this.#leave();
    this.changed.tell();
    this.moved.tell();
  }

  /** @param {1|-1} [direction] */
  play(direction = 1) {
    if (this.at === null && direction > 0) return;
    if (this.at === null) this.#to(this.app.now() - moments.SECOND);
    this.scrubbing = false;
    this.playing = direction;
    this.exact.stop();
    this.#clock = 0;
    this.#need();
    this.#paint();
    this.changed.tell();
  }

  /** @param {boolean} [rests] what is shown then is exact */
  pause(rests = true) {
    if (!this.playing) return;
    this.playing = 0;
    if (rests && this.at !== null) this.go(this.at, { along: true });
    else this.changed.tell();
  }

  /** @param {1|-1} by */
  faster(by) {
    this.app.state.set({ speed: moments.faster(this.speed, by) });
    this.changed.tell();
  }

  /** @param {Span} span */
  look(span) {
    this.#fresh = false;
    this.span = span;
    this.#write(true);
    this.#need(SOON_MS);
    this.changed.tell();
  }

  again() {
    for (const one of this.all) if (one.problem) one.stop();
    this.#need();
    this.changed.tell();
  }

  /** @param {number} at */
  #to(at) {
    const now = this.app.now();
    const entered = this.at === null;
    this.at = Math.max(0, Math.min(at, now));
    this.exactly = this.#fresh = false;
    const span = moments.reaching(this.span, this.at, now);
    if (span !== this.span) {
      this.span = span;
      this.changed.tell();
    }
    if (entered) this.#enter();
    if (entered && this.scrubbing) this.#need();
    this.#place();
    this.#paint();
    this.moved.tell();
  }

  #enter() {
    this.open = true;
    this.app.look(this.fleet);
    document.documentElement.toggleAttribute("data-past", true);
  }

  #leave() {
    this.fine.drop();
    this.exact.drop();
    this.trail.drop();
    this.#then = "";
    this.fleet = new PastFleet();
    for (const tape of this.coarse.value?.tapes ?? []) this.fleet.take(tape);
    this.app.overlay.wake = null;
    this.app.look(null);
    document.documentElement.toggleAttribute("data-past", false);
  }

  /** The address leads here. */
  #read() {
    const { at, range } = this.app.state.value;
    if (range) this.span = moments.kept(range, this.app.now());
    if (at === null) {
      if (this.at === null) return;
      this.playing = 0;
      this.at = null;
      this.#leave();
      this.changed.tell();
      return this.moved.tell();
    }
    this.playing = 0;
    if (at > this.app.now()) {
      this.app.address.misread.tell([`at=${moments.stamp(at)}`]); // nobody has been there
      return this.at === null ? this.#write(true) : this.live();
    }
    this.open = true;
    if (!range) this.span = moments.reaching(this.span, at, this.app.now());
    this.#to(at);
    this.#need();
    this.changed.tell();
  }

  /** The address says where this is; browsers refuse to write it many times a second.
   * @param {boolean} along */
  #write(along) {
    const { app } = this;
    clearTimeout(this.#writes);
    const wait = along ? this.#writtenAt + SOME_MS - performance.now() : 0;
    if (wait > 0) {
      this.#writes = setTimeout(() => this.#write(true), wait);
      return;
    }
    this.#mine = true;
    app.address.glides = along && app.state.value.at !== null;
    app.state.set({
      at: this.at === null ? null : moments.whole(this.at),
      range: this.at === null ? null : { from: moments.whole(this.span.from), until: moments.whole(this.span.until) },
    });
    app.address.glides = false;
    this.#mine = false;
    this.#writtenAt = performance.now();
  }

  /** Everything goes at once, and what may be seen by now is asked for. */
  #forget() {
    for (const one of this.all) one.drop();
    this.dull = [];
    this.#then = "";
    this.fleet = new PastFleet();
    this.app.overlay.wake = null;
    if (this.at !== null) this.app.look(this.fleet);
    if (this.open) this.#need();
    this.changed.tell();
    this.moved.tell();
  }

  #tick() {
    if (!this.open) return;
    const now = this.app.now();
    if (this.at === null) {
      const length = this.span.until - this.span.from;
      if (now - this.span.until < length / 50 || this.span.until > now) {
        this.span = { from: now - length, until: now };
        this.#need();
        this.changed.tell();
      }
    }
    const { problem } = this;
    if (problem && !this.refused && performance.now() - this.#failedAt > AGAIN_MS) {
      this.#failedAt = performance.now();
      this.again();
    }
  }

  /** How many a tape is to hold. */
  get #vehicles() {
    return Math.max(this.app.fleet.byId.size, this.fleet.byId.size, 1);
  }

  /** Ask for what this moment and this stretch want and is not here. @param {number} [after] ms */
  #need(after = 0) {
    if (!this.open || this.refused) return;
    const { span, app } = this;
    const { vehicle } = app.state.value;
    const length = span.until - span.from;
    const grid = moments.coarse(span, this.#vehicles);
    const had = this.coarse.value;
    const serves =
      had &&
      this.coarse.answered === this.coarse.key &&
      had.grid.from <= span.from &&
      had.grid.until >= span.until &&
      had.grid.step_s <= grid.step_s &&
      had.grid.until - had.grid.from < 3 * length;
    if (!serves && (this.at !== null || !had)) this.#tapes(this.coarse, grid, after);
    const step_s = moments.nice(length / moments.SECOND / BINS);
    const ms = step_s * moments.SECOND;
    const bins = { from: Math.floor(span.from / ms) * ms, until: Math.ceil(span.until / ms) * ms, step_s };
    const strip = `${bins.from} ${bins.until} ${step_s} ${vehicle}`;
    this.activity.want(strip, (signal) => activity(bins, vehicle, signal), after);
    this.events.want(strip, (signal) => events(bins, vehicle, signal), after);
    const held = { from: bins.from, until: bins.until + 1 };
    this.regions.want(`${held.from} ${held.until}`, (signal) => versions(held, signal), after);
    if (this.at === null || this.scrubbing) return;
    const { at } = this;
    const direction = (this.playing || 1) * this.speed;
    const close = this.fine.value;
    const plays =
      close && this.fine.answered === this.fine.key && moments.lasts(close.grid, at, this.playing ? direction : 0);
    const wanted = moments.fine(at, direction, this.#vehicles);
    const own = this.coarse.value;
    const fineEnough = own && own.grid.step_s <= wanted.step_s && moments.lasts(own.grid, at, direction);
    if (!plays && !fineEnough && !(this.fine.busy && this.#coming(at)))
      this.#tapes(this.fine, wanted, this.playing ? 0 : SOON_MS);
    if (vehicle) {
      const begin = Math.floor(at / TRAIL_GRID) * TRAIL_GRID;
      const ahead = Math.max(TRAIL_GRID, TRAIL_GRID * Math.ceil((this.speed * 20 * moments.SECOND) / TRAIL_GRID));
      const stretch = { from: begin - TRAIL_MS - (this.playing < 0 ? ahead : 0), until: begin + TRAIL_GRID + ahead };
      this.trail.want(`${vehicle} ${stretch.from} ${stretch.until}`, async (signal) => {
        const track = new Track();
        track.read(await fixes(vehicle, stretch, signal));
        return { vehicle, points: track.points.filter(({ held }) => !held) };
      });
    } else this.trail.drop();
    if (this.playing) return;
    const rest = moments.whole(at);
    this.exact.want(
      String(rest),
      async (signal) => ({ at: rest, positions: await frame(rest, signal) }),
      after || SOON_MS / 2,
    );
  }

  /** Is a fine tape of this moment on its way? @param {number} at */
  #coming(at) {
    const [from, until] = this.fine.key.split(" ").map(Number);
    return at >= from && at < until;
  }

  /** @param {Latest<Tapes>} latest @param {Grid} grid @param {number} after */
  #tapes(latest, grid, after) {
    const past = this;
    latest.want(
      `${grid.from} ${grid.until} ${grid.step_s}`,
      async function* (signal) {
        for await (const page of tapes(grid, signal)) {
          for (const tape of page.tapes) if (!tape.slots) past.fleet.take(tape);
          yield { grid, ...page };
        }
      },
      after,
    );
  }

  /** What is drawn is another. */
  #came() {
    if (this.problem) this.#failedAt = performance.now();
    if (this.at !== null) {
      this.#place();
      this.app.filtered(this.app.filter);
      this.#paint();
      this.moved.tell();
    }
    this.changed.tell();
  }

  /** What the strip shows is another. */
  #told() {
    if (this.problem) this.#failedAt = performance.now();
    const times = (this.events.value?.events ?? []).map(({ time }) => time);
    this.dull = this.events.value?.more ? [] : moments.dull(this.activity.value, times);
    if (this.#fresh && this.activity.value) this.#begin(this.activity.value);
    this.changed.tell();
  }

  /** A server of this morning has no strip of yesterday. @param {moments.Activity} activity */
  #begin(activity) {
    this.#fresh = false;
    const span = moments.begun(this.span, activity);
    if (span.from === this.span.from) return;
    this.span = span;
    this.#need();
  }

  /** @param {number} now */
  #frame(now) {
    if (!this.playing || this.at === null) return;
    const passed = this.#clock ? Math.min(now - this.#clock, 250) : 0;
    this.#clock = now;
    if (!passed) return this.#paint();
    const end = this.app.now();
    let at = this.at + passed * this.speed * this.playing;
    if (this.app.preferences.value.skip) at = moments.skipped(this.dull, at, this.playing);
    if (at >= end) return this.live();
    if (at <= 0) return this.pause();
    this.#to(at);
    this.#need();
    if (performance.now() - this.#writtenAt > WRITTEN_MS) this.#write(true);
  }

  /** The moment that is drawn: with reduced motion, by steps. */
  get #drawn() {
    const at = /** @type {number} */ (this.at);
    if (!this.playing || !this.app.fleet.motion.still) return at;
    const step = (this.speed * moments.SECOND) / CALM_STEPS;
    return Math.floor(at / step) * step;
  }

  /** Everybody where they were. */
  #place() {
    if (this.at === null) return;
    const at = this.#drawn;
    const { fleet, app } = this;
    const rest = moments.whole(at);
    const still = !this.playing && !this.scrubbing;
    const close = this.fine.value?.more ? null : this.fine.value;
    const tape = [close, this.coarse.value].find((one) => one?.tapes.some((page) => page.covers(at)));
    fleet.show(tape?.tapes ?? [], at, true);
    this.exactly = still && this.exact.value?.at === rest;
    if (this.exactly && this.exact.value) fleet.settle(this.exact.value.positions);
    fleet.playing = Boolean(this.playing);
    this.#regions(at);
    this.#trail(at);
    app.lookAgain();
  }

  /** @param {number} at */
  #regions(at) {
    const held = moments.valid(this.regions.value ?? [], at);
    const key = held.map(({ id, from }) => `${id}@${from}`).join();
    if (key === this.#then) return;
    this.#then = key;
    this.fleet.regions = new Map(held.map(({ id, feature }) => [id, feature]));
    this.app.regions.refresh();
  }

  /** @param {number} at */
  #trail(at) {
    const { vehicle } = this.app.state.value;
    const { overlay } = this.app;
    const v = vehicle ? this.fleet.byId.get(vehicle) : null;
    const told = this.trail.value;
    const points =
      told?.vehicle === vehicle ? told.points.filter(({ time }) => time <= at && time > at - TRAIL_MS) : [];
    const last = points.at(-1);
    if (v?.known && !v.stale && last) points.push({ time: at, lat: v.lat, lon: v.lon, speed: last.speed });
    const empties = overlay.wake?.length && !points.length;
    overlay.wake = points;
    if (points.length || empties) this.app.map.stage.invalidate("trail"); // a canvas that is cleared costs a frame
  }

  #paint() {
    this.app.map.stage.invalidate("vehicles", "overlay");
  }
}
