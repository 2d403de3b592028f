// The past as a fleet day tells it: hour by hour, as they are wanted, from a host or from this machine. It answers what
// net/past.js asks a server.

import { Unreadable } from "../../model/past/recorded/unreadable.js";
import {
  EDGE,
  HOUR,
  content,
  joined,
  readDirectory,
  readFooter,
  readHeader,
  readTrack,
} from "../../model/past/recorded/fleetday.js";
import { lines } from "../../model/past/recorded/inflate.js";
import { LINE_MS, blank, counted, feasible, frame, record, track } from "../../model/past/fixes.js";
import { Signal } from "../../model/signal.js";

/** @typedef {import("../../model/past/recorded/fleetday.js").Part} Part */
/** @typedef {import("../../model/past/fixes.js").Moved} Moved */
/** @typedef {import("../past.js").Grid} Grid */
/** @typedef {{from: number, until: number}} Span */

const TAIL = 0.01; // of the file is read with the footer: the directory mostly is in it
const EDGE_MS = LINE_MS + 60_000; // so little of an hour that is not here yet is no reason to fetch it
const MOST_FIXES = 6_000_000; // kept
const TOGETHER = 6; // parts asked for at once: what a browser does with one host

/** The first hour with half as many fixes as any has. @param {Part[]} parts */
function busy(parts) {
  const fixes = new Array(27).fill(0);
  for (const { kind, hour = 0, rows = 0 } of parts) if (kind === "track") fixes[hour] += rows;
  return fixes.findIndex((n) => n >= Math.max(...fixes) / 2);
}

export class DayFile {
  /** @type {Signal<[part: string]>} it was changed, and is not shown */ wrong = new Signal();
  /** @type {Map<string, Promise<any>>} by part, the one used last at the end */ #kept = new Map();
  /** @type {Map<string, number>} fixes of each that is here */ #rows = new Map();
  /** @type {Map<number, number>} in which group a vehicle is */ #groups = new Map();

  /** @param {import("./bytes.js").Bytes} bytes
   * @param {import("../../model/past/recorded/fleetday.js").Directory} directory @param {string} hash */
  constructor(bytes, directory, hash) {
    this.bytes = bytes;
    this.parts = directory.parts;
    this.name = bytes.name;
    this.hash = hash;
    this.day = directory.day;
    this.zone = directory.zone;
    this.span = { from: directory.from, until: directory.until };
    this.end = Math.min(directory.known_until, directory.until);
    this.count = directory.vehicles;
    /** @type {import("../../model/past/fixes.js").Entry[]} */ this.entries = [];
    /** @type {string|null} an event it is of */ this.event = null;
    const from = Math.min(directory.from + busy(this.parts) * HOUR, this.end);
    /** @type {Span} what to show first */ this.first = { from, until: Math.min(from + HOUR, directory.until) };
  }

  /** Read nothing but its edges, its directory and who was there.
   * @param {import("./bytes.js").Bytes} bytes @param {Uint8Array} begin */
  static async open(bytes, begin) {
    const header = readHeader(begin);
    if (bytes.size < 2 * EDGE) throw new Unreadable("cut", "footer");
    const length = Math.max(EDGE, Math.min(Math.floor(bytes.size * TAIL), 2 ** 17));
    const tail = await bytes.read(bytes.size - length, length);
    const footer = readFooter(tail.subarray(length - EDGE), bytes.size);
    const packed =
      footer.length + EDGE <= length
        ? tail.slice(length - EDGE - footer.length, length - EDGE)
        : await bytes.read(footer.offset, footer.length);
    const { directory, hash } = await readDirectory(packed, footer, header);
    const day = new DayFile(bytes, directory, hash);
    day.entries = await day.#lines("vehicles");
    if (day.entries.length !== day.count) throw new Unreadable("directory", "vehicles");
    return day;
  }

