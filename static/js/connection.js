// The live channel from the page's side: opens it, notices when it is dead though open, comes back by itself, and falls
// back to Server-Sent Events and then polling where WebSockets cannot pass.

import { Receipts } from "./receipts.js";
import { Socket, Stream, Polling } from "./transports.js";
import { isFinal } from "./wire.js";

/** @typedef {"connecting"|"live"|"waiting"|"refused"} Phase */
/**
 * @typedef {object} Status
 * @property {Phase} phase @property {number} since when this began: last heard, for a lost connection @property {number} retryAt next try, ms
 * @property {"websocket"|"stream"|"polling"} by @property {number|null} latency ms there and back @property {string} reason of a refusal
 */

const FIRST_MS = 250, LONGEST_MS = 5000;
const OPEN_WITHIN_MS = 8000;
const UPGRADE_AGAIN_MS = 60_000; // on a fallback: how often WebSocket is tried again
const STREAM_LASTS_MS = 10_000; // one that ends sooner was cut on its way
const MEASURE_EVERY_MS = 10_000;

export class Connection {
  /** @param {{wish: (cursor: string|null) => any, message: (message: any) => void, status: (status: Status) => void}} page */
  constructor(page) {
    this.page = page;
    /** @type {Status} */ this.status = { phase: "connecting", since: Date.now(), retryAt: 0, by: "websocket", latency: null, reason: "" };
    /** @type {Socket|Stream|Polling|null} */ this.transport = null;
    /** @type {string|null} */ this.cursor = null;
    this.tries = 0;
    this.failedSockets = 0; // in a row: never opened, or a stream that did not last
    this.heartbeat = 20_000;
    this.heardAt = 0;
    this.receipts = new Receipts();
    this.receiptTimer = 0;
    this.retryTimer = 0;
    /** @type {number|null} */ this.byeAfter = null;
    this.openedAt = 0;
    addEventListener("online", () => this.#now());
    addEventListener("offline", () => this.transport && this.#lost("offline", 0));
    addEventListener("pageshow", (e) => e.persisted && this.#now());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#now());
    setInterval(() => this.#watch(), 1000);
    setInterval(() => this.#measure(), MEASURE_EVERY_MS);
  }

  start() {
    this.#open();
  }

  /** The reader now follows something else: ask for it on the open channel, or on a new one where it cannot be told. */
  refollow() {
    this.cursor = null;
    if (this.transport instanceof Socket && this.status.phase === "live") this.transport.send(this.page.wish(null));
    else if (this.transport) this.#open();
  }

  /** @param {any} message */
  send(message) {
    this.transport?.send(message);
  }

  /** The newest frame on screen: lets the server send on. @param {number} frame */
  painted(frame) {
    this.receipts.seen(frame);
    this.#acknowledge();
  }

  /** Say which frame is done with, now or as soon as it may be said: a word that is due is never dropped. */
  #acknowledge() {
    const { receipts, transport } = this, now = performance.now(), frame = receipts.due(now);
    if (frame && transport?.send({ op: "got", frame })) receipts.sent(frame, now);
    clearTimeout(this.receiptTimer);
    const wait = receipts.wait(now);
    if (transport && wait < Infinity) this.receiptTimer = window.setTimeout(() => this.#acknowledge(), Math.max(wait, 10));
  }

  #by() {
    return this.failedSockets >= 6 ? "polling" : this.failedSockets >= 3 ? "stream" : "websocket";
  }

  #open() {
    clearTimeout(this.retryTimer);
    this.transport?.close();
    this.receipts = new Receipts();
    this.heardAt = performance.now();
    const by = this.#by();
    this.#set({ phase: this.status.phase === "live" ? "waiting" : this.status.phase === "waiting" ? "waiting" : "connecting", by, retryAt: 0 });
    const Kind = { websocket: Socket, stream: Stream, polling: Polling }[by];
    /** @type {Socket|Stream|Polling} */
    const transport = (this.transport = new Kind(this.page.wish(this.cursor), {
      message: (message, size) => transport === this.transport && this.#message(message, size),
      closed: (code, reason) => transport === this.transport && this.#lost(reason, code),
    }));
    this.openedAt = performance.now();
  }

  /** @param {any} message @param {number} _size */
  #message(message, _size) {
    this.heardAt = performance.now();
    if (message.cursor) this.cursor = message.cursor;
    switch (message.op) {
      case "welcome":
        if (message.heartbeat_s) this.heartbeat = message.heartbeat_s * 1000;
        break;
      case "ping":
        this.transport?.send({ op: "pong", t: message.t });
        break;
      case "bye":
        this.byeAfter = message.after_ms ?? null;
        break;
    }
    if (message.frame) this.receipts.heard(message.frame, this.heardAt);
    try {
      this.page.message(message);
    } finally {
      // A hidden page paints nothing, yet its alerts must come: it acknowledges what it has read.
      if (message.frame && document.visibilityState === "hidden") this.receipts.seen(message.frame);
      if (message.frame) this.#acknowledge();
    }
    if (message.op === "snapshot" || message.op === "update") this.#alive();
  }

  #alive() {
    this.tries = 0;
    if (this.transport instanceof Socket) this.failedSockets = 0;
    if (this.status.phase === "live") return;
    this.#set({ phase: "live", since: Date.now() });
    this.#measure();
  }

  /** How long a question to the server takes, there and back. */
  async #measure() {
    if (this.status.phase !== "live" || document.visibilityState === "hidden") return;
    const began = performance.now();
    try {
      await fetch(new URL("healthz", document.baseURI), { cache: "no-store" });
      if (this.status.phase === "live") this.#set({ latency: performance.now() - began });
    } catch {
      // The channel itself will notice when nothing passes any more.
    }
  }

