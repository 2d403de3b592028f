// Regions on the map: outline, a subtle hatch, a name with the live count. Those not followed are thin and empty.

import { GLYPH } from "../model/status.js";
import { beside, rims } from "../antimeridian.js";
import * as format from "../words/format.js";
import { bounds, inside, outline } from "../geo.js";
import { pen, typeSize } from "./stage.js";
import { beyond } from "./label_room.js";
import { copies, line, path, visible } from "./paths.js";
import { palette } from "../parts/theme.js";

/** @typedef {import("./stage.js").View} View */
/**
 * @typedef {{id: string, version: number, feature: any, polygons: [number, number][][][], paths:
 *   import("./paths.js").Path[], rims: import("./paths.js").Path[]|null, box: number[], lonLat: [number, number,
 *   number, number], name: string, color: string, top: number[], foot: number[], below: boolean}} Drawn  longitudes go
 *   on beyond 180°; rims: its border, where that is not simply its paths; top, foot: where a name can sit, world
 */

/** Distinct at a glance and readable as outlines in both themes; new regions take the least used. */
export const COLORS = ["#2f7d6b", "#7a5bb5", "#b4552d", "#2c6fb0", "#8a6d1d", "#a8437a", "#4d7a2a", "#5a6b87"];

const FLASH_MS = 1200;

export class RegionLayer {
  /** @param {import("./stage.js").Stage} stage @param {import("../model/fleet.js").Fleet} fleet
   * @param {""|"beside"} [side] */
  constructor(stage, fleet, side = "") {
    this.stage = stage;
    this.fleet = fleet;
    /** @type {Map<string, Drawn>} */ this.drawn = new Map();
    /** @type {Map<string, CanvasPattern>} */ this.hatches = new Map();
    /** @type {Map<string, number>} */ this.flashes = new Map();
    /** @type {Set<string>|null} null: everything */ this.followed = null;
    /** @type {Set<string>} */ this.hidden = new Set();
    /** @type {string|null} */ this.selected = null;
    /** @type {string|null} */ this.hovered = null;
    /** @type {string|null} drawn by the editor instead */ this.editing = null;
    /** @type {number[][]} boxes of the names, px of the world at this zoom */ this.labels = [];
    this.labelZoom = 0;
    /** @type {number[]|null} the part of the map it is seen in */ this.within = null;
    /** @type {[Drawn, View][]} what the last picture showed */ this.seen = [];
    stage.add({
      name: "regions",
      side,
      pane: "regions",
      padding: 0.15,
      paint: (canvas, view, now) => this.paint(canvas, view, now),
    });
    // Over the vehicles: a name under them cannot be read.
    stage.add({
      name: "region-names",
      side,
      pane: "overlay",
      padding: 0.15,
      paint: (canvas, view) => this.#names(pen(canvas, view), view, this.seen),
    });
  }

  /** Take what the fleet knows; geometry is read once a version. */
  refresh() {
    const { regions } = this.fleet;
    for (const id of this.drawn.keys()) if (!regions.has(id)) this.drawn.delete(id);
    for (const [id, feature] of regions) {
      const known = this.drawn.get(id);
      if (known && known.feature === feature) continue;
      const polygons = outline(feature);
      const paths = polygons.flat().map(path);
      const box = bounds(
        paths.map((p) => [
          [
            [p.box[0], p.box[1]],
            [p.box[2], p.box[3]],
          ],
        ]),
      );
      const top = edge(paths, box[1], box);
      const foot = edge(paths, box[3], box);
      this.drawn.set(id, {
        top,
        foot,
        rims: rims(polygons)?.map(path) ?? null,
        below: known?.below ?? false,
        id,
        version: feature.properties.version ?? 0,
        feature,
        polygons,
        paths,
        box,
        lonLat: bounds(polygons),
        name: feature.properties.name || id,
        color: colorOf(feature),
      });
    }
    this.stage.invalidate("regions");
  }

  /** @param {string} id */
  flash(id) {
    this.flashes.set(id, performance.now());
    this.stage.invalidate("regions");
  }

  /** The smallest region under a point. @param {number} lon @param {number} lat @returns {Drawn|null} */
  at(lon, lat) {
    let best = null;
    let least = Infinity;
    for (const region of this.drawn.values()) {
      const [w, s, e, n] = region.lonLat;
      lon = beside(lon, (w + e) / 2);
      if (lon < w || lon > e || lat < s || lat > n || this.hidden.has(region.id)) continue;
      const size = (e - w) * (n - s);
      if (size >= least || !region.polygons.some((rings) => inside(lon, lat, rings))) continue;
      best = region;
      least = size;
    }
    return best;
  }

