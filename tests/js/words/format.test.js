import assert from "node:assert/strict";
import { test } from "node:test";
import * as format from "../../../static/js/words/format.js";

test("speed is told in the reader's unit and never invented", () => {
  assert.equal(format.speed(10, "metric"), "36 km/h");
  assert.equal(format.speed(10, "imperial"), "22 mph");
  assert.equal(format.speed(10, "nautical"), "19 kn");
  assert.equal(format.speed(-1, "metric"), "–");
  assert.equal(format.speed(null, "metric"), "–");
  assert.ok(Math.abs(format.speedFrom(50, "metric") - 13.889) < 0.001);
});

test("ages take one unit, timers run", () => {
  assert.deepEqual([0, 59_999, 60_000, 3_600_000, 90_000_000].map(format.age), ["0 s", "59 s", "1 min", "1 h", "1 d"]);
  assert.deepEqual([7000, 760_000, 11_109_000, 187_200_000].map(format.timer), ["0:07", "12:40", "3:05:09", "2 d 4 h"]);
  assert.equal(format.age(-5), "0 s");
  assert.equal(format.spoken(61_000), "1 minute");
});

test("distances and areas fit their size", () => {
  assert.deepEqual(
    [
      format.distance(250, "metric"),
      format.distance(1234, "metric"),
      format.distance(23_400, "metric"),
      format.distance(1609.344, "imperial"),
    ],
    ["250 m", "1.2 km", "23 km", "1 mi"],
  );
  assert.deepEqual(
    [format.area(3400, "metric"), format.area(123_000, "metric"), format.area(4_200_000, "metric")],
    ["3,400 m²", "12 ha", "4.2 km²"],
  );
});

test("bytes are told in the unit that fits them", () => {
  assert.deepEqual([0, 999, 1000, 1_234_567, 23_400_000, 999_900_000, 2.5e12].map(format.size), [
    "0 B",
    "999 B",
    "1 kB",
    "1.2 MB",
    "23 MB",
    "1 GB",
    "2.5 TB",
  ]);
});

test("every full time states its zone", () => {
  const t = Date.UTC(2026, 10, 23, 9, 0, 7);
  assert.equal(format.full(t, "UTC"), "23 Nov 2026, 09:00:07 UTC");
  assert.equal(format.full(t, "Europe/Helsinki"), "23 Nov 2026, 11:00:07 UTC+2");
});

test("a day begins at its own midnight, also when the clocks change", () => {
  assert.equal(format.startOfDay(Date.UTC(2026, 10, 23, 9), "Europe/Helsinki"), Date.UTC(2026, 10, 22, 22));
  assert.equal(format.startOfDay(Date.UTC(2026, 2, 29, 12), "Europe/Helsinki"), Date.UTC(2026, 2, 28, 22));
  assert.equal(format.startOfDay(Date.UTC(2026, 9, 25, 12), "Europe/Helsinki"), Date.UTC(2026, 9, 24, 21));
});

test("headings are named, unknown ones are not", () => {
  assert.deepEqual(
    [format.heading(0), format.heading(90), format.heading(359), format.heading(-1)],
    ["0° north", "90° east", "359° north", "–"],
  );
});

test("van 2 comes before van 10", () => {
  assert.ok(format.sortKey("Van 2") < format.sortKey("van 10"));
});

test("how long something lasted is told in words, not as a clock", () => {
  assert.equal(format.lasted(14_900), "14 s");
  assert.equal(format.lasted(760_000), "12 min");
  assert.equal(format.lasted(3_600_000), "1 h");
  assert.equal(format.lasted(3_900_000), "1 h 5 min");
  assert.equal(format.lasted(187_200_000), "2 d 4 h");
});

test("a time zone this browser does not know is told in its own", () => {
  const t = Date.UTC(2026, 10, 23, 9, 0, 7);
  assert.equal(format.full(t, "Mars/Olympus"), format.full(t, ""));
});

test("a day begins where its zone says, also where midnight is skipped or strikes twice", () => {
  const starts = (/** @type {string} */ zone, /** @type {string} */ noon, /** @type {string} */ start) =>
    assert.equal(
      new Date(format.startOfDay(Date.parse(noon), zone)).toISOString(),
      new Date(start).toISOString(),
      zone,
    );
  starts("America/Santiago", "2026-09-06T15:00Z", "2026-09-06T04:00Z"); // 24:00 became 01:00
  starts("Africa/Cairo", "2026-04-24T10:00Z", "2026-04-23T22:00Z"); // 00:00 became 01:00
  starts("Asia/Beirut", "2026-03-29T10:00Z", "2026-03-28T22:00Z");
  starts("America/Havana", "2026-11-01T17:00Z", "2026-11-01T04:00Z"); // 01:00 became 00:00: midnight twice
  starts("Africa/Cairo", "2026-10-30T10:00Z", "2026-10-29T22:00Z"); // 24:00 became 23:00: the day before is long
  starts("Asia/Kathmandu", "2026-05-05T05:00Z", "2026-05-04T18:15Z");
  starts("Pacific/Apia", "2026-05-05T05:00Z", "2026-05-04T11:00Z");
  starts("UTC", "2026-05-05T00:00Z", "2026-05-05T00:00Z");
  const hours = (/** @type {string} */ zone, /** @type {string} */ noon) =>
    (format.endOfDay(format.startOfDay(Date.parse(noon), zone), zone) - format.startOfDay(Date.parse(noon), zone)) /
    3_600_000;
  assert.deepEqual(
    [
      hours("Europe/Helsinki", "2026-03-29T12:00Z"),
      hours("Europe/Helsinki", "2026-10-25T12:00Z"),
      hours("UTC", "2026-10-25T12:00Z"),
    ],
    [23, 25, 24],
  );
});

test("a time of another year says its year", () => {
  const now = Date.UTC(2026, 0, 2, 12);
  assert.equal(format.when(Date.UTC(2025, 11, 31, 23, 5), now, "UTC"), "31 Dec 2025, 23:05");
  assert.equal(format.when(Date.UTC(2026, 0, 1, 23, 5), now, "UTC"), "1 Jan, 23:05");
  assert.equal(format.when(Date.UTC(2025, 0, 2, 12), now, "UTC"), "2 Jan 2025, 12:00");
  assert.equal(format.when(now, now, "UTC"), "12:00:00");
  assert.equal(format.dayOf(Date.UTC(2025, 11, 31, 23, 5), now, "Europe/Helsinki"), "1 Jan");
});

test("a name too long for the map is cut where it says so, and no letter in two", () => {
  assert.equal(format.short("Van 12"), "Van 12");
  assert.equal(format.short("A region with a name so long that no map has room"), "A region with a name so long th…");
  assert.equal(format.short("🚚".repeat(40)), `${"🚚".repeat(31)}…`);
});
