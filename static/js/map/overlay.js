// What lies over the vehicles for the few that matter now: labels, the selected one's ring and accuracy, alert halos,
// counts of cells; and under them the selected one's trail.

import { unwrap } from "../antimeridian.js";
import { frame, worldX, worldY } from "../geo.js";
import { status } from "../model/status.js";
import * as format from "../words/format.js";
import { pen, typeSize } from "./stage.js";
import { nearest } from "./paths.js";
import { Room, beyond } from "./label_room.js";
import { palette } from "../parts/theme.js";
import { say } from "../words/words.js";

/** @typedef {import("./stage.js").View} View */
/** @typedef {import("../model/fleet.js").Vehicle} Vehicle */
/** @typedef {{time: number, lat: number, lon: number, speed: number|null, late?: boolean}} TrailPoint */

const LABELS_MAX = 150;
const CIRCLES = 200; // of rough places drawn at once

export class Overlay {
  /**
   * @param {import("./stage.js").Stage} stage
   * @param {import("../model/fleet.js").Fleet} fleet
   * @param {import("./vehicles.js").VehicleLayer} vehicles
   * @param {import("./regions.js").RegionLayer} regions
   * @param {""|"beside"} [side]
   */
  constructor(stage, fleet, vehicles, regions, side = "") {
    this.stage = stage;
    this.fleet = fleet;
    this.vehicles = vehicles;
    this.regions = regions;
    /** @type {Vehicle|null} */ this.selected = null;
    /** @type {Vehicle|null} */ this.hovered = null;
    /** @type {TrailPoint[]} */ this.trail = [];
    /** @type {Set<string>} vehicles with an alert nobody has acknowledged */ this.alerting = new Set();
    /** @type {"none"|"name"|"more"} */ this.labels = "name";
    /** @type {import("../words/format.js").Units} */ this.units = "metric";
    this.calm = false;
    this.live = true; // alerts are of now
    /** @type {TrailPoint[]|null} the trail up to the moment that is looked at */ this.wake = null;
    /** @type {number[]|null} the part of the map it is seen in */ this.within = null;
    this.past = false; // a day is looked at: what is behind the vehicle now would be taken for it
    this.room = new Room();
    /** @type {Map<number, number>} the side each slot's name was written on last */ this.sides = new Map();
    const trail = (/** @type {HTMLCanvasElement} */ canvas, /** @type {View} */ view) => this.paintTrail(canvas, view);
    const none = () => !this.selected || this.past || !(this.wake ?? this.trail).length;
    stage.add({ name: "trail", side, pane: "trail", live: true, blank: none, paint: trail });
    stage.add({
      name: "overlay",
      side,
      pane: "overlay",
      live: true,
      blank: (view) => this.#blank(view),
      paint: (canvas, view, now) => this.paint(canvas, view, now),
    });
  }

