// What the reader has chosen to see (camera, filters, selection), and the link that says it. Pure.

import { STATES } from "../wire.js";
import { SPEED, SPEEDS, moment, span, stamp, written } from "./past/moment.js";
import * as split from "./past/split.js";

/** @typedef {"vehicles"|"regions"|"events"} Tab */
/** @typedef {"age"|"speed"|"name"|"dwell"} Sort */
/**
 * @typedef {object} State
 * @property {{zoom: number, lat: number, lon: number}|null} map
 * @property {string|null} vehicle
 * @property {boolean} track keep the map on it
 * @property {string|null} day of it that is looked at: "2026-11-23", in the reader's zone
 * @property {number|null} leg the trip or stop of that day that is chosen: when it began
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
 * @property {number|null} at the moment that is looked at, ms, in whole seconds; null: now
 * @property {{from: number, until: number}|null} range of time around it that the timeline shows
 * @property {number} speed at which it plays
 * @property {import("./past/split.js").Beside|null} split what is shown beside the moment; null: nothing
 */
/** @type {State} */
export const START = {
  map: null,
  vehicle: null,
  track: false,
  day: null,
  leg: null,
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
  at: null,
  range: null,
  speed: SPEED,
  split: null,
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
const LEG = /^\d{1,14}$/;

/** Is there such a day? @param {string} day */
const isDay = (day) => /^\d{4}-\d\d-\d\d$/.test(day) && new Date(`${day}T00:00:00Z`).toJSON()?.slice(0, 10) === day;

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
  const kiosk = q.get("kiosk") === "1";
  const at = kiosk ? null : moment(q.get("at")); // a wallboard is live
  const day = q.has("vehicle") && isDay(q.get("day") ?? "") ? q.get("day") : null;
  return {
    map: whole ? { zoom: camera[0], lat: camera[1], lon: camera[2] } : null,
    vehicle: q.get("vehicle"),
    track: q.get("track") === "1",
    day,
    leg: day && LEG.test(q.get("leg") ?? "") ? Number(q.get("leg")) : null,
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
    kiosk,
    at,
    range: at === null ? null : span(q.get("range")),
    speed: SPEEDS.find((speed) => String(speed) === q.get("speed")) ?? SPEED,
    split: at === null ? null : split.beside(q.get("split")),
  };
}

const UNDERSTOOD = new Set([
  "map",
  "vehicle",
  "track",
  "day",
  "leg",
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
  "at",
  "range",
  "speed",
  "split",
]);
/** The parts of a link that say nothing this page understands. @param {string} hash @returns {string[]} */
export function misread(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const link = new URLSearchParams(writeLink(readLink(hash)).slice(1));
  const starts = /** @type {Record<string, string>} */ ({
    tab: START.tab,
    sort: START.sort,
    labels: START.labels,
    speed: String(SPEED),
  });
  const taken = (/** @type {string} */ key, /** @type {string} */ value) => {
    if (!UNDERSTOOD.has(key)) return false;
    if (["day", "leg", "at", "range", "split"].includes(key)) return link.has(key);
    if (["map", "tab", "sort", "labels", "speed"].includes(key)) return link.has(key) || value === starts[key];
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
  "day",
  "leg",
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
  "at",
  "split",
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
  add("day", state.day);
  add("leg", state.leg === null ? null : String(state.leg));
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
  if (state.at !== null) add("at", stamp(state.at));
  if (state.at !== null && state.range) add("range", written(state.range));
  add("speed", state.speed !== SPEED && String(state.speed));
  if (state.at !== null && state.split !== null) add("split", split.written(state.split));
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

/**
 * Follow this region or no more; from "everything", it alone.
 * @param {string[]|null} followed
 * @param {string} id
 * @returns {string[]}
 */
export const toggled = (followed, id) =>
  followed?.includes(id) ? followed.filter((other) => other !== id) : [...(followed ?? []), id];
