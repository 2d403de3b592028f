// The sketch on the map: its picture on the stage, and Leaflet markers as handles.

import { pen } from "./layer.js";
import { bounds, distance } from "./geo.js";
import { beside } from "./antimeridian.js";
import { copies, line, path } from "./paths.js";
import { palette } from "./theme.js";

export class SketchLayer {
  /** @param {import("./map.js").FleetMap} map @param {import("./editor.js").Editor} editor */
  constructor(map, editor) {
    this.map = map;
    this.editor = editor;
    /** @type {L.Marker[]} */ this.marks = [];
    map.stage.add({ name: "sketch", pane: "sketch", live: true, paint: (canvas, view) => this.#draw(canvas, view) });
  }

  paint() {
    this.map.stage.invalidate("sketch");
  }

  /** @param {HTMLCanvasElement} canvas @param {import("./layer.js").View} view */
  #draw(canvas, view) {
    const ctx = pen(canvas, view), { sketch } = this.editor;
    if (!sketch) return;
    const color = this.editor.card?.color ?? palette().accent, wrong = sketch.shape.closed && sketch.problem() !== "", closed = sketch.shape.closed || sketch.kind !== "polygon";
    ctx.beginPath();
    for (const ring of this.editor.rings().map(path)) for (const at of copies(view, ring.box)) if (ring.points.length > 2) line(ctx, ring, at, closed);
    ctx.globalAlpha = 0.16;
    ctx.fillStyle = wrong ? palette().alert : color;
    ctx.fill("evenodd");
    ctx.globalAlpha = 1;
    ctx.lineWidth = 2.5;
    ctx.lineJoin = "round";
    ctx.setLineDash(sketch.shape.closed ? [] : [6, 5]);
    ctx.strokeStyle = wrong ? palette().alert : color;
    ctx.stroke();
    ctx.setLineDash([]);
    if (sketch.kind === "corridor" && !sketch.other) {
      const middle = path(sketch.shape.points);
      ctx.beginPath();
      for (const at of copies(view, middle.box)) line(ctx, middle, at, false);
      ctx.lineWidth = 1;
      ctx.stroke();
    }
  }

  /** New handles for a new shape: corners, the middles between them, the centre, the radius. */
  handles() {
    for (const mark of this.marks) mark.remove();
    this.marks = [];
    const { sketch } = this.editor;
    if (!sketch || sketch.other) return;
    const { points, closed } = sketch.shape;
    points.forEach((point, i) => this.#handle(point, sketch.kind === "circle" ? "centre" : "", sketch.kind === "circle" ? "Move" : `Corner ${i + 1}`, (p, going) => sketch.move(i, p, going), () => (sketch.remove(i), this.editor.changed())));
    if (!closed) return;
    if (sketch.kind === "polygon" || sketch.kind === "corridor") {
      const n = points.length;
      for (let i = 0; i < (sketch.kind === "polygon" ? n : n - 1); i++) {
        const a = points[i], b = points[(i + 1) % n];
        let made = false;
        this.#handle([(a[0] + b[0]) / 2, (a[1] + b[1]) / 2], "mid", "Add a corner", (p) => {
          if (made) sketch.move(i + 1, p, true);
          else sketch.insert(i + 1, p);
          made = true;
        });
      }
    }
    if (sketch.kind !== "circle") {
      const middle = /** @type {[number, number]} */ ([points.reduce((s, p) => s + p[0], 0) / points.length, points.reduce((s, p) => s + p[1], 0) / points.length]);
      const from = sketch.shape;
      this.#handle(middle, "centre", "Move the whole", (p, going) => sketch.shift(p[0] - middle[0], p[1] - middle[1], from, going));
    }
    const edge = this.editor.edge();
    if (edge) this.#handle(edge, "", "Radius", (p, going) => sketch.change({ radius: Math.max(1, distance(points[0][1], points[0][0], p[1], p[0])) }, going));
  }

  /** @param {[number, number]} at @param {string} look @param {string} title @param {(point: [number, number], going: boolean) => void} drag @param {() => void} [away] double click */
  #handle([lon, lat], look, title, drag, away) {
    const size = look === "mid" ? 10 : 14, mark = L.marker([lat, beside(lon, this.map.leaflet.getCenter().lng)], { draggable: true, keyboard: false, title, pane: "sketch", icon: L.divIcon({ className: `handle ${look}`, iconSize: [size, size] }) });
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
    this.marks.push(mark.addTo(this.map.leaflet));
  }

  /** [west, south, east, north] of what is drawn. @returns {[number, number, number, number]|null} */
  box() {
    const box = bounds([this.editor.rings()]);
    return box[0] <= box[2] ? box : null;
  }
}
