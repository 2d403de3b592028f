// Where vehicles came in and went out of what was asked about, and the track of the visit that was chosen.

import { unwrap } from "../antimeridian.js";
import { worldX, worldY } from "../geo.js";
import { copies, nearest, path } from "./paths.js";
import { pen } from "./stage.js";
import { palette } from "../parts/theme.js";

/** @typedef {import("../draw/visits.js").Visit} Visit */

const MOST = 2000;

export class Marks {
  /** @type {Visit[]} */ #visits = [];
  /** @type {Visit|null} */ #chosen = null;
  /** @type {{lat: number, lon: number}[]} */ #track = [];

  /** @param {import("./stage.js").Stage} stage */
  constructor(stage) {
    this.stage = stage;
    stage.add({
      name: "visits",
      pane: "marks",
      live: true,
      blank: () => !this.#visits.length && !this.#track.length,
      paint: (canvas, view) => this.#paint(canvas, view),
    });
  }

  /** @param {Visit[]} visits */
  show(visits) {
    this.#visits = visits.slice(0, MOST);
    this.choose(null, []);
  }

  /** @param {Visit|null} visit @param {{lat: number, lon: number}[]} track */
  choose(visit, track) {
    this.#chosen = visit;
    this.#track = track;
    this.stage.invalidate("visits");
  }

  /** @param {HTMLCanvasElement} canvas @param {import("./stage.js").View} view */
  #paint(canvas, view) {
    const ctx = pen(canvas, view);
    const color = palette();
    this.#paintTrack(ctx, view);
    for (const visit of this.#visits)
      for (const [end, filled] of /** @type {const} */ ([
        [visit.entry, true],
        [visit.exit, false],
      ])) {
        if (end.lat === null || end.lon === null) continue;
        const y = worldY(end.lat);
        for (const at of copies(view, path([[end.lon, end.lat]]).box)) {
          ctx.beginPath();
          const r = visit === this.#chosen ? 6 : 4;
          ctx.arc(worldX(end.lon) * at.scale - at.left, y * at.scale - at.top, r, 0, 2 * Math.PI);
          ctx.fillStyle = filled ? color.accent : color.casing;
          ctx.fill();
          ctx.lineWidth = 2;
          ctx.strokeStyle = filled ? color.casing : color.accent;
          ctx.stroke();
        }
      }
  }

  /** @param {CanvasRenderingContext2D} ctx @param {import("./stage.js").View} view */
  #paintTrack(ctx, view) {
    if (this.#track.length < 2) return;
    const line = unwrap(this.#track.map(({ lon, lat }) => [lon, lat]));
    const at = nearest(view, worldX(line[0][0]));
    const color = palette();
    ctx.lineCap = ctx.lineJoin = "round";
    ctx.beginPath();
    for (const [lon, lat] of line) ctx.lineTo(worldX(lon) * at.scale - at.left, worldY(lat) * at.scale - at.top);
    for (const [width, style] of /** @type {const} */ ([
      [6, color.casing],
      [3, color.accent],
    ])) {
      ctx.lineWidth = width;
      ctx.strokeStyle = style;
      ctx.stroke();
    }
  }
}
