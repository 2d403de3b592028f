// Who was here: the ranges people ask about, in the zone of the page, and the visits that were told, by vehicle. Pure.

import { ahead, startOfDay } from "../words/format.js";

/** @typedef {"hour"|"today"|"yesterday"|"night"|"other"} Choice */
/** @typedef {{from: number, until: number}} Range ms */
/**
 * @typedef {object} Visit as the server tells it
 * @property {string} vehicle
 * @property {string|null} entered_at null: it was inside before
 * @property {string|null} exited_at null: it still was
 * @property {number} duration_s
 * @property {number} fixes
 * @property {boolean} passed_through
 * @property {{how: string, lat: number|null, lon: number|null}} entry
 * @property {{how: string, lat: number|null, lon: number|null}} exit
 */

export const CHOICES = /** @type {const} */ (["hour", "today", "yesterday", "night", "other"]);
const HOUR = 3_600_000;
const NIGHT = ["T22:00", "T06:00"];
const AROUND = 120_000; // of the track before and after a visit

/** @param {Choice} choice @param {number} now @param {string} zone @returns {Range|null} */
export function rangeOf(choice, now, zone) {
  const today = startOfDay(now, zone);
  const yesterday = startOfDay(today - 1, zone);
  if (choice === "hour") return { from: now - HOUR, until: now };
  if (choice === "today") return { from: today, until: now };
  if (choice === "yesterday") return { from: yesterday, until: today };
  if (choice === "other") return null;
  const [from, until] = [yesterday, today].map((day, i) => instant(local(day, zone).slice(0, 10) + NIGHT[i], zone));
  return { from, until: Math.min(until, now) };
}

/** What the clocks of a zone say, as an input takes it: "2026-11-23T22:00". @param {number} ms @param {string} zone */
export const local = (ms, zone) => new Date(ms + ahead(ms, zone)).toISOString().slice(0, 16);

/** When they say so; NaN for what is no time. @param {string} text @param {string} zone */
export function instant(text, zone) {
  const said = Date.parse(`${text}Z`);
  if (Number.isNaN(said)) return said;
  const near = said - ahead(said, zone);
  return said - ahead(near, zone);
}

/**
 * By vehicle, in the order of their first entries.
 * @param {Visit[]} visits
 * @returns {{vehicle: string, visits: Visit[], total: number}[]}
 */
export function grouped(visits) {
  /** @type {Map<string, {vehicle: string, visits: Visit[], total: number}>} */ const found = new Map();
  for (const visit of visits) {
    const group = found.get(visit.vehicle) ?? { vehicle: visit.vehicle, visits: [], total: 0 };
    group.visits.push(visit);
    group.total += visit.duration_s * 1000;
    found.set(visit.vehicle, group);
  }
  const first = (/** @type {{visits: Visit[]}} */ { visits: [visit] }) => Date.parse(visit.entered_at ?? "") || 0;
  return [...found.values()].sort((a, b) => first(a) - first(b));
}

/** What of the track shows a visit. @param {Visit} visit @param {Range} range @returns {Range} */
export const around = (visit, range) => ({
  from: (visit.entered_at ? Date.parse(visit.entered_at) : range.from) - AROUND,
  until: (visit.exited_at ? Date.parse(visit.exited_at) : range.until) + AROUND,
});
