// An evidence bundle (docs/replay.md): a zip of which every byte is accounted for, by the same rules as
// tracker/bundles/archive.py, which made it. What differs has a name. Pure.

import { crc32, hex, link, sha256 } from "./hashes.js";
import { inflate } from "./inflate.js";
import { Unreadable } from "./unreadable.js";

/** @typedef {{name: string, bytes: number, sha256: string, packed_bytes: number, packed_sha256: string, hash: string}}
 *   Link */
/** @typedef {{name: string, at: number, bytes: Uint8Array}} Member  `at`: where its own header is */

const CHAIN = "chain.json";
const NAMES = [
  ...["manifest.json", "settings.ndjson", "register.json", "regions.ndjson", "deeds.ndjson", "pings.ndjson"],
  ...["events.ndjson", CHAIN],
];
const DIRECTORY = "zip";
export const LARGEST = 256 * 2 ** 20; // bytes of all members, unpacked
const [LOCAL, CENTRAL, END] = [30, 46, 22];
const [STORED, DEFLATED] = [0, 8];
const OLDEST = 0x21; // 1 January 1980: a zip knows no earlier day, and ours says none
const SEAL = /^,"seal":"([0-9a-f]{64})"\}\n$/;
const SEAL_BYTES = 76;

const ascii = (/** @type {Uint8Array} */ bytes) => String.fromCharCode(...bytes);
const view = (/** @type {Uint8Array} */ bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const utf8 = new TextDecoder();

/** Does a file begin like one? @param {Uint8Array} bytes */
export const isZip = (bytes) => ascii(bytes.subarray(0, 4)) === "PK\x03\x04";

/**
 * Its members, once every byte of it was checked.
 * @param {Uint8Array} file @returns {Promise<{contents: Record<string, Uint8Array>, hash: string}>}
 */
export async function open(file) {
  const members = parts(file);
  const packedChain = members[members.length - 1].bytes;
  const chain = await readChain(packedChain);
  if (chain.reduce((sum, one) => sum + one.bytes, 0) > LARGEST) throw new Unreadable("large");
  /** @type {Record<string, Uint8Array>} */ const contents = {};
  /** @type {Uint8Array} */ let last = new Uint8Array(32);
  for (const [i, one] of chain.entries()) {
    const packed = members[i].bytes;
    const fits = packed.length === one.packed_bytes && hex(await sha256(packed)) === one.packed_sha256;
    if (!fits) throw new Unreadable("changed", one.name);
    const content = await inflate(packed, one.bytes, one.name);
    const digest = await sha256(content);
    if (hex(digest) !== one.sha256) throw new Unreadable("changed", one.name);
    last = await link(last, one.name, digest);
    if (hex(last) !== one.hash || content.length !== one.bytes) throw new Unreadable("changed", CHAIN);
    contents[one.name] = content;
  }
  framed(file, members, { ...contents, [CHAIN]: packedChain });
  return { contents, hash: hex(last) };
}

/** @param {Uint8Array} file @returns {Promise<Link[]>} */
async function readChain(file) {
  const wrong = new Unreadable("changed", CHAIN);
  if (file.length > 65_536 || file.length < SEAL_BYTES) throw wrong;
  const body = file.subarray(0, -SEAL_BYTES);
  const seal = SEAL.exec(utf8.decode(file.subarray(-SEAL_BYTES)));
  if (seal?.[1] !== hex(await sha256(body))) throw wrong;
  /** @type {{members: Link[], hash: string, version?: number}} */ let told;
  try {
    told = JSON.parse(`${utf8.decode(body)}}`);
  } catch {
    throw wrong;
  }
  const version = told.version ?? 1;
  if (version !== 1) throw new Unreadable("version", CHAIN, { version: String(version).slice(0, 20), ours: 1 });
  const { members } = told;
  const fits = Array.isArray(members) && members.map((one) => one?.name).join() === NAMES.slice(0, -1).join();
  if (!fits || !members.every(({ bytes }) => Number.isInteger(bytes) && bytes >= 0)) throw wrong;
  if (told.hash !== members[members.length - 1].hash) throw wrong;
  return members;
}

/** What is packed of each member, where the zip says it is. Nothing is unpacked yet. @param {Uint8Array} file
 * @returns {Member[]} */
function parts(file) {
  if (!isZip(file)) throw new Unreadable("other");
  const told = view(file);
  const end = file.length - END;
  if (end < 0 || ascii(file.subarray(end, end + 4)) !== "PK\x05\x06") throw new Unreadable("cut", DIRECTORY);
  const [size, begin] = [told.getUint32(end + 12, true), told.getUint32(end + 16, true)];
  if (begin + size !== end || told.getUint16(end + 20, true)) throw new Unreadable("cut", DIRECTORY);
  /** @type {Member[]} */ const members = [];
  let at = begin;
  let offset = 0;
  for (const name of NAMES) {
    if (at + CENTRAL + name.length > end || ascii(file.subarray(at, at + 4)) !== "PK\x01\x02")
      throw members.length ? new Unreadable("changed", name) : new Unreadable("other");
    const called = utf8.decode(file.subarray(at + CENTRAL, at + CENTRAL + told.getUint16(at + 28, true)));
    if (called !== name) throw new Unreadable(NAMES.includes(called) || members.length ? "changed" : "other", name);
    const head = LOCAL + name.length;
    const length = told.getUint32(at + 20, true);
    if (offset + head + length > begin) throw new Unreadable("changed", name);
    members.push({ name, at: offset, bytes: file.subarray(offset + head, offset + head + length) });
    offset += head + length;
    at += CENTRAL + name.length;
  }
  if (offset !== begin || at !== end) throw new Unreadable("changed", DIRECTORY);
  return members;
}

/** The zip's own bytes follow from its members. @param {Uint8Array} file @param {Member[]} members
 * @param {Record<string, Uint8Array>} contents */
function framed(file, members, contents) {
  const last = members[members.length - 1];
  const begin = last.at + LOCAL + last.name.length + last.bytes.length;
  let at = begin;
  for (const { name, at: offset, bytes } of members) {
    const content = contents[name];
    const common = new Uint8Array(26);
    const told = view(common);
    told.setUint16(0, 20, true);
    told.setUint16(4, name === CHAIN ? STORED : DEFLATED, true);
    told.setUint16(8, OLDEST, true);
    told.setUint32(10, crc32(content), true);
    told.setUint32(14, bytes.length, true);
    told.setUint32(18, content.length, true);
    told.setUint16(22, name.length, true);
    const called = new TextEncoder().encode(name);
    const local = joined([0x50, 0x4b, 3, 4], common, called);
    const place = new Uint8Array(14);
    view(place).setUint32(6, 0o100644 * 65_536, true);
    view(place).setUint32(10, offset, true);
    const central = joined([0x50, 0x4b, 1, 2, 20, 3], common, place, called);
    if (!same(file, offset, local) || !same(file, at, central)) throw new Unreadable("changed", name);
    at += central.length;
  }
  const end = new Uint8Array(18);
  view(end).setUint16(4, members.length, true);
  view(end).setUint16(6, members.length, true);
  view(end).setUint32(8, at - begin, true);
  view(end).setUint32(12, begin, true);
  if (!same(file, at, joined([0x50, 0x4b, 5, 6], end))) throw new Unreadable("changed", DIRECTORY);
}

/** @param {ArrayLike<number>[]} pieces */
function joined(...pieces) {
  const out = new Uint8Array(pieces.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** @param {Uint8Array} file @param {number} at @param {Uint8Array} bytes */
const same = (file, at, bytes) => bytes.every((byte, i) => file[at + i] === byte);
