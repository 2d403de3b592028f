// A list of any length in a handful of elements: a listbox whose options exist only where the reader looks.

import { h } from "./dom.js";

/** @template T */
export class VirtualList {
  /**
   * @param {HTMLElement} box scrolls
   * @param {{make: () => HTMLElement, show: (row: HTMLElement, item: T, index: number) => void, key: (item: T) =>
   *   string, pick: (item: T, how: {double?: boolean, keyboard?: boolean}) => void, hover?: (item: T|null) => void}}
   *   how
   */
  constructor(box, how) {
    this.box = box;
    this.how = how;
    /** @type {T[]} */ this.items = [];
    /** @type {HTMLElement[]} */ this.pool = [];
    /** @type {string|null} */ this.selected = null;
    this.space = h("div", { class: "virtual-space", role: "presentation" });
    box.appendChild(this.space);
    box.addEventListener("scroll", () => this.#soon(), { passive: true });
    box.addEventListener("keydown", (e) => this.#key(e));
    box.addEventListener("click", (e) => this.#at(e, (item) => how.pick(item, { double: e.detail > 1 })));
    box.addEventListener("pointerover", (e) => e.pointerType !== "touch" && this.#at(e, (item) => how.hover?.(item)));
    box.addEventListener("pointerleave", () => how.hover?.(null));
    new ResizeObserver(() => this.#soon()).observe(box);
    this.rowHeight = 52;
    this.frame = 0;
  }

  /** @param {T[]} items */
  set(items) {
    this.items = items;
    this.render();
  }

  /** @param {string|null} key @param {boolean} [reveal] scroll it into view */
  select(key, reveal = false) {
    this.selected = key;
    const index = key === null ? -1 : this.items.findIndex((item) => this.how.key(item) === key);
    if (reveal && index >= 0) {
      const top = index * this.rowHeight;
      const bottom = top + this.rowHeight;
      if (top < this.box.scrollTop) this.box.scrollTop = top;
      else if (bottom > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = bottom - this.box.clientHeight;
    }
    this.render();
  }

  /** Rows that are kept for later say nothing of what they showed. */
  forget() {
    this.pool = this.pool.filter((row) => !row.hidden || row.remove());
  }

  #soon() {
    if (!this.frame)
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.render();
      });
  }

  render() {
    this.rowHeight = parseFloat(getComputedStyle(this.space).minHeight) || 52; // --row in pixels
    const { box, items, rowHeight } = this;
    this.space.style.height = `${items.length * rowHeight}px`;
    const first = Math.max(0, Math.floor(box.scrollTop / rowHeight) - 4);
    const last = Math.min(items.length, Math.ceil((box.scrollTop + box.clientHeight) / rowHeight) + 4);
    while (this.pool.length < last - first) {
      const row = this.how.make();
      row.setAttribute("role", "option");
      this.pool.push(row);
      this.space.appendChild(row);
    }
    let active = "";
    this.pool.forEach((row, i) => {
      // Each item keeps its element while it scrolls: element = index modulo the pool.
      const n = this.pool.length;
      const index = first + ((((i - first) % n) + n) % n);
      if (index >= last) {
        if (!row.hidden) row.hidden = true;
        return;
      }
      const item = items[index];
      const chosen = this.how.key(item) === this.selected;
      if (row.hidden) row.hidden = false;
      row.style.transform = `translateY(${index * rowHeight}px)`;
      row.id = `${box.id}-${index}`;
      row.dataset.index = String(index);
      row.setAttribute("aria-posinset", String(index + 1));
      row.setAttribute("aria-setsize", String(items.length));
      row.setAttribute("aria-selected", String(chosen));
      if (chosen) active = row.id;
      this.how.show(row, item, index);
    });
    if (active) box.setAttribute("aria-activedescendant", active);
    else box.removeAttribute("aria-activedescendant");
  }

  /** @param {Event} e @param {(item: T) => void} then */
  #at(e, then) {
    const row = /** @type {HTMLElement|null} */ (/** @type {Element} */ (e.target).closest("[data-index]"));
    const item = row && this.items[Number(row.dataset.index)];
    if (item) then(item);
  }

  /** @param {KeyboardEvent} e */
  #key(e) {
    const page = Math.max(1, Math.floor(this.box.clientHeight / this.rowHeight) - 1);
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[e.key];
    if (step === undefined || e.altKey || e.ctrlKey || e.metaKey || !this.items.length) return;
    e.preventDefault();
    const at = this.items.findIndex((item) => this.how.key(item) === this.selected);
    const next = Math.max(
      0,
      Math.min(
        this.items.length - 1,
        at < 0 ? (step > 0 && Number.isFinite(step) ? 0 : step === Infinity ? this.items.length - 1 : 0) : at + step,
      ),
    );
    this.how.pick(this.items[next], { keyboard: true });
  }
}
