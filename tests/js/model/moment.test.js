import assert from "node:assert/strict";
import { test } from "node:test";
import { axis } from "../../../static/js/model/past/axis.js";
import * as moments from "../../../static/js/model/past/moment.js";

const { DAY, HOUR, LONGEST, MINUTE, SECOND, SHORTEST } = moments;
const NOON = Date.UTC(2026, 10, 26, 12);
const day = { from: NOON - DAY, until: NOON };

test("a stretch is a minute to a month long and never reaches beyond now", () => {
  assert.deepEqual(moments.kept({ from: NOON, until: NOON + HOUR }, NOON), { from: NOON - HOUR, until: NOON });
  const wide = moments.zoomed(day, 1000, NOON, NOON);
  assert.equal(wide.until - wide.from, LONGEST);
  const close = moments.zoomed(day, 1e-6, NOON - HOUR, NOON);
  assert.equal(close.until - close.from, SHORTEST);
  const half = moments.zoomed(day, 0.5, NOON - DAY / 4, NOON);
  assert.equal((NOON - DAY / 4 - half.from) / (half.until - half.from), 0.75); // stays under the pointer
  assert.deepEqual(moments.panned(day, HOUR, NOON), day);
  assert.deepEqual(moments.panned(day, -HOUR, NOON), { from: day.from - HOUR, until: day.until - HOUR });
});

test("what plays out of the strip takes it along", () => {
  assert.equal(moments.reaching(day, NOON - HOUR, NOON), day);
  assert.equal(moments.reaching(day, day.from - HOUR, NOON).from, day.from - HOUR - DAY / 10);
  const on = moments.reaching({ from: NOON - 3 * HOUR, until: NOON - 2 * HOUR }, NOON - HOUR, NOON);
  assert.equal(on.until, NOON - HOUR + 6 * MINUTE);
});

test("arrow keys go as far as can be seen, with Shift much farther", () => {
  const long = (ms) => ({ from: NOON - ms, until: NOON });
  assert.deepEqual([moments.stride(day), moments.stride(day, true)], [MINUTE, HOUR]);
  assert.deepEqual([moments.stride(long(MINUTE)), moments.stride(long(MINUTE), true)], [SECOND, 5 * SECOND]);
  assert.deepEqual([moments.stride(long(LONGEST)), moments.stride(long(LONGEST), true)], [HOUR, DAY]);
});

test("speeds go from a half to 64, and stop at the ends", () => {
  assert.deepEqual(
    [moments.faster(8, 1), moments.faster(8, -1), moments.faster(0.5, -1), moments.faster(64, 1)],
    [16, 4, 0.5, 64],
  ); // prettier-ignore
  assert.equal(moments.faster(3, 1), 2 * moments.SPEED);
});

test("a tape is as fine as so many vehicles allow, on a grid that stays the same", () => {
  const thousand = moments.coarse(day, 1000);
  assert.deepEqual(thousand, { from: day.from, until: day.until + 120 * SECOND, step_s: 120 });
  assert.equal(moments.coarse({ from: day.from + 7, until: day.until }, 1000).from, day.from);
  assert.equal(moments.coarse({ from: NOON - HOUR, until: NOON }, 20_000).step_s, 120);
  assert.equal(moments.coarse({ from: NOON - MINUTE, until: NOON }, 10).step_s, 1); // each second of a link
  assert.equal(moments.coarse({ from: NOON - LONGEST, until: NOON }, 1).step_s, 3600);
  for (const vehicles of [1, 60, 1000, 20_000])
    for (const ms of [MINUTE, HOUR, DAY, LONGEST]) {
      const { from, until, step_s } = moments.coarse({ from: NOON - ms, until: NOON }, vehicles);
      assert.ok((vehicles * (until - from)) / SECOND / step_s <= 800_000 + 4 * vehicles, `${vehicles} ${ms}`);
    }
});

test("around a moment more of it lies ahead, and it is asked for again in time", () => {
  const on = moments.fine(NOON, 8, 1000);
  assert.deepEqual([on.step_s, (NOON - on.from) / MINUTE, (on.until - NOON) / MINUTE], [1, 2.5, 7.5]);
  assert.equal((NOON - moments.fine(NOON, -8, 1000).from) / MINUTE, 7.5);
  assert.equal(moments.fine(NOON, 8, 20_000).step_s, 15);
  const fast = moments.fine(NOON, 64, 10);
  assert.ok(fast.until - fast.from >= 64 * 40 * SECOND);
  assert.equal(moments.lasts(on, NOON, 8), true);
  assert.equal(moments.lasts(on, on.until - 70 * SECOND, 8), false);
  assert.equal(moments.lasts(on, on.until - 90 * SECOND, 8), true);
  assert.equal(moments.lasts(on, on.from + 70 * SECOND, -8), false);
  assert.equal(moments.lasts(on, on.until + 1, 8), false);
});

