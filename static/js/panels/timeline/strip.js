// The strip: how much moved, what happened, where the moment is. It is a slider: pointer, finger and keys move along
// it, the wheel, two fingers and plus and minus make it longer or shorter.

import { h } from "../../parts/dom.js";
import { palette, themed } from "../../parts/theme.js";
import { axis } from "../../model/past/axis.js";
import * as moments from "../../model/past/moment.js";
import * as format from "../../words/format.js";
import { kindOf } from "../../words/phrases.js";
import { say } from "../../words/words.js";

const AXIS = 16; // px, where the times are
const TICKS = 13; // px, where the events are
const APART = 5; // px, else two events are one tick
const NEAR = 7; // px from a tick that mean it; a finger: TOUCH
const TOUCH = 20;
const STILL = 4; // px: a press, no drag
const ZOOM = 1.5;

export class Strip {
  /** @param {import("../../app.js").App} app */
  constructor(app) {
    this.app = app;
    this.past = app.past;
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.head = h("i", { class: "playhead", "aria-hidden": "true" });
    this.element = h(
      "div",
      { class: "time-strip", role: "slider", tabIndex: 0, "aria-label": say("past.at") },
      this.canvas,
      this.head,
    );
    /** @type {Map<number, number>} */ this.fingers = new Map();
    /** @type {{x: number, pans: boolean, moved: boolean, span: moments.Span}|null} */ this.hold = null;
    this.said = "";
    this.frame = 0;
    const { element } = this;
    element.addEventListener("pointerdown", (e) => this.#down(e));
    element.addEventListener("pointermove", (e) => this.#move(e));
    element.addEventListener("pointerup", (e) => this.#up(e));
    element.addEventListener("pointercancel", (e) => this.#up(e));
    element.addEventListener("wheel", (e) => this.#wheel(e), { passive: false });
    element.addEventListener("keydown", (e) => this.#key(e));
    this.width = 1; // px, measured when it changes: asking lays the page out
    new ResizeObserver(() => {
      this.width = Math.max(1, element.clientWidth);
      this.soon();
    }).observe(element);
    themed.on(() => this.soon());
    this.past.changed.on(() => this.soon());
    this.past.moved.on(() => this.place());
    app.preferences.changed.on(() => this.soon());
  }

  /** @param {number} x px */
  #time(x) {
    const { from, until } = this.past.span;
    return from + (x / this.width) * (until - from);
  }

  /** @param {PointerEvent|WheelEvent} e */
  #x(e) {
    return e.clientX - this.element.getBoundingClientRect().left;
  }

  /** @param {PointerEvent} e */
  #down(e) {
    if (e.button) return;
    e.preventDefault();
    this.element.focus({ preventScroll: true });
    this.element.setPointerCapture(e.pointerId);
    const x = this.#x(e);
    this.fingers.set(e.pointerId, x);
    const box = this.element.getBoundingClientRect();
    const pans = e.pointerType === "mouse" && e.clientY - box.top > box.height - AXIS;
    this.hold = { x, pans: pans || this.fingers.size > 1, moved: this.fingers.size > 1, span: this.past.span };
    if (this.hold.pans) this.past.pause();
  }

  /** @param {PointerEvent} e */
  #move(e) {
    const x = this.#x(e);
    const { hold, fingers, past } = this;
    if (!hold || !fingers.has(e.pointerId)) return this.#point(e, x);
    if (fingers.size > 1) {
      const [a, b] = [...fingers.values()];
      fingers.set(e.pointerId, x);
      const [c, d] = [...fingers.values()];
      // What was under each finger stays under it.
      const factor = Math.max(1, Math.abs(a - b)) / Math.max(1, Math.abs(c - d));
      const now = this.app.newest();
      const span = moments.zoomed(past.span, factor, this.#time((a + b) / 2), now);
      return past.look(moments.panned(span, (((a + b - c - d) / 2) * (span.until - span.from)) / this.width, now));
    }
    fingers.set(e.pointerId, x);
    if (Math.abs(x - hold.x) > STILL) hold.moved = true;
    if (!hold.moved) return;
    const ms = (hold.span.until - hold.span.from) / this.width;
    if (hold.pans) past.look(moments.panned(hold.span, (hold.x - x) * ms, this.app.newest()));
    else past.scrub(Math.max(past.span.from, Math.min(past.span.until, this.#time(x))));
  }

  /** @param {PointerEvent} e */
  #up(e) {
    const { hold, fingers, past } = this;
    if (!fingers.delete(e.pointerId) || !hold) return;
    const x = this.#x(e);
    if (fingers.size) return;
    this.hold = null;
    if (hold.moved || hold.pans) {
      if (past.scrubbing && past.at !== null) past.go(past.at);
      return;
    }
    const some = this.#pressed(x, e);
    const apart = some.length > 1 ? moments.parting(some, past.span) : null;
    if (apart) return past.look(moments.kept(apart, this.app.newest()));
    if (some.length) return past.offer(some);
    past.pause(false);
    past.go(this.#time(x));
  }

  /** The events of the tick a mouse is at, or of all that a finger may mean.
   * @param {number} x @param {PointerEvent} e */
  #pressed(x, e) {
    if (e.clientY - this.element.getBoundingClientRect().top > TICKS + 3) return [];
    const events = this.past.known.events.value?.events ?? [];
    const mouse = e.pointerType === "mouse";
    const far = (/** @type {{x: number}} */ tick) => Math.abs(tick.x - x);
    const near = moments
      .ticks(events, this.past.span, this.width, APART)
      .filter((tick) => far(tick) <= (mouse ? NEAR : TOUCH))
      .sort((a, b) => (mouse ? far(a) - far(b) : a.first - b.first));
    return (mouse ? near.slice(0, 1) : near).flatMap(({ first, count }) => events.slice(first, first + count));
  }

  /** @param {PointerEvent} e @param {number} x */
  #point(e, x) {
    if (e.pointerType !== "mouse") return;
    const { zone } = this.app.preferences.value;
    const box = this.element.getBoundingClientRect();
    const [tick] = this.#pressed(x, e);
    this.element.dataset.over = tick ? "event" : e.clientY - box.top > box.height - AXIS ? "axis" : "";
    this.element.title = moment(this.app, tick ? tick.time : this.#time(x), zone);
  }

  /** @param {WheelEvent} e */
  #wheel(e) {
    e.preventDefault();
    const { past } = this;
    const now = this.app.newest();
    const unit = e.deltaMode ? 30 : 1;
    const across = e.shiftKey ? e.deltaY || e.deltaX : e.deltaX;
    if (Math.abs(across) > Math.abs(e.shiftKey ? 0 : e.deltaY)) {
      const ms = ((past.span.until - past.span.from) / this.width) * across * unit;
      return past.look(moments.panned(past.span, ms, now));
    }
    past.look(moments.zoomed(past.span, 1.002 ** (e.deltaY * unit), this.#time(this.#x(e)), now));
  }

  /** Longer or shorter, around the moment. @param {1|-1} by */
  zoom(by) {
    const { past } = this;
    const anchor = Math.max(past.span.from, Math.min(past.span.until, past.now));
    past.look(moments.zoomed(past.span, by > 0 ? ZOOM : 1 / ZOOM, anchor, this.app.newest()));
  }

  /** @param {KeyboardEvent} e */
  #key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const { past } = this;
    const { span } = past;
    const deeds = /** @type {Record<string, () => void>} */ ({
      ArrowLeft: () => past.step(-moments.stride(span, e.shiftKey)),
      ArrowDown: () => past.step(-moments.stride(span, e.shiftKey)),
      ArrowRight: () => past.step(moments.stride(span, e.shiftKey)),
      ArrowUp: () => past.step(moments.stride(span, e.shiftKey)),
      PageDown: () => past.step(-moments.stride(span, true)),
      PageUp: () => past.step(moments.stride(span, true)),
      Home: () => past.step(span.from - moments.whole(past.now)),
      End: () => past.step(span.until - moments.whole(past.now)),
      "+": () => this.zoom(-1),
      "=": () => this.zoom(-1),
      "-": () => this.zoom(1),
    });
    const deed = deeds[e.key];
    if (!deed) return;
    e.preventDefault();
    deed();
  }

  soon() {
    if (!this.frame)
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.paint();
      });
  }

  /** Where the moment is. */
  place() {
    const { past, head, element } = this;
    const { from, until } = past.span;
    const share = (past.now - from) / (until - from);
    head.style.transform = `translateX(${Math.round(Math.max(0, Math.min(1, share)) * (this.width - 1))}px)`;
    head.hidden = share < 0 || share > 1.001;
    if (past.playing || past.scrubbing) return; // who listens is told where it stops
    const words = past.at === null ? say("past.now") : moment(this.app, past.at, this.app.preferences.value.zone);
    const known = past.at === null ? "" : say("past.known", { n: past.fleet.shown });
    const said = [words, known].filter(Boolean).join(", ");
    if (said === this.said) return;
    this.said = said;
    element.setAttribute("aria-valuemin", String(Math.round(from / 1000)));
    element.setAttribute("aria-valuemax", String(Math.round(until / 1000)));
    element.setAttribute("aria-valuenow", String(Math.round(past.now / 1000)));
    element.setAttribute("aria-valuetext", said);
  }

  paint() {
    this.place();
    const { canvas, past } = this;
    const w = this.width;
    const tall = this.element.clientHeight;
    if (!tall) return;
    const ratio = Math.min(2, devicePixelRatio || 1);
    canvas.width = Math.round(w * ratio);
    canvas.height = Math.round(tall * ratio);
    const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    ctx.scale(ratio, ratio);
    const color = palette();
    const { from, until } = past.span;
    const x = (/** @type {number} */ time) => ((time - from) / (until - from)) * w;
    const foot = tall - AXIS;
    const high = foot - TICKS;
    ctx.fillStyle = color.graticule;
    ctx.fillRect(0, TICKS, w, high);
    const told = past.known.activity.value;
    if (told) {
      const most = Math.max(1, ...told.known, ...told.moving);
      const step = told.step_s * 1000;
      for (const [counts, tint] of /** @type {const} */ ([
        [told.known, color.line],
        [told.moving, color.moving],
      ])) {
        ctx.fillStyle = tint;
        counts.forEach((n, i) => {
          const left = x(told.from + i * step);
          const right = x(told.from + (i + 1) * step);
          if (!n || right < 0 || left > w) return;
          const top = Math.max(1.5, (n / most) * high);
          ctx.fillRect(left, foot - top, Math.max(1, right - left - (right - left > 3 ? 1 : 0)), top);
        });
      }
    }
    if (this.app.preferences.value.skip) {
      ctx.strokeStyle = color.muted;
      ctx.lineWidth = 1;
      ctx.globalAlpha = 0.5;
      ctx.beginPath();
      for (const quiet of past.known.dull) {
        const end = Math.min(w, x(quiet.until));
        for (let at = Math.max(0, x(quiet.from)); at < end; at += 6) {
          ctx.moveTo(at, foot);
          ctx.lineTo(Math.min(at + 5, end), foot - 6);
        }
      }
      ctx.stroke();
      ctx.globalAlpha = 1;
    }
    this.#axis(ctx, x, foot, tall);
    const events = past.known.events.value?.events ?? [];
    for (const tick of moments.ticks(events, past.span, w, APART)) {
      const loud = events
        .slice(tick.first, tick.first + tick.count)
        .some((one) => kindOf(one.event.kind).level === "high");
      ctx.fillStyle = loud ? color.alert : color.muted;
      ctx.beginPath();
      ctx.arc(tick.x, TICKS / 2, tick.count > 1 ? 4.5 : 3.2, 0, 2 * Math.PI);
      ctx.fill();
      ctx.fillRect(tick.x - 0.5, TICKS / 2, 1, TICKS / 2);
    }
  }

  /** @param {CanvasRenderingContext2D} ctx @param {(time: number) => number} x @param {number} foot
   * @param {number} tall */
  #axis(ctx, x, foot, tall) {
    const color = palette();
    const size = Math.max(10, Number.parseFloat(getComputedStyle(this.element).fontSize) || 11);
    ctx.font = `${size}px ${color.font}`;
    ctx.textBaseline = "middle";
    for (const { time, words, day } of axis(this.past.span, this.width, size * 7, this.app.preferences.value.zone)) {
      const left = Math.round(x(time));
      ctx.fillStyle = day ? color.muted : color.line;
      ctx.fillRect(left, day ? TICKS : foot, 1, day ? tall : 4);
      ctx.fillStyle = day ? color.ink : color.muted;
      const wide = ctx.measureText(words).width;
      if (left + wide + 4 < this.width) ctx.fillText(words, left + 4, foot + (tall - foot) / 2 + 1);
    }
  }
}

/** "Thu 26 Nov 09:15:04". @param {import("../../app.js").App} app @param {number} at @param {string} zone */
export const moment = (app, at, zone) =>
  `${format.weekday(at, zone)} ${format.dayOf(at, app.now(), zone)} ${format.clock(at, zone)}`;
