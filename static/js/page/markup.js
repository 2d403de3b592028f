// What stands in index.html, in the reader's language: `data-say` is the key of an element's text, `data-say-label` of
// its name.

import { language, say } from "../words/words.js";

/** @typedef {import("../words/words.js").Key} Key */

export function markup() {
  document.documentElement.lang = language;
  for (const node of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-say]")))
    node.textContent = say(/** @type {Key} */ (node.dataset.say));
  for (const node of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-say-label]")))
    node.setAttribute("aria-label", say(/** @type {Key} */ (node.dataset.sayLabel)));
}
