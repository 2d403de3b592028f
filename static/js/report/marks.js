// What a report draws over its ground: regions, the heat of stops, tracks by speed, stops, events, and who was where.

import { outline } from "../geo.js";
import { copies, rings, visible } from "../map/paths.js";
import { at, before } from "./unpack.js";

/** @typedef {import("../map/stage.js").View} View */
/** @typedef {import("./stage.js").Palette} Palette */
/** @typedef {import("./unpack.js").Tracks} Tracks */
/** @typedef {CanvasRenderingContext2D} Ctx */

/** Where the colours of speed end, m/s: 10, 30, 50, 80, 110 km/h. */
export const BANDS = [10, 30, 50, 80, 110].map((kmh) => kmh / 3.6);
const MANY = 300; // marks
const CROWD = 10_000; // points of tracks: from afar they are hairlines, which are drawn in a third of the time
const RUN = 150; // sides of a stroke: short strokes of a long line are far quicker than one

/** @param {number} mps */
export const band = (mps) => {
  let found = 0;
  while (found < BANDS.length && mps > BANDS[found]) found++;
  return found;
};

/** @param {import("./unpack.js").Region[]} regions */
export function regionMarks(regions) {
  const shapes = regions
    .filter((region) => region.geometry)
    .map((region) => {
      const feature = { geometry: region.geometry, properties: region };
      const paths = rings({ type: "MultiPolygon", coordinates: outline(feature) });
      return { paths, color: region.color, name: region.name ?? region.id };
    });
  /** @param {Ctx} ctx @param {View} view @param {Palette} color */
  return (ctx, view, color) => {
    for (const { paths, color: own, name } of shapes)
      for (const moved of paths.length ? copies(view, paths[0].box) : []) {
        if (!paths.some((path) => visible(path.box, moved))) continue;
        ctx.beginPath();
        for (const { points } of paths) {
          for (let i = 0; i < points.length; i += 2)
            ctx[i ? "lineTo" : "moveTo"](points[i] * view.scale - moved.left, points[i + 1] * view.scale - view.top);
          ctx.closePath();
        }
        ctx.strokeStyle = ctx.fillStyle = own ?? color.accent;
        ctx.globalAlpha = 0.1;
        ctx.fill("evenodd");
        ctx.globalAlpha = 0.8;
        ctx.lineWidth = 1.5;
        ctx.stroke();
        ctx.globalAlpha = 1;
        const [west, north, east, south] = paths[0].box;
        if ((east - west) * view.scale < 40) continue;
        label(
          ctx,
          color,
          name,
          ((west + east) / 2) * view.scale - moved.left,
          ((north + south) / 2) * view.scale - view.top,
        );
      }
  };
}

/** @param {Ctx} ctx @param {Palette} color @param {string} text @param {number} x @param {number} y */
function label(ctx, color, text, x, y) {
  ctx.font = `600 11px ${color.font}`;
  ctx.textAlign = "center";
  ctx.lineWidth = 3;
  ctx.strokeStyle = color.halo;
  ctx.strokeText(text, x, y);
  ctx.fillStyle = color.ink;
  ctx.fillText(text, x, y);
  ctx.textAlign = "start";
}

/**
 * Lines, up to a second, each piece in the colour of its speed.
 * @param {Ctx} ctx @param {View} view @param {Palette} color @param {Tracks} tracks
 * @param {{second: number, chosen: number|null}} state
 */
export function drawTracks(ctx, view, color, tracks, { second, chosen }) {
  ctx.lineJoin = ctx.lineCap = "round";
  const wide = tracks.x.length > CROWD && view.zoom < 14 ? 1 : 2;
  const order = tracks.begins.slice(0, -1).map((_, vehicle) => vehicle);
  for (const vehicle of chosen === null ? order : [...order.filter((one) => one !== chosen), chosen]) {
    const dim = chosen !== null && chosen !== vehicle;
    ctx.globalAlpha = dim ? 0.13 : 0.9;
    ctx.lineWidth = chosen === vehicle ? 3 : wide;
    const box = boxOf(tracks, vehicle);
    if (box) for (const moved of copies(view, box)) drawTrack(ctx, moved, color, tracks, vehicle, second);
  }
  ctx.globalAlpha = 1;
}

/** @type {WeakMap<Tracks, (number[]|null)[]>} */
const boxes = new WeakMap();
/** @param {Tracks} tracks @param {number} vehicle */
export function boxOf(tracks, vehicle) {
  let known = boxes.get(tracks);
  if (!known) {
    known = tracks.begins.slice(0, -1).map((first, i) => {
      const end = tracks.begins[i + 1];
      if (first === end) return null;
      const box = [Infinity, Infinity, -Infinity, -Infinity];
      for (let k = first; k < end; k++) {
        box[0] = Math.min(box[0], tracks.x[k]);
        box[1] = Math.min(box[1], tracks.y[k]);
        box[2] = Math.max(box[2], tracks.x[k]);
        box[3] = Math.max(box[3], tracks.y[k]);
      }
      return box;
    });
    boxes.set(tracks, known);
  }
  return known[vehicle];
}

/** @param {Ctx} ctx @param {View} view @param {Palette} color @param {Tracks} tracks @param {number} vehicle
 * @param {number} second */
