// What the register says of a vehicle, and the form that changes it.

import { call, get, vehiclePath } from "../net/api.js";
import { h, refill, text } from "../parts/dom.js";
import { say } from "../words/words.js";

const MERGE = { "content-type": "application/merge-patch+json" };

export class Register {
  /** @type {string|null} whose form is open */ editing = null;
  /** @type {Map<string, Record<string, string>>} what was typed and not saved, by vehicle */ drafts = new Map();
  element = h("div", null);

  /**
   * @param {import("../app.js").App} app
   * @param {{told: any, changed: () => void}} panel `told`: the server's answer about the vehicle that is shown
   */
  constructor(app, panel) {
    this.app = app;
    this.panel = panel;
  }

  /** Another vehicle is shown. */
  clear() {
    this.editing = null;
    this.element.replaceChildren();
  }

  render() {
    const { told } = this.panel;
    const { vehicle } = this.app.state.value;
    if (this.editing !== null && this.element.querySelector("form")) return;
    if (told && this.drafts.has(String(vehicle))) return this.#edit(false);
    const pairs = [
      [say("vehicle.id"), vehicle],
      [say("vehicle.name"), told?.name],
      [say("vehicle.plate"), told?.plate],
      [say("vehicle.group"), told?.group],
      [say("vehicle.kind"), told?.kind],
      ...Object.entries(told?.attributes ?? {}),
    ].filter(([, value]) => value != null && value !== "");
    refill(
      this.element,
      JSON.stringify(pairs),
      h(
        "div",
        { class: "block-head" },
        h("h3", null, say("vehicle.register")),
        h(
          "button",
          { type: "button", class: "link small", data: { needs: "edit_vehicles" }, onclick: () => this.#edit() },
          say("edit"),
        ),
      ),
      h(
        "dl",
        { class: "pairs" },
        pairs.map(([key, value]) => [h("dt", null, String(key)), h("dd", null, String(value))]),
      ),
    );
  }

  /** What was typed is kept until it is saved or cancelled, whatever is looked at meanwhile. @param {boolean} [lead] */
  #edit(lead = true) {
    const id = String(this.app.state.value.vehicle);
    const told = { ...this.panel.told, ...this.drafts.get(id) };
    this.editing = id;
    const input = (/** @type {string} */ key, /** @type {string} */ label) =>
      h(
        "label",
        { class: "field" },
        h("span", null, label),
        h("input", { name: key, type: "text", maxLength: 120, value: told[key] ?? "", autocomplete: "off" }),
      );
    const fault = h("p", { class: "notice bad", hidden: true, role: "alert" });
    const typed = () => Object.fromEntries([...new FormData(form)].map(([key, value]) => [key, String(value)]));
    const close = () => {
      if (id === this.app.state.value.vehicle) this.editing = null;
      this.drafts.delete(id);
      form.remove();
    };
    const save = async (/** @type {SubmitEvent} */ e) => {
      e.preventDefault();
      const sent = typed();
      try {
        await this.#save(id, sent, told);
        if (JSON.stringify(typed()) === JSON.stringify(sent)) close(); // else somebody typed on
        this.panel.changed();
      } catch (error) {
        fault.hidden = false;
        text(fault, /** @type {Error} */ (error).message);
      }
    };
    const cancel = () => {
      close();
      this.panel.changed();
    };
    const form = h(
      "form",
      { class: "form", oninput: () => this.drafts.set(id, typed()), onsubmit: save },
      input("name", say("vehicle.name")),
      h("div", { class: "form-row" }, input("plate", say("vehicle.plate")), input("group", say("vehicle.group"))),
      input("kind", say("vehicle.kind")),
      fault,
      h(
        "div",
        { class: "form-actions" },
        h("button", { type: "button", class: "button small", onclick: cancel }, say("cancel")),
        h("button", { type: "submit", class: "button small primary" }, say("save")),
      ),
    );
    refill(this.element, "editing", h("div", { class: "block-head" }, h("h3", null, say("vehicle.register"))), form);
    if (lead) form.querySelector("input")?.focus();
  }

  /** @param {string} id @param {Record<string, string>} sent @param {any} told what the form began with */
  async #save(id, sent, told) {
    const { deeds, state } = this.app;
    const patch = Object.fromEntries(Object.entries(sent).map(([key, value]) => [key, value.trim() || null]));
    const was = (id === state.value.vehicle && this.panel.told) || told;
    const now = await deeds.doing(call("PATCH", vehiclePath(id), { body: patch, headers: MERGE }));
    if (id === state.value.vehicle) this.panel.told = now;
    deeds.did({
      icon: "edit",
      title: say("vehicle.changed", { name: now.name ?? id }),
      body: say("vehicle.in_register"),
      undo: () => this.#restore(id, was, patch),
    });
  }

  /**
   * Put back what was changed, unless somebody changed it since.
   * @param {string} id
   * @param {any} was
   * @param {Record<string, string|null>} patch
   */
  async #restore(id, was, patch) {
    const is = await get(vehiclePath(id));
    const keys = Object.keys(patch).filter((key) => (was[key] ?? null) !== patch[key]);
    if (keys.some((key) => (is[key] ?? null) !== patch[key])) throw new Error(say("changed_since"));
    const now = await call("PATCH", vehiclePath(id), {
      body: Object.fromEntries(keys.map((key) => [key, was[key] ?? null])),
      headers: MERGE,
    });
    if (id === this.app.state.value.vehicle) this.panel.told = now;
    this.panel.changed();
    return say("vehicle.restored", { name: now.name ?? id });
  }
}
