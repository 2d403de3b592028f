// The events this page knows: ordered by seq, each once, acknowledged by anyone, grouped where they repeat. Pure.

/** @typedef {import("../words/phrases.js").Event} Event */
/** @typedef {{key: string, events: Event[], newest: Event}} Group  newest first */

const GROUP_MS = 300_000;
const KEPT = 5000;

export class Journal {
  constructor() {
    /** @type {Event[]} newest first */ this.events = [];
    /** @type {Map<string, Event>} */ this.byId = new Map();
    this.last = 0; // newest seq ever heard of
    this.oldest = Infinity;
    this.complete = false; // the first event of all is here
    /** @type {Map<string, {by: string|null, at: string}>} acks of events not here yet */ this.early = new Map();
    this.version = 0;
  }

  /** Take events in any order; returns those not known before, oldest first. @param {Event[]} events */
  add(events) {
    for (const event of events) if (event.kind === "erased") this.#erase(event);
    const fresh = events.filter((event) => !this.byId.has(event.id) && event.kind !== "erased");
    for (const event of fresh) {
      const ack = this.early.get(event.id);
      if (ack) event.ack = ack.by ? /** @type {any} */ (ack) : undefined;
      this.early.delete(event.id);
      this.byId.set(event.id, event);
      this.last = Math.max(this.last, event.seq);
      this.oldest = Math.min(this.oldest, event.seq);
    }
    if (!fresh.length) return fresh;
    fresh.sort((a, b) => a.seq - b.seq);
    const inOrder = !this.events.length || fresh[0].seq > this.events[0].seq;
    this.events = inOrder
      ? [...fresh].reverse().concat(this.events)
      : [...this.events, ...fresh].sort((a, b) => b.seq - a.seq);
    for (const gone of this.events.splice(KEPT)) {
      this.byId.delete(gone.id);
      this.complete = false;
      this.oldest = this.events[this.events.length - 1].seq;
    }
    this.version++;
    return fresh;
  }

  /** Its vehicle's history is gone: nothing is left to show, but its place in the log counts. @param {Event} event */
  #erase(event) {
    this.last = Math.max(this.last, event.seq);
    this.oldest = Math.min(this.oldest, event.seq);
    if (!this.byId.delete(event.id)) return;
    this.events = this.events.filter(({ id }) => id !== event.id);
    this.version++;
  }

  /** Is theirs another log than the one known here: has it another event in some place? @param {Event[]} events */
  differs(events) {
    const ids = new Map(events.map(({ seq, id }) => [seq, id]));
    return this.events.some(({ seq, id }) => (ids.get(seq) ?? id) !== id);
  }

  /** What others acknowledged, or doubt, unheard by this page. @param {Event[]} events as the store has them */
  refresh(events) {
    for (const event of events) {
      const known = event.kind !== "erased" && this.byId.get(event.id);
      if (!known) continue;
      known.ack = event.ack;
      known.doubted = event.doubted;
    }
  }

  /** Another store begins: its numbers have nothing to do with those here. */
  clear() {
    this.events = [];
    this.byId.clear();
    this.early.clear();
    this.last = 0;
    this.oldest = Infinity;
    this.complete = false;
  }

  /** Only these are left, as they are told now. @param {Event[]} events */
  replace(events) {
    const raised = new Set(this.events.filter((event) => event.raised).map(({ id }) => id));
    this.clear();
    for (const event of this.add(events)) event.raised = raised.has(event.id);
    this.version++;
  }

  /** @param {string} id @param {string|null} by null: taken back @param {string} at */
  ack(id, by, at) {
    const event = this.byId.get(id);
    if (!event) this.early.set(id, { by, at });
    else if (by) event.ack = { by, at };
    else delete event.ack;
    this.version++;
    return event;
  }

  /** Those that pass, repeats of the same vehicle, region and kind within five minutes folded together.
   * @param {(event: Event) => boolean} passes @param {number} [limit] groups @returns {Group[]} */
  groups(passes, limit = Infinity) {
    /** @type {Group[]} */ const out = [];
    /** @type {Map<string, Group>} */ const open = new Map();
    for (const event of this.events) {
      if (!passes(event)) continue;
      // Who is heard again after an outage is one piece of news, however many they are.
      const same = `${event.kind === "heard" ? "" : event.vehicle}\0${event.region ?? ""}\0${event.kind}\0${event.delayed ? 1 : 0}\0${event.ack ? 1 : 0}`;
      const group = open.get(same);
      if (group && Date.parse(group.newest.time) - Date.parse(event.time) < GROUP_MS) group.events.push(event);
      else {
        if (out.length >= limit) continue;
        const made = { key: event.id, events: [event], newest: event };
        open.set(same, made);
        out.push(made);
      }
    }
    return out;
  }
}

/** Is it silenced now? @param {Event} event @param {Record<string, number>} mutes @param {number} now */
export function muted(event, mutes, now) {
  return (
    (mutes[`vehicle:${event.vehicle}`] ?? 0) > now ||
    (event.region !== undefined && (mutes[`region:${event.region}`] ?? 0) > now) ||
    (mutes[`kind:${event.kind}`] ?? 0) > now
  );
}

const ALWAYS = new Set(["alarm", "silent", "low_battery", "overspeed_start"]);
const ALARM_MS = 86_400_000; // an alarm is raised however late it comes, up to this
/**
 * Does the page raise it: toast, sound, halo? A region's `notify` decides for region events; delayed ones never are,
 * but an alarm.
 * @param {Event} event
 * @param {string[]|undefined} notify the region's
 */
export function raises(event, notify) {
  if (event.kind === "alarm") return Date.parse(event.received_at) - Date.parse(event.time) <= ALARM_MS;
  if (event.delayed) return false;
  if (!event.region) return ALWAYS.has(event.kind);
  return (notify ?? ["enter", "exit", "dwell"]).includes(event.kind);
}
