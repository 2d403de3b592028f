// The sketch on the map: its picture on the stage, and Leaflet markers as handles.

import { pen } from "../map/stage.js";
import { bounds, distance, worldX, worldY } from "../geo.js";
import { beside } from "../antimeridian.js";
import { copies, line, nearest, path, strokePieces } from "../map/paths.js";
import { palette } from "../parts/theme.js";
import { Filling } from "./filling.js";
import { say } from "../words/words.js";

const FEW = 60; // corners: all of them have handles
const LARGE = 1000; // corners: its inside is a picture
const REACH = 110;
const APART = 14; // CSS px around the pointer, and between two handles

/** @param {[number, number]} a @param {[number, number]} b @returns {[number, number]} */
const halfway = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];

export class SketchLayer {
  /** @param {import("../map/map.js").FleetMap} map @param {import("./editor.js").Editor} editor */
  constructor(map, editor) {
    this.map = map;
    this.editor = editor;
    /** @type {Map<string, L.Marker>} */ this.marks = new Map();
    /** @type {import("./sketch.js").Shape|null} the shape the marks belong to */ this.shape = null;
    /** @type {[number, number]|null} CSS px */ this.pointer = null;
    /** @type {{shape: import("./sketch.js").Shape, paths: import("../map/paths.js").Path[]}|null} */ this.drawn = null;
    this.filling = new Filling();
    this.bending = false;
    map.onPointer("mousemove", ({ x, y, original }) => original.buttons || this.near(x, y));
    map.onPointer("click", ({ x, y }) => this.near(x, y)); // a finger hovers nowhere
    map.on("moveend", () => this.shape && this.shape.points.length > FEW && this.handles());
    map.stage.add({
      name: "sketch",
      pane: "sketch",
      live: true,
      blank: () => !this.editor.sketch,
      paint: (canvas, view) => this.#draw(canvas, view),
    });
  }

  /** @param {boolean} [bending] a handle is being dragged */
  paint(bending = false) {
    this.bending = bending;
    this.map.stage.invalidate("sketch");
  }

