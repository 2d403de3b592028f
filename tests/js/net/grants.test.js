import assert from "node:assert/strict";
import test from "node:test";
import { drawn, mayDraw, seesEverything, whyEmpty } from "../../../static/js/net/grants.js";

const EDIT = ["watch", "edit_regions"];
/** @param {"all"|string[]} regions @param {string[]} [may] @returns {any} */
const group = (regions, may = EDIT) => ({ regions, vehicles: "all", may });
/** @param {string|null} name */
const region = (name) => ({ properties: { group: name } });

test("regions are drawn in the groups that a group allows it in, and nowhere else", () => {
  const grants = [group(["north", "depots"]), group(["south"], ["watch"]), group(["north"])];
  assert.deepEqual(drawn(grants), ["depots", "north"]);
  assert.ok(mayDraw(grants, region("north")));
  assert.ok(!mayDraw(grants, region("south")));
  assert.ok(!mayDraw(grants, region(null)));
  assert.deepEqual(drawn([]), []);
});

test("who may draw everywhere, and whoever the server says nothing of, draws in any group and in none", () => {
  for (const grants of [undefined, [group("all")], [group(["north"], ["watch"]), group("all")]]) {
    assert.equal(drawn(grants), null);
    assert.ok(mayDraw(grants, region(null)));
  }
  assert.deepEqual(drawn([group("all", ["watch"])]), []);
});

test("the past as it came is for who sees everywhere, every vehicle, exactly", () => {
  const all = { regions: "all", vehicles: "all", may: ["watch"] };
  assert.ok(seesEverything(undefined));
  assert.ok(seesEverything([group(["north"]), /** @type {any} */ (all)]));
  for (const less of [{ regions: ["north"] }, { vehicles: ["vans"] }, { coarse_m: 500 }])
    assert.ok(!seesEverything([/** @type {any} */ ({ ...all, ...less })]), JSON.stringify(less));
  assert.ok(!seesEverything([]));
});

test("an empty map tells how to connect a vehicle to who may, with a token where devices need one, and the others why", () => {
  const who = (/** @type {string|null} */ name, /** @type {string|null} */ role, /** @type {string[]} */ ...may) =>
    whyEmpty({ name, role, may });
  assert.equal(who(null, null), "open");
  assert.equal(who("ada", "administrator"), "token");
  assert.equal(who("ben", "dispatcher"), "groups");
  assert.equal(who("eve", "viewer", "watch"), "elsewhere");
});
