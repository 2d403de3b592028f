import assert from "node:assert/strict";
import test from "node:test";
import { readHours, writeHours } from "../../../static/js/words/hours.js";

test("hours are written as people write them", () => {
  const work = [["08:00", "17:00"]];
  assert.equal(readHours("  "), null);
  assert.deepEqual(readHours("Mon-Fri 08:00-17:00"), { mon: work, tue: work, wed: work, thu: work, fri: work });
  assert.deepEqual(readHours("mon, wed 8–12, 13–17:30"), {
    mon: [
      ["08:00", "12:00"],
      ["13:00", "17:30"],
    ],
    wed: [
      ["08:00", "12:00"],
      ["13:00", "17:30"],
    ],
  });
  assert.deepEqual(readHours("Fri–Mon 22:00–06:00").mon, [["22:00", "06:00"]]);
  assert.deepEqual(Object.keys(readHours("Fri – Mon 22.00 to 6.00")), ["fri", "sat", "sun", "mon"]);
  assert.equal(Object.keys(readHours("0–24")).length, 7);
  assert.deepEqual(readHours("Sat 9-12; Sun 10-11"), { sat: [["09:00", "12:00"]], sun: [["10:00", "11:00"]] });
  assert.deepEqual(readHours("Saturday 9-12, Sunday 10-11"), { sat: [["09:00", "12:00"]], sun: [["10:00", "11:00"]] });
});

test("what cannot be hours says how they are written", () => {
  assert.throws(() => readHours("weekdays 8-17"), /write Mon/);
  assert.throws(() => readHours("Mon"), /no times like/);
  assert.throws(() => readHours("Mon 8-17 except noon"), /no times like/);
  assert.throws(() => readHours("Mon 8-25"), /no time of day/);
});

test("hours written out are read back as they were", () => {
  for (const text of [
    "Mon–Fri 08:00–17:00; Sat 09:00–12:00",
    "Daily 22:00–06:00",
    "Mon 08:00–12:00, 13:00–17:00; Wed 08:00–12:00, 13:00–17:00",
  ])
    assert.equal(writeHours(readHours(text)), text);
  assert.equal(writeHours(undefined), "");
});
