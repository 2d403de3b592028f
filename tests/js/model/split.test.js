import assert from "node:assert/strict";
import { test } from "node:test";
import { misread, readLink, stepped, writeLink } from "../../../static/js/model/choices.js";
import { DAY, HOUR, MINUTE, SECOND } from "../../../static/js/model/past/moment.js";
import * as split from "../../../static/js/model/past/split.js";

const AT = "at=2026-11-26T09:15:00Z";
const NOON = Date.UTC(2026, 10, 26, 12);

test("a link says what is beside the moment: now, or how far away that is", () => {
  const told = /** @type {const} */ ([
    ["now", "now"],
    ["-1d", -DAY],
    ["-7d", -7 * DAY],
    ["1d", DAY],
    ["2h30m", 2.5 * HOUR],
    ["-3d4h5m6s", -(3 * DAY + 4 * HOUR + 5 * MINUTE + 6 * SECOND)],
  ]);
  for (const [words, beside] of told) {
    const link = `#${AT}&split=${words}`;
    assert.equal(readLink(link).split, beside);
    assert.equal(writeLink(readLink(link)), link);
    assert.deepEqual(misread(link), []);
  }
  assert.equal(writeLink(readLink(`${AT}&split=-24h`)), `#${AT}&split=-1d`);
});

test("what a link says wrongly of it is told, and nothing is beside the moment", () => {
  for (const wrong of ["1", "yesterday", "-", "0d", "-0s", "1d-2h", "1h1d", "-4000d", "1.5h", "+1d"])
    assert.deepEqual(
      [readLink(`${AT}&split=${wrong}`).split, misread(`${AT}&split=${encodeURIComponent(wrong)}`)],
      [null, [`split=${wrong}`]],
    );
  assert.deepEqual(misread("split=now"), ["split=now"]); // now beside now
  assert.equal(readLink("split=now").split, null);
});

test("live there is nothing beside it in the link, and back undoes a split", () => {
  const state = readLink(`${AT}&split=now`);
  assert.equal(writeLink({ ...state, at: null }), "");
  assert.deepEqual(stepped(state, { ...state, split: null }), ["split"]);
});

test("the other moment stays as far away, and what would be in the future is now", () => {
  assert.equal(split.other(NOON, "now", NOON + HOUR, "UTC"), null);
  assert.equal(split.other(NOON, -DAY, NOON + HOUR, "UTC"), NOON - DAY);
  assert.equal(split.other(NOON, 30 * MINUTE, NOON + HOUR, "UTC"), NOON + 30 * MINUTE);
  assert.equal(split.other(NOON, HOUR, NOON + HOUR, "UTC"), null);
  assert.equal(split.other(HOUR, -DAY, NOON, "UTC"), 0);
});

test("yesterday is at the same time of the clock on the wall, also where that was changed", () => {
  const zone = "Europe/Helsinki"; // summer ends on 25 October 2026 at 4:00
  const monday = Date.UTC(2026, 9, 26, 7); // 9:00
  assert.equal(split.other(monday, -7 * DAY, NOON, zone), Date.UTC(2026, 9, 19, 6)); // 9:00, in summer
  const sunday = Date.UTC(2026, 9, 25, 7);
  assert.equal(split.other(sunday, -DAY, NOON, zone), Date.UTC(2026, 9, 24, 6));
  assert.equal(split.other(sunday, -23 * HOUR, NOON, zone), sunday - 23 * HOUR); // hours are hours
  assert.equal(split.other(Date.UTC(2026, 2, 8, 17), -DAY, NOON, "America/New_York"), Date.UTC(2026, 2, 7, 18));
  assert.equal(split.other(NOON, -DAY, NOON, "Asia/Kathmandu"), NOON - DAY);
});

test("a moment that is chosen is led to", () => {
  const zone = "Europe/Helsinki";
  const sunday = Date.UTC(2026, 9, 25, 7);
  for (const chosen of [sunday - DAY - HOUR, sunday - 3 * HOUR, sunday - 5 * SECOND, sunday + 40 * HOUR]) {
    const ms = split.apart(sunday, chosen, zone);
    assert.ok(ms);
    assert.equal(split.other(sunday, ms, Infinity, zone), chosen);
  }
  assert.equal(split.apart(sunday, sunday - DAY - HOUR, zone), -DAY); // 9:00 the day before
  assert.equal(split.apart(sunday, sunday - DAY, zone), -DAY + SECOND);
  assert.equal(split.apart(sunday, sunday, zone), null);
});

test("the two halves are side by side, on a phone one over the other, and leave nothing of the map", () => {
  assert.deepEqual(split.halves(1000, 700, 50), {
    columns: true,
    first: [0, 0, 500, 700],
    second: [500, 0, 1000, 700],
  });
  assert.deepEqual(split.halves(360, 500, 40), { columns: false, first: [0, 0, 360, 200], second: [0, 200, 360, 500] });
  assert.equal(split.halves(479, 300, 40).columns, false);
  const { first, second } = split.halves(1001, 700, 50);
  for (const x of [0, 499, 500, 501, 1000]) assert.equal(split.within(first, x, 10), !split.within(second, x, 10));
});

test("keys move the divider and leave something of either half", () => {
  assert.equal(split.moved(50, "ArrowLeft", false), 48);
  assert.equal(split.moved(50, "ArrowDown", true), 60);
  assert.equal(split.moved(50, "PageUp", false), 40);
  assert.equal(split.moved(16, "ArrowUp", true), split.LEAST);
  assert.equal(split.moved(50, "Home", false), split.LEAST);
  assert.equal(split.moved(50, "End", false), 100 - split.LEAST);
  assert.equal(split.moved(20, "Enter", false), split.MIDDLE);
  assert.equal(split.moved(50, "a", false), null);
});
