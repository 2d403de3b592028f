// What of the world shows a fleet. Pure.

import { beside, eastward } from "../antimeridian.js";

/** @typedef {[number, number, number, number]} Box  west, south, east, north */

/** The middle 98 %: one van left in another country must not make the town a dot. @param {number[]} values in order */
const cut = (values) => [values[Math.floor(values.length * 0.01)], values[Math.ceil(values.length * 0.99) - 1]];

/**
 * Where these are, at least one, with the regions they work in; a region larger than the fleet is none of the picture.
 * @param {{lat: number, lon: number}[]} vehicles
 * @param {Box[]} regions
 * @returns {Box}
 */
export function extent(vehicles, regions) {
  const [south, north] = cut(vehicles.map((v) => v.lat).sort((a, b) => a - b));
  const [west, east] = cut(eastward(vehicles.map((v) => v.lon)));
  /** @type {Box} */ let box = [west, south, east, north];
  for (const [w0, s, e0, n] of regions) {
    const w = beside((w0 + e0) / 2, (west + east) / 2) - (e0 - w0) / 2;
    const e = w + e0 - w0;
    if (w > east || e < west || s > north || n < south || e - w > east - west || n - s > north - south) continue;
    box = [Math.min(box[0], w), Math.min(box[1], s), Math.max(box[2], e), Math.max(box[3], n)];
  }
  return box;
}
