// A field for a password, which shows it to whoever asks.

import { h, iconButton } from "./dom.js";
import { say } from "../words/words.js";

/**
 * @param {string} label
 * @param {"current-password"|"new-password"} kind by which a password manager knows what to offer
 * @param {Record<string, any>} [props] of the input
 */
export function passwordField(label, kind, props = {}) {
  const input = h("input", {
    type: "password",
    name: kind,
    autocomplete: kind,
    required: true,
    maxLength: 256,
    ...props,
  });
  const show = iconButton("eye", say("password.show"), () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    show.setAttribute("aria-pressed", String(shown));
  });
  show.setAttribute("aria-pressed", "false");
  const id = `password-${kind}`;
  input.id = id;
  const element = h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    h("div", { class: "with-button" }, input, show),
  );
  return { element, input };
}
