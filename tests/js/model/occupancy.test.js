import assert from "node:assert/strict";
import { test } from "node:test";
import { HOUR, Occupancy } from "../../../static/js/model/occupancy.js";

const NOW = Date.parse("2026-11-23T12:00:00Z");
const event = (kind, minutesAgo, region = "depot") => ({
  kind,
  region,
  received_at: new Date(NOW - minutesAgo * 60_000).toISOString(),
});
const line = ({ points }) => points.map(([time, count]) => [Math.round((NOW - time) / 60_000), count]);

test("the last hour is walked back from how many are in it now", () => {
  const occupancy = new Occupancy();
  occupancy.read([event("enter", 10), event("exit", 20), event("dwell", 25), event("enter", 90)], "depot");
  const back = occupancy.back(2, NOW);
  assert.deepEqual(line(back), [
    [0, 2],
    [10, 2],
    [10, 1],
    [20, 1],
    [20, 2],
    [60, 2],
  ]);
  assert.equal(back.most, 2);
  assert.equal(HOUR, 3_600_000);
});

test("what comes later is added once, and only of this region", () => {
  const occupancy = new Occupancy();
  const journal = [event("enter", 10)];
  occupancy.read(journal, "depot");
  journal.unshift(event("enter", 1, "harbour"), event("exit", 5));
  occupancy.add(journal, "depot");
  occupancy.add(journal, "depot");
  assert.deepEqual(line(occupancy.back(0, NOW)), [
    [0, 0],
    [5, 0],
    [5, 1],
    [10, 1],
    [10, 0],
    [60, 0],
  ]);
});

test("there are never fewer than none", () => {
  const occupancy = new Occupancy();
  occupancy.read([event("enter", 10), event("enter", 20)], "depot");
  assert.ok(occupancy.back(1, NOW).points.every(([, count]) => count >= 0));
});
