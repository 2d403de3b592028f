// The fleet as it was at one moment, with what the map's layers ask of a fleet. Drawn from tapes into flat arrays; the
// objects of its vehicles only look there. Knows nothing of now. Pure.

import { distance, latAt, lonAt, worldX, worldY } from "../../geo.js";
import { Motion } from "../motion.js";
import { GLYPH } from "../status.js";
import { KNOWN } from "./tape.js";

/** @typedef {import("./tape.js").Tape} Tape */
/** @typedef {{vehicle: string, lat: number, lon: number, age_s: number, gap?: boolean}} Position */

const MOVING_MPS = 5 / 3.6; // as the server has it
const RAD = Math.PI / 180;
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
    return (this.glyph & 7) === GLYPH.moving ? 1 : 0;
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
    /** @type {WeakMap<Tape, Int32Array>} the slot each vehicle of a tape is drawn at */ this.slots = new WeakMap();
  }

  /** A slot for each vehicle of a tape. @param {Tape} tape */
  take(tape) {
    const slots = Int32Array.from(tape.vehicles, (entry) => this.#vehicle(entry.vehicle, entry).slot);
    this.slots.set(tape, slots);
    return slots;
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

  /**
   * Everybody where the tapes say at this moment; whom none of them knows is nowhere. `glides`: between two samples.
   * @param {Iterable<Tape>} tapes of one grid
   * @param {number} at
   * @param {boolean} glides
   */
  show(tapes, at, glides) {
    for (const tape of tapes) if (!this.slots.has(tape)) this.take(tape);
    this.#nobody();
    for (const tape of tapes) if (tape.covers(at)) this.#draw(tape, at, glides);
  }

  #nobody() {
    this.motion.glyph.fill(0);
    if (this.ages.length < this.motion.glyph.length) this.ages = new Float64Array(this.motion.glyph.length);
    this.ages.fill(Number.NaN);
    this.shown = 0;
  }

  /** @param {Tape} tape @param {number} at @param {boolean} glides */
  #draw(tape, at, glides) {
    const { motion } = this;
    const { fromX, fromY, toX, toY, glyph, heading } = motion;
    const { known, lat, lon, unit } = tape;
    const slots = /** @type {Int32Array} */ (this.slots.get(tape));
    const [k, between] = tape.seek(at);
    const way = glides ? between : 0;
    const count = slots.length;
    const least = ((MOVING_MPS * tape.step) / 1000 / 111_195 / unit) ** 2; // of a degree's units, squared
    for (let v = 0, a = k * count, b = a + count; v < count; v++, a++, b++) {
      if (known[a] === KNOWN.nothing) continue;
      const slot = slots[v];
      let y = lat[a];
      let x = lon[a];
      let shape = GLYPH.unknown;
      if (known[a] === KNOWN.gap) shape += GLYPH.stale;
      else if (tape.linked(k, v)) {
        const dy = lat[b] - y;
        const dx = tape.short(lon[b] - x);
        if (dy !== 0 || dx !== 0) {
          // Along the ground, near enough for a glyph.
          const east = dx * Math.cos(y * unit * RAD);
          if (east * east + dy * dy >= least) {
            shape = GLYPH.moving;
            heading[slot] = (Math.atan2(east, dy) / RAD + 360) % 360;
          }
          y += dy * way;
          x += dx * way;
        }
      }
      glyph[slot] = shape;
      toX[slot] = fromX[slot] = worldX(x * unit);
      toY[slot] = fromY[slot] = worldY(y * unit);
      this.shown++;
    }
  }

  /** Exactly where they were at this moment; what a tape drew says at most which way they went.
   * @param {Position[]} positions */
  settle(positions) {
    const { motion } = this;
    const drawn = motion.glyph.slice();
    for (const one of positions) this.#vehicle(one.vehicle); // whom no tape named
    this.#nobody();
    for (const { vehicle, lat, lon, age_s, gap } of positions) {
      const { slot } = this.#vehicle(vehicle);
      motion.put(slot, worldX(lon), worldY(lat));
      motion.glyph[slot] = gap
        ? GLYPH.unknown + GLYPH.stale
        : drawn[slot] === GLYPH.moving
          ? GLYPH.moving
          : GLYPH.unknown;
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
