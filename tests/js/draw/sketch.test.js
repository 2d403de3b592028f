import assert from "node:assert/strict";
import { test } from "node:test";
import { crossings } from "../../../static/js/draw/crossings.js";
import { readShape, Sketch, sketchOf } from "../../../static/js/draw/sketch.js";

const bow = [
  [0, 0],
  [0.01, 0.01],
  [0.01, 0],
  [0, 0.01],
];

test("a polygon that crosses itself is refused with the sides and the place", () => {
  const sketch = new Sketch("polygon", { points: bow, closed: true });
  assert.match(sketch.problem(), /Sides 1 and 3 cross each other near 0\.005/);
  assert.equal(
    crossings([
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
      [0, 0],
    ]),
    null,
  );
});

test("undo and redo walk through every step, a drag being one", () => {
  const sketch = new Sketch("polygon", {
    points: [
      [0, 0],
      [1, 0],
      [1, 1],
    ],
    closed: true,
  });
  sketch.move(0, [0.1, 0]);
  sketch.move(0, [0.2, 0], true);
  sketch.insert(1, [0.5, 0]);
  assert.equal(sketch.shape.points.length, 4);
  sketch.undo();
  assert.deepEqual(sketch.shape.points[0], [0.2, 0]);
  sketch.undo();
  assert.deepEqual(sketch.shape.points[0], [0, 0]);
  assert.equal(sketch.undo(), false);
  sketch.redo();
  sketch.redo();
  assert.equal(sketch.shape.points.length, 4);
  assert.equal(sketch.redo(), false);
});

test("each kind becomes the geometry of the contract", () => {
  assert.deepEqual(new Sketch("circle", { points: [[24, 60]], radius: 250, closed: true }).geojson(), {
    geometry: { type: "Point", coordinates: [24, 60] },
    properties: { radius_m: 250 },
  });
  assert.deepEqual(
    new Sketch("corridor", {
      points: [
        [0, 0],
        [1, 0],
      ],
      radius: 40,
      closed: true,
    }).geojson().properties,
    { buffer_m: 40 },
  );
  const box = new Sketch("rectangle", {
    points: [
      [0, 0],
      [1, 2],
    ],
    closed: true,
  }).geojson().geometry;
  assert.deepEqual(box, {
    type: "Polygon",
    coordinates: [
      [
        [0, 0],
        [1, 0],
        [1, 2],
        [0, 2],
        [0, 0],
      ],
    ],
  });
});

test("a region that was saved can be bent again", () => {
  const sketch = sketchOf(
    {
      type: "LineString",
      coordinates: [
        [0, 0],
        [1, 1],
      ],
    },
    { buffer_m: 30 },
  );
  assert.deepEqual([sketch.kind, sketch.shape.radius], ["corridor", 30]);
  const holes = {
    type: "Polygon",
    coordinates: [
      [
        [0, 0],
        [1, 0],
        [1, 1],
        [0, 0],
      ],
      [
        [0.1, 0.1],
        [0.2, 0.1],
        [0.2, 0.2],
        [0.1, 0.1],
      ],
    ],
  };
  assert.equal(sketchOf(holes).geojson().geometry, holes);
  assert.equal(sketchOf(holes).problem(), "");
});

test("a polygon cut at 180° is bent as the one piece it is, and saved as one", () => {
  const east = [
    [
      [179, 0],
      [180, 0],
      [180, 1],
      [179, 1],
      [179, 0],
    ],
  ];
  const west = [
    [
      [-180, 0],
      [-179, 0],
      [-179, 1],
      [-180, 1],
      [-180, 0],
    ],
  ];
  for (const coordinates of [
    [east, west],
    [west, east],
    [[[...east[0]].reverse()], west],
  ]) {
    const sketch = sketchOf({ type: "MultiPolygon", coordinates });
    assert.equal(sketch.other, null);
    assert.equal(sketch.problem(), "");
    assert.ok(Math.abs(sketch.size().area - 2 * sketchOf({ type: "Polygon", coordinates: east }).size().area) < 1e6);
    const {
      type,
      coordinates: [ring],
    } = sketch.geojson().geometry;
    assert.equal(type, "Polygon");
    assert.ok(Math.max(...ring.map(([lon]) => lon)) - Math.min(...ring.map(([lon]) => lon)) === 2);
  }
  // one part is no several
  assert.equal(sketchOf({ type: "MultiPolygon", coordinates: [east] }).shape.points.length, 4);
  const frame = [
    [
      [179, 0],
      [180, 0],
      [180, 0.2],
      [179.5, 0.2],
      [179.5, 0.8],
      [180, 0.8],
      [180, 1],
      [179, 1],
      [179, 0],
    ],
  ];
  const other = [
    [
      [-180, 0],
      [-179, 0],
      [-179, 1],
      [-180, 1],
      [-180, 0.8],
      [-179.5, 0.8],
      [-179.5, 0.2],
      [-180, 0.2],
      [-180, 0],
    ],
  ];
  assert.notEqual(sketchOf({ type: "MultiPolygon", coordinates: [frame, other] }).other, null); // a hole across it
});

