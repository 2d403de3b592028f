// What the reader did in this session and how each deed is taken back, the last one first. Pure.

/**
 * @typedef {{icon: string, title: string, body?: string, undo: () => Promise<string>}} Deed  `undo` says what is so
 *   again, or throws why it cannot be
 */

const KEPT = 50;

export class Deeds {
  /** @type {Deed[]} */ #done = [];
  #turn = Promise.resolve();
  /** @type {Set<Promise<any>>} */ #doing = new Set();
  /** @param {Deed} _deed */
  onDone = (_deed) => {};
  /**
   * @param {string} _words what is so again; "": nothing was left to undo
   * @param {Error} [_fault] why it could not be
   */
  onUndone = (_words, _fault) => {};

  /** @param {Deed} deed */
  did(deed) {
    this.#done.push(deed);
    this.#done.splice(0, this.#done.length - KEPT);
    this.onDone(deed);
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
    deed ??= this.#done[this.#done.length - 1];
    const at = deed ? this.#done.lastIndexOf(deed) : -1;
    if (at < 0) return this.onUndone("");
    this.#done.splice(at, 1);
    this.#turn = this.#turn
      .then(() => deed.undo())
      .then(
        (words) => this.onUndone(words),
        (fault) => {
          if (fault.status === 0) this.#done.splice(at, 0, deed); // the server was not reached: it can be tried again
          this.onUndone(deed.title, fault);
        },
      );
  }
}
