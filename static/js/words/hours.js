// When a region counts, as people write it: "Mon–Fri 08:00–17:00, Sat 9–12" to the weekly schedule of the API, and
// back; in the reader's language, and in English in each. Pure.

import { locale, say } from "./words.js";

const DAYS = /** @type {const} */ (["mon", "tue", "wed", "thu", "fri", "sat", "sun"]);
/** @typedef {Record<string, [string, string][]>} Weekly */

const SPAN = new RegExp(
  String.raw`(\d{1,2})(?:[:.](\d{2}))?\s*(?:-|–|—|to|${say("hours.to")})\s*(\d{1,2})(?:[:.](\d{2}))?`,
  "gi",
);
const AND = new RegExp(`[,\\s]|and|${say("hours.and")}`, "gi");
const BETWEEN = new RegExp(String.raw`[\s,]+(?![-–—])(?<![-–—]\s*)|\b(?:and|${say("hours.and")})\b`);
const DAY = /^(mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?$/i;
/** The days as Intl calls them, from Monday. @param {"short"|"long"} weekday */
const called = (weekday) =>
  DAYS.map((_, i) => new Intl.DateTimeFormat(locale, { weekday, timeZone: "UTC" }).format(Date.UTC(2024, 0, 1 + i)));
/** "Mon", "Tue"… */
export const SHORT = called("short");
const LONG = called("long").map((name) => name.toLowerCase());
const FEW = Math.min(...SHORT.map((name) => name.length));

/** Which day of the week this is called; -1: none. @param {string} word */
function dayOf(word) {
  if (DAY.test(word)) return DAYS.findIndex((day) => word.toLowerCase().startsWith(day));
  const plain = word.toLowerCase().replace(/\.$/, "");
  return plain.length < FEW ? -1 : LONG.findIndex((name) => name.startsWith(plain));
}

/** "" is always: null. Throws an Error that says how to write it. @param {string} text @returns {Weekly|null} */
export function readHours(text) {
  if (!text.trim()) return null;
  /** @type {Weekly} */ const weekly = {};
  for (const line of text
    .split(/[;\n]+|(?<=\d\s*),(?=\s*[a-z])/i)
    .map((part) => part.trim())
    .filter(Boolean)) {
    const at = line.search(/\d/);
    const named = (at < 0 ? line : line.slice(0, at)).trim().replace(/:$/, "");
    const times = at < 0 ? "" : line.slice(at);
    const spans = [...times.matchAll(SPAN)].map(
      (m) => /** @type {[string, string]} */ ([clock(m[1], m[2]), clock(m[3], m[4])]),
    );
    if (!spans.length || times.replace(SPAN, "").replace(AND, "")) throw new Error(say("hours.no_times", { line }));
    for (const day of days(named)) weekly[day] = [...(weekly[day] ?? []), ...spans];
  }
  return Object.keys(weekly).length ? weekly : null;
}

/** @param {string} hour @param {string} [minute] */
function clock(hour, minute = "00") {
  if (Number(hour) > 24 || Number(minute) > 59 || (Number(hour) === 24 && Number(minute)))
    throw new Error(say("hours.no_time", { time: `${hour}:${minute}` }));
  return `${hour.padStart(2, "0")}:${minute}`;
}

/** @param {string} named "Mon–Fri", "Sat, Sun", "daily" @returns {string[]} */
function days(named) {
  if (
    !named ||
    /^(daily|every ?day|all days)$/i.test(named) ||
    named.toLowerCase() === say("hours.daily").toLowerCase()
  )
    return [...DAYS];
  return named
    .split(BETWEEN)
    .filter(Boolean)
    .flatMap((part) => {
      const ends = part.split(/\s*[-–—]\s*/);
      const at = ends.map(dayOf);
      if (at.includes(-1) || ends.length > 2)
        throw new Error(say("hours.no_day", { part, days: SHORT.join(", "), from: SHORT[0], to: SHORT[4] }));
      return ends.length === 1
        ? [DAYS[at[0]]]
        : Array.from({ length: ((at[1] - at[0] + 7) % 7) + 1 }, (_, i) => DAYS[(at[0] + i) % 7]);
    });
}

/** The shortest way to say it. @param {Weekly|null|undefined} weekly */
export function writeHours(weekly) {
  const said = DAYS.map((day) => (weekly?.[day] ?? []).map(([from, to]) => `${from}–${to}`).join(", "));
  /** @type {string[]} */ const parts = [];
  for (let i = 0; i < 7; i++) {
    if (!said[i]) continue;
    let end = i;
    while (end < 6 && said[end + 1] === said[i]) end++;
    parts.push(
      `${i === 0 && end === 6 ? say("hours.daily") : end === i ? SHORT[i] : `${SHORT[i]}–${SHORT[end]}`} ${said[i]}`,
    );
    i = end;
  }
  return parts.join("; ");
}
