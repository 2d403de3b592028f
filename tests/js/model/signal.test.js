import assert from "node:assert/strict";
import { test } from "node:test";
import { Signal } from "../../../static/js/model/signal.js";

test("everybody who asked is told, in the order in which they asked, and nobody twice", () => {
  const signal = new Signal();
  const told = [];
  const first = (what) => told.push(`first ${what}`);
  signal.tell("too early");
  signal.on(first);
  signal.on((what) => told.push(`second ${what}`));
  signal.on(first);
  signal.tell("news");
  assert.deepEqual(told, ["first news", "second news"]);
});

test("who fails at being told keeps nobody else from it, and the fault is not lost", () => {
  const signal = new Signal();
  const told = [];
  signal.on(() => {
    throw new Error("the first one's");
  });
  signal.on((what) => told.push(what));
  signal.on(() => {
    throw new Error("a later one's");
  });
  assert.throws(() => signal.tell("news"), /the first one's/);
  assert.deepEqual(told, ["news"]);
});

test("who asks while others are told hears it too", () => {
  const signal = new Signal();
  const told = [];
  signal.on(() => signal.on((what) => told.push(what)));
  signal.tell("news");
  assert.deepEqual(told, ["news"]);
});

test("whoever wants to be told no more is told no more", () => {
  const signal = new Signal();
  const told = [];
  const off = signal.on((what) => told.push(what));
  signal.tell("news");
  off();
  signal.tell("more");
  assert.deepEqual(told, ["news"]);
});
