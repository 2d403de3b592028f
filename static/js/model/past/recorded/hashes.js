// Hashes of bytes. A browser's own are there only where the page came safely (https, or this machine): a static host in
// a house may have neither. Pure.

const K = new Uint32Array(64);
const START = new Uint32Array(8);
for (let n = 2, found = 0; found < 64; n++) {
  let prime = true;
  for (let d = 2; d * d <= n && prime; d++) prime = n % d !== 0;
  if (!prime) continue;
  if (found < 8) START[found] = bits(Math.sqrt(n));
  K[found++] = bits(Math.cbrt(n));
}

/** The first 32 bits behind the point. @param {number} value */
function bits(value) {
  return Math.floor((value - Math.floor(value)) * 2 ** 32);
}

/** @param {Uint8Array} bytes @returns {Promise<Uint8Array>} */
export async function sha256(bytes) {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) return ownSha256(bytes);
  return new Uint8Array(await subtle.digest("SHA-256", /** @type {any} */ (bytes)));
}

/** FIPS 180-4. @param {Uint8Array} bytes */
export function ownSha256(bytes) {
  const state = START.slice();
  const words = new Uint32Array(64);
  const whole = bytes.length - (bytes.length % 64);
  const rest = new Uint8Array(bytes.length % 64 < 56 ? 64 : 128);
  rest.set(bytes.subarray(whole));
  rest[bytes.length % 64] = 0x80;
  const end = new DataView(rest.buffer);
  end.setUint32(rest.length - 8, Math.floor(bytes.length / 2 ** 29));
  end.setUint32(rest.length - 4, bytes.length << 3);
  for (const [part, length] of /** @type {[Uint8Array, number][]} */ ([
    [bytes, whole],
    [rest, rest.length],
  ])) {
    const view = new DataView(part.buffer, part.byteOffset, part.byteLength);
    for (let at = 0; at < length; at += 64) mix(state, words, view, at);
  }
  const out = new Uint8Array(32);
  const view = new DataView(out.buffer);
  for (let i = 0; i < 8; i++) view.setUint32(4 * i, state[i]);
  return out;
}

/** @param {Uint32Array} state @param {Uint32Array} w @param {DataView} view @param {number} at */
function mix(state, w, view, at) {
  const turned = (/** @type {number} */ x, /** @type {number} */ n) => (x >>> n) | (x << (32 - n));
  for (let i = 0; i < 16; i++) w[i] = view.getUint32(at + 4 * i);
  for (let i = 16; i < 64; i++) {
    const a = w[i - 15];
    const b = w[i - 2];
    w[i] =
      w[i - 16] + (turned(a, 7) ^ turned(a, 18) ^ (a >>> 3)) + w[i - 7] + (turned(b, 17) ^ turned(b, 19) ^ (b >>> 10));
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
    const other = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + other) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((value, i) => {
    state[i] += value;
  });
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});
/** @param {Uint8Array} bytes */
export function crc32(bytes) {
  let sum = -1;
  for (const byte of bytes) sum = TABLE[(sum ^ byte) & 255] ^ (sum >>> 8);
  return ~sum >>> 0;
}

/** @param {Uint8Array} bytes */
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
/** @param {string} digits @returns {Uint8Array|null} null: that is no hash */
export const unhex = (digits) =>
  /^[0-9a-f]{64}$/.test(digits)
    ? Uint8Array.from({ length: 32 }, (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16))
    : null;

/** Of a part, and all that came before it.
 * @param {Uint8Array} before @param {string} name @param {Uint8Array} digest */
export function link(before, name, digest) {
  const called = new TextEncoder().encode(name);
  const all = new Uint8Array(64 + called.length);
  all.set(before);
  all.set(called, 32);
  all.set(digest, 32 + called.length);
  return sha256(all);
}
