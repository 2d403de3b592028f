// All vehicles on one canvas: pixels of ready-made sprites copied into one image, one putImageData a frame. Measured 4×
// faster than drawImage and 20× faster than markers on a machine without a GPU (docs/performance.md).

import { HEADINGS, sheet, spriteKey } from "./sprites.js";
import { themed } from "../parts/theme.js";

/** @typedef {import("./stage.js").View} View */

export class VehicleLayer {
  /** @param {import("./stage.js").Stage} stage @param {import("../model/motion.js").Motion} motion
   * @param {""|"beside"} [side] */
  constructor(stage, motion, side = "") {
    this.stage = stage;
    this.motion = motion;
    /** @type {Uint8Array|null} by slot, 1: not drawn */ this.hidden = null;
    /** @type {Int32Array} device px of each slot drawn in the last frame */ this.atX = new Int32Array(0);
    this.atY = new Int32Array(0);
    this.inView = 0;
    this.size = 20;
    this.frames = 0;
    /** @type {{image: ImageData, buffer: Uint32Array, stride: number, margin: number}|null} */ this.frame = null;
    /** @type {Map<string, import("./sprites.js").Sheet>} */ this.sheets = new Map();
    themed.on(() => {
      this.sheets.clear();
      stage.invalidate("vehicles");
    });
    stage.add({
      name: "vehicles",
      side,
      pane: "vehicles",
      live: true,
      paint: (canvas, view, now) => this.paint(canvas, view, now),
    });
  }

  /** @param {HTMLCanvasElement} canvas @param {View} view @param {number} now */
  paint(canvas, view, now) {
    const { motion } = this;
    const ratio = view.ratio;
    const margin = Math.ceil(20 * ratio);
    const width = canvas.width;
    const height = canvas.height;
    const stride = width + 2 * margin;
    const fresh = this.#buffer(canvas, stride, height + 2 * margin, margin);
    fresh.buffer.fill(0);
    this.#place(view, now, width, height, margin);
    const most = view.width < 480 ? 18 : view.width < 2000 ? 22 : 30; // a phone is held close, a wall hangs far away
    this.size = SIZES.find((size) => size <= most && this.inView * size * size < 0.3 * view.width * view.height) ?? 8;
    const key = `${this.size}/${ratio}/${stride}`;
    let sprites = this.sheets.get(key);
    if (!sprites) {
      if (this.sheets.size > 8) this.sheets.clear();
      sprites = sheet(this.size, ratio, stride);
      this.sheets.set(key, sprites);
    }
    // Standing vehicles first: what moves lies on top.
    this.#blit(fresh, sprites, margin, false);
    this.#blit(fresh, sprites, margin, true);
    /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(fresh.image, -margin, -margin);
    this.frames++;
    return now < motion.until;
  }

