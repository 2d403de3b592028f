// The live channel from the page's side: opens it, notices when it is dead though open, comes back by itself, and falls
// back to Server-Sent Events and then polling where WebSockets cannot pass. "live" is only said of a channel whose
// picture is whole and that has spoken lately.

import { get, signedOut } from "./api.js";
import { Jumps, steady } from "./clock.js";
import { Receipts } from "./receipts.js";
import { Socket, Stream, Polling } from "./transports.js";
import { SIGNED_OUT, isFinal } from "../wire.js";
import { closed, say } from "../words/words.js";

/** @typedef {"connecting"|"live"|"waiting"|"refused"|"ended"} Phase */
/**
 * @typedef {object} Status
 * @property {Phase} phase
 * @property {number} since when this began: last heard, for a lost connection (steady ms)
 * @property {number} retryAt next try, steady ms
 * @property {"websocket"|"stream"|"polling"} by
 * @property {number|null} latency ms there and back
 * @property {string} reason of a refusal
 * @property {string} progress of a snapshot that comes in parts: "2 of 4"
 */
/**
 * @typedef {object} Ears
 * @property {(cursor: string|null) => any} wish
 * @property {(message: any) => void} message
 * @property {(status: Status) => void} status
 * @property {(server: number, began: number, ended: number) => void} clock the server's clock as it was at some time
 *   between the two (steady ms)
 * @property {(ms: number) => void} slept nobody answers, and the machine's own clock says that so much time has passed
 *   unnoticed
 * @property {() => void} blocked no WebSocket passes, though HTTP does
 */

const FIRST_MS = 250;
const LONGEST_MS = 5000;
const OPEN_WITHIN_MS = 8000;
const WHOLE_WITHIN_MS = 20_000; // without a word meanwhile; longer after each load that was given up
const ANSWER_WITHIN_MS = 2000;
const UPGRADE_AGAIN_MS = 60_000; // on a fallback: how often WebSocket is tried again
const STREAM_LASTS_MS = 10_000; // one that ends sooner was cut on its way
const WATCH_MS = 1000;
const MEASURE_EVERY_MS = 10_000;

