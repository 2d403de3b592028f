// Today as one strip: when it moved, stood, was not heard.

import { h } from "../../parts/dom.js";
import { lengths, pieces } from "../../model/past/track.js";
import * as format from "../../words/format.js";
import { palette } from "../../parts/theme.js";
import { say } from "../../words/words.js";

/**
 * @param {{time: number, speed: number|null}[]} points
 * @param {number} start
 * @param {number} now
 * @param {string} zone
 */
export function dayStrip(points, start, now, zone) {
  if (!points.length) return h("p", { class: "muted small" }, say("day.none"));
  const whole = format.endOfDay(start, zone) - start;
  const end = Math.min(now, start + whole);
  const list = pieces(points, end);
  const total = lengths(list);
  const what = /** @type {const} */ (["moving", "idle", "offline"]);
  const color = palette();
  const tint = { moving: color.moving, idle: color.idle, offline: color.line };
  const canvas = h("canvas", {
    class: "strip",
    role: "img",
    "aria-label": say("day.said", {
      parts: what.map((one) => say(`day.said.${one}`, { time: format.spoken(total[one]) })).join(", "),
    }),
  });
  requestAnimationFrame(() => {
    const ratio = Math.min(2, devicePixelRatio || 1);
    const w = canvas.clientWidth;
    const hh = canvas.clientHeight;
    const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    canvas.width = w * ratio;
    canvas.height = hh * ratio;
    ctx.scale(ratio, ratio);
    ctx.fillStyle = color.graticule;
    ctx.fillRect(0, 0, w, 16);
    for (const { from, until, what } of list) {
      ctx.fillStyle = tint[what];
      const x = ((from - start) / whole) * w;
      const high = what === "moving" ? 16 : what === "idle" ? 9 : 3;
      ctx.fillRect(x, 16 - high, Math.max(1, ((until - from) / whole) * w), high);
    }
    ctx.fillStyle = color.muted;
    ctx.font = `10px ${color.font}`;
    for (let hour = 0; hour < 24; hour += 6)
      ctx.fillText(
        format.clockShort(start + hour * 3_600_000, zone),
        ((hour * 3_600_000) / whole) * w + (hour ? -14 : 0),
        26,
      );
  });
  return h(
    "div",
    null,
    canvas,
    h(
      "div",
      { class: "strip-legend num" },
      what.map((one) => {
        const key = h("i", null);
        key.style.setProperty("--swatch", tint[one]);
        return h("span", null, key, say(`day.${one}`, { time: format.lasted(total[one]) }));
      }),
    ),
  );
}