  /**
   * Where every vehicle is now, in half device pixels; off-screen ones get none.
   * @param {View} view
   * @param {number} now
   * @param {number} width
   * @param {number} height
   * @param {number} margin
   */
  #place(view, now, width, height, margin) {
    const { fromX, fromY, toX, toY, start, span, glyph, size } = this.motion;
    const hidden = this.hidden;
    if (this.atX.length < fromX.length) {
      this.atX = new Int32Array(fromX.length);
      this.atY = new Int32Array(fromX.length);
    }
    const { atX, atY } = this;
    const scale = view.scale * view.ratio * 2;
    const cx = view.cx;
    const cy = view.cy;
    const midX = width;
    const midY = height;
    const reach = margin / 2;
    const minX = -2 * reach;
    const maxX = 2 * (width + reach);
    const minY = -2 * reach;
    const maxY = 2 * (height + reach);
    let seen = 0;
    for (let i = 0; i < size; i++) {
      atX[i] = OFF;
      if (glyph[i] === 0 || (hidden !== null && hidden[i] === 1)) continue;
      const s = span[i];
      let x = toX[i];
      let y = toY[i];
      if (s !== 0) {
        const t = (now - start[i]) / s;
        if (t >= 1) {
          span[i] = 0;
          fromX[i] = x;
          fromY[i] = y;
        } else {
          const way = Math.max(t, 0);
          x = fromX[i] + (x - fromX[i]) * way;
          y = fromY[i] + (y - fromY[i]) * way;
        }
      }
      let dx = x - cx;
      if (dx > 0.5 || dx < -0.5) dx -= Math.round(dx); // the nearest copy of the world
      const px = midX + dx * scale;
      const py = midY + (y - cy) * scale;
      if (px < minX || px > maxX || py < minY || py > maxY) continue;
      atX[i] = Math.round(px);
      atY[i] = Math.round(py);
      seen++;
    }
    this.inView = seen;
  }

  /**
   * @param {{buffer: Uint32Array, stride: number}} frame
   * @param {import("./sprites.js").Sheet} sheet
   * @param {number} margin
   * @param {boolean} moving
   */
  #blit({ buffer, stride }, { sprites, shifts, reach }, margin, moving) {
    const { glyph, heading, size } = this.motion;
    const { atX, atY } = this;
    const fine = shifts === 2;
    const rows = buffer.length / stride;
    for (let i = 0; i < size; i++) {
      if (atX[i] === OFF || (glyph[i] === 2) !== moving) continue;
      const list = sprites.get(spriteKey(glyph[i], heading[i]));
      if (list === undefined) continue;
      const x = (atX[i] >> 1) + margin;
      const y = (atY[i] >> 1) + margin;
      if (x < reach || y < reach || x >= stride - reach || y >= rows - reach) continue;
      let index = fine ? (atY[i] & 1) * 2 + (atX[i] & 1) : 0;
      if (list.length > 4) index += (Math.round(heading[i] / (360 / HEADINGS)) % HEADINGS) * shifts * shifts;
      const { solid, solidColor, soft, softColor } = list[index];
      const base = y * stride + x;
      for (let k = 0; k < soft.length; k++) if (buffer[base + soft[k]] === 0) buffer[base + soft[k]] = softColor[k];
      for (let k = 0; k < solid.length; k++) buffer[base + solid[k]] = solidColor[k];
    }
  }

  /** @param {HTMLCanvasElement} canvas @param {number} stride @param {number} rows @param {number} margin */
  #buffer(canvas, stride, rows, margin) {
    if (!this.frame || this.frame.stride !== stride || this.frame.image.height !== rows) {
      const image = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).createImageData(stride, rows);
      this.frame = { image, buffer: new Uint32Array(image.data.buffer), stride, margin };
      this.sheets.clear();
    }
    return this.frame;
  }

  /**
   * CSS px of a slot inside the map, as last drawn; null when off-screen.
   * @param {number} slot
   * @returns {[number, number]|null}
   */
  position(slot) {
    if (slot >= this.atX.length || this.atX[slot] === OFF) return null;
    const ratio = this.stage.view().ratio * 2;
    return [this.atX[slot] / ratio, this.atY[slot] / ratio];
  }

  /** How many are drawn so close to a point that they cover one another. @param {[number, number]} at CSS px */
  near([x, y]) {
    const { atX, atY } = this;
    const ratio = this.stage.view().ratio * 2;
    const px = x * ratio;
    const py = y * ratio;
    const reach = this.size * 0.4 * ratio;
    let found = 0;
    for (let i = 0; i < this.motion.size; i++)
      if (Math.abs(atX[i] - px) < reach && Math.abs(atY[i] - py) < reach) found++;
    return found;
  }

  /**
   * The slot drawn nearest to a point, within reach; -1: none.
   * @param {number} x CSS px
   * @param {number} y
   * @param {number} [within]
   */
  hit(x, y, within = Math.max(10, this.size * 0.7)) {
    const ratio = this.stage.view().ratio * 2;
    const px = x * ratio;
    const py = y * ratio;
    let best = -1;
    let least = (within * ratio) ** 2;
    for (let i = 0; i < this.motion.size; i++) {
      if (this.atX[i] === OFF) continue;
      const dx = this.atX[i] - px;
      const dy = this.atY[i] - py;
      const d = dx * dx + dy * dy;
      if (d >= least) continue;
      least = d;
      best = i;
    }
    return best;
  }
}

const OFF = -0x80000000;
const SIZES = [30, 22, 18, 14, 10, 8];
