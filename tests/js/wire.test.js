import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { decode, follow, isFinal, rowReader, STATES, unpack } from "../../static/js/wire.js";

test("a row is read by the names the server gives its columns", () => {
  const read = rowReader(["vehicle", "n", "extra", "lon_e6", "lat_e6", "when"]);
  const row = read(["van", 4, "?", 24_500_000, 60_250_000, 12]);
  assert.deepEqual(
    [row.vehicle, row.n, row.lat, row.lon, row.when, row.speed, row.heading, row.heard, row.name],
    ["van", 4, 60.25, 24.5, 12, -1, -1, null, null],
  );
});

test("unknown speed and heading stay unknown", () => {
  const read = rowReader(["n", "vehicle", "when", "lat_e6", "lon_e6", "speed_dmps", "heading", "state"]);
  assert.deepEqual([read([1, "a", 0, 0, 0, -1, -1, 0]).speed, read([1, "a", 0, 0, 0, 125, 0, 0]).speed], [-1, 12.5]);
});

test("everything is followed unless regions are chosen", () => {
  assert.equal(follow({ regions: null }).all, true);
  const chosen = follow({ regions: ["depot"], vehicles: ["van-1"], resume: "c" });
  assert.deepEqual(
    [chosen.all, chosen.regions, chosen.vehicles, chosen.resume],
    [undefined, ["depot"], ["van-1"], "c"],
  );
  assert.deepEqual(follow({ regions: [] }).regions, []);
});

test("close codes from 4500 on and a message too big say: do not come back", () => {
  assert.deepEqual([1006, 1012, 4001, 4499, 4500, 4999, 1009].map(isFinal), [
    false,
    false,
    false,
    false,
    true,
    true,
    true,
  ]);
});

test("columns are read as the rows they were made from", () => {
  // tracker.live.columns.pack([Row(5, 1000, 60170000, 24940000, 123, 359, 1), Row(9, 900, -1, -2, -1, -1, 4)])
  const bytes = block([
    [5, 1000, 60_170_000, 24_940_000, 123, 359, 1],
    [9, 900, -1, -2, -1, -1, 4],
  ]);
  const rows = unpack(new DataView(bytes), 0).sort((a, b) => a[0] - b[0]);
  assert.deepEqual(rows, [
    [5, 1000, 60_170_000, 24_940_000, 123, 359, 1],
    [9, 900, -1, -2, -1, -1, 4],
  ]);
});

test("a binary message carries its cursor, its frame and the rest as JSON", () => {
  const columns = new Uint8Array(block([[1, 7, 1_000_000, 2_000_000, 0, 0, 2]]));
  const rest = new TextEncoder().encode('{"left":[[3,"region"]]}');
  const cursor = new TextEncoder().encode("abc");
  const bytes = new Uint8Array(10 + cursor.length + rest.length + columns.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 1);
  view.setUint8(1, cursor.length);
  view.setUint32(2, 77, true);
  view.setUint32(6, rest.length, true);
  bytes.set(cursor, 10);
  bytes.set(rest, 10 + cursor.length);
  bytes.set(columns, 10 + cursor.length + rest.length);
  assert.deepEqual(decode(bytes.buffer), {
    op: "update",
    frame: 77,
    cursor: "abc",
    left: [[3, "region"]],
    moved: [[1, 7, 1_000_000, 2_000_000, 0, 0, 2]],
  });
});

/** One block, n one byte wide, when two. */
function block(rows) {
  const boxes = rows.map((r) => [r[2] >> 16, r[3] >> 16]);
  const n0 = Math.min(...rows.map((r) => r[0]));
  const when0 = Math.min(...rows.map((r) => r[1]));
  const size = 18 + 6 * rows.length + rows.length * (1 + 2 + 2 + 2 + 2 + 1);
  const view = new DataView(new ArrayBuffer(size));
  view.setUint8(0, 0 | (1 << 2));
  view.setUint16(2, rows.length, true);
  view.setUint16(4, rows.length, true);
  view.setUint32(6, n0, true);
  view.setFloat64(10, when0, true);
  let at = 18;
  for (const [lat, lon] of boxes) {
    view.setInt16(at, lat, true);
    view.setInt16(at + 2, lon, true);
    view.setUint16(at + 4, 1, true);
    at += 6;
  }
  for (const r of rows) view.setUint8(at++, r[0] - n0);
  const column = (/** @type {(row: number[]) => number} */ of) => {
    for (const r of rows) {
      view.setUint16(at, of(r), true);
      at += 2;
    }
  };
  column((r) => r[1] - when0);
  column((r) => r[2] & 65535);
  column((r) => r[3] & 65535);
  column((r) => (r[5] + 1) | (r[6] << 9) | (((r[4] < 0 ? 4095 : r[4]) >> 8) << 12));
  for (const r of rows) view.setUint8(at++, (r[4] < 0 ? 4095 : r[4]) & 255);
  return view.buffer;
}

const folder = new URL("../../fixtures/wire/", import.meta.url);
test("every recorded message of the server is understood", { skip: !existsSync(folder) }, () => {
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".json"))) {
    const document = JSON.parse(readFileSync(new URL(name, folder), "utf8"));
    for (const message of [document.message ?? document].flat()) {
      if (message.op !== "snapshot") continue;
      for (const row of message.vehicles.map(rowReader(message.fields))) {
        assert.equal(typeof row.vehicle, "string", name);
        assert.ok(Number.isFinite(row.lat) && Number.isFinite(row.lon) && row.state in STATES, name);
      }
    }
  }
});

test("a table of every make of column reads as the rows it was made from", { skip: !existsSync(folder) }, () => {
  const { fields, vehicles } = JSON.parse(readFileSync(new URL("table.json", folder), "utf8"));
  const bytes = readFileSync(new URL("table.bin", folder));
  const told = decode(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  assert.deepEqual(told.fields, fields);
  assert.deepEqual(told.vehicles.map((r) => JSON.stringify(r)).sort(), vehicles.map((r) => JSON.stringify(r)).sort());
});

test("a binary message says what its JSON twin says", { skip: !existsSync(folder) }, () => {
  const rows = (moved) => (moved ?? []).map((r) => JSON.stringify(r)).sort();
  const twins = readdirSync(folder).filter((file) => file.endsWith(".bin"));
  assert.ok(twins.length > 0);
  for (const name of twins) {
    const bytes = readFileSync(new URL(name, folder));
    const told = decode(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    const said = JSON.parse(readFileSync(new URL(name.replace(".bin", ".json"), folder), "utf8"));
    assert.deepEqual(rows(told.moved), rows(said.moved), name);
    assert.deepEqual(rows(told.vehicles), rows(said.vehicles), name);
    assert.deepEqual({ ...told, moved: 0, vehicles: 0 }, { ...said, moved: 0, vehicles: 0 }, name);
  }
});
