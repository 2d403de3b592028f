import assert from "node:assert/strict";
import { test } from "node:test";
import { LINES, diagnosis } from "../../../static/js/net/proxies.js";

const page = new URL("https://fleet.example:8443/");

test("a proxy that renames the host is told from one that drops upgrades and from a refused origin", () => {
  const renamed = diagnosis({ page, host: "127.0.0.1:8000", refused: true });
  assert.match(renamed.words, /called 127\.0\.0\.1:8000, and the browser says fleet\.example:8443/);
  // $host drops the port
  assert.match(diagnosis({ page, host: "fleet.example", refused: true }).words, /called fleet\.example, and/);
  const origin = diagnosis({ page, host: "fleet.example:8443", refused: true });
  assert.match(origin.words, /refuses pages from https:\/\/fleet\.example:8443/);
  assert.match(origin.lines, /origins = \["https:\/\/fleet\.example:8443"\]/);
  for (const host of ["fleet.example:8443", "127.0.0.1:8000", null])
    assert.match(diagnosis({ page, host, refused: false }).words, /does not pass the upgrade on/);
});

test("the lines to paste are there for nginx, Caddy and haproxy, and nginx passes the port of the host on", () => {
  for (const word of [
    "proxy_set_header Host $http_host;",
    "proxy_http_version 1.1;",
    "proxy_set_header Upgrade $http_upgrade;",
    'proxy_set_header Connection "upgrade";',
    "reverse_proxy",
    "timeout tunnel",
  ])
    assert.ok(LINES.includes(word), word);
});
