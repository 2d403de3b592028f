import assert from "node:assert/strict";
import test from "node:test";

import { asText } from "../../../static/js/connect/payload.js";

const KEPT = {
  ...{ at: "2026-11-23T09:00:00.000Z", protocol: "owntracks", method: "POST", path: "/pub", query: "u=anna" },
  ...{ headers: { "Content-Type": "application/json" }, body: '{"_type":"lwt"}', bytes: 15, cut: false },
  ...{ status: 200, code: null, message: null },
};

test("a payload is copied as the request that tracker decode takes", () => {
  const text = 'POST /pub?u=anna HTTP/1.1\nContent-Type: application/json\n\n{"_type":"lwt"}';
  assert.equal(asText(KEPT), text);
  assert.equal(asText({ ...KEPT, cut: true, bytes: 9000 }), `${text}\n… (9000)`);
});

test("a message on a socket is its text, and what may not be seen is nothing", () => {
  assert.equal(asText({ ...KEPT, method: null, path: "/api/v1/positions", query: "" }), '{"_type":"lwt"}');
  assert.equal(asText({ ...KEPT, body: null, path: null }), null);
});
