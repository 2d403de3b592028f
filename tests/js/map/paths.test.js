import assert from "node:assert/strict";
import { test } from "node:test";
import { path, unrolled } from "../../../static/js/map/paths.js";

/** @param {{points: Float64Array}} path @param {number} lon @param {number} lat whether the ring is around the place */
function around({ points }, lon, lat) {
  const one = path([[lon, lat]]).points;
  const [x, y] = one;
  let odd = false;
  for (let i = 0, j = points.length - 2; i < points.length; j = i, i += 2) {
    const [x1, y1, x2, y2] = [points[i], points[i + 1], points[j], points[j + 1]];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) odd = !odd;
  }
  return odd;
}

test("land that reaches over the antimeridian does not smear across the whole map", () => {
  const chukotka = unrolled([
    [170, 60],
    [179.8, 60],
    [-175, 65],
    [-180, 69],
    [179.8, 69],
    [170, 70],
    [170, 60],
  ]);
  assert.ok(chukotka.box[2] - chukotka.box[0] < 0.05);
  assert.ok(around(chukotka, 179, 65));
  assert.ok(!around(chukotka, 0, 65));
});

test("a continent around the pole is filled down to the foot of the map", () => {
  const coast = [];
  for (let lon = -180; lon < 180; lon += 10) coast.push([lon, -70 - (lon % 20 ? 5 : 0)]);
  const antarctica = unrolled([...coast, [-180, -70]]);
  assert.ok(around(antarctica, 15, -84));
  assert.ok(around(antarctica, -120, -80));
  assert.ok(!around(antarctica, 15, -60));
});