function drawTrack(ctx, view, color, { x, y, time, speed, begins }, vehicle, second) {
  const first = begins[vehicle];
  const end = begins[vehicle + 1];
  if (time[first] > second) return;
  const last = before(time, first, end, second);
  let fromX = x[first] * view.scale - view.left;
  let fromY = y[first] * view.scale - view.top;
  let now = -2; // the band of the stroke under way; -1: nothing was heard
  let sides = 0;
  for (let i = first + 1; i <= last; i++) {
    const toX = x[i] * view.scale - view.left;
    const toY = y[i] * view.scale - view.top;
    if (i < last && speed[i] >= 0 && Math.abs(toX - fromX) + Math.abs(toY - fromY) < 1) continue;
    const next = speed[i] < 0 ? -1 : band(speed[i]);
    if (next !== now || sides >= RUN) {
      if (sides) ctx.stroke();
      now = next;
      sides = 0;
      ctx.strokeStyle = now < 0 ? color.unheard : color.bands[now];
      ctx.setLineDash(now < 0 ? [2, 6] : []);
      ctx.beginPath();
      ctx.moveTo(fromX, fromY);
    }
    ctx.lineTo(toX, toY);
    sides++;
    fromX = toX;
    fromY = toY;
  }
  if (sides) ctx.stroke();
  ctx.setLineDash([]);
}

/**
 * @typedef {object} Mark
 * @property {number} x world
 * @property {number} y
 * @property {number} second
 * @property {number} lasted s
 * @property {number} vehicle
 * @property {"stop"|"event"} is
 * @property {string} kind
 * @property {number} row in its list
 */

/** Where stops were long is hot. @param {Ctx} ctx @param {View} view @param {Palette} color @param {Mark[]} stops */
export function drawHeat(ctx, view, color, stops) {
  const reach = Math.max(14, Math.min(38, 6 + 2.4 * view.zoom));
  const cells = new Map();
  for (const stop of stops) {
    const x = Math.round((stop.x * view.scale - view.left) / 6);
    const y = Math.round((stop.y * view.scale - view.top) / 6);
    const key = `${x} ${y}`;
    const cell = cells.get(key) ?? { x: x * 6, y: y * 6, weight: 0 };
    cell.weight += Math.max(120, stop.lasted);
    cells.set(key, cell);
  }
  const hottest = Math.max(1, ...[...cells.values()].map((cell) => cell.weight));
  for (const { x, y, weight } of cells.values()) {
    const glow = ctx.createRadialGradient(x, y, 0, x, y, reach);
    ctx.globalAlpha = 0.25 + 0.5 * Math.sqrt(weight / hottest);
    glow.addColorStop(0, color.bands[3]);
    glow.addColorStop(0.4, color.bands[4]);
    glow.addColorStop(1, color.bands[4].replace(/^rgb\((.*)\)$/, "rgba($1, 0)"));
    ctx.fillStyle = glow;
    ctx.fillRect(x - reach, y - reach, 2 * reach, 2 * reach);
  }
  ctx.globalAlpha = 1;
}

/** Stops are squares, as large as they were long; events diamonds.
 * @param {Ctx} ctx @param {View} view @param {Palette} color @param {Mark[]} marks */
export function drawMarks(ctx, view, color, marks) {
  const many = marks.length > MANY && view.zoom < 14; // then only where they are
  ctx.lineWidth = many ? 0.5 : 1.5;
  for (const mark of marks) {
    const x = mark.x * view.scale - view.left;
    const y = mark.y * view.scale - view.top;
    if (x < -10 || y < -10 || x > view.width + 10 || y > view.height + 10) continue;
    ctx.beginPath();
    if (mark.is === "stop") {
      const half = many ? 1.5 : Math.min(7, 2.5 + Math.sqrt(mark.lasted) / 25);
      ctx.rect(x - half, y - half, 2 * half, 2 * half);
      ctx.fillStyle = color.parked;
    } else {
      const reach = many ? 2.5 : 5;
      ctx.moveTo(x, y - reach);
      ctx.lineTo(x + reach, y);
      ctx.lineTo(x, y + reach);
      ctx.lineTo(x - reach, y);
      ctx.closePath();
      ctx.fillStyle = mark.kind === "alarm" ? color.bad : mark.kind.startsWith("overspeed") ? color.warn : color.accent;
    }
    ctx.strokeStyle = color.surface;
    ctx.fill();
    ctx.stroke();
  }
}

/**
 * Each vehicle where it was at that second.
 * @param {Ctx} ctx @param {View} view @param {Palette} color @param {Tracks} tracks @param {string[]} names
 * @param {{second: number, chosen: number|null}} state
 */
export function drawVehicles(ctx, view, color, tracks, names, { second, chosen }) {
  const labelled = names.length <= 30;
  for (let vehicle = 0; vehicle < names.length; vehicle++) {
    const here = at(tracks, vehicle, second);
    if (!here) continue;
    const dim = chosen !== null && chosen !== vehicle;
    for (const moved of copies(view, [here.x, here.y, here.x, here.y])) {
      const x = here.x * view.scale - moved.left;
      const y = here.y * view.scale - view.top;
      ctx.globalAlpha = dim ? 0.25 : 1;
      ctx.beginPath();
      ctx.arc(x, y, 6, 0, 2 * Math.PI);
      ctx.fillStyle = here.speed < 0 ? color.unheard : color.bands[band(here.speed)];
      ctx.fill();
      ctx.lineWidth = 2;
      ctx.strokeStyle = color.ink;
      ctx.stroke();
      if (chosen === vehicle || (labelled && !dim)) label(ctx, color, names[vehicle], x, y - 10);
    }
  }
  ctx.globalAlpha = 1;
}
