// While two moments are compared: where the selected vehicle is at either, over the whole map, and the way from one to
// the other. Which half a place lies in does not hide it.

import { nearest } from "./paths.js";
import { pen, typeSize } from "./stage.js";
import { palette } from "../parts/theme.js";
import { within } from "../model/past/split.js";

/** @typedef {import("./stage.js").View} View */
/** @typedef {import("./picture.js").Picture} Picture */
/** @typedef {{picture: Picture, part: import("../model/past/split.js").Box, words: string}} End */

const SAME = 3; // px: it is where it was

export class Between {
  /** @type {{ends: [End, End], vehicle: string}|null} */ shown = null;

  /** @param {import("./stage.js").Stage} stage */
  constructor(stage) {
    this.stage = stage;
    stage.add({
      name: "between",
      pane: "marks",
      live: true,
      paint: (canvas, view, now) => this.#paint(canvas, view, now),
    });
  }

  /** @param {[End, End]|null} ends @param {string|null} vehicle */
  show(ends, vehicle) {
    if (!this.shown && !(ends && vehicle)) return; // a canvas that is cleared costs a frame
    this.shown = ends && vehicle ? { ends, vehicle } : null;
    this.stage.invalidate("between");
  }

  /** @param {HTMLCanvasElement} canvas @param {View} view @param {number} now */
  #paint(canvas, view, now) {
    const ctx = pen(canvas, view);
    if (!this.shown) return false;
    const { ends, vehicle } = this.shown;
    const places = ends.map(({ picture }) => place(picture, vehicle, view, now));
    const [one, two] = places;
    const apart = one && two ? Math.hypot(one[0] - two[0], one[1] - two[1]) : Number.POSITIVE_INFINITY;
    if (apart < SAME) return glides(ends[1].picture, now);
    if (one && two) this.#way(ctx, one, two, Math.min(ends[0].picture.vehicles.size / 2 + 6, apart / 2) / apart);
    ends.forEach(({ picture, part, words }, i) => {
      const at = places[i];
      if (!at) return;
      const other = places[1 - i];
      const above = other ? at[1] <= other[1] : true;
      if (!within(part, at[0], at[1])) ring(ctx, at, picture.vehicles.size / 2 + 6);
      tag(ctx, words, at, (above ? -1 : 1) * (picture.vehicles.size / 2 + 20), typeSize(view));
    });
    return glides(ends[1].picture, now);
  }

  /** @param {CanvasRenderingContext2D} ctx @param {[number, number]} one @param {[number, number]} two
   * @param {number} free the part at either end that the rings take */
  #way(ctx, one, two, free) {
    const color = palette();
    const [dx, dy] = [(two[0] - one[0]) * free, (two[1] - one[1]) * free];
    for (const [width, tint] of /** @type {[number, string][]} */ ([
      [4, color.casing],
      [1.5, color.accent],
    ])) {
      ctx.beginPath();
      ctx.moveTo(one[0] + dx, one[1] + dy);
      ctx.lineTo(two[0] - dx, two[1] - dy);
      ctx.lineWidth = width;
      ctx.strokeStyle = tint;
      ctx.stroke();
    }
  }
}

/** Somebody live is still on the way to a fix. @param {Picture} picture @param {number} now */
const glides = ({ fleet }, now) => now < fleet.motion.until && Number.isFinite(fleet.motion.until);

/** CSS px of the map; null: it is not known. @param {Picture} picture @param {string} id
 * @param {View} view @param {number} now @returns {[number, number]|null} */
function place({ fleet }, id, view, now) {
  const v = fleet.byId.get(id);
  if (!v || ("known" in v && !v.known)) return null;
  const x = fleet.motion.x(v.slot, now);
  const at = nearest(view, x);
  return [x * at.scale - at.left, fleet.motion.y(v.slot, now) * at.scale - at.top];
}

/** Where it is not drawn, in the other half. @param {CanvasRenderingContext2D} ctx @param {[number, number]} at
 * @param {number} radius */
function ring(ctx, [x, y], radius) {
  const color = palette();
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  ctx.lineWidth = 5;
  ctx.strokeStyle = color.casing;
  ctx.stroke();
  ctx.setLineDash([4, 3]);
  ctx.lineWidth = 2.5;
  ctx.strokeStyle = color.accent;
  ctx.stroke();
  ctx.setLineDash([]);
}

/** The moment a place belongs to. @param {CanvasRenderingContext2D} ctx @param {string} words
 * @param {[number, number]} at @param {number} dy @param {number} em */
function tag(ctx, words, [x, y], dy, em) {
  const color = palette();
  ctx.font = `600 ${em}px ${color.font}`;
  ctx.textBaseline = "middle";
  const w = ctx.measureText(words).width + 12;
  ctx.beginPath();
  ctx.roundRect(x - w / 2, y + dy - em * 0.82, w, em * 1.64, em * 0.82);
  ctx.fillStyle = color.surface;
  ctx.fill();
  ctx.lineWidth = 1;
  ctx.strokeStyle = color.accent;
  ctx.stroke();
  ctx.fillStyle = color.ink;
  ctx.fillText(words, x - w / 2 + 6, y + dy + 0.5);
}
