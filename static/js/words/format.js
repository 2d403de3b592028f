// How the page says things: units, ages, times, places, as the reader's language writes numbers and dates. Pure
// functions; the page's one units and one time-zone setting are given in, never read from anywhere.

import { turn } from "../antimeridian.js";
import { MAP_END } from "../geo.js";
import { locale, say } from "./words.js";

/** @typedef {"metric"|"imperial"|"nautical"} Units */
/** @typedef {{units: Units, zone: string}} Style  `zone` is an IANA name, "UTC", or "" for the browser's own */

const SPEED = { metric: [3.6, "km/h"], imperial: [2.2369362921, "mph"], nautical: [1.9438444924, "kn"] };

/** Metres a second → "48 km/h"; null or negative (unknown) → "–".
 * @param {number|null|undefined} mps @param {Units} units */
export function speed(mps, units) {
  if (mps == null || mps < 0) return "–";
  const [factor, unit] = SPEED[units];
  return `${number(Math.round(mps * Number(factor)))} ${unit}`;
}

/** What a person typed in their own unit → m/s. @param {number} value @param {Units} units */
export const speedFrom = (value, units) => value / Number(SPEED[units][0]);
/** m/s → the plain number in the reader's unit. @param {number} mps @param {Units} units */
export const speedValue = (mps, units) => Math.round(mps * Number(SPEED[units][0]) * 10) / 10;
/** @param {Units} units */
export const speedUnit = (units) => String(SPEED[units][1]);

/** Metres → "250 m", "1.2 km", "0.8 mi". @param {number} metres @param {Units} units */
export function distance(metres, units) {
  if (units === "imperial") {
    const feet = metres * 3.28084;
    return feet < 1000 ? `${number(Math.round(feet))} ft` : `${trim(metres / 1609.344)} mi`;
  }
  if (units === "nautical" && metres >= 1000) return `${trim(metres / 1852)} nmi`;
  return metres < 1000 ? `${number(Math.round(metres))} m` : `${trim(metres / 1000)} km`;
}

/** Square metres → "3,400 m²", "12 ha", "4.2 km²". @param {number} m2 @param {Units} units */
export function area(m2, units) {
  if (units === "imperial")
    return m2 < 40_000
      ? `${count(m2 * 10.7639)} ft²`
      : m2 < 2.6e6
        ? `${trim(m2 / 4046.86)} ac`
        : `${trim(m2 / 2.59e6)} mi²`;
  return m2 < 10_000 ? `${count(m2)} m²` : m2 < 1e6 ? `${trim(m2 / 10_000)} ha` : `${trim(m2 / 1e6)} km²`;
}

/** Two significant figures below ten, whole numbers above. @param {number} value */
function trim(value) {
  return value < 10 ? number(Math.round(value * 10) / 10) : count(value);
}

const numbers = new Intl.NumberFormat(locale);
/** @param {number} n */
const number = (n) => numbers.format(n);
/** @param {number} n */
export const count = (n) => number(Math.round(n));
const SIZES = /** @type {[number, string][]} */ ([
  [1e12, "TB"],
  [1e9, "GB"],
  [1e6, "MB"],
  [1e3, "kB"],
]);
/** 1,234,567 → "1.2 MB". @param {number} bytes */
export function size(bytes) {
  const [unit, name] = SIZES.find(([unit]) => bytes >= unit * 0.9995) ?? [1, "B"];
  return `${trim(bytes / unit)} ${name}`;
}

