// The moment that is looked at, and the stretch of time around it: zoom, pan, steps, speeds, what is asked for. Pure.

/** @typedef {{from: number, until: number}} Span */
/** @typedef {{from: number, until: number, step_s: number, known: number[], moving: number[]}} Activity */

export const SECOND = 1000;
export const MINUTE = 60_000;
export const HOUR = 3_600_000;
export const DAY = 86_400_000;
export const SHORTEST = MINUTE;
export const LONGEST = 31 * DAY;
export const SPEEDS = [0.5, 1, 2, 4, 8, 16, 32, 64];
export const SPEED = 8; // at first

const SAMPLES = 800_000; // of a tape, so that it is read, kept and drawn without anybody waiting
const FINEST = 1;
const BINS = 240; // of the strip's activity
const INSTANTS = 1440; // no more of them than a wide strip has pixels
const DULL_MS = 5 * MINUTE; // shorter ones are not worth a jump
const FAR = 60; // steps of a large step

/** @param {number} value @param {number} least @param {number} most */
const within = (value, least, most) => Math.max(least, Math.min(most, value));

/** Whole seconds: a link says no less. @param {number} at */
export const whole = (at) => Math.floor(at / SECOND) * SECOND;

/** The first whole second at which what happened had happened. @param {number} at */
export const happened = (at) => Math.ceil(at / SECOND) * SECOND;

/** "2026-11-26T09:15:00Z". @param {number} at */
export const stamp = (at) => `${new Date(whole(at)).toISOString().slice(0, 19)}Z`;

const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
/** What a link says, null where it says no moment there is. @param {string|null} words @returns {number|null} */
export function moment(words) {
  if (!words || !STAMP.test(words)) return null;
  const at = Date.parse(words);
  return Number.isFinite(at) && at >= 0 && stamp(at) === words ? at : null;
}

/** "2026-11-26T00:00:00Z/2026-11-27T00:00:00Z". @param {Span} span */
export const written = ({ from, until }) => `${stamp(from)}/${stamp(until)}`;

/** @param {string|null} words @returns {Span|null} */
export function span(words) {
  const [from, until, more] = (words ?? "").split("/").map(moment);
  if (from == null || until == null || more !== undefined) return null;
  return until - from >= SHORTEST && until - from <= LONGEST ? { from, until } : null;
}

/** A stretch of time of an allowed length that does not reach beyond now. @param {Span} span @param {number} now
 * @returns {Span} */
export function kept({ from, until }, now) {
  const length = within(until - from, SHORTEST, LONGEST);
  const end = Math.min(from + length, now);
  return { from: end - length, until: end };
}

/** Of a past that only began in this stretch, what there is of it. @param {Span} span @param {Activity} activity */
export function begun({ from, until }, { known, from: since, step_s }) {
  const first = known.findIndex((n) => n > 0);
  if (first <= 0) return { from, until };
  const began = since + first * step_s * SECOND;
  return { from: Math.max(from, Math.min(began - (until - began) / 20, until - 15 * MINUTE)), until };
}

/** Up to now again, if it ended about now. @param {Span} span @param {number} now */
export function along(span, now) {
  const length = span.until - span.from;
  return now - span.until < length / 50 ? { from: now - length, until: now } : span;
}

/** Longer (factor over 1) or shorter, with one moment staying where it is on the strip.
 * @param {Span} span @param {number} factor @param {number} anchor @param {number} now */
export function zoomed({ from, until }, factor, anchor, now) {
  const length = within((until - from) * factor, SHORTEST, LONGEST);
  const share = (anchor - from) / (until - from);
  const begin = anchor - share * length;
  return kept({ from: begin, until: begin + length }, now);
}

/** @param {Span} span @param {number} ms @param {number} now */
export const panned = ({ from, until }, ms, now) => kept({ from: from + ms, until: until + ms }, now);

/** Panned no more than it takes to have this moment in it. @param {Span} span @param {number} at @param {number} now */
export function reaching(span, at, now) {
  const length = span.until - span.from;
  if (at < span.from) return panned(span, at - span.from - length / 10, now);
  return at > span.until ? panned(span, at - span.until + length / 10, now) : span;
}

const NICE = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];
/** The least of the steps people count in that is not under this. @param {number} seconds */
const nice = (seconds) => NICE.find((step) => step >= seconds) ?? 86_400;

/** How far an arrow key goes, ms: with Shift much farther. @param {Span} span @param {boolean} [far] */
export const stride = ({ from, until }, far = false) =>
  far ? nice(((until - from) / SECOND / 1440) * FAR) * SECOND : nice((until - from) / SECOND / 1440) * SECOND;

/** The next speed. @param {number} speed @param {1|-1} by */
export function faster(speed, by) {
  const at = SPEEDS.indexOf(speed);
  return SPEEDS[within((at < 0 ? SPEEDS.indexOf(SPEED) : at) + by, 0, SPEEDS.length - 1)];
}

