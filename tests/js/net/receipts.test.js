import assert from "node:assert/strict";
import { test } from "node:test";
import { Receipts } from "../../../static/js/net/receipts.js";

/**
 * Let time pass as the page does: look when told to, say what is due.
 * @param {Receipts} receipts
 * @param {number} from
 * @param {number} to
 */
function pass(receipts, from, to) {
  const said = [];
  for (let now = from; now <= to; now += 10) {
    const frame = receipts.due(now);
    if (!frame) continue;
    receipts.sent(frame, now);
    said.push([now, frame]);
  }
  return said;
}

test("a frame painted within 250 ms of the last acknowledgement is acknowledged when they are over", () => {
  const receipts = new Receipts();
  receipts.heard(1, 0);
  receipts.seen(1);
  assert.deepEqual(pass(receipts, 0, 0), [[0, 1]]);
  receipts.heard(2, 50);
  receipts.seen(2);
  receipts.heard(3, 100);
  receipts.seen(3);
  assert.equal(receipts.due(100), 0);
  assert.equal(receipts.wait(100), 150);
  assert.deepEqual(pass(receipts, 100, 2000), [[250, 3]]);
  assert.equal(receipts.wait(2000), Infinity);
});

test("a frame that is never painted is acknowledged as read after half a second", () => {
  const receipts = new Receipts();
  receipts.heard(1, 0);
  receipts.heard(2, 50);
  assert.equal(receipts.wait(50), 450);
  assert.deepEqual(pass(receipts, 50, 2000), [[500, 2]]);
  receipts.heard(3, 3000);
  assert.deepEqual(pass(receipts, 3000, 5000), [[3500, 3]]);
});

test("a busy page acknowledges at most four times a second, and every frame in the end", () => {
  const receipts = new Receipts();
  const said = [];
  for (let frame = 1; frame <= 100; frame++) {
    receipts.heard(frame, frame * 20);
    receipts.seen(frame);
    said.push(...pass(receipts, frame * 20, frame * 20));
  }
  said.push(...pass(receipts, 2010, 4000));
  assert.ok(said.length <= 10, `${said.length} in 2.25 s`);
  assert.equal(said[said.length - 1][1], 100);
});

test("a word that could not be sent stays due", () => {
  const receipts = new Receipts();
  receipts.heard(1, 0);
  receipts.seen(1);
  assert.equal(receipts.due(0), 1);
  assert.equal(receipts.due(700), 1);
});

test("a frame number of an earlier connection acknowledges nothing", () => {
  const receipts = new Receipts();
  receipts.seen(40);
  assert.equal(receipts.wait(0), Infinity);
  receipts.heard(1, 0);
  receipts.seen(40);
  assert.equal(receipts.due(0), 1);
});
