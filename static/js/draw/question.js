// Who was here: the card beside a shape that is asked about. A range, the vehicles with their visits, and the track of
// the one that is chosen. It asks by itself, a moment after shape or range changed; nothing is stored.

import { ApiError, call, get, vehiclePath } from "../net/api.js";
import { CHOICES, around, grouped, instant, local, rangeOf } from "./visits.js";
import { $, fill, h, iconButton, text } from "../parts/dom.js";
import { oneStop } from "../parts/roving.js";
import * as format from "../words/format.js";
import { momentButton } from "../panels/timeline/lead.js";
import { say } from "../words/words.js";
import { pasted } from "./paste.js";

/** @typedef {import("./visits.js").Visit} Visit */

const SOON_MS = 350;
const PAGE = 500;
const FIXES = 5000; // of a track that is shown

export class Question {
  asks = true;
  dirty = false; // nothing of it is lost that could be kept
  color = undefined;
  /** @type {import("./visits.js").Range|null} */ #range = null;
  /** @type {Visit[]} */ #visits = [];
  /** @type {string|null} */ #next = null;
  /** @type {Visit|null} */ #chosen = null;
  /** @type {AbortController} */ #asked = new AbortController();
  #timer = 0;
  #shape = "";

  /**
   * @param {import("../app.js").App} app
   * @param {import("./editor.js").Editor} editor
   * @param {string} name of what is asked about, a region say
   */
  constructor(app, editor, name) {
    this.app = app;
    this.editor = editor;
    const input = () => h("input", { type: "datetime-local", onchange: () => this.#soon() });
    this.from = input();
    this.until = input();
    this.choice = h(
      "select",
      { onchange: () => this.#choose() },
      CHOICES.map((one) => h("option", { value: one }, say(`inside.${one}`))),
    );
    this.other = h(
      "div",
      { class: "form", hidden: true },
      h("label", { class: "field" }, h("span", null, say("inside.from")), this.from),
      h("label", { class: "field" }, h("span", null, say("inside.until")), this.until),
    );
    this.told = h("p", { class: "preview num", role: "status" });
    this.again = h("button", { type: "button", class: "button small", hidden: true, onclick: () => this.#ask() });
    this.list = h("ul", { class: "line-list visits", "aria-label": say("inside.visits") });
    oneStop(this.list, "li");
    this.typed = h("textarea", {
      spellcheck: "false",
      placeholder: say("card.shape.like"),
      "aria-label": say("card.coordinates"),
    });
    this.element = h(
      "section",
      { class: "region-card form question", "aria-label": say("inside.title"), hidden: true },
      h(
        "div",
        { class: "card-head" },
        h("h2", { tabIndex: -1 }, say("inside.title")),
        iconButton("close", say("close"), () => editor.leave()),
      ),
      name && h("p", { class: "label muted" }, name),
      h("label", { class: "field" }, h("span", null, say("inside.when")), this.choice),
      this.other,
      this.told,
      this.list,
      h("div", { class: "form-actions" }, this.again),
      h(
        "details",
        null,
        h("summary", null, say("card.shape")),
        h(
          "div",
          { class: "form typed" },
          this.typed,
          h("button", { type: "button", class: "button small", onclick: () => this.#read() }, say("card.shape.use")),
        ),
      ),
    );
    $("#side").appendChild(this.element);
  }

  /** Type the shape instead of drawing it. */
  type() {
    this.element.hidden = false;
    const details = this.element.querySelector("details");
    if (details) details.open = true;
    this.typed.focus();
  }

  focus() {
    this.choice.focus();
  }

  remove() {
    this.#stop();
    this.app.marks.show([]);
    this.element.remove();
  }

  /** What may be seen is another: all of it is asked for anew. */
  regranted() {
    this.#shape = "";
    this.#tell([], null);
    this.shapeChanged(false);
  }

  /** @param {boolean} dragging */
  shapeChanged(dragging) {
    const { sketch } = this.editor;
    if (!sketch?.shape.closed) return;
    this.element.hidden = false;
    const problem = sketch.problem();
    if (problem) {
      this.#stop();
      this.#shape = "";
      this.#tell([], null);
      return text(this.told, problem);
    }
    const shape = JSON.stringify(sketch.geojson());
    if (dragging || shape === this.#shape) return;
    this.#shape = shape;
    this.#soon();
  }

  async #read() {
    try {
      const { sketch } = await pasted(this.typed.value);
      if (this.element.isConnected) this.editor.replace(sketch);
    } catch (error) {
      text(this.told, /** @type {Error} */ (error).message);
    }
  }

  #choose() {
    const { zone } = this.app.preferences.value;
    const now = this.app.now();
    const other = this.choice.value === "other";
    if (other && !this.from.value) {
      const { from, until } = this.#range ?? { from: now - 3_600_000, until: now };
      this.from.value = local(from, zone);
      this.until.value = local(until, zone);
    }
    this.other.hidden = !other;
    this.#soon();
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#asked.abort();
  }

  #soon() {
    this.#stop();
    this.#timer = window.setTimeout(() => this.#ask(), SOON_MS);
  }

  /** @returns {import("./visits.js").Range|null} */
  #wanted() {
    const { zone } = this.app.preferences.value;
    const chosen = rangeOf(/** @type {any} */ (this.choice.value), this.app.now(), zone);
    const range = chosen ?? { from: instant(this.from.value, zone), until: instant(this.until.value, zone) };
    return range.until > range.from ? range : null;
  }

  /** @param {boolean} [more] what follows of the same */
  async #ask(more = false) {
    this.#stop();
    const { sketch } = this.editor;
    if (!sketch?.shape.closed || sketch.problem()) return;
    if (!more) this.#range = this.#wanted();
    if (!this.#range) {
      this.#tell([], null);
      return text(this.told, say("inside.no_range"));
    }
    const asked = new AbortController();
    this.#asked = asked;
    const { geometry, properties } = sketch.geojson();
    text(this.told, say("inside.asking"));
    this.element.setAttribute("aria-busy", "true");
    this.again.hidden = true;
    try {
      const { visits, next } = await call("POST", "history/inside", {
        query: { limit: PAGE, cursor: more ? this.#next : null },
        body: { geometry, ...properties, ...this.#range },
        signal: asked.signal,
      });
      this.#tell(more ? [...this.#visits, ...visits] : visits, next);
    } catch (error) {
      if (asked.signal.aborted) return;
      if (!more) this.#tell([], null);
      text(this.told, why(/** @type {Error} */ (error)));
      this.#offer(say("inside.again"), () => this.#ask(more));
    }
    this.element.removeAttribute("aria-busy");
  }

  /** @param {string} words @param {() => void} does */
  #offer(words, does) {
    text(this.again, words);
    this.again.onclick = does;
    this.again.hidden = false;
  }

  /** @param {Visit[]} visits @param {string|null} next */
  #tell(visits, next) {
    this.#visits = visits;
    this.#next = next;
    this.#chosen = null;
    this.app.marks.show(visits);
    const groups = grouped(visits);
    const told = say("inside.told", { n: visits.length, vehicles: say("list.all", { n: groups.length }) });
    text(this.told, visits.length ? (next ? `${told} ${say("inside.part")}` : told) : say("inside.nobody"));
    this.again.hidden = true;
    if (next) this.#offer(say("inside.more"), () => this.#ask(true));
    fill(
      this.list,
      groups.map((group) => [
        h(
          "li",
          { class: "who" },
          h("b", { class: "grow" }, this.app.vehicleName(group.vehicle)),
          h("span", { class: "num muted" }, format.lasted(group.total)),
        ),
        group.visits.map((visit) => this.#row(visit)),
      ]),
    );
  }

  /** @param {Visit} visit */
  #row(visit) {
    const { zone } = this.app.preferences.value;
    const now = this.app.now();
    const when = (/** @type {string|null} */ at) => at && format.when(Date.parse(at), now, zone);
    const said = visit.passed_through
      ? say("inside.passed", { time: when(visit.entered_at) || say("inside.before") })
      : say("inside.stay", {
          entered: when(visit.entered_at) || say("inside.before"),
          left: when(visit.exited_at) || say("inside.still"),
        });
    const time = format.lasted(visit.duration_s * 1000);
    const least = visit.entry.how === "fix" || visit.exit.how === "fix";
    return h(
      "li",
      null,
      h(
        "button",
        {
          type: "button",
          class: "link grow",
          "aria-pressed": "false",
          "aria-label": `${this.app.vehicleName(visit.vehicle)}: ${said}`,
          onclick: (/** @type {MouseEvent} */ e) => this.#show(visit, /** @type {Element} */ (e.currentTarget)),
        },
        said,
      ),
      h("span", { class: "num muted" }, least ? say("inside.least", { time }) : time),
      this.#end(visit, "entry", "enter"),
      this.#end(visit, "exit", "exit"),
    );
  }

  /** The moment it came in, or went out; inside before or still, that the range begins or ends.
   * @param {Visit} visit @param {"entry"|"exit"} end @param {"enter"|"exit"} kind */
  #end(visit, end, kind) {
    const { app } = this;
    const said = kind === "enter" ? visit.entered_at : visit.exited_at;
    const edge = kind === "enter" ? this.#range?.from : Math.min(this.#range?.until ?? app.now(), app.now());
    const time = said ? Date.parse(said) : (edge ?? app.now());
    const { zone } = app.preferences.value;
    const words = say(said ? `inside.${kind}` : kind === "enter" ? "inside.was" : "inside.is", {
      vehicle: format.isolate(app.vehicleName(visit.vehicle)),
      time: format.when(time, app.now(), zone),
    });
    const { lat, lon } = visit[end];
    const place = lat === null || lon === null ? null : [lat, lon];
    return momentButton(app, words, time, { vehicle: visit.vehicle, place }, kind);
  }

  /** The track of a visit, there on the map; chosen again it goes. @param {Visit} visit @param {Element} button */
  async #show(visit, button) {
    const again = this.#chosen === visit;
    for (const one of this.list.querySelectorAll("[aria-pressed]"))
      one.setAttribute("aria-pressed", String(one === button && !again));
    this.#chosen = again ? null : visit;
    this.app.marks.choose(this.#chosen, []);
    if (again || !this.#range) return;
    try {
      const span = around(visit, this.#range);
      const { positions } = await get(`${vehiclePath(visit.vehicle)}/track`, { ...span, limit: FIXES });
      if (this.#chosen === visit) this.app.marks.choose(visit, positions);
    } catch (error) {
      this.app.say(/** @type {Error} */ (error).message);
    }
  }
}

/** @param {Error} error */
function why(error) {
  return error instanceof ApiError && error.status === 422
    ? (error.errors[0]?.message ?? error.message)
    : error.message;
}
