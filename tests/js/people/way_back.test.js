import assert from "node:assert/strict";
import { test } from "node:test";
import { secretOf, wayBack, wayIn } from "../../../static/js/people/way_back.js";

const BASE = "http://fleet.example/signin";

test("whoever has signed in goes back to where they came from, with what was behind the #", () => {
  const here = "http://fleet.example/#map=5/1/2&vehicle=van-1";
  const next = new URL(wayIn(here), BASE).searchParams.get("next");
  assert.equal(wayBack(next, BASE), "/#map=5/1/2&vehicle=van-1");
  assert.equal(wayBack("/people#tokens", BASE), "/people#tokens");
});

test("no link to the sign-in page leads to another site from there", () => {
  const elsewhere = [
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "http:evil.example",
    "\t//evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "http://fleet.example:81/",
    "https://fleet.example/",
    "http://fleet.example@evil.example/",
    "http://fleet.example//evil.example",
    "/.//evil.example",
    "/x/..//evil.example",
    "/%2e/\\evil.example",
    "http://[",
  ];
  for (const next of elsewhere) {
    const back = wayBack(next, BASE);
    assert.ok(back.startsWith("/") && !/^\/[/\\]/.test(back), next);
    assert.equal(new URL(back, BASE).origin, "http://fleet.example", next);
  }
});

test("below a folder of a proxy the way back stays in it, and never leads to the sign-in page itself", () => {
  const base = "http://example.org/fleet/signin";
  assert.equal(wayBack("/fleet/people", base), "/fleet/people");
  for (const next of ["/other/", "/fleet/../other", "/fleet/signin?next=/fleet/signin", null, ""])
    assert.equal(wayBack(next, base), "/fleet/", String(next));
});

test("a link's secret is told from what else may stand behind a #", () => {
  assert.equal(secretOf("#trk_aB-3_x"), "trk_aB-3_x");
  for (const hash of ["", "#", "#map=1/2/3", "#trk_", "#trk_a&b", "#x=trk_a"]) assert.equal(secretOf(hash), null);
});
