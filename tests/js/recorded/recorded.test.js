// What is read from a file without a server is what the server's own rule tells: fixtures/recorded says so.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";

globalThis.document ??= /** @type {any} */ ({ baseURI: "http://localhost/fleet/" });
globalThis.location ??= /** @type {any} */ (new URL("http://localhost/fleet/"));
const { DayFile } = await import("../../../static/js/net/recorded/day.js");
const { BundleFile } = await import("../../../static/js/net/recorded/bundle.js");
const { sha256, ownSha256, crc32, hex } = await import("../../../static/js/model/past/recorded/hashes.js");
const { inflate, lines } = await import("../../../static/js/model/past/recorded/inflate.js");
const { Unreadable } = await import("../../../static/js/model/past/recorded/unreadable.js");
const { readTrack } = await import("../../../static/js/model/past/recorded/fleetday.js");
const { isZip } = await import("../../../static/js/model/past/recorded/bundle.js");
const { frame, place, newest } = await import("../../../static/js/model/past/fixes.js");
const { KNOWN } = await import("../../../static/js/model/past/tape.js");
const { addressed, remote, Unreached } = await import("../../../static/js/net/recorded/bytes.js");

const at = (name) => new URL(`../../../fixtures/${name}`, import.meta.url);
const sample = new Uint8Array(await readFile(at("fleetday/sample.fleetday")));
const evidence = new Uint8Array(await readFile(at("recorded/evidence.zip")));
const told = JSON.parse(await readFile(at("recorded/expected.json"), "utf8"));
const HOUR = 3_600_000;
const going = new AbortController().signal;

/** A file of this machine that counts what is read of it. */
function held(file) {
  const reads = [];
  const read = async (offset, length) => {
    reads.push([offset, length]);
    return file.slice(offset, offset + length);
  };
  return { bytes: { name: "a", size: file.length, read }, reads };
}
const day = async (file = sample) => {
  const { bytes, reads } = held(file);
  return { day: await DayFile.open(bytes, file.slice(0, 64)), reads };
};
const flat = (positions) =>
  positions
    .map(({ vehicle, lat, lon, age_s, gap }) => ({
      vehicle,
      lat: Math.round(lat * 1e7),
      lon: Math.round(lon * 1e7),
      age: Math.round(age_s * 1000),
      ...(gap ? { gap } : {}),
    }))
    .sort((a, b) => (a.vehicle < b.vehicle ? -1 : 1));
const sorted = (positions) => positions.toSorted((a, b) => (a.vehicle < b.vehicle ? -1 : 1));

async function asTold(source, { frames, activity }) {
  for (const { time, positions } of frames)
    assert.deepEqual(flat(await source.frame(time, going)), sorted(positions), new Date(time).toISOString());
  for (const [step_s, counts] of Object.entries(activity.steps)) {
    const grid = { from: activity.from, until: activity.until, step_s: Number(step_s) };
    const { known, moving } = await source.activity(grid, null, going);
    assert.deepEqual({ known, moving }, counts, `${step_s} s`);
  }
}

/** Where all are on a tape at its instants, as frames tell them. */
async function taped(source, grid) {
  let last;
  for await (const page of source.tapes(grid, going)) last = page;
  assert.equal(last.more, false);
  const [tape] = last.tapes;
  const count = tape.vehicles.length;
  return Array.from({ length: tape.instants }, (_, k) =>
    tape.vehicles.flatMap(({ vehicle }, v) =>
      tape.known[k * count + v]
        ? [[vehicle, tape.known[k * count + v], tape.lat[k * count + v], tape.lon[k * count + v]]]
        : [],
    ),
  );
}

test("a fleet day shows what the server's rule tells of its fixes, at every instant and over hours", async () => {
  await asTold((await day()).day, told.day);
});

test("a bundle shows what the server's rule tells of its messages", async () => {
  await asTold(await BundleFile.open("e", evidence), told.bundle);
});

test("a tape of a file has at each instant what a frame has", async () => {
  const { day: file } = await day();
  const bundle = await BundleFile.open("e", evidence);
  for (const [source, from] of [
    [file, file.span.from + 7 * HOUR],
    [bundle, bundle.span.from],
  ]) {
    const grid = { from, until: from + 15 * 60_000, step_s: 17 };
    const instants = await taped(source, grid);
    for (const [k, found] of instants.entries()) {
      const exact = await source.frame(grid.from + k * 17_000, going);
      const frames = exact.map((one) => [
        one.vehicle,
        one.gap ? KNOWN.gap : KNOWN.between,
        Math.round(one.lat * 1e7),
        Math.round(one.lon * 1e7),
      ]);
      assert.deepEqual(found, frames);
    }
  }
});

