// The inside of a large outline as a small picture. The browser takes up to 90 ms to fill a path of 10,000 sides, and
// nothing to move its picture: so it is filled once a zoom and shape, coarsely, and moved along; the outline is drawn
// sharp.

import { copies, line } from "../map/paths.js";

const COARSE = 4; // CSS px a pixel of the picture
const AROUND = 0.5; // of the view on each side

/** @typedef {import("../map/stage.js").View} View */
/** @typedef {import("../map/paths.js").Path} Path */

export class Filling {
  constructor() {
    this.canvas = document.createElement("canvas");
    /** @type {View|null} */ this.view = null;
    /** @type {Path[]} */ this.paths = [];
    this.color = "";
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {View} view
   * @param {Path[]} paths
   * @param {string} color
   * @param {boolean} bending it changes with each frame: the picture waits
   */
  paint(ctx, view, paths, color, bending) {
    const at = this.view;
    if (
      !at ||
      at.zoom !== view.zoom ||
      this.color !== color ||
      (this.paths !== paths && !bending) ||
      view.left < at.left ||
      view.top < at.top ||
      view.left + view.width > at.left + at.width ||
      view.top + view.height > at.top + at.height
    ) {
      this.#fill(view, paths, color);
      return this.#put(ctx, view, 0, 0);
    }
    const [now, then] = [paths[0].points, this.paths[0].points];
    const middle = (now.length >> 2) << 1;
    const moved = (/** @type {number} */ i) => (now[i] - then[i]) * view.scale;
    // Both this corner and one far from it: the whole is being moved.
    const whole = now.length === then.length && moved(0) !== 0 && Math.abs(moved(0) - moved(middle)) < COARSE;
    this.#put(ctx, view, whole ? moved(0) : 0, whole ? moved(1) : 0);
  }

  /** @param {CanvasRenderingContext2D} ctx @param {View} view @param {number} dx @param {number} dy */
  #put(ctx, view, dx, dy) {
    const at = /** @type {View} */ (this.view);
    ctx.drawImage(this.canvas, at.left - view.left + dx, at.top - view.top + dy, at.width, at.height);
  }

  /** @param {View} view @param {Path[]} paths @param {string} color */
  #fill(view, paths, color) {
    const left = view.left - view.width * AROUND;
    const top = view.top - view.height * AROUND;
    const width = view.width * (1 + 2 * AROUND);
    const height = view.height * (1 + 2 * AROUND);
    this.view = { ...view, left, top, width, height };
    this.paths = paths;
    this.color = color;
    this.canvas.width = Math.ceil(width / COARSE);
    this.canvas.height = Math.ceil(height / COARSE);
    const ctx = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    const small = {
      ...view,
      scale: view.scale / COARSE,
      left: left / COARSE,
      top: top / COARSE,
      width: width / COARSE,
      height: height / COARSE,
    };
    ctx.setTransform((this.canvas.width * COARSE) / width, 0, 0, (this.canvas.height * COARSE) / height, 0, 0);
    ctx.beginPath();
    for (const ring of paths) for (const copy of copies(small, ring.box)) line(ctx, ring, copy, true);
    ctx.fillStyle = color;
    ctx.fill("evenodd");
  }
}
