// A secret, shown once: a link or a token, with the button that copies it.

import { codeLine } from "../parts/code_line.js";
import { dialog } from "../parts/dialog.js";
import { h } from "../parts/dom.js";
import { say } from "../words/words.js";

/**
 * @param {string} title
 * @param {string} secret
 * @param {{words: string, button: string, tell: (words: string) => void, more?: string}} how
 */
export function once(title, secret, { words, button, tell, more }) {
  const node = dialog(
    title,
    h("p", null, words),
    codeLine(secret, tell, button),
    more && h("div", { class: "form" }, h("p", { class: "muted small" }, say("token.send")), codeLine(more, tell)),
    h("p", { class: "notice warn" }, say("once.only")),
    h(
      "div",
      { class: "form-actions" },
      h("button", { type: "button", class: "button primary", onclick: () => node.close() }, say("once.done")),
    ),
  );
  node.querySelector(".code-line button")?.setAttribute("autofocus", "");
  /** @type {HTMLElement|null} */ (node.querySelector(".code-line button"))?.focus();
  return node;
}