test("the rule is that of fixtures/tape, over the antimeridian too", async () => {
  const golden = JSON.parse(await readFile(at("tape/tape.json"), "utf8"));
  const moved = new Map(
    golden.vehicles.map(({ fixes }, n) => [
      n,
      {
        time: Float64Array.from(fixes, ([time]) => time),
        lat: Int32Array.from(fixes, ([, lat]) => Math.round(lat * 1e7)),
        lon: Int32Array.from(fixes, ([, , lon]) => Math.round(lon * 1e7)),
      },
    ]),
  );
  for (const { time, positions } of golden.frames) {
    const found = frame(golden.vehicles, moved, time).map(({ speed, ...one }) => one);
    assert.deepEqual(sorted(found), sorted(positions));
  }
  const { time } = moved.get(0);
  assert.equal(place(moved.get(0), newest(time, time[0] - 1), 0, {}), KNOWN.nothing);
});

test("an hour is shown from its own blocks, and no more of the file is read", async () => {
  const { day: file, reads } = await day();
  const from = file.span.from + 9 * HOUR;
  const grid = { from, until: from + HOUR, step_s: 30 };
  await taped(file, { ...grid, until: grid.until + 30_000 });
  await file.activity(grid, null, going);
  await file.frame(from + 1000, going);
  await taped(file, { from: from - 5 * 60_000, until: from + 15 * 60_000, step_s: 5 });
  const blocks = file.parts.filter((part) => reads.some(([offset]) => offset === part.offset));
  assert.deepEqual(
    blocks.map(({ name }) => name).sort(),
    file.parts
      .filter(({ kind, hour }) => kind === "vehicles" || (kind === "track" && hour === 9))
      .map(({ name }) => name)
      .sort(),
  );
  assert.equal(new Set(reads.map(String)).size, reads.length, "nothing twice");
});

test("events, regions of then and tracks are in a file", async () => {
  const { day: file } = await day();
  const events = await file.events(file.span, null);
  assert.deepEqual(
    events.events.map(({ event }) => event.id),
    ["e-enter", "e-exit"],
  );
  assert.equal((await file.events(file.span, "van-002")).events.length, 0);
  const versions = await file.versions(file.span);
  assert.deepEqual(
    versions.map(({ id, until }) => [id, until && until - file.span.from]),
    [
      ["yard", 9 * HOUR],
      ["yard", null],
    ],
  );
  const seven = file.span.from + 7 * HOUR;
  const track = await file.fixes("van-002", { from: seven, until: seven + 2 * HOUR });
  assert.equal(track.length, 120 - 2, "but for a jump, and a fix without a place");
  assert.deepEqual(await file.fixes("nobody", file.span), []);

  const bundle = await BundleFile.open("e", evidence);
  assert.deepEqual(
    (await bundle.events(bundle.span, "van-2")).events.map(({ event }) => event.kind),
    ["exit", "exit", "heard"],
  );
  const held = await bundle.versions({ from: bundle.span.from + 7 * 60_000, until: bundle.span.from + 8 * 60_000 });
  assert.deepEqual(
    held.map(({ id, until }) => [id, until - bundle.span.from]),
    [["yard", 600_000]],
    "what was deleted is gone",
  );
  assert.equal((await bundle.fixes("van-1", bundle.span)).length, 15);
});

test("a changed byte of a block is told with its name, once, and all others are shown", async () => {
  const { day: whole } = await day();
  const part = whole.parts.find(({ kind, hour }) => kind === "track" && hour === 8);
  const damaged = sample.slice();
  damaged[part.offset + 9] ^= 1;
  const { day: file, reads } = await day(damaged);
  const names = [];
  file.wrong.on((name) => names.push(name));
  assert.deepEqual(await file.frame(file.span.from + 8.5 * HOUR), []);
  assert.deepEqual(names, [part.name]);
  await file.frame(file.span.from + 8.6 * HOUR);
  assert.equal(reads.filter(([offset]) => offset === part.offset).length, 1);
  assert.ok((await file.frame(file.span.from + 9.5 * HOUR)).length);
});

test("whichever byte of its edges, directory or vehicles is another, a day is not opened, in a sentence", async () => {
  const { day: whole } = await day();
  const vehicles = whole.parts.find(({ kind }) => kind === "vehicles");
  const last = whole.parts.at(-1);
  const places = [
    0,
    9,
    20,
    40,
    vehicles.offset + 3,
    last.offset + last.bytes + 5,
    ...Array.from({ length: 64 }, (_, n) => sample.length - 1 - n),
  ];
  for (const place of places) {
    const damaged = sample.slice();
    damaged[place] ^= 4;
    await assert.rejects(
      day(damaged),
      (fault) => fault.constructor.name === "Unreadable" && fault.message.endsWith("."),
      `${place}`,
    );
  }
  await assert.rejects(day(sample.slice(0, -100)), /cut short/);
  await assert.rejects(day(new Uint8Array(500)), /no fleet day/);
  const newer = sample.slice();
  newer[8] = 2;
  await assert.rejects(day(newer), /version 2 .* reads version 1/);
});

