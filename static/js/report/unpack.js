// What tracker/reports/payload.py packed: JSON, and the columns of all tracks one after the other.

import { worldX, worldY } from "../geo.js";

/** @typedef {[number, number, number, number, number[]]} PackedStop  from, until (s), lat, lon (1e-5°), regions */
/** @typedef {[number, number, number, number|null, number|null, number|null, number|null]} PackedEvent
 *   vehicle, kind, s, lat, lon, region, lasted s */
/**
 * @typedef {object} Summary
 * @property {number} [distance_m]
 * @property {number} [driving_s]
 * @property {number} [idle_s]
 * @property {number} [stopped_s]
 * @property {number|null} [max_mps]
 * @property {{region: string, duration_s: number, visits: number}[]} [regions]
 */
/**
 * @typedef {object} Vehicle
 * @property {string} id
 * @property {string|null} name
 * @property {string|null} group
 * @property {number} points
 * @property {PackedStop[]} stops
 * @property {Summary|null} summary
 * @property {{what: string, from: number, until: number, by: string, at: number, why: string}[]} [corrections] at: ms
 */
/**
 * @typedef {{id: string, name?: string, color?: string, geometry?: any, radius_m?: number, buffer_m?: number}} Region
 */
/** @typedef {{steps: number, coarse: number[][], box?: number[], fine_steps?: number, fine?: number[][]}} Land */
/**
 * @typedef {object} Head
 * @property {number} version
 * @property {number} since
 * @property {number} until
 * @property {number} made_at
 * @property {string|null} zone
 * @property {"metric"|"imperial"|"nautical"} units
 * @property {string} about
 * @property {boolean} demo
 * @property {number} fixes
 * @property {number} points
 * @property {number} tolerance_m
 * @property {number} left_out
 * @property {Region[]} regions
 * @property {string[]} kinds
 * @property {Vehicle[]} vehicles
 * @property {PackedEvent[]} events
 * @property {Land} land
 */
/**
 * @typedef {object} Tracks  of all vehicles one after the other: places, times, and how fast it came there
 * @property {Float64Array} x world
 * @property {Float64Array} y
 * @property {Int32Array} time s since the range begins
 * @property {Float32Array} speed m/s; -1: nothing was heard on the way, or there was none
 * @property {number[]} begins  of each vehicle, and the end
 */

/** @param {string} text base64 of deflated bytes */
export async function unpack(text) {
  const raw = atob(text.trim());
  const packed = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) packed[i] = raw.charCodeAt(i);
  const { readable, writable } = new DecompressionStream("deflate");
  const whole = new Response(readable).arrayBuffer(); // a blob's stream would go through another process
  const into = writable.getWriter();
  await Promise.all([into.write(packed), into.close()]);
  return read(await whole);
}

/** @param {ArrayBuffer} buffer @returns {{head: Head, tracks: Tracks}} */
export function read(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  /** @type {Head} */ const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const begins = [0];
  for (const { points } of head.vehicles) begins.push(begins[begins.length - 1] + points);
  const [lat, lon, time, unheard] = [0, 1, 2, 3].map((column) =>
    summed(new Uint8Array(buffer, 4 + length + 4 * column * head.points, 4 * head.points), begins),
  );
  const x = new Float64Array(head.points);
  const y = new Float64Array(head.points);
  for (let i = 0; i < head.points; i++) {
    x[i] = worldX(lon[i] / 1e5);
    y[i] = worldY(lat[i] / 1e5);
  }
  return { head, tracks: { x, y, time, speed: speeds(lat, lon, time, unheard, begins), begins } };
}

/** @param {Uint8Array} planes @param {number[]} begins */
function summed(planes, begins) {
  const count = planes.length / 4;
  const out = new Int32Array(count);
  for (let vehicle = 0; vehicle + 1 < begins.length; vehicle++) {
    let sum = 0;
    for (let i = begins[vehicle]; i < begins[vehicle + 1]; i++) {
      const zigzag =
        planes[i] + planes[count + i] * 256 + planes[2 * count + i] * 65536 + planes[3 * count + i] * 16777216;
      sum += zigzag % 2 ? -(zigzag + 1) / 2 : zigzag / 2;
      out[i] = sum;
    }
  }
  return out;
}

/**
 * Between two points of a line: the line is kept where it was at the time, so this is how fast it was driven.
 * @param {Int32Array} lat @param {Int32Array} lon @param {Int32Array} time @param {Int32Array} silent
 * @param {number[]} begins
 */
function speeds(lat, lon, time, silent, begins) {
  const out = new Float32Array(lat.length).fill(-1);
  const first = new Set(begins);
  for (let i = 1; i < lat.length; i++) {
    if (first.has(i) || silent[i]) continue;
    const north = (lat[i] - lat[i - 1]) * 1.1119;
    const east = (lon[i] - lon[i - 1]) * 1.1119 * Math.cos((lat[i] / 1e5) * (Math.PI / 180));
    out[i] = Math.hypot(north, east) / Math.max(1, time[i] - time[i - 1]);
  }
  return out;
}

/**
 * Where a vehicle was at a time, world; null before its first fix and after its last.
 * @param {Tracks} tracks @param {number} vehicle @param {number} second
 * @returns {{x: number, y: number, speed: number}|null}
 */
export function at({ x, y, time, speed, begins }, vehicle, second) {
  const first = begins[vehicle];
  const end = begins[vehicle + 1];
  if (first === end || second < time[first] || second > time[end - 1]) return null;
  const i = before(time, first, end, second);
  if (i + 1 >= end) return { x: x[i], y: y[i], speed: 0 };
  if (speed[i + 1] < 0) return { x: x[i], y: y[i], speed: -1 };
  const share = (second - time[i]) / Math.max(1, time[i + 1] - time[i]);
  return { x: x[i] + (x[i + 1] - x[i]) * share, y: y[i] + (y[i + 1] - y[i]) * share, speed: speed[i + 1] };
}

/** The last place in [first, end) whose value is at most that; there is one.
 * @param {Int32Array} values @param {number} first @param {number} end @param {number} most */
export function before(values, first, end, most) {
  let low = first;
  let high = end - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (values[middle] <= most) low = middle;
    else high = middle - 1;
  }
  return low;
}
