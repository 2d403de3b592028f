// A form in a dialog: what the server finds wrong with it is said in it, beside the field where it names one.

import { ApiError } from "../net/api.js";
import { say } from "../words/words.js";
import { dialog } from "./dialog.js";
import { h, text } from "./dom.js";

/** @typedef {() => Promise<false|(() => any)>} Work what comes when it is done and the dialog closed; or false */

/**
 * @param {string} title
 * @param {object} how
 * @param {any[]} how.fields
 * @param {string} how.action
 * @param {Work} how.send
 * @param {{label: string, danger?: boolean, run: Work}[]} [how.others] what else can be done
 */
export function formDialog(title, { fields, action, send, others = [] }) {
  const fault = h("p", { class: "notice bad", role: "alert", hidden: true });
  let busy = false;
  const attempt = async (/** @type {Work} */ work) => {
    if (busy) return;
    busy = true;
    fault.hidden = true;
    for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
    try {
      const then = await work();
      if (then === false) return;
      node.close();
      then?.();
    } catch (error) {
      fault.hidden = false;
      text(fault, reason(error));
      const named = error instanceof ApiError && error.errors[0]?.field;
      const input = named ? form.querySelector(`[name="${CSS.escape(named)}"]`) : null;
      input?.setAttribute("aria-invalid", "true");
      if (input instanceof HTMLElement) input.focus();
    } finally {
      busy = false;
    }
  };
  const form = h(
    "form",
    {
      class: "form",
      onsubmit: (/** @type {SubmitEvent} */ e) => {
        e.preventDefault();
        attempt(send);
      },
    },
    ...fields,
    fault,
    h(
      "div",
      { class: "form-actions" },
      h("button", { type: "button", class: "button quiet", onclick: () => node.close() }, say("cancel")),
      h("button", { type: "submit", class: "button primary" }, action),
    ),
  );
  const more = others.map(({ label, danger, run }) =>
    h("button", { type: "button", class: `button${danger ? " danger" : ""}`, onclick: () => attempt(run) }, label),
  );
  const node = dialog(title, form, more.length > 0 && h("div", { class: "danger-zone" }, more));
  const first = form.querySelector("input, select, textarea");
  if (first instanceof HTMLElement) first.focus();
  return node;
}

/** @param {unknown} error */
const reason = (error) =>
  error instanceof ApiError ? (error.errors[0]?.message ?? error.message) : /** @type {Error} */ (error).message;

/** @param {string} label @param {Record<string, any>} props @param {string} [hint] */
export function textField(label, props, hint) {
  const input = h("input", { type: "text", autocomplete: "off", ...props });
  const element = h(
    "label",
    { class: "field" },
    h("span", null, label),
    input,
    hint && h("span", { class: "hint" }, hint),
  );
  return { input, element };
}

/**
 * Some of a few things.
 * @param {string} label
 * @param {[value: string, words: string][]} options
 * @param {readonly string[]} chosen
 * @param {string} [hint]
 */
export function checks(label, options, chosen, hint) {
  const boxes = options.map(([value, words]) => {
    const input = h("input", { type: "checkbox", value, checked: chosen.includes(value) });
    return { input, element: h("label", { class: "check" }, input, h("span", null, words)) };
  });
  const element = h(
    "fieldset",
    null,
    h("legend", null, label),
    h("div", { class: "checks" }, ...boxes.map((one) => one.element)),
    hint && h("p", { class: "hint" }, hint),
  );
  const value = () => boxes.filter(({ input }) => input.checked).map(({ input }) => input.value);
  return { element, value };
}
