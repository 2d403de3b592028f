// How many were in a region over the last hour, walked back from how many are in it now. Pure.

/** @typedef {{kind: string, region?: string, received_at: string}} Event */

export const HOUR = 3_600_000;

export class Occupancy {
  /** @type {{time: number, step: number}[]} comings and goings, the oldest first */ #steps = [];

  /** All there were, instead of what is known. @param {Event[]} events @param {string} region */
  read(events, region) {
    this.#steps = [];
    this.add(events, region);
  }

  /** What is newer than all that is known. @param {Event[]} events the newest first @param {string} region */
  add(events, region) {
    const known = this.#steps.at(-1)?.time ?? -Infinity;
    for (const { kind, region: of, received_at } of events) {
      if (of !== region || (kind !== "enter" && kind !== "exit")) continue;
      const time = Date.parse(received_at);
      if (time <= known) break;
      this.#steps.push({ time, step: kind === "enter" ? 1 : -1 });
    }
    this.#steps.sort((a, b) => a.time - b.time);
  }

  /**
   * [time, count] as corners of a line, from now back; and the most there were.
   * @param {number} count now
   * @param {number} now
   */
  back(count, now) {
    /** @type {[number, number][]} */ const points = [[now, count]];
    let at = count;
    let most = count;
    for (let i = this.#steps.length - 1; i >= 0 && this.#steps[i].time > now - HOUR; i--) {
      const { time, step } = this.#steps[i];
      points.push([time, at]);
      at = Math.max(0, at - step);
      points.push([time, at]);
      most = Math.max(most, at);
    }
    points.push([now - HOUR, at]);
    return { points, most };
  }
}
