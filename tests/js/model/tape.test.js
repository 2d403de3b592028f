import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { latAt, lonAt, worldX } from "../../../static/js/geo.js";
import { Motion } from "../../../static/js/model/motion.js";
import { Course } from "../../../static/js/model/past/course.js";
import { PastFleet } from "../../../static/js/model/past/fleet.js";
import { KNOWN, Tape, unpack } from "../../../static/js/model/past/tape.js";
import { GLYPH, status } from "../../../static/js/model/status.js";

const { nothing, gap, between } = KNOWN;

/** As the server packs it: of each vehicle what is known, and its places in units, at each instant. */
function packed(vehicles, { from = 0, step = 60_000, digits = 5, planes = 2, next = null } = {}) {
  const instants = vehicles[0]?.known.length ?? 1;
  const entries = vehicles.map(({ vehicle, name = null, at, known }) => {
    const [lat, lon] = at[known.findIndex((what) => what !== nothing)];
    return { vehicle, name, group: null, kind: null, lat, lon };
  });
  let words = JSON.stringify({ from, step_ms: step, instants, digits, vehicles: entries, next });
  while (words.length % 4) words += " ";
  const samples = vehicles.length * instants;
  const out = new Uint8Array(12 + words.length + samples * (1 + 2 * planes));
  out.set([0x54, 0x41, 0x50, 0x45, 1, planes]);
  new DataView(out.buffer).setUint32(8, words.length, true);
  out.set(new TextEncoder().encode(words), 12);
  const body = out.subarray(12 + words.length);
  vehicles.forEach(({ known, at }, v) => {
    let before = [entries[v].lat, entries[v].lon];
    known.forEach((what, k) => {
      const i = v * instants + k;
      body[i] = what;
      if (what === nothing) return;
      [0, 1].forEach((which) => {
        let step = at[k][which] - before[which];
        if (which && Math.abs(step) > 180 * 10 ** digits) step -= Math.sign(step) * 360 * 10 ** digits;
        const zigzag = step < 0 ? -2 * step - 1 : 2 * step;
        for (let plane = 0; plane < planes; plane++)
          body[samples * (1 + which * planes + plane) + i] = (zigzag / 256 ** plane) & 255;
      });
      before = at[k];
    });
  });
  return out.buffer;
}

function read(buffer) {
  const reading = unpack(buffer);
  for (let turns = 0; ; turns++) {
    const { done, value } = reading.next();
    if (done) return Object.assign(value, { turns });
  }
}

const drives = {
  vehicle: "van-1",
  name: "Van 1",
  known: [2, 2, 2],
  at: [
    [6_000_000, 2_400_000],
    [6_000_500, 2_400_000],
    [6_000_500, 2_399_000],
  ],
}; // prettier-ignore
const silent = {
  vehicle: "van-2",
  known: [0, 1, 2],
  at: [
    [0, 0],
    [-100, 5],
    [-70, 9],
  ],
}; // prettier-ignore

test("a tape is unpacked instant after instant, from differences of either sign", () => {
  for (const planes of [2, 4]) {
    const tape = read(packed([drives, silent], { planes }));
    assert.deepEqual([...tape.known], [between, nothing, between, gap, between, between]);
    assert.deepEqual([...tape.lat], [6_000_000, 0, 6_000_500, -100, 6_000_500, -70]);
    assert.deepEqual([...tape.lon], [2_400_000, 0, 2_400_000, 5, 2_399_000, 9]);
    assert.equal(tape.until, 120_000);
    assert.equal(tape.next, null);
    assert.equal(tape.bytes, 54);
  }
  assert.equal(read(packed([silent], { next: "c1" })).next, "c1");
  assert.equal(read(packed([])).vehicles.length, 0);
});

test("a large tape is read in slices", () => {
  const long = (vehicle) => ({ vehicle, known: Array(30_000).fill(2), at: Array(30_000).fill([1, 1]) });
  assert.equal(read(packed([long("a"), long("b"), long("c"), long("d")])).turns, 1);
  assert.equal(read(packed([long("a")])).turns, 0);
});

test("what is no tape, a newer one, or one cut short is refused", () => {
  const good = packed([drives]);
  const other = new Uint8Array(good.slice(0));
  other[4] = 2;
  const wide = new Uint8Array(good.slice(0));
  wide[5] = 5;
  for (const wrong of [new ArrayBuffer(4), new Uint8Array(40).buffer, other.buffer])
    assert.throws(() => read(wrong), /no tape/);
  for (const wrong of [good.slice(0, -1), wide.buffer]) assert.throws(() => read(wrong), /cut short/);
});

