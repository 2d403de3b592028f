import assert from "node:assert/strict";
import { test } from "node:test";
import { Deeds } from "../../../static/js/model/deeds.js";

/** Deeds whose every end is written down. */
function told() {
  const deeds = new Deeds();
  const said = [];
  deeds.undone.on((words, fault) => said.push(fault ? `${words}: ${fault.message}` : words));
  const did = (title, undo = async () => `no ${title}`) => deeds.did({ icon: "check", title, undo });
  return { deeds, said, did };
}
const settled = () => new Promise((resolve) => setTimeout(resolve));

test("deeds are taken back the last one first, and then there are none", async () => {
  const { deeds, said, did } = told();
  for (const title of ["one", "two", "three"]) did(title);
  for (let i = 0; i < 4; i++) {
    deeds.undo();
    await settled();
  }
  assert.deepEqual(said, ["no three", "no two", "no one", ""]);
});

test("who asks twice at once takes back two, one after the other", async () => {
  const { deeds, said, did } = told();
  let slow = () => {};
  did("one");
  did("two", () => new Promise((resolve) => (slow = () => resolve("no two"))));
  deeds.undo();
  deeds.undo();
  await settled();
  assert.deepEqual(said, []);
  slow();
  await settled();
  assert.deepEqual(said, ["no two", "no one"]);
});

test("a deed taken back by its own button is not taken back again by a key", async () => {
  const { deeds, said, did } = told();
  did("one");
  const deed = { icon: "check", title: "two", undo: async () => "no two" };
  deeds.did(deed);
  deeds.undo(deed);
  deeds.undo(deed);
  deeds.undo();
  await settled();
  assert.deepEqual(said.sort(), ["", "no one", "no two"]);
});

test("what cannot be taken back says why; what only did not reach the server can be tried again", async () => {
  const { deeds, said, did } = told();
  let reached = false;
  did("one", async () => {
    if (!reached) throw Object.assign(new Error("not reached"), { status: 0 });
    return "no one";
  });
  did("two", async () => {
    throw new Error("Somebody has changed it since.");
  });
  deeds.undo();
  deeds.undo();
  await settled();
  reached = true;
  deeds.undo();
  await settled();
  assert.deepEqual(said, ["two: Somebody has changed it since.", "one: not reached", "no one"]);
});

test("a long session keeps its last fifty deeds", async () => {
  const { deeds, said, did } = told();
  for (let i = 0; i < 60; i++) did(String(i));
  for (let i = 0; i < 60; i++) deeds.undo();
  await settled();
  assert.deepEqual([said.filter(Boolean).length, said.filter(Boolean).at(-1)], [50, "no 10"]);
});

test("who asks to undo while a deed is under way takes that one back, not the one before", async () => {
  const { deeds, said, did } = told();
  let arrives = () => {};
  did("one");
  deeds.doing(new Promise((resolve) => (arrives = resolve)).then(() => did("two")));
  deeds.undo();
  await settled();
  assert.deepEqual(said, []);
  arrives();
  await settled();
  assert.deepEqual(said, ["no two"]);
});
