import assert from "node:assert/strict";
import { test } from "node:test";
import { lengths, pieces, stateAt, Track } from "../../../static/js/model/past/track.js";

const MINUTE = 60_000;
const at = (minute, speed = 10, more = {}) => ({
  time: new Date(minute * MINUTE).toISOString(),
  lat: 60,
  lon: 24,
  speed_mps: speed,
  ...more,
});

test("the trail is the last half hour without what is doubted", () => {
  const track = new Track();
  track.read([at(0), at(10), at(35, 10, { held: true }), at(39)]);
  assert.deepEqual(
    track.trail.map((p) => p.time / MINUTE),
    [10, 39],
  );
  assert.equal(track.points.length, 4);
});

test("a newer fix makes the track longer and the trail move on; one that is known changes nothing", () => {
  const track = new Track();
  track.read([at(0), at(20)]);
  assert.ok(!track.add({ time: 20 * MINUTE, lat: 60, lon: 24, speed: 3 }));
  assert.ok(track.add({ time: 31 * MINUTE, lat: 60, lon: 24, speed: -1 }));
  assert.deepEqual(
    track.trail.map((p) => [p.time / MINUTE, p.speed]),
    [
      [20, 10],
      [31, null],
    ],
  );
  assert.equal(track.points.length, 3);
});

test("a day without a track begins with the first fix", () => {
  const track = new Track();
  track.read([]);
  assert.ok(track.add({ time: MINUTE, lat: 60, lon: 24, speed: 0 }));
  assert.equal(track.trail.length, 1);
});

test("a day is pieces of moving, standing and silence, neighbours joined", () => {
  const points = [
    { time: 0, speed: 10 },
    { time: 5 * MINUTE, speed: 10 },
    { time: 10 * MINUTE, speed: 0 },
    { time: 15 * MINUTE, speed: null },
    { time: 40 * MINUTE, speed: 10 },
  ];
  const day = pieces(points, 100 * MINUTE);
  assert.deepEqual(
    day.map(({ from, until, what }) => [from / MINUTE, until / MINUTE, what]),
    [
      [0, 10, "moving"],
      [10, 15, "idle"],
      [15, 40, "offline"],
      [40, 50, "moving"],
    ],
  );
  assert.deepEqual(lengths(day), { moving: 20 * MINUTE, idle: 5 * MINUTE, offline: 25 * MINUTE });
});

test("what it did at a moment is what its piece says; beyond them nobody knows", () => {
  const day = [
    { from: 10, until: 20, what: /** @type {const} */ ("moving") },
    { from: 20, until: 30, what: /** @type {const} */ ("idle") },
  ];
  assert.deepEqual(
    [9, 10, 19, 21, 30, 31].map((at) => stateAt(day, at)),
    [null, "moving", "moving", "idle", "idle", null],
  );
});
