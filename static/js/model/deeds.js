// What the reader did in this session and how each deed is taken back, the last one first. Pure.

import { Signal } from "./signal.js";

/**
 * @typedef {{icon: string, title: string, body?: string, undo: () => Promise<string>}} Deed  `undo` says what is so
 *   again, or throws why it cannot be
 */

const KEPT = 50;

export class Deeds {
  /** @type {Deed[]} */ #kept = [];
  #turn = Promise.resolve();
  /** @type {Set<Promise<any>>} */ #doing = new Set();
  /** @type {Signal<[deed: Deed]>} */ done = new Signal();
  /** @type {Signal<[words: string, fault?: Error]>} what is so again ("": nothing was left), or why it is not */
  undone = new Signal();

  /** Nothing is left to be taken back. */
  forget() {
    this.#kept = [];
  }

  /** @param {Deed} deed */
  did(deed) {
    this.#kept.push(deed);
    this.#kept.splice(0, this.#kept.length - KEPT);
    this.done.tell(deed);
  }

  /**
   * What is under way: who asks to undo meanwhile means it, and not what was done before.
   * @template T
   * @param {Promise<T>} work
   */
  doing(work) {
    this.#doing.add(work);
    const over = () => this.#doing.delete(work);
    work.then(over, over);
    return work;
  }

  /** Take back this deed, or the last one. Whoever asks twice takes back two, one after the other.
   * @param {Deed} [deed] @returns {void} */
  undo(deed) {
    if (!deed && this.#doing.size) return void Promise.allSettled(this.#doing).then(() => this.undo());
    deed ??= this.#kept[this.#kept.length - 1];
    const at = deed ? this.#kept.lastIndexOf(deed) : -1;
    if (at < 0) return this.undone.tell("");
    this.#kept.splice(at, 1);
    this.#turn = this.#turn
      .then(() => deed.undo())
      .then(
        (words) => this.undone.tell(words),
        (fault) => {
          if (fault.status === 0) this.#kept.splice(at, 0, deed); // the server was not reached: it can be tried again
          this.undone.tell(deed.title, fault);
        },
      );
  }
}
