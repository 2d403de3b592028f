// The shape being drawn: its points, undo and redo, what is wrong with it, GeoJSON out, and text in. Knows no map.

import { lines, numbers } from "../words/coordinates.js";
import { joined, middle, sendable, turn, unwrap } from "../antimeridian.js";
import { crossings, crossingsOf } from "./crossings.js";
import { distance, measure } from "../geo.js";
import { say } from "../words/words.js";
import { place } from "../words/format.js";

/** @typedef {"polygon"|"rectangle"|"circle"|"corridor"} Kind */
/** @typedef {[number, number]} Point  lon, lat */
/**
 * @typedef {{points: Point[], radius: number, closed: boolean}} Shape  rectangle: two opposite corners; circle: the
 *   centre; radius in metres, of a corridor too
 */

export class Sketch {
  /**
   * @param {Kind} kind
   * @param {Partial<Shape>} [shape]
   * @param {any} [other] a geometry this sketch cannot bend (holes, several parts): kept as it is
   */
  constructor(kind, shape = {}, other = null) {
    this.kind = kind;
    /** @type {Shape} */ this.shape = { points: [], radius: kind === "corridor" ? 50 : 0, closed: false, ...shape };
    this.other = other;
    /** @type {Shape[]} */ this.past = [];
    /** @type {Shape[]} */ this.future = [];
    /** @type {Sketch|null} what it was pasted over */ this.before = null;
    /** @type {Sketch|null} what was pasted over it */ this.after = null;
    /** @type {{shape: Shape, problem: string}|null} */ this.judged = null;
  }

  /**
   * Change the shape as one step that can be undone; within a drag, only its start counts.
   * @param {Partial<Shape>} patch
   * @param {boolean} [continued]
   */
  change(patch, continued = false) {
    if (!continued) {
      this.past.push(this.shape);
      this.future = [];
      this.after = null;
    }
    this.shape = { ...this.shape, ...patch };
  }

  get undoable() {
    return this.past.length > 0 || this.before !== null;
  }

  get redoable() {
    return this.future.length > 0 || this.after !== null;
  }

  /** This one is pasted over another; undo leads back. @param {Sketch} sketch */
  over(sketch) {
    if (!sketch.shape.points.length && !sketch.other) return;
    this.before = sketch;
    sketch.after = this;
    sketch.future = [];
  }

  undo() {
    const before = this.past.pop();
    if (!before) return false;
    this.future.push(this.shape);
    this.shape = before;
    return true;
  }

  redo() {
    const next = this.future.pop();
    if (!next) return false;
    this.past.push(this.shape);
    this.shape = next;
    return true;
  }

