// The stage: every canvas over the map, one animation loop, one notion of the view. With map.js the only place that
// knows Leaflet.

import { lonAt, latAt, worldX, worldY } from "../geo.js";
import { Signal } from "../model/signal.js";

/**
 * What a painter needs to place world coordinates: screen = world · scale − (left, top).
 * @typedef {object} View
 * @property {number} zoom @property {number} scale world → CSS px @property {number} left @property {number} top
 * @property {number} width CSS px of the canvas @property {number} height @property {number} ratio device px a CSS px
 * @property {number} cx world x of the middle @property {number} cy
 */
/**
 * @typedef {object} Painter
 * @property {string} name
 * @property {""|"beside"} [side] the picture it belongs to: that of the map, or the second one
 * @property {string} pane a Leaflet pane
 * @property {number} [padding] extra canvas on each side, in parts of the view
 * @property {boolean} [live] repainted while the map is dragged (else its picture moves along and is renewed at the
 *   end)
 * @property {(view: View) => boolean} [blank] there is nothing to paint: a canvas that is not there costs no frame
 *   anything, an empty one is copied and blended like a full one
 * @property {(canvas: HTMLCanvasElement, view: View, now: number) => boolean|void} paint true: call again next frame
 */

export class Stage {
  /** @param {L.Map} map */
  constructor(map) {
    this.map = map;
    /** @type {Map<string, {painter: Painter, canvas: HTMLCanvasElement, dirty: boolean, view: View|null}>} */
    this.sheets = new Map();
    /** @type {Map<string, number[]|null>} the part of the map each picture is seen in; null: all of it */
    this.parts = new Map();
    this.beside = false; // a second picture is painted
    this.ratioLimit = 2;
    this.scheduled = 0;
    this.zooming = false;
    /** @type {Signal<[]>} pixels have another size */ this.resized = new Signal();
    /** @type {number[][]} */ this.cornerBoxes = [];
    this.cornersAt = -Infinity;
    this.ratio = devicePixelRatio;
    setInterval(() => this.#watchRatio(), 500); // a media query tells of it in some browsers only
    /** @type {Signal<[now: number]>} a frame is about to be painted */ this.framing = new Signal();
    /** @type {Signal<[name: string, fault: unknown]>} a painter failed, for the first time */ this.failed =
      new Signal();
    /** @type {Set<string>} painters that failed */ this.faults = new Set();
    map.on("move zoom viewreset resize", () => this.#viewMoved(false));
    map.on("moveend zoomend", () => {
      this.zooming = false;
      this.#viewMoved(true);
    });
    map.on("zoomanim", (e) => {
      this.zooming = true;
      for (const sheet of this.sheets.values()) this.#ride(sheet, e.center, e.zoom);
    });
  }

  /**
   * What lies in the map's corners, credit and scale: no name is written under them. [left, top, right, bottom], CSS px
   * of the map, measured at most once a second.
   * @returns {number[][]}
   */
  corners() {
    if (performance.now() - this.cornersAt < 1000) return this.cornerBoxes;
    this.cornersAt = performance.now();
    const frame = this.map.getContainer().getBoundingClientRect();
    const boxes = [...this.map.getContainer().querySelectorAll(".leaflet-control")]
      .map((node) => node.getBoundingClientRect())
      .filter((box) => box.width);
    this.cornerBoxes = boxes.map((box) => [
      box.left - frame.left,
      box.top - frame.top,
      box.right - frame.left,
      box.bottom - frame.top,
    ]);
    return this.cornerBoxes;
  }

  /** On another screen or at another browser zoom a pixel is another size: every picture is drawn again. */
  #watchRatio() {
    if (this.ratio === devicePixelRatio) return;
    this.ratio = devicePixelRatio;
    this.invalidate();
    this.resized.tell();
  }

  /** @param {Painter} painter */
  add(painter) {
    const canvas = document.createElement("canvas");
    const key = named(painter.name, painter.side);
    canvas.className = "leaflet-zoom-animated stage-canvas";
    canvas.dataset.layer = key;
    this.map.getPane(named(painter.pane, painter.side))?.appendChild(canvas);
    this.sheets.set(key, { painter, canvas, dirty: true, view: null });
    this.#schedule();
    return canvas;
  }

  /** Repaint in the next frame. @param {...string} names none: everything */
  invalidate(...names) {
    for (const name of names.length ? names : this.sheets.keys())
      for (const sheet of [this.sheets.get(name), this.sheets.get(named(name, "beside"))])
        if (sheet) sheet.dirty = true;
    this.#schedule();
  }

  /** Repaint one picture and leave the other. @param {""|"beside"} side @param {...string} names */
  repaint(side, ...names) {
    for (const name of names) {
      const sheet = this.sheets.get(named(name, side));
      if (sheet) sheet.dirty = true;
    }
    this.#schedule();
  }

  /** The second picture is painted from now on, or no more: then nothing of it stays. @param {boolean} on */
  pair(on) {
    this.beside = on;
    if (!on) for (const { painter, canvas } of this.sheets.values()) if (painter.side) canvas.width = canvas.height = 0;
    this.invalidate();
  }

  /** A picture is seen in this part of the map, CSS px (null: in all of it). @param {""|"beside"} side
   * @param {number[]|null} box */
  clip(side, box) {
    this.parts.set(side, box);
    this.#clip();
  }

  /** The parts stay where they are while the map moves under them. */
  #clip() {
    if (!this.parts.size) return;
    const { x, y } = this.map.containerPointToLayerPoint([0, 0]);
    for (const { painter, canvas } of this.sheets.values()) {
      if (painter.side === undefined || !canvas.parentElement) continue;
      const box = this.parts.get(painter.side);
      const edges = box && [box[1] + y, -(box[2] + x), -(box[3] + y), box[0] + x]; // of a pane, which has no size
      canvas.parentElement.style.clipPath = edges ? `inset(${edges.map((px) => `${px}px`).join(" ")})` : "";
    }
  }

