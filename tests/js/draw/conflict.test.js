import assert from "node:assert/strict";
import { test } from "node:test";
import { differences } from "../../../static/js/draw/conflict.js";
import { say } from "../../../static/js/words/words.js";

const region = (properties, lon = 24) => ({ geometry: { type: "Point", coordinates: [lon, 60] }, properties });

test("what somebody else changed is named, the shape first, and nothing else", () => {
  const before = region({ name: "Depot", rules: { dwell_s: 60 }, version: 1, notify: ["enter"] });
  const newer = region({ name: "Depot", rules: { dwell_s: 90 }, version: 2, notify: ["enter"], area_m2: 5 }, 25);
  assert.deepEqual(differences(before, newer), [say("card.what.shape"), say("card.what.rules")]);
  assert.deepEqual(differences(before, { ...before, properties: { ...before.properties, version: 2 } }), []);
});
