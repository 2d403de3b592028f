import assert from "node:assert/strict";
import { test } from "node:test";
import { Motion } from "../../../static/js/model/motion.js";

test("a marker eases towards the received fix and never past it", () => {
  const motion = new Motion();
  const slot = motion.take(0.5, 0.5);
  motion.move(slot, 0.5001, 0.5, 1000, 1000);
  let last = 0.5;
  for (let t = 1000; t < 4000; t += 50) {
    const x = motion.x(slot, t);
    assert.ok(x >= last && x <= 0.5001, `${x} at ${t}`);
    last = x;
  }
  assert.equal(last, 0.5001);
});

test("a newer fix starts from where the marker is drawn", () => {
  const motion = new Motion();
  const slot = motion.take(0, 0);
  motion.move(slot, 1e-4, 0, 0, 5000);
  const halfway = motion.x(slot, 500);
  motion.move(slot, 0, 1e-4, 500, 5000);
  assert.ok(Math.abs(motion.x(slot, 500) - halfway) < 1e-12);
  assert.equal(motion.x(slot, 1501), 0);
});

test("every glide ends within a second", () => {
  const motion = new Motion();
  const slot = motion.take(0, 0);
  motion.move(slot, 1e-4, 1e-4, 0, 60_000);
  assert.equal(motion.x(slot, 1000), 1e-4);
  assert.ok(motion.until <= 1000);
});

test("a jump across the map is not drawn as a journey", () => {
  const motion = new Motion();
  const slot = motion.take(0.1, 0.1);
  motion.move(slot, 0.9, 0.1, 0, 1000);
  assert.equal(motion.x(slot, 1), 0.9);
});

test("reduced motion stands at the fix at once", () => {
  const motion = new Motion();
  const slot = motion.take(0, 0);
  motion.still = true;
  motion.move(slot, 1e-5, 0, 0, 1000);
  assert.equal(motion.x(slot, 0), 1e-5);
  assert.equal(motion.until, 0);
});

test("a slot given back is used again, and room grows without moving anybody", () => {
  const motion = new Motion(2);
  const a = motion.take(0.1, 0.1);
  motion.release(a);
  assert.equal(motion.take(0.2, 0.2), a);
  for (let i = 0; i < 10; i++) motion.take(0.3, 0.3);
  assert.equal(motion.x(a, 0), 0.2);
  assert.equal(motion.size, 11);
});
