// Raw deflate, unpacked by the browser, and never to more than was told.

import { Unreadable } from "./unreadable.js";

/** @param {Uint8Array} packed @param {number} most bytes @param {string} name of the part
 * @returns {Promise<Uint8Array>} */
export async function inflate(packed, most, name) {
  /** @type {Uint8Array[]} */ const pieces = [];
  let length = 0;
  try {
    const stream = new Blob([/** @type {any} */ (packed)]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    const reader = stream.getReader();
    for (let { done, value } = await reader.read(); !done && value; { done, value } = await reader.read()) {
      length += value.length;
      if (length > most) {
        reader.cancel().catch(() => {});
        break;
      }
      pieces.push(value);
    }
  } catch {
    length = -1;
  }
  if (length < 0 || length > most) throw new Unreadable("changed", name);
  const out = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** One object a line. @param {Uint8Array} content @param {string} name @returns {any[]} */
export function lines(content, name) {
  try {
    const told = new TextDecoder("utf-8", { fatal: true }).decode(content);
    return told.split("\n").flatMap((line) => (line ? [JSON.parse(line)] : []));
  } catch {
    throw new Unreadable("changed", name);
  }
}