  /** @param {View} view */
  #blank(view) {
    const { alerting, fleet, hovered, selected } = this;
    return (
      !fleet.cells.size &&
      !fleet.rough.size &&
      !hovered &&
      !selected &&
      !(this.live && alerting.size) &&
      !this.#namesAll(view)
    );
  }

  /** @param {HTMLCanvasElement} canvas @param {View} view @param {number} now */
  paint(canvas, view, now) {
    const ctx = pen(canvas, view);
    const color = palette();
    if (this.fleet.cells.size) this.#cells(ctx, view);
    /** @type {[number, number][]} */ const halos = [];
    for (const id of this.live ? this.alerting : []) {
      const v = this.fleet.byId.get(id);
      const at = v && this.vehicles.position(v.slot);
      // In a heap one halo says as much as ten.
      if (
        !at ||
        halos.length >= 50 ||
        halos.some(([x, y]) => Math.abs(x - at[0]) + Math.abs(y - at[1]) < this.vehicles.size * 0.6)
      )
        continue;
      halos.push(at);
      halo(ctx, at, this.vehicles.size, this.calm ? 0.5 : 0.5 + 0.5 * Math.sin(now / 318));
    }
    let circles = 0;
    for (const v of this.fleet.rough) {
      const at = v !== this.selected && this.vehicles.position(v.slot);
      if (at && circles++ < CIRCLES) this.#accuracy(ctx, view, v, at);
    }
    for (const [v, strong] of /** @type {[Vehicle|null, boolean][]} */ ([
      [this.hovered, false],
      [this.selected, true],
    ])) {
      const at = v && this.vehicles.position(v.slot);
      if (!v || !at) continue;
      if (strong && v.accuracy > 30) this.#accuracy(ctx, view, v, at);
      ctx.beginPath();
      ctx.arc(at[0], at[1], this.vehicles.size / 2 + 6, 0, 2 * Math.PI);
      ctx.lineWidth = strong ? 5 : 4;
      ctx.strokeStyle = color.casing;
      ctx.stroke();
      ctx.lineWidth = strong ? 2.5 : 1.5;
      ctx.strokeStyle = color.accent;
      ctx.stroke();
    }
    this.#labels(ctx, view);
    return now < this.fleet.motion.until || (halos.length > 0 && !this.calm);
  }

  /** @param {CanvasRenderingContext2D} ctx @param {View} view @param {Vehicle} v @param {[number, number]} at */
  #accuracy(ctx, view, v, [x, y]) {
    const px = (v.accuracy / (frame(v.lat)[1] * 360)) * view.scale;
    const color = palette();
    if (px < 12) return;
    ctx.beginPath();
    ctx.arc(x, y, px, 0, 2 * Math.PI);
    ctx.globalAlpha = 0.12;
    ctx.fillStyle = color.accent;
    ctx.fill();
    ctx.globalAlpha = 0.6;
    ctx.setLineDash([4, 4]);
    ctx.lineWidth = 1;
    ctx.strokeStyle = color.accent;
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.globalAlpha = 1;
  }

  /** Is there room to name more than the few that matter? @param {View} view */
  #namesAll(view) {
    const { size, inView } = this.vehicles;
    return this.labels !== "none" && size >= 14 && (inView <= LABELS_MAX || view.zoom >= 15);
  }

  /**
   * Names beside the glyphs, the important ones first, none over another.
   * @param {CanvasRenderingContext2D} ctx
   * @param {View} view
   */
  #labels(ctx, view) {
    const { vehicles, fleet } = this;
    const wanted = [];
    const all = this.#namesAll(view);
    if (this.selected) wanted.push(this.selected);
    if (this.hovered && this.hovered !== this.selected) wanted.push(this.hovered);
    if (all) {
      /** @type {Vehicle[][]} */ const ranks = [[], [], []];
      for (let slot = 0; slot < fleet.motion.size; slot++) {
        const v = fleet.bySlot[slot];
        if (v && v !== this.selected && v !== this.hovered && vehicles.position(slot))
          ranks[this.live && this.alerting.has(v.id) ? 0 : v.state === 1 ? 1 : 2].push(v);
      }
      for (const rank of ranks) wanted.push(...rank);
    }
    const em = typeSize(view);
    const tall = em * 0.7;
    const reach = vehicles.size / 2;
    ctx.font = `600 ${em}px ${palette().font}`;
    ctx.textBaseline = "middle";
    ctx.lineJoin = "round";
    const { room } = this;
    room.clear(view.width, view.height);
    for (const [x1, y1, x2, y2] of [...this.stage.corners(), ...beyond(this.within, view.width, view.height)])
      room.take(x1, y1, x2, y2);
    if (this.regions.labelZoom === view.zoom)
      for (const [x1, y1, x2, y2] of this.regions.labels)
        room.take(x1 - view.left, y1 - view.top, x2 - view.left, y2 - view.top);
    if (all)
      for (let slot = 0; slot < fleet.motion.size; slot++) {
        const at = vehicles.position(slot);
        if (at) room.take(at[0] - reach + 4, at[1] - reach + 4, at[0] + reach - 4, at[1] + reach - 4);
      }
    /** @type {[number, number][]} */ const heaps = [];
    let drawn = 0;
    for (const v of wanted) {
      const at = vehicles.position(v.slot);
      if (!at || drawn >= LABELS_MAX) continue;
      const strong = v === this.selected || v === this.hovered;
      // One name stands for a heap, and says so.
      if (!strong && heaps.some(([x, y]) => Math.abs(x - at[0]) < reach && Math.abs(y - at[1]) < reach)) continue;
      const heap = vehicles.near(at);
      let words = heap > 3 ? `${format.short(v.name)} +${heap - 1}` : format.short(v.name);
      if (this.labels === "more")
        words += `  ${v.speed >= 0 ? format.speed(v.speed, this.units) : say(`status.${status(v)}`)}`;
      const w = ctx.measureText(words).width;
      const gap = reach + 5;
      const middle = at[0] - w / 2;
      const far = reach + tall + 3;
      const sides = [
        [at[0] + gap, at[1]],
        [at[0] - gap - w, at[1]],
        [middle, at[1] + far],
        [middle, at[1] - far],
      ];
      // The side it had in the last frame is tried first: a name must not dance around its vehicle.
      const last = this.sides.get(v.slot) ?? 0;
      const order = [last, 0, 1, 2, 3];
      const side =
        order.find((i) => room.free(sides[i][0] - 2, sides[i][1] - tall, sides[i][0] + w + 2, sides[i][1] + tall)) ??
        (strong ? last : -1);
      if (side < 0) continue;
      const [x, y] = sides[side];
      this.sides.set(v.slot, side);
      room.take(x - 2, y - tall, x + w + 2, y + tall);
      drawn++;
      if (heap > 3) heaps.push(at);
      label(ctx, words, x, y, strong, em);
    }
  }

  /** @param {CanvasRenderingContext2D} ctx @param {View} view */
  #cells(ctx, view) {
    const color = palette();
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    for (const [key, count] of this.fleet.cells) {
      const [z, x, y] = key.split("/").map(Number);
      const side = 2 ** -z;
      const at = nearest(view, (x + 0.5) * side);
      const px = (x + 0.5) * side * at.scale - at.left;
      const py = (y + 0.5) * side * at.scale - at.top;
      const r = 11 + 3.2 * Math.log2(1 + count);
      if (px < -r || py < -r || px > view.width + r || py > view.height + r) continue;
      ctx.beginPath();
      ctx.arc(px, py, r, 0, 2 * Math.PI);
      ctx.fillStyle = color.moving;
      ctx.globalAlpha = 0.9;
      ctx.fill();
      ctx.globalAlpha = 1;
      ctx.lineWidth = 2;
      ctx.strokeStyle = color.casing;
      ctx.stroke();
      ctx.font = `600 12px ${color.font}`;
      ctx.fillStyle = color.casing;
      ctx.fillText(count > 9999 ? `${Math.round(count / 1000)}k` : String(count), px, py + 0.5);
    }
    ctx.textAlign = "left";
  }

  /**
   * Where the selected one has been: stronger where faster, dashed over gaps, hollow where it came late.
   * @param {HTMLCanvasElement} canvas
   * @param {View} view
   */
  paintTrail(canvas, view) {
    const ctx = pen(canvas, view);
    const color = palette();
    const trail = this.wake ?? this.trail;
    const v = /** @type {Vehicle} */ (this.selected);
    // One line, also over 180°, that ends at the copy of the vehicle that is drawn.
    const line = unwrap(trail.map((p) => [p.lon, p.lat]));
    const at = nearest(view, worldX(line[line.length - 1][0]));
    const points = line.map(([lon, lat]) => [worldX(lon) * at.scale - at.left, worldY(lat) * at.scale - at.top]);
    const usual = Math.max(v.gap || 5000, 5000);
    ctx.lineCap = ctx.lineJoin = "round";
    for (const pass of [0, 1]) {
      for (let i = 1; i < points.length; i++) {
        const gap = trail[i].time - trail[i - 1].time > (this.wake ? v.gap : Math.max(2 * usual, 60_000));
        ctx.beginPath();
        ctx.moveTo(points[i - 1][0], points[i - 1][1]);
        ctx.lineTo(points[i][0], points[i][1]);
        ctx.setLineDash(gap ? [2, 6] : []);
        if (pass === 0 && gap) continue;
        ctx.lineWidth = pass === 0 ? 6 : 3;
        ctx.strokeStyle = pass === 0 ? color.casing : color.moving;
        ctx.globalAlpha = pass === 0 ? 0.8 : 0.45 + 0.55 * Math.min(1, (trail[i].speed ?? 5) / 20);
        ctx.stroke();
      }
    }
    ctx.setLineDash([]);
    ctx.globalAlpha = 1;
    trail.forEach((p, i) => {
      if (!p.late) return;
      ctx.beginPath();
      ctx.arc(points[i][0], points[i][1], 3.5, 0, 2 * Math.PI);
      ctx.fillStyle = color.casing;
      ctx.fill();
      ctx.lineWidth = 1.5;
      ctx.strokeStyle = color.moving;
      ctx.stroke();
    });
  }
}