test("a moment lies between two instants, and never before the first or after the last", () => {
  const tape = read(packed([drives], { from: 1000 }));
  assert.deepEqual(tape.seek(31_000), [0, 0.5]);
  assert.deepEqual(tape.seek(0), [0, 0]);
  assert.deepEqual(tape.seek(1e9), [2, 0]);
  assert.deepEqual(
    [999, 1000, 180_999, 181_000].map((at) => tape.covers(at)),
    [false, true, true, false],
  );
});

test("only between two instants that are known closely there is a way", () => {
  const tape = read(packed([drives, silent]));
  assert.deepEqual([tape.linked(0, 0), tape.linked(1, 0), tape.linked(2, 0)], [true, true, false]);
  assert.deepEqual([tape.linked(0, 1), tape.linked(1, 1)], [false, false]);
  const hourly = read(packed([drives], { step: 3_600_000 }));
  assert.equal(hourly.linked(0, 0), false); // nobody knows the way of an hour
  assert.equal(read(packed([drives], { step: 300_000 })).linked(0, 0), true);
});

test("over 180° the short way is gone", () => {
  const ferry = {
    vehicle: "ferry",
    known: [2, 2],
    at: [
      [0, 17_999_000],
      [0, -17_999_000],
    ],
  }; // prettier-ignore
  const tape = read(packed([ferry]));
  assert.deepEqual([...tape.lon], [17_999_000, -17_999_000]);
  const fleet = shown([tape], 45_000);
  assert.equal((((fleet.byId.get("ferry").lon + 540) % 360) - 180).toFixed(5), "-179.99500");
});

function shown(tapes, at) {
  const fleet = new PastFleet();
  for (const tape of tapes) fleet.take(tape);
  fleet.show(tapes, at);
  return fleet;
}

test("an even part of the way is an even part of the latitudes, far north and fast as well", () => {
  const flies = {
    vehicle: "plane",
    known: [2, 2, 2],
    at: [
      [70_00000, 10_00000],
      [70_75000, 10_10000],
      [70_00000, 10_00000],
    ],
  }; // prettier-ignore
  const tape = read(packed([flies], { step: 300_000, planes: 3 }));
  const motion = new Motion();
  const course = new Course(tape, Int32Array.of(motion.take(0.5, 0.5)));
  for (const [at, lat, lon] of [
    [75_000, 70.1875, 10.025],
    [150_000, 70.375, 10.05],
    [240_000, 70.6, 10.08],
    [450_000, 70.375, 10.05],
    [75_000, 70.1875, 10.025],
  ]) {
    assert.equal(course.draw(at, motion), 1);
    const there = [latAt(motion.toY[0]), lonAt(motion.toX[0])];
    assert.ok(Math.abs(there[0] - lat) < 1e-4 && Math.abs(there[1] - lon) < 1e-9, `${at}: ${there}`);
  }
});

test("the fleet as it was: on its way, standing, where it was last known, or nowhere", () => {
  const stands = {
    vehicle: "van-3",
    known: [2, 2, 2],
    at: [
      [10, 10],
      [10, 10],
      [11, 10],
    ],
  }; // prettier-ignore
  const tape = read(packed([drives, silent, stands]));
  const fleet = shown([tape], 30_000);
  const [van1, van2, van3] = ["van-1", "van-2", "van-3"].map((id) => fleet.byId.get(id));
  assert.deepEqual([van1.glyph, van1.heading, van1.state, van1.stale], [GLYPH.moving, 0, 1, false]);
  assert.equal(van1.lat.toFixed(5), "60.00250");
  assert.deepEqual([van1.name, van2.name], ["Van 1", "van-2"]);
  assert.equal(van2.known, false);
  assert.deepEqual([van3.glyph, van3.state, status(van3)], [GLYPH.unknown, 0, "unknown"]);
  assert.equal(fleet.shown, 2);
  fleet.show([tape], 90_000);
  assert.deepEqual([van1.heading, van1.lon.toFixed(5)], [270, "23.99500"]);
  assert.deepEqual([van2.known, van2.stale, van2.lat.toFixed(5), status(van2)], [true, true, "-0.00100", "stale"]);
  assert.deepEqual([van3.glyph, van3.state, status(van3)], [GLYPH.idle, 2, "idle"]); // a metre a minute is no journey
  fleet.show([tape], 1e9);
  assert.equal(fleet.shown, 0);
  assert.equal(fleet.bySlot[van2.slot], van2);
});

