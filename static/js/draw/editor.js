// Drawing and reshaping a region on the map: pick a shape, place points, drag handles, undo, and one card to save it.

import { beside } from "../antimeridian.js";
import { RegionCard } from "./card.js";
import { mayDraw } from "../net/grants.js";
import { openers, usable } from "../parts/covers.js";
import { confirm } from "../parts/dialog.js";
import { $, fill, h, iconButton } from "../parts/dom.js";
import { beyond, bounds, circle, corridor, distance, outline } from "../geo.js";
import * as format from "../words/format.js";
import { SketchLayer } from "./layer.js";
import { Question } from "./question.js";
import { Shifted } from "./shifted.js";
import { Sketch, sketchOf } from "./sketch.js";
import { say } from "../words/words.js";

/** @typedef {import("./sketch.js").Kind} Kind */

const SHAPES = /** @type {const} */ (["polygon", "rectangle", "circle", "corridor"]);

export class Editor {
  /** @param {import("../app.js").App} app @param {import("../page/alerts.js").Alerts} alerts */
  constructor(app, alerts) {
    this.app = app;
    this.alerts = alerts;
    /** @type {Sketch|null} */ this.sketch = null;
    /** @type {any} the region being changed; null: a new one */ this.feature = null;
    /** @type {RegionCard|Question|null} */ this.card = null;
    /** @type {[number, number]|null} */ this.cursor = null;
    this.bar = h("div", { class: "floating draw-hint", hidden: true, role: "group", "aria-label": say("draw") });
    $("#map-top").before(this.bar);
    this.bar.classList.add("draw-bar");
    this.layer = new SketchLayer(app.map, this);
    this.shifted = new Shifted(app.map.stage);
    app.map.onPointer("click", ({ lat, lon }) => this.#click(lon, lat));
    app.map.onPointer("dblclick", () => this.drawing && this.close());
    app.map.onPointer("mousemove", ({ lat, lon }) => {
      this.cursor = [this.#on(lon), lat];
      if (this.drawing) this.layer.paint();
    });
    /** @type {Element|null} who had the focus before */ this.opener = null;
    addEventListener("keydown", (e) => this.#key(e));
    app.regranted.on(() => this.#again());
    app.forgotten.on(() => this.#again());
    addEventListener("beforeunload", (e) => this.dirty && e.preventDefault());
  }

  get active() {
    return this.sketch !== null;
  }

  /** Points are still being placed: the map's clicks are ours. */
  get drawing() {
    return this.sketch !== null && !this.sketch.shape.closed;
  }

  /** @param {Kind} [kind] */
  begin(kind = "polygon") {
    if (!this.app.may("edit_regions")) return;
    if (this.dirty) return this.card?.element.hidden ? this.#lead() : this.card?.focus(); // G again starts nothing over
    if (this.feature || this.asks) this.cancel();
    this.#start(new Sketch(kind), this.feature);
    this.#lead();
    this.app.say(say("draw.begin"));
  }

  /** The shape is only asked about: who was here? */
  get asks() {
    return this.card instanceof Question;
  }

  /** Ask about a shape that is drawn now, or a region as it is. @param {Kind} [kind] @param {any} [feature] */
  async ask(kind = "circle", feature = null) {
    if (!this.app.may("watch") || (!(this.asks && !feature) && !(await this.leave()))) return;
    const sketch = feature ? sketchOf(feature.geometry, feature.properties) : new Sketch(kind);
    const name = feature?.properties.name ?? feature?.id ?? "";
    this.#start(sketch, null, () => new Question(this.app, this, name));
    if (!feature) this.#lead();
    this.app.say(say(feature ? "inside.title" : "inside.begin"));
  }

  /** @param {any} feature */
  async edit(feature) {
    if (!(await this.leave())) return;
    this.#start(sketchOf(feature.geometry, feature.properties), feature);
    this.app.regions.editing = feature.id;
    this.app.map.stage.invalidate("regions");
  }

  /** @param {Sketch} sketch @param {any} feature @param {() => RegionCard|Question} [card] */
  #start(sketch, feature, card = () => new RegionCard(this.app, this, this.alerts)) {
    if (!this.sketch) this.opener = document.activeElement;
    // the card is on the other sheet
    if (this.app.state.value.tab === "events" && this.app.pane.tight.matches) this.app.state.set({ tab: "regions" });
    this.sketch = sketch;
    this.feature = feature;
    if (!this.card) {
      this.card = card();
      openers.set(this.card.element, this.opener);
    }
    this.app.map.leaflet.doubleClickZoom.disable();
    this.changed();
  }

  /** Anything drawn or typed that leaving would lose. */
  get dirty() {
    return this.sketch !== null && !this.asks && (this.sketch.undoable || Boolean(this.card?.dirty));
  }

  /** May it still be drawn? What may not be saved is not kept open, and what stays is asked about anew. */
  #again() {
    if (!this.sketch) return;
    if (this.asks && this.app.may("watch")) return this.card?.regranted();
    const known = this.feature && this.app.fleet.regions.get(this.feature.id);
    if (this.app.may("edit_regions") && (!this.feature || (known && mayDraw(this.app.who.grants, known))))
      return this.card?.regranted();
    this.cancel();
    this.alerts.toast({ icon: "warn", title: say("draw.taken"), body: say("draw.taken.more") }).dataset.stays = "";
  }

  /** Cancel, but ask first when something would be lost. @returns {Promise<boolean>} has it been left? */
  async leave() {
    if (
      this.dirty &&
      !(await confirm(say("draw.leave"), say("draw.leave.more"), say("draw.discard"), say("draw.keep")))
    )
      return false;
    this.cancel();
    return true;
  }

  /** To the drawing bar: the shape that is chosen. */
  #lead() {
    /** @type {HTMLElement|null} */ (
      this.bar.querySelector("[aria-pressed=true]") ?? this.bar.querySelector("button:not(:disabled)")
    )?.focus({ preventScroll: true });
  }

  /** Put another shape in place of this one (typed, pasted). @param {Sketch} sketch */
  replace(sketch) {
    if (this.sketch) sketch.over(this.sketch);
    this.sketch = sketch;
    const box = this.layer.box();
    if (box) this.app.map.fit(box, { maxZoom: 17 });
    this.changed();
  }

  /** The sketch has a new look: handles, hint, card. @param {boolean} [dragging] */
  changed(dragging = false) {
    this.app.map.element.classList.toggle("drawing", this.drawing);
    this.layer.paint(dragging);
    if (!dragging) this.layer.handles();
    this.#bar();
    this.card?.shapeChanged(dragging);
  }

  #bar() {
    const { sketch } = this;
    this.bar.hidden = !sketch;
    if (!sketch) return;
    const { units } = this.app.preferences.value;
    const size = sketch.size();
    const problem = sketch.problem();
    const key = `${sketch.kind}|${sketch.shape.closed}|${sketch.undoable}|${sketch.redoable}|${sketch.other !== null}`;
    if (this.bar.dataset.key !== key) {
      this.bar.dataset.key = key;
      fill(
        this.bar,
        !sketch.shape.closed &&
          !sketch.shape.points.length &&
          h(
            "div",
            { class: "tool-group across" },
            SHAPES.map((kind) =>
              iconButton(kind, say(`draw.${kind}`), () => (this.asks ? this.ask(kind) : this.begin(kind)), {
                "aria-pressed": String(kind === sketch.kind),
              }),
            ),
          ),
        h("span", { class: "hint-text", role: "status" }),
        h(
          "span",
          { class: "acts" },
          iconButton("undo", say("draw.undo"), () => this.undo(), { disabled: !sketch.undoable }),
          iconButton("redo", say("draw.redo"), () => this.redo(), { disabled: !sketch.redoable }),
          !sketch.shape.closed &&
            h("button", { type: "button", class: "button small", onclick: () => this.card?.type() }, say("draw.type")),
          !sketch.shape.closed && iconButton("close", say("draw.cancel"), () => this.leave()),
        ),
      );
    }
    const measured = () =>
      say(sketch.kind === "corridor" ? "draw.long" : "draw.around", {
        area: format.area(size.area, units),
        length: format.distance(size.length, units),
      });
    const words = sketch.other ? say("draw.fixed") : sketch.shape.closed ? problem || measured() : this.#next();
    const beyond = sketch.shape.closed && !problem ? this.unshown() : "";
    const node = this.bar.querySelector(".hint-text");
    if (node) node.textContent = [words, beyond].filter(Boolean).join(" ");
    this.bar.classList.toggle("problem", Boolean(sketch.shape.closed && problem));
  }

  /** What to do now, while the shape is open. */
  #next() {
    const {
      kind,
      shape: { points },
    } = /** @type {Sketch} */ (this.sketch);
    if (kind === "polygon" && points.length > 2) return this.sketch?.problem() || say("draw.polygon.close");
    return say(`draw.${kind}.${points.length ? "next" : "first"}`);
  }

