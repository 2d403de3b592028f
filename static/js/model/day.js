// One day of a vehicle: its trips, stops and silences in order, and a track by its speeds. Pure.

import { distance } from "../geo.js";
import { speedFrom } from "../words/format.js";

/** @typedef {import("../words/format.js").Units} Units */
/**
 * @typedef {object} Leg what the vehicle did for a while
 * @property {"trip"|"stop"|"gap"} kind `gap`: nothing is known of it
 * @property {number} from
 * @property {number} until
 * @property {number[][]} places [lat, lon] of its ends, or of the stop
 * @property {number} metres
 * @property {number|null} fastest m/s
 * @property {{id: string, name: string|null}[]} regions of a stop
 * @property {{by: string, at: string, why: string}[]} corrected by whom it is what it is, when and why
 */
/** @typedef {{time: number, lat: number, lon: number, speed: number|null, gap: boolean}} Fix `gap`: before it */

const GAP_MS = 60_000; // a line over more than this, and twice what is usual, is dashed

/** @param {any} p */
const at = (p) => [p.lat, p.lon];

/**
 * The answers for trips and for stops as one list, in order.
 * @param {{trips: any[], gaps?: any[]}} moved
 * @param {{stops: any[]}} stood
 * @returns {Leg[]}
 */
export function legs(moved, stood) {
  const leg = (/** @type {Leg["kind"]} */ kind, /** @type {any} */ one, /** @type {number[][]} */ places) => ({
    kind,
    from: Date.parse(one.from),
    until: Date.parse(one.until),
    places,
    metres: one.distance_m ?? 0,
    fastest: one.max_mps ?? null,
    regions: one.regions ?? [],
    corrected: one.corrected ?? [],
  });
  return [
    ...moved.trips.map((one) => leg("trip", one, [at(one.start), at(one.end)])),
    ...stood.stops.map((one) => leg("stop", one, [at(one)])),
    ...(moved.gaps ?? []).map((one) => leg("gap", one, [at(one.start), at(one.end)])),
  ].sort((a, b) => a.from - b.from || a.until - b.until);
}

/** The day so many days later, as calendars count. @param {string} day @param {number} days */
export const later = (day, days) => new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toJSON().slice(0, 10);

/**
 * What is drawn of a track: without fixes that are doubted, each with a speed, its own or the one between two places.
 * @param {any[]} positions as the server tells them
 * @returns {Fix[]}
 */
export function way(positions) {
  /** @type {Fix[]} */ const fixes = [];
  for (const one of positions) {
    if (one.held) continue;
    const time = Date.parse(one.time);
    const last = fixes.at(-1);
    const between = last ? time - last.time : 0;
    const told = one.speed_mps ?? null;
    const gone = last && between > 0 ? (distance(last.lat, last.lon, one.lat, one.lon) / between) * 1000 : null;
    fixes.push({ time, lat: one.lat, lon: one.lon, speed: told ?? gone, gap: false });
  }
  const steps = fixes.slice(1).map((fix, i) => fix.time - fixes[i].time);
  const usual = [...steps].sort((a, b) => a - b)[steps.length >> 1] ?? 0;
  for (const [i, step] of steps.entries()) fixes[i + 1].gap = step > Math.max(GAP_MS, 2 * usual);
  return fixes;
}

/** @type {Record<Units, number[]>} where one colour ends and the next begins, in the reader's own unit */
const BANDS = { metric: [10, 30, 50, 80], imperial: [5, 20, 30, 50], nautical: [5, 15, 25, 45] };

/** The ends of the bands of speed, in the unit and in m/s. @param {Units} units */
export const bands = (units) => BANDS[units].map((value) => ({ value, mps: speedFrom(value, units) }));

/** In which band a speed lies, 0 the slowest; -1: it is not known. @param {number|null} mps @param {Units} units */
export function band(mps, units) {
  if (mps === null || mps < 0) return -1;
  const ends = bands(units);
  const found = ends.findIndex((end) => mps < end.mps);
  return found < 0 ? ends.length : found;
}

/** [west, south, east, north] of places, over 180° too. @param {number[][]} places [lat, lon] */
export function around(places) {
  const first = places[0][1];
  const lons = places.map(([, lon]) => lon - Math.round((lon - first) / 360) * 360);
  const lats = places.map(([lat]) => lat);
  const least = (/** @type {number[]} */ some) => some.reduce((a, b) => Math.min(a, b));
  const most = (/** @type {number[]} */ some) => some.reduce((a, b) => Math.max(a, b));
  return /** @type {[number, number, number, number]} */ ([least(lons), least(lats), most(lons), most(lats)]);
}

/**
 * The fixes beside which their time is written: so far apart that one can read them, and each minute once.
 * @param {number[][]} pixels
 * @param {number[]} times
 * @param {number} apart px along the way
 * @returns {number[]}
 */
export function signposts(pixels, times, apart) {
  /** @type {number[]} */ const found = [];
  let gone = Infinity;
  let minute = NaN;
  for (const [i, [x, y]] of pixels.entries()) {
    if (i) gone += Math.hypot(x - pixels[i - 1][0], y - pixels[i - 1][1]);
    const now = Math.floor(times[i] / 60_000);
    if (gone < apart || now === minute) continue;
    found.push(i);
    gone = 0;
    minute = now;
  }
  return found;
}

/**
 * The fix nearest to a pixel; -1: none is in reach.
 * @param {number[][]} pixels @param {number} x @param {number} y @param {number} reach
 */
export function nearestFix(pixels, x, y, reach) {
  let best = -1;
  let least = reach;
  for (const [i, [px, py]] of pixels.entries()) {
    const far = Math.hypot(px - x, py - y);
    if (far <= least) [best, least] = [i, far];
  }
  return best;
}
