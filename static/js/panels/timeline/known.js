// What of the past is here, and what is asked for so that a moment can be shown: tapes, the exact frame, regions as
// they were, what moved, what happened, the trail. Who answers is given to it: the server, or a file that holds a past.

import { ApiError } from "../../net/api.js";
import { Latest } from "../../net/latest.js";
import * as server from "../../net/past.js";
import * as moments from "../../model/past/moment.js";
import { Track } from "../../model/past/track.js";

/** @typedef {import("../../net/past.js").Happened} Happened */
/** @typedef {import("../../net/past.js").Grid} Grid */
/** @typedef {import("../../model/past/tape.js").Tape} Tape */
/** @typedef {{grid: Grid, tapes: Tape[], more: boolean}} Tapes */
/** @typedef {Pick<typeof server, "tapes"|"frame"|"versions"|"activity"|"events"|"fixes">} Source */
/**
 * What is looked at. `speed`: that of the playing, negative backward; `vehicles`: how many a tape is to hold.
 * @typedef {{span: moments.Span, at: number|null, vehicle: string|null, vehicles: number, speed: number,
 *   playing: boolean, scrubbing: boolean}} Look
 */

export const TRAIL_MS = 30 * moments.MINUTE;
const TRAIL_GRID = 10 * moments.MINUTE;
export const SOON_MS = 200; // a hand that scrubs or zooms is not done yet
const AGAIN_S = 5; // a server that is away is asked again, …
const LATER = [408, 429, 500, 502, 503, 504]; // … one that will not answer this is not

export class Known {
  /** @type {moments.Span[]} nothing moves, nothing happens */ dull = [];
  #failedAt = 0;

  /** @param {{came: () => void, told: () => void}} hear came: what is drawn is another; told: what the strip shows
   * @param {Source} [source] */
  constructor({ came, told }, source = server) {
    this.source = source;
    const draw = () => {
      if (this.problem) this.#failedAt = performance.now();
      came();
    };
    const tell = () => {
      if (this.problem) this.#failedAt = performance.now();
      this.#judge();
      told();
    };
    /** @type {Latest<Tapes>} */ this.coarse = new Latest(draw);
    /** @type {Latest<Tapes>} */ this.fine = new Latest(draw);
    /** @type {Latest<{at: number, positions: import("../../model/past/fleet.js").Position[]}>} */
    this.exact = new Latest(draw);
    /** @type {Latest<import("../../net/past.js").Version[]>} */ this.regions = new Latest(draw);
    /** @type {Latest<{vehicle: string, points: import("../../model/past/track.js").Point[]}>} */
    this.trail = new Latest(draw);
    /** @type {Latest<moments.Activity>} */ this.activity = new Latest(tell);
    /** @type {Latest<{events: Happened[], more: boolean}>} */ this.events = new Latest(tell);
    this.all = [this.coarse, this.fine, this.exact, this.regions, this.activity, this.events, this.trail];
  }

  /** Why the past cannot be shown. @returns {any} */
  get problem() {
    return this.all.find((one) => one.problem)?.problem ?? null;
  }

  get refused() {
    const problem = this.coarse.problem ?? this.exact.problem;
    return problem instanceof ApiError && [401, 403, 404].includes(problem.status);
  }

  /** Everything that is here of the range says that there is nothing. A short past may fall between two instants. */
  get empty() {
    const told = this.coarse.value;
    if (!told || this.coarse.busy || told.tapes.some(({ vehicles }) => vehicles.length)) return false;
    return !this.activity.busy && !this.activity.value?.known.some((n) => n > 0);
  }

  /** Nothing is here yet that tells of a moment. @param {number} at */
  awaits(at) {
    if (this.exact.value?.at === moments.whole(at) || this.tapes(at).length) return false;
    return this.coarse.busy || this.fine.busy || this.exact.busy;
  }

  /** The tapes that tell of a moment, the finest first. @param {number} at @returns {Tape[]} */
  tapes(at) {
    const close = this.fine.value?.more ? null : this.fine.value;
    return [close, this.coarse.value].find((one) => one?.tapes.some((page) => page.covers(at)))?.tapes ?? [];
  }

  /** Nothing of it stays. */
  drop() {
    for (const one of this.all) one.drop();
    this.dull = [];
  }

  /** What only a moment asks for. */
  leave() {
    for (const one of [this.fine, this.exact, this.trail]) one.drop();
  }

  /** It failed a while ago, and may be another by now. */
  get overdue() {
    if (this.all.every(({ problem }) => !problem || (problem.status >= 400 && !LATER.includes(problem.status))))
      return false;
    return !this.refused && performance.now() - this.#failedAt > (this.problem.wait || AGAIN_S) * 1000;
  }

