// When a region counts, as people write it: "Mon–Fri 08:00–17:00, Sat 9–12" to the weekly schedule of the API, and back. Pure.

const DAYS = /** @type {const} */ (["mon", "tue", "wed", "thu", "fri", "sat", "sun"]);
/** @typedef {Record<string, [string, string][]>} Weekly */

const SPAN = /(\d{1,2})(?:[:.](\d{2}))?\s*(?:-|–|—|to)\s*(\d{1,2})(?:[:.](\d{2}))?/gi;
const DAY = /^(mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?$/i;

/** "" is always: null. Throws an Error that says how to write it. @param {string} text @returns {Weekly|null} */
export function readHours(text) {
  if (!text.trim()) return null;
  /** @type {Weekly} */ const weekly = {};
  for (const line of text.split(/[;\n]+|(?<=\d\s*),(?=\s*[a-z])/i).map((part) => part.trim()).filter(Boolean)) {
    const at = line.search(/\d/), named = (at < 0 ? line : line.slice(0, at)).trim().replace(/:$/, ""), times = at < 0 ? "" : line.slice(at);
    const spans = [...times.matchAll(SPAN)].map((m) => /** @type {[string, string]} */ ([clock(m[1], m[2]), clock(m[3], m[4])]));
    if (!spans.length || times.replace(SPAN, "").replace(/[,\s]|and/gi, "")) throw new Error(`“${line}” has no times like 08:00–17:00.`);
    for (const day of days(named)) weekly[day] = [...(weekly[day] ?? []), ...spans];
  }
  return Object.keys(weekly).length ? weekly : null;
}

/** @param {string} hour @param {string} [minute] */
function clock(hour, minute = "00") {
  if (Number(hour) > 24 || Number(minute) > 59 || (Number(hour) === 24 && Number(minute))) throw new Error(`${hour}:${minute} is no time of day.`);
  return `${hour.padStart(2, "0")}:${minute}`;
}

/** @param {string} named "Mon–Fri", "Sat, Sun", "daily" @returns {string[]} */
function days(named) {
  if (!named || /^(daily|every ?day|all days)$/i.test(named)) return [...DAYS];
  return named.split(/[\s,]+(?![-–—])(?<![-–—]\s*)|\band\b/).filter(Boolean).flatMap((part) => {
    const ends = part.split(/\s*[-–—]\s*/), at = ends.map((end) => (DAY.test(end) ? DAYS.findIndex((day) => end.toLowerCase().startsWith(day)) : -1));
    if (at.includes(-1) || ends.length > 2) throw new Error(`“${part}” is no day: write Mon, Tue, Wed, Thu, Fri, Sat, Sun, or Mon–Fri.`);
    return ends.length === 1 ? [DAYS[at[0]]] : Array.from({ length: ((at[1] - at[0] + 7) % 7) + 1 }, (_, i) => DAYS[(at[0] + i) % 7]);
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
    const name = (/** @type {number} */ day) => DAYS[day][0].toUpperCase() + DAYS[day].slice(1);
    parts.push(`${i === 0 && end === 6 ? "Daily" : end === i ? name(i) : `${name(i)}–${name(end)}`} ${said[i]}`);
    i = end;
  }
  return parts.join("; ");
}
