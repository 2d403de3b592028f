import assert from "node:assert/strict";
import { test } from "node:test";
import { extent } from "../../../static/js/model/extent.js";

const town = Array.from({ length: 200 }, (_, i) => ({ lat: 60 + i / 1000, lon: 24 + i / 1000 }));

test("one van left in another country does not make the town a dot", () => {
  const [west, south, east, north] = extent([...town, { lat: 40, lon: -3 }], []);
  assert.ok(west >= 24 && south >= 60 && east <= 24.2 && north <= 60.2);
});

test("a single vehicle is a place", () => {
  assert.deepEqual(extent([{ lat: 60, lon: 24 }], []), [24, 60, 24, 60]);
});

test("regions the fleet works in belong to the picture, larger and distant ones do not", () => {
  const [, , east0] = extent(town, []);
  const [west, south, east, north] = extent(town, [
    [24.15, 60.1, 24.25, 60.15], // half of it outside
    [20, 55, 30, 65], // the whole country
    [100, 10, 100.1, 10.1],
  ]);
  assert.ok(east > east0 && east === 24.25);
  assert.ok(west > 23.9 && south > 59.9 && north < 60.3);
});

test("a fleet on both sides of 180° is one picture", () => {
  const [west, , east] = extent(
    Array.from({ length: 100 }, (_, i) => ({ lat: -17, lon: i % 2 ? 179.5 : -179.5 })),
    [[-179.9, -17, -179.6, -17]],
  );
  assert.ok(east - west < 2, `${west} ${east}`);
});
