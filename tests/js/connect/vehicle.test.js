import assert from "node:assert/strict";
import { test } from "node:test";
import { meant } from "../../../static/js/connect/vehicle.js";

const FLEET = [
  { vehicle: "van-7", name: "Anna's van" },
  { vehicle: "a", name: "Twin" },
  { vehicle: "b", name: "Twin" },
  { vehicle: "Twin 2", name: null },
];

test("what is typed is a vehicle there is, by id or by a name that is one's alone, or a new one", () => {
  assert.deepEqual(meant(" van-7 ", FLEET), { id: "van-7", name: "Anna's van", known: true });
  assert.equal(meant("anna's VAN", FLEET).id, "van-7");
  assert.deepEqual(meant("Twin", FLEET), { id: "Twin", name: "Twin", known: false });
  assert.deepEqual(meant("Twin 2", FLEET), { id: "Twin 2", name: "Twin 2", known: true });
  assert.deepEqual(meant("Ku\u0308hl 1", []), { id: "Kühl 1", name: "Kühl 1", known: false });
  assert.equal(meant("  ", FLEET).id, "");
});
