// Two moments beside one another: the one that is looked at, and now or another that stays as far from it. Pure.

import { ahead } from "../../words/format.js";
import { DAY, HOUR, MINUTE, SECOND } from "./moment.js";

/** @typedef {"now"|number} Beside  a number: ms after the moment, negative: before it */
/** @typedef {[left: number, top: number, right: number, bottom: number]} Box  CSS px of the map */

export const CHOICES = /** @type {Beside[]} */ (["now", -DAY, -7 * DAY]);
export const MIDDLE = 50;
export const LEAST = 15; // percent of the map that either half keeps
const MOST_DAYS = 3660;
const WRITTEN = /^(-?)(?:(\d{1,4})d)?(?:(\d{1,3})h)?(?:(\d{1,4})m)?(?:(\d{1,5})s)?$/;

/** "now", "-1d", "2h30m"; null where it says no other moment. @param {string|null} words @returns {Beside|null} */
export function beside(words) {
  if (words === "now") return words;
  const found = WRITTEN.exec(words ?? "");
  if (!found) return null;
  const [days, hours, minutes, seconds] = found.slice(2).map((part) => Number(part ?? 0));
  const ms = days * DAY + hours * HOUR + minutes * MINUTE + seconds * SECOND;
  return ms > 0 && ms <= MOST_DAYS * DAY ? (found[1] ? -ms : ms) : null;
}

/** @param {Beside} other */
export function written(other) {
  if (other === "now") return other;
  let rest = Math.abs(other);
  const parts = /** @type {const} */ ([
    ["d", DAY],
    ["h", HOUR],
    ["m", MINUTE],
    ["s", SECOND],
  ]).map(([unit, ms]) => {
    const n = Math.floor(rest / ms);
    rest -= n * ms;
    return n ? `${n}${unit}` : "";
  });
  return (other < 0 ? "-" : "") + parts.join("");
}

/** The other moment; null: now. Whole days go by the clock on the wall, so that yesterday is at the same time.
 * @param {number} at @param {Beside} other @param {number} now @param {string} zone @returns {number|null} */
export function other(at, other, now, zone) {
  if (other === "now") return null;
  const there = at + other;
  const moment = other % DAY ? there : there + ahead(at, zone) - ahead(there, zone);
  return moment >= now ? null : Math.max(0, moment);
}

/** How far a chosen moment lies from the one that is looked at, so that `other` leads there; null: that is the same
 * moment. @param {number} at @param {number} chosen @param {string} zone @returns {number|null} */
export function apart(at, chosen, zone) {
  const exactly = chosen - at;
  const days = Math.round(exactly / DAY) * DAY;
  for (const ms of [days, exactly]) if (ms && other(at, ms, Infinity, zone) === chosen) return ms;
  return exactly ? exactly + SECOND : null; // a day of 24 hours where the clock was changed: a second off
}

/** The two parts of a map. @param {number} width @param {number} height @param {number} share percent of the first
 * @returns {{columns: boolean, first: Box, second: Box}} */
export function halves(width, height, share) {
  const columns = width >= 480; // a phone has one over the other
  const at = Math.round(((columns ? width : height) * share) / 100);
  return columns
    ? { columns, first: [0, 0, at, height], second: [at, 0, width, height] }
    : { columns, first: [0, 0, width, at], second: [0, at, width, height] };
}

/** @param {Box} box @param {number} x @param {number} y */
export const within = ([left, top, right, bottom], x, y) => x >= left && x < right && y >= top && y < bottom;

/** Where a key puts the divider; null: it means something else. @param {number} share @param {string} key
 * @param {boolean} far */
export function moved(share, key, far) {
  const step = far ? 10 : 2;
  const to = /** @type {Record<string, number>} */ ({
    ArrowLeft: share - step,
    ArrowUp: share - step,
    ArrowRight: share + step,
    ArrowDown: share + step,
    PageUp: share - 10,
    PageDown: share + 10,
    Home: LEAST,
    End: 100 - LEAST,
    Enter: MIDDLE,
  })[key];
  return to === undefined ? null : kept(to);
}

/** @param {number} share */
export const kept = (share) => Math.max(LEAST, Math.min(100 - LEAST, share));
