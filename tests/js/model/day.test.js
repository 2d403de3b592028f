import assert from "node:assert/strict";
import { test } from "node:test";
import { around, band, bands, later, legs, nearestFix, signposts, way } from "../../../static/js/model/day.js";
import { limits } from "../../../static/js/net/grants.js";
import * as format from "../../../static/js/words/format.js";

const MINUTE = 60_000;
const clock = (minute) => new Date(minute * MINUTE).toISOString();
const lasts = (from, until, more) => ({ from: clock(from), until: clock(until), ...more });
const HERE = { lat: 60, lon: 24 };
const fix = (minute, speed_mps, lon = 24, more = {}) => ({ time: clock(minute), lat: 60, lon, speed_mps, ...more });

test("trips, stops and silences of a day are one list in order, and a place that is one is one", () => {
  const moved = {
    trips: [lasts(10, 20, { start: HERE, end: { lat: 61, lon: 25 }, distance_m: 900, max_mps: 12.5 })],
    gaps: [lasts(30, 40, { start: HERE, end: HERE, distance_m: 5 })],
  };
  const stood = { stops: [lasts(20, 30, { ...HERE, regions: [{ id: "a", name: "A" }] }), lasts(0, 10, HERE)] };
  const found = legs(moved, stood);
  assert.deepEqual(
    found.map(({ kind, from }) => [kind, from / MINUTE]),
    [
      ["stop", 0],
      ["trip", 10],
      ["stop", 20],
      ["gap", 30],
    ],
  );
  assert.deepEqual(found[1].places, [
    [60, 24],
    [61, 25],
  ]);
  assert.deepEqual([found[1].metres, found[1].fastest], [900, 12.5]);
  assert.deepEqual(found[2].regions, [{ id: "a", name: "A" }]);
});

test("a day is the reader's, also where Greenwich has another one, and where the clock is changed", () => {
  for (const [zone, hours] of [
    ["Pacific/Kiritimati", 24],
    ["Pacific/Pago_Pago", 24],
    ["Europe/Helsinki", 23],
    ["UTC", 24],
  ]) {
    const from = format.dayBegin("2026-03-29", zone);
    assert.equal(format.isoDay(from, zone), "2026-03-29", zone);
    assert.equal(format.isoDay(from - 1, zone), "2026-03-28", zone);
    assert.equal((format.endOfDay(from, zone) - from) / 3_600_000, hours, zone);
  }
  assert.equal(later("2026-03-01", -1), "2026-02-28");
  assert.equal(later("2026-12-31", 1), "2027-01-01");
});

test("a fix without a speed has that of the way from the one before; what is doubted is not drawn", () => {
  const fixes = way([fix(0, 3), fix(1, null, 24.01), fix(2, 9, 30, { held: true }), fix(3, 0, 24.01)]);
  assert.deepEqual(
    fixes.map(({ speed }) => (speed === null ? null : Math.round(speed))),
    [3, 9, 0],
  );
  assert.equal(way([fix(0, null)])[0].speed, null);
});

test("a silence in a track is a gap, a slow sender's rhythm is none", () => {
  const gaps = (minutes) => way(minutes.map((minute) => fix(minute, 5))).map(({ gap }) => gap);
  assert.deepEqual(gaps([0, 0.1, 0.2, 3.2, 3.3]), [false, false, false, true, false]);
  assert.deepEqual(gaps([0, 5, 10, 15]), [false, false, false, false]);
});

test("a speed is in one band, in the reader's unit; one that is not known in none", () => {
  const kmh = (value) => band(value / 3.6, "metric");
  assert.deepEqual([0, 9.9, 10.1, 79, 81, 300].map(kmh), [0, 0, 1, 3, 4, 4]);
  assert.equal(band(null, "metric"), -1);
  assert.equal(band(10, "imperial"), 2); // 22 mph
  assert.deepEqual(
    bands("nautical").map(({ value }) => value),
    [5, 15, 25, 45],
  );
});

test("the box around a way is small across the antimeridian too", () => {
  assert.deepEqual(
    around([
      [1, 179.9],
      [2, -179.9],
    ]).map((value) => Math.round(value * 10) / 10),
    [179.9, 1, 180.1, 2],
  );
});

test("times stand apart along the way, and each minute once", () => {
  const pixels = [0, 50, 100, 101, 250].map((x) => [x, 0]);
  assert.deepEqual(
    signposts(
      pixels,
      [0, 1, 2, 2.1, 4].map((at) => at * MINUTE),
      100,
    ),
    [0, 2, 4],
  );
  assert.deepEqual(
    signposts(
      pixels,
      [0, 0.1, 0.2, 0.3, 0.4].map((at) => at * MINUTE),
      10,
    ),
    [0],
  );
});

test("the nearest fix within reach is pointed at, and none beyond", () => {
  const pixels = [
    [0, 0],
    [10, 0],
  ];
  assert.equal(nearestFix(pixels, 7, 2, 14), 1);
  assert.equal(nearestFix(pixels, 40, 0, 14), -1);
});

test("what a grant leaves out of a vehicle's day is known by its group", () => {
  const part = (regions, vehicles, more = {}) => ({ regions, vehicles, may: ["watch"], ...more });
  assert.deepEqual(limits(undefined, null), { regions: false, coarse_m: 0 });
  assert.deepEqual(limits([part(["yard"], "all")], null), { regions: true, coarse_m: 0 });
  assert.deepEqual(limits([part(["yard"], "all"), part("all", ["vans"])], "vans"), { regions: false, coarse_m: 0 });
  assert.deepEqual(limits([part("all", ["vans"], { coarse_m: 500 }), part("all", ["cars"])], "vans").coarse_m, 500);
});
