// The base map that needs no network: land outline, graticule, and the demo town's streets. Always drawn, under the
// tiles, so a tile that fails leaves a map and not a hole.

import { pen } from "./stage.js";
import * as format from "../words/format.js";
import { worldX, worldY } from "../geo.js";
import { clip, line, nearest, rings, unrolled, visible } from "./paths.js";
import { palette } from "../parts/theme.js";

/** @typedef {import("./stage.js").View} View */
/**
 * @typedef {{points: Float64Array, box: number[], rank?: number, name?: string}} Path  world coordinates x, y, x, y…
 */

/** Road classes of OpenStreetMap, widest first: [width at zoom 16 in px, first zoom it is drawn at]. */
const ROADS = [
  [11, 8],
  [9, 10],
  [7, 12],
  [5, 13],
  [2, 15],
];
/** @type {Record<string, number>} */
const RANK = {
  major: 0,
  middle: 1,
  minor: 2,
  rail: 9,
  tram: 9,
  motorway: 0,
  trunk: 0,
  primary: 0,
  secondary: 1,
  tertiary: 2,
  residential: 3,
  unclassified: 3,
  living_street: 3,
  pedestrian: 3,
  service: 4,
  footway: 4,
  cycleway: 4,
  path: 4,
  steps: 4,
  track: 4,
};

export class Ground {
  /** @param {import("./stage.js").Stage} stage */
  constructor(stage) {
    this.stage = stage;
    /** @type {Path[]} */ this.land = [];
    /** @type {Path[]} */ this.roads = [];
    /** @type {Path[]} */ this.buildings = [];
    /** @type {Path[]} */ this.water = [];
    /** @type {Path[]} */ this.parks = [];
    /** @type {number[]|null} what the street extract covers */ this.extent = null;
    this.tiles = false; // opaque tiles above: only the sea and land tint still matter
    stage.add({ name: "ground", pane: "ground", padding: 0.25, paint: (canvas, view) => this.paint(canvas, view) });
  }

  /** @param {string} url of a TopoJSON with an object `land` */
  async loadLand(url) {
    const topology = await (await fetch(url)).json();
    const land = /** @type {any} */ (window).topojson.feature(topology, topology.objects.land);
    const shapes = land.type === "FeatureCollection" ? land.features : [land];
    for (const feature of shapes) this.land.push(...rings(feature.geometry, unrolled));
    this.stage.invalidate("ground");
  }

  /**
   * Streets (lines), buildings, parks and water (polygons), by `class` or their OpenStreetMap tags.
   * @param {string} url
   */
  async loadStreets(url) {
    const collection = await (await fetch(url)).json();
    for (const { geometry, properties } of collection.features ?? []) {
      if (!geometry) continue;
      const tags = properties ?? {};
      const kind = String(
        tags.class ?? tags.highway ?? (tags.building ? "building" : (tags.natural ?? tags.leisure ?? "")),
      );
      if (geometry.type.includes("Line")) {
        const rank = RANK[kind.replace("_link", "")] ?? 3;
        for (const path of rings(geometry)) this.roads.push({ ...path, rank, name: tags.name });
      } else if (kind === "building") this.buildings.push(...rings(geometry));
      else if (kind === "water") this.water.push(...rings(geometry));
      else if (kind === "park" || kind === "garden") this.parks.push(...rings(geometry));
    }
    this.extent = [0, 1, 2, 3].map((i) =>
      this.roads.reduce((edge, { box }) => (i < 2 ? Math.min : Math.max)(edge, box[i]), i < 2 ? 1 : 0),
    );
    this.roads.sort((a, b) => Number(b.rank) - Number(a.rank));
    this.stage.invalidate("ground");
  }

  /** @param {HTMLCanvasElement} canvas @param {View} view */
  paint(canvas, view) {
    const ctx = pen(canvas, view);
    const color = palette();
    // Natural Earth at 1:50 million is kilometres off: near the ground its coast would be a lie, so it fades into plain
    // land.
    const near = Math.max(0, Math.min(1, (view.zoom - 8) / 2));
    ctx.fillStyle = near >= 1 ? color.land : color.sea;
    ctx.fillRect(0, 0, view.width, view.height);
    if (near < 1) this.#land(ctx, view, color);
    if (near > 0 && near < 1) {
      ctx.globalAlpha = near;
      ctx.fillStyle = color.land;
      ctx.fillRect(0, 0, view.width, view.height);
      ctx.globalAlpha = 1;
    }
    // Streets say where the map is; without them the graticule and its coordinates do.
    const here = this.extent ? nearest(view, (this.extent[0] + this.extent[2]) / 2) : view;
    const town = this.extent !== null && view.zoom >= 12 && visible(this.extent, here);
    const step = town ? 0 : graticule(ctx, view, color);
    if (view.zoom >= 7 && !this.tiles && step) places(ctx, view, color, step);
    this.#town(ctx, here, color);
    if (town) fade(ctx, here, /** @type {number[]} */ (this.extent), color.land);
  }

