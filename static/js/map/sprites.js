// The glyphs of the map: shape says the state, colour repeats it, a light and a dark casing keep it readable on any
// ground. Drawn once a theme and size, then kept as lists of pixels that the vehicle layer copies.

import { GLYPH } from "../model/status.js";
import { palette } from "../parts/theme.js";

export const HEADINGS = 72;
/**
 * @typedef {{solid: Int32Array, solidColor: Uint32Array, soft: Int32Array, softColor: Uint32Array}} Sprite  offsets
 *   from the centre pixel in a buffer `stride` wide
 */
/**
 * @typedef {{sprites: Map<number, Sprite[]>, shifts: number, reach: number}} Sheet  by glyph code; [heading · shifts² +
 *   shiftY · shifts + shiftX], headings only for the arrow
 */

const ARROW = 0x40; // glyph code of "moving with a heading" (+ GLYPH.stale)

/** The list of sprites a vehicle is drawn with. @param {number} glyph @param {number} heading */
export const spriteKey = (glyph, heading) =>
  (glyph & 7) === GLYPH.moving && heading >= 0 ? ARROW | (glyph & GLYPH.stale) : glyph;

/**
 * @param {number} size CSS px
 * @param {number} ratio
 * @param {number} stride width of the buffer they are copied into
 * @returns {Sheet}
 */
export function sheet(size, ratio, stride) {
  const shifts = size >= 16 && ratio < 1.5 ? 2 : 1; // half-pixel positions, so slow vehicles glide
  const reach = Math.ceil((size / 2 + 3) * ratio);
  const cell = reach * 2 + 1;
  const codes = [];
  for (const stale of [0, GLYPH.stale])
    for (const shape of [GLYPH.unknown, GLYPH.moving, GLYPH.idle, GLYPH.parked, GLYPH.offline, ARROW])
      codes.push(shape | stale);
  /** @type {Map<number, Sprite[]>} */
  const sprites = new Map();
  for (const code of codes) {
    const turns = code & ARROW ? HEADINGS : 1;
    const canvas = new OffscreenCanvas(cell * shifts * shifts, cell * turns);
    const ctx = /** @type {OffscreenCanvasRenderingContext2D} */ (
      canvas.getContext("2d", { willReadFrequently: true })
    );
    for (let turn = 0; turn < turns; turn++)
      for (let shift = 0; shift < shifts * shifts; shift++) {
        ctx.save();
        ctx.translate(
          cell * shift + reach + 0.5 + (shift % shifts) / shifts,
          cell * turn + reach + 0.5 + Math.floor(shift / shifts) / shifts,
        );
        ctx.scale((ratio * size) / 20, (ratio * size) / 20);
        drawGlyph(
          ctx,
          code & ARROW ? "arrow" : NAMES[code & 7],
          (code & GLYPH.stale) !== 0,
          (turn / turns) * 2 * Math.PI,
          size < 12,
        );
        ctx.restore();
      }
    const image = ctx.getImageData(0, 0, canvas.width, canvas.height);
    const pixels = new Uint32Array(image.data.buffer);
    const list = [];
    for (let turn = 0; turn < turns; turn++)
      for (let shift = 0; shift < shifts * shifts; shift++)
        list.push(cutOut(pixels, canvas.width, cell * shift, cell * turn, cell, reach, stride));
    sprites.set(code, list);
  }
  return { sprites, shifts, reach };
}

/** @type {Record<number, string>} */
const NAMES = {
  [GLYPH.unknown]: "unknown",
  [GLYPH.moving]: "round",
  [GLYPH.idle]: "idle",
  [GLYPH.parked]: "parked",
  [GLYPH.offline]: "offline",
};

/**
 * @param {Uint32Array} pixels
 * @param {number} width
 * @param {number} x0
 * @param {number} y0
 * @param {number} cell
 * @param {number} reach
 * @param {number} stride
 * @returns {Sprite}
 */
function cutOut(pixels, width, x0, y0, cell, reach, stride) {
  const solid = [];
  const solidColor = [];
  const soft = [];
  const softColor = [];
  for (let y = 0; y < cell; y++)
    for (let x = 0; x < cell; x++) {
      const color = pixels[(y0 + y) * width + x0 + x];
      const alpha = color >>> 24;
      const offset = (y - reach) * stride + (x - reach);
      if (alpha > 215) {
        solid.push(offset);
        solidColor.push((color | 0xff000000) >>> 0);
      } else if (alpha > 20) {
        soft.push(offset);
        softColor.push(color);
      }
    }
  return {
    solid: Int32Array.from(solid),
    solidColor: Uint32Array.from(solidColor),
    soft: Int32Array.from(soft),
    softColor: Uint32Array.from(softColor),
  };
}

