// What the server remembers of a vehicle, as it arrives: a long answer comes in pages.

import { get, pages, vehiclePath } from "./api.js";

const PAGE = 1000;
const FIXES = 10_000; // of a track in one page
const MOST = 100_000; // and in all

/**
 * Trips, stops and sums of a span: first what one answer holds, then all of it.
 * @param {string} vehicle
 * @param {{from: number, until: number, tz: string}} span
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<{moved: any, stood: any, sums: any, more: boolean}>}
 */
export async function* story(vehicle, span, signal) {
  const ask = (/** @type {string} */ what, /** @type {any} */ more) =>
    get(`${vehiclePath(vehicle)}/${what}`, { ...span, ...more }, signal);
  const pages = [ask("trips", { limit: PAGE }), ask("stops", { limit: PAGE }), ask("summary", {})];
  const [moved, stood, sums] = await Promise.all(pages);
  for (;;) {
    const more = Boolean(moved.next || stood.next);
    yield { moved, stood, sums, more };
    if (!more) return;
    if (moved.next) join(moved, await ask("trips", { limit: PAGE, cursor: moved.next }));
    if (stood.next) join(stood, await ask("stops", { limit: PAGE, cursor: stood.next }));
  }
}

/** @param {any} page @param {any} next */
function join(page, next) {
  for (const name of ["trips", "stops", "gaps"]) if (next[name]) page[name].push(...next[name]);
  page.next = next.next;
}

/**
 * The fixes of a span that there are so far, again after each page.
 * @param {string} vehicle
 * @param {{from: number, until: number}} span
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<any[]>}
 */
export async function* track(vehicle, span, signal) {
  /** @type {any[]} */ const positions = [];
  for await (const page of pages(`${vehiclePath(vehicle)}/track`, { ...span, limit: FIXES }, signal)) {
    positions.push(...page.positions);
    yield positions;
    if (positions.length >= MOST) return;
  }
}