  /** @param {HTMLCanvasElement} canvas @param {import("../map/stage.js").View} view */
  #draw(canvas, view) {
    const ctx = pen(canvas, view);
    const { sketch } = this.editor;
    if (!sketch) return;
    const color = this.editor.card?.color ?? palette().accent;
    const wrong = sketch.shape.closed && sketch.problem() !== "";
    const closed = sketch.shape.closed || sketch.kind !== "polygon";
    const paths = this.#paths(sketch);
    ctx.fillStyle = ctx.strokeStyle = wrong ? palette().alert : color;
    ctx.globalAlpha = 0.16;
    ctx.lineWidth = 2.5;
    ctx.lineJoin = "round";
    if (sketch.shape.closed && paths.length && paths.reduce((n, { points }) => n + points.length / 2, 0) > LARGE) {
      this.filling.paint(ctx, view, paths, String(ctx.fillStyle), this.bending);
      ctx.globalAlpha = 1;
      for (const ring of paths) for (const at of copies(view, ring.box)) strokePieces(ctx, ring, at);
    } else {
      ctx.beginPath();
      for (const ring of paths)
        for (const at of copies(view, ring.box)) if (ring.points.length > 2) line(ctx, ring, at, closed);
      ctx.fill("evenodd");
      ctx.globalAlpha = 1;
      ctx.setLineDash(sketch.shape.closed ? [] : [6, 5]);
      ctx.stroke();
    }
    ctx.setLineDash([]);
    if (sketch.kind === "corridor" && !sketch.other) {
      const middle = path(sketch.shape.points);
      ctx.beginPath();
      for (const at of copies(view, middle.box)) line(ctx, middle, at, false);
      ctx.lineWidth = 1;
      ctx.stroke();
    }
  }

  /** The outline as paths, made once a shape. @param {import("./sketch.js").Sketch} sketch */
  #paths(sketch) {
    if (!sketch.shape.closed) return this.editor.rings().map(path);
    if (this.drawn?.shape !== sketch.shape) this.drawn = { shape: sketch.shape, paths: this.editor.rings().map(path) };
    return this.drawn.paths;
  }

  /**
   * Handles for the shape as it is: corners, the middles between them, the centre, the radius. Of a large shape only
   * those near the pointer, so that 10,000 corners cost what 20 do.
   */
  handles() {
    const { sketch } = this.editor;
    if (!sketch || sketch.other || this.shape !== sketch.shape) {
      for (const mark of this.marks.values()) mark.remove();
      this.marks.clear();
    }
    this.shape = sketch?.shape ?? null;
    if (!sketch || sketch.other) return;
    const { points, closed } = sketch.shape;
    const { kind } = sketch;
    const n = points.length;
    const sides = !closed || kind === "rectangle" || kind === "circle" ? 0 : kind === "polygon" ? n : n - 1;
    /** @type {[number, number][]} */ const taken = [];
    /** @type {Set<string>} */ const wanted = new Set();
    const want = (/** @type {string} */ key, /** @type {() => L.Marker} */ make) => {
      wanted.add(key);
      if (!this.marks.has(key)) this.marks.set(key, make());
    };
    const middles = Array.from({ length: sides }, (_, i) => halfway(points[i], points[(i + 1) % n]));
    for (const i of this.#near(points, taken))
      want(`corner ${i}`, () =>
        this.#handle(
          points[i],
          kind === "circle" ? "centre" : "",
          kind === "circle" ? say("handle.move") : say("handle.corner", { n: i + 1 }),
          (p, going) => sketch.move(i, p, going),
          () => {
            sketch.remove(i);
            this.editor.changed();
          },
        ),
      );
    for (const i of this.#near(middles, taken))
      want(`middle ${i}`, () => {
        let made = false;
        return this.#handle(middles[i], "mid", say("handle.add"), (p) => {
          if (made) sketch.move(i + 1, p, true);
          else sketch.insert(i + 1, p);
          made = true;
        });
      });
    if (closed && kind !== "circle") {
      const middle = /** @type {[number, number]} */ ([
        points.reduce((s, p) => s + p[0], 0) / n,
        points.reduce((s, p) => s + p[1], 0) / n,
      ]);
      const from = sketch.shape;
      want("whole", () =>
        this.#handle(middle, "centre", say("handle.whole"), (p, going) =>
          sketch.shift(p[0] - middle[0], p[1] - middle[1], from, going),
        ),
      );
    }
    const edge = this.editor.edge();
    if (edge)
      want("radius", () =>
        this.#handle(edge, "", say("handle.radius"), (p, going) =>
          sketch.change({ radius: Math.max(1, distance(points[0][1], points[0][0], p[1], p[0])) }, going),
        ),
      );
    for (const [key, mark] of this.marks) {
      if (wanted.has(key)) continue;
      mark.remove();
      this.marks.delete(key);
    }
  }

  /**
   * Which of these places get a handle: all of a few; of many the nearest to the pointer, none upon another.
   * @param {[number, number][]} places
   * @param {[number, number][]} taken by other handles, px from the pointer
   * @returns {number[]}
   */
  #near(places, taken) {
    if (places.length <= FEW) return places.map((_, i) => i);
    const view = this.map.stage.view();
    const [x, y] = this.pointer ?? [view.width / 2, view.height / 2];
    const at = nearest(view, worldX(places[0][0]));
    const found = [];
    for (let i = 0; i < places.length; i++) {
      const px = worldX(places[i][0]) * at.scale - at.left - x;
      if (px < -REACH || px > REACH) continue;
      const py = worldY(places[i][1]) * at.scale - at.top - y;
      if (Math.abs(py) <= REACH) found.push({ i, px, py, far: Math.hypot(px, py) });
    }
    found.sort((a, b) => a.far - b.far);
    const free = found.filter(
      ({ px, py }) =>
        taken.length < FEW && !taken.some(([x2, y2]) => Math.hypot(px - x2, py - y2) < APART) && taken.push([px, py]),
    );
    return free.map(({ i }) => i);
  }

  /**
   * The pointer is here, no button down: a large shape shows the handles around it.
   * @param {number} x CSS px
   * @param {number} y
   */
  near(x, y) {
    const { sketch } = this.editor;
    const [px, py] = this.pointer ?? [Infinity, Infinity];
    if (!sketch?.shape.closed || sketch.shape.points.length <= FEW || Math.hypot(px - x, py - y) < APART / 2) return;
    this.pointer = [x, y];
    this.handles();
  }

  /**
   * @param {[number, number]} at
   * @param {string} look
   * @param {string} title
   * @param {(point: [number, number], going: boolean) => void} drag
   * @param {() => void} [away] double click
   */
  #handle([lon, lat], look, title, drag, away) {
    const size = look === "mid" ? 10 : 14;
    const mark = L.marker([lat, beside(lon, this.map.leaflet.getCenter().lng)], {
      draggable: true,
      keyboard: false,
      title,
      pane: "sketch",
      icon: L.divIcon({ className: `handle ${look}`, iconSize: [size, size] }),
    });
    let going = false;
    mark.on("dragstart", () => (going = false));
    mark.on("drag", () => {
      const p = mark.getLatLng();
      drag([beside(p.lng, lon), p.lat], going);
      going = true;
      this.editor.changed(true);
    });
    mark.on("dragend", () => this.editor.changed());
    mark.on("click", () => this.editor.drawing && this.editor.close());
    if (away) mark.on("dblclick contextmenu", away);
    return mark.addTo(this.map.leaflet);
  }

  /** [west, south, east, north] of what is drawn. @returns {[number, number, number, number]|null} */
  box() {
    const box = bounds([this.editor.rings()]);
    return box[0] <= box[2] ? box : null;
  }
}