/**
 * One glyph around (0, 0) on a 20 px grid. Also used by the list, the legend and the panel.
 * @param {CanvasRenderingContext2D|OffscreenCanvasRenderingContext2D} ctx
 * @param {string} shape
 * @param {boolean} stale
 * @param {number} turn radians
 * @param {boolean} [tiny] leave out inner marks
 */
export function drawGlyph(ctx, shape, stale, turn, tiny = false) {
  const color = palette();
  const tint = stale
    ? color.stale
    : color[/** @type {"moving"} */ (shape === "arrow" || shape === "round" ? "moving" : shape)];
  ctx.lineJoin = "round";
  ctx.lineCap = "round";
  if (shape === "offline") {
    for (const [width, stroke] of /** @type {[number, string][]} */ ([
      [6.5, color.edge],
      [5.5, color.casing],
      [2.4, tint],
    ])) {
      ctx.beginPath();
      ctx.moveTo(-4.5, -4.5);
      ctx.lineTo(4.5, 4.5);
      ctx.moveTo(4.5, -4.5);
      ctx.lineTo(-4.5, 4.5);
      ctx.lineWidth = width;
      ctx.strokeStyle = stroke;
      ctx.stroke();
    }
    return;
  }
  ctx.rotate(turn);
  ctx.beginPath();
  if (shape === "arrow") {
    ctx.moveTo(0, -8.6);
    ctx.lineTo(6.6, 7.2);
    ctx.lineTo(0, 4.2);
    ctx.lineTo(-6.6, 7.2);
    ctx.closePath();
  } else if (shape === "parked") ctx.roundRect(-6.5, -6.5, 13, 13, 2.5);
  else ctx.arc(0, 0, shape === "unknown" ? 4.5 : 6.6, 0, 2 * Math.PI);
  ctx.lineWidth = 4.4;
  ctx.strokeStyle = color.edge;
  ctx.stroke();
  ctx.lineWidth = 3.2;
  ctx.strokeStyle = color.casing;
  ctx.stroke();
  ctx.fillStyle = stale ? color.casing : tint;
  ctx.fill();
  if (stale) {
    ctx.lineWidth = 1.8;
    ctx.strokeStyle = tint;
    if (!tiny) ctx.setLineDash([3.2, 2.6]);
    ctx.stroke();
    ctx.setLineDash([]);
  }
  if (tiny) return;
  ctx.fillStyle = ctx.strokeStyle = stale ? tint : color.casing;
  if (shape === "idle") {
    ctx.fillRect(-3, -3, 2.1, 6);
    ctx.fillRect(0.9, -3, 2.1, 6);
  } else if (shape === "parked") {
    ctx.lineWidth = 1.8;
    ctx.beginPath();
    ctx.moveTo(-1.8, 3.8);
    ctx.lineTo(-1.8, -3.6);
    ctx.lineTo(0.4, -3.6);
    ctx.arc(0.4, -1.4, 2.2, -Math.PI / 2, Math.PI / 2);
    ctx.lineTo(-1.8, 0.8);
    ctx.stroke();
  } else if (shape === "round") {
    ctx.beginPath();
    ctx.arc(0, 0, 2.2, 0, 2 * Math.PI);
    ctx.fill();
  }
}

/**
 * A glyph as a small canvas element for lists.
 * @param {HTMLCanvasElement} canvas 18 CSS px square
 * @param {string} status
 * @param {number} state
 * @param {number} heading
 */
export function glyphIcon(canvas, status, state, heading) {
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const key = `${status}/${state}/${Math.round(heading / 10)}/${ratio}/${palette().surface}`;
  if (canvas.dataset.key === key) return;
  canvas.dataset.key = key;
  canvas.width = canvas.height = 20 * ratio;
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  ctx.translate(10 * ratio, 10 * ratio);
  ctx.scale(ratio * 0.86, ratio * 0.86);
  const shape =
    status === "offline"
      ? "offline"
      : state === 1
        ? heading >= 0
          ? "arrow"
          : "round"
        : (NAMES[state + 1] ?? "unknown");
  drawGlyph(ctx, shape, status === "stale", shape === "arrow" ? (heading * Math.PI) / 180 : 0);
}
