// Plain map arithmetic on WGS84 degrees and on "world" units: Web Mercator with the whole world as 0…1.

const R = 6_371_008.8;
const RAD = Math.PI / 180;

/** @param {number} lon */
export const worldX = (lon) => lon / 360 + 0.5;
/** @param {number} lat */
export function worldY(lat) {
  const s = Math.sin(Math.max(-85.0511287798, Math.min(85.0511287798, lat)) * RAD);
  return 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI);
}
/** @param {number} x */
export const lonAt = (x) => (x - 0.5) * 360;
/** @param {number} y */
export const latAt = (y) => Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) / RAD;

/** Great-circle metres. @param {number} lat1 @param {number} lon1 @param {number} lat2 @param {number} lon2 */
export function distance(lat1, lon1, lat2, lon2) {
  const a = Math.sin(((lat2 - lat1) * RAD) / 2) ** 2 + Math.cos(lat1 * RAD) * Math.cos(lat2 * RAD) * Math.sin(((lon2 - lon1) * RAD) / 2) ** 2;
  return 2 * R * Math.asin(Math.min(1, Math.sqrt(a)));
}

/** Metres a degree of latitude and longitude span at this latitude. @param {number} lat @returns {[number, number]} */
export function frame(lat) {
  const s = Math.sin(lat * RAD), w = 1 - 0.00669437999014 * s * s;
  return [((6_378_137 * (1 - 0.00669437999014)) / (w * Math.sqrt(w))) * RAD, (6_378_137 / Math.sqrt(w)) * Math.cos(lat * RAD) * RAD];
}

/** A ring of [lon, lat] around a centre. @param {number} lat @param {number} lon @param {number} metres @param {number} [steps] @returns {[number, number][]} */
export function circle(lat, lon, metres, steps = 64) {
  const [ky, kx] = frame(lat);
  /** @type {[number, number][]} */
  const ring = [];
  for (let i = 0; i <= steps; i++) {
    const a = (i / steps) * 2 * Math.PI;
    ring.push([lon + (metres * Math.sin(a)) / Math.max(kx, 1e-6), lat + (metres * Math.cos(a)) / ky]);
  }
  return ring;
}

/** The outline of everything within `metres` of a line: what a corridor looks like. @param {[number, number][]} line @param {number} metres @returns {[number, number][]} */
export function corridor(line, metres) {
  if (line.length < 2) return line.length ? circle(line[0][1], line[0][0], metres, 24) : [];
  const [ky, kx] = frame(line[0][1]);
  const flat = line.map(([lon, lat]) => [lon * kx, lat * ky]);
  /** @type {[number, number][]} */
  const out = [];
  const side = (/** @type {number[][]} */ points) => {
    for (let i = 0; i < points.length - 1; i++) {
      const [x1, y1] = points[i], [x2, y2] = points[i + 1];
      const length = Math.hypot(x2 - x1, y2 - y1) || 1, nx = (-(y2 - y1) / length) * metres, ny = ((x2 - x1) / length) * metres;
      out.push([x1 + nx, y1 + ny], [x2 + nx, y2 + ny]);
      const start = Math.atan2(ny, nx);
      if (i === points.length - 2) for (let k = 1; k < 12; k++) out.push([x2 + metres * Math.cos(start - (k / 12) * Math.PI), y2 + metres * Math.sin(start - (k / 12) * Math.PI)]);
      else {
        const [x3, y3] = points[i + 2];
        const turn = Math.atan2((x2 - x1) * (y3 - y2) - (y2 - y1) * (x3 - x2), (x2 - x1) * (x3 - x2) + (y2 - y1) * (y3 - y2));
        if (turn < 0) for (let k = 1; k < 6; k++) out.push([x2 + metres * Math.cos(start + (k / 6) * turn), y2 + metres * Math.sin(start + (k / 6) * turn)]);
      }
    }
  };
  side(flat);
  side([...flat].reverse());
  out.push(out[0]);
  return out.map(([x, y]) => [x / kx, y / ky]);
}

/** m² of a ring of [lon, lat] in its local frame, and its length in metres. @param {[number, number][]} ring */
export function measure(ring) {
  if (ring.length < 2) return { area: 0, length: 0 };
  const lat0 = ring.reduce((sum, p) => sum + p[1], 0) / ring.length, [ky, kx] = frame(lat0);
  let twice = 0, length = 0;
  for (let i = 0; i < ring.length; i++) {
    const [x1, y1] = ring[i], [x2, y2] = ring[(i + 1) % ring.length];
    twice += (x1 - ring[0][0]) * kx * (y2 - ring[0][1]) * ky - (x2 - ring[0][0]) * kx * (y1 - ring[0][1]) * ky;
    length += Math.hypot((x2 - x1) * kx, (y2 - y1) * ky);
  }
  return { area: Math.abs(twice) / 2, length };
}

/** Is the point in these rings (even-odd)? For hovering and drawing only: the server decides membership.
 * @param {number} lon @param {number} lat @param {number[][][]} rings */
export function inside(lon, lat, rings) {
  let odd = false;
  for (const ring of rings) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [xi, yi] = ring[i], [xj, yj] = ring[j];
      if (yi > lat !== yj > lat && lon < ((xj - xi) * (lat - yi)) / (yj - yi) + xi) odd = !odd;
    }
  }
  return odd;
}

/** Outline rings [lon, lat] of a region's geometry, circles and corridors made visible; a list of polygons, each a list of rings.
 * @param {{geometry: any, properties?: any}} feature @returns {[number, number][][][]} */
export function outline(feature) {
  const g = feature.geometry, p = feature.properties ?? {};
  if (!g) return [];
  if (g.type === "Polygon") return [g.coordinates];
  if (g.type === "MultiPolygon") return g.coordinates;
  if (g.type === "Point") return [[circle(g.coordinates[1], g.coordinates[0], p.radius_m ?? 0)]];
  if (g.type === "LineString") return [[corridor(g.coordinates, p.buffer_m ?? 0)]];
  return [];
}

/** [west, south, east, north] of outline rings. @param {number[][][][]} polygons @returns {[number, number, number, number]} */
export function bounds(polygons) {
  /** @type {[number, number, number, number]} */
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const rings of polygons) for (const ring of rings) for (const [x, y] of ring) {
    if (x < box[0]) box[0] = x;
    if (y < box[1]) box[1] = y;
    if (x > box[2]) box[2] = x;
    if (y > box[3]) box[3] = y;
  }
  return box;
}
