import assert from "node:assert/strict";
import { test } from "node:test";
import { Backlog } from "../../../static/js/model/backlog.js";
import { Fleet } from "../../../static/js/model/fleet.js";
import { freshness, status } from "../../../static/js/model/status.js";

const FIELDS = [
  "n",
  "vehicle",
  "name",
  "when",
  "lat_e6",
  "lon_e6",
  "speed_dmps",
  "heading",
  "state",
  "heard",
  "since",
  "group",
  "kind",
  "accuracy_dm",
  "held",
  "plate",
];
const row = (n, vehicle, when = 0, state = 1) => [
  n,
  vehicle,
  null,
  when,
  60_000_000,
  24_000_000,
  100,
  90,
  state,
  when,
  null,
  null,
  null,
  -1,
  null,
  null,
];
const started = (rows, more = {}) => {
  const fleet = new Fleet();
  fleet.welcome({ op: "welcome", epoch: "a", t0: 1_000_000, now: 1_000_000 }, 1_000_000);
  fleet.snapshot(
    { op: "snapshot", reset: true, part: 1, parts: 1, fields: FIELDS, vehicles: rows, regions: [], in: [], ...more },
    1_000_000,
    0,
  );
  return fleet;
};
const region = (id, version = 1) => ({
  type: "Feature",
  id,
  geometry: { type: "Point", coordinates: [24, 60] },
  properties: { name: id, version, radius_m: 50 },
});

test("a snapshot introduces vehicles by their server numbers", () => {
  const fleet = started([row(7, "van-7")]);
  const v = fleet.byId.get("van-7");
  assert.equal(v.n, 7);
  assert.equal(v.lat, 60);
  assert.equal(v.speed, 10);
  assert.equal(v.accuracy, -1);
  assert.equal(v.name, "van-7");
});

test("an older position than the known one moves nothing", () => {
  const fleet = started([row(1, "a", 5000)]);
  fleet.update({ op: "update", moved: [[1, 4000, 61_000_000, 24_000_000, 0, -1, 2]] }, 1_006_000, 0);
  assert.equal(fleet.byId.get("a").lat, 60);
  fleet.update({ op: "update", moved: [[1, 6000, 61_000_000, 24_000_000, -1, -1, 2]] }, 1_006_000, 0);
  assert.equal(fleet.byId.get("a").lat, 61);
  assert.equal(fleet.byId.get("a").speed, -1);
});

test("a reset with other numbers keeps the vehicle and its slot", () => {
  const fleet = started([row(1, "a"), row(2, "b")]);
  const { slot } = fleet.byId.get("b");
  fleet.snapshot(
    { op: "snapshot", reset: true, part: 1, parts: 1, vehicles: [row(1, "b", 9000)], regions: [], in: [] },
    1_009_000,
    0,
  );
  assert.equal(fleet.byId.size, 1);
  assert.equal(fleet.byId.get("b").slot, slot);
  assert.equal(fleet.vehicles.get(1).id, "b");
});

/** What a page shows after a backup was restored: another run of the server, with numbers and times of its own. */
const restored = (fleet, rows, more = {}) => {
  fleet.welcome({ op: "welcome", epoch: "b", t0: 1_000_000, now: 1_100_000 }, 1_100_000);
  fleet.snapshot(
    { op: "snapshot", reset: true, part: 1, parts: 1, fields: FIELDS, vehicles: rows, regions: [], in: [], ...more },
    1_100_000,
    0,
  );
};

test("numbers that changed hands in a restored backup freeze nobody", () => {
  const fleet = started([row(1, "a"), row(2, "b"), row(3, "c")]);
  restored(fleet, [row(2, "a", 10), row(3, "b", 10), row(1, "c", 10)]);
  fleet.update({ op: "update", moved: [1, 2, 3].map((n) => [n, 20, n * 1_000_000, 0, 0, -1, 1]) }, 1_101_000, 0);
  assert.deepEqual(
    ["a", "b", "c"].map((id) => fleet.byId.get(id).lat),
    [2, 3, 1],
  );
  assert.deepEqual([...fleet.vehicles].map(([n, v]) => [n, v.n, v.id]).sort(), [
    [1, 1, "c"],
    [2, 2, "a"],
    [3, 3, "b"],
  ]);
});

