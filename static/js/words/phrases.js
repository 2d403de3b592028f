// What an event is called: its sentence, its sign, how loud it is. Pure.

import * as format from "./format.js";

/** @typedef {{seq: number, id: string, kind: string, vehicle: string, region?: string, time: string, received_at: string, reason: string, lat: number, lon: number, delayed?: boolean, ack?: {by: string, at: string}, [key: string]: any}} Event */
/** @typedef {{vehicle: (id: string) => string, region: (id: string) => string, units: import("./format.js").Units}} Names */

/** Verb before the place, icon, loudness. Only "high" may sound by default.
 * @type {Record<string, {verb: string, icon: string, level: "low"|"medium"|"high", title: string}>} */
export const KINDS = {
  enter: { verb: "entered", icon: "enter", level: "medium", title: "Enter" },
  exit: { verb: "left", icon: "exit", level: "medium", title: "Exit" },
  cross: { verb: "crossed", icon: "cross", level: "low", title: "Cross" },
  dwell: { verb: "has been in", icon: "clock", level: "high", title: "Dwell" },
  overspeed_start: { verb: "is too fast in", icon: "speed", level: "high", title: "Overspeed" },
  overspeed_end: { verb: "slowed down in", icon: "speed", level: "low", title: "Overspeed over" },
  silent: { verb: "has gone silent", icon: "silence", level: "high", title: "Silent" },
  heard: { verb: "reports again", icon: "signal", level: "low", title: "Heard again" },
  alarm: { verb: "raised an alarm", icon: "warn", level: "high", title: "Alarm" },
  low_battery: { verb: "has a low battery", icon: "battery", level: "medium", title: "Low battery" },
};

const PLURALS = /** @type {Record<string, string>} */ ({ cross: "crossings", overspeed_start: "times too fast", overspeed_end: "times slowed down", low_battery: "low batteries" });
const SINGULAR = /** @type {Record<string, string>} */ ({ cross: "crossing", overspeed_start: "time too fast" });
/** "enters", "crossings": the word after a number. @param {string} kind @param {number} n */
export const counted = (kind, n) => (n === 1 ? SINGULAR[kind] ?? kindOf(kind).title.toLowerCase() : PLURALS[kind] ?? `${kindOf(kind).title.toLowerCase()}s`);

/** @param {string} kind */
export const kindOf = (kind) => KINDS[kind] ?? { verb: kind.replace(/_/g, " "), icon: "info", level: "low", title: kind.replace(/_/g, " ") };

/** An alarm's text, how old it is (without `now`: was, as it came) and whether it knew its place.
 * @param {Event} event @param {number} [now] */
function pressed(event, now) {
  const late = (now ?? Date.parse(event.received_at)) - Date.parse(event.time);
  const age = late < 60_000 ? "" : now == null ? `came ${format.age(late)} late` : `pressed ${format.age(late)} ago`;
  const place = event.placed === false ? (event.lat || event.lon ? "at its last known place" : "place not known") : "";
  return [event.alarm, age, place].filter(Boolean).join(", ");
}

/** [who, does, where, detail] of an event. @param {Event} event @param {Names} names @param {number} [now] as it is raised @returns {{who: string, verb: string, where: string, detail: string}} */
export function sentence(event, names, now) {
  const kind = kindOf(event.kind), where = event.region ? format.isolate(names.region(event.region)) : "";
  let detail = "";
  if ((event.kind === "exit" || event.kind === "cross") && event.duration_s != null) detail = `after ${format.lasted(event.duration_s * 1000)}`;
  else if (event.kind === "dwell" && event.dwell_s != null) detail = `for over ${format.lasted(event.dwell_s * 1000)}`;
  else if (event.kind === "overspeed_start" && event.speed_mps != null) detail = `(${format.speed(event.speed_mps, names.units)}${event.limit_mps != null ? `, limit ${format.speed(event.limit_mps, names.units)}` : ""})`;
  else if (event.kind === "overspeed_end" && event.max_speed_mps != null) detail = `(top ${format.speed(event.max_speed_mps, names.units)})`;
  else if (event.kind === "alarm") detail = pressed(event, now);
  else if (event.kind === "low_battery" && event.battery_pct != null) detail = `(${Math.floor(event.battery_pct)} %)`;
  return { who: format.isolate(names.vehicle(event.vehicle)), verb: kind.verb, where, detail };
}

/** The whole as text. @param {Event} event @param {Names} names @param {number} [now] */
export function say(event, names, now) {
  const { who, verb, where, detail } = sentence(event, names, now);
  return [who, verb, where, detail].filter(Boolean).join(" ");
}

const REASONS = /** @type {Record<string, string>} */ ({
  moved: "it moved", first_seen: "it was seen there first", region_created: "the region was drawn around it", region_changed: "the region was changed", region_deleted: "the region was deleted",
  window_open: "the region's hours began", window_closed: "the region's hours ended", window_close: "the region's hours ended", vehicle_removed: "the vehicle was removed", timer: "the time had passed", silence: "nothing was heard",
});
/** @param {string} reason */
export const because = (reason) => REASONS[reason] ?? reason.replace(/_/g, " ");

/** The two fixes, the edge and the thresholds as sentences. @param {Event} event @param {import("./format.js").Units} units @returns {string[]} */
export function explain(event, units) {
  const { why } = event, lines = [];
  const side = (/** @type {number} */ edge) => `${format.distance(Math.abs(edge), units)} ${edge <= 0 ? "inside" : "outside"}`;
  if (why?.from?.edge_m != null) lines.push(`Before: ${side(why.from.edge_m)} the edge.`);
  if (why?.to?.edge_m != null) lines.push(`Deciding fix: ${side(why.to.edge_m)} the edge${why.to.accuracy_m != null ? `, accurate to ${format.distance(why.to.accuracy_m, units)}` : ""}.`);
  if (why && why.debounce === "none") lines.push("The region decides exactly at its edge.");
  else if (why?.enter_m != null) lines.push(`Counts as inside from ${format.distance(Math.abs(why.enter_m), units)} within the edge, as outside from ${format.distance(why.exit_m, units)} beyond it.`);
  lines.push(`Reason: ${because(event.reason)}${event.version ? `; region version ${event.version}` : ""}.`);
  if (event.delayed && event.kind !== "alarm") lines.push("The deciding ping came more than 5 minutes late, so nothing was raised.");
  return lines;
}