test("whichever byte of a bundle is another, it is not opened, and what it is of is named", async () => {
  const opened = await BundleFile.open("e", evidence);
  assert.equal(opened.hash, "2dea6134fe7708ea426734c73ba88c01b70b34edf24018816472fa1fc4dc5f5c");
  const names = new Set();
  for (let place = 0; place < evidence.length; place += place < 60 || place > evidence.length - 640 ? 1 : 7) {
    const damaged = evidence.slice();
    damaged[place] ^= 0x21;
    await assert.rejects(BundleFile.open("e", damaged), (fault) => {
      assert.equal(fault.constructor.name, "Unreadable", `${place}: ${fault.stack}`);
      names.add(fault.part);
      return true;
    });
  }
  for (const name of ["manifest", "settings", "register", "regions", "deeds", "pings", "events", "chain"])
    assert.ok(
      [...names].some((one) => one.startsWith(name)),
      name,
    );
  await assert.rejects(BundleFile.open("e", evidence.slice(0, -3)), /cut short/);
  await assert.rejects(BundleFile.open("e", new Uint8Array(3)), /no evidence bundle/);
});

test("hashes are those everybody else computes, with and without the browser's own", async () => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000]) {
    const bytes = Uint8Array.from({ length }, (_, n) => (n * 7) & 255);
    const right = createHash("sha256").update(bytes).digest("hex");
    assert.equal(hex(ownSha256(bytes)), right);
    assert.equal(hex(await sha256(bytes)), right);
  }
  assert.equal(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
});

test("nothing is unpacked beyond what was told, and what a stranger packs costs a sentence", async () => {
  assert.ok(isZip(evidence) && !isZip(sample));
  const bomb = new Uint8Array(deflateRawSync(new Uint8Array(5_000_000)));
  await assert.rejects(inflate(bomb, 1000, "events 08.0"), /events 08.0 was changed/);
  assert.equal((await inflate(bomb, 5_000_000, "a")).length, 5_000_000);
  await assert.rejects(inflate(bomb.slice(0, -9), 5_000_000, "a"), Unreadable);
  await assert.rejects(inflate(new Uint8Array(0), 9, "a"), Unreadable);
  assert.throws(() => lines(new Uint8Array([0xff, 10]), "events"), Unreadable);
  const heads = [
    "",
    "{}",
    "null",
    "[]",
    '{"vehicles":[0],"counts":[1],"columns":[null]}',
    '{"vehicles":[0],"counts":[-1],"columns":[]}',
    '{"vehicles":[9],"counts":[0],"columns":[]}',
    '{"vehicles":[0],"counts":[9e9],"columns":[["time",1,0]]}',
    '{"vehicles":[0],"counts":[0],"columns":[["time",1,0]]}',
    '{"vehicles":[0],"counts":[0],"columns":[["time",0,0]]}',
    '{"vehicles":[],"counts":[],"columns":[["time",1,1e300]]}',
  ];
  for (const head of heads) {
    const words = new TextEncoder().encode(head);
    const block = new Uint8Array(4 + words.length);
    block[0] = words.length;
    block.set(words, 4);
    assert.throws(() => readTrack(block, "track 09.0", 3), Unreadable, head);
  }
  assert.throws(() => readTrack(new Uint8Array(2), "track 09.0", 3), Unreadable);
});

/** A host that answers so. */
async function from(answer) {
  globalThis.fetch = async () => answer();
  return remote(addressed("days/one.fleetday"), 64).then(
    () => "",
    (fault) => (fault instanceof Unreached ? fault.why : fault.stack),
  );
}

test("what a host does not do is said, and a file without ranges is not fetched whole", async () => {
  let left = false;
  const stream = () => new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(9)), cancel: () => (left = true) });
  assert.equal(await from(() => new Response(stream(), { status: 200 })), "ranges");
  assert.ok(left);
  assert.equal(await from(() => new Response("", { status: 404 })), "missing");
  assert.equal(await from(() => new Response("", { status: 503 })), "status");
  assert.equal(await from(() => Promise.reject(new TypeError("network"))), "away");
  const cut = () => new ReadableStream({ pull: (to) => to.error(new TypeError("cut")) });
  const headers = { "content-range": "bytes 0-63/1000" };
  assert.equal(await from(() => new Response(cut(), { status: 206, headers })), "short");
  assert.equal(
    await from(() => new Response("x", { status: 206, headers: { "content-range": "bytes 9-63/1000" } })),
    "ranges",
  );
  assert.throws(() => addressed("javascript:alert(1)"), /no web address/);
});
