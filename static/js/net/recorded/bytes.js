// Bytes of a file, some at a time: on a host that answers ranges, or on this machine.

import { say } from "../../words/words.js";

/** @typedef {{name: string, size: number, read: (offset: number, length: number) => Promise<Uint8Array>}} Bytes */

/** The host does not give it: why, and what to do. */
export class Unreached extends Error {
  /** @param {"away"|"missing"|"status"|"ranges"|"foreign"|"short"|"address"} why
   * @param {Record<string, string>} [places] */
  constructor(why, places) {
    super(say(`file.host.${why}`, places));
    this.why = why;
  }
}

/** Where a link leads, seen from this page. @param {string} address @returns {URL} */
export function addressed(address) {
  let url;
  try {
    url = new URL(address, document.baseURI);
  } catch {
    throw new Unreached("address", { url: address.slice(0, 200) });
  }
  if (!["http:", "https:"].includes(url.protocol)) throw new Unreached("address", { url: address.slice(0, 200) });
  return url;
}

/** What a host is asked for and does not answer well. @param {URL} url @param {RequestInit} how */
async function asked(url, how) {
  let answer;
  try {
    answer = await fetch(url, { credentials: "same-origin", ...how });
  } catch {
    throw new Unreached(url.origin === location.origin ? "away" : "foreign", { host: url.host });
  }
  if (answer.ok) return answer;
  answer.body?.cancel().catch(() => {});
  if ([404, 410].includes(answer.status)) throw new Unreached("missing", { url: url.href });
  throw new Unreached("status", { host: url.host, status: String(answer.status) });
}

/** @param {Response} answer */
async function body(answer) {
  try {
    return new Uint8Array(await answer.arrayBuffer());
  } catch {
    throw new Unreached("short"); // it was cut
  }
}

/** @param {URL} url @param {number} offset @param {number} length */
async function range(url, offset, length) {
  const headers = { range: `bytes=${offset}-${offset + length - 1}` };
  const answer = await asked(url, { headers, cache: "no-store" });
  const told = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.headers.get("content-range") ?? "");
  if (answer.status !== 206 || !told || Number(told[1]) !== offset) {
    answer.body?.cancel().catch(() => {}); // all of it would come
    throw new Unreached("ranges", { host: url.host });
  }
  return { size: Number(told[2]), bytes: await body(answer) };
}

/** On a host. What is read first is asked for first: it says how long the file is.
 * @param {URL} url @param {number} first
 * @returns {Promise<{bytes: Bytes, begin: Uint8Array}>} */
export async function remote(url, first) {
  const { size, bytes: begin } = await range(url, 0, first);
  const read = async (/** @type {number} */ offset, /** @type {number} */ length) => {
    const { bytes } = await range(url, offset, length);
    if (bytes.length !== length) throw new Unreached("short");
    return bytes;
  };
  return { bytes: { name: named(url), size, read }, begin };
}

/** All of it. @param {URL} url @param {number} most */
export async function whole(url, most) {
  const answer = await asked(url, {});
  if (Number(answer.headers.get("content-length")) > most) {
    answer.body?.cancel().catch(() => {});
    return null;
  }
  return body(answer);
}

/** @param {File} file @returns {Bytes} */
export const local = (file) => ({
  name: file.name,
  size: file.size,
  read: async (offset, length) => {
    try {
      return new Uint8Array(await file.slice(offset, offset + length).arrayBuffer());
    } catch {
      throw new Unreached("short"); // it was changed or taken away meanwhile
    }
  },
});

/** @param {URL} url */
export const named = (url) => decodeURIComponent(url.pathname.split("/").pop() || url.host);
