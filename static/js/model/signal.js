// Something that happens or changes, and who wants to be told of it. Pure.

/** @template {any[]} T what is told */
export class Signal {
  /** @type {Set<(...what: T) => void>} */ #listeners = new Set();

  /** Be told from now on, after all who asked before, until what is answered is called.
   * @param {(...what: T) => void} listener @returns {() => void} */
  on(listener) {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Everybody is told, whoever fails at it; the first fault is thrown at the end. @param {T} what */
  tell(...what) {
    /** @type {{fault: unknown}[]} */ const faults = [];
    for (const listener of this.#listeners) {
      try {
        listener(...what);
      } catch (fault) {
        faults.push({ fault });
      }
    }
    if (faults.length) throw faults[0].fault;
  }
}

/** A value that tells others when it changed. @template {object} T */
export class Store {
  /** @param {T} value */
  constructor(value) {
    this.value = value;
    /** @type {Signal<[value: T, before: T]>} */ this.changed = new Signal();
  }

  /** @param {Partial<T>} patch */
  set(patch) {
    const before = this.value;
    if (Object.entries(patch).every(([key, value]) => before[/** @type {keyof T} */ (key)] === value)) return;
    this.value = { ...before, ...patch };
    this.changed.tell(this.value, before);
  }
}
