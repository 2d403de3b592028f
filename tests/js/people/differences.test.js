import assert from "node:assert/strict";
import { test } from "node:test";
import { differences, listed } from "../../../static/js/people/differences.js";

test("a change is told by the fields that are others", () => {
  const before = { name: "ben", role: "viewer", groups: ["north"], disabled: false };
  assert.deepEqual(differences(before, { ...before, role: "dispatcher", groups: ["north", "south"] }), [
    { field: "role", before: "viewer", after: "dispatcher" },
    { field: "groups", before: "north", after: "north, south" },
  ]);
});

test("what is new has no before, what is gone no after", () => {
  assert.deepEqual(differences(null, { name: "ben", coarse_m: null }), [{ field: "name", before: "", after: "ben" }]);
  assert.deepEqual(differences({ disabled: false }, null), [{ field: "disabled", before: "false", after: "" }]);
  assert.deepEqual(differences(null, null), []);
});

test("what somebody lists is between commas or a line each, once", () => {
  assert.deepEqual(listed(" van-*, truck-7,\n\nvan-* ,"), ["van-*", "truck-7"]);
  assert.deepEqual(listed("  "), []);
});
