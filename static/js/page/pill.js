// The truth about the connection, in one pill: live with its latency, catching up, reconnecting in, offline since,
// paused.

import { steady } from "../net/clock.js";
import { h, text } from "../parts/dom.js";
import * as format from "../words/format.js";
import { say } from "../words/words.js";

/** @typedef {import("../net/connection.js").Status} Status */

export class Pill {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    this.app = app;
    this.main = h("span", null, say("pill.connecting"));
    this.extra = h("span", { class: "dim" });
    this.element = h(
      "button",
      { type: "button", class: "pill", id: "pill", onclick: () => app.togglePause() },
      this.main,
      " ",
      this.extra,
    );
    this.caughtUp = { events: 0, until: 0 };
    this.said = "";
  }

  /** A resume brought this many events. @param {number} events */
  resumed(events) {
    this.caughtUp = { events, until: steady() + 8000 };
    this.render();
  }

  render() {
    const { recording } = this.app;
    if (recording || this.app.connection.status.phase === "ended") {
      this.element.dataset.phase = "file";
      this.element.disabled = true; // nothing of it can be paused
      this.element.removeAttribute("aria-pressed");
      this.element.title = recording ? say("file.pill.why", { name: recording.name }) : say("file.closed");
      text(this.main, say("file.pill"));
      this.extra.hidden = true;
      return;
    }
    const { status } = this.app.connection;
    const now = steady();
    const { backlog, paused } = this.app;
    const zone = this.app.preferences.value.zone;
    let phase = /** @type {string} */ (status.phase);
    let main = "";
    let extra = "";
    if (phase === "waiting" && now - status.since > 10_000) phase = "offline";
    if (paused && status.phase === "live") {
      phase = "paused";
      main = say("pill.paused");
      extra = backlog.events
        ? say("pill.waiting.events", { n: backlog.updates, events: say("pill.events", { n: backlog.events }) })
        : say("pill.waiting", { n: backlog.updates });
    } else if (phase === "live") {
      main = say(this.app.resume.catchingUp ? "pill.catching" : "pill.live");
      if (this.app.resume.catchingUp) phase = "catching";
      const way = status.by === "websocket" ? "" : say(`pill.${status.by}`);
      const { events, until } = this.caughtUp;
      const caughtUp = until > now ? [say("pill.caught_up"), events && say("pill.events", { n: events })] : [];
      extra =
        [...caughtUp, way].filter(Boolean).join(" · ") ||
        (status.latency === null ? "" : `${Math.max(1, Math.round(status.latency))} ms`);
    } else if (phase === "waiting" || phase === "offline") {
      const wait = Math.max(0, Math.ceil((status.retryAt - now) / 1000));
      main =
        phase === "offline"
          ? say("pill.offline", { time: format.clockShort(this.app.fleet.now(status.since), zone) })
          : say("pill.reconnecting");
      extra =
        status.retryAt && wait > 0
          ? say(phase === "offline" ? "pill.retry_in" : "pill.in", { n: wait })
          : say(phase === "offline" ? "pill.retrying" : "pill.now");
    } else if (phase === "refused") {
      main = say("pill.refused");
      extra = status.reason;
    } else main = say("pill.connecting");
    if (status.progress && phase !== "live") extra = status.progress; // on its way, part by part
    if (paused && status.phase !== "live") extra = say("pill.and_paused", { words: extra });
    this.element.dataset.phase = phase;
    text(this.main, main);
    text(this.extra, extra);
    this.extra.hidden = !extra;
    this.element.title = say(paused ? "pill.resume" : "pill.pause");
    this.element.setAttribute("aria-pressed", String(paused));
    // Only what a listener must know, once: not every second of a countdown.
    const news =
      phase === "offline"
        ? say("pill.said.lost")
        : phase === "live" && this.said === say("pill.said.lost")
          ? say("pill.said.again")
          : phase === "refused"
            ? say("pill.said.refused")
            : this.said;
    if (news === this.said) return;
    this.said = news;
    this.app.say(news);
  }
}
