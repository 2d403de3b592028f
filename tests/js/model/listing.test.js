import assert from "node:assert/strict";
import { test } from "node:test";
import { byName, kept, listed, missing } from "../../../static/js/model/listing.js";
import { tally } from "../../../static/js/model/status.js";

const NOW = 1_000_000;
const vehicle = (id, more = {}) =>
  /** @type {any} */ ({
    id,
    name: id,
    key: id,
    plate: null,
    group: null,
    state: 1,
    heard: 0,
    speed: 0,
    stale: false,
    offline: false,
    regions: new Map(),
    ...more,
  });
const WISH = { query: "", states: [], group: null, sort: /** @type {const} */ ("name") };
const ids = (list) => list.map(({ id }) => id);
const fleet = byName([
  vehicle("c", { speed: 9, heard: 1, group: "North", regions: new Map([["depot", NOW - 50]]) }),
  vehicle("a", { speed: 3, heard: 3, stale: true, regions: new Map([["depot", 0]]) }),
  vehicle("b", { speed: 9, heard: 2, state: 3, regions: new Map([["depot", NOW - 90]]) }),
]);
const list = (wish) => listed(fleet, { ...WISH, ...wish }, (id) => `Region ${id}`, NOW);

test("everyone is listed by name and counted by state, whatever the list shows", () => {
  assert.deepEqual(ids(list({}).shown), ["a", "b", "c"]);
  const counts = { moving: 1, idle: 0, parked: 1, stale: 1, offline: 0, unknown: 0 };
  assert.deepEqual(list({ states: ["parked"] }).counts, counts);
  assert.deepEqual(tally(fleet), counts);
});

test("states, a group and words narrow it together", () => {
  assert.deepEqual(ids(list({ states: ["parked", "stale"] }).shown), ["a", "b"]);
  assert.deepEqual(ids(list({ group: "North" }).shown), ["c"]);
  assert.deepEqual(ids(list({ group: "North", states: ["parked"] }).shown), []);
  assert.deepEqual(ids(list({ query: "b" }).shown), ["b"]);
  assert.equal(list({ query: "depot" }).found.get("a")?.field, "region");
});

test("it is sorted by the newest, the fastest, the longest stay; alike ones by name", () => {
  assert.deepEqual(ids(list({ sort: "age" }).shown), ["a", "b", "c"]);
  assert.deepEqual(ids(list({ sort: "speed" }).shown), ["b", "c", "a"]);
  assert.deepEqual(ids(list({ sort: "dwell" }).shown), ["b", "c", "a"]);
});

test("rows that are held stay in their order, each as it is now, and who is unknown goes", () => {
  const now = new Map([
    ["a", vehicle("a", { speed: 5 })],
    ["c", vehicle("c")],
  ]);
  assert.deepEqual(
    kept(fleet, (v) => now.get(v.id)).map(({ id, speed }) => [id, speed]),
    [
      ["a", 5],
      ["c", 0],
    ],
  );
  assert.equal(missing([vehicle("a"), vehicle("x")], fleet), 1);
});
