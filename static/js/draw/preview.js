// What a region would have done in the last 24 h, asked of the server a moment after the last change, and said in
// words.

import { ApiError, call } from "../net/api.js";
import { fill, h, text } from "../parts/dom.js";
import * as format from "../words/format.js";
import { counted } from "../words/phrases.js";
import { pieces, say } from "../words/words.js";

const SOON_MS = 350;
const DRAGGING_MS = 120;

export class Preview {
  element = h("p", { class: "preview num", role: "status" });
  /** @type {any} the newest answer */ #answer = null;
  #timer = 0;
  /** @type {AbortController|null} */ #asked = null;

  /**
   * @param {() => any} feature as it would be saved; null: it is none yet; throws what is wrong with it
   * @param {() => Map<string, boolean>} raised kind of event → whether it would be raised
   */
  constructor(feature, raised) {
    this.feature = feature;
    this.raised = raised;
  }

  /** Something changed. @param {boolean} [dragging] */
  soon(dragging = false) {
    this.stop();
    this.#timer = window.setTimeout(() => this.#ask(), dragging ? DRAGGING_MS : SOON_MS);
  }

  /** There is nothing to ask about. */
  none() {
    this.stop();
    text(this.element, say("card.preview"));
  }

  stop() {
    clearTimeout(this.#timer);
    this.#asked?.abort();
  }

  async #ask() {
    const asked = new AbortController();
    this.#asked = asked;
    try {
      this.#answer = await call("POST", "regions/preview", { body: this.feature(), signal: asked.signal });
      this.tell();
    } catch (error) {
      if (asked.signal.aborted) return;
      this.#answer = null;
      text(this.element, why(/** @type {Error} */ (error)));
    }
  }

  /** What would have happened, and how much of it this page would have raised. */
  tell() {
    if (!this.#answer) return;
    const counts = this.#answer.counts ?? this.#answer.events_by_kind ?? {};
    const now = this.#answer.inside_count ?? this.#answer.inside?.length;
    const kinds = [...this.raised()];
    const would = kinds.filter(([kind]) => counts[kind]);
    const raised = kinds.reduce((sum, [kind, yes]) => sum + (yes ? (counts[kind] ?? 0) : 0), 0);
    const bold = (/** @type {string} */ words) => h("b", null, words);
    const list = would.flatMap(([kind], i) => [
      i ? ", " : "",
      bold(format.count(counts[kind])),
      ` ${counted(kind, counts[kind])}`,
    ]);
    fill(
      this.element,
      would.length
        ? pieces("card.would", { counts: list, raised: [bold(raised ? format.count(raised) : say("card.would.none"))] })
        : say("card.would.nothing"),
      now != null && [" ", pieces("card.inside", { n: bold(String(now)) })],
    );
  }
}

/** @param {Error} error */
function why(error) {
  if (!(error instanceof ApiError)) return error.message;
  return error.status === 422 ? (error.errors[0]?.message ?? error.message) : say("card.no_preview");
}
