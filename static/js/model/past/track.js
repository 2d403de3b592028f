// One day's track of a vehicle: its points, what they say of the day, and the trail behind it. Pure.

/**
 * @typedef {{time: number, lat: number, lon: number, speed: number|null, late?: boolean, held?: boolean, ignition?:
 *   boolean}} Point
 */
/** @typedef {{from: number, until: number, what: "moving"|"idle"|"offline"}} Piece */

const TRAIL_MS = 30 * 60_000;
const GAP = 10 * 60_000;
const MOVING_MPS = 5 / 3.6;

export class Track {
  /** @type {Point[]} */ points = [];
  /** @type {Point[]} the last half hour, without fixes that are doubted */ trail = [];

  /** All of it, as the server answers. @param {any[]} positions */
  read(positions) {
    this.points = positions.map((p) => ({
      time: Date.parse(p.time),
      lat: p.lat,
      lon: p.lon,
      speed: p.speed_mps ?? null,
      late: p.late,
      held: p.held,
      ignition: p.ignition,
    }));
    const last = this.points.at(-1)?.time ?? 0;
    this.trail = this.points.filter((p) => p.time > last - TRAIL_MS && !p.held);
  }

  /**
   * Where the vehicle is now; false: that is no news.
   * @param {{time: number, lat: number, lon: number, speed: number}} v
   */
  add(v) {
    const last = this.trail.at(-1);
    if (last && v.time <= last.time) return false;
    const point = { time: v.time, lat: v.lat, lon: v.lon, speed: v.speed < 0 ? null : v.speed };
    this.trail.push(point);
    this.points.push(point);
    while (this.trail.length && this.trail[0].time < v.time - TRAIL_MS) this.trail.shift();
    return true;
  }
}

/**
 * Pieces of a day: [from, until, what], neighbours of one kind joined.
 * @param {{time: number, speed: number|null}[]} points
 * @param {number} until
 * @returns {Piece[]}
 */
export function pieces(points, until) {
  /** @type {Piece[]} */ const out = [];
  points.forEach((p, i) => {
    const end = i + 1 < points.length ? points[i + 1].time : Math.min(until, p.time + GAP);
    if (end <= p.time) return;
    const what = end - p.time > GAP ? "offline" : (p.speed ?? 0) >= MOVING_MPS ? "moving" : "idle";
    const last = out[out.length - 1];
    if (last && last.what === what && last.until === p.time) last.until = end;
    else out.push({ from: p.time, until: end, what });
  });
  return out;
}

/** What it did then, null where nobody knows. @param {Piece[]} pieces @param {number} at */
export const stateAt = (pieces, at) => pieces.find(({ from, until }) => from <= at && at <= until)?.what ?? null;

/** ms of each. @param {Piece[]} pieces */
export function lengths(pieces) {
  const total = { moving: 0, idle: 0, offline: 0 };
  for (const piece of pieces) total[piece.what] += piece.until - piece.from;
  return total;
}
