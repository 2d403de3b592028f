// What was otherwise about a leg of a day (which fixes are wrong, when it stopped, which trips were one), and why.

import { call } from "../../net/api.js";
import { limits } from "../../net/grants.js";
import { choices, correction, instant } from "../../model/past/corrections.js";
import { h, icon, text } from "../../parts/dom.js";
import { formDialog } from "../../parts/form.js";
import * as format from "../../words/format.js";
import { say } from "../../words/words.js";

/** @typedef {import("../../model/day.js").Leg} Leg */
/** @typedef {import("../../model/past/corrections.js").Choice} Choice */

export const PATH = "history/corrections";

export class Correct {
  /**
   * @param {import("../../app.js").App} app
   * @param {import("../../page/alerts.js").Alerts} alerts
   * @param {{legs: Leg[], told: boolean, span: () => {from: number, until: number}, again: () => void}} day
   */
  constructor(app, alerts, day) {
    this.app = app;
    this.alerts = alerts;
    this.day = day;
    /** @type {Leg|null} */ this.leg = null;
    /** @type {number|null} when the first wrong fix was */ this.marked = null;
    this.mark = h("button", { type: "button", class: "button small", onclick: () => this.#mark() }, "");
    this.element = h(
      "div",
      { class: "correct", hidden: true, data: { needs: "edit_vehicles" } },
      this.mark,
      h(
        "button",
        { type: "button", class: "button small", onclick: () => this.#ask() },
        icon("edit", 14),
        say("correct"),
      ),
    );
    app.route.pointing.on(() => this.#render());
  }

  /** @param {Leg|null} leg */
  show(leg) {
    if (leg?.from !== this.leg?.from) this.marked = null;
    this.leg = leg;
    this.#render();
  }

  #render() {
    const { leg, app } = this;
    const group = app.fleet.byId.get(app.state.value.vehicle ?? "")?.group ?? null;
    const { regions, coarse_m } = limits(app.who.grants, group);
    const able = leg && !this.day.told && !regions && !coarse_m && choices(this.day.legs, leg, null).length;
    this.element.hidden = !able;
    const { zone } = app.preferences.value;
    const pointed = app.route.fixes[app.route.pointed];
    this.mark.hidden = leg?.kind !== "trip";
    this.mark.disabled = !pointed && this.marked === null;
    this.mark.setAttribute("aria-pressed", String(this.marked !== null));
    text(
      this.mark,
      this.marked === null ? say("correct.mark") : say("correct.marked", { time: format.clock(this.marked, zone) }),
    );
  }

  /** The first of several: the last is the one that is pointed at when it is said. */
  #mark() {
    const pointed = this.app.route.fixes[this.app.route.pointed];
    this.marked = this.marked === null ? (pointed?.time ?? null) : null;
    this.#render();
  }

  /** @returns {[number, number]|null} */
  #fixes() {
    const { fixes, pointed } = this.app.route;
    const last = fixes[pointed]?.time ?? this.marked;
    if (last === null || this.leg?.kind !== "trip") return null;
    const first = this.marked ?? last;
    return [Math.min(first, last), Math.max(first, last)];
  }

  #ask() {
    const { app, leg } = this;
    const { vehicle } = app.state.value;
    const { zone } = app.preferences.value;
    if (!leg || !vehicle) return;
    const clock = (/** @type {number} */ ms) => format.clock(ms, zone);
    const some = choices(this.day.legs, leg, this.#fixes());
    const what = h(
      "select",
      { name: "what", onchange: () => show() },
      some.map((one) => h("option", { value: one.what }, say(`correct.${one.what}`))),
    );
    const time = () => h("input", { type: "time", step: "1", required: true });
    const [from, until] = [time(), time()];
    const label = [h("span", null), h("span", null)];
    const hint = h("p", { class: "hint" });
    const why = h("textarea", { name: "why", rows: 3, maxLength: 500, required: true });
    const times = h(
      "div",
      { class: "form-row" },
      h("label", { class: "field" }, label[0], from),
      h("label", { class: "field" }, label[1], until),
    );
    const chosen = () => some.find((one) => one.what === what.value) ?? some[0];
    const show = () => {
      const one = chosen();
      const moved = one.what === "move_stop";
      from.value = clock(one.from);
      until.value = clock(one.until);
      from.name = moved ? "new_from" : "from";
      until.name = moved ? "new_until" : "until";
      text(label[0], say(moved ? "correct.began" : "correct.first"));
      text(label[1], say(moved ? "correct.ended" : "correct.last"));
      times.hidden = one.what === "join_trips";
      for (const input of [from, until]) input.disabled = times.hidden;
      text(hint, say(`correct.${one.what}.hint`));
    };
    const send = async () => {
      const one = chosen();
      const day = this.day.span();
      const [first, last] = [instant(from.value, one.from, day, clock), instant(until.value, one.until, day, clock)];
      const said = correction(vehicle, one, first, last, why.value.trim());
      if (!said) throw new Error(say("correct.same"));
      const by = await this.alerts.askName();
      if (!by) return /** @type {false} */ (false);
      const made = await app.deeds.doing(call("POST", PATH, { body: { ...said, by } }));
      return () => this.#made(made);
    };
    formDialog(say("correct.title", { name: app.vehicleName(vehicle) }), {
      fields: [
        h("label", { class: "field" }, h("span", null, say("correct.what")), what),
        hint,
        times,
        h("label", { class: "field" }, h("span", null, say("correct.why")), why),
      ],
      action: say("correct.send"),
      send,
    });
    show();
  }

  /** @param {any} made */
  #made(made) {
    this.marked = null;
    this.app.deeds.did({
      icon: "edit",
      title: say("correct.made", { name: this.app.vehicleName(made.vehicle) }),
      body: made.why,
      undo: async () => {
        await call("DELETE", `${PATH}/${made.id}`, { body: { by: made.by } });
        this.day.again();
        this.app.corrected.tell(made);
        return say("correct.undone");
      },
    });
    this.day.again();
    this.app.corrected.tell(made);
  }
}
