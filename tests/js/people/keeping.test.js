import assert from "node:assert/strict";
import { test } from "node:test";
import { inOrder, newest, notice, spans, whose } from "../../../static/js/people/upkeep/keeping.js";

const rule = (/** @type {string} */ group, whole_days = 30, /** @type {number|null} */ thinned_days = 365) => ({
  group,
  whole_days,
  thinned_days,
});

test("the newest days come first, and only so many", () => {
  const days = ["2026-09-01", "2026-09-02", "2026-09-03"].map((day) => ({
    day,
    kept: 1,
    thinned: 0,
    gone: 0,
    bytes: 6,
  }));
  assert.deepEqual(
    newest(days, 2).map((one) => one.day),
    ["2026-09-03", "2026-09-02"],
  );
  assert.equal(days[0].day, "2026-09-01", "what was given stays as it was");
});

test("new rules are told before they begin, and only if they touch something", () => {
  const rules = { groups: [], due: 5, due_gone: 0, begins_at: "2026-09-13T10:00:00.000Z", next: null };
  assert.equal(notice(rules), "waits");
  assert.equal(notice({ ...rules, begins_at: null }), "due");
  assert.equal(notice({ ...rules, due: 0, begins_at: null }), null);
});

test("a rule is told span by span, and what never goes is not said to go", () => {
  const keys = (/** @type {any} */ one) => spans(one).map(({ key, n }) => (n ? `${key} ${n}` : key));
  assert.deepEqual(keys(rule("*")), ["kept.rule.whole 30", "kept.rule.thinned 365", "kept.rule.gone"]);
  assert.deepEqual(keys(rule("*", 90, null)), ["kept.rule.whole 90", "kept.rule.always"]);
  assert.deepEqual(keys(rule("*", 14, 14)), ["kept.rule.whole 14", "kept.rule.gone"]);
});

test("the rule of all others stands last, and alone it is that of all", () => {
  const rules = [rule("*"), rule("vans"), rule("trucks")];
  assert.deepEqual(
    inOrder(rules).map((one) => one.group),
    ["trucks", "vans", "*"],
  );
  assert.deepEqual(
    [whose(rules[0], 3), whose(rules[0], 1), whose(rules[1], 3)],
    ["kept.rule.others", "kept.rule.all", null],
  );
});
