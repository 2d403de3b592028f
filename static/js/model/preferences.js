// What belongs to the person who reads (theme, units, name) and is kept in this browser, as far as it can be.

import { Store } from "./signal.js";

/**
 * @typedef {object} Preferences
 * @property {"system"|"light"|"dark"} theme
 * @property {"metric"|"imperial"|"nautical"} units
 * @property {string} language a tag; "": as the browser wishes
 * @property {string} zone
 * @property {boolean} sound
 * @property {boolean} notify
 * @property {boolean} keys single-key shortcuts
 * @property {string} name who acknowledges
 * @property {number} seen newest event seq looked at; -1: never looked
 * @property {Record<string, number>} mutes "region:id" | "vehicle:id" | "kind:enter" → until, ms
 * @property {boolean} events a wide window has the events column open
 * @property {boolean} skip a past that plays leaves out what is dull
 * @property {boolean} coached the note about the demo was put away
 */

/** @type {Preferences} */
export const PREFERENCES = {
  theme: "system",
  units: "metric",
  language: "",
  zone: "",
  sound: true,
  notify: false,
  keys: true,
  name: "",
  seen: -1,
  mutes: {},
  events: true,
  skip: true,
  coached: false,
};

const KEY = "tracker.preferences";
const ZONES = /** @type {Map<string, boolean>} */ (new Map());
/** Does this browser know the time zone? @param {string} zone */
function isZone(zone) {
  let known = ZONES.get(zone);
  if (known === undefined) {
    try {
      known = Boolean(new Intl.DateTimeFormat("en", zone ? { timeZone: zone } : {}));
    } catch {
      known = false;
    }
    ZONES.set(zone, known);
  }
  return known;
}

/**
 * What a stored value must be to be taken, beyond being of the same type as its start.
 * @type {{[K in keyof Preferences]?: (value: any) => boolean}}
 */
const SANE = {
  theme: (value) => ["system", "light", "dark"].includes(value),
  units: (value) => ["metric", "imperial", "nautical"].includes(value),
  language: (value) => /^[a-z]{0,3}$/.test(value),
  zone: (value) => isZone(value),
  name: (value) => value.length <= 200,
  seen: (value) => Number.isSafeInteger(value) && value >= -1,
  mutes: (value) => !Array.isArray(value),
};

/** Stored preferences as far as they make sense, whatever was stored; the rest is as at the start.
 * @param {unknown} stored @returns {Preferences} */
export function sane(stored) {
  const out = /** @type {any} */ ({ ...PREFERENCES, mutes: {} });
  if (typeof stored !== "object" || stored === null) return out;
  for (const [key, start] of Object.entries(PREFERENCES)) {
    const value = /** @type {any} */ (stored)[key];
    const check = SANE[/** @type {keyof Preferences} */ (key)];
    if (typeof value === typeof start && value !== null && (check?.(value) ?? true)) out[key] = value;
  }
  out.mutes = Object.fromEntries(Object.entries(out.mutes).filter(([, until]) => Number.isFinite(until)));
  return out;
}

/**
 * A storage of this browser, or null where the reader forbids it: asking alone throws then.
 * @param {"localStorage"|"sessionStorage"} name
 * @returns {Storage|null}
 */
export function storage(name) {
  try {
    return globalThis[name] ?? null;
  } catch {
    return null;
  }
}

/** @param {Storage|null} where @param {string} key @returns {string|null} */
export function kept(where, key) {
  try {
    return where?.getItem(key) ?? null;
  } catch {
    return null;
  }
}

/**
 * Keep it where that is possible: a full or forbidden storage only means that one is asked again.
 * @param {Storage|null} where
 * @param {string} key
 * @param {string} value
 */
export function keep(where, key, value) {
  try {
    where?.setItem(key, value);
  } catch {
    // Full, or forbidden since.
  }
}

/** What this browser keeps of a reader's preferences. @param {Storage|null} [where] @returns {Preferences} */
export function stored(where = storage("localStorage")) {
  try {
    return sane(JSON.parse(kept(where, KEY) ?? "{}"));
  } catch {
    return sane(null); // not ours: start fresh
  }
}

/**
 * Kept in this browser and shared by its open pages: what one mutes or reads, the others know.
 * @returns {Store<Preferences>}
 */
export function preferences(
  where = storage("localStorage"),
  page = /** @type {Pick<EventTarget, "addEventListener">} */ (globalThis),
) {
  const read = () => stored(where);
  const store = new Store(read());
  let hearing = false;
  page.addEventListener?.("storage", (e) => {
    if (/** @type {StorageEvent} */ (e).key !== KEY) return;
    hearing = true;
    store.set({ ...read(), events: store.value.events }); // how this window is laid out is its own
    hearing = false;
  });
  // Only what changed is laid over what is stored: what another page chose a moment ago stays. Where nothing can be
  // stored, nothing is.
  store.changed.on((value, before) => {
    if (hearing) return;
    const changed = Object.entries(value).filter(
      ([key, now]) => before[/** @type {keyof Preferences} */ (key)] !== now,
    );
    keep(where, KEY, JSON.stringify({ ...read(), ...Object.fromEntries(changed) }));
  });
  return store;
}
