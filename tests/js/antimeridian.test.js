import assert from "node:assert/strict";
import { test } from "node:test";
import { beside, eastward, rims, sendable, turn, unwrap } from "../../static/js/antimeridian.js";
import { crossing, offMap, unshown } from "../../static/js/words/format.js";
import { bounds, circle, distance, measure, outline } from "../../static/js/geo.js";
import { Motion } from "../../static/js/model/motion.js";
import { copies, nearest, path, visible } from "../../static/js/map/paths.js";
import { readShape, sketchOf } from "../../static/js/draw/sketch.js";

const box = (/** @type {any} */ geometry, /** @type {any} */ properties = {}) =>
  bounds(outline({ geometry, properties }));
const polygon = (/** @type {number[][]} */ ...ring) => ({ type: "Polygon", coordinates: [ring] });
const near = (/** @type {number[]} */ found, /** @type {number[]} */ wanted, slack = 1e-6) =>
  assert.ok(
    found.every((v, i) => Math.abs(v - wanted[i]) <= slack),
    `${found} is not ${wanted}`,
  );

test("a polygon over 180° is one small shape, however it was written", () => {
  const jump = polygon([179, 10], [-179, 10], [-179, 12], [179, 12], [179, 10]);
  const on = polygon([179, 10], [181, 10], [181, 12], [179, 12], [179, 10]);
  const west = polygon([-181, 10], [-179, 10], [-179, 12], [-181, 12], [-181, 10]);
  const cut = {
    type: "MultiPolygon",
    coordinates: [
      [
        [
          [179, 10],
          [180, 10],
          [180, 12],
          [179, 12],
          [179, 10],
        ],
      ],
      [
        [
          [-180, 10],
          [-179, 10],
          [-179, 12],
          [-180, 12],
          [-180, 10],
        ],
      ],
    ],
  };
  for (const geometry of [jump, on, west, cut]) {
    const [w, s, e, n] = box(geometry);
    near([e - w, s, n], [2, 10, 12]);
    near([beside((w + e) / 2, 180)], [180]);
  }
});

test("where a shape was cut in two at 180° no border is drawn, a true edge there is", () => {
  const cut = outline({
    geometry: {
      type: "MultiPolygon",
      coordinates: [
        [
          [
            [179, 10],
            [180, 10],
            [180, 12],
            [179, 12],
            [179, 10],
          ],
        ],
        [
          [
            [-180, 10],
            [-179, 10],
            [-179, 12],
            [-180, 12],
            [-180, 10],
          ],
        ],
      ],
    },
  });
  const lines = /** @type {number[][][]} */ (rims(cut));
  assert.ok(lines.length > 1);
  for (const line of lines)
    for (let i = 1; i < line.length; i++) assert.ok(!(Math.abs(line[i][0]) === 180 && line[i][0] === line[i - 1][0]));
  assert.equal(rims(outline({ geometry: polygon([170, 0], [180, 0], [180, 5], [170, 5], [170, 0]) })), null);
});

test("the whole world is the whole world, and a long edge goes the short way unless only the long way makes a shape", () => {
  near(box(polygon([-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90])), [-180, -90, 180, 90]);
  const [w, , e] = box(polygon([-100, 0], [100, 0], [100, 10], [-100, 10], [-100, 0]));
  near([e - w], [160]);
  // the short way it runs round the pole
  near(box(polygon([-170, -40], [170, -40], [0, 60], [-170, -40])), [-170, -40, 170, 60]);
});

test("holes and parts stay beside what they belong to", () => {
  const rings = outline({
    geometry: {
      type: "Polygon",
      coordinates: [
        [
          [175, 0],
          [-175, 0],
          [-175, 9],
          [175, 9],
          [175, 0],
        ],
        [
          [-179, 1],
          [-178, 1],
          [-178, 2],
          [-179, 2],
          [-179, 1],
        ],
      ],
    },
  })[0];
  const [shell, hole] = rings.map((ring) => bounds([[ring]]));
  assert.ok(hole[0] > shell[0] && hole[2] < shell[2]);
});

test("circles and corridors over 180° and beside the poles are where they are", () => {
  const [left, down, right, up] = box({ type: "Point", coordinates: [180, 0] }, { radius_m: 111_319.49 });
  near([right - left, down, up, Math.abs(left + right)], [2, -1.0067, 1.0067, 360], 1e-3);
  const [w, s, e, n] = box({ type: "Point", coordinates: [20, 89] }, { radius_m: 300_000 }); // around the pole
  near([e - w, n], [360, 90]);
  near([s], [86.31], 0.02);
  const [west, , east] = box(
    {
      type: "LineString",
      coordinates: [
        [179.9, 0],
        [-179.9, 0],
      ],
    },
    { buffer_m: 1000 },
  );
  assert.ok(east - west < 0.25);
  for (const [lat, metres] of [
    [0, 500],
    [60, 20_000],
    [75, 1_500_000],
    [90, 400_000],
    [-90, 1000],
  ])
    for (const [lon2, lat2] of circle(lat, 10, metres).filter(([, at]) => Math.abs(at) < 90))
      assert.ok(Math.abs(distance(lat, 10, lat2, lon2) / metres - 1) < 0.012);
  near([measure(circle(60, 10, 2_000_000)).area / (Math.PI * 4e12)], [0.99], 0.02);
});

