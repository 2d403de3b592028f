// Where vehicles were, from their fixes: the rule of tracker/history/film, written once more for a file that is read
// without a server. Both are held equal by fixtures/tape and fixtures/recorded. Pure.

import { KNOWN, Tape } from "./tape.js";

/**
 * Of one vehicle, in the order of time, each time once, none that was held, none without a place.
 * @typedef {{time: Float64Array, lat: Int32Array, lon: Int32Array}} Fixes  lat, lon in 1e-7 degrees
 */
/** @typedef {Map<number, Fixes>} Moved  by the number of a vehicle */
/** @typedef {{vehicle: string, name: string|null, plate: string|null, group: string|null, kind: string|null}} Entry */
/** @typedef {{lat: number, lon: number, age: number, speed: number}} Place  speed in m/s, -1: nobody knows */

export const LINE_MS = 300_000; // two fixes further apart say nothing of what lies between them
const SILENT_MS = 86_400_000; // what is older says nothing
const FULL = 3_600_000_000; // all the way round
const SAMPLES = 2_000_000; // of a tape
const UNIT = 1e-7;
const RAD = Math.PI / 180;
const METRES = 6_371_008.8 * RAD * UNIT; // of a unit northward
const MOVING_MPS = 5 / 3.6;
const NEAREST_M = 25; // who went no further may have stood
const FARTHEST_M = 150; // so far one moved, however long it took

/** A difference of longitudes the short way round. @param {number} units */
const short = (units) => ((((units + FULL / 2) % FULL) + FULL) % FULL) - FULL / 2;
/** @param {number} lon */
const within = (lon) => (lon > FULL / 2 ? lon - FULL : lon < -FULL / 2 ? lon + FULL : lon);