/**
 * An alert nobody has acknowledged: a red ring that breathes, and a mark.
 * @param {CanvasRenderingContext2D} ctx
 * @param {[number, number]} at
 * @param {number} size of its glyph
 * @param {number} wave 0…1
 */
export function halo(ctx, [x, y], size, wave) {
  const color = palette();
  ctx.beginPath();
  ctx.arc(x, y, size / 2 + 5 + 3 * wave, 0, 2 * Math.PI);
  ctx.globalAlpha = 0.35 + 0.4 * (1 - wave);
  ctx.lineWidth = 3;
  ctx.strokeStyle = color.alert;
  ctx.stroke();
  ctx.globalAlpha = 1;
  if (size < 14) return;
  const bx = x + size / 2 + 1;
  const by = y - size / 2 - 1;
  ctx.beginPath();
  ctx.arc(bx, by, 6, 0, 2 * Math.PI);
  ctx.fillStyle = color.alert;
  ctx.fill();
  ctx.lineWidth = 1.5;
  ctx.strokeStyle = color.casing;
  ctx.stroke();
  ctx.fillStyle = "#fff";
  ctx.fillRect(bx - 0.9, by - 3.4, 1.8, 4.2);
  ctx.fillRect(bx - 0.9, by + 1.7, 1.8, 1.8);
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {string} words
 * @param {number} x
 * @param {number} y
 * @param {boolean} strong
 * @param {number} em its size in px
 */
function label(ctx, words, x, y, strong, em) {
  const color = palette();
  if (strong) {
    const w = ctx.measureText(words).width;
    ctx.beginPath();
    ctx.roundRect(x - 3, y - em * 0.82, w + 10, em * 1.64, 4);
    ctx.fillStyle = color.accent;
    ctx.fill();
    ctx.fillStyle = color.casing;
    ctx.fillText(words, x + 2, y + 0.5);
    return;
  }
  ctx.lineWidth = 3;
  ctx.strokeStyle = color.halo;
  ctx.strokeText(words, x, y + 0.5);
  ctx.fillStyle = color.ink;
  ctx.fillText(words, x, y + 0.5);
}
