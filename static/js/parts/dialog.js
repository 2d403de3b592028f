// A modal sheet with a heading, and a question with two answers.

import { h, iconButton } from "./dom.js";
import { say } from "../words/words.js";

/**
 * Open a dialog with a heading; closing it gives the focus back.
 * @param {string} title
 * @param {...any} body
 * @returns {HTMLDialogElement}
 */
export function dialog(title, ...body) {
  const before = /** @type {HTMLElement|null} */ (document.activeElement);
  const id = `dialog-${Date.now()}`;
  const node = h(
    "dialog",
    { "aria-labelledby": id },
    h(
      "div",
      { class: "dialog-head" },
      h("h2", { id }, title),
      iconButton("close", say("close"), () => node.close()),
    ),
    h("div", { class: "dialog-body" }, ...body),
  );
  node.addEventListener("click", (e) => e.target === node && node.close());
  node.addEventListener("close", () => {
    node.remove();
    if (before?.isConnected) before.focus();
  });
  document.body.appendChild(node);
  node.showModal();
  return node;
}

/**
 * A question with two answers; Esc is the safe one.
 * @param {string} title
 * @param {string} words
 * @param {string} yes
 * @param {string} no
 * @returns {Promise<boolean>}
 */
export function confirm(title, words, yes, no) {
  return new Promise((done) => {
    let answer = false;
    const stay = h("button", { type: "button", class: "button primary", onclick: () => node.close() }, no);
    const node = dialog(
      title,
      h("p", { class: "muted" }, words),
      h(
        "div",
        { class: "form-actions" },
        h(
          "button",
          {
            type: "button",
            class: "button danger",
            onclick: () => {
              answer = true;
              node.close();
              done(true);
            },
          },
          yes,
        ),
        stay,
      ),
    );
    node.addEventListener("close", () => done(answer));
    stay.focus();
  });
}