  /** What failed may be asked once more. */
  retry() {
    this.#failedAt = performance.now();
    for (const one of this.all) if (one.problem) one.stop();
  }

  /** Others answer from now on. @param {Source} source */
  from(source) {
    this.drop();
    this.source = source;
  }

  /** Ask for what the map wants to show the moment and is not here. @param {Look} look @param {number} [after] ms */
  need(look, after = 0) {
    if (this.refused) return;
    this.#stretch(look, after);
    if (look.at === null || look.scrubbing) return;
    if (look.playing) this.exact.stop();
    else this.#rest(moments.whole(look.at), after || SOON_MS / 2);
    this.#close(look, look.at);
    this.#wake(look, look.at);
  }

  /** Ask for what the strip shows of the whole stretch. @param {Look} look @param {number} [after] ms */
  count({ span, vehicle }, after = 0) {
    if (this.refused) return;
    const bins = moments.bins(span);
    const key = `${bins.from} ${bins.until} ${bins.step_s} ${vehicle}`;
    this.activity.want(key, (signal) => this.source.activity(bins, vehicle, signal), after);
    this.events.want(key, (signal) => this.source.events(bins, vehicle, signal), after);
  }

  /** @param {Look} look @param {number} after */
  #stretch({ span, at, vehicles }, after) {
    const length = span.until - span.from;
    const grid = moments.coarse(span, vehicles);
    const had = this.coarse.value;
    const serves =
      had &&
      this.coarse.answered === this.coarse.key &&
      had.grid.from <= span.from &&
      had.grid.until >= span.until &&
      had.grid.step_s <= grid.step_s &&
      had.grid.until - had.grid.from < 3 * length;
    if (!serves && (at !== null || !had)) this.#tapes(this.coarse, grid, after);
    const bins = moments.bins(span);
    const held = { from: bins.from, until: bins.until + 1 };
    this.regions.want(`${held.from} ${held.until}`, (signal) => this.source.versions(held, signal), after);
  }

  /** What is true of the moment itself. @param {number} at @param {number} after */
  #rest(at, after) {
    const ask = async (/** @type {AbortSignal} */ signal) => ({ at, positions: await this.source.frame(at, signal) });
    this.exact.want(String(at), ask, after);
  }

  /** A finer tape around the moment. @param {Look} look @param {number} at */
  #close({ vehicles, speed, playing }, at) {
    const close = this.fine.value;
    if (close && this.fine.answered === this.fine.key && moments.lasts(close.grid, at, playing ? speed : 0)) return;
    const wanted = moments.fine(at, speed, vehicles);
    const own = this.coarse.value;
    if (own && own.grid.step_s <= wanted.step_s && moments.lasts(own.grid, at, speed)) return;
    const [from, until] = this.fine.key.split(" ").map(Number);
    if (this.fine.busy && at >= from && at < until) return; // it is on its way
    // at rest the moment comes first: on a slow line the tape would take it the room
    this.#tapes(this.fine, wanted, playing ? 0 : SOON_MS, this.exact.settled);
  }

  /** Where the selected one has been before. @param {Look} look @param {number} at */
  #wake({ vehicle, speed, playing }, at) {
    if (!vehicle) return this.trail.drop();
    const begin = Math.floor(at / TRAIL_GRID) * TRAIL_GRID;
    const ahead = TRAIL_GRID * Math.max(1, Math.ceil((Math.abs(speed) * 20 * moments.SECOND) / TRAIL_GRID));
    const stretch = {
      from: begin - TRAIL_MS - (playing && speed < 0 ? ahead : 0),
      until: begin + TRAIL_GRID + ahead,
    };
    this.trail.want(`${vehicle} ${stretch.from} ${stretch.until}`, async (signal) => {
      const track = new Track();
      track.read(await this.source.fixes(vehicle, stretch, signal));
      return { vehicle, points: track.points.filter(({ held }) => !held) };
    });
  }

  /** @param {Latest<Tapes>} latest @param {Grid} grid @param {number} after @param {Promise<void>} [first] */
  #tapes(latest, grid, after, first) {
    const { source } = this;
    latest.want(
      `${grid.from} ${grid.until} ${grid.step_s}`,
      async function* (signal) {
        await first;
        if (signal.aborted) return;
        for await (const page of source.tapes(grid, signal)) yield { grid, ...page };
      },
      after,
    );
  }

  #judge() {
    const told = this.events.value;
    const times = (told?.events ?? []).map(({ time }) => time);
    this.dull = told?.more ? [] : moments.dull(this.activity.value, times);
  }
}
