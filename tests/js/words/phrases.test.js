import assert from "node:assert/strict";
import test from "node:test";
import { Journal } from "../../../static/js/model/events.js";
import { KINDS, counted, tell } from "../../../static/js/words/phrases.js";

test("every kind has a plural a person would say", () => {
  assert.equal(counted("cross", 6), "crossings");
  assert.equal(counted("cross", 1), "crossing");
  assert.equal(counted("enter", 1), "enter");
  for (const kind of Object.keys(KINDS)) assert.doesNotMatch(counted(kind, 2), /ss$|ys$|vers$/);
});

test("a name written from right to left turns nothing around it", () => {
  const names = { vehicle: () => "משאית 7", region: () => "Depot", units: /** @type {const} */ ("metric") };
  assert.equal(
    tell(/** @type {any} */ ({ kind: "enter", vehicle: "v", region: "r" }), names),
    "\u2068משאית 7\u2069 entered Depot",
  );
});

test("who reports again is folded over vehicles, what went silent is not", () => {
  const journal = new Journal();
  const time = "2026-11-23T10:00:00.000Z";
  journal.add(
    ["heard", "heard", "heard", "silent", "silent"].map(
      (kind, i) => /** @type {any} */ ({ seq: i + 1, id: `e${i}`, kind, vehicle: `v${i}`, time }),
    ),
  );
  assert.deepEqual(
    journal.groups(() => true).map((group) => [group.newest.kind, group.events.length]),
    [
      ["silent", 1],
      ["silent", 1],
      ["heard", 3],
    ],
  );
});
