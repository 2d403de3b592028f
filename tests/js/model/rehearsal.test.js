import assert from "node:assert/strict";
import { test } from "node:test";
import { newest, Turns } from "../../../static/js/model/past/rehearsal.js";

const turn = () => new Promise((go) => setTimeout(go));

test("one shape is asked at a time, and of those that come meanwhile only the newest", async () => {
  const asked = [];
  const answers = [];
  const turns = new Turns((shape) => {
    asked.push(shape);
    return new Promise((done) => answers.push(done));
  });
  for (const shape of ["a", "b", "c"]) turns.want(shape);
  assert.deepEqual([asked, turns.behind], [["a"], true]);
  answers[0]();
  await turn();
  assert.deepEqual([asked, turns.behind, turns.busy], [["a", "c"], false, true]);
  turns.want("d");
  turns.forget();
  answers[1]();
  await turn();
  assert.deepEqual([asked, turns.busy], [["a", "c"], false]);
  turns.want("e");
  turns.want("f");
  turns.stop();
  answers[2]();
  await turn();
  assert.deepEqual(asked, ["a", "c", "e"]);
});

test("the newest of all differences come first, whatever they are", () => {
  const at = (id, hour) => ({ id, time: `2026-11-26T${hour}:00:00Z` });
  const answer = {
    appeared: [at("new", "09"), at("newer", "12")],
    vanished: [at("gone", "11")],
    changed: [at("other", "10")],
  };
  const found = newest(answer, 3).map(({ what, event }) => `${what} ${event.id}`);
  assert.deepEqual(found, ["appeared newer", "vanished gone", "changed other"]);
});
