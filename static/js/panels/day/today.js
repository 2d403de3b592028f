// Today as one strip: when it moved, stood, was not heard. It is a slider: each place of it leads to its moment.

import { lengths, pieces, stateAt } from "../../model/past/track.js";
import { h, refill } from "../../parts/dom.js";
import { palette, themed } from "../../parts/theme.js";
import * as format from "../../words/format.js";
import { say } from "../../words/words.js";
import { showMoment } from "../timeline/lead.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const STEP = 5 * MINUTE;
const WHAT = /** @type {const} */ (["moving", "idle", "offline"]);
const STILL = 4; // px: a press, no drag

export class DayStrip {
  /** @type {import("../../model/past/track.js").Point[]} */ points = [];
  start = 0; // of the day, …
  end = 0; // … of what is known of it, …
  whole = 24 * HOUR; // … and how long it is
  /** @type {import("../../model/past/track.js").Piece[]} */ pieces = [];
  #from = NaN; // where a hand began, px

  /** @param {import("../../app.js").App} app */
  constructor(app) {
    this.app = app;
    this.canvas = h("canvas", { class: "strip", "aria-hidden": "true" });
    this.head = h("i", { class: "playhead", "aria-hidden": "true", hidden: true });
    this.slider = h("div", { class: "strip-slider", role: "slider", tabIndex: 0 }, this.canvas, this.head);
    this.legend = h("div", { class: "strip-legend num" });
    this.none = h("p", { class: "muted small" }, say("day.none"));
    this.element = h("div", null, this.none, this.slider, this.legend);
    const { slider } = this;
    slider.addEventListener("pointerdown", (e) => this.#down(e));
    slider.addEventListener("pointermove", (e) => this.#move(e));
    slider.addEventListener("pointerup", (e) => this.#up(e));
    slider.addEventListener("pointercancel", () => this.#cancel());
    slider.addEventListener("keydown", (e) => this.#key(e));
    new ResizeObserver(() => this.#paint()).observe(slider);
    themed.on(() => this.#paint());
    app.past.moved.on(() => this.#place());
    this.show([], 0);
  }

  /** @param {import("../../model/past/track.js").Point[]} points of the day @param {number} start of it */
  show(points, start) {
    const { zone } = this.app.preferences.value;
    this.points = points;
    this.start = start;
    this.whole = format.endOfDay(start, zone) - start;
    this.end = Math.min(this.app.now(), start + this.whole);
    this.pieces = pieces(points, this.end);
    const none = !points.length;
    this.none.hidden = !none;
    this.slider.hidden = this.legend.hidden = none;
    if (none) return;
    const total = lengths(this.pieces);
    const said = WHAT.map((one) => say(`day.said.${one}`, { time: format.spoken(total[one]) })).join(", ");
    this.slider.setAttribute("aria-label", say("day.said", { parts: said }));
    const words = WHAT.map((one) => say(`day.${one}`, { time: format.lasted(total[one]) }));
    const tint = tints();
    refill(
      this.legend,
      `${words.join()} ${Object.values(tint).join()}`,
      WHAT.map((one, i) => {
        const key = h("i", null);
        key.style.setProperty("--swatch", tint[one]);
        return h("span", null, key, words[i]);
      }),
    );
    this.#place();
    this.#paint();
  }

  /** The moment that is shown, where it is of this day. */
  get at() {
    const { at } = this.app.past;
    return at !== null && at >= this.start && at <= this.end ? at : null;
  }

  #place() {
    if (this.slider.hidden) return;
    const { at, slider, head } = this;
    const { zone } = this.app.preferences.value;
    head.hidden = at === null;
    const value = at ?? this.end;
    head.style.left = `${((value - this.start) / this.whole) * 100}%`;
    const was = stateAt(this.pieces, value);
    const said = at === null ? say("past.now") : format.clock(at, zone);
    const words = at !== null && was ? `${said}, ${say(`day.at.${was}`)}` : said;
    if (slider.getAttribute("aria-valuetext") === words) return;
    slider.setAttribute("aria-valuemin", "0");
    slider.setAttribute("aria-valuemax", String(Math.floor((this.end - this.start) / MINUTE)));
    slider.setAttribute("aria-valuenow", String(Math.floor((value - this.start) / MINUTE)));
    slider.setAttribute("aria-valuetext", words);
  }

  /** @param {PointerEvent} e */
  #time(e) {
    const { left, width } = this.slider.getBoundingClientRect();
    return this.#within(this.start + ((e.clientX - left) / Math.max(1, width)) * this.whole);
  }

  /** @param {number} time */
  #within(time) {
    return Math.max(this.start, Math.min(this.end, time));
  }

  /** @param {number} time @param {boolean} [along] */
  #lead(time, along = false) {
    const { vehicle } = this.app.state.value;
    const last = this.points.findLast((point) => point.time <= time && !point.held);
    showMoment(this.app, time, { vehicle, place: last ? [last.lat, last.lon] : null, along });
  }

  /** @param {PointerEvent} e */
  #down(e) {
    if (e.button) return;
    this.slider.setPointerCapture(e.pointerId);
    this.#from = e.clientX;
  }

  /** @param {PointerEvent} e */
  #move(e) {
    if (e.pointerType === "mouse") this.slider.title = format.clock(this.#time(e), this.app.preferences.value.zone);
    if (Number.isNaN(this.#from) || Math.abs(e.clientX - this.#from) < STILL) return;
    this.#from = Infinity; // from now on it is a drag
    this.app.past.scrub(this.#time(e));
  }

  /** @param {PointerEvent} e */
  #up(e) {
    if (Number.isNaN(this.#from)) return;
    this.#from = NaN;
    this.#lead(this.#time(e));
  }

  /** The finger scrolled the panel instead. */
  #cancel() {
    const { past } = this.app;
    if (this.#from === Infinity && past.scrubbing && past.at !== null) past.go(past.at);
    this.#from = NaN;
  }

  /** @param {KeyboardEvent} e */
  #key(e) {
    if (e.altKey || e.ctrlKey || e.metaKey) return;
    const now = this.at ?? this.end;
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[e.key];
    const page = { PageUp: 1, PageDown: -1 }[e.key];
    if (step) this.#lead(this.#within(now + step * (e.shiftKey ? HOUR : STEP)), true);
    else if (page) this.#lead(this.#within(now + page * HOUR), true);
    else if (e.key === "Home") this.#lead(this.start, true);
    else if (e.key === "End") this.#lead(this.end, true);
    else return;
    e.preventDefault();
    e.stopPropagation();
  }

  #paint() {
    const { canvas } = this;
    const w = canvas.clientWidth;
    const hh = canvas.clientHeight;
    if (!w || !hh || this.slider.hidden) return;
    const { zone } = this.app.preferences.value;
    const ratio = Math.min(2, devicePixelRatio || 1);
    const color = palette();
    const tint = tints();
    const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    canvas.width = w * ratio;
    canvas.height = hh * ratio;
    ctx.scale(ratio, ratio);
    ctx.fillStyle = color.graticule;
    ctx.fillRect(0, 0, w, 16);
    for (const { from, until, what } of this.pieces) {
      ctx.fillStyle = tint[what];
      const x = ((from - this.start) / this.whole) * w;
      const high = what === "moving" ? 16 : what === "idle" ? 9 : 3;
      ctx.fillRect(x, 16 - high, Math.max(1, ((until - from) / this.whole) * w), high);
    }
    ctx.fillStyle = color.muted;
    ctx.font = `10px ${color.font}`;
    for (let hour = 0; hour < 24; hour += 6)
      ctx.fillText(
        format.clockShort(this.start + hour * HOUR, zone),
        ((hour * HOUR) / this.whole) * w + (hour ? -14 : 0),
        26,
      );
  }
}

function tints() {
  const color = palette();
  return { moving: color.moving, idle: color.idle, offline: color.line };
}
