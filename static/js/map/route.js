// A leg of a vehicle's day on the map: its track coloured by speed with times along it, or the place where it stood;
// and small the other stops of that day.

import { unwrap } from "../antimeridian.js";
import { worldX, worldY } from "../geo.js";
import { band, nearestFix, signposts } from "../model/day.js";
import { Signal } from "../model/signal.js";
import * as format from "../words/format.js";
import { palette } from "../parts/theme.js";
import { say } from "../words/words.js";
import { Room } from "./label_room.js";
import { nearest } from "./paths.js";
import { pen, typeSize } from "./stage.js";

/** @typedef {import("./stage.js").View} View */
/** @typedef {import("../model/day.js").Fix} Fix */

const APART = 110; // px between two times
const REACH = 14; // px within which a fix is pointed at; under a finger more

export class Route {
  /** @param {import("./stage.js").Stage} stage */
  constructor(stage) {
    this.stage = stage;
    /** @type {Fix[]} */ this.fixes = [];
    /** @type {number[][]} [lat, lon] */ this.stops = [];
    /** @type {number[]|null} the one that is chosen */ this.stop = null;
    this.pointed = -1; // the fix whose time and speed are told
    /** @type {format.Units} */ this.units = "metric";
    this.zone = "";
    /** @type {Signal<[index: number]>} another fix is pointed at */ this.pointing = new Signal();
    /** @type {number[][]} where the fixes were painted */ this.pixels = [];
    stage.add({
      name: "route",
      pane: "route",
      live: true,
      blank: () => !this.stops.length && !this.stop && !this.fixes.length,
      paint: (canvas, view) => this.paint(canvas, view),
    });
  }

  /** @param {Partial<Pick<Route, "fixes"|"stops"|"stop"|"units"|"zone">>} what */
  show({ fixes, stops, stop, units, zone }) {
    if (stops) this.stops = stops;
    if (stop !== undefined) this.stop = stop;
    if (units) this.units = units;
    if (zone !== undefined) this.zone = zone;
    if (fixes) {
      this.fixes = fixes;
      this.pixels = [];
      this.#point(-1);
    }
    this.stage.invalidate("route");
  }

  clear() {
    this.show({ fixes: [], stops: [], stop: null });
  }

  /** Tell of the fix at this pixel. Is there one? @param {number} x @param {number} y @param {boolean} finger */
  pick(x, y, finger = false) {
    const found = nearestFix(this.pixels, x, y, finger ? 2 * REACH : REACH);
    if (found >= 0) this.point(found);
    return found >= 0;
  }

  /** @param {number} index */
  point(index) {
    if (index === this.pointed) return;
    this.#point(index);
    this.stage.invalidate("route");
  }

