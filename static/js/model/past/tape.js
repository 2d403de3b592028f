// A tape: where all vehicles were, at instants an even step apart, as the server sends it (docs/api.md). Unpacked
// into flat arrays, instant after instant, so that a frame reads what lies side by side. Pure.

import { GLYPH } from "../status.js";

/** @typedef {{vehicle: string, name: string|null, group: string|null, kind: string|null, lat: number, lon: number}}
 *   Entry  lat, lon: where its first known sample counts from, in the tape's units */

const MAGIC = 0x45504154; // TAPE
const VERSION = 1;
const HEAD = 12;
const SLICE = 65_536; // samples unpacked before others have a turn
const MOVING_MPS = 5 / 3.6; // as the server has it
const FAR_M = 150; // so far one moved, however long it took
const IDLE_MS = 60_000;
const PARKED_MS = 360_000; // of standing
const LINK_MS = 300_000; // between two fixes farther apart nobody knows the way

/** What is known of a vehicle at an instant. */
export const KNOWN = { nothing: 0, gap: 1, between: 2 };

export class Tape {
  /** @param {{from: number, step_ms: number, instants: number, digits: number, vehicles: Entry[], next?: string|null}}
   *   header */
  constructor({ from, step_ms, instants, digits, vehicles, next }) {
    this.from = from;
    this.step = step_ms;
    this.instants = instants;
    this.vehicles = vehicles;
    /** @type {string|null} where the following page begins */ this.next = next ?? null;
    this.unit = 10 ** -digits;
    this.turn = 360 * 10 ** digits;
    const samples = instants * vehicles.length;
    this.known = new Uint8Array(samples); // [instant · vehicles + vehicle]
    this.lat = new Int32Array(samples);
    this.lon = new Int32Array(samples);
    this.still = new Uint16Array(samples); // instants it has stood by then, as far as this tape knows
  }

  /** The last moment it tells of. */
  get until() {
    return this.from + (this.instants - 1) * this.step;
  }

  /** @param {number} at */
  covers(at) {
    return at >= this.from && at < this.from + this.instants * this.step;
  }

  /** The instant at or before a moment, and how far it lies behind, 0…1; never before the first, nor after the last.
   * @param {number} at @returns {[number, number]} */
  seek(at) {
    const way = (at - this.from) / this.step;
    const k = Math.floor(way);
    if (k < 0) return [0, 0];
    return k >= this.instants - 1 ? [this.instants - 1, 0] : [k, way - k];
  }

  /** May a vehicle be drawn on its way from an instant to the next? Where both are known from fixes close by, and the
   * instants are no farther apart than those. @param {number} k @param {number} vehicle */
  linked(k, vehicle) {
    const at = k * this.vehicles.length + vehicle;
    return (
      this.step <= LINK_MS &&
      k < this.instants - 1 &&
      this.known[at] === KNOWN.between &&
      this.known[at + this.vehicles.length] === KNOWN.between
    );
  }

  /** How a vehicle that does not go on looks: by how long it has stood. @param {number} at of the samples */
  standing(at) {
    const ms = this.still[at] * this.step;
    return ms >= PARKED_MS ? GLYPH.parked : ms >= IDLE_MS ? GLYPH.idle : GLYPH.unknown;
  }

  /** A difference of longitudes the short way round. @param {number} units */
  short(units) {
    return units > this.turn / 2 ? units - this.turn : units < -this.turn / 2 ? units + this.turn : units;
  }

  get bytes() {
    return this.known.length * 9;
  }
}

/**
 * Read a tape, a slice at a time: `yield`s when others should have a turn.
 * @param {ArrayBuffer} buffer
 * @returns {Generator<void, Tape>}
 */
export function* unpack(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength < HEAD || view.getUint32(0, true) !== MAGIC || view.getUint8(4) !== VERSION)
    throw new TypeError("this is no tape, or a newer one");
  const planes = view.getUint8(5);
  const length = view.getUint32(8, true);
  const tape = new Tape(JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, HEAD, length))));
  const { vehicles, instants, known, lat, lon, still, unit } = tape;
  const least = (Math.min((MOVING_MPS * tape.step) / 1000, FAR_M) / 111_195 / unit) ** 2; // of units, squared
  const samples = known.length;
  const bytes = new Uint8Array(buffer, HEAD + length);
  if (planes < 1 || planes > 4 || bytes.length < samples * (1 + 2 * planes))
    throw new TypeError("a tape was cut short");
  const count = vehicles.length;
  const lats = samples;
  const lons = samples * (1 + planes);
  let since = 0;
  for (let v = 0; v < count; v++) {
    let y = vehicles[v].lat;
    let x = vehicles[v].lon;
    let stood = -1; // instants, by the one before
    const narrow = Math.cos((y * unit * Math.PI) / 180) ** 2;
    for (let k = 0, from = v * instants, to = v; k < instants; k++, from++, to += count) {
      const what = bytes[from];
      if (what === KNOWN.nothing) {
        stood = -1;
        continue;
      }
      let dy = bytes[lats + from];
      let dx = bytes[lons + from];
      for (let plane = 1, at = from + samples; plane < planes; plane++, at += samples) {
        dy |= bytes[lats + at] << (8 * plane);
        dx |= bytes[lons + at] << (8 * plane);
      }
      const north = (dy >>> 1) ^ -(dy & 1);
      const east = (dx >>> 1) ^ -(dx & 1);
      y += north;
      x = tape.short(x + east);
      stood = north * north + east * east * narrow >= least ? 0 : Math.min(stood + 1, 65_535);
      still[to] = stood;
      known[to] = what;
      lat[to] = y;
      lon[to] = x;
    }
    since += instants;
    if (since < SLICE) continue;
    since = 0;
    yield;
  }
  return tape;
}
