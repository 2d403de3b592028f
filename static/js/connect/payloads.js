// The last payloads of a vehicle, as they came; asked for when somebody opens them.

import { asText } from "./payload.js";
import { get, vehiclePath } from "../net/api.js";
import { codeLine } from "../parts/code_line.js";
import { fill, h, text } from "../parts/dom.js";
import * as format from "../words/format.js";
import { say } from "../words/words.js";

/** @typedef {import("./payload.js").Payload} Payload */

export class Payloads {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    this.app = app;
    this.list = h("ul", { class: "line-list" });
    this.said = h("p", { class: "muted small", role: "status" });
    this.again = h(
      "button",
      { type: "button", class: "button small", onclick: () => this.#ask() },
      say("payloads.again"),
    );
    this.details = h(
      "details",
      { ontoggle: () => this.details.open && this.#ask() },
      h("summary", null, say("payloads")),
      this.said,
      this.list,
      this.again,
    );
    this.element = h("div", { class: "block", data: { needs: "edit_vehicles" } }, this.details);
  }

  /** Another vehicle is shown. */
  clear() {
    this.details.open = false;
    fill(this.list);
    text(this.said, "");
  }

  async #ask() {
    const id = this.app.state.value.vehicle;
    if (!id) return;
    /** @type {Payload[]} */ let payloads = [];
    let said = "";
    const { signal } = this.app.asking;
    try {
      const told = await get(`${vehiclePath(id)}/payloads`, {}, signal);
      payloads = told.payloads;
      const { zone } = this.app.preferences.value;
      const since = format.when(Date.parse(told.since), this.app.now(), zone);
      said = say(payloads.length ? "payloads.since" : "payloads.none", { time: since });
    } catch (error) {
      said = /** @type {Error} */ (error).message;
    }
    if (id !== this.app.state.value.vehicle || signal.aborted) return;
    text(this.said, said);
    fill(
      this.list,
      payloads.map((one) => h("li", null, this.#row(one))),
    );
  }

  /** @param {Payload} payload */
  #row(payload) {
    const { at, protocol, status, code, message } = payload;
    const whole = asText(payload);
    const time = format.when(Date.parse(at), this.app.now(), this.app.preferences.value.zone);
    const became = [status, code].filter(Boolean).join(" ") || say("payloads.taken");
    return h(
      "details",
      { class: "grow" },
      h("summary", { class: "num" }, [time, protocol, became].join(" · ")),
      message && h("p", { class: "muted small" }, message),
      whole === null
        ? h("p", { class: "muted small" }, say("payloads.others"))
        : codeLine(whole, (words) => this.app.say(words), say("payloads.copy")),
    );
  }
}