/** What the strip counts by. @param {Span} span */
export function bins({ from, until }) {
  const step_s = nice((until - from) / SECOND / BINS);
  const step = step_s * SECOND;
  return { from: Math.floor(from / step) * step, until: Math.ceil(until / step) * step, step_s };
}

/** What is asked for to scrub the strip: its steps as fine as so many vehicles allow.
 * @param {Span} span @param {number} vehicles */
export function coarse({ from, until }, vehicles) {
  const most = within(Math.floor(SAMPLES / Math.max(1, vehicles)), 2, INSTANTS);
  const step = nice(Math.max(FINEST, (until - from) / SECOND / most));
  const grid = step * SECOND;
  return { from: Math.floor(from / grid) * grid, until: Math.ceil(until / grid) * grid + grid, step_s: step };
}

/** What is asked for to look closely around a moment: more of it ahead.
 * @param {number} at @param {number} speed negative: backward @param {number} vehicles */
export function fine(at, speed, vehicles) {
  const length = Math.max(10 * MINUTE, Math.abs(speed) * 40 * SECOND);
  const step = nice(Math.max(FINEST, (length / SECOND) * (vehicles / SAMPLES)));
  const grid = step * SECOND;
  const begin = Math.floor((at - length * (speed < 0 ? 0.75 : 0.25)) / grid) * grid;
  return { from: begin, until: begin + Math.ceil(length / grid) * grid, step_s: step };
}

/** Is a tape of that which plays well for some time yet? @param {{from: number, until: number}} tape
 * @param {number} at @param {number} speed */
export function lasts({ from, until }, at, speed) {
  if (at < from || at > until) return false;
  return (speed < 0 ? at - from : until - at) > Math.min(0.25 * (until - from), Math.abs(speed) * 10 * SECOND);
}

/**
 * Stretches in which nothing moves and nothing happens.
 * @param {Activity|null} activity @param {number[]} events times, ascending @returns {Span[]}
 */
export function dull(activity, events) {
  /** @type {Span[]} */ const out = [];
  if (!activity) return out;
  const step = activity.step_s * SECOND;
  let e = 0;
  /** @type {Span|null} */ let open = null;
  const close = () => {
    if (open && open.until - open.from >= DULL_MS) out.push(open);
    open = null;
  };
  for (let i = 0; i < activity.moving.length; i++) {
    const from = activity.from + i * step;
    const until = Math.min(from + step, activity.until);
    while (e < events.length && events[e] < from) e++;
    if (activity.moving[i] || (e < events.length && events[e] < until)) close();
    else if (open) open.until = until;
    else open = { from, until };
  }
  close();
  return out;
}

/** Where playing goes on: beyond a dull stretch, in the direction it goes. @param {Span[]} stretches @param {number} at
 * @param {number} direction */
export function skipped(stretches, at, direction) {
  const found = stretches.find(({ from, until }) =>
    direction < 0 ? at > from && at <= until : at >= from && at < until,
  );
  return found ? (direction < 0 ? found.from : found.until) : at;
}

/**
 * Events near one another on the strip are one tick. @param {{time: number}[]} events ascending @param {Span} span
 * @param {number} width px @param {number} apart px
 * @returns {{x: number, first: number, count: number}[]} first: its index
 */
export function ticks(events, { from, until }, width, apart) {
  /** @type {{x: number, first: number, count: number}[]} */ const out = [];
  events.forEach(({ time }, i) => {
    if (time < from || time > until) return;
    const x = ((time - from) / (until - from)) * width;
    const last = out.at(-1);
    if (last && x - last.x < apart) last.count++;
    else out.push({ x, first: i, count: 1 });
  });
  return out;
}

/** The stretch in which these events come apart on the strip; null: none does.
 * @param {{time: number}[]} some ascending @param {Span} span @returns {Span|null} */
export function parting(some, { from, until }) {
  const [first, last] = [some[0].time, some[some.length - 1].time];
  if (last === first || until - from <= SHORTEST) return null;
  const half = Math.max(SHORTEST / 2, last - first);
  return { from: (first + last) / 2 - half, until: (first + last) / 2 + half };
}

/** The events that had happened at the same second. @template {{time: number}} T @param {T[]} events @param {T} one */
export const together = (events, one) => events.filter(({ time }) => happened(time) === happened(one.time));

/** The event before or after a moment. @template {{time: number}} T @param {T[]} events ascending @param {number} at
 * @param {1|-1} by @returns {T|null} */
export function beside(events, at, by) {
  if (by > 0) return events.find(({ time }) => happened(time) > at) ?? null;
  return events.findLast(({ time }) => happened(time) < at) ?? null;
}

/** Regions as they were: of each the version that held then.
 * @template {{from: number, until: number|null}} T @param {T[]} versions @param {number} at @returns {T[]} */
export const valid = (versions, at) =>
  versions.filter(({ from, until }) => from <= at && (until === null || at < until));
