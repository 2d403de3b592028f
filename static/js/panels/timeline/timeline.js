// The timeline under the map: the strip, what plays it, and what there is to say of it; and the band over the map that
// says which moment is shown.

import { $, h, icon, iconButton, refill, text } from "../../parts/dom.js";
import { ApiError } from "../../net/api.js";
import { SPEEDS, whole } from "../../model/past/moment.js";
import { was } from "../../map/pointer.js";
import { tell } from "../../words/phrases.js";
import { say } from "../../words/words.js";
import { Strip, moment } from "./strip.js";

const OFFERED = 6; // of events on one another

export class Timeline {
  /** @param {import("../../app.js").App} app */
  constructor(app) {
    this.app = app;
    const { past } = app;
    this.past = past;
    this.strip = new Strip(app);
    /** @type {import("../../words/phrases.js").Event|null} */ this.event = null;
    /** @type {import("./past.js").Happened[]} of which one is to be chosen */ this.some = [];
    const button = (/** @type {any} */ glyph, /** @type {any} */ words, /** @type {() => void} */ run) =>
      iconButton(glyph, say(words), run);
    this.play = button("play", "past.play", () => this.toggle(1));
    this.back = iconButton("play", say("past.play.back"), () => this.toggle(-1), { class: "icon-button flipped" });
    this.more = iconButton("more", say("past.more"), () => this.#unfold(), { "aria-expanded": "false" });
    this.more.classList.add("time-fold");
    this.speed = h(
      "select",
      {
        class: "input",
        "aria-label": say("past.speed"),
        onchange: () => app.state.set({ speed: Number(this.speed.value) }),
      },
      SPEEDS.map((speed) => h("option", { value: String(speed) }, `${speed}×`)),
    );
    this.skip = h(
      "button",
      {
        type: "button",
        class: "button small",
        title: say("past.skip.why"),
        onclick: () => app.preferences.set({ skip: !app.preferences.value.skip }),
      },
      say("past.skip"),
    );
    this.status = h("p", { class: "time-status num" });
    this.bar = h("div", { class: "time-progress", "aria-hidden": "true", hidden: true });
    this.line = h("div", { class: "time-line" }, this.play, this.strip.element, this.more);
    this.tools = h(
      "div",
      { class: "time-tools" },
      this.back,
      this.speed,
      button("left", "past.event.before", () => this.toEvent(-1)),
      button("right", "past.event.next", () => this.toEvent(1)),
      this.skip,
      button("minus", "past.longer", () => this.strip.zoom(1)),
      button("plus", "past.shorter", () => this.strip.zoom(-1)),
      this.status,
      iconButton("close", say("past.close"), () => this.close(), { class: "icon-button of-server" }),
    );
    this.element = h(
      "section",
      { class: "timeline", id: "timeline", "aria-label": say("past.timeline"), hidden: true },
      this.bar,
      this.tools,
      this.line,
    );
    $("#map-frame").append(this.element);
    this.time = h("strong", { class: "num" });
    this.whose = h("span", { class: "num" });
    this.band = h(
      "section",
      { class: "floating past-band", hidden: true, "aria-label": say("past.at") },
      icon("clock", 14),
      h("span", { class: "past-words" }, this.time, this.whose),
      h("button", { type: "button", class: "button small primary", onclick: () => past.live() }, say("past.back")),
    );
    $("#map-top").prepend(this.band);
    const room = () =>
      document.documentElement.style.setProperty("--strip", `${this.element.hidden ? 0 : this.element.offsetHeight}px`);
    new ResizeObserver(room).observe(this.element);
    past.changed.on(() => this.render());
    past.moved.on(() => this.#moved());
    past.opened.on((event) => {
      this.event = event;
      this.some = [];
      this.render();
      app.say(tell(event, app.names()));
    });
    past.offered.on((some) => {
      this.some = some;
      if (!this.element.hasAttribute("data-unfolded")) this.#unfold(); // a phone has them there
      this.render();
      app.say(say("past.ticks", { n: some.length }));
    });
    app.forgotten.on(() => {
      this.event = null;
      this.some = [];
      this.render();
    });
    app.state.changed.on(() => this.render());
    app.preferences.changed.on(() => {
      this.toldAt = -1; // in another zone
      this.render();
    });
    this.wasLive = true;
    this.toldAt = -1;
    this.render();
  }

  /** @param {1|-1} direction */
  toggle(direction) {
    if (this.past.playing === direction) this.past.pause();
    else this.past.play(direction);
  }

  /** @param {1|-1} by */
  toEvent(by) {
    if (!this.past.toEvent(by)) this.app.say(say("past.event.none"));
  }

  show() {
    this.past.show(true);
    this.strip.element.focus();
  }

  close() {
    const inside = this.element.contains(document.activeElement);
    if (this.element.hasAttribute("data-unfolded")) this.#unfold();
    this.past.show(false);
    if (inside) $("#time-open").focus();
  }

  #unfold() {
    const open = this.element.toggleAttribute("data-unfolded");
    $("#map-frame").toggleAttribute("data-unfolded", open);
    this.more.setAttribute("aria-expanded", String(open));
  }

  #moved() {
    const { past, app } = this;
    const live = past.at === null;
    if (this.some.length && (live || Math.abs(this.some[0].time - /** @type {number} */ (past.at)) > 2000)) {
      this.some = [];
      this.render();
    }
    if (live) this.event = null;
    else {
      const at = /** @type {number} */ (past.at);
      if (whole(at) !== this.toldAt)
        text(
          this.time,
          say(app.recording ? "file.band" : "past.band", { time: moment(app, at, app.preferences.value.zone) }),
        );
      this.toldAt = whole(at);
      const { vehicle } = app.state.value;
      const v = vehicle ? past.fleet.byId.get(vehicle) : null;
      const words = vehicle ? `${v?.name ?? app.vehicleName(vehicle)}: ${v ? was(v) : say("past.absent")}` : "";
      text(this.whose, past.known.awaits(at) ? "" : words);
      if (this.event && Math.abs(Date.parse(this.event.time) - at) > 2000) {
        this.event = null;
        this.render();
      }
    }
    if (live === this.wasLive) return;
    this.wasLive = live;
    this.band.hidden = live;
    app.say(live ? say("past.now") : (this.time.textContent ?? ""));
  }