  /** @param {CanvasRenderingContext2D} ctx @param {View} view @param {ReturnType<typeof palette>} color */
  #land(ctx, view, color) {
    // The world repeats sideways: draw each copy the view reaches.
    const first = Math.floor(view.left / view.scale) - 1;
    const last = Math.floor((view.left + view.width) / view.scale) + 1;
    for (let copy = first; copy <= last; copy++) {
      const shifted = { ...view, left: view.left - copy * view.scale };
      ctx.beginPath();
      for (const path of this.land) clip(ctx, path, shifted);
      ctx.fillStyle = color.land;
      ctx.fill("evenodd");
      ctx.strokeStyle = color.coast;
      ctx.lineWidth = 1;
      ctx.stroke();
    }
  }

  /** @param {CanvasRenderingContext2D} ctx @param {View} view @param {ReturnType<typeof palette>} color */
  #town(ctx, view, color) {
    if (view.zoom < 8) return;
    ctx.lineJoin = ctx.lineCap = "round";
    for (const [paths, tint] of /** @type {[Path[], string][]} */ ([
      [this.parks, color.park],
      [this.water, color.sea],
    ])) {
      ctx.beginPath();
      for (const path of paths) line(ctx, path, view, true);
      ctx.fillStyle = tint;
      ctx.fill("evenodd");
    }
    if (view.zoom >= 14) {
      ctx.beginPath();
      for (const path of this.buildings) line(ctx, path, view, true);
      ctx.fillStyle = color.building;
      ctx.fill();
    }
    const grow = 2 ** ((view.zoom - 16) * 0.72);
    for (const casing of [true, false]) {
      for (let rank = ROADS.length - 1; rank >= 0; rank--) {
        const [width, from] = ROADS[rank];
        if (view.zoom < from || (casing && view.zoom < 13)) continue;
        ctx.beginPath();
        for (const road of this.roads) if (road.rank === rank) line(ctx, road, view, false);
        ctx.lineWidth = Math.max(casing ? 0 : 0.8, width * grow) + (casing ? 1.5 : 0);
        ctx.strokeStyle = casing ? color.roadEdge : rank < 2 ? color.roadMain : color.road;
        ctx.stroke();
      }
    }
    if (view.zoom >= 14) this.#rails(ctx, view, color);
    if (view.zoom >= 15) this.#names(ctx, view, color);
  }

  /** @param {CanvasRenderingContext2D} ctx @param {View} view @param {ReturnType<typeof palette>} color */
  #rails(ctx, view, color) {
    ctx.beginPath();
    for (const road of this.roads) if (road.rank === RANK.rail) line(ctx, road, view, false);
    ctx.strokeStyle = color.coast;
    ctx.lineWidth = 1.2;
    ctx.setLineDash([4, 3]);
    ctx.stroke();
    ctx.setLineDash([]);
  }

  /**
   * One name a street, where it has a straight enough piece.
   * @param {CanvasRenderingContext2D} ctx
   * @param {View} view
   * @param {ReturnType<typeof palette>} color
   */
  #names(ctx, view, color) {
    ctx.font = `500 ${view.zoom >= 17 ? 12 : 11}px ${color.font}`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.lineWidth = 3;
    ctx.strokeStyle = color.land;
    ctx.fillStyle = color.roadName;
    /** @type {Map<string, number[][]>} */ const done = new Map();
    for (let i = this.roads.length - 1; i >= 0; i--) {
      const { name, points, rank } = this.roads[i];
      if (!name || Number(rank) > 3) continue;
      const length = ctx.measureText(name).width + 12;
      for (let k = 0; k + 3 < points.length; k += 2) {
        const x1 = points[k] * view.scale - view.left;
        const y1 = points[k + 1] * view.scale - view.top;
        const x2 = points[k + 2] * view.scale - view.left;
        const y2 = points[k + 3] * view.scale - view.top;
        const x = (x1 + x2) / 2;
        const y = (y1 + y2) / 2;
        if (Math.hypot(x2 - x1, y2 - y1) < length || x < 0 || y < 0 || x > view.width || y > view.height) continue;
        const others = done.get(name) ?? [];
        if (others.some(([ox, oy]) => Math.hypot(ox - x, oy - y) < 420)) break;
        done.set(name, [...others, [x, y]]);
        let angle = Math.atan2(y2 - y1, x2 - x1);
        if (Math.abs(angle) > Math.PI / 2) angle += Math.PI;
        ctx.save();
        ctx.translate(x, y);
        ctx.rotate(angle);
        ctx.strokeText(name, 0, 0);
        ctx.fillText(name, 0, 0);
        ctx.restore();
        break;
      }
    }
  }
}

