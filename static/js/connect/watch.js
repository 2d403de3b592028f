// Whether the device is heard: asked every second, said in words, green with the first position.

import { ApiError, call, get } from "../net/api.js";
import { fill, h, text } from "../parts/dom.js";
import { clock, lasted, place } from "../words/format.js";
import { known, problem, say } from "../words/words.js";
import { diagnose } from "./diagnosis.js";

const ASK_MS = 1000;

/** @typedef {import("./diagnosis.js").Told} Told */

export class Watch {
  /**
   * @param {string} id of the token
   * @param {{zone: string, tell: (words: string) => void}} how
   */
  constructor(id, { zone, tell }) {
    this.id = id;
    this.zone = zone;
    this.tell = tell;
    this.words = h("p", { class: "waiting", role: "status" }, say("connect.heard.listening"));
    this.more = h("div", { class: "connect" });
    this.element = h("section", { class: "connect-part watch", data: { how: "waiting" } }, this.words, this.more);
    this.mark = "";
    this.ended = false;
    this.ask();
  }

  end() {
    this.ended = true;
  }

  async ask() {
    if (this.ended) return;
    if (!document.hidden) {
      try {
        const token = await get(`tokens/${this.id}`);
        const { without = [] } = token.heard || token.seen ? {} : await get("tokens", { limit: 1 });
        if (this.ended) return;
        this.#show(diagnose(token, without, Date.now()), token);
      } catch (fault) {
        if (fault instanceof ApiError && fault.status === 404) return this.#say("off", say("connect.revoked"));
        this.mark = "";
        this.#say("off", say("connect.offline", { why: /** @type {Error} */ (fault).message }));
      }
    }
    setTimeout(() => this.ask(), ASK_MS);
  }

  /** @param {string} how @param {string} words @param {...any} more */
  #say(how, words, ...more) {
    this.element.dataset.how = how;
    text(this.words, words);
    fill(this.more, ...more);
    this.more.hidden = !more.some(Boolean);
  }

  /** @param {Told} told @param {any} token */
  #show(told, token) {
    const { heard, seen } = token;
    // what stands there stays, with a focus that may be in it, while it is the same
    const mark = JSON.stringify([told, told.how === "done" ? seen : heard?.at]);
    if (mark === this.mark) return;
    this.mark = mark;
    if (told.how === "done") {
      const trouble = told.code
        ? h(
            "div",
            { class: "notice warn" },
            h("div", null, h("b", null, say("connect.done.but")), h("p", null, wordsOf(told))),
          )
        : null;
      return this.#say(
        "done",
        say("connect.done", { name: seen.name }),
        facts(seen, this.zone),
        trouble,
        this.#onMap(seen),
      );
    }
    const from =
      heard &&
      h(
        "p",
        { class: "muted" },
        say("connect.heard.from", { time: clock(Date.parse(heard.at), this.zone), address: heard.address }),
      );
    this.#say(told.how, wordsOf(told), this.#deeds(told), from);
  }

  /** @param {Told} told */
  #deeds({ code, vehicles = [], away = [] }) {
    if (vehicles.length)
      return h(
        "div",
        { class: "watch-deeds" },
        vehicles.map((name) => this.#admit(name)),
      );
    if (away.length)
      return h(
        "ul",
        null,
        away.map((one) =>
          h("li", null, say("connect.heard.away", { ...one, time: clock(Date.parse(one.at), this.zone) })),
        ),
      );
    if (code === "vehicle_refused")
      return h("p", null, h("a", { class: "link", href: "people#quarantine" }, say("people.quarantine")));
    return null;
  }

  /** @param {string} name */
  #admit(name) {
    const button = h(
      "button",
      {
        type: "button",
        class: "button primary",
        onclick: async () => {
          button.disabled = true;
          try {
            await call("POST", `quarantine/${encodeURIComponent(name)}/admit`, { body: {} });
            this.tell(say("connect.admitted", { name }));
            text(button, say("connect.admitted", { name }));
          } catch (fault) {
            button.disabled = false;
            button.after(h("span", { class: "notice bad", role: "alert" }, /** @type {Error} */ (fault).message));
          }
        },
      },
      say("connect.admit", { name }),
    );
    return button;
  }

  /** @param {import("./diagnosis.js").Seen} seen */
  #onMap({ vehicle }) {
    const href = `./#vehicle=${encodeURIComponent(vehicle)}&track=1`;
    return h("div", { class: "watch-deeds" }, h("a", { class: "button primary", href }, say("connect.done.map")));
  }
}

/** @param {Told} told */
function wordsOf({ code, message = "", off_ms = 0, protocol = "" }) {
  const key = `connect.heard.${code}`;
  if (!known(key)) return say("connect.heard.refused", { why: problem(code, message) || code });
  return say(/** @type {"connect.heard.old"} */ (key), {
    time: off_ms ? lasted(Math.round(off_ms / 60_000) * 60_000) : code === "quiet" ? lasted(120_000) : "…",
    ...(protocol || code === "unknown_protocol" ? { protocol: protocol || "/ingest/" } : {}),
  });
}

/** @param {import("./diagnosis.js").Seen} seen @param {string} zone */
function facts({ position }, zone) {
  const { lat, lon, time, accuracy_m, battery_pct } = position;
  const rows = /** @type {[string, string|null][]} */ ([
    [say("connect.done.place"), lat === null || lon === null ? null : place(lat, lon)],
    [say("connect.done.time"), clock(Date.parse(time), zone)],
    [say("connect.done.accuracy"), accuracy_m === undefined ? null : `${Math.round(accuracy_m)} m`],
    [say("connect.done.battery"), battery_pct === undefined ? null : `${Math.round(battery_pct)} %`],
  ]);
  return h(
    "dl",
    { class: "facts" },
    rows
      .filter(([, value]) => value !== null)
      .map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))),
  );
}
