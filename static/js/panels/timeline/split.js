// Two moments at once: a divider over the map, the moment of the timeline before it, now or another behind it. There is
// one map and one camera; what differs is drawn twice, each in its own part (docs/decisions/one-map-two-moments.md).

import { $, h, iconButton, refill, text } from "../../parts/dom.js";
import { ApiError } from "../../net/api.js";
import { instant, local } from "../../draw/visits.js";
import { Between } from "../../map/between.js";
import { was } from "../../map/pointer.js";
import { status } from "../../model/status.js";
import { HOUR, whole } from "../../model/past/moment.js";
import * as split from "../../model/past/split.js";
import * as format from "../../words/format.js";
import { say } from "../../words/words.js";
import { Divider } from "./divider.js";
import { Other } from "./other.js";
import { moment } from "./strip.js";

const CHOSEN = "chosen";
const NAMES = /** @type {const} */ (["split.now", "split.day", "split.week"]);

export class Split {
  /** @type {Other|null} made when first wanted, kept for the next time */ #other = null;
  /** @type {{first: split.Box, second: split.Box}|null} */ #parts = null;
  #said = "";

  /**
   * @param {import("../../app.js").App} app
   * @param {import("./timeline.js").Timeline} timeline
   * @param {import("../../page/pill.js").Pill} pill
   */
  constructor(app, timeline, pill) {
    this.app = app;
    this.pill = pill;
    this.frame = $("#map-frame");
    this.between = new Between(app.map.stage);
    this.divider = new Divider(app.map.element, () => this.#lay());
    this.button = h(
      "button",
      {
        type: "button",
        class: "button small of-server",
        title: say("split.why"),
        "aria-pressed": "false",
        onclick: () => this.toggle(),
      },
      say("split.compare"),
    );
    timeline.tools.insertBefore(this.button, timeline.skip.nextSibling);
    this.time = h("strong", { class: "num" });
    this.whose = h("span", { class: "num" });
    this.choice = h(
      "select",
      { class: "input", "aria-label": say("split.choose"), onchange: () => this.#choose() },
      split.CHOICES.map((one, i) => h("option", { value: split.written(one) }, say(NAMES[i]))),
      h("option", { value: CHOSEN }, say("split.other")),
    );
    this.chosen = h("input", {
      type: "datetime-local",
      class: "input",
      hidden: true,
      "aria-label": say("split.time"),
      onchange: () => this.#pick(),
    });
    this.band = h(
      "section",
      { class: "floating past-band beside-band", hidden: true, "aria-label": say("split.band") },
      h(
        "div",
        { class: "beside-words" },
        h("span", { class: "past-words" }, this.time, this.whose),
        this.choice,
        this.chosen,
      ),
      iconButton("close", say("split.close"), () => this.close()),
    );
    this.frame.append(this.divider.element, this.band);
    new ResizeObserver(() => this.on && this.#lay()).observe(app.map.element);
    app.state.changed.on(() => this.#read());
    app.past.moved.on(() => this.#read());
    app.past.changed.on(() => this.#read());
    app.preferences.changed.on(() => this.#again());
    app.statusChanged.on(() => this.#again());
    app.map.stage.framing.on(() => this.#frame());
    this.#read();
  }

  /** Two moments are shown. */
  get on() {
    return this.app.beside !== null;
  }

  /** What is beside the moment. */
  get wanted() {
    const { state, past, recording } = this.app;
    return past.at === null || recording ? null : state.value.split; // a file has no now beside its moment
  }

  /** The other moment; null: now. */
  get other() {
    const { app, wanted } = this;
    const { at, player } = app.past;
    if (at === null || wanted === null) return null;
    return split.other(player.drawn(at), wanted, app.newest(), app.preferences.value.zone);
  }

  toggle() {
    if (this.on) return this.close();
    const { app } = this;
    if (app.recording) return;
    const at = app.past.at ?? whole(Math.max(app.past.span.from, app.newest() - HOUR));
    app.state.set({ split: "now", ...(app.past.at === null ? { at } : {}) });
    if (this.on) this.divider.element.focus({ preventScroll: true });
  }

  close() {
    const inside = this.frame.querySelector(":is(.beside-band, .split-line):focus-within") !== null;
    this.app.state.set({ split: null });
    if (inside) (this.button.checkVisibility() ? this.button : $("#time-open")).focus();
  }

  /** The picture at a point of the map, and where there are two, which moment that is. @param {number} x
   * @param {number} y */
  at(x, y) {
    const { picture, beside } = this.app;
    const second = beside !== null && this.#parts !== null && split.within(this.#parts.second, x, y);
    return {
      picture: second ? beside : picture,
      words: beside ? this.#words(second ? this.other : this.app.past.at) : "",
    };
  }

  #read() {
    const on = this.wanted !== null;
    if (on && !this.on) this.#open();
    else if (!on && this.on) this.#shut();
    if (!on) return;
    this.#other?.show(this.other);
    this.#tell(false);
    this.#mark();
  }

  #open() {
    const { app } = this;
    this.#other ??= new Other(app, () => this.#again());
    app.beside = this.#other.picture;
    app.map.stage.pair(true);
    this.#seen(true);
    this.#lay();
  }

  #shut() {
    const { app } = this;
    app.beside = null;
    this.#other?.hide();
    app.map.stage.pair(false);
    app.picture.within(null);
    app.map.half = { right: 0, bottom: 0 };
    this.between.show(null, null);
    this.#seen(false);
  }

  /** @param {boolean} on */
  #seen(on) {
    this.divider.element.hidden = this.band.hidden = !on;
    this.button.setAttribute("aria-pressed", String(on));
    this.#said = "";
    if (!on) delete this.frame.dataset.split;
  }

  /** Which part of the map is whose. */
  #lay() {
    const { app, divider, frame } = this;
    const { clientWidth: width, clientHeight: height } = app.map.element;
    const { columns, first, second } = split.halves(width, height, divider.share);
    this.#parts = { first, second };
    divider.lay(columns);
    frame.dataset.split = columns ? "columns" : "rows";
    frame.style.setProperty("--split", `${columns ? first[2] : first[3]}px`);
    app.map.half = columns ? { right: width - first[2], bottom: 0 } : { right: 0, bottom: height - first[3] };
    app.picture.within(first);
    app.beside?.within(second);
    this.#mark();
  }

  /** The second half is set as the first, whatever changed. */
  #frame() {
    const { beside, picture, state, pointed, overlay } = this.app;
    if (!beside) return;
    beside.follow(picture);
    const found = (/** @type {string|null} */ id) => /** @type {any} */ ((id && beside.fleet.byId.get(id)) || null);
    beside.overlay.selected = found(state.value.vehicle);
    beside.overlay.hovered = found(pointed);
    beside.overlay.trail = overlay.trail;
  }

  /** @param {number|null} at */
  #words(at) {
    return at === null ? say("split.now") : moment(this.app, at, this.app.preferences.value.zone);
  }

  /** The selected vehicle at either moment. */
  #mark() {
    const { app, other } = this;
    if (!app.beside || !this.#parts || app.past.at === null) return;
    const { zone } = app.preferences.value;
    const { at } = app.past;
    const day = (/** @type {number} */ time) => `${format.dayOf(time, app.now(), zone)} ${format.clock(time, zone)}`;
    const words = [day(at), other === null ? say("split.now") : day(other)];
    const { first, second } = this.#parts;
    this.between.show(
      [
        { picture: app.picture, part: first, words: words[0] },
        { picture: app.beside, part: second, words: words[1] },
      ],
      app.state.value.vehicle,
    );
  }

  #again() {
    if (!this.on) return;
    this.#tell(true);
    this.#mark();
  }

  /** What the second half shows. @param {boolean} again */
  #tell(again) {
    const { app, wanted, other } = this;
    if (wanted === null) return;
    const key = `${wanted} ${other === null ? "now" : whole(other)} ${app.state.value.vehicle}`;
    if (key === this.#said && !again) return;
    this.#said = key;
    const live = this.pill.element.dataset.phase === "live";
    const state = this.pill.main.textContent ?? "";
    const now = live ? say("split.live") : say("split.last", { state });
    text(this.time, other === null ? now : this.#words(other));
    this.band.toggleAttribute("data-old", other === null && !live);
    this.frame.toggleAttribute("data-beside-live", other === null);
    this.#state(other);
    if (this.band.contains(document.activeElement) && this.choice.value === CHOSEN) return; // a time is being typed
    this.choice.value = split.CHOICES.includes(wanted) ? split.written(wanted) : CHOSEN;
    this.chosen.hidden = this.choice.value !== CHOSEN;
    if (other !== null) this.chosen.value = local(other, app.preferences.value.zone);
  }

  /** Why there is nothing, that it comes, or how the selected vehicle is there. @param {number|null} other */
  #state(other) {
    const { app, whose } = this;
    const { known } = /** @type {Other} */ (this.#other);
    const { vehicle } = app.state.value;
    const v = vehicle ? /** @type {any} */ (app.beside?.fleet.byId.get(vehicle)) : null;
    if (other !== null && known.problem) {
      const away = known.problem instanceof ApiError && known.problem.status === 0;
      const failed = () => say("past.failed", { why: known.problem.message });
      const why = known.refused ? say("past.refused") : away ? say("past.away") : failed();
      return refill(whose, why, why);
    }
    const waits = other !== null && known.coarse.busy && !known.coarse.value;
    const state = !v ? say("past.absent") : other === null ? say(`state.${status(v)}`) : was(v);
    const words = waits
      ? say("past.loading")
      : other !== null && known.empty
        ? say("past.empty")
        : vehicle
          ? `${app.vehicleName(vehicle)}: ${state}`
          : "";
    refill(whose, words, words);
  }

  #choose() {
    const { app, choice, chosen } = this;
    if (choice.value !== CHOSEN) return app.state.set({ split: split.beside(choice.value) });
    chosen.hidden = false;
    chosen.value = local(this.other ?? app.newest(), app.preferences.value.zone);
    chosen.focus();
  }

  #pick() {
    const { app } = this;
    const at = instant(this.chosen.value, app.preferences.value.zone);
    if (Number.isNaN(at) || app.past.at === null) return;
    const ms = at >= app.newest() ? "now" : split.apart(whole(app.past.at), at, app.preferences.value.zone);
    if (ms !== null) app.state.set({ split: ms });
  }
}
