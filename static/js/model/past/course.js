// From one instant of a tape to the next, for all its vehicles: where each begins, how far it goes, how it looks. Read
// once for an instant, so that a frame between two of them is a few sums a vehicle and makes no object. Pure.

import { worldX, worldY } from "../../geo.js";
import { GLYPH } from "../status.js";
import { KNOWN } from "./tape.js";

const MOVING_MPS = 5 / 3.6; // as the server has it
const SHORT = 0.01; // degrees: so short a way is straight on the map to a few centimetres
const RAD = Math.PI / 180;

export class Course {
  #k = -1;

  /** @param {import("./tape.js").Tape} tape @param {Int32Array} slots where each of its vehicles is drawn */
  constructor(tape, slots) {
    this.tape = tape;
    this.slots = slots;
    const count = tape.vehicles.length;
    this.x = new Float64Array(count);
    this.y = new Float64Array(count);
    this.dx = new Float64Array(count);
    this.dy = new Float64Array(count);
    this.bend = new Float64Array(count); // even steps of latitude are no even steps on the map
    this.glyph = new Uint8Array(count);
    this.heading = new Int16Array(count);
  }

  /** Everybody of the tape where they were; how many it is known of. @param {number} at
   * @param {import("../motion.js").Motion} motion */
  draw(at, { fromX, fromY, toX, toY, glyph, heading }) {
    const { slots } = this;
    const [k, way] = this.tape.seek(at);
    if (k !== this.#k) this.#read(k);
    const curve = way * (1 - way);
    let shown = 0;
    for (let v = 0; v < slots.length; v++) {
      const shape = this.glyph[v];
      if (shape === GLYPH.none) continue;
      const slot = slots[v];
      glyph[slot] = shape;
      heading[slot] = this.heading[v];
      toX[slot] = fromX[slot] = this.x[v] + this.dx[v] * way;
      toY[slot] = fromY[slot] = this.y[v] + this.dy[v] * way + this.bend[v] * curve;
      shown++;
    }
    return shown;
  }

  /** @param {number} k */
  #read(k) {
    this.#k = k;
    const { tape, x, y, dx, dy, bend, glyph, heading } = this;
    const { known, lat, lon, unit } = tape;
    const count = x.length;
    const least = ((MOVING_MPS * tape.step) / 1000 / 111_195 / unit) ** 2; // of a degree's units, squared
    for (let v = 0, a = k * count; v < count; v++, a++) {
      dx[v] = dy[v] = bend[v] = 0;
      glyph[v] = GLYPH.none;
      if (known[a] === KNOWN.nothing) continue;
      glyph[v] = tape.standing(a) + (known[a] === KNOWN.gap ? GLYPH.stale : 0);
      x[v] = worldX(lon[a] * unit);
      y[v] = worldY(lat[a] * unit);
      if (!tape.linked(k, v)) continue;
      const north = lat[a + count] - lat[a];
      const across = tape.short(lon[a + count] - lon[a]);
      if (north === 0 && across === 0) continue;
      const narrow = Math.cos((lat[a] + north / 2) * unit * RAD);
      const east = across * narrow; // along the ground, near enough for a glyph
      if (east * east + north * north >= least) {
        glyph[v] = GLYPH.moving;
        heading[v] = (Math.atan2(east, north) / RAD + 360) % 360;
      }
      dx[v] = (across * unit) / 360;
      if (Math.abs(north * unit) < SHORT) dy[v] = -(north * unit) / 360 / narrow;
      else {
        dy[v] = worldY((lat[a] + north) * unit) - y[v];
        bend[v] = 4 * (worldY((lat[a] + north / 2) * unit) - y[v] - dy[v] / 2);
      }
    }
  }
}
