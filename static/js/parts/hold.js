// A list that somebody is at holds still: while a pointer, a finger or the focus is on it, or it is scrolled, what is
// new waits above it. Nothing may take the place of what somebody is about to press.

import { h, text } from "./dom.js";

const TAP_MS = 600; // a finger's click comes after it has left
const SCROLLED_PX = 8;

export class Hold {
  /**
   * @param {HTMLElement} box the list; scrolls
   * @param {{rows: string, release: () => void, news: () => void}} how `rows` selects its rows, `release`: show what
   *   waited, nobody is at it any more; `news`: the reader asked for it
   */
  constructor(box, { rows, release, news }) {
    this.box = box;
    this.rows = rows;
    this.release = release;
    this.over = false;
    this.pressed = false;
    this.y = 0;
    this.was = false;
    this.pad = 0;
    this.given = 0; // px scrolled by us, not by the reader
    this.timer = 0;
    this.pill = h("button", {
      type: "button",
      class: "button small primary new-pill",
      hidden: true,
      onclick: () => {
        if (this.pill.contains(document.activeElement)) box.focus();
        news();
      },
    });
    /** The list and what says how much waits. */ this.element = h("div", { class: "tab-page hold" }, this.pill, box);
    const { element } = this;
    element.addEventListener("pointerenter", (e) => {
      clearTimeout(this.timer);
      this.over = true;
      this.y = e.clientY;
    });
    element.addEventListener("pointermove", (e) => (this.y = e.clientY), { passive: true });
    element.addEventListener("pointerdown", () => (this.pressed = true));
    for (const type of /** @type {const} */ (["pointerup", "pointercancel"]))
      addEventListener(
        type,
        () =>
          this.pressed &&
          setTimeout(() => {
            this.pressed = false;
            this.release();
          }),
        {
          passive: true,
        },
      );
    element.addEventListener("pointerleave", (e) => {
      clearTimeout(this.timer);
      this.timer = window.setTimeout(
        () => {
          this.over = false;
          this.check();
        },
        e.pointerType === "mouse" ? 0 : TAP_MS,
      );
    });
    element.addEventListener("focusout", () => setTimeout(() => this.check()));
    box.addEventListener("scroll", () => box.scrollTop <= SCROLLED_PX && this.check(), { passive: true });
  }

  /** Somebody is at it. A dialog over it changes nothing: they come back to the same place. */
  get held() {
    const { box, element } = this;
    this.was =
      this.over ||
      this.pressed ||
      element.contains(document.activeElement) ||
      box.scrollTop - this.given > SCROLLED_PX ||
      (this.was && document.querySelector("dialog[open]") !== null);
    return this.was;
  }

  check() {
    if (!this.was || this.held) return;
    if (this.given) this.top();
    this.release();
  }

  /** Say what waits; "" for nothing. It comes up where the pointer is not. @param {string} words */
  wait(words) {
    if (words) text(this.pill, words);
    if (this.pill.hidden === !words) return;
    this.pill.hidden = !words;
    this.pill.classList.toggle("low", this.over && this.y < this.element.getBoundingClientRect().top + 60);
  }

  /**
   * Change the page; the row somebody is at stays where it is, whatever grows or goes above it.
   * @param {() => void} change
   */
  steady(change) {
    if (!this.held) {
      if (this.given || this.pad) this.top();
      return change();
    }
    const key = this.#anchor()?.dataset.key;
    const before = this.#top(key);
    change();
    const moved = this.#top(key) - before;
    if (!moved) return;
    const short = Math.max(0, -(this.box.scrollTop + moved)); // nothing is above that could be scrolled away
    this.#padding(this.pad + short);
    this.given = Math.max(0, this.given + moved + short);
    this.box.scrollTop += moved + short;
  }

  /** Begin again at the top. */
  top() {
    this.given = 0;
    this.#padding(0);
    this.box.scrollTop = 0;
  }

  /** @param {number} px */
  #padding(px) {
    if (this.pad === px) return;
    this.pad = px;
    this.box.style.setProperty("padding-top", `${px}px`);
  }

  /** The row under the pointer, that of the focus, or the first that is seen. @returns {HTMLElement|undefined} */
  #anchor() {
    const { box, rows } = this;
    const at = this.over ? box.querySelector(`${rows}:hover`) : document.activeElement?.closest(rows);
    if (at && box.contains(at)) return /** @type {HTMLElement} */ (at);
    if (box.scrollTop <= SCROLLED_PX) return undefined;
    const top = box.getBoundingClientRect().top;
    for (const row of box.querySelectorAll(rows))
      if (row.getBoundingClientRect().bottom > top) return /** @type {HTMLElement} */ (row);
  }

  /** @param {string|undefined} key */
  #top(key) {
    return key === undefined
      ? 0
      : (this.box.querySelector(`${this.rows}[data-key="${CSS.escape(key)}"]`)?.getBoundingClientRect().top ?? 0);
  }
}