/** How long ago, in one unit: "2 s", "4 min", "3 h", "2 d". @param {number} ms */
export function age(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86_400)} d`;
}

/** A running timer: "0:07", "12:40", "3:05:09", "2 d 4 h". @param {number} ms */
export function timer(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s >= 172_800) return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
  const h = Math.floor(s / 3600);
  const m = Math.floor((s % 3600) / 60);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

/** How long something lasted: "14 s", "12 min", "1 h 5 min", "2 d 4 h". @param {number} ms */
export function lasted(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 3600) return age(ms);
  const [big, bigUnit, small, smallUnit] =
    s < 86_400 ? [s / 3600, "h", (s % 3600) / 60, "min"] : [s / 86_400, "d", (s % 86_400) / 3600, "h"];
  return `${Math.floor(big)} ${bigUnit}${Math.floor(small) ? ` ${Math.floor(small)} ${smallUnit}` : ""}`;
}

/** Spoken length: "4 minutes", "1 hour". @param {number} ms */
export function spoken(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  const long = (/** @type {number} */ n, /** @type {string} */ unit) =>
    new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(Math.floor(n));
  if (s < 60) return long(s, "second");
  if (s < 3600) return long(s / 60, "minute");
  if (s < 86_400) return long(s / 3600, "hour");
  return long(s / 86_400, "day");
}

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();
/** @param {string} zone @param {Intl.DateTimeFormatOptions} options */
function formatter(zone, options) {
  const key = zone + JSON.stringify(options);
  let format = formats.get(key);
  if (!format) {
    /** @type {Intl.DateTimeFormatOptions} */ const own = { ...options, hourCycle: "h23" };
    try {
      format = new Intl.DateTimeFormat(locale, zone ? { ...own, timeZone: zone } : own);
    } catch {
      // a zone this browser does not know: its own, which full times name
      format = new Intl.DateTimeFormat(locale, own);
    }
    formats.set(key, format);
  }
  return format;
}

/** "10:42:07" in the page's zone. @param {number} ms @param {string} zone */
export const clock = (ms, zone) =>
  formatter(zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(ms);
/** "10:42". @param {number} ms @param {string} zone */
export const clockShort = (ms, zone) => formatter(zone, { hour: "2-digit", minute: "2-digit" }).format(ms);
/** "23 Nov". @param {number} ms @param {string} zone */
export const day = (ms, zone) => formatter(zone, { day: "numeric", month: "short" }).format(ms);
/** "23 Nov 2026, 10:42:07 UTC+2": a time that states its zone. @param {number} ms @param {string} zone */
export function full(ms, zone) {
  return `${date(ms, zone)}, ${clock(ms, zone)} ${zoneName(ms, zone)}`;
}
/** Today: only the clock; another day: with the day. @param {number} ms @param {number} now @param {string} zone */
export function when(ms, now, zone) {
  return date(ms, zone) === date(now, zone) ? clock(ms, zone) : `${dayOf(ms, now, zone)}, ${clockShort(ms, zone)}`;
}
/** "UTC", "UTC+2", as it was at that moment. @param {number} ms @param {string} zone */
export function zoneName(ms, zone) {
  const part = formatter(zone, { timeZoneName: "shortOffset" })
    .formatToParts(ms)
    .find((p) => p.type === "timeZoneName");
  return (part ? part.value : "UTC").replace("GMT", "UTC").replace(/\+0$/, "");
}
/** How far the clocks of a zone are ahead of UTC at a moment, ms. @param {number} ms @param {string} zone */
export function ahead(ms, zone) {
  const [, sign, hours, minutes] = /^UTC([+-])(\d+)(?::(\d+))?$/.exec(zoneName(ms, zone).replace("\u2212", "-")) ?? [];
  return sign ? (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes ?? 0)) * 60_000 : 0;
}
/** The instant a day began in the page's zone: its first, also where the clock skips midnight or strikes it twice.
 * @param {number} ms @param {string} zone */
export function startOfDay(ms, zone) {
  const today = date(ms, zone);
  const lasts = 26 * 3_600_000;
  // No clock changes so often that an hour would lie twice in a day and once outside: walk back hour by hour, then
  // halve.
  let inside = ms;
  let before = ms;
  for (let ago = 0; ago <= lasts; ago += 1_800_000) if (date(ms - ago, zone) === today) inside = ms - ago;
  before = inside - 1_800_000;
  while (inside - before > 1) {
    const middle = Math.floor((inside + before) / 2);
    if (date(middle, zone) === today) inside = middle;
    else before = middle;
  }
  return inside;
}

/** Where the next day begins: 23, 24 or 25 hours later. @param {number} start of a day @param {string} zone */
export const endOfDay = (start, zone) => startOfDay(start + 30 * 3_600_000, zone);

/** "2026-11-23": a day as links, date fields and the server write it. @param {number} ms @param {string} zone */
export function isoDay(ms, zone) {
  const parts = formatter(zone, { year: "numeric", month: "2-digit", day: "2-digit" }).formatToParts(ms);
  const part = (/** @type {string} */ type) => parts.find((one) => one.type === type)?.value ?? "";
  return `${part("year").padStart(4, "0")}-${part("month")}-${part("day")}`;
}

/** When such a day begins. @param {string} day @param {string} zone */
export function dayBegin(day, zone) {
  const start = startOfDay(Date.parse(`${day}T12:00:00Z`), zone); // noon in Greenwich is another day far east or west
  const found = isoDay(start, zone);
  return found > day ? startOfDay(start - 1, zone) : found < day ? endOfDay(start, zone) : start;
}

/** "23 Nov 2026": one day and no other. @param {number} ms @param {string} zone */
const date = (ms, zone) => formatter(zone, { day: "numeric", month: "short", year: "numeric" }).format(ms);

/** "Mon". @param {number} ms @param {string} zone */
export const weekday = (ms, zone) => formatter(zone, { weekday: "short" }).format(ms);

/** @param {number} ms @param {string} zone */
const year = (ms, zone) => formatter(zone, { year: "numeric" }).format(ms);

/** The day, with its year unless that is now's. @param {number} ms @param {number} now @param {string} zone */
export const dayOf = (ms, now, zone) => (year(ms, zone) === year(now, zone) ? day(ms, zone) : date(ms, zone));

const POINTS = /** @type {const} */ ([0, 1, 2, 3, 4, 5, 6, 7]);
/** 84 → "84° east"; unknown → "–". @param {number|null|undefined} degrees */
export function heading(degrees) {
  if (degrees == null || degrees < 0) return "–";
  return say(`heading.${POINTS[Math.round(degrees / 45) % 8]}`, { degrees: Math.round(degrees) % 360 });
}

/**
 * A name within a sentence: what is written from right to left, or turns the text around, ends where the name ends.
 * @param {string} name
 */
export const isolate = (name) =>
  /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc]/.test(name)
    ? `\u2068${name}\u2069`
    : name;

/** "60.16990, 24.94120", in every language as other programs take it. @param {number} lat @param {number} lon */
export const place = (lat, lon) => `${lat.toFixed(5)}, ${lon.toFixed(5)}`;

/**
 * Where two lines of the graticule cross: "60.5° N  179.5° W".
 * @param {number} lat
 * @param {number} lon any turn
 * @param {number} digits
 */
export function crossing(lat, lon, digits) {
  const side = (
    /** @type {number} */ degrees,
    /** @type {"north"|"east"} */ above,
    /** @type {"south"|"west"} */ below,
  ) => {
    const words = fixed(Math.abs(degrees), digits);
    const value = Number(Math.abs(degrees).toFixed(digits));
    return value === 0 || value === 180 ? `${value}°` : say(`side.${degrees < 0 ? below : above}`, { degrees: words });
  };
  return `${side(lat, "north", "south")}  ${side(turn(lon), "east", "west")}`;
}

/** @param {number} value @param {number} digits */
const fixed = (value, digits) =>
  value.toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });

/**
 * What a flat map cannot show between two latitudes; "" when it shows all.
 * @param {number} south
 * @param {number} north
 */
export function unshown(south, north) {
  const over = north > MAP_END;
  const under = south < -MAP_END;
  return over || under ? say(`map.ends.${over && under ? "both" : over ? "north" : "south"}`) : "";
}

/** A place where the map has ended; "" elsewhere. @param {number} lat */
export const offMap = (lat) =>
  Math.abs(lat) > MAP_END
    ? say("map.beyond", { place: say(`side.${lat < 0 ? "south" : "north"}`, { degrees: fixed(Math.abs(lat), 2) }) })
    : "";

const LONGEST = 32;
/** A name as short as a map has room for, cut where it says so. @param {string} name */
export function short(name) {
  const letters = [...name];
  return letters.length > LONGEST
    ? `${letters
        .slice(0, LONGEST - 1)
        .join("")
        .trimEnd()}…`
    : name;
}

/** Sort key that orders "Van 2" before "Van 10" with plain comparison, so sorting 20,000 rows stays cheap.
 * @param {string} text */
export const sortKey = (text) => text.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(8, "0"));

/** Every time zone this browser knows, UTC first. @returns {string[]} */
export const zones = () => [...new Set(["UTC", .../** @type {any} */ (Intl.supportedValuesOf?.("timeZone") ?? [])])];
