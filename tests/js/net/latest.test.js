import assert from "node:assert/strict";
import { test } from "node:test";
import { Latest } from "../../../static/js/net/latest.js";

/** An answer that is given when the test says so. */
function later() {
  const asked = { signal: null };
  asked.told = new Promise((answer, fail) => Object.assign(asked, { answer, fail }));
  asked.ask = (signal) => {
    asked.signal = signal;
    return asked.told;
  };
  return asked;
}
const turn = () => new Promise((go) => setTimeout(go));

test("a newer question cancels the older, and what was answered stays until the new answer is here", async () => {
  let changes = 0;
  const latest = new Latest(() => changes++);
  const [first, second, third] = [later(), later(), later()];
  latest.want("1", first.ask);
  first.answer("one");
  await turn();
  assert.deepEqual([latest.value, latest.answered, latest.busy, changes], ["one", "1", false, 1]);
  latest.want("2", second.ask);
  latest.want("3", third.ask);
  assert.equal(second.signal.aborted, true);
  second.answer("two");
  await turn();
  assert.deepEqual([latest.value, latest.busy, changes], ["one", true, 1]);
  third.answer("three");
  await turn();
  assert.deepEqual([latest.value, latest.answered, changes], ["three", "3", 2]);
});

test("the same is not asked twice; what failed is asked again once it is stopped", async () => {
  const latest = new Latest(() => {});
  const [first, again] = [later(), later()];
  latest.want("1", first.ask);
  latest.want("1", again.ask);
  assert.equal(again.signal, null);
  first.fail(new Error("away"));
  await turn();
  assert.deepEqual([latest.problem.message, latest.busy, latest.value], ["away", false, null]);
  latest.want("1", again.ask);
  assert.equal(again.signal, null);
  latest.stop();
  latest.want("1", again.ask);
  again.answer("one");
  await turn();
  assert.deepEqual([latest.problem, latest.value], [null, "one"]);
});

test("pages are told as they come; half an answer is asked for again", async () => {
  const seen = [];
  const latest = new Latest(() => seen.push(latest.value));
  const rest = later();
  const pages = async function* (signal) {
    yield 1;
    await rest.ask(signal);
    yield 2;
  };
  latest.want("a", pages);
  await turn();
  assert.deepEqual([seen, latest.busy, latest.answered], [[1], true, ""]);
  latest.stop();
  assert.equal(latest.key, "");
  latest.want("a", pages);
  rest.answer();
  await turn();
  assert.deepEqual([latest.value, latest.answered, latest.busy], [2, "a", false]);
});

test("what is asked soon is not asked at all when it is wanted no more, and nothing stays of what is dropped", async () => {
  const latest = new Latest(() => {});
  const [first, second] = [later(), later()];
  latest.want("1", first.ask, 1);
  latest.want("2", second.ask);
  await new Promise((go) => setTimeout(go, 5));
  assert.equal(first.signal, null);
  second.answer("two");
  await turn();
  latest.drop();
  assert.deepEqual([latest.value, latest.key, latest.answered, latest.problem], [null, "", "", null]);
  assert.equal(second.signal.aborted, true);
});
