// The last deed, said in a place of its own, with its undo: no event pushes it out.

import { $, fill, h, icon, iconButton } from "../parts/dom.js";
import { say } from "../words/words.js";

const SHOWN_MS = 12_000;
const UNDONE_MS = 4500;

/** @param {import("../app.js").App} app */
export function deedNote(app) {
  const box = $("#deed");
  const { deeds } = app;
  let timer = 0;
  const away = () => {
    clearTimeout(timer);
    if (box.contains(document.activeElement)) $("#map").focus();
    fill(box);
  };
  /** @param {number} after */
  const later = (after) => {
    clearTimeout(timer);
    timer = window.setTimeout(() => (box.matches(":hover, :focus-within") ? later(1000) : away()), after);
  };
  /**
   * @param {string} sign
   * @param {string} title
   * @param {string} body
   * @param {(() => void)|null} undo
   * @param {number} ms
   */
  const show = (sign, title, body, undo, ms) => {
    const focused = box.contains(document.activeElement);
    fill(
      box,
      h(
        "div",
        { class: "toast floating" },
        icon(/** @type {any} */ (sign)),
        h(
          "div",
          { class: "body" },
          h("b", null, title),
          body && h("span", null, body),
          undo &&
            h(
              "div",
              { class: "toast-actions" },
              h("button", { type: "button", class: "link small", title: say("deed.key"), onclick: undo }, say("undo")),
            ),
        ),
        iconButton("close", say("dismiss"), away),
      ),
    );
    if (focused) box.querySelector("button")?.focus();
    later(ms);
  };
  app.forgotten.on((groups) => {
    if (!groups) return; // one's own deed took it away, perhaps
    deeds.forget();
    away();
  });
  deeds.done.on((deed) => {
    show(deed.icon, deed.title, deed.body ?? "", () => deeds.undo(deed), SHOWN_MS);
    app.say(say("deed.said", { title: deed.title }));
  });
  deeds.undone.on((words, fault) => {
    if (fault) show("warn", say("deed.not_undone"), `${words}: ${fault.message}`, null, SHOWN_MS);
    else if (words) show("undo", words, "", null, UNDONE_MS);
    app.say(fault ? say("deed.not_undone.said", { why: fault.message }) : words || say("deed.nothing"));
  });
}
