// What a vehicle's state is called, and from when on it is silent. Pure.

/** @typedef {import("./fleet.js").Vehicle} Vehicle */
/** @typedef {"moving"|"idle"|"parked"|"stale"|"offline"|"unknown"} Status */

const GAP_FLOOR = 5000;
/**
 * Moving: stale after two of its own gaps (never under 15 s), offline after ten (never under 10 min). Standing: 1 h, 24
 * h.
 * @param {number} gap
 * @param {boolean} standing
 * @returns {[number, number]}
 */
export function freshness(gap, standing) {
  if (standing) return [3_600_000, 86_400_000];
  const own = Math.max(gap || GAP_FLOOR, GAP_FLOOR);
  return [Math.max(2 * own, 15_000), Math.max(10 * own, 600_000)];
}

export const GLYPH = { none: 0, unknown: 1, moving: 2, idle: 3, parked: 4, offline: 5, stale: 8 };

/**
 * How a vehicle's state reads: the word, and which chip counts it.
 * @param {Vehicle} v
 * @returns {"moving"|"idle"|"parked"|"stale"|"offline"|"unknown"}
 */
export function status(v) {
  if (v.offline) return "offline";
  if (v.stale) return "stale";
  return /** @type {const} */ (["unknown", "moving", "idle", "parked", "offline"])[v.state] ?? "unknown";
}

/** How many there are of each. @param {Iterable<Vehicle>} vehicles */
export function tally(vehicles) {
  const counts = { moving: 0, idle: 0, parked: 0, stale: 0, offline: 0, unknown: 0 };
  for (const v of vehicles) counts[status(v)]++;
  return counts;
}
