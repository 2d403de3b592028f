// Three ways to receive the very same messages. Each is opened by making it, tells `message` and, once, `closed`.

import { address, get } from "./api.js";
import { SUBPROTOCOLS, decode } from "../wire.js";

/** @typedef {{message: (message: any) => void, closed: (code: number, reason: string) => void}} Ears */

export class Socket {
  /** @param {any} wish the `follow` message @param {Ears} ears */
  constructor(wish, ears) {
    const url = address("live");
    url.protocol = url.protocol.replace("http", "ws");
    this.opened = false;
    const socket = new WebSocket(url, SUBPROTOCOLS);
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.opened = true;
      if (wish) this.send(wish);
    };
    socket.onmessage = ({ data }) => ears.message(decode(data));
    socket.onclose = ({ code, reason }) => ears.closed(code, reason);
  }

  /** @param {any} message @returns {boolean} whether it went out */
  send(message) {
    if (this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  close() {
    this.socket.onclose = this.socket.onmessage = null;
    this.socket.close();
  }
}

const SEATS = 2; // streams of one browser at once: of the six connections it opens to a server the others must be left

/** One of the seats for a stream; null: all taken, or this browser cannot tell (it can on https and on this machine).
 * @returns {Promise<(() => void)|null>} what gives it back */
async function seat() {
  for (let n = 0; n < SEATS && navigator.locks; n++) {
    const leave = await new Promise((taken) =>
      navigator.locks
        .request(`tracker.stream.${n}`, { ifAvailable: true }, (lock) =>
          lock ? new Promise((done) => taken(done)) : taken(null),
        )
        .catch(() => taken(null)),
    );
    if (leave) return /** @type {() => void} */ (leave);
  }
  return null;
}

export class Stream {
  /** @param {any} wish @param {Ears} ears */
  constructor(wish, ears) {
    this.opened = false;
    this.crowded = false;
    this.closed = false;
    /** @type {EventSource|null} */ this.source = null;
    /** @type {(() => void)|null} */ this.leave = null;
    this.#run(wish, ears);
  }

  /** @param {any} wish @param {Ears} ears */
  async #run(wish, ears) {
    this.leave = await seat();
    if (this.closed) return this.leave?.();
    if (!this.leave) {
      this.crowded = true;
      return ears.closed(0, "crowded");
    }
    const source = new EventSource(address("stream", queryOf(wish)));
    this.source = source;
    source.onopen = () => (this.opened = true);
    source.onmessage = ({ data }) => ears.message(decode(data));
    source.onerror = () => {
      source.close(); // its own retry knows nothing of jitter or cursors
      ears.closed(0, "stream");
    };
  }

  /** Nothing goes up here, and nothing is held back. @type {(message: any) => boolean} */
  send = () => true;

  close() {
    this.closed = true;
    if (this.source) {
      this.source.onerror = this.source.onmessage = null;
      this.source.close();
    }
    this.leave?.();
  }
}

const POLL_MS = 500;
const WAIT_S = 5; // for news; whose session ends meanwhile is told so at once

export class Polling {
  /** @param {any} wish @param {Ears} ears */
  constructor(wish, ears) {
    this.opened = false;
    this.stopped = new AbortController();
    this.#run(wish, ears);
  }

  /** @param {any} wish @param {Ears} ears */
  async #run(wish, ears) {
    let cursor = wish.resume ?? "";
    let epoch = "";
    try {
      while (!this.stopped.signal.aborted) {
        const answer = await get(
          "changes",
          { ...queryOf({ ...wish, resume: null }), since: cursor || null, wait: cursor ? WAIT_S : null },
          this.stopped.signal,
        );
        this.opened = true;
        for (const message of answer.messages) {
          if (message.cursor) cursor = message.cursor;
          const known = message.op === "welcome" && message.epoch === epoch; // each answer begins with one
          if (message.op === "welcome") epoch = message.epoch;
          ears.message(known ? { op: "ping", t: message.now, grant: message.grant } : message);
        }
        if (answer.cursor) cursor = answer.cursor;
        await new Promise((done) => setTimeout(done, answer.after_ms ?? POLL_MS));
      }
    } catch (error) {
      if (!this.stopped.signal.aborted) ears.closed(0, String(error));
    }
  }

  /** @type {(message: any) => boolean} */
  send = () => true;

  close() {
    this.stopped.abort();
  }
}

/** A `follow` message as query parameters. @param {any} wish @returns {Record<string, any>} */
function queryOf(wish) {
  const { op, all, regions, vehicles, events, counts, resume, window, ...rest } = wish;
  return {
    ...rest,
    all: all ? "true" : null,
    regions: regions?.join(",") ?? null,
    vehicles: vehicles?.join(",") ?? null,
    events: events === true ? "true" : null,
    since: resume ?? null,
  };
}
