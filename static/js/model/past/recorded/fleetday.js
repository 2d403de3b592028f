// A fleet day (docs/fleetday.md): its edges, its directory, and the blocks of where vehicles were. A stranger may have
// written it: nothing is believed before it was checked. Pure.

import { crc32, hex, link, sha256, unhex } from "./hashes.js";
import { inflate } from "./inflate.js";
import { Unreadable } from "./unreadable.js";

/**
 * @typedef {object} Part
 * @property {string} name
 * @property {"track"|"details"|"events"|"regions"|"vehicles"} kind
 * @property {number} offset
 * @property {number} bytes
 * @property {number} unpacked
 * @property {string} sha256
 * @property {number} [hour]
 * @property {number} [group]
 * @property {number} [vehicles]
 * @property {number} [rows]
 */
/**
 * @typedef {object} Directory
 * @property {string} day
 * @property {string} zone
 * @property {number} from
 * @property {number} until
 * @property {number} known_until
 * @property {number} vehicles
 * @property {number} fixes
 * @property {Part[]} parts
 * @property {string} chain
 */
/** @typedef {{from: number, until: number, zone: string, bytes: Uint8Array}} Header */

export const EDGE = 64;
export const HOUR = 3_600_000;
export const LARGEST = 64 * 2 ** 20; // bytes of a part, unpacked
const VERSION = 1;
const MOST_PARTS = 200_000;
const MOST_ROWS = 4_000_000;
const MOST_PLANES = 7;
const MAGIC = "FLEETDAY";
const END_MAGIC = "FLEETEND";
const KINDS = ["track", "details", "events", "regions", "vehicles"];
const COLUMNS = ["time", "lat", "lon", "taken"];
const HELD = 2;

