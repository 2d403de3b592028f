// What the server remembers of everybody, for the timeline: tapes, exact frames, regions as they were, how much moved,
// what happened.

import { call, get, pages, vehiclePath } from "./api.js";
import { unpack } from "../model/past/tape.js";
import { say } from "../words/words.js";

/** @typedef {import("../model/past/tape.js").Tape} Tape */
/** @typedef {{from: number, until: number, step_s: number}} Grid */
/** @typedef {{time: number, event: import("../words/phrases.js").Event}} Happened */
/** @typedef {{id: string, from: number, until: number|null, feature: any}} Version */

const SLICE_MS = 8; // of work before others have a turn
const PAGE = 4000; // vehicles: the first are drawn while others come, and none of them takes long to read
const EVENTS = 1000;
const MOST_EVENTS = 5000;
const FIXES = 10_000;

/**
 * A tape, page by page as they come.
 * @param {Grid} grid @param {AbortSignal} signal
 * @returns {AsyncGenerator<{tapes: Tape[], more: boolean}>}
 */
export async function* tapes({ from, until, step_s }, signal) {
  /** @type {Tape[]} */ const all = [];
  let cursor = null;
  do {
    const query = { from, until, step_s, format: "tape", limit: PAGE, cursor };
    const tape = await unpacked(await call("GET", "history/frames", { query, signal, bytes: true }), signal);
    all.push(tape);
    cursor = tape.next;
    yield { tapes: [...all], more: cursor !== null };
  } while (cursor !== null);
}

/** @param {ArrayBuffer} buffer @param {AbortSignal} signal */
async function unpacked(buffer, signal) {
  const reading = whole(unpack(buffer));
  for (let since = performance.now(); ; ) {
    const { done, value } = reading.next();
    if (done) return value;
    if (performance.now() - since < SLICE_MS) continue;
    await new Promise((go) => setTimeout(go));
    signal.throwIfAborted();
    since = performance.now();
  }
}

/** What cannot be read was cut short on its way. @template T @param {Generator<void, T>} reading
 * @returns {Generator<void, T>} */
function* whole(reading) {
  try {
    return yield* reading;
  } catch {
    throw new Error(say("past.cut"));
  }
}

/** Where everybody was at one moment. @param {number} at @param {AbortSignal} signal
 * @returns {Promise<import("../model/past/fleet.js").Position[]>} */
export async function frame(at, signal) {
  const positions = [];
  for await (const { frames } of pages("history/frames", { from: at, limit: PAGE }, signal))
    for (const one of frames) positions.push(...one.positions);
  return positions;
}

/** @param {{from: number, until: number}} span @param {AbortSignal} signal @returns {Promise<Version[]>} */
export async function versions({ from, until }, signal) {
  const told = [];
  for await (const page of pages("history/regions", { from, until }, signal)) told.push(...page.versions);
  return told.map((one) => ({
    id: one.id,
    feature: one.feature,
    from: Date.parse(one.from),
    until: one.until === null ? null : Date.parse(one.until),
  }));
}

/** How many were known and moving, step by step. @param {Grid} grid @param {string|null} vehicle
 * @param {AbortSignal} signal @returns {Promise<import("../model/past/moment.js").Activity>} */
export async function activity({ from, until, step_s }, vehicle, signal) {
  const told = await get("history/activity", { from, until, step_s, vehicle }, signal);
  return { ...told, from, until, step_s };
}

/** What happened, oldest first; `more`: not all of it. @param {{from: number, until: number}} span
 * @param {string|null} vehicle @param {AbortSignal} signal */
export async function events({ from, until }, vehicle, signal) {
  /** @type {Happened[]} */ const all = [];
  let after = 0;
  for (;;) {
    const page = await get("events", { from, until, vehicle, after, limit: EVENTS }, signal);
    for (const event of page.events) if (event.kind !== "erased") all.push({ time: Date.parse(event.time), event });
    const more = page.next !== null && page.next !== undefined;
    if (!more || all.length >= MOST_EVENTS) return { events: all.sort((a, b) => a.time - b.time), more };
    after = page.next;
  }
}

/** The fixes of one vehicle. @param {string} vehicle @param {{from: number, until: number}} span
 * @param {AbortSignal} signal */
export const fixes = async (vehicle, span, signal) =>
  (await get(`${vehiclePath(vehicle)}/track`, { ...span, limit: FIXES }, signal)).positions;