/** The extract ends where it was cut, not where the town does: its rim melts into the ground.
 * @param {CanvasRenderingContext2D} ctx @param {View} view @param {number[]} extent @param {string} land */
function fade(ctx, view, extent, land) {
  const [x1, y1, x2, y2] = extent.map((edge, i) => edge * view.scale - (i % 2 ? view.top : view.left));
  const rim = (x2 - x1) * 0.09;
  const beyond = 4 * rim;
  const clear = land.replace(/^rgb\((.*)\)$/, "rgba($1, 0)");
  for (const [x, y, dx, dy] of [
    [x1, y1, 1, 0],
    [x2, y1, -1, 0],
    [x1, y1, 0, 1],
    [x1, y2, 0, -1],
  ]) {
    const rise = ctx.createLinearGradient(x, y, x + dx * rim, y + dy * rim);
    rise.addColorStop(0, land);
    rise.addColorStop(1, clear);
    ctx.fillStyle = rise;
    if (dx) ctx.fillRect(Math.min(x - dx * beyond, x + dx * rim), y1 - beyond, beyond + rim, y2 - y1 + 2 * beyond);
    else ctx.fillRect(x1 - beyond, Math.min(y - dy * beyond, y + dy * rim), x2 - x1 + 2 * beyond, beyond + rim);
  }
}

/**
 * Thin meridians and parallels: an empty map still says where it is.
 * @param {CanvasRenderingContext2D} ctx
 * @param {View} view
 * @param {ReturnType<typeof palette>} color
 */
function graticule(ctx, view, color) {
  const step =
    [30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005].find((s) => (s / 360) * view.scale < 260) ?? 0.005;
  ctx.beginPath();
  const west = Math.floor(((view.left / view.scale - 0.5) * 360) / step) * step;
  const east = ((view.left + view.width) / view.scale - 0.5) * 360;
  for (let lon = west; lon <= east; lon += step) {
    const x = Math.round(worldX(lon) * view.scale - view.left) + 0.5;
    ctx.moveTo(x, 0);
    ctx.lineTo(x, view.height);
  }
  for (let lat = -80; lat <= 80 && step >= 1; lat += step) parallel(ctx, view, lat);
  if (step < 1) {
    const top = Math.atan(Math.sinh(Math.PI * (1 - (2 * view.top) / view.scale))) * (180 / Math.PI);
    for (let lat = Math.floor(top / step) * step, i = 0; i < 60; i++, lat -= step) parallel(ctx, view, lat);
  }
  ctx.strokeStyle = color.graticule;
  ctx.lineWidth = 1;
  ctx.stroke();
  return step;
}

/**
 * Where no street and no tile says it, each crossing of the graticule tells its coordinates.
 * @param {CanvasRenderingContext2D} ctx
 * @param {View} view
 * @param {ReturnType<typeof palette>} color
 * @param {number} step degrees
 */
function places(ctx, view, color, step) {
  const digits = Math.max(0, Math.ceil(-Math.log10(step)));
  const top = Math.atan(Math.sinh(Math.PI * (1 - (2 * view.top) / view.scale))) * (180 / Math.PI);
  ctx.font = `10px ${color.font}`;
  ctx.fillStyle = color.roadName;
  const west = Math.floor(((view.left / view.scale - 0.5) * 360) / step) * step;
  const east = ((view.left + view.width) / view.scale - 0.5) * 360;
  for (let lat = Math.floor(top / step) * step, i = 0; i < 30; i++, lat -= step) {
    const y = worldY(lat) * view.scale - view.top;
    if (y > view.height) break;
    for (let lon = west; lon <= east; lon += step)
      ctx.fillText(format.crossing(lat, lon, digits), worldX(lon) * view.scale - view.left + 4, y - 4);
  }
}

/** @param {CanvasRenderingContext2D} ctx @param {View} view @param {number} lat */
function parallel(ctx, view, lat) {
  const y = Math.round(worldY(lat) * view.scale - view.top) + 0.5;
  ctx.moveTo(0, y);
  ctx.lineTo(view.width, y);
}
