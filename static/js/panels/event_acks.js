// Acknowledging events, for everyone, and taking it back: each a deed that can be undone.

import { ApiError, call } from "../net/api.js";
import { Signal } from "../model/signal.js";
import { tell } from "../words/phrases.js";
import { say } from "../words/words.js";

/** @typedef {import("../model/events.js").Group} Group */

export class Acknowledgements {
  /** @type {Signal<[]>} whose an event is may be another */ changed = new Signal();
  /** @type {Group|null} given, and not taken back since */ last = null;
  #turn = Promise.resolve();

  /** @param {import("../app.js").App} app @param {import("../page/alerts.js").Alerts} alerts */
  constructor(app, alerts) {
    this.app = app;
    this.alerts = alerts;
  }

  /** @param {Group} group @param {boolean} yes false: take it back */
  async give(group, yes) {
    if (!this.app.may("acknowledge")) return;
    const by = yes ? await this.alerts.askName() : "";
    if (yes && !by) return;
    // One after the other: who takes one back at once means this one, not the one before.
    if (yes) this.last = group;
    this.#turn = this.app.deeds.doing(this.#turn.then(() => this.#answer(group, by)));
    return this.#turn;
  }

  /** @param {Group} group @param {string} by "": taken back */
  async #answer(group, by) {
    const yes = by !== "";
    /** @type {Map<string, string>} whose acknowledgement this deed gave or took */ const done = new Map();
    for (const event of group.events) {
      const was = event.ack?.by;
      if (Boolean(was) === yes) continue;
      try {
        const is = await this.#ack(event.id, by);
        if (!yes || is === by) done.set(event.id, was ?? by);
      } catch (error) {
        this.alerts.toast({
          icon: "warn",
          title: say(yes ? "events.not_acked" : "events.still_acked"),
          body: error instanceof ApiError ? error.message : String(error),
        });
        break;
      }
    }
    const words = tell(group.newest, this.app.names());
    if (done.size)
      this.app.deeds.did({
        icon: yes ? "check" : "undo",
        title: say(yes ? "events.was_acked" : "events.taken_back"),
        body: words,
        undo: async () => {
          for (const [id, name] of done) await this.#ack(id, yes ? "" : name);
          this.changed.tell();
          return say(yes ? "events.again" : "events.acked_again", { event: words });
        },
      });
    if (!yes && this.last === group) this.last = null;
    this.alerts.recount();
    this.changed.tell();
  }

  /** @param {string} id @param {string} by "": taken back @returns {Promise<string>} whose it is now */
  async #ack(id, by) {
    const answer = await call(
      by ? "POST" : "DELETE",
      `events/${encodeURIComponent(id)}/ack`,
      by ? { body: { by } } : {},
    );
    const is = by && (answer?.ack?.by ?? by);
    this.app.journal.ack(id, is || null, answer?.ack?.at ?? new Date(this.app.now()).toISOString());
    this.alerts.recount();
    return is;
  }
}
