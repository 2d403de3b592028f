// Plain map arithmetic on WGS84 degrees and on "world" units: Web Mercator with the whole world as 0…1.

import { together, unwrap } from "./antimeridian.js";

const R = 6_371_008.8;
const RAD = Math.PI / 180;

/** Where Web Mercator ends, north and south. */
export const MAP_END = 85.0511287798;

/** @param {number} lon */
export const worldX = (lon) => lon / 360 + 0.5;
/** @param {number} lat */
export function worldY(lat) {
  const s = Math.sin(Math.max(-MAP_END, Math.min(MAP_END, lat)) * RAD);
  return 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI);
}
/** @param {number} x */
export const lonAt = (x) => (x - 0.5) * 360;
/** @param {number} y */
export const latAt = (y) => Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) / RAD;

/** Great-circle metres. @param {number} lat1 @param {number} lon1 @param {number} lat2 @param {number} lon2 */
export function distance(lat1, lon1, lat2, lon2) {
  const a =
    Math.sin(((lat2 - lat1) * RAD) / 2) ** 2 +
    Math.cos(lat1 * RAD) * Math.cos(lat2 * RAD) * Math.sin(((lon2 - lon1) * RAD) / 2) ** 2;
  return 2 * R * Math.asin(Math.min(1, Math.sqrt(a)));
}

/** Metres a degree of latitude and longitude span at this latitude. @param {number} lat @returns {[number, number]} */
export function frame(lat) {
  const s = Math.sin(lat * RAD);
  const w = 1 - 0.00669437999014 * s * s;
  return [
    ((6_378_137 * (1 - 0.00669437999014)) / (w * Math.sqrt(w))) * RAD,
    (6_378_137 / Math.sqrt(w)) * Math.cos(lat * RAD) * RAD,
  ];
}

/**
 * A ring of [lon, lat] around a centre: along the ground, so it also bends right where it is large or near a pole. One
 * around a pole is led along it, since a flat map has no pole to close it at.
 * @param {number} lat
 * @param {number} lon
 * @param {number} metres
 * @param {number} [steps]
 * @returns {[number, number][]}
 */
export function circle(lat, lon, metres, steps = 64) {
  const ring = Array.from({ length: steps + 1 }, (_, i) => beyond(lat, lon, metres, (i / steps) * 2 * Math.PI));
  const line = unwrap(ring);
  const last = line[steps];
  const around = last[0] - line[0][0];
  last[1] = line[0][1];
  if (Math.abs(around) < 180) last[0] = line[0][0];
  else line.push([last[0], around > 0 ? -90 : 90], [line[0][0], around > 0 ? -90 : 90], line[0]);
  return line;
}

/**
 * The place so many metres away.
 * @param {number} lat
 * @param {number} lon
 * @param {number} metres
 * @param {number} angle clockwise from north, radians
 * @returns {[number, number]}
 */
export function beyond(lat, lon, metres, angle) {
  lat = Math.max(-89.999999, Math.min(89.999999, lat)); // at the pole itself every way leads the same
  const [ky, kx] = frame(lat);
  const cos = Math.cos(lat * RAD);
  const sin = Math.sin(lat * RAD);
  const north = (metres * Math.cos(angle) * RAD) / ky;
  const east = (metres * Math.sin(angle) * RAD) / (kx / cos);
  const far = Math.hypot(north, east);
  const cosA = far ? north / far : 1;
  const sinA = far ? east / far : 0;
  const up = sin * Math.cos(far) + cos * Math.sin(far) * cosA;
  return [
    lon + Math.atan2(sinA * Math.sin(far) * cos, Math.cos(far) - sin * up) / RAD,
    Math.asin(Math.max(-1, Math.min(1, up))) / RAD,
  ];
}

/**
 * The outline of everything within `metres` of a line: what a corridor looks like.
 * @param {[number, number][]} line
 * @param {number} metres
 * @returns {[number, number][]}
 */