  render() {
    const { past, app } = this;
    this.#moved();
    this.element.hidden = !past.open;
    $("#time-open")?.setAttribute("aria-pressed", String(past.open));
    if (!past.open) return;
    for (const [button, direction, glyph, words] of /** @type {const} */ ([
      [this.play, 1, "play", "past.play"],
      [this.back, -1, "play", "past.play.back"],
    ])) {
      const plays = past.playing === direction;
      refill(button, plays ? "pause" : glyph, icon(plays ? "pause" : glyph));
      button.setAttribute("aria-label", say(plays ? "past.stop" : words));
      button.title = say(plays ? "past.stop" : words);
    }
    this.play.disabled = past.at === null;
    this.speed.value = String(past.speed);
    this.skip.setAttribute("aria-pressed", String(app.preferences.value.skip));
    const busy = past.known.all.some((one) => one.busy);
    this.bar.hidden = !busy;
    this.element.setAttribute("aria-busy", String(busy));
    this.#status();
  }

  /** The one thing there is to say: why there is nothing, that it comes, what happened here, how much is known. */
  #status() {
    const { past, app } = this;
    const { problem } = past.known;
    this.status.classList.toggle("bad", Boolean(problem));
    if (problem) {
      const away = problem instanceof ApiError && problem.status === 0;
      const words = past.known.refused
        ? say("past.refused")
        : away
          ? say("past.away")
          : say("past.failed", { why: problem.message });
      const again = h("button", { type: "button", class: "link", onclick: () => past.again() }, say("past.again"));
      return refill(this.status, words, words, " ", !past.known.refused && again);
    }
    if (this.some.length) return this.#offer();
    const told = past.known.coarse.value;
    const known = told?.tapes.reduce((sum, { vehicles }) => sum + vehicles.length, 0) ?? 0;
    const words =
      past.known.coarse.busy || (past.at !== null && past.known.awaits(past.at))
        ? known && told?.more
          ? say("past.loading.n", { n: known, all: Math.max(known, app.fleet.byId.size) })
          : say("past.loading")
        : past.known.empty
          ? say("past.empty")
          : this.event
            ? tell(this.event, app.names())
            : this.#sum();
    refill(this.status, words, words);
  }

  /** Events that lie on one another, for the reader to choose from. */
  #offer() {
    const { past, app, some } = this;
    const one = (/** @type {import("./past.js").Happened} */ happened) =>
      h(
        "button",
        { type: "button", class: "link", onclick: () => past.choose(happened) },
        tell(happened.event, app.names()),
      );
    const all = some.slice(0, OFFERED).flatMap((happened) => [one(happened), " · "]);
    refill(this.status, some.map(({ event }) => event.id).join(), ...all, say("past.ticks", { n: some.length }));
  }

  #sum() {
    const { past } = this;
    const told = past.known.events.value;
    const n = told?.events.length ?? 0;
    const events = told && say(told.more ? "past.ticks.more" : "past.ticks", { n });
    return [past.at === null ? say("past.now") : say("past.known", { n: past.fleet.shown }), events]
      .filter(Boolean)
      .join(" · ");
  }
}
