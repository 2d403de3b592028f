import assert from "node:assert/strict";
import { test } from "node:test";
import { faultOf } from "../../../static/js/people/passwords.js";

test("what is wrong with a password is seen before it is sent", () => {
  assert.equal(faultOf("seven 7", "ada"), "password_short");
  assert.equal(faultOf("aaaaaaaaaaaa", "ada"), "password_repeats");
  assert.equal(faultOf("I am ADA lovelace", "ada"), "password_name");
  assert.equal(faultOf("lovelace", "Ada Lovelace"), "password_name");
  assert.equal(faultOf("two blue vans in may", "ada"), "");
  assert.equal(faultOf("two blue vans in may", ""), "");
  assert.equal(faultOf("two blue vans in may", "Al"), "", "so short a name is in many words");
  assert.equal(faultOf("maybe a van".repeat(30), "ada"), "password_long");
});
