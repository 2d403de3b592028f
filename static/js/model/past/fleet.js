// The fleet as it was at one moment, with what the map's layers ask of a fleet. Drawn from tapes into flat arrays; the
// objects of its vehicles only look there. Knows nothing of now. Pure.

import { distance, latAt, lonAt, worldX, worldY } from "../../geo.js";
import { Motion } from "../motion.js";
import { GLYPH } from "../status.js";
import { Course } from "./course.js";

/** @typedef {import("./tape.js").Tape} Tape */
/** @typedef {{vehicle: string, lat: number, lon: number, age_s: number, gap?: boolean}} Position */

/** @type {Map<string, number>} in which regions it was then nobody says */ const NOWHERE = new Map();

/** A vehicle then: it looks where it is drawn. */
export class Then {
  plate = null;
  key = "";
  accuracy = -1;
  speed = -1;
  held = false;
  alert = false;
  time = 0;
  offline = false;
  since = 0;
  heard = 0;
  gap = 300_000;
  regions = NOWHERE;

  /** @param {PastFleet} fleet @param {number} slot @param {string} id */
  constructor(fleet, slot, id) {
    this.fleet = fleet;
    this.slot = this.n = slot;
    this.id = this.name = id;
    /** @type {string|null} */ this.group = null;
    /** @type {string|null} */ this.kind = null;
  }
  get glyph() {
    return this.fleet.motion.glyph[this.slot];
  }
  /** It is known where it was. */
  get known() {
    return this.glyph !== GLYPH.none;
  }
  get state() {
    return Math.max((this.glyph & 7) - GLYPH.unknown, 0);
  }
  /** Where it was last known, and not where it was. */
  get stale() {
    return (this.glyph & GLYPH.stale) !== 0;
  }
  get lat() {
    return latAt(this.fleet.motion.toY[this.slot]);
  }
  get lon() {
    return lonAt(this.fleet.motion.toX[this.slot]);
  }
  get heading() {
    return this.fleet.motion.heading[this.slot];
  }
  /** ms since the fix it is drawn at; NaN: not said for this moment. */
  get age() {
    return this.fleet.ages[this.slot];
  }
}

export class PastFleet {
  constructor() {
    this.motion = new Motion();
    /** @type {Map<string, Then>} */ this.byId = new Map();
    /** @type {(Then|undefined)[]} */ this.bySlot = [];
    /** @type {Set<any>} */ this.rough = new Set();
    /** @type {Map<string, number>} */ this.cells = new Map();
    /** @type {Map<string, Set<number>>} */ this.members = new Map();
    /** @type {Map<string, any>} as they were */ this.regions = new Map();
    this.ages = new Float64Array(0);
    this.shown = 0; // vehicles it is known of where they were
    /** @type {WeakMap<Tape, Course>} */ this.courses = new WeakMap();
    /** @type {WeakMap<Position[], Int32Array>} the slots of those */ this.settled = new WeakMap();
  }

  /** A slot for each vehicle of a tape. @param {Tape} tape */
  take(tape) {
    const slots = Int32Array.from(tape.vehicles, (entry) => this.#vehicle(entry.vehicle, entry).slot);
    const course = new Course(tape, slots);
    this.courses.set(tape, course);
    return course;
  }

  /** @param {string} id @param {{name?: string|null, group?: string|null, kind?: string|null}} [told] */
  #vehicle(id, told) {
    let v = this.byId.get(id);
    if (!v) {
      v = new Then(this, this.motion.take(0.5, 0.5), id);
      this.byId.set(id, v);
      this.bySlot[v.slot] = v;
    }
    if (told) {
      v.name = told.name || id;
      v.group = told.group ?? null;
      v.kind = told.kind ?? null;
    }
    return v;
  }

  /** Everybody where the tapes say at this moment; whom none of them knows is nowhere.
   * @param {Iterable<Tape>} tapes of one grid @param {number} at */
  show(tapes, at) {
    const courses = [...tapes].map((tape) => this.courses.get(tape) ?? this.take(tape));
    this.#nobody();
    for (const course of courses) if (course.tape.covers(at)) this.shown += course.draw(at, this.motion);
  }

  #nobody() {
    this.motion.glyph.fill(0);
    if (this.ages.length < this.motion.glyph.length) this.ages = new Float64Array(this.motion.glyph.length);
    this.ages.fill(Number.NaN);
    this.shown = 0;
  }

  /** Exactly where they were at this moment; what a tape drew says whether they moved or stood.
   * @param {Position[]} positions */
  settle(positions) {
    const { motion } = this;
    const drawn = motion.glyph.slice();
    let slots = this.settled.get(positions);
    if (!slots) {
      slots = Int32Array.from(positions, ({ vehicle }) => this.#vehicle(vehicle).slot); // some no tape has named
      this.settled.set(positions, slots);
    }
    this.#nobody();
    for (let i = 0; i < slots.length; i++) {
      const { lat, lon, age_s, gap } = positions[i];
      const slot = slots[i];
      motion.put(slot, worldX(lon), worldY(lat));
      const shape = drawn[slot] & 7 || GLYPH.unknown;
      motion.glyph[slot] = !gap ? shape : (shape === GLYPH.moving ? GLYPH.unknown : shape) + GLYPH.stale;
      this.ages[slot] = age_s * 1000;
      this.shown++;
    }
  }

  /** Metres between where a vehicle is drawn and a place. @param {string} id @param {number} lat @param {number} lon */
  away(id, lat, lon) {
    const v = this.byId.get(id);
    return v?.known ? distance(v.lat, v.lon, lat, lon) : Number.NaN;
  }

  /** The map goes on drawing while this plays. @param {boolean} plays */
  set playing(plays) {
    this.motion.until = plays ? Number.POSITIVE_INFINITY : 0;
  }

  /** @param {string} what "region:depot", "vehicle:van-1" */
  has(what) {
    const id = what.slice(what.indexOf(":") + 1);
    return what.startsWith("region:") ? this.regions.has(id) : this.byId.has(id);
  }
}