  /** @param {HTMLCanvasElement} canvas @param {View} view @param {number} now */
  paint(canvas, view, now) {
    const ctx = pen(canvas, view);
    /** @type {[Drawn, View][]} */
    const seen = [];
    let flashing = false;
    for (const region of this.drawn.values()) {
      if (region.id === this.editing || this.hidden.has(region.id)) continue;
      const views = copies(view, region.box).filter((at) => visible(region.box, at));
      if (!views.length) continue;
      for (const at of views) seen.push([region, at]);
      ctx.beginPath();
      for (const at of views) for (const p of region.paths) line(ctx, p, at, true);
      const fed = !this.followed || this.followed.has(region.id);
      const strong = region.id === this.selected || region.id === this.hovered;
      const dim = fed || strong ? 1 : 0.55; // not followed: there to be chosen, no more
      if (fed) {
        ctx.globalAlpha = strong ? 0.16 : 0.08;
        ctx.fillStyle = region.color;
        ctx.fill("evenodd");
        ctx.globalAlpha = strong ? 0.5 : 0.28;
        ctx.fillStyle = this.#hatch(ctx, region.color);
        ctx.fill("evenodd");
      }
      if (region.rims) {
        ctx.beginPath();
        for (const at of views) for (const p of region.rims) line(ctx, p, at, false);
      }
      const age = now - (this.flashes.get(region.id) ?? -Infinity);
      if (age < FLASH_MS) {
        flashing = true;
        ctx.globalAlpha = 0.5 * (1 - age / FLASH_MS);
        ctx.lineWidth = 4 + 10 * (age / FLASH_MS);
        ctx.strokeStyle = region.color;
        ctx.stroke();
      } else this.flashes.delete(region.id);
      ctx.globalAlpha = 1;
      ctx.lineJoin = "round";
      ctx.strokeStyle = palette().halo;
      ctx.lineWidth = (strong ? 3 : fed ? 2 : 1.2) + 2;
      ctx.globalAlpha = 0.6 * dim;
      ctx.stroke();
      ctx.globalAlpha = dim;
      ctx.setLineDash(fed ? [] : [5, 4]);
      ctx.lineWidth = strong ? 3 : fed ? 2 : 1.2;
      ctx.strokeStyle = region.color;
      ctx.stroke();
      ctx.setLineDash([]);
      ctx.globalAlpha = 1;
    }
    this.seen = seen;
    this.stage.invalidate("region-names");
    return flashing;
  }