test("a snapshot of a restored backup wins though what it tells is older", () => {
  const fleet = started([row(1, "a", 90_000)]);
  restored(fleet, [[...row(1, "a", 5000).slice(0, 4), 10_000_000, ...row(1, "a", 5000).slice(5)]]);
  assert.deepEqual([fleet.byId.get("a").lat, fleet.byId.get("a").time], [10, 1_005_000]);
  fleet.update({ op: "update", moved: [[1, 6000, 11_000_000, 0, 0, -1, 1]] }, 1_101_000, 0);
  assert.equal(fleet.byId.get("a").lat, 11);
});

test("who is gone after a reset takes nobody out of a region who has his number now", () => {
  const fleet = started([row(1, "gone"), row(2, "b")], { regions: [region("r")], in: [["r", [1, 2]]] });
  restored(fleet, [row(1, "b")], { regions: [region("r")], in: [["r", [1]]] });
  assert.deepEqual(
    [[...fleet.members.get("r")], [...fleet.byId.get("b").regions.keys()], [...fleet.byId.keys()]],
    [[1], ["r"], ["b"]],
  );
});

test("a number means nobody between the welcome of another run and its snapshot", () => {
  const fleet = started([row(1, "a")]);
  fleet.welcome({ op: "welcome", epoch: "b", t0: 1_000_000, now: 1_100_000 }, 1_100_000);
  fleet.update({ op: "update", moved: [[1, 9000, 1, 1, 0, -1, 1]], left: [[1, "removed"]] }, 1_100_000, 0);
  assert.deepEqual(
    [...fleet.byId.values()].map((v) => [v.id, v.lat]),
    [["a", 60]],
  );
});

test("the first update after a resume may name its fields", () => {
  const fleet = started([]);
  fleet.update(
    { op: "update", fields: ["vehicle", "n", "when", "lat_e6", "lon_e6"], new: [["a", 4, 0, 1_000_000, 2_000_000]] },
    1_000_000,
    0,
  );
  assert.deepEqual([fleet.byId.get("a").n, fleet.byId.get("a").lat], [4, 1]);
});

test("ages and silence go by the server's clock, however wrong this machine's is", () => {
  for (const skew of [-3_600_000, 3_600_000]) {
    const fleet = new Fleet();
    const clock = 1_000_000_000 - skew;
    fleet.welcome({ op: "welcome", epoch: "a", t0: 1_000_000_000, now: 1_000_000_000 }, clock);
    fleet.snapshot(
      { op: "snapshot", reset: true, fields: FIELDS, vehicles: [row(1, "a")], regions: [], in: [] },
      clock,
      0,
    );
    const v = fleet.byId.get("a");
    assert.equal(fleet.now(clock), 1_000_000_000);
    fleet.tick(clock + 14_000);
    assert.equal(status(v), "moving");
    fleet.tick(clock + 16_000);
    assert.equal(status(v), "stale");
    fleet.update({ op: "update", moved: [[1, 20_000, 1, 1, 50, 1, 1]] }, clock + 20_000, 0);
    assert.equal(v.heard, 1_000_020_000);
  }
});

test("who is in `out` and in `in` of one update is inside, and whoever `left` is nowhere", () => {
  const fleet = started([row(1, "a"), row(2, "b")], { regions: [region("r")], in: [["r", [1, 2]]] });
  fleet.update({ op: "update", in: [["r", [1]]], out: [["r", [1]]], left: [[2, "region"]] }, 1_000_000, 0);
  assert.deepEqual([[...fleet.members.get("r")], [...fleet.byId.get("a").regions.keys()]], [[1], ["r"]]);
  fleet.update({ op: "update", new: [row(3, "c")], in: [["r", [3]]], out: [["r", [1]]] }, 1_000_000, 0);
  assert.deepEqual([[...fleet.members.get("r")], fleet.byId.get("a").regions.size], [[3], 0]);
});

test("a rough position is a circle until a better one comes, or the vehicle leaves", () => {
  const rough = row(1, "a");
  const fine = row(1, "a");
  rough[13] = 9000;
  fine[13] = 50;
  const fleet = started([rough, row(2, "b")]);
  assert.deepEqual(
    [...fleet.rough].map((v) => v.id),
    ["a"],
  );
  fleet.update({ op: "update", new: [fine] }, 1_000_100, 0);
  assert.equal(fleet.rough.size, 0);
  fleet.update({ op: "update", new: [rough] }, 1_000_100, 0);
  fleet.update({ op: "update", left: [[1, "view"]] }, 1_000_100, 0);
  assert.equal(fleet.rough.size, 0);
});