test("a corridor keeps its width from the equator to the far north", () => {
  const ring = outline({
    geometry: {
      type: "LineString",
      coordinates: [
        [10, 0],
        [10, 70],
      ],
    },
    properties: { buffer_m: 10_000 },
  })[0][0];
  for (const [lon, lat] of ring)
    if (lat > 1 && lat < 69) assert.ok(Math.abs(distance(lat, 10, lat, lon) / 10_000 - 1) < 0.01, `${lat} ${lon}`);
});

test("a region over 180° is opened, bent and sent as what it is", () => {
  const sketch = sketchOf(polygon([179.9, 0], [-179.9, 0], [-179.9, 0.1], [179.9, 0.1], [179.9, 0]));
  near([sketch.size().area], [22_264 * 11_057], 3e5);
  assert.equal(sketch.problem(), "");
  sketch.move(1, [beside(180.2, sketch.shape.points[1][0]), 0]);
  near([beside(sketch.geojson().geometry.coordinates[0][1][0], 180)], [180.2]);
  near(
    sketchOf({ type: "Point", coordinates: [180.5, 1] }, { radius_m: 5 }).geojson().geometry.coordinates,
    [-179.5, 1],
  );
  near(
    [
      sketchOf(
        {
          type: "LineString",
          coordinates: [
            [179, 0],
            [-179, 0],
          ],
        },
        { buffer_m: 5 },
      ).size().length,
    ],
    [222_639],
    500,
  );
});

test("what is sent has no edge that could be read the other way round", () => {
  const wide = readShape("-10, -100, 10, 150").geojson().geometry.coordinates[0];
  for (let i = 1; i < wide.length; i++) assert.ok(Math.abs(wide[i][0] - wide[i - 1][0]) < 180);
  near(box({ type: "Polygon", coordinates: [wide] }), [-100, -10, 150, 10]);
  assert.deepEqual(
    sendable([
      [530, 1],
      [531, 2],
    ]),
    [
      [170, 1],
      [171, 2],
    ],
  );
});

test("a rectangle whose west is greater than its east lies across 180°", () => {
  near(box(readShape("10, 179, 12, -179").geojson().geometry), [-181, 10, -179, 12]);
});

test("a fleet on both sides of 180° is one fleet", () => {
  assert.deepEqual(eastward([-179, 178, 179, -178]), [178, 179, 181, 182]);
  assert.deepEqual(eastward([24, 10, -3]), [-3, 10, 24]);
  assert.deepEqual(eastward([]), []);
  assert.equal(turn(180.5), -179.5);
  assert.deepEqual(
    unwrap([
      [179, 0],
      [-179, 1],
      [178, 2],
    ]),
    [
      [179, 0],
      [181, 1],
      [178, 2],
    ],
  );
});

test("a vehicle glides over 180° and not round the world", () => {
  const motion = new Motion();
  const slot = motion.take(0.99999, 0.5);
  motion.move(slot, 0.00001, 0.5, 1000, 1000);
  assert.ok(Math.abs(motion.x(slot, 1300) - 0) < 0.00002, String(motion.x(slot, 1300)));
  assert.ok(motion.span[slot] > 0);
});

test("the map repeats sideways: a shape shows in each copy the view reaches, and at 180° in two halves of one", () => {
  const view = /** @type {any} */ ({ scale: 1000, left: -200, top: 0, width: 2400, height: 1000, cx: 1, cy: 0.5 });
  const shape = path([
    [179, 10],
    [181, 10],
    [181, 12],
    [179, 10],
  ]);
  assert.deepEqual(
    copies(view, shape.box)
      .filter((at) => visible(shape.box, at))
      .map((at) => at.left),
    [800, -200, -1200],
  );
  assert.equal(
    copies(
      { ...view, left: 100, width: 300 },
      path([
        [0, 0],
        [1, 1],
      ]).box,
    ).length,
    0,
  );
  assert.equal(nearest(view, 0.2).left, -1200);
});

test("the graticule never says 180.5° E, nor 0° west", () => {
  assert.equal(crossing(60.5, 180.5, 1), "60.5° N  179.5° W");
  assert.equal(crossing(-60, -190, 0), "60° S  170° E");
  assert.equal(crossing(1e-17, -1e-17, 2), "0°  0°");
  assert.equal(crossing(0, 540, 0), "0°  180°");
});

test("what the map cannot show at the poles is said", () => {
  assert.match(unshown(-90, 90), /north of 85° N and south of 85° S/);
  assert.equal(unshown(-85, 85), "");
  assert.match(offMap(89.9), /89\.90° N/);
  assert.match(offMap(-86), /86\.00° S/);
  assert.equal(offMap(85), "");
});