export function corridor(line, metres) {
  if (line.length < 2) return line.length ? circle(line[0][1], line[0][0], metres, 24) : [];
  // Its width in degrees changes with the latitude: a long side is drawn in steps.
  const way = unwrap(line).flatMap(([lon, lat], i, all) => {
    const [lon1, lat1] = i ? all[i - 1] : [lon, lat];
    const n = Math.max(1, Math.ceil(Math.max(Math.abs(lon - lon1), Math.abs(lat - lat1))));
    return Array.from(
      { length: n },
      (_, k) =>
        /** @type {[number, number]} */ (
          k + 1 === n ? [lon, lat] : [lon1 + ((lon - lon1) * (k + 1)) / n, lat1 + ((lat - lat1) * (k + 1)) / n]
        ),
    );
  });
  /** @type {[number, number][]} */
  const out = [];
  const at = (/** @type {[number, number]} */ [lon, lat], /** @type {number} */ angle) =>
    out.push(beyond(lat, lon, metres, angle));
  const side = (/** @type {[number, number][]} */ points) => {
    let before = 0;
    for (let i = 0; i < points.length - 1; i++) {
      const [lon, lat] = points[i];
      const [lon2, lat2] = points[i + 1];
      const [ky, kx] = frame((lat + lat2) / 2);
      const ahead = Math.atan2((lon2 - lon) * kx, (lat2 - lat) * ky);
      const left = ahead - Math.PI / 2;
      if (i) {
        const bend = Math.atan2(Math.sin(ahead - before), Math.cos(ahead - before));
        if (bend > 0) for (let k = 1; k < 6; k++) at(points[i], before - Math.PI / 2 + (k / 6) * bend);
      }
      at(points[i], left);
      at(points[i + 1], left);
      if (i === points.length - 2) for (let k = 1; k < 12; k++) at(points[i + 1], left + (k / 12) * Math.PI);
      before = ahead;
    }
  };
  side(way);
  side([...way].reverse());
  out.push(out[0]);
  return out;
}

const E2 = 0.00669437999014;
const E = Math.sqrt(E2);
/** m² between the equator and a latitude, per radian of longitude (Snyder, eq. 3-12). @param {number} lat */
function belt(lat) {
  const s = Math.sin(lat * RAD);
  return ((6_378_137 ** 2 * (1 - E2)) / 2) * (s / (1 - E2 * s * s) + Math.atanh(E * s) / E);
}

/**
 * m² of a ring of [lon, lat] on the ellipsoid, as the server measures it, and its length in metres.
 * @param {[number, number][]} ring
 */
export function measure(ring) {
  if (ring.length < 2) return { area: 0, length: 0 };
  const level = belt(ring[0][1]);
  let area = 0;
  let length = 0;
  let here = level;
  for (let i = 0; i < ring.length; i++) {
    const [x1, y1] = ring[i];
    const [x2, y2] = ring[(i + 1) % ring.length];
    const middle = (y1 + y2) / 2;
    const [ky, kx] = frame(middle);
    length += Math.hypot((x2 - x1) * kx, (y2 - y1) * ky);
    const there = belt(y2);
    const mean = Math.abs(y2 - y1) < 0.01 ? (here + there) / 2 : (here + 4 * belt(middle) + there) / 6;
    area += (x2 - x1) * RAD * (mean - level);
    here = there;
  }
  return { area: Math.abs(area), length };
}

/** Is the point in these rings (even-odd)? For hovering and drawing only: the server decides membership.
 * @param {number} lon @param {number} lat @param {number[][][]} rings */
export function inside(lon, lat, rings) {
  let odd = false;
  for (const ring of rings) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [xi, yi] = ring[i];
      const [xj, yj] = ring[j];
      if (yi > lat !== yj > lat && lon < ((xj - xi) * (lat - yi)) / (yj - yi) + xi) odd = !odd;
    }
  }
  return odd;
}

/**
 * Outline rings [lon, lat] of a region's geometry, circles and corridors made visible; a list of polygons, each a list
 * of rings, in longitudes that go on beyond 180°.
 * @param {{geometry: any, properties?: any}} feature
 * @returns {[number, number][][][]}
 */
export function outline(feature) {
  const g = feature.geometry;
  const p = feature.properties ?? {};
  if (!g) return [];
  if (g.type === "Polygon") return together([g.coordinates]);
  if (g.type === "MultiPolygon") return together(g.coordinates);
  if (g.type === "Point") return [[circle(g.coordinates[1], g.coordinates[0], p.radius_m ?? 0)]];
  if (g.type === "LineString") return together([[corridor(g.coordinates, p.buffer_m ?? 0)]]);
  return [];
}

/**
 * [west, south, east, north] of outline rings.
 * @param {number[][][][]} polygons
 * @returns {[number, number, number, number]}
 */
export function bounds(polygons) {
  /** @type {[number, number, number, number]} */
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const rings of polygons)
    for (const ring of rings)
      for (const [x, y] of ring) {
        if (x < box[0]) box[0] = x;
        if (y < box[1]) box[1] = y;
        if (x > box[2]) box[2] = x;
        if (y > box[3]) box[3] = y;
      }
  return box;
}
