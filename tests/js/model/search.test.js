import assert from "node:assert/strict";
import { test } from "node:test";
import { find, fold, spans } from "../../../static/js/model/search.js";

const van = (id, name = id, plate = null, group = null) => ({ id, name, plate, group });
/** The ids that fit, the best first, as the list has them. */
const ranked = (query, ...fleet) =>
  fleet
    .map((v) => [find(v, query, () => v.regions ?? []), v.id])
    .filter(([found]) => found)
    .sort(([a], [b]) => a.rank - b.rank)
    .map(([, id]) => id);

test("an exact name comes before a plate that only holds its number", () => {
  assert.deepEqual(ranked("van 33", van("a", "Van 4", "KMP-433"), van("b", "Van 33", "XYZ-1")), ["b", "a"]);
});

test("exact name or id, beginning, word, plate, anything else: in this order", () => {
  const fleet = [
    van("other", "Truck", null, "x33y"),
    van("plate", "Lorry", "33-AB"),
    van("word", "Van 33"),
    van("prefix", "33 North"),
    van("33", "Bus"),
    van("exact", "33"),
    van("begins", "Van 330"),
  ];
  assert.deepEqual(ranked("33", ...fleet), ["33", "exact", "prefix", "word", "begins", "plate", "other"]);
});

test("an id fits however its parts are joined, a plate with its dash or without", () => {
  for (const typed of ["van-33", "VAN 33", "van_33"])
    assert.equal(find(van("van-33", "Anna"), typed, () => []).rank, 0, typed);
  for (const typed of ["kmp433", "KMP-433", "kmp 433"])
    assert.deepEqual(
      find(van("a", "Anna", "KMP-433"), typed, () => []),
      { rank: 4, field: "plate", text: "KMP-433" },
      typed,
    );
});

test("a name fits however its words are joined, and is marked", () => {
  assert.deepEqual(ranked("van33", van("a", "Van 4", "VAN-331"), van("b", "Van 33"), van("c", "Van 330")), [
    "b",
    "c",
    "a",
  ]);
  assert.deepEqual(ranked("harbor 7", van("a", "Harbor7 North"), van("b", "HARBOR-7")), ["b", "a"]);
  assert.deepEqual(spans("Van 33 east", "van33"), [[0, 6]]);
  assert.deepEqual(spans("Van 4 (c++)", "x(*"), []);
  assert.deepEqual(spans("Van (c++)", "c++)"), [[5, 9]]);
  for (const odd of ["🚚", "🚚x", "-", "\\", "[", "a/b", "#?", "{2}"]) assert.deepEqual(spans("Van 33", odd), [], odd);
});

test("accents and case do not matter, and what has no letters is found as it is", () => {
  assert.equal(find(van("a", "Škoda Ärla"), "skoda arla", () => []).rank, 0);
  assert.equal(find(van("a", "車両 七"), "七", () => []).rank, 2);
  assert.equal(find(van("a", "🚚"), "🚚", () => []).rank, 0);
  assert.equal(fold("  Van--12 "), "van 12");
});

test("words may stand in different fields, regions among them, and what explains the fit is told", () => {
  const v = { ...van("a", "Van 4", "KMP-433", "North"), regions: ["Harbour depot"] };
  const by = (query) => find(v, query, () => v.regions);
  assert.deepEqual(by("van north"), { rank: 7, field: "group", text: "North" });
  assert.deepEqual(by("harbour"), { rank: 7, field: "region", text: "Harbour depot" });
  assert.deepEqual([by("van 33").field, by("van 4").rank], ["plate", 0]);
  assert.equal(by("south"), null);
});

test("what was typed is marked where it stands", () => {
  assert.deepEqual(spans("Van 33", "33"), [[4, 6]]);
  assert.deepEqual(spans("KMP-433", "van 33"), [[5, 7]]);
  assert.deepEqual(spans("North van", "van north"), [
    [0, 5],
    [6, 9],
  ]);
  assert.deepEqual(spans("anana", "ana an"), [[0, 3]]);
  assert.deepEqual([spans("Van", "x"), spans("İ van", "van"), spans("Van", " ")], [[], [], []]);
});
