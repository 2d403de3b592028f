// What an event is called: its sentence, its sign, how loud it is. Pure.

import * as format from "./format.js";
import { foreign, known, perhaps, pieces, say } from "./words.js";

/**
 * @typedef {{seq: number, id: string, kind: string, vehicle: string, region?: string, time: string, received_at:
 *   string, reason: string, lat: number, lon: number, delayed?: boolean, ack?: {by: string, at: string}, doubted?:
 *   Doubt[], [key: string]: any}} Event
 */
/** @typedef {{id: string, by: string, at: string, why: string}} Doubt  who called a fix wrong that decided it */
/**
 * @typedef {{vehicle: (id: string) => string, region: (id: string) => string, units: import("./format.js").Units}}
 *   Names
 */

/**
 * Icon, loudness, title. Only "high" may sound by default.
 * @type {Record<string, {icon: string, level: "low"|"medium"|"high", title: string}>}
 */
export const KINDS = {
  enter: { icon: "enter", level: "medium", title: say("kind.enter") },
  exit: { icon: "exit", level: "medium", title: say("kind.exit") },
  cross: { icon: "cross", level: "low", title: say("kind.cross") },
  dwell: { icon: "clock", level: "high", title: say("kind.dwell") },
  overspeed_start: { icon: "speed", level: "high", title: say("kind.overspeed_start") },
  overspeed_end: { icon: "speed", level: "low", title: say("kind.overspeed_end") },
  silent: { icon: "silence", level: "high", title: say("kind.silent") },
  heard: { icon: "signal", level: "low", title: say("kind.heard") },
  alarm: { icon: "warn", level: "high", title: say("kind.alarm") },
  low_battery: { icon: "battery", level: "medium", title: say("kind.low_battery") },
  told: { icon: "info", level: "low", title: say("kind.told") },
};

/** "enters", "crossings": the word after a number. @param {string} kind @param {number} n */
export const counted = (kind, n) =>
  known(`counted.${kind}`) ? say(/** @type {any} */ (`counted.${kind}`), { n }) : kindOf(kind).title;

/** A kind of tomorrow has the server's name for it. @param {string} kind */
export const kindOf = (kind) =>
  KINDS[kind] ?? { icon: "info", level: "low", title: foreign(kind.replace(/_/g, " "), say("kind.other")) };

/** An alarm's text, how old it is (without `now`: was, as it came) and whether it knew its place.
 * @param {Event} event @param {number} [now] */
function pressed(event, now) {
  const late = (now ?? Date.parse(event.received_at)) - Date.parse(event.time);
  const age = late < 60_000 ? "" : say(now == null ? "detail.late" : "detail.pressed", { age: format.age(late) });
  const place = event.placed === false ? say(event.lat || event.lon ? "detail.last_place" : "detail.no_place") : "";
  return [event.alarm, age, place].filter(Boolean).join(", ");
}

/**
 * After how long, how fast, how old.
 * @param {Event} event
 * @param {import("./format.js").Units} units
 * @param {number} [now] as it is raised
 */
function detailOf(event, units, now) {
  if ((event.kind === "exit" || event.kind === "cross") && event.duration_s != null)
    return say("detail.after", { time: format.lasted(event.duration_s * 1000) });
  if (event.kind === "dwell" && event.dwell_s != null)
    return say("detail.for", { time: format.lasted(event.dwell_s * 1000) });
  if (event.kind === "overspeed_start" && event.speed_mps != null) {
    const speed = format.speed(event.speed_mps, units);
    return event.limit_mps == null
      ? say("detail.speed", { speed })
      : say("detail.speed.limit", { speed, limit: format.speed(event.limit_mps, units) });
  }
  if (event.kind === "overspeed_end" && event.max_speed_mps != null)
    return say("detail.top", { speed: format.speed(event.max_speed_mps, units) });
  if (event.kind === "alarm") return pressed(event, now);
  if (event.kind === "told") return foreign(event.what ?? "", say("kind.other"));
  return event.kind === "low_battery" && event.battery_pct != null ? `(${Math.floor(event.battery_pct)} %)` : "";
}

