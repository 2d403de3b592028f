// The picture of "why": the edge, the two fixes and the way between them, moving while it is seen; the same on the map.

import { beside, middle } from "../../antimeridian.js";
import { frame, outline } from "../../geo.js";
import { drawFixes, said } from "./decided.js";
import { colorOf } from "../../map/regions.js";
import { h } from "../../parts/dom.js";
import { palette } from "../../parts/theme.js";
import { say } from "../../words/words.js";

/** @typedef {import("../../model/past/loop.js").Fix} Fix */

const LEAST_M = 40; // that it shows to each side of its middle
const EDGE_M = 500; // an edge further away is not looked for
const APART = 44; // px between the fixes at least

/**
 * @param {import("../../app.js").App} app
 * @param {Fix[]} fixes
 * @param {{edge: any, own: boolean}} edge the region as it decided
 */
export function whyPicture(app, fixes, edge) {
  const canvas = h("canvas", { role: "img", "aria-label": say("why.picture") });
  const who = {};
  let seen = false;
  let going = false;
  const step = (/** @type {number} */ now) => {
    const part = app.decided.share(now);
    going = seen && canvas.isConnected && part !== null && fixes.length > 1;
    if (seen) draw(canvas, app, fixes, edge.edge, part);
    if (going) requestAnimationFrame(step);
  };
  const wake = () => {
    if (going || !seen) return;
    going = true;
    requestAnimationFrame(step);
  };
  const quiet = app.statusChanged.on(wake); // paused, and on again
  const watch = new IntersectionObserver((entries) => {
    seen = canvas.isConnected && entries[entries.length - 1].isIntersecting;
    if (seen) app.decided.show(who, { fixes, ...edge });
    else app.decided.hide(who);
    wake();
    if (canvas.isConnected) return;
    watch.disconnect();
    quiet();
  });
  watch.observe(canvas);
  return canvas;
}

/** @param {HTMLCanvasElement} canvas @param {import("../../app.js").App} app @param {Fix[]} fixes @param {any} feature
 * @param {number|null} part */
function draw(canvas, app, fixes, feature, part) {
  const ratio = Math.min(2, devicePixelRatio || 1);
  const w = canvas.clientWidth || 240;
  const hh = canvas.clientHeight || 120;
  canvas.width = w * ratio;
  canvas.height = hh * ratio;
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  ctx.scale(ratio, ratio);
  const to = fixes[fixes.length - 1];
  const [ky, kx] = frame(to.lat);
  const midLat = (fixes[0].lat + to.lat) / 2;
  const midLon = (fixes[0].lon + to.lon) / 2;
  const reach = fixes.map((f) => Math.hypot((f.lon - midLon) * kx, (f.lat - midLat) * ky));
  const span = Math.max(
    LEAST_M,
    ...fixes.map(({ accuracy }, i) => reach[i] + (accuracy ?? 10)),
    ...fixes.map(({ edge }) => Math.min(EDGE_M, Math.abs(edge ?? 0))),
  );
  const scale = Math.max(Math.min(w, hh) / 2 / (span * 1.3), Math.min(APART / 2 / (reach[0] || Infinity), 4));
  const at = (/** @type {number} */ lon, /** @type {number} */ lat) =>
    /** @type {[number, number]} */ ([w / 2 + (lon - midLon) * kx * scale, hh / 2 - (lat - midLat) * ky * scale]);
  if (feature) {
    ctx.beginPath();
    for (const rings of outline(feature)) {
      const here = middle(rings[0]);
      const turn = beside(here, midLon) - here;
      for (const ring of rings) {
        for (const [i, [lon, lat]] of ring.entries()) ctx[i ? "lineTo" : "moveTo"](...at(lon + turn, lat));
        ctx.closePath();
      }
    }
    ctx.fillStyle = ctx.strokeStyle = colorOf(feature);
    ctx.globalAlpha = 0.15;
    ctx.fill("evenodd");
    ctx.globalAlpha = 1;
    ctx.lineWidth = 2;
    ctx.stroke();
  }
  ctx.fillStyle = palette().accent;
  ctx.globalAlpha = 0.15;
  for (const { lon, lat, accuracy } of fixes) {
    ctx.beginPath();
    ctx.arc(...at(lon, lat), (accuracy ?? 0) * scale, 0, 2 * Math.PI);
    ctx.fill();
  }
  ctx.globalAlpha = 1;
  const { units, zone } = app.preferences.value;
  drawFixes(ctx, fixes, { at, size: [w, hh], em: 10, part, words: (fix) => said(fix, units, zone) });
}