  /** @param {number} lon @param {number} lat */
  #click(lon, lat) {
    const { sketch } = this;
    if (!sketch || sketch.shape.closed) return;
    lon = this.#on(lon);
    const { points } = sketch.shape;
    if (sketch.kind === "circle" && points.length) {
      sketch.change({ radius: Math.max(1, distance(points[0][1], points[0][0], lat, lon)), closed: true });
      return this.changed();
    }
    const last = points[points.length - 1];
    const px = last ? this.app.map.pixel(last[1], last[0]) : null;
    const here = this.app.map.pixel(lat, lon);
    if (px && Math.hypot(px[0] - here[0], px[1] - here[1]) < 4) return; // the second half of a double click
    const first = points[0] && this.app.map.pixel(points[0][1], points[0][0]);
    if (sketch.kind === "polygon" && points.length > 2 && Math.hypot(first[0] - here[0], first[1] - here[1]) < 14)
      return this.close();
    sketch.change({ points: [...points, [lon, lat]] });
    if (sketch.kind === "rectangle" && points.length === 1) sketch.change({ closed: true }, true);
    this.changed();
  }

  /** A longitude as the line goes on from its last point: on over 180°, and the same after the map has turned.
   * @param {number} lon */
  #on(lon) {
    const points = this.sketch?.shape.points ?? [];
    return points.length ? beside(lon, points[points.length - 1][0]) : lon;
  }

  /** No more points. */
  close() {
    const { sketch } = this;
    if (!sketch || sketch.shape.closed) return;
    if (sketch.shape.points.length >= (sketch.kind === "polygon" ? 3 : 2)) sketch.change({ closed: true });
    this.changed();
    this.card?.focus();
  }

  undo() {
    if (!this.sketch?.undo()) this.sketch = this.sketch?.before ?? this.sketch;
    this.changed();
  }

  redo() {
    if (!this.sketch?.redo()) this.sketch = this.sketch?.after ?? this.sketch;
    this.changed();
  }

  cancel() {
    if (!this.sketch) return;
    const inside =
      this.card?.element.hidden &&
      // an open card gives it back itself
      (this.bar.contains(document.activeElement) || document.activeElement === document.body);
    this.sketch = this.feature = null;
    this.card?.remove();
    if (inside) (usable(this.opener) ? this.opener : this.app.map.element).focus({ preventScroll: true });
    this.card = null;
    this.app.regions.editing = null;
    this.app.map.leaflet.doubleClickZoom.enable();
    this.app.map.stage.invalidate("regions");
    this.changed();
  }

  /** @param {KeyboardEvent} e */
  #key(e) {
    if (!this.sketch || document.querySelector("dialog[open]")) return;
    const typing = /** @type {HTMLElement} */ (e.target).matches("input, textarea, select");
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "z" && !typing) e.shiftKey ? this.redo() : this.undo();
    else if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "y" && !typing) this.redo();
    else if (e.key === "Enter" && !typing && this.drawing && !(/** @type {HTMLElement} */ (e.target).matches("button")))
      this.close();
    else return;
    e.preventDefault();
  }

  /** The rings to draw now, with the cursor as the next point. @returns {[number, number][][]} */
  rings() {
    const { sketch, cursor } = this;
    if (!sketch) return [];
    if (sketch.other) return outline({ geometry: sketch.other }).flat();
    const { points, radius, closed } = sketch.shape;
    const next = !closed && cursor ? cursor : null;
    if (sketch.kind === "circle")
      return points.length
        ? [
            circle(
              points[0][1],
              points[0][0],
              closed ? radius : next ? distance(points[0][1], points[0][0], next[1], next[0]) : 0,
            ),
          ]
        : [];
    if (sketch.kind === "corridor") return [corridor(next ? [...points, next] : points, radius)];
    if (sketch.kind === "rectangle" && points.length === 1 && next)
      return [new Sketch("rectangle", { points: [points[0], next] }).ring()];
    return [sketch.shape.closed ? sketch.ring() : next ? [...points, next] : points];
  }

  /** What the map cannot show of it; "" when it shows all. */
  unshown() {
    const [, south, , north] = bounds([this.rings()]);
    return format.unshown(south, north);
  }

  /** Where a radius is dragged: due east of the centre. @returns {[number, number]|null} */
  edge() {
    const { sketch } = this;
    if (sketch?.kind !== "circle" || !sketch.shape.closed) return null;
    const [lon, lat] = sketch.shape.points[0];
    return beyond(lat, lon, sketch.shape.radius, Math.PI / 2);
  }
}