const ascii = (/** @type {Uint8Array} */ bytes) => String.fromCharCode(...bytes);
const view = (/** @type {Uint8Array} */ bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Does a file begin like one? @param {Uint8Array} bytes */
export const isDay = (bytes) => ascii(bytes.subarray(0, 8)) === MAGIC;

/** @param {Uint8Array} bytes @returns {Header} */
export function readHeader(bytes) {
  if (bytes.length < EDGE || !isDay(bytes)) throw new Unreadable("other");
  const told = view(bytes);
  const version = told.getUint16(8, true);
  if (version !== VERSION) throw new Unreadable("version", "", { version, ours: VERSION });
  const from = Number(told.getBigInt64(16, true));
  const until = Number(told.getBigInt64(24, true));
  const zone = ascii(bytes.subarray(32, EDGE)).replace(/\0+$/, "");
  const length = until - from;
  if (told.getUint16(10, true) || told.getUint32(12, true) !== HOUR || !zone || !(length > 0 && length <= 26 * HOUR))
    throw new Unreadable("changed", "header");
  return { from, until, zone, bytes };
}

/** @param {Uint8Array} bytes @param {number} size of the file */
export function readFooter(bytes, size) {
  if (bytes.length < EDGE || ascii(bytes.subarray(0, 8)) !== END_MAGIC) throw new Unreadable("cut", "footer");
  const told = view(bytes);
  const checked = bytes.slice();
  checked.fill(0, 12, 16);
  const offset = Number(told.getBigInt64(16, true));
  const length = Number(told.getBigInt64(24, true));
  if (crc32(checked) !== told.getUint32(12, true)) throw new Unreadable("changed", "footer");
  if (offset < EDGE || length < 1 || length > LARGEST || offset + length + EDGE !== size)
    throw new Unreadable("cut", "directory");
  return { offset, length, sha256: bytes.slice(32) };
}

/** @param {Uint8Array} packed @param {ReturnType<typeof readFooter>} footer @param {Header} header
 * @returns {Promise<{directory: Directory, hash: string}>} */
export async function readDirectory(packed, footer, header) {
  if (hex(await sha256(packed)) !== hex(footer.sha256)) throw new Unreadable("changed", "directory");
  /** @type {Directory} */ let directory;
  try {
    directory = JSON.parse(new TextDecoder().decode(await inflate(packed, LARGEST, "directory")));
  } catch {
    throw new Unreadable("changed", "directory");
  }
  const told = directory ?? {};
  if (!Array.isArray(told.parts) || told.parts.length > MOST_PARTS) throw new Unreadable("directory", "directory");
  if (told.from !== header.from || told.until !== header.until || told.zone !== header.zone)
    throw new Unreadable("changed", "header");
  const names = new Set();
  let offset = EDGE;
  let chain = await link(new Uint8Array(32), "header", await sha256(header.bytes));
  for (const part of told.parts) {
    const hash = unhex(String(part?.sha256));
    const name = String(part?.name).slice(0, 80);
    if (!hash || names.has(name) || !KINDS.includes(part.kind) || part.offset !== offset || !fits(part))
      throw new Unreadable("directory", name);
    names.add(name);
    chain = await link(chain, part.name, hash);
    offset += part.bytes;
  }
  if (offset !== footer.offset) throw new Unreadable("directory", "directory");
  if (hex(chain) !== told.chain) throw new Unreadable("changed", "header");
  return { directory, hash: hex(await link(chain, "directory", footer.sha256)) };
}

const whole = (/** @type {any} */ n, /** @type {number} */ most) => Number.isInteger(n) && n >= 0 && n <= most;
/** @param {Part} part */
const fits = ({ bytes, unpacked, hour, group }) =>
  bytes > 0 && whole(bytes, 2 * LARGEST) && whole(unpacked, LARGEST) && whole(hour ?? 0, 26) && whole(group ?? 0, 1e6);

/** What is in a part, once its hash says that it is what was written. @param {Part} part @param {Uint8Array} packed */
export async function content(part, packed) {
  if (packed.length !== part.bytes || hex(await sha256(packed)) !== part.sha256)
    throw new Unreadable("changed", part.name);
  const found = await inflate(packed, part.unpacked, part.name);
  if (found.length !== part.unpacked) throw new Unreadable("changed", part.name);
  return found;
}

/**
 * Where the vehicles of a block were, by their number in the file.
 * @param {Uint8Array} content @param {string} name @param {number} vehicles how many the file has
 * @returns {import("../fixes.js").Moved}
 */
export function readTrack(content, name, vehicles) {
  const wrong = new Unreadable("changed", name);
  /** @type {{vehicles: number[], counts: number[], columns: [string, number, number][]}} */ let head;
  const length = content.length < 4 ? 0 : view(content).getUint32(0, true);
  try {
    head = JSON.parse(new TextDecoder().decode(content.subarray(4, 4 + length)));
  } catch {
    throw wrong;
  }
  const lists = [head?.vehicles, head?.counts, head?.columns, ...(head?.columns ?? [])];
  if (!lists.every(Array.isArray) || head.vehicles.length !== head.counts.length) throw wrong;
  if (!head.vehicles.every((n) => whole(n, vehicles - 1)) || !head.counts.every((n) => whole(n, MOST_ROWS)))
    throw wrong;
  const rows = head.counts.reduce((sum, n) => sum + n, 0);
  if (rows > MOST_ROWS) throw wrong;
  let at = 4 + length;
  /** @type {Record<string, Float64Array>} */ const columns = {};
  for (const [called, planes, first] of head.columns) {
    if (!whole(planes, MOST_PLANES) || !planes || !Number.isSafeInteger(first) || at + planes * rows > content.length)
      throw wrong;
    if (COLUMNS.includes(called)) columns[called] = unpacked(content, at, planes, rows, first);
    at += planes * rows;
  }
  if (at !== content.length || !COLUMNS.every((one) => columns[one])) throw wrong;
  return split(head, columns);
}

/** @param {Uint8Array} bytes @param {number} at @param {number} planes @param {number} rows @param {number} first */
function unpacked(bytes, at, planes, rows, first) {
  const out = new Float64Array(rows);
  let value = first;
  for (let row = 0; row < rows; row++) {
    let zigzag = 0;
    for (let plane = planes - 1; plane >= 0; plane--) zigzag = zigzag * 256 + bytes[at + plane * rows + row];
    value += zigzag % 2 ? -(zigzag + 1) / 2 : zigzag / 2;
    out[row] = value;
  }
  return out;
}

/** Of each vehicle what it was believed. @param {{vehicles: number[], counts: number[]}} head
 * @param {Record<string, Float64Array>} columns */
function split({ vehicles, counts }, { time, lat, lon, taken }) {
  /** @type {import("../fixes.js").Moved} */ const moved = new Map();
  let begin = 0;
  counts.forEach((count, i) => {
    const rows = [];
    for (let row = begin; row < begin + count; row++) if (taken[row] !== HELD && (lat[row] || lon[row])) rows.push(row);
    begin += count;
    moved.set(vehicles[i], {
      time: Float64Array.from(rows, (row) => time[row]),
      lat: Int32Array.from(rows, (row) => lat[row]),
      lon: Int32Array.from(rows, (row) => lon[row]),
    });
  });
  return moved;
}

/** Of one vehicle what several blocks tell of it, in the order of their hours: the fixes at their edges are in two.
 * @param {import("../fixes.js").Fixes[]} some @returns {import("../fixes.js").Fixes} */
export function joined(some) {
  /** @type {[number, number, number][]} */ const rows = [];
  for (const { time, lat, lon } of some)
    time.forEach((at, i) => {
      if (!rows.length || at > rows[rows.length - 1][0]) rows.push([at, lat[i], lon[i]]);
    });
  return {
    time: Float64Array.from(rows, ([time]) => time),
    lat: Int32Array.from(rows, ([, lat]) => lat),
    lon: Int32Array.from(rows, ([, , lon]) => lon),
  };
}