  /** @param {CanvasRenderingContext2D} ctx @param {View} view @param {[Drawn, View][]} seen */
  #names(ctx, view, seen) {
    const color = palette();
    const em = typeSize(this.stage.view());
    ctx.textBaseline = "middle";
    this.labels = [];
    this.labelZoom = view.zoom;
    const size = this.stage.view();
    const dx = (view.width - size.width) / 2;
    const dy = (view.height - size.height) / 2;
    const taken = [...this.stage.corners(), ...beyond(this.within, size.width, size.height)].map(([x1, y1, x2, y2]) => [
      x1 + dx,
      y1 + dy,
      x2 + dx,
      y2 + dy,
    ]);
    const order = seen.sort(
      ([a], [b]) =>
        Number(b.id === this.selected) - Number(a.id === this.selected) || b.box[2] - b.box[0] - (a.box[2] - a.box[0]),
    );
    for (const [region, at] of order) {
      const width = (region.box[2] - region.box[0]) * view.scale;
      if (width < 26 && region.id !== this.selected) continue;
      const fed = !this.followed || this.followed.has(region.id);
      const count = fed ? this.count(region.id) : null;
      const words = this.followed && fed ? `✓ ${format.short(region.name)}` : format.short(region.name);
      const number = count === null ? "" : String(count);
      ctx.font = `600 ${em}px ${color.font}`;
      const w1 = ctx.measureText(words).width;
      const w2 = number ? ctx.measureText(number).width + 8 : 0;
      const w = w1 + w2 + 20;
      const tall = em * 0.82;
      // Over the region or under it, where fewer vehicles are in the way; it stays where it is unless that is clearly
      // better.
      const [over, under] = [region.top, region.foot].map(([wx, wy], i) => [
        wx * at.scale - at.left - w / 2,
        wy * at.scale - at.top + (i ? em : -em),
      ]);
      const crowds = [over, under].map(
        ([x, y], i) => this.#crowd(view, x, y - tall, x + w, y + tall) + Number(Boolean(i) !== region.below),
      );
      region.below = crowds[1] < crowds[0];
      const [x, y] = region.below ? under : over;
      const box = [x - 3, y - tall - 3, x + w + 3, y + tall + 3];
      if (taken.some((t) => box[0] < t[2] && box[2] > t[0] && box[1] < t[3] && box[3] > t[1])) continue;
      taken.push(box);
      this.labels.push(box.map((edge, i) => edge + (i % 2 ? view.top : view.left)));
      ctx.beginPath();
      ctx.roundRect(x, y - tall, w, 2 * tall, tall);
      ctx.fillStyle = color.surface;
      ctx.globalAlpha = 0.94;
      ctx.fill();
      ctx.globalAlpha = 1;
      ctx.lineWidth = 1;
      ctx.strokeStyle = color.line;
      ctx.stroke();
      ctx.beginPath();
      ctx.arc(x + 9, y, 3, 0, 2 * Math.PI);
      ctx.fillStyle = region.color;
      ctx.fill();
      ctx.fillStyle = fed ? color.ink : color.muted;
      ctx.fillText(words, x + 15, y + 0.5);
      if (number) {
        ctx.fillStyle = color.muted;
        ctx.fillText(number, x + 15 + w1 + 6, y + 0.5);
      }
    }
  }

  /** How much traffic lies under a box of the canvas: what stands there counts three times what passes.
   * @param {View} view @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 */
  #crowd(view, x1, y1, x2, y2) {
    const { toX, toY, glyph, size } = this.fleet.motion;
    const reach = 8;
    const cx = ((x1 + x2) / 2 + view.left) / view.scale;
    const half = ((x2 - x1) / 2 + reach) / view.scale;
    const north = (y1 - reach + view.top) / view.scale;
    const south = (y2 + reach + view.top) / view.scale;
    let found = 0;
    for (let i = 0; i < size; i++)
      if (glyph[i] !== 0 && toY[i] > north && toY[i] < south && Math.abs(toX[i] - cx - Math.round(toX[i] - cx)) < half)
        found += (glyph[i] & 7) === GLYPH.moving ? 1 : 3;
    return found;
  }

  /** How many are inside; null when this page is not told. @param {string} id
   * @param {import("../model/fleet.js").Fleet} [fleet] */
  count(id, fleet = this.fleet) {
    const members = fleet.members.get(id);
    if (members) return members.size;
    return fleet.regions.get(id)?.properties.inside_count ?? null;
  }

  /** @param {CanvasRenderingContext2D} ctx @param {string} color */
  #hatch(ctx, color) {
    let hatch = this.hatches.get(color);
    if (!hatch) {
      const tile = new OffscreenCanvas(16, 16);
      const t = /** @type {OffscreenCanvasRenderingContext2D} */ (tile.getContext("2d"));
      t.strokeStyle = color;
      t.lineWidth = 1;
      for (const shift of [-8, 0, 8, 16]) {
        t.beginPath();
        t.moveTo(shift - 2, 18);
        t.lineTo(shift + 18, -2);
        t.stroke();
      }
      hatch = /** @type {CanvasPattern} */ (ctx.createPattern(tile, "repeat"));
      this.hatches.set(color, hatch);
    }
    return hatch;
  }
}

/**
 * The middle of a shape's upper or lower edge: of the points within a twentieth of its height.
 * @param {import("./paths.js").Path[]} paths
 * @param {number} y world
 * @param {number[]} box
 */
function edge(paths, y, box) {
  const reach = (box[3] - box[1]) / 20;
  let west = Infinity;
  let east = -Infinity;
  for (const { points } of paths)
    for (let i = 0; i < points.length; i += 2) {
      if (Math.abs(points[i + 1] - y) > reach) continue;
      west = Math.min(west, points[i]);
      east = Math.max(east, points[i]);
    }
  return [(west + east) / 2, y];
}

/** A region's colour: its own, or one that follows from its id. @param {any} feature */
export function colorOf(feature) {
  const own = feature.properties?.color;
  if (typeof own === "string" && /^#[0-9a-f]{6}$/i.test(own)) return own;
  let hash = 0;
  for (const c of String(feature.id)) hash = (hash * 31 + c.charCodeAt(0)) >>> 0;
  return COLORS[hash % COLORS.length];
}
