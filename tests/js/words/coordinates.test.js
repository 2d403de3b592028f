import assert from "node:assert/strict";
import test from "node:test";
import { lines, numbers } from "../../../static/js/words/coordinates.js";
import { readShape } from "../../../static/js/draw/sketch.js";

const near = (/** @type {number[]} */ got, /** @type {number[]} */ wanted) =>
  assert.deepEqual(
    got.map((n) => Math.round(n * 1e4) / 1e4),
    wanted,
  );

test("a line of coordinates is read as people write it", () => {
  for (const line of [
    "60.1699, 24.9412",
    "60.1699,24.9412",
    "60.1699 24.9412",
    "60,1699 24,9412",
    "60,1699; 24,9412",
    "60,1699, 24,9412",
    "60,1699,24,9412",
    "N 60.1699 E 24.9412",
    "60.1699N, 24.9412E",
    "60,1699° N, 24,9412° E",
    "24.9412E 60.1699N",
  ])
    near(numbers(line), [60.1699, 24.9412]);
  for (const line of [
    `60°10'11.6"N 24°56'28.3"E`,
    "60° 10′ 11.6″ N, 24° 56′ 28.3″ E",
    `N60°10'11,6" E24°56'28,3"`,
    "60°10.194'N, 24°56.472'E",
    `24°56'28.3"E, 60°10'11.6"N`,
  ])
    near(numbers(line), [60.1699, 24.9412]);
  near(numbers(`33°51'24.8"S 151°12'33.5"E`), [-33.8569, 151.2093]);
  near(numbers("-33.8568, 151.2153"), [-33.8568, 151.2153]);
  near(numbers("60, 24, 61, 25"), [60, 24, 61, 25]);
  near(numbers("60.1699, 24.9412, 250 m"), [60.1699, 24.9412, 250]);
  near(numbers("60,1699; 24,9412; 250 m"), [60.1699, 24.9412, 250]);
  assert.throws(() => numbers(`60°70'00"N 24°56'28"E`), /59/);
});

test("semicolons part places, or the two numbers of one with decimal commas", () => {
  assert.deepEqual(lines("60.1,24.9; 60.2,24.9; 60.2,25.0"), ["60.1,24.9", "60.2,24.9", "60.2,25.0"]);
  assert.deepEqual(lines("60,1; 24,9\n60,2; 24,9"), ["60,1; 24,9", "60,2; 24,9"]);
  const sketch = readShape("60,10; 24,90\n60,20; 24,90\n60,20; 25,00");
  assert.deepEqual(sketch.shape.points, [
    [24.9, 60.1],
    [24.9, 60.2],
    [25, 60.2],
  ]);
});

test("a collection of two features is refused in words, one of one is taken", () => {
  const feature = {
    type: "Feature",
    properties: { radius_m: 50 },
    geometry: { type: "Point", coordinates: [24.9, 60.1] },
  };
  assert.throws(
    () => readShape(JSON.stringify({ type: "FeatureCollection", features: [feature, feature] })),
    /2 features.*one by one/,
  );
  assert.equal(readShape(JSON.stringify({ type: "FeatureCollection", features: [feature] })).kind, "circle");
});