test("a held position shows until the next position settles it", () => {
  const held = row(1, "a");
  held[14] = [50, 1, 1];
  const fleet = started([held, row(2, "b")]);
  assert.deepEqual(
    ["a", "b"].map((id) => fleet.byId.get(id).held),
    [true, false],
  );
  fleet.update({ op: "update", moved: [[1, 60, 60_000_000, 24_000_000, 100, 90, 1]] }, 1_000_100, 0);
  assert.equal(fleet.byId.get("a").held, false);
});

test("a snapshot in parts forgets nobody before its last part", () => {
  const fleet = started([row(1, "a"), row(2, "b")]);
  fleet.snapshot({ op: "snapshot", reset: true, part: 1, parts: 2, vehicles: [row(1, "a")] }, 1_000_000, 0);
  assert.equal(fleet.byId.size, 2);
  fleet.snapshot({ op: "snapshot", reset: true, part: 2, parts: 2, vehicles: [row(3, "c")] }, 1_000_000, 0);
  assert.deepEqual([...fleet.byId.keys()].sort(), ["a", "c"]);
});

test("a vehicle that left is gone from its regions too", () => {
  const fleet = started([row(1, "a")], { regions: [region("r")], in: [["r", [1]]] });
  assert.equal(fleet.members.get("r").size, 1);
  fleet.update({ op: "update", left: [[1, "region"]] }, 1_000_000, 0);
  assert.equal(fleet.byId.size, 0);
  assert.equal(fleet.members.get("r").size, 0);
});

test("an older version of a region is old news", () => {
  const fleet = started([], { regions: [region("r", 3)] });
  fleet.update({ op: "update", regions: [region("r", 2)] }, 1_000_000, 0);
  assert.equal(fleet.regions.get("r").properties.version, 3);
  fleet.update({ op: "update", regions_deleted: ["r"] }, 1_000_000, 0);
  assert.equal(fleet.regions.size, 0);
});

test("silence makes a moving vehicle stale after 15 s and offline after 10 min, by receipt", () => {
  const fleet = started([row(1, "a")]);
  const v = fleet.byId.get("a");
  fleet.tick(1_014_000);
  assert.equal(status(v), "moving");
  fleet.tick(1_016_000);
  assert.equal(status(v), "stale");
  fleet.tick(1_601_000);
  assert.equal(status(v), "offline");
  fleet.update({ op: "update", moved: [[1, 1, 60_000_000, 24_000_000, 50, 1, 1]] }, 1_602_000, 0);
  assert.equal(status(v), "moving");
});

test("going offline is told by the server, and is not heard of the vehicle", () => {
  const fleet = started([row(1, "a")]);
  const v = fleet.byId.get("a");
  const { heard } = v;
  fleet.update({ op: "update", moved: [[1, 0, 60_000_000, 24_000_000, 50, 1, 4]] }, 1_602_000, 0);
  fleet.tick(1_602_000);
  assert.equal(status(v), "offline");
  assert.equal(v.heard, heard);
  fleet.update({ op: "update", moved: [[1, 1, 60_000_000, 24_000_000, 50, 1, 1]] }, 1_603_000, 0);
  assert.ok(v.heard > heard);
});

test("a slow reporter is measured by its own rhythm and a parked one by hours", () => {
  assert.deepEqual(freshness(60_000, false), [120_000, 600_000]);
  assert.deepEqual(freshness(120_000, false), [240_000, 1_200_000]);
  assert.deepEqual(freshness(1000, true), [3_600_000, 86_400_000]);
});

