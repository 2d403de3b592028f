import assert from "node:assert/strict";
import { test } from "node:test";

import { toggled } from "../../../static/js/model/choices.js";
import { explained } from "../../../static/js/words/phrases.js";
import { Fleet } from "../../../static/js/model/fleet.js";

const region = (id, version = 1) => ({
  type: "Feature",
  id,
  geometry: { type: "Point", coordinates: [24, 60] },
  properties: { name: id, version, radius_m: 50 },
});
const told = (fleet, ids) =>
  fleet.snapshot(
    { op: "snapshot", reset: true, part: 1, parts: 1, vehicles: [], regions: ids.map((id) => region(id)), in: [] },
    0,
    0,
  );

test("the first region chosen stands for everything; then any number is added and taken away", () => {
  assert.deepEqual(toggled(null, "a"), ["a"]);
  assert.deepEqual(toggled(["a"], "b"), ["a", "b"]);
  assert.deepEqual(toggled(["a", "b"], "a"), ["b"]);
  assert.deepEqual(toggled(["b"], "b"), []);
});

test("the words say that other vehicles are not sent", () => {
  assert.match(explained(null, false), /Every vehicle .* is sent/);
  assert.match(explained(null, true), /Until the first one, every vehicle is sent/);
  assert.match(explained([], false), /no vehicle is sent/);
  assert.match(explained(["a"], false), /the ticked region are sent .* not hidden, they do not come/);
  assert.match(explained(["a", "b"], true), /the 2 ticked regions are sent/);
});

test("a region that is not followed stays when the channel tells of the followed ones only", () => {
  const fleet = new Fleet();
  told(fleet, ["a", "b", "c"]);
  fleet.followed = new Set(["a", "nosuch"]);
  told(fleet, ["a"]);
  assert.deepEqual([...fleet.regions.keys()], ["a", "b", "c"]);
  fleet.followed = null;
  told(fleet, ["a", "b"]);
  assert.deepEqual([...fleet.regions.keys()], ["a", "b"]);
});

test("regions not followed are what the store says; the followed ones what the channel says", () => {
  const fleet = new Fleet();
  fleet.followed = new Set(["a"]);
  told(fleet, ["a"]);
  fleet.others([region("a", 9), region("b", 2), region("c")]);
  assert.deepEqual(
    [...fleet.regions.values()].map((f) => [f.id, f.properties.version]),
    [
      ["a", 1],
      ["b", 2],
      ["c", 1],
    ],
  );
  fleet.others([region("b", 3)]);
  assert.deepEqual(
    [...fleet.regions.values()].map((f) => [f.id, f.properties.version]),
    [
      ["a", 1],
      ["b", 3],
    ],
  );
});
