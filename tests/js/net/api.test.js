import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document ??= /** @type {any} */ ({ baseURI: "http://localhost/fleet/" });
const { ApiError, address, call, pages, signedOut } = await import("../../../static/js/net/api.js");

let left = 0;
signedOut.on(() => left++);

/** @param {number} status @param {any} problem @param {Record<string, string>} [headers] */
const answered = async (status, problem, headers = {}) => {
  globalThis.fetch = async () => new Response(JSON.stringify(problem), { status, headers });
  left = 0;
  return call("GET", "vehicles").catch((fault) => fault);
};

test("whoever is not signed in any more is told so, once an answer", async () => {
  const fault = await answered(401, { code: "not_signed_in" });
  assert.ok(fault instanceof ApiError);
  assert.deepEqual([fault.status, left], [401, 1]);
});

test("a wrong password, and what one may not do, sign nobody out", async () => {
  await answered(401, { code: "wrong_password" });
  assert.equal(left, 0);
  await answered(404, { code: "may_not" });
  assert.equal(left, 0);
});

test("an answer says how long to wait, where it knows", async () => {
  const problem = { code: "too_many_tries", detail: "too many" };
  assert.equal((await answered(429, problem, { "retry-after": "4" })).wait, 4);
  assert.equal((await answered(429, problem)).wait, 0);
});

test("what is asked lies beside the page, below a folder of a proxy too", () => {
  assert.equal(address("users/ada").pathname, `${new URL(document.baseURI).pathname}api/v1/users/ada`);
});

test("a long answer comes page by page, and no page more than somebody wants is asked for", async () => {
  /** @type {(string|null)[]} */ const asked = [];
  globalThis.fetch = async (/** @type {any} */ url) => {
    asked.push(new URL(url).searchParams.get("cursor"));
    assert.equal(new URL(url).searchParams.get("limit"), "2");
    const next = ["b", "c", null][asked.length - 1];
    return new Response(JSON.stringify({ rows: [asked.length], next }));
  };
  const rows = [];
  for await (const page of pages("regions", { limit: 2 })) rows.push(...page.rows);
  assert.deepEqual(rows, [1, 2, 3]);
  assert.deepEqual(asked, [null, "b", "c"]);
  asked.length = 0;
  for await (const page of pages("regions", { limit: 2 })) if (page.rows) break;
  assert.deepEqual(asked, [null]);
});