test("coordinates, GeoJSON and WKT can be typed or pasted", () => {
  const circle = readShape("60.1699, 24.9412, 250 m");
  assert.deepEqual([circle.kind, circle.shape.points[0], circle.shape.radius], ["circle", [24.9412, 60.1699], 250]);
  assert.equal(readShape("60.17 24.94 1.5 km").shape.radius, 1500);
  assert.deepEqual(readShape("60, 24\n60.1, 24\n60.1, 24.1").shape.points, [
    [24, 60],
    [24, 60.1],
    [24.1, 60.1],
  ]);
  assert.equal(readShape("60.1, 24.1, 60.2, 24.3").kind, "rectangle");
  assert.deepEqual(readShape("POLYGON((30 10, 40 40, 20 40, 30 10))").shape.points, [
    [30, 10],
    [40, 40],
    [20, 40],
  ]);
  assert.equal(readShape("MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)),((5 5, 6 5, 6 6, 5 5)))").other.type, "MultiPolygon");
  assert.equal(readShape("SRID=4326;LINESTRING(0 0, 1 1)").kind, "corridor");
  assert.equal(
    readShape('{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]},"properties":{"radius_m":30}}').shape
      .radius,
    30,
  );
});

test("what cannot be read says why", () => {
  for (const [text, why] of [
    ["", /Nothing/],
    ["{oops", /not valid JSON/],
    ['{"type":"Point"}', /is needed/],
    ["hello", /latitude, longitude/],
    ["1,2", /three lines/],
    ["POLYGON((24 60, 25 91, 25 60, 24 60))", /Latitude 91/],
    ["POLYGON((1 2, 3", /brackets/],
  ]) {
    assert.throws(() => readShape(text), why, text);
  }
});

test("a corner dragged over another side is told at once, and well again when it is back", () => {
  const sketch = new Sketch("polygon", {
    points: [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
    ],
    closed: true,
  });
  assert.equal(sketch.problem(), "");
  sketch.move(0, [0.5, 2]);
  assert.match(sketch.problem(), /cross/);
  sketch.move(0, [0, 0.1], true);
  assert.equal(sketch.problem(), "");
  sketch.move(3, [2, 0.5], true);
  assert.match(sketch.problem(), /cross/);
});

test("the sweep finds the first crossing that every pair of sides would", () => {
  let seed = 7;
  const next = () => {
    seed = (seed * 16807) % 2147483647;
    return seed / 2147483647;
  };
  for (let round = 0; round < 200; round++) {
    const ring = Array.from({ length: 4 + (round % 9) }, () => [next(), next()]);
    const n = ring.length;
    ring.push(ring[0]);
    const crossed = crossings(ring);
    const pairs = [];
    for (let i = 0; i < n; i++)
      for (let j = i + 2; j < n; j++)
        if (!(i === 0 && j === n - 1)) {
          const [a, b, c, d] = [ring[i], ring[i + 1], ring[j], ring[j + 1]];
          const side = (p, q, r) => (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
          if (side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0) pairs.push([i, j]);
        }
    assert.deepEqual(crossed?.sides ?? null, pairs[0] ?? null);
  }
});

test("a shape moved as a whole is not asked again whether its sides cross", () => {
  const sketch = new Sketch("polygon", {
    points: [
      [0, 0],
      [1, 0],
      [1, 1],
    ],
    closed: true,
  });
  assert.equal(sketch.problem(), "");
  sketch.shift(0.5, 0.5, sketch.shape, false);
  assert.equal(sketch.judged?.shape, sketch.shape);
  assert.equal(sketch.problem(), "");
  const crossed = new Sketch("polygon", {
    points: [
      [0, 0],
      [1, 1],
      [1, 0],
      [0, 1],
    ],
    closed: true,
  });
  assert.match(crossed.problem(), /near 0.5/);
  crossed.shift(1, 1, crossed.shape, false);
  assert.match(crossed.problem(), /near 1.5/);
});

test("what is pasted over a drawn shape can be taken back and done again", () => {
  const drawn = new Sketch("polygon", {
    points: [
      [0, 0],
      [1, 0],
      [1, 1],
    ],
    closed: true,
  });
  const pasted = readShape("60.1, 24.9, 250 m");
  pasted.over(drawn);
  assert.ok(pasted.undoable && !pasted.undo());
  assert.equal(pasted.before, drawn);
  assert.ok(drawn.redoable && !drawn.redo());
  assert.equal(drawn.after, pasted);
  drawn.move(0, [0, 0.1]);
  assert.equal(drawn.after, null, "what is done instead ends what could be done again");
  const first = readShape("60.1, 24.9, 250 m");
  first.over(new Sketch("polygon"));
  assert.ok(!first.undoable, "nothing was there");
});
