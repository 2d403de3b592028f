import assert from "node:assert/strict";
import { test } from "node:test";
import { diagnose } from "../../../static/js/connect/diagnosis.js";

const T0 = Date.parse("2026-11-23T09:00:00Z");
/** @param {number} s after the token was made */
const at = (s) => new Date(T0 + s * 1000).toISOString();
/** @param {object} [more] */
const heard = (more = {}) => ({
  ...{ at: at(10), address: "10.0.0.7", scheme: "https", protocol: "osmand", counts: { items: 1 }, code: null },
  ...{ message: null, waiting: [], ...more },
});
/** @param {number} taken @param {number} fixed @param {object} [more] */
const seen = (taken, fixed, more = {}) => ({
  ...{ at: at(taken), vehicle: "van-7", name: "Anna" },
  position: { time: at(fixed), lat: 60, lon: 25, ...more },
});
/** @param {any} token @param {any[]} [without] @param {number} [now] s */
const told = (token, without = [], now = 20) =>
  diagnose({ heard: null, seen: null, created_at: at(0), ...token }, without, T0 + now * 1000);

test("until something is heard one waits, and after a while is told what to look at", () => {
  assert.deepEqual(told({}), { how: "waiting", code: "listening" });
  assert.equal(told({}, [], 119).code, "listening");
  assert.equal(told({}, [], 121).code, "quiet");
});

test("the first position is told, and what is to be mended all the same", () => {
  assert.deepEqual(told({ heard: heard(), seen: seen(10, 9) }), { how: "done", code: "" });
  const late = told({ heard: heard(), seen: seen(10, -3590) });
  assert.deepEqual([late.how, late.code, late.off_ms], ["done", "old", 3_600_000]);
  const repaired = seen(10, 9, { attributes: { time_repaired: "week_rollover" } });
  assert.equal(told({ heard: heard(), seen: repaired }).code, "repaired");
  const behind = told({ heard: heard({ code: "clock_behind", message: "…" }), seen: seen(10, -7190) });
  assert.deepEqual([behind.how, behind.code, behind.off_ms], ["done", "clock_behind", 7_200_000]);
  const later = told({ heard: heard({ code: "no_fix", message: "…" }), seen: seen(5, 5) });
  assert.deepEqual([later.how, later.code], ["done", "no_fix"]);
});

test("what is wrong is told with how far the clock is off, and where it was sent to", () => {
  const message = "the time is 3599 s ahead of the server's clock; let it set its time by itself";
  const ahead = told({ heard: heard({ code: "time_in_future", message }) });
  assert.deepEqual([ahead.how, ahead.code, ahead.off_ms], ["wrong", "time_in_future", 3_599_000]);
  const lost = told({ heard: heard({ code: "unknown_protocol", protocol: "own-tracks" }) });
  assert.deepEqual([lost.how, lost.code, lost.protocol], ["wrong", "unknown_protocol", "own-tracks"]);
});

test("a sign of life, a message of another kind and an empty one are no position yet", () => {
  const alive = { ...seen(10, 10), position: { time: at(10), lat: null, lon: null } };
  assert.deepEqual(told({ heard: heard(), seen: alive }), { how: "waiting", code: "alive" });
  assert.equal(told({ heard: heard() }).code, "no_position");
  assert.equal(told({ heard: heard({ counts: { items: 0 } }) }).code, "nothing");
});

test("a vehicle that nobody knows waits to be let in, whatever else was heard", () => {
  const waits = told({ heard: heard({ waiting: ["new-1"] }), seen: seen(5, 5) });
  assert.deepEqual(waits, { how: "held", code: "waiting", vehicles: ["new-1"] });
});

test("who came without a good token since then may be this device; who came before, or for a page, is not", () => {
  const away = (/** @type {number} */ s, asked = "POST /ingest/owntracks") => ({
    address: "10.0.0.7",
    asked,
    at: at(s),
  });
  assert.deepEqual(told({}, [away(5)]).away, [away(5)]);
  assert.equal(told({}, [away(5)]).code, "wrong_token");
  assert.equal(told({}, [away(-5), away(5, "GET /api/v1/vehicles")]).code, "listening");
  assert.equal(told({ heard: heard(), seen: seen(9, 9) }, [away(5)]).code, "");
});
