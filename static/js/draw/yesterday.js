// Drag the fence and yesterday changes: while a shape moves, what the last 24 h would have been with it, beside what
// was told. Every fix counts; numbers of an older shape never pass for those of this one.

import { ApiError, call } from "../net/api.js";
import { seesEverything } from "../net/grants.js";
import { newest, Turns } from "../model/past/rehearsal.js";
import { momentLink } from "../panels/timeline/lead.js";
import { fill, h, refill, text } from "../parts/dom.js";
import * as format from "../words/format.js";
import { told } from "../words/phrases.js";
import { pieces, say } from "../words/words.js";

const LATE_MS = 800; // so old, and it is said
const REST_MS = 350; // after a key
const SHOWN = 5;

export class Yesterday {
  #line = h("p", { role: "status", class: "yesterday-counts" });
  #note = h("p", { class: "yesterday-note", hidden: true });
  #list = h("ul", { class: "plain" });
  element = h("section", { class: "preview yesterday num", hidden: true }, this.#line, this.#note, this.#list);
  /** @type {import("../model/past/rehearsal.js").Answer|null} the newest */ #answer = null;
  #on = false;
  #moving = false;
  #asked = new AbortController();
  #rest = 0;
  #late = 0;
  #again = 0;
  /** @type {Turns<boolean>} is it going on? */ #turns = new Turns((going) => this.#ask(going));

  /**
   * @param {import("../app.js").App} app
   * @param {import("./shifted.js").Shifted} shifted
   * @param {() => any} feature as it would be saved; throws what is wrong with it
   */
  constructor(app, shifted, feature) {
    this.app = app;
    this.shifted = shifted;
    this.feature = feature;
    this.element.setAttribute("aria-label", say("yesterday"));
  }

  /** Somebody moves it: from now on it is told. Who may not see everything keeps the preview alone. */
  begin() {
    if (this.#on || this.#asked.signal.aborted || !seesEverything(this.app.who.grants)) return;
    this.#on = true;
    this.element.hidden = false;
    text(this.#line, say("yesterday.reading"));
  }

  /** It is another shape now. @param {boolean} dragging */
  moved(dragging) {
    if (dragging) this.begin();
    if (!this.#on) return;
    const released = this.#moving && !dragging;
    this.#moving = dragging;
    clearTimeout(this.#rest);
    clearTimeout(this.#again);
    this.#line.setAttribute("aria-busy", "true"); // read out at rest, not five times a second
    if (!this.#late) this.#late = window.setTimeout(() => this.#say(say("yesterday.late")), LATE_MS);
    this.#turns.want(!released);
    if (!dragging && !released) this.#rest = window.setTimeout(() => this.#turns.want(false), REST_MS);
  }

  /** Nothing can be asked about this shape. */
  refused() {
    if (!this.#on) return;
    clearTimeout(this.#rest);
    this.#turns.forget();
    this.#say(say("yesterday.refused"));
  }

  stop() {
    for (const timer of [this.#rest, this.#late, this.#again]) clearTimeout(timer);
    this.#turns.stop();
    this.#asked.abort();
    this.#on = false;
    this.element.hidden = true;
    this.shifted.show(null);
  }

  /** @param {boolean} going */
  async #ask(going) {
    const { signal } = this.#asked;
    try {
      const body = this.feature();
      const answer = await call("POST", "history/rehearse", { query: going ? { going: 1 } : {}, body, signal });
      if (signal.aborted) return;
      this.#answer = answer;
      clearTimeout(this.#late);
      this.#late = 0;
      this.#tell();
      if (going && answer.behind) {
        this.#say(say("yesterday.late"));
        if (!this.#turns.behind) this.#turns.want(true);
      } else if (this.#turns.behind) this.#late = window.setTimeout(() => this.#say(say("yesterday.late")), LATE_MS);
      else if (!going) this.#line.setAttribute("aria-busy", "false");
    } catch (error) {
      if (!signal.aborted) this.#failed(/** @type {Error} */ (error));
    }
  }

  /** @param {Error} error */
  #failed(error) {
    clearTimeout(this.#late);
    this.#late = 0;
    if (!(error instanceof ApiError)) return this.#say(error.message);
    if (error.status === 403 || error.status === 404) return this.stop(); // not theirs, or an older server
    if (error.status === 422) return this.#say(error.errors[0]?.message ?? error.message);
    this.#say(say(error.status === 0 ? "yesterday.away" : error.status === 503 ? "yesterday.busy" : "yesterday.none"));
    clearTimeout(this.#again);
    this.#again = window.setTimeout(() => this.#turns.want(false), 1000 * Math.max(2, error.wait));
  }

  /** Why the numbers, if there are any, are of another shape. @param {string} why */
  #say(why) {
    if (!this.#answer) return text(this.#line, why === say("yesterday.late") ? say("yesterday.reading") : why);
    text(this.#note, why);
    this.#note.hidden = false;
    this.element.classList.add("old");
    this.shifted.show(this.#answer, true);
  }

  #tell() {
    const answer = this.#answer;
    if (!answer) return;
    const { zone } = this.app.preferences.value;
    const bold = (/** @type {string} */ key, /** @type {number} */ n) => [
      h("b", null, say(/** @type {any} */ (key), { n: format.count(n) })),
    ];
    this.element.classList.remove("old");
    this.#note.hidden = true;
    fill(
      this.#line,
      pieces("yesterday.counts", {
        same: bold("yesterday.same", answer.same),
        appeared: bold("yesterday.appeared", answer.appeared_count),
        vanished: bold("yesterday.vanished", answer.vanished_count),
        changed: bold("yesterday.changed", answer.changed_count),
      }),
    );
    const some = newest(answer, SHOWN);
    const names = { ...this.app.names(), region: () => this.feature().properties.name };
    refill(
      this.#list,
      some.map(({ what, event }) => what + event.id).join(" "),
      some.map(({ what, event }) => {
        const time = Date.parse(event.time);
        const words = told(event, names).join(" ");
        const where = { vehicle: event.vehicle, place: [event.lat, event.lon] };
        return h(
          "li",
          { data: { what } },
          h("span", { class: "sign", role: "img", "aria-label": say(`yesterday.${what}.one`) }, SIGNS[what]),
          " ",
          momentLink(this.app, format.when(time, this.app.now(), zone), words, time, where),
          ` ${words}`,
        );
      }),
    );
    this.shifted.show(answer);
  }
}

const SIGNS = { appeared: "+", vanished: "−", changed: "≠" };