test("dull is where for five minutes nothing moves and nothing happens", () => {
  const activity = { from: 0, until: 9 * MINUTE * 2 - 5, step_s: 120, known: [], moving: [0, 0, 0, 1, 0, 0, 0, 0, 0] };
  assert.deepEqual(moments.dull(activity, []), [
    { from: 0, until: 6 * MINUTE },
    { from: 8 * MINUTE, until: 18 * MINUTE - 5 },
  ]);
  assert.deepEqual(moments.dull(activity, [MINUTE, 5 * MINUTE, 13 * MINUTE]), []);
  assert.deepEqual(moments.dull(null, []), []);
  const quiet = [{ from: 10, until: 20 }];
  const ways = [
    [5, 1],
    [10, 1],
    [19, 1],
    [20, 1],
    [20, -1],
    [10, -1],
    [15, -1],
  ]; // prettier-ignore
  assert.deepEqual(
    ways.map(([at, way]) => moments.skipped(quiet, at, way)),
    [5, 20, 20, 20, 10, 10, 10],
  );
});

test("events near one another are one tick; the next and the one before are found by the seconds they had happened at", () => {
  assert.deepEqual([1000, 1001, 1999].map(moments.happened), [1000, 2000, 2000]);
  const events = [{ time: 1000 }, { time: 1100 }, { time: 50_500 }, { time: 99_000 }];
  assert.deepEqual(moments.ticks(events, { from: 500, until: 60_500 }, 600, 5), [
    { x: 5, first: 0, count: 2 },
    { x: 500, first: 2, count: 1 },
  ]);
  assert.equal(moments.beside(events, 51_000, 1), events[3]);
  assert.equal(moments.beside(events, 51_000, -1), events[1]);
  assert.equal(moments.beside(events, 2000, -1), events[0]);
  assert.equal(moments.beside(events, 99_000, 1), null);
  assert.equal(moments.beside(events, 1000, -1), null);
  assert.deepEqual(moments.together(events, events[1]), [events[1]]);
  const same = [{ time: 1000 }, { time: 1200 }, { time: 2000 }, { time: 2001 }];
  assert.deepEqual(moments.together(same, same[1]), [same[1], same[2]]);
});

test("events under one press come apart in a shorter stretch, and where none parts them are offered", () => {
  const day = { from: 0, until: 86_400_000 };
  const [a, b, c] = [{ time: 500_000 }, { time: 500_000 }, { time: 700_000 }];
  assert.deepEqual(moments.parting([a, c], day), { from: 400_000, until: 800_000 });
  assert.deepEqual(moments.parting([{ time: 50_000 }, { time: 50_002 }], day), { from: 20_001, until: 80_001 });
  assert.equal(moments.parting([a, c], { from: 480_000, until: 540_000 }), null); // there is none shorter
  assert.equal(moments.parting([a, b], day), null);
});

test("of regions the version that held then", () => {
  const versions = [
    { id: "a", from: 0, until: 10 },
    { id: "a", from: 10, until: null },
    { id: "b", from: 20, until: 30 },
  ];
  const at = (time) => moments.valid(versions, time).map(({ id, from }) => `${id}${from}`);
  assert.deepEqual([at(-1), at(9), at(10), at(20), at(30)], [[], ["a0"], ["a10"], ["a10", "b20"], ["a10"]]);
});

test("the strip is written on at times people count in, in their zone, also where the clock changes", () => {
  const words = (from, until, width, zone = "UTC") => axis({ from, until }, width, 70, zone).map((one) => one.words);
  assert.deepEqual(words(day.from, day.until, 400), ["12:00", "18:00", "Thu 26 Nov", "06:00", "12:00"]);
  assert.deepEqual(words(NOON, NOON + MINUTE, 500), [
    "12:00:00",
    "12:00:10",
    "12:00:20",
    "12:00:30",
    "12:00:40",
    "12:00:50",
    "12:01:00",
  ]); // prettier-ignore
  assert.deepEqual(words(NOON - LONGEST, NOON, 350), ["Mon 2 Nov", "Mon 9 Nov", "Mon 16 Nov", "Mon 23 Nov"]);
  const autumn = Date.UTC(2026, 9, 24, 21); // in Helsinki the 25th has 25 hours
  assert.deepEqual(words(autumn, autumn + 25 * HOUR, 400, "Europe/Helsinki"), [
    "Sun 25 Oct",
    "06:00",
    "12:00",
    "18:00",
    "Mon 26 Oct",
  ]); // prettier-ignore
  assert.deepEqual(
    axis({ from: NOON - 12 * HOUR, until: NOON }, 100, 70, "UTC").map(({ day }) => day),
    [true, false],
  );
});

test("a strip of a past that only began in it begins with it", () => {
  const known = (/** @type {number} */ first) => ({
    ...day,
    step_s: 360,
    known: Array.from({ length: 240 }, (_, i) => (i < first ? 0 : 3)),
    moving: [],
  });
  assert.deepEqual(moments.begun(day, known(120)), { from: NOON - 12.6 * HOUR, until: NOON });
  assert.deepEqual(moments.begun(day, known(239)), { from: NOON - 15 * MINUTE, until: NOON });
  for (const all of [0, 240]) assert.deepEqual(moments.begun(day, known(all)), day);
  assert.deepEqual(moments.begun(day, known(1)), day);
});
