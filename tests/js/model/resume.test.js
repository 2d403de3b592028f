import assert from "node:assert/strict";
import { test } from "node:test";
import { Resume } from "../../../static/js/model/resume.js";

const WELCOME = { op: "welcome" };
const update = (n = 0) => ({ op: "update", events: Array.from({ length: n }, () => ({})) });

test("the first connection brings nothing to count", () => {
  const resume = new Resume();
  resume.now("connecting");
  const told = [WELCOME, { op: "snapshot" }, update(3), update()].map((message) => resume.read(message));
  resume.now("live");
  assert.deepEqual(told, [null, null, null, null]);
  assert.deepEqual([resume.everLive, resume.catchingUp], [true, false]);
});

test("after a loss everything up to the first quiet update is what the resume brought, told once", () => {
  const resume = new Resume();
  resume.now("live");
  resume.now("waiting");
  assert.ok(resume.catchingUp);
  resume.now("live");
  const told = [WELCOME, update(3), update(2), update(1)].map((message) => resume.read(message));
  assert.deepEqual(told, [null, null, 5, null]);
  assert.ok(!resume.catchingUp);
});

test("a break too long to resume ends with the last part of a snapshot; its events count too", () => {
  const resume = new Resume();
  resume.now("live");
  resume.now("waiting");
  assert.equal(resume.read(WELCOME), null);
  assert.equal(resume.read({ op: "snapshot", part: 1, parts: 2, events: [{}] }), null);
  assert.ok(resume.catchingUp);
  assert.equal(resume.read({ op: "snapshot", part: 2, parts: 2 }), null);
  assert.ok(!resume.catchingUp);
  assert.equal(resume.read(update(1)), 2);
});

test("asking for something else while live is catching up, until it is here", () => {
  const resume = new Resume();
  resume.asked("waiting");
  assert.ok(!resume.catchingUp);
  resume.asked("live");
  assert.ok(resume.catchingUp);
  resume.read({ op: "snapshot" });
  assert.ok(!resume.catchingUp);
});
