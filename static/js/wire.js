// Every message between page and server: the mirror of tracker/live/messages.py. No DOM, no socket.

export const SUBPROTOCOLS = ["tracker.v1.bin", "tracker.v1.json"];
/** Index = the `state` number on the wire. */
export const STATES = /** @type {const} */ (["unknown", "moving", "idle", "parked", "offline"]);
/** @typedef {typeof STATES[number]} State */

/** Close codes that say: do not come back. @param {number} code */
export const isFinal = (code) => (code >= 4500 && code <= 4999) || code === 1009;

/** Whoever was signed in is not any more. */
export const SIGNED_OUT = 4502;

/**
 * One vehicle as a snapshot or `new` row tells it; times are ms since `t0`, -1 or null unknown.
 * @typedef {object} Row
 * @property {number} n
 * @property {string} vehicle
 * @property {string|null} name
 * @property {number} when
 * @property {number} lat
 * @property {number} lon
 * @property {number} speed m/s, -1 unknown
 * @property {number} heading
 * @property {number} state
 * @property {number|null} heard
 * @property {number|null} since
 * @property {string|null} group
 * @property {string|null} kind
 * @property {number} accuracy metres, -1 unknown
 * @property {any} held
 * @property {string|null} plate
 */

const DEFAULT_FIELDS = [
  "n",
  "vehicle",
  "name",
  "when",
  "lat_e6",
  "lon_e6",
  "speed_dmps",
  "heading",
  "state",
  "heard",
  "since",
  "group",
  "kind",
  "accuracy_dm",
  "held",
  "plate",
];

/** Reads snapshot rows by the names the server said they have, so it may add columns.
 * @param {string[]} [fields] @returns {(row: any[]) => Row} */
export function rowReader(fields = DEFAULT_FIELDS) {
  const at = Object.fromEntries(fields.map((name, i) => [name, i]));
  const pick = (/** @type {any[]} */ row, /** @type {string} */ name, /** @type {any} */ missing) =>
    name in at ? (row[at[name]] ?? missing) : missing;
  return (row) => {
    const speed = pick(row, "speed_dmps", -1);
    const accuracy = pick(row, "accuracy_dm", -1);
    const heard = pick(row, "heard", -1);
    const since = pick(row, "since", -1);
    return {
      n: row[at.n],
      vehicle: row[at.vehicle],
      name: pick(row, "name", null),
      when: row[at.when],
      lat: row[at.lat_e6] / 1e6,
      lon: row[at.lon_e6] / 1e6,
      speed: speed < 0 ? -1 : speed / 10,
      heading: pick(row, "heading", -1),
      state: pick(row, "state", 0),
      heard: heard === -1 ? null : heard,
      since: since === -1 ? null : since,
      group: pick(row, "group", null),
      kind: pick(row, "kind", null),
      accuracy: accuracy < 0 ? -1 : accuracy / 10,
      held: pick(row, "held", null),
      plate: pick(row, "plate", null),
    };
  };
}

/** What this page asks to follow: everything it may see, or chosen regions, with chosen vehicles always included.
 * @param {{regions: string[]|null, vehicles?: string[], resume?: string|null, hz?: number|null}} wish */
export function follow(wish) {
  /** @type {Record<string, any>} */
  const message = { op: "follow", events: true, window: 2, max_vehicles: 50_000, counts: true };
  if (wish.regions === null) message.all = true;
  else message.regions = wish.regions;
  if (wish.vehicles?.length) message.vehicles = wish.vehicles;
  if (wish.hz) message.hz = wish.hz;
  if (wish.resume) message.resume = wish.resume;
  return message;
}

const ascii = new TextDecoder("ascii");
const utf8 = new TextDecoder();

/**
 * One message off the socket. Text is JSON; binary is the same with vehicles as columns (docs/wire.md).
 * @param {string|ArrayBuffer} data
 * @returns {any}
 */
export function decode(data) {
  if (typeof data === "string") return JSON.parse(data);
  const view = new DataView(data);
  if (view.getUint8(0) === 2) return snapshot(view);
  if (view.getUint8(0) !== 1) throw new RangeError(`unknown binary message ${view.getUint8(0)}`);
  const size = view.getUint8(1);
  const frame = view.getUint32(2, true);
  const length = view.getUint32(6, true);
  const start = 10 + size;
  const message = {
    op: "update",
    frame,
    cursor: ascii.decode(new Uint8Array(data, 10, size)),
    ...(length ? JSON.parse(utf8.decode(new Uint8Array(data, start, length))) : {}),
  };
  const moved = unpack(view, start + length);
  if (moved.length) message.moved = moved;
  return message;
}

/**
 * A snapshot: what a JSON one says, its vehicles as a table (tracker/live/tables.py).
 * @param {DataView} view
 * @returns {any}
 */
