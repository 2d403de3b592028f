// Which corrections a day obeys, who made each, when and why; and the day as it was told before them.

import { call } from "../../net/api.js";
import { fill, h, icon } from "../../parts/dom.js";
import * as format from "../../words/format.js";
import { say } from "../../words/words.js";
import { PATH } from "./correct.js";

export class Corrected {
  /**
   * @param {import("../../app.js").App} app
   * @param {import("../../page/alerts.js").Alerts} alerts
   * @param {{told: boolean, switchTo: (told: boolean) => void, again: () => void}} day `told`: it is shown as told then
   */
  constructor(app, alerts, day) {
    this.app = app;
    this.alerts = alerts;
    this.day = day;
    const way = (/** @type {boolean} */ told) =>
      h(
        "button",
        { type: "button", class: "button small", onclick: () => day.switchTo(told) },
        say(told ? "corrected.told" : "corrected.known"),
      );
    this.ways = [way(false), way(true)];
    this.list = h("ul", { class: "corrections" });
    this.fault = h("p", { class: "notice bad", role: "alert", hidden: true });
    this.element = h(
      "div",
      { class: "block", hidden: true },
      h("h3", null, say("corrected")),
      h("div", { class: "near", role: "group", "aria-label": say("corrected.as") }, this.ways),
      this.list,
      this.fault,
    );
  }

  /** @param {any[]} corrections */
  show(corrections) {
    this.element.hidden = !corrections.length;
    this.fault.hidden = true;
    for (const [i, button] of this.ways.entries())
      button.setAttribute("aria-pressed", String(this.day.told === Boolean(i)));
    const key = JSON.stringify([corrections, this.app.preferences.value.zone]);
    if (this.list.dataset.key === key) return;
    this.list.dataset.key = key;
    fill(
      this.list,
      corrections.map((one) => this.#row(one)),
    );
  }

  /** @param {Record<string, any> & {what: import("../../model/past/corrections.js").Choice["what"]}} one */
  #row(one) {
    const { zone } = this.app.preferences.value;
    const clock = (/** @type {string} */ time) => format.clock(Date.parse(time), zone);
    const what = say(`corrected.${one.what}`, {
      from: clock(one.new_from ?? one.from),
      until: clock(one.new_until ?? (one.what === "wrong_fixes" ? lastOf(one.until) : one.until)),
    });
    const was = one.what === "move_stop" && say("corrected.was", { from: clock(one.from), until: clock(one.until) });
    return h(
      "li",
      null,
      icon("edit", 14),
      h(
        "div",
        { class: "grow" },
        h("strong", null, what),
        was && h("span", { class: "muted" }, ` ${was}`),
        h("p", { class: "why" }, one.why),
        h("small", { class: "muted num" }, by(one, this.app.now(), zone)),
      ),
      h(
        "button",
        {
          type: "button",
          class: "button small",
          data: { needs: "edit_vehicles" },
          "aria-label": say("corrected.back.of", { what }),
          onclick: () => this.#takeBack(one),
        },
        say("corrected.back"),
      ),
    );
  }

  /** @param {any} one */
  async #takeBack(one) {
    try {
      const who = await this.alerts.askName();
      if (!who) return;
      await this.app.deeds.doing(call("DELETE", `${PATH}/${one.id}`, { body: { by: who } }));
      this.app.say(say("correct.undone"));
      this.day.again();
      this.app.corrected.tell(one);
    } catch (error) {
      this.fault.hidden = false;
      fill(this.fault, /** @type {Error} */ (error).message);
    }
  }
}

/** The last millisecond before. @param {string} time */
const lastOf = (time) => new Date(Date.parse(time) - 1).toJSON();

/** "Ada, 26 Nov, 20:41". @param {any} one @param {number} now @param {string} zone */
export const by = (one, now, zone) =>
  say("corrected.by", { name: one.by, time: format.when(Date.parse(one.at), now, zone) });
