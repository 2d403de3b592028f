import assert from "node:assert/strict";
import { test } from "node:test";
import { APPS, appOf, scanned } from "../../../static/js/connect/apps.js";

const GIVEN = { base: "https://map.example.com/fleet/", token: "trk_a-B_c", vehicle: "Anna's Kühlwagen 7+" };
/** @param {string} key */
const app = (key) => /** @type {import("../../../static/js/connect/apps.js").App} */ (appOf(key));
/** @param {string} link what a phone reads of it: %20 is a space, + is not one on all of them */
const fields = (link) =>
  Object.fromEntries(
    link
      .slice(link.indexOf("?") + 1)
      .split("&")
      .map((part) => {
        assert.ok(!part.includes("+"), "a phone may read + as a space");
        return [part.slice(0, part.indexOf("=")), decodeURIComponent(part.slice(part.indexOf("=") + 1))];
      }),
  );

test("every setting keeps the path of a proxy, and every app is told the token once or more", () => {
  for (const one of APPS) {
    const values = one.settings(GIVEN).map(([, value]) => value);
    assert.ok(values.join().includes("https://map.example.com/fleet"), one.key);
    assert.ok(values.join().includes(GIVEN.token), one.key);
    assert.ok(!values.some((value) => /undefined|null/.test(value)), one.key);
  }
});

test("Traccar Client is opened by a link, and scans an address whose path is the server's", () => {
  const link = app("traccar-client").link?.(GIVEN) ?? "";
  assert.ok(link.startsWith("org.traccar.client://config?"));
  assert.equal(fields(link).url, "https://map.example.com/fleet/ingest/osmand/trk_a-B_c");
  assert.equal(fields(link).id, GIVEN.vehicle);
  const code = new URL(scanned(app("traccar-client"), GIVEN));
  assert.equal(code.origin + code.pathname, fields(link).url);
  assert.equal(code.searchParams.get("id"), GIVEN.vehicle);
});

test("OwnTracks takes its configuration in standard base64 of UTF-8", () => {
  const { inline } = fields(app("owntracks").link?.(GIVEN) ?? "");
  assert.ok(app("owntracks").link?.(GIVEN).startsWith("owntracks:///config?inline="));
  assert.match(inline, /^[A-Za-z0-9+/]+=*$/);
  const told = JSON.parse(Buffer.from(inline, "base64").toString());
  assert.deepEqual(told, JSON.parse(app("owntracks").file?.(GIVEN).text ?? ""));
  assert.deepEqual(
    [told._type, told.mode, told.url, told.deviceId, told.tid],
    ["configuration", 3, "https://map.example.com/fleet/ingest/owntracks/trk_a-B_c", GIVEN.vehicle, "n7"],
  );
  assert.equal(scanned(app("owntracks"), GIVEN), app("owntracks").link?.(GIVEN));
});

test("OwnTracks' two characters are letters or digits, whatever the vehicle is called", () => {
  const tid = (/** @type {string} */ vehicle) =>
    app("owntracks")
      .settings({ ...GIVEN, vehicle })
      .at(-1)?.[1];
  assert.deepEqual(["van-7", "7", "北京", "Ä"].map(tid), ["n7", "7", "v1", "v1"]);
});

test("Overland is told its address, its token and its name", () => {
  assert.deepEqual(fields(app("overland").link?.(GIVEN) ?? ""), {
    url: "https://map.example.com/fleet/ingest/overland",
    token: "trk_a-B_c",
    device_id: GIVEN.vehicle,
  });
});

test("a file is called so that every system can keep it", () => {
  for (const one of APPS) assert.match(one.file?.(GIVEN).name ?? "x", /^[\w.-]+$/);
  assert.match(app("gpslogger").file?.(GIVEN).text ?? "", /^log_customurl_url=https:.*\?%ALL$/m);
});

test("what has no link has nothing to scan", () => {
  for (const one of APPS) assert.equal(scanned(one, GIVEN) === "", one.link === undefined, one.key);
  assert.equal(appOf("nothing"), undefined);
});
