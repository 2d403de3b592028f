import assert from "node:assert/strict";
import { test } from "node:test";
import { around, grouped, instant, local, rangeOf } from "../../../static/js/draw/visits.js";

const ZONE = "Europe/Helsinki"; // UTC+2 in winter, UTC+3 in summer
const NOON = Date.parse("2026-11-26T10:00:00Z"); // 12:00 there
const at = (/** @type {number} */ ms) => new Date(ms).toISOString().slice(0, 16);
/** @param {import("../../../static/js/draw/visits.js").Choice} choice @param {number} [now] @param {string} [zone] */
const said = (choice, now = NOON, zone = ZONE) => {
  const range = rangeOf(choice, now, zone);
  return range && [at(range.from), at(range.until)];
};

test("ranges are those of the page's zone", () => {
  assert.deepEqual(said("hour"), ["2026-11-26T09:00", "2026-11-26T10:00"]);
  assert.deepEqual(said("today"), ["2026-11-25T22:00", "2026-11-26T10:00"]);
  assert.deepEqual(said("yesterday"), ["2026-11-24T22:00", "2026-11-25T22:00"]);
  assert.deepEqual(said("night"), ["2026-11-25T20:00", "2026-11-26T04:00"]);
  assert.deepEqual(said("night", NOON, "UTC"), ["2026-11-25T22:00", "2026-11-26T06:00"]);
  assert.equal(said("other"), null);
});

test("the night that lasts ends now, and one in which clocks change is an hour longer", () => {
  assert.deepEqual(said("night", Date.parse("2026-11-26T01:00:00Z")), ["2026-11-25T20:00", "2026-11-26T01:00"]);
  assert.deepEqual(said("night", Date.parse("2026-10-25T10:00:00Z")), ["2026-10-24T19:00", "2026-10-25T04:00"]);
  assert.deepEqual(said("yesterday", Date.parse("2026-10-26T10:00:00Z")), ["2026-10-24T21:00", "2026-10-25T22:00"]);
});

test("what an input holds is a time of that zone", () => {
  for (const zone of [ZONE, "UTC", "America/New_York", "Asia/Kathmandu"])
    assert.equal(instant(local(NOON, zone), zone), NOON, zone);
  assert.equal(local(NOON, ZONE), "2026-11-26T12:00");
  assert.equal(instant("2026-07-01T12:00", ZONE), Date.parse("2026-07-01T09:00:00Z"));
  assert.ok(Number.isNaN(instant("", ZONE)));
});

test("visits are told by vehicle, who was here first before the others", () => {
  const end = { how: "crossed", lat: 60, lon: 25 };
  const visit = (/** @type {string} */ vehicle, /** @type {string|null} */ entered_at) => ({
    vehicle,
    entered_at,
    exited_at: "2026-11-26T09:30:00Z",
    duration_s: 90,
    fixes: 3,
    passed_through: false,
    entry: end,
    exit: end,
  });
  const visits = [visit("a", "2026-11-26T09:00:00Z"), visit("b", null), visit("a", "2026-11-26T09:20:00Z")];
  assert.deepEqual(
    grouped(visits).map(({ vehicle, visits, total }) => [vehicle, visits.length, total]),
    [
      ["b", 1, 90_000],
      ["a", 2, 180_000],
    ],
  );
  const range = { from: 0, until: NOON };
  assert.deepEqual(around(visits[1], range), { from: -120_000, until: Date.parse("2026-11-26T09:32:00Z") });
});
