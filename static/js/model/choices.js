// What the reader has chosen: the part that belongs to a link (camera, filters, selection) lives in the address, the
// part that belongs to the person (theme, units, name) in local storage. Pure reading and writing; one small store.

import { STATES } from "../wire.js";
import { Signal } from "./signal.js";

/** @typedef {"vehicles"|"regions"|"events"} Tab */
/** @typedef {"age"|"speed"|"name"|"dwell"} Sort */
/**
 * @typedef {object} State
 * @property {{zoom: number, lat: number, lon: number}|null} map
 * @property {string|null} vehicle
 * @property {boolean} track keep the map on it
 * @property {string|null} region the region whose card is open
 * @property {Tab} tab
 * @property {string} query
 * @property {string[]} states chips that filter
 * @property {string|null} group
 * @property {Sort} sort
 * @property {boolean} only the map shows the filtered ones only
 * @property {string[]|null} regions followed; null: everything
 * @property {string[]} kinds event kinds shown; empty: all
 * @property {string|null} about events of one region or vehicle: "region:depot", "vehicle:van-1"
 * @property {"none"|"name"|"more"} labels
 * @property {boolean} kiosk
 */
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
 * @property {boolean} coached the note about the demo was put away
 */

/** @type {State} */
export const START = {
  map: null,
  vehicle: null,
  track: false,
  region: null,
  tab: "vehicles",
  query: "",
  states: [],
  group: null,
  sort: "name",
  only: false,
  regions: null,
  kinds: [],
  about: null,
  labels: "name",
  kiosk: false,
};
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
  coached: false,
};

const CHIPS = [...STATES, "stale"];
/** @template {string} T @param {string|null} value @param {readonly T[]} allowed @param {T} fallback @returns {T} */
const one = (value, allowed, fallback) =>
  allowed.includes(/** @type {T} */ (value)) ? /** @type {T} */ (value) : fallback;
/** @param {string|null} value */
const list = (value) => (value ? value.split(",").map(decoded).filter(Boolean) : []);
/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a lone %: somebody typed it
  }
}

const ABOUT = /^(region|vehicle):./;

/** Read a link; whatever is not understood is left at its start. @param {string} hash @returns {State} */
export function readLink(hash) {
  const q = new URLSearchParams(hash.replace(/^#/, ""));
  const camera = (q.get("map") ?? "").split("/").map(Number);
  const whole =
    camera.length === 3 &&
    camera.every(Number.isFinite) &&
    Math.abs(camera[1]) <= 90 &&
    Math.abs(camera[2]) <= 360 &&
    camera[0] >= 0 &&
    camera[0] <= 22;
  return {
    map: whole ? { zoom: camera[0], lat: camera[1], lon: camera[2] } : null,
    vehicle: q.get("vehicle"),
    track: q.get("track") === "1",
    region: q.get("region"),
    tab: one(q.get("tab"), /** @type {const} */ (["vehicles", "regions", "events"]), "vehicles"),
    query: q.get("q") ?? "",
    states: list(q.get("state")).filter((s) => CHIPS.includes(s)),
    group: q.get("group"),
    sort: one(q.get("sort"), /** @type {const} */ (["age", "speed", "name", "dwell"]), "name"),
    only: q.get("only") === "1",
    regions: q.has("follow") ? list(q.get("follow")) : null,
    kinds: list(q.get("kind")),
    about: ABOUT.test(q.get("about") ?? "") ? q.get("about") : null,
    labels: one(q.get("labels"), /** @type {const} */ (["none", "name", "more"]), "name"),
    kiosk: q.get("kiosk") === "1",
  };
}

const UNDERSTOOD = new Set([
  "map",
  "vehicle",
  "track",
  "region",
  "tab",
  "q",
  "state",
  "group",
  "sort",
  "only",
  "follow",
  "kind",
  "about",
  "labels",
  "kiosk",
]);
/** The parts of a link that say nothing this page understands. @param {string} hash @returns {string[]} */
export function misread(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const link = new URLSearchParams(writeLink(readLink(hash)).slice(1));
  const starts = /** @type {Record<string, string>} */ ({ tab: START.tab, sort: START.sort, labels: START.labels });
  const taken = (/** @type {string} */ key, /** @type {string} */ value) => {
    if (!UNDERSTOOD.has(key)) return false;
    if (key === "map" || key === "tab" || key === "sort" || key === "labels")
      return link.has(key) || value === starts[key];
    if (key === "about") return ABOUT.test(value);
    if (key === "state") return list(value).every((state) => CHIPS.includes(state));
    return !["track", "only", "kiosk"].includes(key) || value === "1" || value === "0";
  };
  return [...given]
    .filter(([key, value]) => !taken(key, value))
    .map(([key, value]) => (value ? `${key}=${value}` : key));
}

/** What a step back undoes; the rest (the camera, what keeps it) only goes along. */
const STEPS = /** @type {const} */ ([
  "vehicle",
  "region",
  "tab",
  "query",
  "states",
  "group",
  "sort",
  "only",
  "regions",
  "kinds",
  "about",
]);
/**
 * The choices between two states that deserve a step of their own.
 * @param {State} now
 * @param {State} before
 * @returns {string[]}
 */
export const stepped = (now, before) => STEPS.filter((key) => JSON.stringify(now[key]) !== JSON.stringify(before[key]));

/** The link to a state: only what differs from the start, in one order. @param {State} state */
export function writeLink(state) {
  /** @type {[string, string][]} */ const parts = [];
  const add = (/** @type {string} */ key, /** @type {string|null|false} */ value) => value && parts.push([key, value]);
  const many = (/** @type {string[]} */ items) => items.map((item) => encodeURIComponent(item)).join(",");
  if (state.map) add("map", `${round(state.map.zoom, 2)}/${round(state.map.lat, 5)}/${round(state.map.lon, 5)}`);
  add("vehicle", state.vehicle);
  add("track", state.track && "1");
  add("region", state.region);
  add("tab", state.tab !== START.tab && state.tab);
  add("q", state.query);
  add("state", many(state.states));
  add("group", state.group);
  add("sort", state.sort !== START.sort && state.sort);
  add("only", state.only && "1");
  if (state.regions) parts.push(["follow", many(state.regions)]);
  add("kind", many(state.kinds));
  add("about", state.about);
  add("labels", state.labels !== START.labels && state.labels);
  add("kiosk", state.kiosk && "1");
  return parts.length
    ? "#" +
        parts
          .map(
            ([key, value]) =>
              `${key}=${encodeURIComponent(value).replace(/%2F/g, "/").replace(/%2C/g, ",").replace(/%3A/g, ":")}`,
          )
          .join("&")
    : "";
}

/** @param {number} value @param {number} digits */
const round = (value, digits) => Number(value.toFixed(digits));

/** A value that tells others when it changed. @template {object} T */
export class Store {
  /** @param {T} value */
  constructor(value) {
    this.value = value;
    /** @type {Signal<[value: T, before: T]>} */ this.changed = new Signal();
  }

  /** @param {Partial<T>} patch */
  set(patch) {
    const before = this.value;
    if (Object.entries(patch).every(([key, value]) => before[/** @type {keyof T} */ (key)] === value)) return;
    this.value = { ...before, ...patch };
    this.changed.tell(this.value, before);
  }
}

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
