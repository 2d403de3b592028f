// The map itself: camera, panes, tiles. Everything else asks this module (and stage.js) instead of Leaflet, so that a
// newer Leaflet is a change of two files.

import { Ground } from "./ground.js";
import { Stage } from "./stage.js";
import { Tiles } from "./tiles.js";
import { get } from "../net/api.js";
import { beside, turn } from "../antimeridian.js";
import { latAt, lonAt } from "../geo.js";
import { say } from "../words/words.js";

/** @typedef {{zoom: number, lat: number, lon: number}} Camera */

/** Bottom to top. */
const PANES = /** @type {Record<string, number>} */ ({
  ground: 150,
  regions: 350,
  trail: 380,
  route: 381,
  vehicles: 420,
  overlay: 430,
  marks: 431,
  sketch: 620,
});
const PAIRED = ["regions", "trail", "vehicles", "overlay"]; // those of a picture: see picture.js
const OFFLINE_CREDIT = say("credit.land");

export class FleetMap {
  /** @param {HTMLElement} element @param {Camera|null} camera */
  constructor(element, camera) {
    this.element = element;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.leaflet = L.map(element, {
      center: camera ? [camera.lat, camera.lon] : [30, 10],
      zoom: camera ? camera.zoom : 2,
      minZoom: 2,
      maxZoom: 19,
      zoomSnap: 0.25,
      wheelPxPerZoomLevel: 90,
      zoomControl: false,
      attributionControl: false,
      doubleClickZoom: true,
      worldCopyJump: true,
      zoomAnimation: !calm,
      fadeAnimation: !calm,
      inertia: !calm,
      boxZoom: true,
      keyboardPanDelta: 120,
      maxBoundsViscosity: 1,
    });
    const panes = { ...PANES, ...Object.fromEntries(PAIRED.map((name) => [`${name}-beside`, PANES[name]])) };
    for (const [name, z] of Object.entries(panes)) {
      const pane = this.leaflet.createPane(name);
      pane.style.zIndex = String(z);
      if (name !== "sketch") pane.style.pointerEvents = "none";
    }
    this.credit = L.control.attribution({ prefix: false, position: "bottomright" }).addTo(this.leaflet);
    this.credit.addAttribution(OFFLINE_CREDIT);
    this.scale = /** @type {L.Control|null} */ (null);
    this.stage = new Stage(this.leaflet);
    this.ground = new Ground(this.stage);
    this.tiles = new Tiles(this.leaflet, async () => (await get("page")).tiles);
    this.tiles.told.on((working) => {
      this.ground.tiles = working;
      this.stage.invalidate("ground");
    });
    this.stage.resized.on(() => {
      this.tiles.renew();
      this.#seal();
    });
    this.leaflet.on("zoomend", () => this.#seal());
    this.leaflet.whenReady(() => this.#seal());
    /** What the chrome covers, CSS px: the camera aims at what is left. */
    this.cover = { left: 0, right: 0, top: 0, bottom: 0 };
    /** What belongs to another moment: what is looked at is kept in the rest. */
    this.half = { right: 0, bottom: 0 };
    new ResizeObserver(() => this.leaflet.invalidateSize({ pan: false })).observe(element);
  }

  /** Where a tile's edge falls between two pixels the ground would shine through: there tiles are a pixel larger. */
  #seal() {
    const side = 256 * 2 ** (this.leaflet.getZoom() % 1) * devicePixelRatio;
    this.element.classList.toggle("between-pixels", Math.abs(side - Math.round(side)) > 1e-6);
    this.element.style.setProperty("--tile", `${this.tiles.side() + 1}px`);
  }

  /** @param {import("./tiles.js").TileSource|null} source */
  setTiles(source) {
    this.tiles.show(source);
  }

  /** @param {"metric"|"imperial"|"nautical"} units */
  setUnits(units) {
    this.scale?.remove();
    this.scale = L.control
      .scale({ metric: units === "metric", imperial: units !== "metric", maxWidth: 90, position: "bottomleft" })
      .addTo(this.leaflet);
  }

  /** @param {string} text */
  addCredit(text) {
    this.credit.addAttribution(text);
  }

  /** @returns {Camera} */
  camera() {
    const center = this.leaflet.getCenter();
    return { zoom: this.leaflet.getZoom(), lat: center.lat, lon: turn(center.lng) };
  }

  /** [west, south, east, north] of what is seen. @returns {[number, number, number, number]} */
  box() {
    const b = this.leaflet.getBounds();
    return [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()];
  }

  /**
   * Show this box in the part of the map that nothing covers.
   * @param {[number, number, number, number]} box
   * @param {{animate?: boolean, maxZoom?: number}} [how]
   */
  fit([west, south, east, north], { animate = true, maxZoom = 15 } = {}) {
    const c = this.cover;
    const pad = 24;
    const shift = turn((west + east) / 2) - (west + east) / 2;
    west += shift;
    east += shift;
    // a wall of screens sees no less detail than a desk
    maxZoom += Math.max(0, Math.log2(this.element.clientWidth / 1280));
    this.leaflet.fitBounds(
      [
        [south, west],
        [north, east],
      ],
      {
        paddingTopLeft: [c.left + pad, c.top + pad],
        paddingBottomRight: [c.right + pad, c.bottom + pad],
        maxZoom,
        animate,
      },
    );
  }

  /**
   * Go to a place, centred in the uncovered part.
   * @param {number} lat
   * @param {number} lon
   * @param {number} [zoom]
   * @param {boolean} [animate]
   */
  go(lat, lon, zoom = this.leaflet.getZoom(), animate = true) {
    const c = this.#aim();
    const shift = L.point((c.right - c.left) / 2, (c.bottom - c.top) / 2);
    const center = this.leaflet.unproject(this.leaflet.project([lat, this.#near(lon)], zoom).add(shift), zoom);
    this.leaflet.setView(center, zoom, { animate });
  }

  /** This view again, as `camera` told it. @param {Camera} camera */
  show({ lat, lon, zoom }) {
    this.leaflet.setView([lat, this.#near(lon)], zoom);
  }

  /** Pan as little as needed so that this place is seen. @param {number} lat @param {number} lon */
  reveal(lat, lon) {
    const c = this.#aim();
    const pad = 60;
    this.leaflet.panInside([lat, this.#near(lon)], {
      paddingTopLeft: [c.left + pad, c.top + pad],
      paddingBottomRight: [c.right + pad, c.bottom + pad],
    });
  }

  #aim() {
    const { cover, half } = this;
    return { ...cover, right: cover.right + half.right, bottom: cover.bottom + half.bottom };
  }

  /** Keep the camera on a moving place without animation of its own. @param {number} x world @param {number} y */
  track(x, y) {
    const view = this.stage.view();
    const c = this.#aim();
    x += Math.round(view.cx - x);
    const px = x * view.scale + (c.right - c.left) / 2;
    const py = y * view.scale + (c.bottom - c.top) / 2;
    if (Math.abs(px - view.cx * view.scale) + Math.abs(py - view.cy * view.scale) < 0.5) return;
    this.leaflet.setView([latAt(py / view.scale), lonAt(px / view.scale)], view.zoom, { animate: false });
  }

  zoomIn() {
    this.leaflet.zoomIn(1);
  }

  zoomOut() {
    this.leaflet.zoomOut(1);
  }

  /** @param {"move"|"moveend"|"dragstart"|"zoomstart"} type @param {() => void} listener */
  on(type, listener) {
    this.leaflet.on(type, listener);
  }

  /**
   * Pointer on the map itself, not on a control over it.
   * @param {"click"|"dblclick"|"mousemove"|"mouseout"|"contextmenu"} type
   * @param {(at: {x: number, y: number, lat: number, lon: number, original: MouseEvent}) => void} listener
   */
  onPointer(type, listener) {
    this.leaflet.on(type, (/** @type {any} */ e) =>
      listener({
        x: e.containerPoint?.x,
        y: e.containerPoint?.y,
        lat: e.latlng?.lat,
        lon: e.latlng?.lng,
        original: e.originalEvent,
      }),
    );
  }

  /** CSS px in the map. @param {number} lat @param {number} lon @returns {[number, number]} */
  pixel(lat, lon) {
    const p = this.leaflet.latLngToContainerPoint([lat, this.#near(lon)]);
    return [p.x, p.y];
  }

  /** The copy of a longitude nearest to what is shown. @param {number} lon */
  #near(lon) {
    return beside(lon, this.leaflet.getCenter().lng);
  }
}
