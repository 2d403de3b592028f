import assert from "node:assert/strict";
import { test } from "node:test";
import { at, before, read } from "../../../static/js/report/unpack.js";
import { band, BANDS } from "../../../static/js/report/marks.js";
import { LANGUAGES, lasted, voice } from "../../../static/js/report/words.js";

/** As tracker/reports/payload.py packs it. @param {number[]} points @param {number[][]} columns differences */
function packed(points, columns) {
  const vehicles = points.map((count, i) => ({ id: `v${i}`, points: count, stops: [] }));
  const count = points.reduce((sum, one) => sum + one, 0);
  const text = new TextEncoder().encode(JSON.stringify({ points: count, vehicles }));
  const body = new Uint8Array(4 + text.length + 16 * count);
  new DataView(body.buffer).setUint32(0, text.length, true);
  body.set(text, 4);
  columns.forEach((column, c) => {
    column.forEach((value, i) => {
      const zigzag = value < 0 ? -2 * value - 1 : 2 * value;
      for (let plane = 0; plane < 4; plane++)
        body[4 + text.length + 4 * c * count + plane * count + i] = Math.floor(zigzag / 256 ** plane) % 256;
    });
  });
  return body.buffer;
}

const { tracks } = read(
  packed(
    [3, 0, 2],
    [
      [6_000_000, 1000, -500, -3_300_000, 0],
      [2_400_000, 0, 0, 17_999_999, 2],
      [0, 100, 900, 50, 10],
      [0, 0, 1, 0, 0],
    ],
  ),
);

test("tracks are what was packed, each vehicle's by itself", () => {
  assert.deepEqual(tracks.begins, [0, 3, 3, 5]);
  assert.deepEqual([...tracks.time], [0, 100, 1000, 50, 60]);
  assert.equal(tracks.x[0], 24 / 360 + 0.5);
  assert.ok(tracks.x[4] > 1, "over 180° it goes on");
});

test("a line is as fast as it was driven, and nothing where nothing was heard", () => {
  assert.ok(Math.abs(tracks.speed[1] - 11.1) < 0.1);
  assert.deepEqual([tracks.speed[0], tracks.speed[2], tracks.speed[3]], [-1, -1, -1]);
});

test("a vehicle is between two points when its time is", () => {
  const here = at(tracks, 0, 50);
  assert.ok(here && Math.abs(here.y - (tracks.y[0] + tracks.y[1]) / 2) < 1e-12);
  assert.equal(at(tracks, 0, 500)?.y, tracks.y[1], "in a silence where it was heard last");
  assert.equal(at(tracks, 0, 1001), null);
  assert.equal(at(tracks, 1, 0), null);
  assert.equal(at(tracks, 2, 49), null);
  assert.equal(before(tracks.time, 0, 3, 999), 1);
});

test("each speed has one colour", () => {
  assert.deepEqual([0, BANDS[0], BANDS[0] + 0.01, 200].map(band), [0, 0, 1, BANDS.length]);
});

test("every language says the same things", () => {
  const [english, ...others] = Object.values(LANGUAGES).map(({ words }) => words);
  for (const words of others) {
    assert.deepEqual(Object.keys(words), Object.keys(english));
    for (const [key, said] of Object.entries(words)) assert.equal(typeof said, typeof english[key], key);
  }
});

test("a reader is spoken to in their language, zone and units", () => {
  const english = voice(["xx", "en-US"], "Europe/Helsinki", "imperial");
  assert.equal(english.language, "en");
  assert.equal(english.speed(20), "45 mph");
  assert.equal(english.clock(Date.UTC(2026, 10, 25, 12)), "14:00");
  assert.equal(english.say("vehicles", { n: 1 }), "1 vehicle");
  const german = voice(["de-AT", "en"], "Nowhere/Town", "metric");
  assert.equal(german.distance(12_345), "12,3 km");
  assert.equal(german.say("vehicles", { n: 2 }), "2 Fahrzeuge");
  assert.ok(german.zone, "a zone no browser knows is the reader's own");
});

test("what lasted is told in two units at most", () => {
  assert.deepEqual([14, 59 * 60, 3900, 7200, 187_200].map(lasted), ["14 s", "59 min", "1 h 5 min", "2 h", "2 d 4 h"]);
});