  /** The view the map shows now, without padding. @returns {View} */
  view(padding = 0) {
    const size = this.map.getSize();
    const center = this.map.getCenter();
    const zoom = this.map.getZoom();
    const scale = 256 * 2 ** zoom;
    const width = Math.round(size.x * (1 + 2 * padding));
    const height = Math.round(size.y * (1 + 2 * padding));
    const cx = worldX(center.lng);
    const cy = worldY(center.lat);
    return {
      zoom,
      scale,
      cx,
      cy,
      width,
      height,
      left: cx * scale - width / 2,
      top: cy * scale - height / 2,
      ratio: Math.min(window.devicePixelRatio || 1, this.ratioLimit),
    };
  }

  /** @param {boolean} ended */
  #viewMoved(ended) {
    this.#clip();
    for (const sheet of this.sheets.values()) {
      if (sheet.painter.live || ended) sheet.dirty = true;
      else if (!this.zooming && sheet.view && sheet.view.zoom !== this.map.getZoom())
        this.#ride(sheet, this.map.getCenter(), this.map.getZoom());
    }
    this.#schedule();
  }

  /** Carry an already painted picture along to a coming or passing view, as Leaflet carries its own layers.
   * @param {{canvas: HTMLCanvasElement, view: View|null}} sheet @param {L.LatLng} center @param {number} zoom */
  #ride(sheet, center, zoom) {
    const view = sheet.view;
    if (!view) return;
    const map = /** @type {any} */ (this.map);
    const grow = 2 ** (zoom - view.zoom);
    const corner = L.latLng(
      latAt((view.top + view.height / 2) / view.scale),
      lonAt((view.left + view.width / 2) / view.scale),
    );
    const at = map
      ._latLngToNewLayerPoint(corner, zoom, center)
      .subtract([(view.width / 2) * grow, (view.height / 2) * grow]);
    L.DomUtil.setTransform(sheet.canvas, at, grow);
  }

  #schedule() {
    if (!this.scheduled) this.scheduled = requestAnimationFrame((now) => this.#frame(now));
  }

  /**
   * One painter's mistake costs its own picture, and is told once.
   * @param {Painter} painter
   * @param {HTMLCanvasElement} canvas
   * @param {View} view
   * @param {number} now
   */
  #paint(painter, canvas, view, now) {
    try {
      return painter.paint(canvas, view, now) === true;
    } catch (fault) {
      if (!this.faults.has(painter.name)) this.failed.tell(painter.name, fault);
      this.faults.add(painter.name);
      return false;
    }
  }

  /** @param {number} now */
  #frame(now) {
    this.scheduled = 0;
    this.framing.tell(now);
    if (this.zooming) return; // pictures ride on the zoom animation; its end repaints them
    let more = false;
    for (const sheet of this.sheets.values()) {
      if (!sheet.dirty || (sheet.painter.side && !this.beside)) continue;
      const padding = sheet.painter.padding ?? 0;
      const view = this.view(padding);
      const { canvas } = sheet;
      canvas.hidden = sheet.painter.blank?.(view) ?? false;
      if (canvas.hidden) {
        sheet.dirty = false;
        continue;
      }
      const w = Math.round(view.width * view.ratio);
      const hh = Math.round(view.height * view.ratio);
      if (canvas.width !== w || canvas.height !== hh) {
        canvas.width = w;
        canvas.height = hh;
        canvas.style.width = `${view.width}px`;
        canvas.style.height = `${view.height}px`;
      }
      sheet.view = view;
      const size = this.map.getSize();
      L.DomUtil.setTransform(canvas, this.map.containerPointToLayerPoint([-size.x * padding, -size.y * padding]), 1);
      sheet.dirty = this.#paint(sheet.painter, canvas, view, now);
      more ||= sheet.dirty;
    }
    if (more) this.#schedule();
  }
}

/** @param {string} name @param {string} [side] */
const named = (name, side) => (side ? `${name}-${side}` : name);

/** The size of the words on the map: a wall of screens is read from further away. @param {View} view CSS px */
export const typeSize = (view) => (view.width < 2000 ? 11 : 15);

/**
 * The 2D context of a painter's canvas, cleared, in CSS pixels.
 * @param {HTMLCanvasElement} canvas
 * @param {View} view
 */
export function pen(canvas, view) {
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  ctx.setTransform(1, 0, 0, 1, 0, 0);
  ctx.clearRect(0, 0, canvas.width, canvas.height);
  ctx.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
  ctx.textAlign = "left"; // as the painter before may not have left it
  ctx.textBaseline = "alphabetic";
  return ctx;
}
