// What stands in for the map where it cannot be made: lists, events and everything that is said work on without it.

import { Signal } from "../model/signal.js";

/** Does nothing, whatever is asked of it, and answers itself. */
const NOTHING = /** @type {any} */ (
  new Proxy(class {}, {
    get: (_, name) => (name === Symbol.toPrimitive ? () => 0 : name === "then" ? undefined : NOTHING),
    apply: () => NOTHING,
    set: () => true,
  })
);

export class NoMap {
  /** @param {HTMLElement} element @param {unknown} fault why there is none */
  constructor(element, fault) {
    this.element = element;
    this.fault = fault;
    this.leaflet = NOTHING;
    this.half = { right: 0, bottom: 0 };
    this.cover = { left: 0, right: 0, top: 0, bottom: 0 };
    const view = () => ({ zoom: 2, scale: 1024, cx: 0.5, cy: 0.5, width: 0, height: 0, left: 512, top: 512, ratio: 1 });
    this.stage = {
      map: NOTHING,
      sheets: new Map(),
      framing: new Signal(),
      zooming: false,
      invalidate() {},
      repaint() {},
      pair() {},
      clip() {},
      add: () => document.createElement("canvas"),
      view,
    };
    this.ground = { tiles: false, loadLand: async () => {}, loadStreets: async () => {} };
    this.tiles = { told: new Signal() };
  }

  camera = () => ({ zoom: 2, lat: 30, lon: 10 });
  box = () => [-180, -85, 180, 85];
  pixel = () => [0, 0];
  on() {}
  onPointer() {}
  fit() {}
  go() {}
  reveal() {}
  show() {}
  track() {}
  zoomIn() {}
  zoomOut() {}
  setTiles() {}
  setUnits() {}
  addCredit() {}
}
