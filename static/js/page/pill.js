// The truth about the connection, in one pill: live with its latency, catching up, reconnecting in, offline since, paused.

import { steady } from "../net/clock.js";
import { h, text } from "../parts/dom.js";
import * as format from "../words/format.js";

/** @typedef {import("../net/connection.js").Status} Status */

export class Pill {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    this.app = app;
    this.main = h("span", null, "Connecting");
    this.extra = h("span", { class: "dim" });
    this.element = h("button", { type: "button", class: "pill", id: "pill", onclick: () => app.togglePause() }, this.main, " ", this.extra);
    this.caughtUp = { events: 0, until: 0 };
    this.said = "";
  }

  /** A resume brought this many events. @param {number} events */
  resumed(events) {
    this.caughtUp = { events, until: steady() + 8000 };
    this.render();
  }

  render() {
    const { status } = this.app.connection, now = steady(), { backlog, paused } = this.app, zone = this.app.preferences.value.zone;
    let phase = /** @type {string} */ (status.phase), main = "", extra = "";
    if (phase === "waiting" && now - status.since > 10_000) phase = "offline";
    if (paused && status.phase === "live") {
      phase = "paused";
      main = "Paused";
      extra = `${format.count(backlog.updates)} waiting${backlog.events ? ` · ${backlog.events} ${backlog.events === 1 ? "event" : "events"}` : ""}`;
    } else if (phase === "live") {
      main = this.app.catchingUp ? "Catching up" : "Live";
      if (this.app.catchingUp) phase = "catching";
      const way = status.by === "websocket" ? "" : status.by === "stream" ? "stream" : "polling";
      const { events, until } = this.caughtUp, caughtUp = until > now ? ["caught up", events && `${events} ${events === 1 ? "event" : "events"}`] : [];
      extra = [...caughtUp, way].filter(Boolean).join(" · ") || (status.latency === null ? "" : `${Math.max(1, Math.round(status.latency))} ms`);
    } else if (phase === "waiting" || phase === "offline") {
      const wait = Math.max(0, Math.ceil((status.retryAt - now) / 1000));
      main = phase === "offline" ? `Offline since ${format.clockShort(this.app.fleet.now(status.since), zone)}` : "Reconnecting";
      extra = phase === "offline" ? (status.retryAt && wait > 0 ? `retry in ${wait} s` : "retrying") : status.retryAt && wait > 0 ? `in ${wait} s` : "now";
    } else if (phase === "refused") {
      main = "Refused";
      extra = status.reason;
    } else main = "Connecting";
    if (status.progress && phase !== "live") extra = status.progress; // on its way, part by part
    if (paused && status.phase !== "live") extra += " · paused";
    this.element.dataset.phase = phase;
    text(this.main, main);
    text(this.extra, extra);
    this.extra.hidden = !extra;
    this.element.title = `${paused ? "Resume" : "Pause"} the display (Space)`;
    this.element.setAttribute("aria-pressed", String(paused));
    // Only what a listener must know, once: not every second of a countdown.
    const news = phase === "offline" ? "Connection lost" : phase === "live" && this.said === "Connection lost" ? "Connected again" : phase === "refused" ? "Connection refused" : this.said;
    if (news !== this.said) this.app.say((this.said = news));
  }
}