  /** @param {string} reason @param {number} code */
  #lost(reason, code) {
    const { transport, status: { by } } = this;
    this.transport = null;
    transport?.close();
    const cut = by === "stream" && performance.now() - this.openedAt < STREAM_LASTS_MS;
    if (transport && by !== "polling" && (cut || !transport.opened)) this.#suspect(by);
    if (isFinal(code)) {
      this.#set({ phase: "refused", reason: reason || `closed with ${code}` });
      return;
    }
    // Full jitter: a thousand pages come back spread out, and one page alone comes back at once.
    const wait = this.byeAfter ?? Math.max(FIRST_MS, Math.random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** this.tries));
    this.byeAfter = null;
    this.tries = Math.min(this.tries + 1, 8);
    clearTimeout(this.retryTimer);
    this.retryTimer = window.setTimeout(() => this.#open(), wait);
    this.#set({ phase: "waiting", since: this.status.phase === "live" ? Date.now() : this.status.since, retryAt: Date.now() + wait, latency: null });
  }

  /** It never opened, or did not last. Only where HTTP passes is that the fault of the way and not of a server that is away.
   * @param {"websocket"|"stream"|"polling"} by */
  async #suspect(by) {
    try {
      const answer = await fetch(new URL("healthz", document.baseURI), { cache: "no-store" });
      if (answer.ok && this.status.by === by && this.status.phase !== "live") this.failedSockets++;
    } catch {
      // The server is away: come back the way we know.
    }
  }

  /** Try at once: the network is back, or somebody looks. */
  #now() {
    if (this.status.phase === "waiting") {
      this.tries = 0;
      this.#open();
    }
  }

  /** Once a second: dead though open? time to try a WebSocket again? how long is the way? */
  #watch() {
    const now = performance.now(), silent = now - this.heardAt;
    if (this.transport && silent > (this.status.phase === "live" ? this.heartbeat * 1.5 + 1000 : OPEN_WITHIN_MS)) return this.#lost("silent", 0);
    if (!this.transport) return;
    if (this.status.by !== "websocket" && this.status.phase === "live" && now - this.openedAt > UPGRADE_AGAIN_MS) {
      this.failedSockets = 2; // one try; a failure goes back to the fallback
      this.#open();
    }
  }

  /** @param {Partial<Status>} patch */
  #set(patch) {
    this.status = { ...this.status, ...patch };
    this.page.status(this.status);
  }
}