test("who has stood for a minute idles, for six is parked, also where nothing is heard, until it goes on", () => {
  const waits = {
    vehicle: "van-4",
    known: [2, 2, 2, 2, 2, 2, 2, 1, 1, 2, 2, 0, 2],
    at: Array.from({ length: 13 }, (_, k) => (k < 9 ? [10, 10] : [10 + 200 * (k - 8), 10])),
  }; // prettier-ignore
  const tape = read(packed([waits]));
  const fleet = shown([tape], 0);
  const looks = Array.from({ length: 13 }, (_, k) => {
    fleet.show([tape], k * 60_000);
    return fleet.byId.get("van-4").glyph;
  });
  const { unknown, moving, idle, parked, none, stale } = GLYPH;
  assert.deepEqual(looks.slice(0, 7), [unknown, idle, idle, idle, idle, idle, parked]);
  assert.deepEqual(looks.slice(7), [parked + stale, parked + stale, moving, unknown, none, unknown]);
  fleet.show([tape], 7 * 60_000);
  fleet.settle([{ vehicle: "van-4", lat: 10, lon: 10, age_s: 400, gap: true }]);
  assert.equal(fleet.byId.get("van-4").glyph, parked + stale);
  fleet.show([tape], 6 * 60_000);
  fleet.settle([{ vehicle: "van-4", lat: 10, lon: 10, age_s: 4 }]);
  assert.equal(status(fleet.byId.get("van-4")), "parked");
});

test("at rest everybody is exactly where the server says, with the way a tape knows", () => {
  const tape = read(packed([drives, silent]));
  const fleet = shown([tape], 90_000);
  fleet.settle([
    { vehicle: "van-1", lat: 60.0050001, lon: 23.9949999, age_s: 3.5 },
    { vehicle: "van-9", lat: 1, lon: 2, age_s: 700, gap: true },
  ]);
  const [van1, van2, van9] = ["van-1", "van-2", "van-9"].map((id) => fleet.byId.get(id));
  assert.deepEqual([van1.lat.toFixed(7), van1.lon.toFixed(7), van1.age], ["60.0050001", "23.9949999", 3500]);
  assert.deepEqual([van1.glyph, van1.heading], [GLYPH.moving, 270]);
  assert.equal(van2.known, false); // the tape's guess goes
  assert.deepEqual([van9.stale, van9.age, van9.name], [true, 700_000, "van-9"]);
  assert.equal(fleet.shown, 2);
  assert.equal(fleet.motion.toX[van9.slot], worldX(2));
  fleet.show([tape], 90_000);
  assert.ok(Number.isNaN(van1.age));
  assert.equal(van9.known, false);
});

test("a second tape names the same vehicles, and the map goes on drawing while it plays", () => {
  const fleet = new PastFleet();
  const first = read(packed([drives]));
  const second = read(packed([{ ...drives, name: "Van one" }, silent], { from: 180_000 }));
  fleet.take(first);
  fleet.take(second);
  assert.equal(fleet.courses.get(second).slots[0], fleet.courses.get(first).slots[0]);
  assert.equal(fleet.byId.get("van-1").name, "Van one");
  fleet.show([first, second], 180_000);
  assert.equal(fleet.shown, 1);
  fleet.playing = true;
  assert.equal(fleet.motion.until, Number.POSITIVE_INFINITY);
  fleet.playing = false;
  assert.equal(fleet.motion.until, 0);
  fleet.regions.set("depot", {});
  assert.deepEqual(
    ["region:depot", "vehicle:van-1", "vehicle:x"].map((what) => fleet.has(what)),
    [true, true, false],
  );
  assert.ok(new Tape({ from: 0, step_ms: 1, instants: 0, digits: 5, vehicles: [] }).until < 0);
});

test("the tape every reader is held to is read as it is told", async () => {
  const [bytes, words] = await Promise.all(
    ["tape.bin", "tape.json"].map((name) => readFile(new URL(`../../../fixtures/tape/${name}`, import.meta.url))),
  );
  const told = JSON.parse(words);
  const tape = read(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  assert.deepEqual([tape.from, tape.step, tape.instants], [told.from, told.step_ms, told.instants]);
  const count = tape.vehicles.length;
  const digits = (units) => (units * tape.unit).toFixed(5);
  for (const [v, one] of told.tape.entries()) {
    assert.equal(tape.vehicles[v].vehicle, one.vehicle);
    for (let k = 0; k < tape.instants; k++) {
      const at = k * count + v;
      assert.equal(tape.known[at], one.known[k]);
      if (one.known[k] === nothing) continue;
      assert.deepEqual(
        [digits(tape.lat[at]), digits(tape.lon[at])],
        [one.lat[k].toFixed(5), one.lon[k].toFixed(5)],
        `${one.vehicle} ${k}`,
      );
    }
  }
  const ids = (positions) => positions.map(({ vehicle, gap }) => [vehicle, Boolean(gap)]);
  for (const { time, positions } of told.frames) {
    const fleet = shown([tape], time);
    const seen = [...fleet.byId.values()].filter((v) => v.known).map((v) => [v.id, v.stale]);
    assert.deepEqual(seen, ids(positions));
  }
});
