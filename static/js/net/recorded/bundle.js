// The past as an evidence bundle tells it: all of it is here. It answers what net/past.js asks a server.

import { open } from "../../model/past/recorded/bundle.js";
import { lines } from "../../model/past/recorded/inflate.js";
import { Unreadable } from "../../model/past/recorded/unreadable.js";
import { blank, counted, feasible, frame, record, track } from "../../model/past/fixes.js";
import { Signal } from "../../model/signal.js";

/** @typedef {import("../past.js").Grid} Grid */
/** @typedef {{from: number, until: number}} Span */

const BELIEVED = ["live", "late"];
const MOST = 1_000_000; // messages

export class BundleFile {
  /** @type {Signal<[part: string]>} never: what is changed is not opened */ wrong = new Signal();

  /** @param {string} name @param {string} hash @param {Record<string, Uint8Array>} contents */
  constructor(name, hash, contents) {
    this.name = name;
    this.hash = hash;
    const manifest = said(contents, "manifest.json");
    if (manifest?.format !== "tracker-bundle") throw new Unreadable("other");
    if (manifest.version !== 1)
      throw new Unreadable("version", "manifest.json", { version: String(manifest.version).slice(0, 20), ours: 1 });
    const times = { from: Date.parse(manifest.from), until: Date.parse(manifest.until) };
    if (!(times.from < times.until)) throw new Unreadable("changed", "manifest.json");
    this.span = times;
    this.first = times;
    this.end = times.until;
    /** @type {string|null} */ this.event = manifest.event;
    this.told = rows(contents, "events.ndjson").map((event) => ({ time: time("events.ndjson", event.time), event }));
    const pings = rows(contents, "pings.ndjson");
    if (pings.length > MOST) throw new Unreadable("large");
    const called = new Map((said(contents, "register.json") ?? []).map((/** @type {any} */ one) => [one.vehicle, one]));
    const ids = [...new Set([...pings.map((one) => String(one.vehicle)), ...called.keys()])].sort();
    /** @type {import("../../model/past/fixes.js").Entry[]} */
    this.entries = ids.map((vehicle) => {
      const { name = null, plate = null, group = null, kind = null } = called.get(vehicle) ?? {};
      return { vehicle, name, plate, group, kind };
    });
    this.numbers = new Map(ids.map((id, n) => [id, n]));
    this.moved = tracks(pings, this.numbers);
    this.regions = held(rows(contents, "regions.ndjson"));
  }

  /** @param {string} name @param {Uint8Array} file */
  static async open(name, file) {
    const { contents, hash } = await open(file);
    return new BundleFile(name, hash, contents);
  }

  /** @param {Grid} asked */
  async *tapes(asked) {
    const grid = feasible(asked, this.entries.length);
    const tape = blank(this.entries, grid);
    record(tape, this.moved, tape.from, Math.min(tape.until, this.end));
    yield { grid, tapes: [tape], more: false };
  }

  /** @param {number} at */
  async frame(at) {
    return at > this.end ? [] : frame(this.entries, this.moved, at);
  }

  /** @param {Span} span */
  async versions({ from, until }) {
    return this.regions.filter((one) => one.from < until && (one.until === null || one.until > from));
  }

  /** @param {Grid} grid @param {string|null} vehicle */
  async activity(grid, vehicle) {
    const ms = grid.step_s * 1000;
    const steps = Math.ceil((grid.until - grid.from) / ms);
    const only = vehicle === null ? null : (this.numbers.get(vehicle) ?? -1);
    return { ...grid, ...counted(this.moved, only, grid.from, ms, steps) };
  }

  /** @param {Span} span @param {string|null} vehicle */
  async events({ from, until }, vehicle) {
    const events = this.told.filter(
      ({ time, event }) => time >= from && time < until && (vehicle === null || event.vehicle === vehicle),
    );
    return { events: events.sort((a, b) => a.time - b.time), more: false };
  }

  /** @param {string} vehicle @param {Span} span */
  async fixes(vehicle, span) {
    return track(this.moved.get(this.numbers.get(vehicle) ?? -1), span);
  }
}

/** @param {Record<string, Uint8Array>} contents @param {string} name @returns {any[]} */
function rows(contents, name) {
  const told = lines(contents[name], name);
  if (told.some((one) => one === null || typeof one !== "object")) throw new Unreadable("changed", name);
  return told;
}

/** @param {Record<string, Uint8Array>} contents @param {string} name */
function said(contents, name) {
  try {
    return JSON.parse(new TextDecoder().decode(contents[name]));
  } catch {
    throw new Unreadable("changed", name);
  }
}

/** @param {string} name @param {string} told */
function time(name, told) {
  const at = Date.parse(told);
  if (!Number.isFinite(at)) throw new Unreadable("changed", name);
  return at;
}

/** What was believed of messages, of each vehicle in the order of time. @param {any[]} pings
 * @param {Map<string, number>} numbers */
function tracks(pings, numbers) {
  /** @type {Map<number, Map<number, [number, number]>>} */ const found = new Map();
  for (const { vehicle, time: told, lat, lon, taken } of pings) {
    const at = time("pings.ndjson", told);
    if (taken === "apart" || typeof lat !== "number" || typeof lon !== "number") continue;
    if (Math.abs(lat) > 90 || Math.abs(lon) > 180) throw new Unreadable("changed", "pings.ndjson");
    const n = /** @type {number} */ (numbers.get(String(vehicle)));
    if (!found.has(n)) found.set(n, new Map());
    const of = found.get(n);
    // Of a time what came first counts, believed or not.
    if (!of?.has(at)) of?.set(at, BELIEVED.includes(taken) ? [Math.round(lat * 1e7), Math.round(lon * 1e7)] : [0, 0]);
  }
  /** @type {import("../../model/past/fixes.js").Moved} */ const moved = new Map();
  for (const [n, places] of found) {
    const fixes = [...places].filter(([, [lat, lon]]) => lat || lon).sort(([a], [b]) => a - b);
    moved.set(n, {
      time: Float64Array.from(fixes, ([at]) => at),
      lat: Int32Array.from(fixes, ([, [lat]]) => lat),
      lon: Int32Array.from(fixes, ([, [, lon]]) => lon),
    });
  }
  return moved;
}

/** Versions, from when each held until the next one did; none is the newest of what was deleted. @param {any[]} rows
 * @returns {import("../past.js").Version[]} */
function held(rows) {
  const told = rows.map((one) => ({
    id: String(one.id),
    from: time("regions.ndjson", one.updated_at),
    feature: one.feature,
  }));
  told.sort((a, b) => a.from - b.from);
  return told.flatMap((one, i) => {
    const until = told.slice(i + 1).find(({ id }) => id === one.id)?.from ?? null;
    return one.feature ? [{ ...one, until }] : [];
  });
}
