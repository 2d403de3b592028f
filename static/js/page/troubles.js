// What is wrong and what to do about it, in a sentence over the map, for as long as it is so or until it is put away.

import { $, h, icon, iconButton, text } from "../parts/dom.js";
import { say } from "../words/words.js";

export class Troubles {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    this.app = app;
    /** @type {Map<string, HTMLElement>} */ this.shown = new Map();
    /** @type {Set<string>} put away by the reader */ this.away = new Set();
  }

  /**
   * @param {string} key one trouble, told once
   * @param {string} words
   * @param {{lines?: string, action?: {label: string, run: () => void}}} [more] lines to paste somewhere, a way out
   */
  tell(key, words, { lines, action } = {}) {
    if (this.away.has(key)) return;
    const before = this.shown.get(key);
    if (before) return text(/** @type {Element} */ (before.querySelector(".trouble-words")), words);
    const close = () => {
      this.away.add(key);
      this.clear(key);
    };
    const node = h(
      "div",
      { class: "floating banner trouble", role: "note", data: { trouble: key } },
      icon("warn"),
      h("span", { class: "trouble-words" }, words),
      action && h("button", { type: "button", class: "link", onclick: action.run }, action.label),
      iconButton("close", say("dismiss"), close, { class: "icon-button tiny end" }),
      lines && h("pre", { class: "trouble-lines", tabIndex: 0 }, lines),
    );
    this.shown.set(key, node);
    $("#map-top").prepend(node); // a phone shows the first
    this.app.say(words);
  }

  /** It is over. @param {string} key */
  clear(key) {
    this.shown.get(key)?.remove();
    this.shown.delete(key);
  }
}
