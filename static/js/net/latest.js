// One answer that is wanted: a newer question cancels the older, and what was answered stays until the new one is
// here.

/** @template T */
export class Latest {
  /** @type {T|null} */ value = null;
  /** @type {string} what was asked last */ key = "";
  /** @type {string} what was answered whole */ answered = "";
  /** @type {any} why there is no answer */ problem = null;
  busy = false;
  /** @type {AbortController|null} */ #asking = null;
  /** @type {any} */ #wait = 0;
  #ends = () => {};
  /** @type {Promise<void>} nothing is asked any more */ settled = Promise.resolve();

  /** @param {() => void} changed there is more of an answer, or none */
  constructor(changed) {
    this.changed = changed;
  }

  /**
   * Ask this, unless it was asked already.
   * @param {string} key
   * @param {(signal: AbortSignal) => AsyncIterable<T>|Promise<T>} ask
   * @param {number} [after] ms: somebody may want something else by then
   */
  want(key, ask, after = 0) {
    if (key === this.key) return;
    this.stop();
    this.key = key;
    this.busy = true;
    this.settled = new Promise((ends) => (this.#ends = ends));
    const asking = new AbortController();
    this.#asking = asking;
    if (after) this.#wait = setTimeout(() => this.#go(key, ask, asking.signal), after);
    else this.#go(key, ask, asking.signal);
  }

  /** @param {string} key @param {(signal: AbortSignal) => AsyncIterable<T>|Promise<T>} ask
   * @param {AbortSignal} signal */
  async #go(key, ask, signal) {
    try {
      const told = ask(signal);
      if (Symbol.asyncIterator in told)
        for await (const value of told) {
          if (signal.aborted) return;
          this.value = value;
          this.changed();
        }
      else {
        const value = await told;
        if (signal.aborted) return;
        this.value = value;
      }
      this.answered = key;
    } catch (error) {
      if (signal.aborted) return;
      this.problem = error;
    }
    if (signal.aborted) return;
    this.busy = false;
    this.#ends();
    this.changed();
  }

  /** Nothing is asked any more. */
  stop() {
    clearTimeout(this.#wait);
    this.#asking?.abort();
    this.#asking = null;
    this.problem = null;
    this.busy = false;
    this.#ends();
    this.key = this.answered;
  }

  /** Nothing of it stays. */
  drop() {
    this.stop();
    this.value = null;
    this.key = this.answered = "";
  }
}
