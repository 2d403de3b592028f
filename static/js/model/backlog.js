// What waits while the display is paused. Pure.

/** Updates that wait while the display is paused: of positions only the newest, the rest in order, each with the clock
 * at which it was heard, so that a pause makes nobody look fresher than he is. */
export class Backlog {
  constructor() {
    /** @type {[any, number][]} */ this.messages = [];
    /** @type {Map<number, [any[], number]>} */ this.moved = new Map();
    this.updates = 0;
    this.events = 0;
  }

  /** @param {any} message @param {number} clock this machine's ms */
  add(message, clock) {
    const { moved, ...rest } = message;
    this.updates += (moved?.length ?? 0) + (rest.new?.length ?? 0) + (rest.vehicles?.length ?? 0);
    this.events += rest.events?.length ?? 0;
    if (message.op === "snapshot" && message.reset && (message.part ?? 1) === 1) {
      // Numbers and times of before mean others now; what happened stays.
      this.moved.clear();
      this.messages = this.messages
        .filter(([m]) => m.events || m.acked)
        .map(([{ events, acked }, at]) => [{ op: "update", events, acked }, at]);
    }
    for (const row of moved ?? []) {
      this.moved.delete(row[0]);
      this.moved.set(row[0], [row, clock]);
    }
    if (Object.keys(rest).some((key) => !["op", "frame", "cursor"].includes(key))) this.messages.push([rest, clock]);
  }

  /** Everything that waited, in an order that ends in the same picture. @returns {[any, number][]} */
  take() {
    const out = this.messages;
    let now = -1;
    for (const [row, clock] of this.moved.values()) {
      if (clock !== now) out.push([{ op: "update", moved: [] }, clock]);
      now = clock;
      out[out.length - 1][0].moved.push(row);
    }
    this.messages = [];
    this.moved = new Map();
    this.updates = this.events = 0;
    return out;
  }
}
