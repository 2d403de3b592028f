// The fixes that decided an event, while somebody asks why: on the map where they were, and in the card beside it.

import { along, beyond, share } from "../../model/past/loop.js";
import { palette } from "../../parts/theme.js";
import * as format from "../../words/format.js";
import { say } from "../../words/words.js";
import { outline, worldX, worldY } from "../../geo.js";
import { copies, line, nearest, path } from "../../map/paths.js";
import { pen, typeSize } from "../../map/stage.js";

/** @typedef {import("../../model/past/loop.js").Fix} Fix */
/** @typedef {{fixes: Fix[], edge: any, own: boolean}} Shown  own: the map draws another edge, or none */

const GAP = 9; // px between a fix and its words

export class Decided {
  since = 0; // when the loop began, as frames count
  /** @type {Shown|null} */ shown = null;
  /** @type {object|null} who asks */ #who = null;
  /** @type {import("../../map/paths.js").Path[]} */ #edge = [];

  /** @param {import("../../app.js").App} app */
  constructor(app) {
    this.app = app;
    this.stage = app.map.stage;
    this.stage.add({
      name: "decided",
      pane: "overlay",
      live: true,
      paint: (canvas, view, now) => this.#paint(canvas, view, now),
    });
    app.forgotten.on(() => this.hide(this.#who));
  }

  /** @param {object} who @param {Shown} shown */
  show(who, shown) {
    if (this.#who !== who) this.since = performance.now();
    this.#who = who;
    this.shown = shown;
    this.#edge = shown.own && shown.edge ? outline(shown.edge).flatMap((rings) => rings.map(path)) : [];
    this.stage.invalidate("decided");
  }

  /** @param {object|null} who asked, and does no more */
  hide(who) {
    if (this.#who !== who) return;
    this.#who = this.shown = null;
    this.#edge = [];
    this.stage.invalidate("decided");
  }

  /** How far the loop is; null where nothing is to move. @param {number} now */
  share(now) {
    return this.app.overlay.calm ? null : share(now - this.since);
  }

  /** @param {HTMLCanvasElement} canvas @param {import("../../map/stage.js").View} view @param {number} now */
  #paint(canvas, view, now) {
    const ctx = pen(canvas, view);
    const { shown } = this;
    if (!shown) return false;
    ctx.lineWidth = 2;
    ctx.setLineDash([6, 4]);
    ctx.strokeStyle = palette().ink;
    ctx.beginPath();
    for (const ring of this.#edge) for (const at of copies(view, ring.box)) line(ctx, ring, at, true);
    ctx.stroke();
    ctx.setLineDash([]);
    if (!shown.fixes.length) return false;
    const at = nearest(view, worldX(shown.fixes[0].lon));
    const { units, zone } = this.app.preferences.value;
    drawFixes(ctx, shown.fixes, {
      at: (lon, lat) => [worldX(lon) * at.scale - at.left, worldY(lat) * at.scale - at.top],
      size: [view.width, view.height],
      em: typeSize(view),
      part: this.share(now),
      words: (fix) => said(fix, units, zone),
    });
    return shown.fixes.length > 1 && !this.app.overlay.calm;
  }
}

/** When, and how far from the edge. @param {Fix} fix @param {format.Units} units @param {string} zone */
export function said({ time, edge }, units, zone) {
  const far =
    edge === null
      ? ""
      : say(edge <= 0 ? "why.inside" : "why.outside", { distance: format.distance(Math.abs(edge), units) });
  return [format.clock(time, zone), far].filter(Boolean);
}

/**
 * Both fixes, the way between them with its arrow, what is said of each, and where on the way it is.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Fix[]} fixes
 * @param {object} how
 * @param {(lon: number, lat: number) => [number, number]} how.at px
 * @param {number[]} how.size of the picture, px
 * @param {number} how.em
 * @param {number|null} how.part 0…1; null: nothing moves
 * @param {(fix: Fix) => string[]} how.words
 */
export function drawFixes(ctx, fixes, { at, size, em, part, words }) {
  const color = palette();
  const places = fixes.map(({ lon, lat }) => at(lon, lat));
  const end = places[places.length - 1];
  if (places.length > 1) arrow(ctx, places[0], end, color.ink);
  for (const [i, [x, y]] of places.entries())
    dot(ctx, x, y, 5, i === places.length - 1 ? [color.accent, color.casing] : [color.casing, color.accent]);
  ctx.font = `600 ${em}px ${color.font}`;
  ctx.textBaseline = "top";
  ctx.lineJoin = "round";
  const lines = fixes.map(words);
  const tall = em * 1.3;
  const sizes = lines.map((some) => [Math.max(...some.map((one) => ctx.measureText(one).width)), tall * some.length]);
  for (const [i, [left, top]] of beyond(places, sizes, GAP, size).entries())
    for (const [n, text] of lines[i].entries()) {
      ctx.lineWidth = 3;
      ctx.strokeStyle = color.halo;
      ctx.strokeText(text, left, top + n * tall);
      ctx.fillStyle = color.ink;
      ctx.fillText(text, left, top + n * tall);
    }
  if (part === null || places.length < 2) return;
  const [x, y] = at(...along(fixes, part));
  dot(ctx, x, y, 7, [color.accent, color.casing]);
}

/** @param {CanvasRenderingContext2D} ctx @param {number} x @param {number} y @param {number} r
 * @param {string[]} colors inner, rim */
function dot(ctx, x, y, r, [inner, rim]) {
  ctx.beginPath();
  ctx.arc(x, y, r, 0, 2 * Math.PI);
  ctx.fillStyle = inner;
  ctx.fill();
  ctx.lineWidth = 2;
  ctx.strokeStyle = rim;
  ctx.stroke();
}

/** A dashed line that says where it goes. @param {CanvasRenderingContext2D} ctx @param {number[]} from
 * @param {number[]} to @param {string} color */
function arrow(ctx, [x1, y1], [x2, y2], color) {
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.setLineDash([3, 4]);
  ctx.lineWidth = 1.5;
  ctx.strokeStyle = ctx.fillStyle = color;
  ctx.stroke();
  ctx.setLineDash([]);
  const far = Math.hypot(x2 - x1, y2 - y1);
  if (far < 22) return; // there is no room for its head
  const [dx, dy] = [(x2 - x1) / far, (y2 - y1) / far];
  const [x, y] = [x2 - dx * 7, y2 - dy * 7];
  ctx.beginPath();
  ctx.moveTo(x, y);
  for (const side of [1, -1]) ctx.lineTo(x - dx * 9 - side * dy * 5, y - dy * 9 + side * dx * 5);
  ctx.closePath();
  ctx.fill();
}
