import assert from "node:assert/strict";
import { test } from "node:test";
import { along, beyond, decided, REST_MS, share, WAIT_MS, WAY_MS } from "../../../static/js/model/past/loop.js";

test("the loop waits at the first fix, goes to the second, waits there, and begins again", () => {
  const round = WAIT_MS + WAY_MS + REST_MS;
  assert.deepEqual([0, WAIT_MS, WAIT_MS + WAY_MS, round - 1, round, -5].map(share), [0, 0, 1, 1, 0, 0]);
  assert.equal(share(WAIT_MS + WAY_MS / 2), 0.5);
  let before = 0;
  for (let ms = 0; ms < round; ms += 50) {
    assert.ok(share(ms) >= before); // never back
    before = share(ms);
  }
});

test("what decided is two fixes, one, or none: nothing is invented", () => {
  const from = { time: "2026-11-23T10:41:58.000Z", lat: 52.5, lon: 13.4, accuracy_m: 5, edge_m: -14 };
  const to = { time: Date.UTC(2026, 10, 23, 10, 42, 3), lat: 52.6, lon: 13.6, edge_m: null };
  const fixes = decided({ why: { from, to } });
  assert.deepEqual(fixes, [
    { time: Date.UTC(2026, 10, 23, 10, 41, 58), lat: 52.5, lon: 13.4, edge: -14, accuracy: 5 },
    { time: to.time, lat: 52.6, lon: 13.6, edge: null, accuracy: null },
  ]);
  const [lon, lat] = along(fixes, 0.5);
  assert.deepEqual([lon.toFixed(6), lat.toFixed(6)], ["13.500000", "52.550000"]);
  const one = decided({ why: { to } });
  assert.equal(one.length, 1);
  assert.deepEqual(along(one, 0.5), [13.6, 52.6]);
  assert.deepEqual(decided({}), []);
});

test("over 180° it goes the short way", () => {
  const fixes = decided({ why: { from: { time: 1, lat: 0, lon: 179.9 }, to: { time: 2, lat: 0, lon: -179.9 } } });
  assert.ok(Math.abs(Math.abs(along(fixes, 0.5)[0]) - 180) < 1e-9);
});

test("words lie on the far sides of the two fixes, and within the picture", () => {
  const sizes = [
    [60, 20],
    [60, 20],
  ];
  const [first, second] = beyond(
    [
      [100, 60],
      [140, 60],
    ],
    sizes,
    9,
    [240, 120],
  );
  assert.deepEqual(first, [31, 50]); // ends 9 px left of the first
  assert.deepEqual(second, [149, 50]);
  for (const [x, y] of [
    [3, 3],
    [239, 119],
  ]) {
    const [[left, top]] = beyond([[x, y]], [[60, 20]], 9, [240, 120]);
    assert.ok(left >= 2 && left + 60 <= 238 && top >= 2 && top + 20 <= 118);
  }
});