  /** @param {number} index @param {Point} point @param {boolean} [continued] */
  move(index, point, continued = false) {
    const fine = this.judged?.shape === this.shape && !this.judged.problem;
    this.change({ points: this.shape.points.map((p, i) => (i === index ? point : p)) }, continued);
    // Sides that did not cross and did not move do not cross now.
    if (fine && this.kind === "polygon")
      this.judged = { shape: this.shape, problem: this.#problem([(index || this.shape.points.length) - 1, index]) };
  }

  /** @param {number} index it goes before this one @param {Point} point */
  insert(index, point) {
    const points = [...this.shape.points];
    points.splice(index, 0, point);
    this.change({ points });
  }

  /** @param {number} index */
  remove(index) {
    if (
      this.shape.points.length > (this.kind === "polygon" ? 3 : 2) &&
      (this.kind === "polygon" || this.kind === "corridor")
    )
      this.change({ points: this.shape.points.filter((_, i) => i !== index) });
  }

  /** Shift the whole. @param {number} dLon @param {number} dLat @param {Shape} from @param {boolean} continued */
  shift(dLon, dLat, from, continued) {
    const fine = this.judged?.shape === this.shape && !this.judged.problem;
    this.change({ points: from.points.map(([lon, lat]) => [lon + dLon, lat + dLat]) }, continued);
    if (fine) this.judged = { shape: this.shape, problem: "" }; // no side crosses another by moving along with it
  }

  /** The ring of a polygon or rectangle, closed; the line of a corridor. @returns {Point[]} */
  ring() {
    const { points } = this.shape;
    if (this.kind === "rectangle" && points.length === 2) {
      const [[x1, y1], [x2, y2]] = points;
      return [
        [x1, y1],
        [x2, y1],
        [x2, y2],
        [x1, y2],
        [x1, y1],
      ];
    }
    return this.kind === "polygon" && points.length > 2 ? [...points, points[0]] : points;
  }

  /** Why it cannot be saved; "" when it can. Asked many times a frame, found once a shape. */
  problem() {
    if (this.judged?.shape !== this.shape) this.judged = { shape: this.shape, problem: this.#problem() };
    return this.judged.problem;
  }

  /** @param {number[]} [sides] the only ones that may cross */
  #problem(sides) {
    if (this.other) return "";
    const { points, radius } = this.shape;
    if (this.kind === "circle")
      return !points.length ? say("draw.circle.first") : radius > 0 ? "" : say("shape.no_radius");
    if (this.kind === "corridor")
      return points.length < 2 ? say("shape.two_points") : radius > 0 ? "" : say("shape.no_width");
    if (this.kind === "rectangle")
      return points.length < 2
        ? say("draw.rectangle.next")
        : points[0][0] === points[1][0] || points[0][1] === points[1][1]
          ? say("shape.flat")
          : "";
    if (points.length < 3) return say("shape.three_points");
    const crossing = sides ? crossingsOf(this.ring(), sides) : crossings(this.ring());
    if (crossing)
      return say("shape.crosses", {
        one: String(crossing.sides[0] + 1),
        other: String(crossing.sides[1] + 1),
        place: place(crossing.at[1], turn(crossing.at[0])),
      });
    return measure(points).area < 1 ? say("shape.no_area") : "";
  }

  /**
   * GeoJSON geometry and the property that belongs to it.
   * @returns {{geometry: any, properties: Record<string, number>}}
   */
  geojson() {
    const { points, radius } = this.shape;
    if (this.other) return { geometry: this.other, properties: {} };
    const round = (/** @type {Point} */ [lon, lat]) => [Math.round(lon * 1e7) / 1e7, Math.round(lat * 1e7) / 1e7];
    if (this.kind === "circle")
      return {
        geometry: { type: "Point", coordinates: round([turn(points[0][0]), points[0][1]]) },
        properties: { radius_m: Math.round(radius * 10) / 10 },
      };
    if (this.kind === "corridor")
      return {
        geometry: { type: "LineString", coordinates: sendable(points).map(round) },
        properties: { buffer_m: Math.round(radius * 10) / 10 },
      };
    return { geometry: { type: "Polygon", coordinates: [sendable(this.ring()).map(round)] }, properties: {} };
  }

  /** m² and metres around (a corridor: along). */
  size() {
    const { points, radius } = this.shape;
    if (this.kind === "circle") return { area: Math.PI * radius * radius, length: 2 * Math.PI * radius };
    if (this.kind === "corridor") {
      let length = 0;
      for (let i = 1; i < points.length; i++)
        length += distance(points[i - 1][1], points[i - 1][0], points[i][1], points[i][0]);
      return { area: 2 * radius * length + Math.PI * radius * radius, length };
    }
    return measure(this.ring().slice(0, -1));
  }
}

/** A sketch of a geometry as the API has it. @param {any} geometry @param {any} [properties] */
export function sketchOf(geometry, properties = {}) {
  const { type, coordinates } = geometry;
  if (type === "Point")
    return new Sketch("circle", { points: [coordinates.slice(0, 2)], radius: properties.radius_m ?? 0, closed: true });
  if (type === "LineString")
    return new Sketch("corridor", {
      points: centred(unwrap(coordinates)),
      radius: properties.buffer_m ?? 50,
      closed: true,
    });
  const one = joined(type === "Polygon" ? [coordinates] : coordinates);
  if (one) return new Sketch("polygon", { points: centred(one).slice(0, -1), closed: true });
  return new Sketch("polygon", { closed: true }, geometry);
}

/** Its middle within ±180. @param {Point[]} points @returns {Point[]} */
function centred(points) {
  const here = middle(points);
  const to = turn(here) - here;
  return to ? points.map(([lon, lat]) => [lon + to, lat]) : points;
}

/**
 * What somebody typed or pasted: GeoJSON (a feature, a geometry), WKT, "lat, lon" lines; "lat, lon, 250 m" is a circle.
 * Throws an Error that says what is wrong.
 * @param {string} text
 * @returns {Sketch}
 */
export function readShape(text) {
  const said = text.trim();
  if (!said) throw new Error(say("shape.nothing"));
  if (said.startsWith("{")) return fromGeojson(said);
  if (/^(SRID=\d+;)?\s*(POLYGON|MULTIPOLYGON|POINT|LINESTRING)/i.test(said)) return fromWkt(said);
  const points = lines(said).map(numbers);
  if (points.length === 1 && points[0].length === 4) {
    const [south, west, north, east] = points[0];
    return check(
      new Sketch("rectangle", {
        points: [
          [west, south],
          [west > east ? east + 360 : east, north],
        ],
        closed: true,
      }),
    ); // RFC 7946 §5.2
  }
  if (points.length === 1 && points[0].length === 3)
    return check(new Sketch("circle", { points: [[points[0][1], points[0][0]]], radius: points[0][2], closed: true }));
  if (points.some((p) => p.length !== 2)) throw new Error(say("shape.lines"));
  if (points.length < 3) throw new Error(say("shape.three_lines"));
  return check(new Sketch("polygon", { points: unwrap(points.map(([lat, lon]) => [lon, lat])), closed: true }));
}

/** @param {string} text */
function fromGeojson(text) {
  let document;
  try {
    document = JSON.parse(text);
  } catch {
    throw new Error(say("shape.no_json"));
  }
  if (document?.type === "FeatureCollection") {
    const several = document.features?.length ?? 0;
    if (several > 1) throw new Error(say("shape.several", { n: several }));
    document = document.features?.[0];
  }
  if (document?.type === "GeometryCollection" && document.geometries?.length === 1) document = document.geometries[0];
  const geometry = document?.type === "Feature" ? document.geometry : document;
  if (
    !["Polygon", "MultiPolygon", "Point", "LineString"].includes(geometry?.type) ||
    !Array.isArray(geometry.coordinates)
  )
    throw new Error(say("shape.kinds"));
  return check(sketchOf(geometry, document.properties ?? { radius_m: 100 }));
}

/** @param {string} text */
function fromWkt(text) {
  const type = String(/[A-Z]+/i.exec(text.replace(/^SRID=\d+;/i, ""))?.[0]).toUpperCase();
  const body = text.slice(text.indexOf("("));
  let coordinates;
  try {
    coordinates = JSON.parse(
      body
        .replace(/(-?\d+(?:\.\d+)?(?:e-?\d+)?)\s+(-?\d+(?:\.\d+)?(?:e-?\d+)?)(?:\s+-?\d+(?:\.\d+)?)*/gi, "[$1,$2]")
        .replace(/\(/g, "[")
        .replace(/\)/g, "]"),
    );
  } catch {
    throw new Error(say("shape.no_wkt"));
  }
  if (type === "POINT") return check(sketchOf({ type: "Point", coordinates: coordinates[0] }, { radius_m: 100 }));
  if (type === "LINESTRING") return check(sketchOf({ type: "LineString", coordinates }));
  return check(sketchOf({ type: type === "POLYGON" ? "Polygon" : "MultiPolygon", coordinates }));
}

/** @param {Sketch} sketch */
function check(sketch) {
  for (const [lon, lat] of sketch.shape.points) {
    if (!Number.isFinite(lon) || !Number.isFinite(lat)) throw new Error(say("shape.no_number"));
    if (Math.abs(lat) > 90) throw new Error(say("shape.latitude", { value: String(lat) }));
    if (Math.abs(lon) > 360) throw new Error(say("shape.longitude", { value: String(lon) }));
  }
  return sketch;
}
