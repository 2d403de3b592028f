// The two fixes that decided an event, shown moving: from the first to the second, again and again. Pure.

import { beside } from "../../antimeridian.js";

/** @typedef {{time: number, lat: number, lon: number, edge: number|null, accuracy: number|null}} Fix */

export const WAIT_MS = 700; // at the first, …
export const WAY_MS = 1800; // … on the way, …
export const REST_MS = 1100; // … and at the second
const ROUND_MS = WAIT_MS + WAY_MS + REST_MS;

/** How far it has gone since the loop began, 0…1. @param {number} ms */
export function share(ms) {
  const gone = (Math.max(0, ms) % ROUND_MS) - WAIT_MS;
  const part = Math.max(0, Math.min(1, gone / WAY_MS));
  return part * part * (3 - 2 * part);
}

/** What decided, first fix first: two, one, or none. Longitudes of both lie side by side.
 * @param {any} event @returns {Fix[]} */
export function decided({ why }) {
  const told = [why?.from, why?.to].filter((one) => one && Number.isFinite(one.lat) && Number.isFinite(one.lon));
  const last = told[told.length - 1];
  return told.map(({ time, lat, lon, edge_m, accuracy_m }) => ({
    time: new Date(time).getTime(),
    lat,
    lon: beside(lon, last.lon),
    edge: edge_m ?? null,
    accuracy: accuracy_m ?? null,
  }));
}

/** Where it is on that way; with one fix it stands. @param {Fix[]} fixes @param {number} part 0…1
 * @returns {[lon: number, lat: number]} */
export function along(fixes, part) {
  const [from] = fixes;
  const to = fixes[fixes.length - 1];
  return [from.lon + (to.lon - from.lon) * part, from.lat + (to.lat - from.lat) * part];
}

/**
 * Where the words of two places lie: on the far sides of both, within the picture. [left, top] of each.
 * @param {number[][]} places px @param {number[][]} sizes [width, height] of their words
 * @param {number} gap px between a place and its words @param {number[]} within [width, height]
 */
export function beyond(places, sizes, gap, [width, height]) {
  const [x1, y1] = places[0];
  const [x2, y2] = places[places.length - 1];
  const far = Math.hypot(x2 - x1, y2 - y1);
  const [dx, dy] = far > 1 ? [(x2 - x1) / far, (y2 - y1) / far] : [0, 1];
  return places.map(([x, y], i) => {
    const away = i === places.length - 1 ? 1 : -1;
    const [w, h] = sizes[i];
    const reach = gap + (Math.abs(dx) * w + Math.abs(dy) * h) / 2;
    const left = x + away * dx * reach - w / 2;
    const top = y + away * dy * reach - h / 2;
    return [Math.max(2, Math.min(width - w - 2, left)), Math.max(2, Math.min(height - h - 2, top))];
  });
}