/**
 * An event's sentence in pieces, so that a row can show its names and its detail in their own way.
 * @template T
 * @param {Event} event
 * @param {Names} names
 * @param {{name: (words: string) => T, detail: (words: string) => T, now?: number}} how `now`: as it is raised
 * @returns {(T|string)[]}
 */
export function sentence(event, names, { name, detail, now }) {
  const key = `event.${event.kind}`;
  const more = detailOf(event, names.units, now);
  const places = {
    vehicle: name(format.isolate(names.vehicle(event.vehicle))),
    region: name(event.region ? format.isolate(names.region(event.region)) : ""),
    kind: name(kindOf(event.kind).title),
    detail: more ? detail(` ${more}`) : "",
  };
  return pieces(
    known(key) ? key : event.region ? "event.other.in" : "event.other",
    /** @type {Record<string, T>} */ (places),
  );
}

const plain = (/** @type {string} */ words) => words;

/** The whole as text. @param {Event} event @param {Names} names @param {number} [now] */
export const tell = (event, names, now) => sentence(event, names, { name: plain, detail: plain, now }).join("");

/**
 * Who, and what happened without saying who again.
 * @param {Event} event
 * @param {Names} names
 * @param {number} [now]
 * @returns {[string, string]}
 */
export const told = (event, names, now) => [
  format.isolate(names.vehicle(event.vehicle)),
  tell(event, { ...names, vehicle: () => "" }, now).trim(),
];

/** What of an event this page has no sentence for, as the server calls it. @param {Event} event */
export const unspoken = (event) =>
  KINDS[event.kind] && known(`reason.${event.reason}`) ? "" : `${event.kind}, ${event.reason}`;

/** @param {string} reason */
const because = (reason) =>
  perhaps(
    `reason.${reason}`,
    say("reason.other", { reason: foreign(reason.replace(/_/g, " "), say("reason.unknown")) }),
  );

/**
 * The two fixes, the edge and the thresholds as sentences, in pieces: the time of a fix may be shown in its own way.
 * @template T
 * @param {Event} event
 * @param {import("./format.js").Units} units
 * @param {(time: number) => T} clock
 * @returns {(T|string)[][]}
 */
export function explain(event, units, clock) {
  const { why } = event;
  /** @type {(T|string)[][]} */ const lines = [];
  const side = (/** @type {number} */ edge) =>
    say(edge <= 0 ? "why.inside" : "why.outside", { distance: format.distance(Math.abs(edge), units) });
  const fix = (/** @type {import("./words.js").Key} */ key, /** @type {any} */ { time, edge_m, accuracy_m }) => {
    const accuracy =
      accuracy_m == null ? "" : ` ${say("why.accurate", { accuracy: format.distance(accuracy_m, units) })}`;
    const where = ` ${edge_m == null ? say("why.place") : say("why.edge", { side: side(edge_m) })}`;
    lines.push(pieces(key, { time: clock(new Date(time).getTime()), where, accuracy }));
  };
  if (why?.from) fix("why.before", why.from);
  if (why?.to) fix(why.from ? "why.fix" : "why.only", why.to);
  if (why && event.kind === "dwell") lines.push([say("why.dwell")]);
  if (why && why.debounce === "none") lines.push([say("why.exact")]);
  else if (why?.enter_m != null)
    lines.push([
      say("why.counts", {
        enter: format.distance(Math.abs(why.enter_m), units),
        exit: format.distance(why.exit_m, units),
      }),
    ]);
  lines.push([
    event.version
      ? say("why.version", { reason: because(event.reason).replace(/\.$/, ""), version: String(event.version) })
      : because(event.reason),
  ]);
  if (event.delayed && event.kind !== "alarm") lines.push([say("why.delayed")]);
  return lines;
}

/** What is followed, in words. @param {string[]|null} followed @param {boolean} choosing */
export function explained(followed, choosing) {
  if (followed === null) return say(choosing ? "follow.choosing" : "follow.all");
  return followed.length ? say("follow.some", { n: followed.length }) : say("follow.nothing");
}
