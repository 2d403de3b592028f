// What the store and the channel know of events, brought into the page's journal; what is new is raised.

import { get } from "../net/api.js";
import { Signal } from "../model/signal.js";

/** @typedef {import("../words/phrases.js").Event} Event */

const FIRST = 200;
export const MORE = 200;
const MOST_MISSED = 2000;
const MOST_DOUBTED = 1000;

export class EventFeed {
  /** @type {Signal<[another: boolean]>} the journal is longer, or `another` one */ changed = new Signal();
  /** @type {Signal<[]>} some were acknowledged, or happened */ happened = new Signal();
  #loading = false;
  /** @type {Event[]|null} heard while all others are asked for anew */ #meanwhile = null;

  /** @param {import("../app.js").App} app @param {import("../page/alerts.js").Alerts} alerts */
  constructor(app, alerts) {
    this.app = app;
    this.alerts = alerts;
    app.heard.on((message) => this.#read(message));
    app.corrected.on((one) => this.#doubt(one));
    app.forgotten.on(() => this.#again());
  }

  /** The newest events there are, from the store; once more after each break, for what the channel did not bring.
   * @returns {Promise<void>} */
  async load() {
    const { journal, preferences } = this.app;
    const before = journal.last;
    const first = !journal.events.length;
    const { seen } = preferences.value;
    const { signal } = this.app.asking;
    try {
      let { events, last } = await get("events", { before: Number.MAX_SAFE_INTEGER, limit: FIRST }, signal);
      const other = last < before || journal.differs(events); // a backup was restored
      if (other) journal.clear();
      journal.refresh(events);
      if (first) journal.complete = events.length < FIRST;
      const missed = journal.add(events).filter((event) => before > 0 && event.seq > before);
      while (
        before > 0 &&
        events.length === FIRST &&
        events[FIRST - 1].seq > before + 1 &&
        missed.length < MOST_MISSED
      ) {
        ({ events } = await get("events", { before: events[FIRST - 1].seq, limit: FIRST }, signal));
        missed.push(...journal.add(events).filter((event) => event.seq > before));
      }
      journal.last = Math.max(journal.last, last ?? 0);
      // Never looked, or looked at another store: what happened before is not news.
      // What another page has read meanwhile stays read.
      if (preferences.value.seen === seen && (seen < 0 || seen > journal.last)) preferences.set({ seen: journal.last });
      this.alerts.raise(missed.filter((event) => this.#followed(event)).sort((a, b) => a.seq - b.seq));
      this.alerts.recount();
      this.changed.tell(other);
    } catch {
      if (signal.aborted) return this.load();
      // The channel brings what happens from now on; older ones when the reader asks for them.
    }
  }

  /** Would the channel have told of it? @param {Event} event */
  #followed(event) {
    const { regions } = this.app.state.value;
    return regions === null || regions.includes(event.region ?? "") || this.app.fleet.byId.has(event.vehicle);
  }

  /** Bring some that are older than all the journal has; false: there were none to bring, or not now. */
  async older() {
    const { journal } = this.app;
    if (this.#loading || journal.complete || !Number.isFinite(journal.oldest)) return false;
    this.#loading = true;
    try {
      const { events } = await get("events", { before: journal.oldest, limit: MORE }, this.app.asking.signal);
      journal.add(events);
      journal.complete = events.length < MORE;
      return true;
    } catch {
      return false; // asked again at the next scroll
    } finally {
      this.#loading = false;
    }
  }

  /** What a correction says of events that were told already. @param {{vehicle: string, from: string}} one */
  async #doubt({ vehicle, from }) {
    const asked = { vehicle, from, after: 0, limit: MOST_DOUBTED };
    const told = await get("events", asked, this.app.asking.signal).catch(() => null);
    if (!told) return; // the next time they are loaded says it
    this.app.journal.refresh(told.events);
    this.changed.tell(false);
  }

  /** What may be seen by now, as it may: of all others nothing stays. */
  async #again() {
    const { journal } = this.app;
    /** @type {Event[]} */ const meanwhile = [];
    this.#meanwhile = meanwhile;
    const { events, last } = await get("events", { before: Number.MAX_SAFE_INTEGER, limit: FIRST }).catch(() => ({
      events: [], // what nobody can say is not shown; the next break asks again
      last: 0,
    }));
    if (this.#meanwhile !== meanwhile) return; // asked once more
    this.#meanwhile = null;
    journal.replace([
      ...events,
      ...meanwhile.filter(({ id }) => !events.some((/** @type {Event} */ e) => e.id === id)),
    ]);
    journal.complete = events.length < FIRST;
    journal.last = Math.max(journal.last, last ?? 0);
    this.alerts.recount();
    this.changed.tell(true);
  }

  /** @param {any} message */
  #read(message) {
    const { journal } = this.app;
    let changed = false;
    if (message.events?.length) this.#meanwhile?.push(...message.events);
    if (message.op === "welcome" && this.app.resume.everLive) this.load();
    if (message.events?.length) {
      const fresh = journal.add(message.events);
      this.alerts.raise(fresh);
      changed = fresh.length > 0;
    }
    for (const { id, by, at } of message.acked ?? []) {
      journal.ack(id, by, at);
      changed = true;
    }
    if (!changed) return;
    this.alerts.recount();
    this.happened.tell();
  }
}
