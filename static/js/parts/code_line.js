// A line to be copied, and the button that does it.

import { copyText, h, icon, iconButton } from "./dom.js";
import { say } from "../words/words.js";

const TOLD_MS = 2500;

/** @param {string} line @param {(words: string) => void} tell @param {string} [label] of the button */
export function codeLine(line, tell, label = say("copy")) {
  const copy = iconButton("copy", label, async () => {
    const done = await copyText(line);
    if (!done) getSelection()?.selectAllChildren(code);
    tell(say(done ? "copy.done" : "copy.press"));
    copy.replaceChildren(icon(done ? "check" : "warn"));
    copy.title = say(done ? "copy.done" : "copy.selected");
    setTimeout(() => {
      copy.replaceChildren(icon("copy"));
      copy.title = label;
    }, TOLD_MS);
  });
  const code = h("code", { tabIndex: 0 }, line);
  return h("div", { class: "code-line" }, code, copy);
}