test("what waits while paused ends in the same picture", () => {
  const live = started([row(1, "a"), row(2, "b")]);
  const paused = started([row(1, "a"), row(2, "b")]);
  const backlog = new Backlog();
  const messages = [
    {
      op: "update",
      frame: 1,
      cursor: "x",
      moved: [
        [1, 10, 1_000_000, 2_000_000, 1, 1, 1],
        [2, 10, 3_000_000, 2_000_000, 1, 1, 1],
      ],
    },
    { op: "update", frame: 2, cursor: "x", moved: [[1, 20, 5_000_000, 2_000_000, 1, 1, 1]], left: [[2, "removed"]] },
    { op: "update", frame: 3, cursor: "x", new: [row(3, "c", 30)], events: [{ id: "e" }] },
  ];
  for (const message of messages) {
    live.update(message, 1_000_000, 0);
    backlog.add(message, 1_000_000);
  }
  assert.equal(backlog.updates, 4);
  assert.equal(backlog.events, 1);
  for (const [message, clock] of backlog.take()) paused.update(message, clock, 0);
  const picture = (fleet) => [...fleet.byId.values()].map((v) => [v.id, v.lat, v.time]).sort();
  assert.deepEqual(picture(paused), picture(live));
});

test("a pause makes nobody look fresher than he is", () => {
  const fleet = started([row(1, "a"), row(2, "b")]);
  const backlog = new Backlog();
  backlog.add(
    {
      op: "update",
      moved: [
        [1, 10, 1, 1, 1, 1, 1],
        [2, 10, 1, 1, 1, 1, 1],
      ],
    },
    1_001_000,
  );
  backlog.add({ op: "update", moved: [[2, 700_000, 2, 2, 1, 1, 1]] }, 1_700_000);
  for (const [message, clock] of backlog.take()) fleet.update(message, clock, 0);
  fleet.tick(1_701_000);
  assert.deepEqual(
    [...fleet.byId.values()].map((v) => [v.heard, status(v)]),
    [
      [1_001_000, "offline"],
      [1_700_000, "moving"],
    ],
  );
});

test("of what waited before another server began, only what happened stays", () => {
  const fleet = started([row(1, "a")]);
  const backlog = new Backlog();
  backlog.add(
    { op: "update", new: [row(2, "old")], moved: [[1, 10, 9, 9, 1, 1, 1]], events: [{ id: "e" }] },
    1_000_000,
  );
  backlog.add({ op: "snapshot", reset: true, fields: FIELDS, vehicles: [row(1, "b")], in: [] }, 1_001_000);
  const waited = backlog.take();
  assert.deepEqual(waited[0][0].events, [{ id: "e" }]);
  for (const [message, clock] of waited)
    message.op === "snapshot" ? fleet.snapshot(message, clock, 0) : fleet.update(message, clock, 0);
  assert.deepEqual(
    [...fleet.byId.values()].map((v) => [v.id, v.lat]),
    [["b", 60]],
  );
});

test("twenty thousand vehicles are introduced and moved within a frame or two", () => {
  const fleet = started(Array.from({ length: 20_000 }, (_, i) => row(i + 1, `v${i}`)));
  assert.equal(fleet.byId.size, 20_000);
  fleet.update(
    { op: "update", moved: Array.from({ length: 4000 }, (_, i) => [i + 1, 5, 60_100_000, 24_000_000, 10, 10, 1]) },
    1_000_000,
    0,
  );
  assert.equal(fleet.byId.get("v3999").lat, 60.1);
  assert.equal(fleet.motion.size, 20_000);
});

test("an answer adds a vehicle to no region of which the channel tells; of the others it is all there is", () => {
  const regions = ["a", "b", "c"].map((id) => region(id));
  const fleet = started([row(1, "van")], { regions, in: [["a", [1]]] });
  const at = (...ids) => ({ vehicle: "van", regions: ids.map((id) => ({ id, entered_at: "2026-01-01T00:00:00Z" })) });
  const inside = () => [...fleet.byId.get("van").regions.keys()];
  fleet.entered(at("a", "b"));
  assert.deepEqual(inside(), ["a"]);
  assert.equal(fleet.byId.get("van").regions.get("a"), Date.UTC(2026, 0, 1));
  fleet.followed = new Set(["a"]);
  fleet.entered(at("a", "b", "c", "nosuch"));
  assert.deepEqual(inside(), ["a", "b", "c"]);
  fleet.entered(at("b", "c"));
  assert.deepEqual(inside(), ["a", "b", "c"], "the channel has not said that it left");
  fleet.entered(at("a", "b"));
  assert.deepEqual(inside(), ["a", "b"]);
  fleet.others([region("a"), region("c")]);
  assert.deepEqual(inside(), ["a"], "b is gone");
  fleet.entered({ vehicle: "nobody" });
});