export class Connection {
  /** @param {Ears} page */
  constructor(page) {
    this.page = page;
    /** @type {Status} */
    this.status = {
      phase: "connecting",
      since: steady(),
      retryAt: 0,
      by: "websocket",
      latency: null,
      reason: "",
      progress: "",
    };
    /** @type {Socket|Stream|Polling|null} */ this.transport = null;
    /** @type {string|null} */ this.cursor = null;
    this.tries = 0;
    this.failedSockets = 0; // in a row: never opened, or a stream that did not last
    this.slowLoads = 0; // in a row: given up before the picture was whole
    this.heartbeat = 20_000;
    this.heardAt = 0;
    this.spoken = false; // a word came on this connection
    this.loading = false; // a snapshot has begun and its last part is not here
    this.probing = 0; // timer of a question that must be answered
    this.receipts = new Receipts();
    this.receiptTimer = 0;
    this.retryTimer = 0;
    /** @type {number|null} */ this.byeAfter = null;
    this.openedAt = 0;
    this.jumps = new Jumps(steady(), Date.now());
    addEventListener("online", () => this.#wake());
    addEventListener("offline", () => this.transport && this.#lost("offline", 0));
    addEventListener("pageshow", (e) => e.persisted && this.#wake());
    addEventListener("focus", () => this.#wake());
    document.addEventListener("resume", () => this.#wake());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#wake());
    setInterval(() => this.#watch(), WATCH_MS);
    setInterval(() => this.#measure(), MEASURE_EVERY_MS);
  }

  start() {
    this.#open();
  }

  /** Nothing is live here any more. */
  end() {
    const { transport } = this;
    this.transport = null;
    transport?.close();
    clearTimeout(this.retryTimer);
    clearTimeout(this.probing);
    this.#set({ phase: "ended", retryAt: 0, latency: null, progress: "" });
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
    const { receipts, transport } = this;
    const now = performance.now();
    const frame = receipts.due(now);
    if (frame && transport?.send({ op: "got", frame })) receipts.sent(frame, now);
    clearTimeout(this.receiptTimer);
    const wait = receipts.wait(now);
    if (transport && wait < Infinity)
      this.receiptTimer = window.setTimeout(() => this.#acknowledge(), Math.max(wait, 10));
  }

  #by() {
    return this.failedSockets >= 6 ? "polling" : this.failedSockets >= 3 ? "stream" : "websocket";
  }

  #open() {
    clearTimeout(this.retryTimer);
    clearTimeout(this.probing);
    this.probing = 0;
    this.transport?.close();
    this.receipts = new Receipts();
    this.heardAt = this.openedAt = performance.now();
    this.spoken = this.loading = false;
    const by = this.#by();
    const again = this.status.phase === "live" || this.status.phase === "waiting";
    this.#set({
      phase: again ? "waiting" : "connecting",
      by,
      retryAt: 0,
      progress: "",
      ...(this.status.phase === "live" ? { since: steady() } : {}),
    });
    const Kind = { websocket: Socket, stream: Stream, polling: Polling }[by];
    /** @type {Socket|Stream|Polling} */
    const transport = new Kind(this.page.wish(this.cursor), {
      message: (message) => transport === this.transport && this.#message(message),
      closed: (code, reason) => transport === this.transport && this.#lost(reason, code),
    });
    this.transport = transport;
  }

  /** @param {any} message */
  #message(message) {
    this.heardAt = performance.now();
    this.spoken = true;
    switch (message.op) {
      case "welcome":
        if (message.heartbeat_s) this.heartbeat = message.heartbeat_s * 1000;
        break;
      case "ping":
        this.transport?.send({ op: "pong", t: message.t });
        break;
      case "pong":
        return this.#answered(message);
      case "bye":
        this.byeAfter = message.after_ms ?? null;
        break;
      case "snapshot": {
        const { part = 1, parts = 1 } = message;
        this.loading = part < parts;
        if (this.status.phase !== "live")
          this.#set({ progress: this.loading ? say("pill.part", { part, parts }) : "" });
      }
    }
    if (message.frame) this.receipts.heard(message.frame, this.heardAt);
    try {
      this.page.message(message);
    } finally {
      // Only what was taken in may be resumed from. A part is told again with all others.
      if (message.cursor && !this.loading) this.cursor = message.cursor;
      // A hidden page paints nothing, yet its alerts must come: it acknowledges what it has read.
      if (message.frame && document.visibilityState === "hidden") this.receipts.seen(message.frame);
      if (message.frame) this.#acknowledge();
    }
    if (!this.loading && ["snapshot", "update", "counts"].includes(message.op)) this.#alive();
  }

  #alive() {
    this.tries = this.slowLoads = 0;
    if (this.transport instanceof Socket) this.failedSockets = 0;
    if (this.status.phase === "live") return;
    this.#set({ phase: "live", since: steady(), progress: "" });
    this.#measure();
  }

  /** How long a question to the server takes, there and back, and what time it is there. */
  #measure() {
    if (this.status.phase !== "live" || document.visibilityState === "hidden") return;
    this.#ask();
  }

  async #ask() {
    const began = steady();
    if (this.transport instanceof Socket) return void this.transport.send({ op: "ping", t: began });
    try {
      const answer = await fetch(new URL("healthz", document.baseURI), {
        cache: "no-store",
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      this.#answered({ t: began, now: (await answer.json()).now });
    } catch {
      // The channel itself will notice when nothing passes any more.
    }
  }

  /** @param {{t: number, now?: number}} answer */
  #answered({ t, now }) {
    const ended = steady();
    if (!Number.isFinite(t) || t > ended) return;
    if (Number.isFinite(now)) this.page.clock(Number(now), t, ended);
    if (this.status.phase === "live") this.#set({ latency: ended - t });
  }

  /** @param {string} reason @param {number} code */
  #lost(reason, code) {
    const {
      transport,
      status: { by },
    } = this;
    this.transport = null;
    transport?.close();
    clearTimeout(this.probing);
    this.probing = 0;
    if (reason === "silent" && this.spoken && this.status.phase !== "live") this.slowLoads++;
    if (transport instanceof Stream && transport.crowded) {
      // This browser's other pages hold all the streams a server may be asked for at once: ask now and then instead.
      this.failedSockets = 6;
      return this.#open();
    }
    const lasted = performance.now() - this.openedAt;
    const cut = reason === "stream" && lasted < STREAM_LASTS_MS;
    if (transport && by !== "polling" && (cut || !transport.opened)) this.#suspect(by);
    if (code === SIGNED_OUT) signedOut.tell();
    if (by === "stream") get("session").catch(() => {}); // a stream ends without a word why
    if (isFinal(code)) {
      this.#set({ phase: "refused", reason: closed(code, reason) });
      return;
    }
    // Full jitter: a thousand pages come back spread out, and one page alone comes back at once.
    const wait = this.byeAfter ?? Math.max(FIRST_MS, Math.random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** this.tries));
    this.byeAfter = null;
    this.tries = Math.min(this.tries + 1, 8);
    clearTimeout(this.retryTimer);
    this.retryTimer = window.setTimeout(() => this.#open(), wait);
    this.#set({
      phase: "waiting",
      since: this.status.phase === "live" ? steady() : this.status.since,
      retryAt: steady() + wait,
      latency: null,
      progress: "",
    });
  }

  /**
   * It never opened, or did not last. Only where HTTP passes is that the fault of the way and not of a server that is
   * away.
   * @param {"websocket"|"stream"|"polling"} by
   */
  async #suspect(by) {
    try {
      const answer = await fetch(new URL("healthz", document.baseURI), { cache: "no-store" });
      if (!answer.ok || this.status.by !== by || this.status.phase === "live") return;
      get("session").catch(() => {}); // whom it does not know any more it refuses a channel, without a word why
      if (++this.failedSockets === 3) this.page.blocked();
    } catch {
      // The server is away: come back the way we know.
    }
  }

  /**
   * The network is back, somebody looks, the machine woke: a lost channel is tried at once, one that says it is open
   * must prove it.
   * @param {number} [passed] ms that may have passed unnoticed
   */
  #wake(passed = 0) {
    const { phase } = this.status;
    const opening = this.transport !== null && (this.spoken || performance.now() - this.openedAt < ANSWER_WITHIN_MS);
    if (phase === "waiting" && !opening) {
      this.tries = 0;
      if (passed > 0) this.page.slept(passed);
      return this.#open();
    }
    if (phase !== "live" || this.probing) return;
    // What only speaks cannot be asked: after a few seconds without a word a new one is sooner sure.
    if (!(this.transport instanceof Socket) && performance.now() - this.heardAt > 2 * ANSWER_WITHIN_MS)
      return this.#lost("woke", 0);
    const asked = performance.now();
    const patience = Math.max(ANSWER_WITHIN_MS - FIRST_MS, 4 * (this.status.latency ?? 0));
    this.#ask();
    this.probing = window.setTimeout(
      () => {
        this.probing = 0;
        if (this.heardAt >= asked) return;
        if (passed > 0) this.page.slept(passed);
        this.#lost("silent", 0);
      },
      Math.min(patience, this.heartbeat),
    );
  }

  /** How long nothing may come. */
  #patience() {
    if (this.status.phase === "live") return this.heartbeat * 1.5 + 1000 + 4 * (this.status.latency ?? 0);
    return (
      (this.spoken ? Math.max(WHOLE_WITHIN_MS, this.heartbeat * 1.5) : OPEN_WITHIN_MS) *
      2 ** Math.min(this.slowLoads, 3)
    );
  }

  /** Once a second: dead though open? did time jump? time to try a WebSocket again? */
  #watch() {
    const now = performance.now();
    const jump = this.jumps.look(steady(), Date.now(), WATCH_MS);
    if (jump) this.#wake(jump);
    if (this.transport && now - this.heardAt > this.#patience()) return this.#lost("silent", 0);
    if (
      this.transport &&
      this.status.by !== "websocket" &&
      this.status.phase === "live" &&
      now - this.openedAt > UPGRADE_AGAIN_MS
    )
      this.#knock();
  }

  /** On a fallback: does a WebSocket pass by now? The fallback goes on meanwhile. */
  #knock() {
    this.openedAt = performance.now();
    const { transport } = this;
    const trial = new Socket(null, { message: () => {}, closed: () => {} });
    trial.socket.onopen = () => {
      trial.close();
      if (this.transport !== transport || this.status.phase !== "live") return;
      this.failedSockets = 0;
      this.#open();
    };
  }

  /** @param {Partial<Status>} patch */
  #set(patch) {
    this.status = { ...this.status, ...patch };
    this.page.status(this.status);
  }
}
