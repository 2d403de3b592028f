// A region while it is dragged over yesterday: what is asked next, and what the answer says. Pure.

/** @typedef {import("../../words/phrases.js").Event & {fields?: string[]}} Event */
/** @typedef {"appeared"|"vanished"|"changed"} What */
/**
 * @typedef {{same: number, appeared_count: number, vanished_count: number, changed_count: number, appeared: Event[],
 *   vanished: Event[], changed: Event[], behind: number}} Answer of POST /api/v1/history/rehearse; behind: ways of
 *   vehicles that were not yet tried on this shape
 */

const WHATS = /** @type {const} */ (["appeared", "vanished", "changed"]);

/** One question under way; of those that come meanwhile only the newest is asked. @template Q */
export class Turns {
  /** @type {{question: Q}|null} */ #next = null;
  #stopped = false;
  busy = false;

  /** @param {(question: Q) => Promise<void>} ask throws nothing */
  constructor(ask) {
    this.ask = ask;
  }

  /** Something waits that is newer than what is asked. */
  get behind() {
    return this.#next !== null;
  }

  /** @param {Q} question */
  async want(question) {
    this.#next = { question };
    if (this.busy) return;
    this.busy = true;
    while (this.#next && !this.#stopped) {
      const { question } = this.#next;
      this.#next = null;
      await this.ask(question);
    }
    this.busy = false;
  }

  /** What waits is not asked any more. */
  forget() {
    this.#next = null;
  }

  stop() {
    this.#stopped = true;
    this.forget();
  }
}

/** The newest of what would be otherwise. @param {Answer} answer @param {number} most
 * @returns {{what: What, event: Event}[]} */
export const newest = (answer, most) =>
  WHATS.flatMap((what) => answer[what].map((event) => ({ what, event })))
    .sort((a, b) => Date.parse(b.event.time) - Date.parse(a.event.time))
    .slice(0, most);