  /** @param {number} index */
  #point(index) {
    this.pointed = index;
    this.pointing.tell(index);
  }

  /** "08:14:05 · 43 km/h". @param {number} index */
  said(index) {
    const { time, speed } = this.fixes[index];
    return say("leg.fix", {
      time: format.clock(time, this.zone),
      speed: speed === null ? say("leg.unknown") : format.speed(speed, this.units),
    });
  }

  /** @param {HTMLCanvasElement} canvas @param {View} view */
  paint(canvas, view) {
    const ctx = pen(canvas, view);
    this.pixels = [];
    for (const place of this.stops) dot(ctx, view, place, 4, false);
    if (this.stop) dot(ctx, view, this.stop, 8, true);
    if (!this.fixes.length) return;
    const line = unwrap(this.fixes.map((fix) => [fix.lon, fix.lat]));
    const at = nearest(view, worldX(line[0][0]));
    this.pixels = line.map(([lon, lat]) => [worldX(lon) * at.scale - at.left, worldY(lat) * at.scale - at.top]);
    if (!this.stop) this.#line(ctx);
    this.#words(ctx, view);
  }

  /** Faster is another colour, and wider. @param {CanvasRenderingContext2D} ctx */
  #line(ctx) {
    const color = palette();
    ctx.lineCap = ctx.lineJoin = "round";
    const kinds = this.fixes.map((fix, i) => (i === 0 ? NaN : fix.gap ? -2 : band(fix.speed, this.units)));
    for (const casing of [true, false])
      for (let from = 1; from < kinds.length; ) {
        let to = from;
        while (to + 1 < kinds.length && kinds[to + 1] === kinds[from]) to++;
        const kind = kinds[from];
        ctx.beginPath();
        ctx.moveTo(this.pixels[from - 1][0], this.pixels[from - 1][1]);
        for (let i = from; i <= to; i++) ctx.lineTo(this.pixels[i][0], this.pixels[i][1]);
        ctx.setLineDash(kind === -2 ? [2, 7] : []);
        const wide = kind < 0 ? 2.5 : 3 + 0.5 * kind;
        ctx.lineWidth = casing ? wide + 3 : wide;
        ctx.strokeStyle = casing ? color.casing : kind < 0 ? color.muted : color.speeds[kind];
        if (!casing || kind !== -2) ctx.stroke();
        from = to + 1;
      }
    ctx.setLineDash([]);
    for (const [x, y] of [this.pixels[0], this.pixels[this.pixels.length - 1]]) disc(ctx, x, y, 5, color.ink);
  }

  /** @param {CanvasRenderingContext2D} ctx @param {View} view */
  #words(ctx, view) {
    const color = palette();
    const em = typeSize(view);
    const room = new Room();
    room.clear(view.width, view.height);
    ctx.font = `600 ${em}px ${color.font}`;
    ctx.textBaseline = "middle";
    ctx.lineJoin = "round";
    const { pointed } = this;
    if (pointed >= 0) {
      const [x, y] = this.pixels[pointed];
      disc(ctx, x, y, 7, color.accent);
      const words = this.said(pointed);
      const wide = ctx.measureText(words).width;
      const left = Math.max(4, Math.min(view.width - wide - 16, x - wide / 2 - 6));
      const top = y > 40 ? y - 18 - em * 1.8 : y + 14;
      ctx.beginPath();
      ctx.roundRect(left, top, wide + 12, em * 1.8, 4);
      ctx.fillStyle = color.accent;
      ctx.fill();
      ctx.fillStyle = color.casing;
      ctx.fillText(words, left + 6, top + em * 0.92);
      room.take(left, top, left + wide + 12, top + em * 1.8);
    }
    if (this.stop) return;
    const times = this.fixes.map((fix) => fix.time);
    for (const i of signposts(this.pixels, times, APART)) {
      const [x, y] = this.pixels[i];
      const words = format.clockShort(times[i], this.zone);
      const wide = ctx.measureText(words).width;
      if (!room.free(x + 7, y - em, x + 11 + wide, y + em)) continue;
      room.take(x + 7, y - em, x + 11 + wide, y + em);
      disc(ctx, x, y, 2.5, color.ink);
      ctx.lineWidth = 3;
      ctx.strokeStyle = color.halo;
      ctx.strokeText(words, x + 9, y);
      ctx.fillStyle = color.ink;
      ctx.fillText(words, x + 9, y);
    }
  }
}

/** @param {CanvasRenderingContext2D} ctx @param {number} x @param {number} y @param {number} r @param {string} fill */
function disc(ctx, x, y, r, fill) {
  ctx.beginPath();
  ctx.arc(x, y, r, 0, 2 * Math.PI);
  ctx.fillStyle = fill;
  ctx.fill();
  ctx.lineWidth = 2;
  ctx.strokeStyle = palette().casing;
  ctx.stroke();
}

/** Where it stood. @param {CanvasRenderingContext2D} ctx @param {View} view @param {number[]} place @param {number} r
 * @param {boolean} chosen */
function dot(ctx, view, [lat, lon], r, chosen) {
  const at = nearest(view, worldX(lon));
  const color = palette();
  disc(ctx, worldX(lon) * at.scale - at.left, worldY(lat) * at.scale - at.top, r, chosen ? color.accent : color.idle);
}
