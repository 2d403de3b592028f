import assert from "node:assert/strict";
import { test } from "node:test";
import { Room } from "../../../static/js/map/label_room.js";

test("what is taken is not given away again, what lies beside it is, and nothing beyond the map", () => {
  const room = new Room();
  room.clear(400, 300);
  assert.ok(room.free(100, 100, 160, 116));
  room.take(100, 100, 160, 116);
  assert.ok(!room.free(150, 110, 200, 120));
  assert.ok(room.free(170, 100, 230, 116));
  assert.ok(room.free(100, 121, 160, 137));
  assert.ok(!room.free(380, 100, 440, 116));
  assert.ok(!room.free(-4, 100, 40, 116));
  room.take(-50, -50, 5, 5); // what reaches over the edge is no error
  assert.ok(!room.free(0, 0, 20, 20));
  room.clear(300, 200);
  assert.ok(room.free(100, 100, 160, 116));
});
