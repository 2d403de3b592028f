// Longitudes that go on where the map ends: a shape across 180° is read as one piece, 179, 180, 181, as the server
// reads it. Degrees only; knows no map.

import { crossings } from "./draw/crossings.js";

/** @typedef {[number, number]} Point  lon, lat */

/** The same longitude within -180…180. @param {number} lon */
export const turn = (lon) => (lon >= -180 && lon <= 180 ? lon : ((((lon + 180) % 360) + 360) % 360) - 180);

/** The copy of a longitude that lies nearest to another. @param {number} lon @param {number} other */
export const beside = (lon, other) => lon - Math.round((lon - other) / 360) * 360;

/** A line without jumps: each step goes the short way round. From -180 to 180 along a parallel is one around the world.
 * @param {number[][]} line @returns {Point[]} */
export function unwrap(line) {
  let turns = 0;
  return line.map(([lon, lat], i) => {
    const step = i ? lon - line[i - 1][0] : 0;
    if (Math.abs(step) > 180 && !(Math.abs(step) === 360 && lat === line[i - 1][1])) turns -= Math.round(step / 360);
    return [lon + 360 * turns, lat];
  });
}

/**
 * A closed ring without jumps; as written when only the long way round makes a shape.
 * @param {number[][]} written
 * @returns {Point[]}
 */
export function ring(written) {
  const short = unwrap(written);
  const end = short.length - 1;
  if (short.every(([lon], i) => lon === written[i][0])) return short;
  return short[end][0] !== short[0][0] || crossings(short) ? written.map(([lon, lat]) => [lon, lat]) : short;
}

/** Polygons (lists of rings) without jumps, holes and parts brought beside the first, its middle within ±180.
 * @param {number[][][][]} polygons @returns {Point[][][]} */
export function together(polygons) {
  let first = 0;
  return polygons.map((rings, n) => {
    let shell = first;
    return rings.map((written, i) => {
      const points = ring(written);
      const here = middle(points);
      const to = beside(here, shell) - here;
      if (i === 0) shell = here + to;
      if (i === 0 && n === 0) first = shell;
      return to ? points.map(([lon, lat]) => /** @type {Point} */ ([lon + to, lat])) : points;
    });
  });
}

/** Halfway between the westernmost and the easternmost. @param {number[][]} points */
export function middle(points) {
  let west = Infinity;
  let east = -Infinity;
  for (const [lon] of points) {
    if (lon < west) west = lon;
    if (lon > east) east = lon;
  }
  return points.length ? (west + east) / 2 : 0;
}

/** A line ready to be sent: its middle within ±180, no step so long that a reader would take it the other way round.
 * @param {Point[]} line @returns {Point[]} */
export function sendable(line) {
  const here = middle(line);
  const to = turn(here) - here;
  return line.flatMap(([lon, lat], i) => {
    const [from, level] = i ? line[i - 1] : [lon, lat];
    const pieces = Math.max(1, Math.ceil(Math.abs(lon - from) / 179));
    return Array.from(
      { length: pieces },
      (_, k) =>
        /** @type {Point} */ (
          k + 1 === pieces
            ? [lon + to, lat]
            : [from + ((lon - from) * (k + 1)) / pieces + to, level + ((lat - level) * (k + 1)) / pieces]
        ),
    );
  });
}

/** Longitudes in order from west to east, beginning after the widest gap: a fleet on both sides of 180° is one fleet.
 * @param {number[]} lons @returns {number[]} */
export function eastward(lons) {
  const order = lons.map(turn).sort((a, b) => a - b);
  let widest = order.length ? order[0] + 360 - order[order.length - 1] : 0;
  let first = 0;
  for (let i = 1; i < order.length; i++) {
    if (order[i] - order[i - 1] <= widest) continue;
    widest = order[i] - order[i - 1];
    first = i;
  }
  return [...order.slice(first), ...order.slice(0, first).map((lon) => lon + 360)];
}

/** Parts of a polygon that only a cut along 180° divides, as the one ring they are; null when there is more to them.
 * @param {number[][][][]} polygons @returns {Point[]|null} */
export function joined(polygons) {
  if (polygons.some((rings) => rings.length > 1)) return null;
  if (polygons.length === 1) return ring(polygons[0][0]);
  const same = (/** @type {Point} */ a, /** @type {Point} */ b) => a[0] === b[0] && a[1] === b[1];
  const [first = [], ...rest] = rims(together(polygons)) ?? [];
  const out = [...first];
  while (rest.length) {
    const end = out[out.length - 1];
    const at = rest.findIndex((one) => same(one[0], end) || same(one[one.length - 1], end));
    if (at < 0) return null;
    const [next] = rest.splice(at, 1);
    out.push(...(same(next[0], end) ? next : [...next].reverse()).slice(1));
  }
  return out.length > 3 && same(out[0], out[out.length - 1]) ? out : null;
}

/** The rings as open lines without the edges along 180° where a shape was cut in two: no border lies there.
 * null when there are none. @param {Point[][][]} polygons @returns {Point[][]|null} */
export function rims(polygons) {
  const key = (/** @type {Point} */ [lon, a], /** @type {Point} */ [other, b]) =>
    lon === other && Math.abs(lon % 360) === 180 ? `${Math.min(a, b)} ${Math.max(a, b)}` : "";
  /** @type {Map<string, number>} */ const cuts = new Map();
  const rings = polygons.flat();
  for (const points of rings)
    for (let i = 1; i < points.length; i++) {
      const edge = key(points[i - 1], points[i]);
      if (edge) cuts.set(edge, (cuts.get(edge) ?? 0) + 1);
    }
  if (![...cuts.values()].some((n) => n > 1)) return null;
  return rings.flatMap((points) => {
    /** @type {Point[][]} */ const lines = [[points[0]]];
    for (let i = 1; i < points.length; i++) {
      if (Number(cuts.get(key(points[i - 1], points[i]))) > 1) lines.push([points[i]]);
      else lines[lines.length - 1].push(points[i]);
    }
    return lines.filter((line) => line.length > 1);
  });
}
