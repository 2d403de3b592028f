import assert from "node:assert/strict";
import { test } from "node:test";
import { counts, formats, places, renamed, share, stem } from "../../../static/js/people/upkeep/importing.js";

/** @type {import("../../../static/js/people/upkeep/importing.js").Import} */
const WORK = {
  state: "working",
  progress: 0.4,
  ended_at: null,
  error: null,
  name: "monday.csv",
  files: [],
  items: 9,
  positions: 9,
  accepted: 4,
  late: 2,
  held: 0,
  duplicates: 1,
  conflicts: 0,
  rejected: 1,
  errors: [],
  skipped: [],
};

test("a file is called after the vehicle that it is of, and keeps what says its format", () => {
  assert.deepEqual(["monday.csv.gz", "van 7.gpx", "track", "a.b.c.kml"].map(stem), ["monday", "van 7", "track", "a.b"]);
  assert.equal(renamed("lorry 3", "monday.csv.gz"), "lorry 3.csv.gz");
  assert.equal(renamed("  ", "monday.csv"), "monday.csv");
  assert.equal(renamed("lorry", "track"), "lorry");
});

test("how much is done is not known while the file is read, and not made up", () => {
  assert.equal(share(WORK), 0.4);
  assert.equal(share({ ...WORK, positions: null, progress: 0 }), null);
  assert.equal(share({ ...WORK, state: "failed", positions: null, progress: 0 }), 0);
});

test("what is none is not told, but that none was taken is", () => {
  const skipped = [2, 3].map((count) => ({ reason: "waypoint", count, means: "", where: [] }));
  assert.deepEqual(counts({ ...WORK, skipped }), [
    ["accepted", 4],
    ["late", 2],
    ["duplicates", 1],
    ["rejected", 1],
    ["skipped", 5],
  ]);
  assert.deepEqual(counts({ ...WORK, accepted: 0, late: 0, duplicates: 0, rejected: 0 }), [["accepted", 0]]);
});

test("a format is named once, and a place as far as it is known", () => {
  const files = ["a.csv", "b.csv", "c.gpx"].map((name) => ({ name, format: name.slice(2), items: 1, notes: [] }));
  assert.deepEqual(formats({ ...WORK, files }), ["csv", "gpx"]);
  assert.deepEqual(places({ index: 1, line: 7 }), [
    { key: "import.feature", n: 2 },
    { key: "import.line", n: 7 },
  ]);
  assert.deepEqual(places({}), []);
});