  /** @param {Grid} asked @param {AbortSignal} signal */
  async *tapes(asked, signal) {
    const grid = feasible(asked, this.count);
    const hours = this.#hours({ from: grid.from, until: grid.until - grid.step_s * 1000 });
    const ms = grid.step_s * 1000;
    const from = grid.from + Math.max(0, Math.ceil(((hours[0]?.from ?? grid.from) - grid.from) / ms)) * ms;
    const until = Math.min(grid.until, (hours.at(-1)?.until ?? grid.until) + ms);
    const own = { from, until, step_s: grid.step_s };
    const tape = blank(this.entries, own);
    for (const hour of hours) {
      record(tape, await this.#moved(hour.n), hour.from, Math.min(hour.until, this.end));
      signal.throwIfAborted();
      yield { grid: own, tapes: [tape], more: hour !== hours.at(-1) };
    }
    if (!hours.length) yield { grid, tapes: [tape], more: false };
  }

  /** @param {number} at */
  async frame(at) {
    if (at < this.span.from || at > this.end) return [];
    const last = Math.ceil((this.span.until - this.span.from) / HOUR) - 1;
    const hour = Math.min(last, Math.floor((at - this.span.from) / HOUR));
    return frame(this.entries, await this.#moved(hour), at);
  }

  /** @param {Span} span @returns {Promise<import("../past.js").Version[]>} */
  async versions({ from, until }) {
    /** @type {any[]} */ const told = await this.#lines("regions");
    return told
      .map((one) => ({
        id: one.id,
        feature: one.feature,
        from: Date.parse(one.from),
        until: one.until === null ? null : Date.parse(one.until),
      }))
      .filter((one) => one.from < until && (one.until === null || one.until > from));
  }

  /** @param {Grid} grid @param {string|null} vehicle @param {AbortSignal} signal */
  async activity(grid, vehicle, signal) {
    const ms = grid.step_s * 1000;
    const steps = Math.ceil((grid.until - grid.from) / ms);
    const [known, moving] = [new Array(steps).fill(0), new Array(steps).fill(0)];
    const n = this.#number(vehicle);
    for (const hour of this.#hours({ from: grid.from, until: grid.until - 1 })) {
      const moved = await this.#moved(hour.n, n);
      signal.throwIfAborted();
      const first = Math.max(0, Math.floor((hour.from - grid.from) / ms));
      const some = Math.min(steps, Math.ceil((hour.until - grid.from) / ms)) - first;
      const told = counted(moved, n, grid.from + first * ms, ms, some);
      for (let i = 0; i < some; i++) {
        // A step in two hours is rare: where a zone is off by 45 minutes.
        known[first + i] = Math.max(known[first + i], told.known[i]);
        moving[first + i] = Math.max(moving[first + i], told.moving[i]);
      }
    }
    return { ...grid, known, moving };
  }

  /** @param {Span} span @param {string|null} vehicle */
  async events({ from, until }, vehicle) {
    const parts = this.parts.filter(({ kind, hour = 0 }) => {
      const begins = this.span.from + hour * HOUR;
      return kind === "events" && begins < until && begins + HOUR > from;
    });
    /** @type {any[]} */ const rows = (await this.#all(parts, (part) => this.#read(part, lines))).flat();
    const events = rows
      .map((event) => ({ time: Date.parse(event.time), event }))
      .filter(({ time, event }) => time >= from && time < until && (vehicle === null || event.vehicle === vehicle));
    return { events: events.sort((a, b) => a.time - b.time), more: false };
  }

  /** @param {string} vehicle @param {Span} span */
  async fixes(vehicle, { from, until }) {
    const n = this.#number(vehicle);
    if (n === null) return [];
    const some = [];
    for (const hour of this.#hours({ from, until: Math.min(until, this.end) })) {
      const fixes = (await this.#moved(hour.n, n)).get(n);
      if (fixes) some.push(fixes);
    }
    return track(joined(some), { from, until });
  }

  /** @param {string|null} vehicle */
  #number(vehicle) {
    const n = vehicle === null ? -1 : this.entries.findIndex((one) => one.vehicle === vehicle);
    return n < 0 ? null : n;
  }

  /** Hours that tell of a stretch: what ends one is told in it, and what is hardly touched is left out until somebody
   * is there. @param {Span} span both included */
  #hours({ from, until }) {
    const hours = [];
    for (let n = 0, begin = this.span.from; begin < this.span.until; n++, begin += HOUR) {
      const end = Math.min(begin + HOUR, this.span.until);
      if (begin <= until && end > from && (begin < until || begin >= from)) hours.push({ n, from: begin, until: end });
    }
    const little = (/** @type {{n: number, from: number, until: number}|undefined} */ hour) =>
      hours.length > 1 &&
      hour &&
      !this.#isHere(hour.n) &&
      Math.min(hour.until, until) - Math.max(hour.from, from) < EDGE_MS;
    if (little(hours[0])) hours.shift();
    if (little(hours.at(-1))) hours.pop();
    return hours;
  }

  /** @param {number} hour */
  #tracks(hour) {
    return this.parts.filter((part) => part.kind === "track" && part.hour === hour);
  }

  /** @param {number} hour */
  #isHere(hour) {
    return this.#tracks(hour).every(({ name }) => this.#rows.has(name));
  }

