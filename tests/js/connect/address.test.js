import assert from "node:assert/strict";
import { test } from "node:test";
import { baseOf, others, troublesOf } from "../../../static/js/connect/address.js";

test("an address is taken as people write it, and ends with one slash", () => {
  for (const [said, base] of [
    ["https://map.example.com", "https://map.example.com/"],
    [" map.example.com/fleet// ", "https://map.example.com/fleet/"],
    ["http://192.168.1.7:8000/?x=1#y", "http://192.168.1.7:8000/"],
    ["http://[fd00::7]:8000", "http://[fd00::7]:8000/"],
  ])
    assert.equal(baseOf(said), base);
  for (const wrong of ["", "ftp://a", "https://", "https://ada:secret@a", "a b", "javascript:alert(1)"])
    assert.equal(baseOf(wrong), "", wrong);
});

test("an address that no phone reaches, or that all may read, is told so", () => {
  for (const [base, alone, troubles] of /** @type {const} */ ([
    ["https://map.example.com/", false, []],
    ["http://map.example.com/", false, ["plain"]],
    ["http://192.168.1.7:8000/", false, ["plain", "private"]],
    ["https://10.0.0.7/", true, ["private"]],
    ["https://fleet.local/", false, ["private"]],
    ["https://fleet/", false, ["private"]],
    ["https://172.32.0.1/", false, []],
    ["http://[fd00::7]/", false, ["plain", "private"]],
    ["http://localhost:8000/", false, ["loopback"]],
    ["http://127.0.0.1:8000/", true, ["alone"]],
    ["http://[::1]:8000/", false, ["loopback"]],
    ["", false, ["wrong"]],
  ]))
    assert.deepEqual(troublesOf(base, alone), troubles, base);
});

test("other addresses of the server are whole, with its port where that is not the usual one", () => {
  const where = { addresses: ["192.168.1.7", "fd00::7"], port: 8000, scheme: "http" };
  assert.deepEqual(others("http://localhost:8000/", where), ["http://192.168.1.7:8000/", "http://[fd00::7]:8000/"]);
  assert.deepEqual(others("https://192.168.1.7/", { ...where, port: 443, scheme: "https" }), ["https://[fd00::7]/"]);
});
