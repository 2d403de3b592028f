import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document ??= /** @type {any} */ ({ baseURI: "http://localhost/" });
const { Known } = await import("../../../static/js/panels/timeline/known.js");

const AT = Date.parse("2026-11-26T12:00:00Z");
const DAY = { from: AT - 86_400_000, until: AT };
const REST = { span: DAY, at: AT, vehicle: null, vehicles: 300, speed: 1, playing: false, scrubbing: false };

/** A source that tells what it was asked, and answers nothing before it is told to. */
function slow() {
  const asked = [];
  const answers = {};
  const later = (what) => {
    asked.push(what);
    return new Promise((answer) => Object.assign(answers, { [what]: answer }));
  };
  async function* tapes({ step_s }) {
    yield await later(step_s < 10 ? "fine" : "coarse");
  }
  return { asked, answers, tapes, frame: () => later("frame"), versions: () => later("versions") };
}

const turn = () => new Promise((go) => setImmediate(go));

/** At rest, the moment asked for, and every timer that was set gone off. */
async function resting(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const source = slow();
  const known = new Known({ came() {}, told() {} }, source);
  known.need(REST);
  t.mock.timers.tick(10_000);
  await turn();
  return { source, known };
}

test("at rest the moment itself is asked for before the fine tape, which would take it the line", async (t) => {
  const { source, known } = await resting(t);
  assert.deepEqual(source.asked.toSorted(), ["coarse", "frame", "versions"]);
  source.answers.frame([]);
  await turn();
  assert.equal(source.asked.at(-1), "fine");
  known.drop();
});

test("who plays does not wait for the moment that was left", async (t) => {
  const { source, known } = await resting(t);
  known.need({ ...REST, playing: true });
  await turn();
  assert.equal(source.asked.at(-1), "fine");
  assert.equal(known.exact.busy, false);
  known.drop();
});
