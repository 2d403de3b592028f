import assert from "node:assert/strict";
import { test } from "node:test";
import { Room, beyond } from "../../../static/js/map/label_room.js";

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

test("in a part of the map nothing is written over its edges", () => {
  const [box, ...more] = beyond([0, 0, 500, 700], 1000, 700);
  assert.deepEqual(more, []); // the map's own edges are the map's
  assert.ok(box[0] === 500 && box[1] < 0 && box[2] > 1000 && box[3] > 700);
  assert.equal(beyond([500, 0, 1000, 700], 1000, 700)[0][2], 500);
  assert.equal(beyond([0, 300, 360, 600], 360, 600)[0][3], 300);
  assert.deepEqual(beyond(null, 1000, 700), []);
});
