import assert from "node:assert/strict";
import { test } from "node:test";
import { faultOf } from "../../../static/js/people/passwords.js";

test("what is wrong with a password is seen before it is sent", () => {
  assert.equal(faultOf("seven 7", "ada"), "short");
  assert.equal(faultOf("aaaaaaaaaaaa", "ada"), "same");
  assert.equal(faultOf("I am ADA lovelace", "ada"), "name");
  assert.equal(faultOf("lovelace", "Ada Lovelace"), "name");
  assert.equal(faultOf("two blue vans in may", "ada"), "");
  assert.equal(faultOf("two blue vans in may", ""), "");
});