function snapshot(view) {
  const size = view.getUint8(1);
  const count = view.getUint32(2, true);
  const length = view.getUint32(6, true);
  const start = 10 + size;
  const { columns, ...rest } = JSON.parse(utf8.decode(new Uint8Array(view.buffer, start, length)));
  const message = { op: "snapshot", cursor: ascii.decode(new Uint8Array(view.buffer, 10, size)), ...rest };
  let at = start + length;
  /** @type {Record<string, any[]>} */ const told = {};
  const counted = Object.keys(columns).filter((name) => "digits" in columns[name]);
  for (const name of ["heard", "since", "accuracy_dm", ...counted]) {
    const width = view.getUint8(at);
    const base = view.getFloat64(at + 1, true);
    const bytes = 1 << width;
    told[name] = Array.from({ length: count }, (_, i) => {
      const value = read(view, at + 9 + i * bytes, width);
      return value ? base + value - 1 : null;
    });
    at += 9 + count * bytes;
  }
  const packed = unpack(view, at);
  for (const [i, name] of ["n", "when", "lat_e6", "lon_e6", "speed_dmps", "heading", "state"].entries())
    told[name] = packed.map((row) => row[i]);
  for (let i = 0; i < count; i++) {
    if (told.heard[i] !== null) told.heard[i] += told.when[i];
    if (told.since[i] !== null) told.since[i] = told.when[i] - told.since[i];
  }
  for (const [name, texts] of Object.entries(columns)) told[name] = list(/** @type {any} */ (texts), told[name], count);
  const all = message.fields.map((/** @type {string} */ name) => told[name]);
  message.vehicles = packed.map((_, i) => all.map((/** @type {any[]|undefined} */ column) => column?.[i] ?? null));
  return message;
}

/**
 * A column of texts.
 * @param {{list?: any[], of?: any[], at?: string, prefix?: string, rest?: string, digits?: number}} told
 * @param {(number|null)[]} numbers
 * @param {number} count
 * @returns {any[]}
 */
function list({ list, of, at, prefix, rest, digits }, numbers, count) {
  if (list) return list;
  if (digits !== undefined) return numbers.map((n) => (n === null ? null : prefix + String(n).padStart(digits, "0")));
  if (of && at === undefined) return new Array(count).fill(of[0]);
  if (of) return Array.from(String(at), (digit) => of[parseInt(digit, 36)]);
  return String(rest)
    .split("\x7f")
    .map((one) => (one === "\x01" ? null : prefix + one));
}

/** @param {DataView} view @param {number} at @param {number} width 0…3: 1, 2, 4, 8 bytes */
function read(view, at, width) {
  return width === 0
    ? view.getUint8(at)
    : width === 1
      ? view.getUint16(at, true)
      : width === 2
        ? view.getUint32(at, true)
        : Number(view.getBigUint64(at, true));
}

/**
 * The rows of every block of columns; the layout is told in tracker/live/columns.py.
 * @param {DataView} view
 * @param {number} at
 * @returns {number[][]}
 */
export function unpack(view, at) {
  /** @type {number[][]} */
  const out = [];
  while (at < view.byteLength) {
    const widths = view.getUint8(at);
    const rows = view.getUint16(at + 2, true);
    const boxes = view.getUint16(at + 4, true);
    const n0 = view.getUint32(at + 6, true);
    const when0 = view.getFloat64(at + 10, true);
    const nWidth = widths & 3;
    const whenWidth = (widths >> 2) & 3;
    let box = at + 18;
    let left = boxes ? view.getUint16(box + 4, true) : 0;
    const n = box + 6 * boxes;
    const when = n + (rows << nWidth);
    const lat = when + (rows << whenWidth);
    const lon = lat + 2 * rows;
    const mixed = lon + 2 * rows;
    const low = mixed + 2 * rows;
    for (let i = 0; i < rows; i++) {
      while (left === 0) {
        box += 6;
        left = view.getUint16(box + 4, true);
      }
      left--;
      const m = view.getUint16(mixed + 2 * i, true);
      const speed = ((m >> 12) << 8) | view.getUint8(low + i);
      out.push([
        n0 + read(view, n + (i << nWidth), nWidth),
        when0 + read(view, when + (i << whenWidth), whenWidth),
        (view.getInt16(box, true) << 16) + view.getUint16(lat + 2 * i, true),
        (view.getInt16(box + 2, true) << 16) + view.getUint16(lon + 2 * i, true),
        speed === 4095 ? -1 : speed,
        (m & 511) - 1,
        (m >> 9) & 7,
      ]);
    }
    at = low + rows;
  }
  return out;
}

/** RFC 3339 ↔ ms. @param {string|number|null|undefined} time */
export const ms = (time) => (time == null ? NaN : typeof time === "number" ? time : Date.parse(time));
