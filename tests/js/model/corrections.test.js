import assert from "node:assert/strict";
import { test } from "node:test";
import { choices, correction, instant } from "../../../static/js/model/past/corrections.js";

const leg = (kind, from, until) => ({
  kind,
  from,
  until,
  places: [],
  metres: 0,
  fastest: null,
  regions: [],
  corrected: [],
});
const legs = [leg("trip", 0, 10), leg("stop", 10, 20), leg("trip", 20, 30), leg("gap", 30, 40), leg("stop", 40, 50)];

test("a stop may be moved, its trips joined, its fixes wrong; what is beside no two trips joins none", () => {
  const of = (at, fixes = null) => choices(legs, legs[at], fixes).map(({ what, from, until }) => [what, from, until]);
  assert.deepEqual(of(1), [
    ["move_stop", 10, 20],
    ["join_trips", 0, 30],
    ["wrong_fixes", 10, 20],
  ]);
  assert.deepEqual(of(0, [3, 7]), [["wrong_fixes", 3, 7]]);
  assert.deepEqual(of(3), []);
  assert.deepEqual(of(4), [
    ["move_stop", 40, 50],
    ["wrong_fixes", 40, 50],
  ]);
});

test("a time of day is the instant at which the clock there shows it, also when it was changed that day", () => {
  const from = Date.UTC(2026, 2, 28, 23); // midnight in Berlin; at two it is three
  const clock = (ms) => new Intl.DateTimeFormat("en-GB", { timeZone: "Europe/Berlin", timeStyle: "medium" }).format(ms);
  const day = { from, until: from + 23 * 3_600_000 };
  assert.equal(instant("01:30", from, day, clock), from + 90 * 60_000);
  assert.equal(instant("09:00:07", from, day, clock), Date.UTC(2026, 2, 29, 7, 0, 7));
  const exact = Date.UTC(2026, 2, 29, 7, 0, 7, 250);
  assert.equal(instant("09:00:07", exact, day, clock), exact, "what was not typed is as it was");
});

test("only what is otherwise is sent, and of fixes all of the last second", () => {
  const stop = /** @type {const} */ ({ what: "move_stop", from: 10_000, until: 20_000 });
  assert.equal(correction("van", stop, 10_000, 20_000, "so"), null);
  const moved = correction("van", stop, 10_000, 25_000, "so");
  assert.deepEqual(Object.keys(moved ?? {}), ["vehicle", "what", "from", "until", "why", "new_until"]);
  assert.equal(moved?.until, "1970-01-01T00:00:20.000Z");
  const wrong = /** @type {const} */ ({ what: "wrong_fixes", from: 10_000, until: 20_250 });
  assert.equal(correction("van", wrong, 10_000, 20_250, "so")?.until, "1970-01-01T00:00:20.251Z");
  assert.equal(correction("van", wrong, 10_000, 21_000, "so")?.until, "1970-01-01T00:00:22.000Z");
  const join = /** @type {const} */ ({ what: "join_trips", from: 0, until: 30_000 });
  assert.deepEqual(correction("van", join, 5, 6, "so"), {
    vehicle: "van",
    what: "join_trips",
    from: "1970-01-01T00:00:00.000Z",
    until: "1970-01-01T00:00:30.000Z",
    why: "so",
  });
});
