// The HTTP side. Every failure becomes one ApiError with the server's own words, or with the page's where they are in
// another language; a server that cannot be reached too.

import { Signal } from "../model/signal.js";
import { problem as inWords, say } from "../words/words.js";

let sealed = false;
/** What is shown is a file: no server is asked any more. */
export const seal = () => {
  sealed = true;
};

/** @type {Signal<[]>} nobody is signed in here any more */
export const signedOut = new Signal();

export class ApiError extends Error {
  /** @param {number} status 0: not reached @param {any} problem application/problem+json @param {number} [wait] s */
  constructor(status, problem, wait = 0) {
    super(
      inWords(problem?.code ?? "", problem?.detail || problem?.title || "") ||
        (status ? say("server.answered", { status: String(status) }) : say("server.away")),
    );
    this.status = status;
    this.code = problem?.code ?? "";
    this.wait = wait;
    /** @type {{field?: string, message?: string, at?: [number, number]}[]} */
    this.errors = (problem?.errors ?? []).map((/** @type {any} */ one) => ({
      ...one,
      message: inWords(one.code ?? "", one.message),
    }));
    this.problem = problem;
  }
}

const base = new URL("api/v1/", document.baseURI);
/** @param {string} path @param {Record<string, any>} [query] */
export function address(path, query = {}) {
  const url = new URL(path, base);
  for (const [key, value] of Object.entries(query)) if (value != null) url.searchParams.set(key, String(value));
  return url;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object} [how]
 * @param {Record<string, any>} [how.query]
 * @param {any} [how.body]
 * @param {Record<string, string>} [how.headers]
 * @param {AbortSignal} [how.signal]
 * @param {boolean} [how.plain] the answer is no JSON
 * @param {boolean} [how.bytes] nor text
 * @returns {Promise<any>}
 */
export async function call(method, path, { query, body, headers = {}, signal, plain, bytes } = {}) {
  if (sealed) throw new ApiError(404, { detail: say("file.none") });
  let answer;
  let text;
  try {
    answer = await fetch(address(path, query), {
      method,
      signal,
      headers: {
        accept: plain || bytes ? "*/*" : "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
    });
    if (bytes && answer.ok) return await answer.arrayBuffer();
    text = await answer.text();
  } catch (error) {
    if (/** @type {Error} */ (error).name === "AbortError") throw error;
    throw new ApiError(0, null); // not reached, or lost on the way
  }
  if (plain && answer.ok) return text;
  let data = null;
  try {
    data = text ? JSON.parse(text) : null;
  } catch {
    // A proxy's page instead of an answer: the status still says what happened.
  }
  if (answer.status === 401 && data?.code === "not_signed_in") signedOut.tell();
  if (!answer.ok) throw new ApiError(answer.status, data, Number(answer.headers.get("retry-after")) || 0);
  return data;
}

/** @param {string} path @param {Record<string, any>} [query] @param {AbortSignal} [signal] */
export const get = (path, query, signal) => call("GET", path, { query, signal });
/**
 * A long answer, page by page as they come.
 * @param {string} path @param {Record<string, any>} query @param {AbortSignal} [signal]
 * @returns {AsyncGenerator<any>}
 */
export async function* pages(path, query, signal) {
  let cursor = null;
  do {
    const page = await get(path, { ...query, cursor }, signal);
    yield page;
    cursor = page.next;
  } while (cursor);
}

/** @param {string} id */
export const vehiclePath = (id) => `vehicles/${encodeURIComponent(id)}`;
/** @param {string} id */
export const regionPath = (id) => `regions/${encodeURIComponent(id)}`;
