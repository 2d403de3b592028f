import assert from "node:assert/strict";
import { test } from "node:test";
import { misread, readLink, stepped, writeLink } from "../../../static/js/model/choices.js";
import * as moments from "../../../static/js/model/past/moment.js";

const NOON = Date.UTC(2026, 10, 26, 12);
const day = { from: NOON - moments.DAY, until: NOON };

test("a link says a moment in whole seconds, the stretch around it and the speed, and reads them again", () => {
  const link = "#at=2026-11-26T09:15:00Z&range=2026-11-26T00:00:00Z/2026-11-26T12:00:00Z&speed=0.5";
  const state = readLink(link);
  assert.equal(state.at, Date.UTC(2026, 10, 26, 9, 15));
  assert.deepEqual(state.range, { from: Date.UTC(2026, 10, 26), until: NOON });
  assert.equal(state.speed, 0.5);
  assert.equal(writeLink(state), link);
  assert.deepEqual(misread(link), []);
  assert.equal(writeLink({ ...state, at: state.at + 999 }), link);
  assert.equal(writeLink({ ...readLink(""), speed: moments.SPEED }), "");
  assert.deepEqual(misread(`speed=${moments.SPEED}`), []);
});

test("what a link says wrongly is told, and the map stays live", () => {
  for (const wrong of ["yesterday", "2026-11-26", "2026-11-26T09:15Z", "2026-02-30T09:15:00Z", "2026-11-26T25:00:00Z"])
    assert.deepEqual([readLink(`at=${wrong}`).at, misread(`at=${wrong}`)], [null, [`at=${wrong}`]]);
  const at = "at=2026-11-26T09:15:00Z";
  const ranges = [
    "x",
    "2026-11-26T00:00:00Z",
    "2026-11-26T00:00:00Z/2026-11-26T00:00:59Z",
    "2026-01-01T00:00:00Z/2026-03-01T00:00:00Z",
    "2026-11-26T00:00:00Z/2026-11-27T00:00:00Z/2026-11-28T00:00:00Z",
  ]; // prettier-ignore
  for (const wrong of ranges) assert.deepEqual(misread(`${at}&range=${wrong}`), [`range=${wrong}`]);
  assert.deepEqual(misread("speed=3"), ["speed=3"]);
  assert.deepEqual(misread(`kiosk=1&${at}`), [at]); // a wallboard is live
  assert.equal(readLink("at=1969-12-31T23:59:59Z").at, null);
});

test("back undoes a jump in time, and no zoom of the strip", () => {
  const now = readLink("");
  assert.deepEqual(stepped({ ...now, at: 5000 }, now), ["at"]);
  assert.deepEqual(stepped({ ...now, range: day, speed: 4 }, now), []);
});