/** The place of the newest fix of then or before; -1: none. @param {Float64Array} time @param {number} at */
export function newest(time, at) {
  let low = 0;
  let high = time.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (time[middle] <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * Where a vehicle is known to have been at an instant, its newest fix then being `before`.
 * @param {Fixes} fixes @param {number} before @param {number} at @param {Place} out @returns {number} one of KNOWN
 */
export function place({ time, lat, lon }, before, at, out) {
  if (before < 0) return KNOWN.nothing;
  const age = at - time[before];
  if (age > SILENT_MS) return KNOWN.nothing;
  out.lat = lat[before];
  out.lon = lon[before];
  out.age = age;
  out.speed = -1;
  const gap = before + 1 < time.length ? time[before + 1] - time[before] : Number.POSITIVE_INFINITY;
  if (gap > LINE_MS) return KNOWN.gap;
  const north = lat[before + 1] - lat[before];
  const east = short(lon[before + 1] - lon[before]);
  out.lat += Math.floor((2 * north * age + gap) / (2 * gap));
  out.lon = within(lon[before] + Math.floor((2 * east * age + gap) / (2 * gap)));
  out.speed = (metres(north, east, lat[before]) / gap) * 1000;
  return KNOWN.between;
}

/** @param {number} north @param {number} east @param {number} lat */
const metres = (north, east, lat) => Math.hypot(north, east * Math.cos(lat * UNIT * RAD)) * METRES;

/** Everybody at one instant, as `/history/frames` tells them.
 * @param {Entry[]} entries @param {Moved} moved @param {number} at
 * @returns {(import("./fleet.js").Position & {speed: number})[]} */
export function frame(entries, moved, at) {
  const out = { lat: 0, lon: 0, age: 0, speed: -1 };
  /** @type {(import("./fleet.js").Position & {speed: number})[]} */ const positions = [];
  entries.forEach(({ vehicle }, n) => {
    const fixes = moved.get(n);
    const known = fixes ? place(fixes, newest(fixes.time, at), at, out) : KNOWN.nothing;
    if (known === KNOWN.nothing) return;
    const one = { vehicle, lat: out.lat / 1e7, lon: out.lon / 1e7, age_s: out.age / 1000, speed: out.speed };
    positions.push(known === KNOWN.gap ? { ...one, gap: true } : one);
  });
  return positions;
}

/** A grid with steps so long that a tape of so many is no burden.
 * @param {{from: number, until: number, step_s: number}} grid @param {number} vehicles */
export function feasible({ from, until, step_s }, vehicles) {
  const instants = (until - from) / 1000 / step_s;
  const most = Math.max(2, Math.floor(SAMPLES / Math.max(1, vehicles)));
  return { from, until, step_s: step_s * Math.max(1, Math.ceil(instants / most)) };
}

/** A tape of which nothing is known yet. @param {Entry[]} entries
 * @param {{from: number, until: number, step_s: number}} grid */
export function blank(entries, { from, until, step_s }) {
  const step_ms = step_s * 1000;
  const instants = Math.max(1, Math.ceil((until - from) / step_ms));
  const vehicles = entries.map((entry) => ({ ...entry, lat: 0, lon: 0 }));
  return new Tape({ from, step_ms, instants, digits: 7, vehicles });
}

/** What these fixes say of a tape's instants from one to another, both included.
 * @param {Tape} tape @param {Moved} moved @param {number} from @param {number} until */
export function record(tape, moved, from, until) {
  const out = { lat: 0, lon: 0, age: 0, speed: -1 };
  const count = tape.vehicles.length;
  const first = Math.max(0, Math.ceil((from - tape.from) / tape.step));
  const last = Math.min(tape.instants - 1, Math.floor((until - tape.from) / tape.step));
  for (const [n, fixes] of moved) {
    let before = newest(fixes.time, tape.from + first * tape.step);
    for (let k = first; k <= last; k++) {
      const at = tape.from + k * tape.step;
      while (before + 1 < fixes.time.length && fixes.time[before + 1] <= at) before++;
      const where = k * count + n;
      tape.known[where] = place(fixes, before, at, out);
      if (tape.known[where] === KNOWN.nothing) continue;
      tape.lat[where] = out.lat;
      tape.lon[where] = out.lon;
    }
  }
}

/** How far one goes in a step that did not stand. @param {number} step_ms */
const far = (step_ms) => Math.min(FARTHEST_M, Math.max(NEAREST_M, (MOVING_MPS * step_ms) / 1000));

/**
 * In which steps a vehicle told something, and in which it moved: 1, 3.
 * @param {Fixes} fixes @param {number} since @param {number} step ms @param {Uint8Array} told a step each
 */
function stirred({ time, lat, lon }, since, step, told) {
  const reach = far(step);
  const count = time.length;
  const stepOf = (/** @type {number} */ i) => Math.floor((time[i] - since) / step);
  let east = 0; // going on where the antimeridian is crossed
  let i = 0;
  while (i < count) {
    const now = stepOf(i);
    let [south, north, low, high] = [lat[i], lat[i], east, east];
    if (i && time[i] - time[i - 1] <= SILENT_MS) {
      const came = east - short(lon[i] - lon[i - 1]);
      [south, north] = [Math.min(south, lat[i - 1]), Math.max(north, lat[i - 1])];
      [low, high] = [Math.min(low, came), Math.max(high, came)];
    }
    const first = i;
    for (;;) {
      if (i + 1 >= count) {
        i = count;
        break;
      }
      const way = short(lon[i + 1] - lon[i]);
      const gap = time[i + 1] - time[i];
      const next = stepOf(i + 1);
      if (gap <= LINE_MS && next > now + 1) {
        const goes = (metres(lat[i + 1] - lat[i], way, lat[i]) / gap) * step > reach;
        for (let s = Math.max(0, now + 1); s < Math.min(next, told.length); s++) told[s] |= goes ? 3 : 1;
      }
      east += way;
      i++;
      if (next !== now) break;
      [south, north] = [Math.min(south, lat[i]), Math.max(north, lat[i])];
      [low, high] = [Math.min(low, east), Math.max(high, east)];
    }
    if (now >= 0 && now < told.length) told[now] |= metres(north - south, high - low, lat[first]) > reach ? 3 : 1;
  }
}

/** How many vehicles told something in each step, and how many moved. @param {Moved} moved
 * @param {number|null} only this one @param {number} since @param {number} step ms @param {number} steps */
export function counted(moved, only, since, step, steps) {
  const [known, moving] = [new Array(steps).fill(0), new Array(steps).fill(0)];
  const told = new Uint8Array(steps);
  for (const [n, fixes] of moved) {
    if (only !== null && only !== n) continue;
    told.fill(0);
    stirred(fixes, since, step, told);
    told.forEach((what, i) => {
      known[i] += what & 1;
      moving[i] += what >> 1;
    });
  }
  return { known, moving };
}

/** As `/track` tells them. @param {Fixes|undefined} fixes @param {{from: number, until: number}} span */
export function track(fixes, { from, until }) {
  /** @type {{time: string, lat: number, lon: number}[]} */ const positions = [];
  fixes?.time.forEach((at, i) => {
    if (at < from || at >= until) return;
    positions.push({ time: new Date(at).toISOString(), lat: fixes.lat[i] / 1e7, lon: fixes.lon[i] / 1e7 });
  });
  return positions;
}