  /** Where vehicles were in an hour; with a number, whether or not all others are told. @param {number} hour
   * @param {number|null} [n] @returns {Promise<Moved>} */
  async #moved(hour, n = null) {
    const group = n === null ? undefined : this.#groups.get(n);
    const parts = this.#tracks(hour).filter((part) => group === undefined || part.group === group);
    const found = await this.#all(parts, async (part) => {
      const moved = await this.#read(part, (content) => readTrack(content, part.name, this.count));
      for (const who of moved.keys()) this.#groups.set(who, part.group ?? 0);
      this.#rows.set(part.name, part.rows ?? 0);
      return moved;
    });
    this.#forget(parts);
    return new Map(found.flatMap((moved) => [...moved]));
  }

  /** @param {"vehicles"|"regions"} kind @returns {Promise<any[]>} */
  async #lines(kind) {
    const parts = this.parts.filter((part) => part.kind === kind);
    return (await Promise.all(parts.map((part) => this.#read(part, lines)))).flat();
  }

  /** What was changed is told, and nothing of it is shown. @template T @param {Part[]} parts
   * @param {(part: Part) => Promise<T>} read @returns {Promise<T[]>} */
  async #all(parts, read) {
    /** @type {T[]} */ const found = [];
    const left = [...parts];
    const work = async () => {
      for (let part = left.shift(); part; part = left.shift())
        try {
          found.push(await read(part));
        } catch (fault) {
          if (!(fault instanceof Unreadable)) throw fault;
          this.#rows.set(part.name, 0); // nothing more will come of it
          this.wrong.tell(part.name);
        }
    };
    await Promise.all(Array.from({ length: TOGETHER }, work));
    return found;
  }

  /** A part, once; again where the host did not give it. @template T @param {Part} part
   * @param {(content: Uint8Array, name: string) => T} as @returns {Promise<T>} */
  #read(part, as) {
    const kept = this.#kept.get(part.name);
    this.#kept.delete(part.name);
    const read = async () => as(await content(part, await this.bytes.read(part.offset, part.bytes)), part.name);
    const told = kept ?? read();
    this.#kept.set(part.name, told);
    told.catch((fault) => {
      if (!(fault instanceof Unreadable)) this.#kept.delete(part.name);
    });
    return told;
  }

  /** Those used longest ago go, but for what is wanted now. @param {Part[]} wanted */
  #forget(wanted) {
    let sum = 0;
    for (const rows of this.#rows.values()) sum += rows;
    for (const name of [...this.#kept.keys()]) {
      if (sum <= MOST_FIXES) return;
      const rows = this.#rows.get(name);
      if (!rows || wanted.some((part) => part.name === name)) continue;
      sum -= rows;
      this.#rows.delete(name);
      this.#kept.delete(name);
    }
  }
}
