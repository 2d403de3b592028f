import assert from "node:assert/strict";
import { test } from "node:test";
import { Jumps } from "../../../static/js/net/clock.js";
import { Fleet } from "../../../static/js/model/fleet.js";

test("sleep and a clock that is set are noticed, ordinary lateness is not", () => {
  const jumps = new Jumps(0, 1e12);
  assert.equal(jumps.look(1000, 1e12 + 1000, 1000), 0);
  assert.equal(jumps.look(3500, 1e12 + 3400, 1000), 0);
  assert.equal(jumps.look(4500, 1e12 + 4400 - 10_800_000, 1000), -10_800_000); // set back three hours
  assert.equal(jumps.look(5500, 1e12 + 5400 - 10_800_000, 1000), 0);
  assert.equal(jumps.look(6500, 1e12 + 6400, 1000), 10_800_000); // slept so long, or set forward
  assert.ok(jumps.look(60_000, 1e12 + 59_900, 1000) < 0); // the page did not run
});

test("the server's clock is believed as far as a question there and back allows", () => {
  const fleet = new Fleet();
  fleet.welcome({ epoch: "a", t0: 0, now: 10_000 }, 4000);
  fleet.measured(16_050, 10_000, 10_100);
  assert.equal(fleet.skew, 6000); // can be true
  fleet.measured(7_210_050, 10_000, 10_100);
  assert.equal(fleet.skew, 7_199_950); // set forward two hours
  fleet.measured(10_050, 10_000, 10_100);
  assert.equal(fleet.skew, 50);
});
