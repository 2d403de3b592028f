// Where something would have happened with the shape that is dragged, and where nothing would any more: ＋ and − on the
// map.

import { worldX, worldY } from "../geo.js";
import { copies, path } from "../map/paths.js";
import { pen } from "../map/stage.js";
import { palette } from "../parts/theme.js";

const R = 7; // CSS px

/** @typedef {import("../model/past/rehearsal.js").Answer} Answer */

export class Shifted {
  /** @type {Answer|null} */ #answer = null;
  #dim = false;

  /** @param {import("../map/stage.js").Stage} stage */
  constructor(stage) {
    this.stage = stage;
    stage.add({
      name: "shifted",
      pane: "marks",
      live: true,
      blank: () => !this.#answer,
      paint: (canvas, view) => this.#paint(canvas, view),
    });
  }

  /** @param {Answer|null} answer @param {boolean} [dim] it is of another shape */
  show(answer, dim = false) {
    if (answer === this.#answer && dim === this.#dim) return;
    this.#answer = answer;
    this.#dim = dim;
    this.stage.invalidate("shifted");
  }

  /** @param {HTMLCanvasElement} canvas @param {import("../map/stage.js").View} view */
  #paint(canvas, view) {
    const ctx = pen(canvas, view);
    const color = palette();
    ctx.globalAlpha = this.#dim ? 0.45 : 1;
    ctx.lineWidth = 2;
    for (const what of /** @type {const} */ (["vanished", "appeared"]))
      for (const { lat, lon } of this.#answer?.[what] ?? []) {
        const [ink, ground] = what === "appeared" ? [color.casing, color.accent] : [color.accent, color.casing];
        for (const at of copies(view, path([[lon, lat]]).box)) {
          const x = worldX(lon) * at.scale - at.left;
          const y = worldY(lat) * at.scale - at.top;
          ctx.beginPath();
          ctx.arc(x, y, R, 0, 2 * Math.PI);
          ctx.fillStyle = ground;
          ctx.fill();
          ctx.strokeStyle = ink;
          ctx.stroke();
          ctx.beginPath();
          ctx.moveTo(x - 3.5, y);
          ctx.lineTo(x + 3.5, y);
          if (what === "appeared") {
            ctx.moveTo(x, y - 3.5);
            ctx.lineTo(x, y + 3.5);
          }
          ctx.stroke();
        }
      }
    ctx.globalAlpha = 1;
  }
}
