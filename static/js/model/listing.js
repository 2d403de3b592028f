// Which vehicles a list shows, in which order, and how many there are of each state. Pure.

import { find } from "./search.js";
import { status } from "./status.js";

/** @typedef {import("./fleet.js").Vehicle} Vehicle */
/** @typedef {Pick<import("./choices.js").State, "query"|"states"|"group"|"sort">} Wish */

const byKey = (/** @type {Vehicle} */ a, /** @type {Vehicle} */ b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

/** In the order of their names. @param {Iterable<Vehicle>} vehicles */
export const byName = (vehicles) => [...vehicles].sort((a, b) => byKey(a, b) || (a.id < b.id ? -1 : 1));

/**
 * Those that fit; `found` says why one fits what was typed.
 * @param {Vehicle[]} vehicles by name
 * @param {Wish} wish
 * @param {(id: string) => string} regionName
 * @param {number} now
 */
export function listed(vehicles, { query, states, group, sort }, regionName, now) {
  const counts = { moving: 0, idle: 0, parked: 0, stale: 0, offline: 0, unknown: 0 };
  const asks = query.trim() !== "";
  /** @type {Vehicle[]} */ const shown = [];
  /** @type {Map<string, import("./search.js").Found>} */ const found = new Map();
  for (const v of vehicles) {
    const s = status(v);
    counts[s]++;
    if ((states.length && !states.includes(s)) || (group && v.group !== group)) continue;
    const fits = asks ? find(v, query, () => [...v.regions.keys()].map(regionName)) : null;
    if (asks && !fits) continue;
    if (fits) found.set(v.id, fits);
    shown.push(v);
  }
  if (sort === "age") shown.sort((a, b) => b.heard - a.heard);
  else if (sort === "speed") shown.sort((a, b) => b.speed - a.speed || byKey(a, b));
  else if (sort === "dwell") {
    const longest = new Map(shown.map((v) => [v, dwell(v, now)]));
    shown.sort((a, b) => Number(longest.get(b)) - Number(longest.get(a)) || byKey(a, b));
  }
  // alike ones stay in the order chosen
  if (asks) shown.sort((a, b) => Number(found.get(a.id)?.rank) - Number(found.get(b.id)?.rank));
  return { shown, counts, found };
}

/** The longest stay, ms; -1 outside every region. @param {Vehicle} v @param {number} now */
function dwell(v, now) {
  let longest = -1;
  for (const entered of v.regions.values()) longest = Math.max(longest, entered ? now - entered : 0);
  return longest;
}

/** How many of these are not among those. @param {{id: string}[]} these @param {{id: string}[]} those */
export function missing(these, those) {
  const known = new Set(those.map((v) => v.id));
  return these.reduce((n, v) => n + Number(!known.has(v.id)), 0);
}

/** Rows as they stood, each as it is now: `now` finds it again, and what nobody knows any more is left out.
 * @template T @param {T[]} before @param {(item: T) => T|undefined} now @returns {T[]} */
export const kept = (before, now) => before.map(now).filter((item) => item !== undefined);
