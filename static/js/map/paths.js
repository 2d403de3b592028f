// GeoJSON coordinates as flat world-coordinate paths, and how to put such a path on a canvas cheaply.

import { worldX, worldY } from "../geo.js";

/**
 * @typedef {{points: Float64Array, box: number[]}} Path  world coordinates x, y, x, y… and [west, north, east, south]
 */
/** @typedef {import("./stage.js").View} View */

/** @param {number[][]} coordinates @returns {Path} */
export function path(coordinates) {
  const points = new Float64Array(coordinates.length * 2);
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  coordinates.forEach(([lon, lat], i) => {
    const x = worldX(lon);
    const y = worldY(lat);
    points[2 * i] = x;
    points[2 * i + 1] = y;
    if (x < box[0]) box[0] = x;
    if (y < box[1]) box[1] = y;
    if (x > box[2]) box[2] = x;
    if (y > box[3]) box[3] = y;
  });
  return { points, box };
}

/**
 * Every line and ring of a geometry.
 * @param {any} geometry
 * @param {(coordinates: number[][]) => Path} [make]
 * @returns {Path[]}
 */
export function rings(geometry, make = path) {
  switch (geometry.type) {
    case "LineString":
      return [make(geometry.coordinates)];
    case "MultiLineString":
    case "Polygon":
      return geometry.coordinates.map((/** @type {number[][]} */ c) => make(c));
    case "MultiPolygon":
      return geometry.coordinates.flat().map((/** @type {number[][]} */ c) => make(c));
    default:
      return [];
  }
}

/**
 * A ring of the whole Earth's land, unrolled where it steps over the antimeridian; one that winds around the pole is
 * led along the map's foot, since a flat map has no pole to close it at.
 * @param {number[][]} ring
 * @returns {Path}
 */
export function unrolled(ring) {
  let turn = 0;
  const flat = ring.map(([lon, lat], i) => {
    if (i) turn -= Math.round((lon - ring[i - 1][0]) / 360) * 360;
    return [lon + turn, lat];
  });
  if (turn) flat.push([flat[flat.length - 1][0], -90], [flat[0][0], -90]);
  return path(flat);
}

/**
 * The view moved to each copy of the world in which it shows this box: the map repeats sideways.
 * @param {View} view
 * @param {number[]} box world
 * @returns {View[]}
 */
export function copies(view, [west, , east]) {
  const first = Math.ceil((view.left - 20) / view.scale - east);
  const last = Math.floor((view.left + view.width + 20) / view.scale - west);
  /** @type {View[]} */ const out = [];
  for (let copy = first; copy <= last; copy++) out.push(copy ? moved(view, copy) : view);
  return out;
}

/**
 * The view moved to the copy of the world in which `x` lies nearest to its middle.
 * @param {View} view
 * @param {number} x world
 * @returns {View}
 */
export function nearest(view, x) {
  const copy = Math.round(view.cx - x);
  return copy ? moved(view, copy) : view;
}

/** @param {View} view @param {number} copy */
const moved = (view, copy) => ({ ...view, left: view.left - copy * view.scale, cx: view.cx - copy });

/** Is it on this canvas, and more than a speck? @param {number[]} box @param {View} view */
export function visible([west, north, east, south], view) {
  const s = view.scale;
  return (
    east * s > view.left - 20 &&
    west * s < view.left + view.width + 20 &&
    south * s > view.top - 20 &&
    north * s < view.top + view.height + 20
  );
}

/**
 * Add a path as it is, leaving out points closer than a pixel.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Path} path
 * @param {View} view
 * @param {boolean} close
 */
export function line(ctx, { points, box }, view, close) {
  if (!visible(box, view)) return;
  let lastX = Infinity;
  let lastY = Infinity;
  const end = points.length - 2;
  for (let i = 0; i <= end; i += 2) {
    const x = points[i] * view.scale - view.left;
    const y = points[i + 1] * view.scale - view.top;
    if (i === 0) ctx.moveTo(x, y);
    else if (i < end && Math.abs(x - lastX) + Math.abs(y - lastY) < 1) continue;
    else ctx.lineTo(x, y);
    lastX = x;
    lastY = y;
  }
  if (close) ctx.closePath();
}

/**
 * Stroke a path piece by piece, leaving out pieces that are not seen: many short strokes take a fifth of one of 10,000
 * sides.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Path} path
 * @param {View} view
 */
export function strokePieces(ctx, { points }, view) {
  const PIECE = 100;
  const end = points.length - 2; // numbers, so 50 sides
  for (let from = 0; from < end; from += PIECE) {
    let lastX = Infinity;
    let lastY = Infinity;
    let west = Infinity;
    let east = -Infinity;
    let north = Infinity;
    let south = -Infinity;
    const to = Math.min(end, from + PIECE + 2); // one side more: pieces join round
    ctx.beginPath();
    for (let i = from; i <= to; i += 2) {
      const x = points[i] * view.scale - view.left;
      const y = points[i + 1] * view.scale - view.top;
      if (i > from && i < to && Math.abs(x - lastX) + Math.abs(y - lastY) < 1) continue;
      if (i === from) ctx.moveTo(x, y);
      else ctx.lineTo(x, y);
      lastX = x;
      lastY = y;
      if (x < west) west = x;
      if (x > east) east = x;
      if (y < north) north = y;
      if (y > south) south = y;
    }
    if (east > -20 && west < view.width + 20 && south > -20 && north < view.height + 20) ctx.stroke();
  }
}

/** Add a closed ring cut to the canvas (Sutherland–Hodgman), so a continent costs only what is seen of it.
 * @param {CanvasRenderingContext2D} ctx @param {Path} path @param {View} view */
export function clip(ctx, { points, box }, view) {
  const s = view.scale;
  if (!visible(box, view) || Math.max(box[2] - box[0], box[3] - box[1]) * s < 1.5) return;
  /** @type {number[]} */
  let ring = [];
  let lastX = Infinity;
  let lastY = Infinity;
  for (let i = 0; i < points.length; i += 2) {
    const x = points[i] * s - view.left;
    const y = points[i + 1] * s - view.top;
    if (Math.abs(x - lastX) + Math.abs(y - lastY) < 0.8) continue;
    ring.push(x, y);
    lastX = x;
    lastY = y;
  }
  const pad = 8;
  for (const [axis, sign, limit] of [
    [0, 1, -pad],
    [0, -1, -(view.width + pad)],
    [1, 1, -pad],
    [1, -1, -(view.height + pad)],
  ])
    ring = cut(ring, axis, sign, limit);
  for (let i = 0; i < ring.length; i += 2) i ? ctx.lineTo(ring[i], ring[i + 1]) : ctx.moveTo(ring[i], ring[i + 1]);
  if (ring.length) ctx.closePath();
}

/**
 * Keep the part of a ring where sign · coordinate ≥ limit.
 * @param {number[]} ring
 * @param {number} axis
 * @param {number} sign
 * @param {number} limit
 */
function cut(ring, axis, sign, limit) {
  /** @type {number[]} */
  const out = [];
  const n = ring.length;
  for (let i = 0; i < n; i += 2) {
    const j = (i + 2) % n;
    const a = sign * ring[i + axis] - limit;
    const b = sign * ring[j + axis] - limit;
    if (a >= 0) out.push(ring[i], ring[i + 1]);
    if (a >= 0 !== b >= 0) {
      const t = a / (a - b);
      out.push(ring[i] + (ring[j] - ring[i]) * t, ring[i + 1] + (ring[j + 1] - ring[i + 1]) * t);
    }
  }
  return out;
}
