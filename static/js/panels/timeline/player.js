// What plays: which way, how fast, and where that leads by the next frame.

import * as moments from "../../model/past/moment.js";

const LONGEST_MS = 250; // a frame that took longer was no frame: nobody saw what was passed
const CALM_STEPS = 2; // a second, with reduced motion

export class Player {
  /** @type {-1|0|1} */ direction = 0;
  #clock = 0; // of the frame before

  /** @param {import("../../app.js").App} app @param {import("./known.js").Known} known */
  constructor(app, known) {
    this.app = app;
    this.known = known;
  }

  get speed() {
    return this.app.state.value.speed;
  }

  /** @param {1|-1} direction */
  start(direction) {
    this.direction = direction;
    this.#clock = 0;
  }

  /** From a moment to the one of this frame. @param {number} at @param {number} now of the frame */
  on(at, now) {
    const passed = this.#clock ? Math.min(now - this.#clock, LONGEST_MS) : 0;
    this.#clock = now;
    const next = at + passed * this.speed * this.direction;
    const skips = passed > 0 && this.app.preferences.value.skip;
    return skips ? moments.skipped(this.known.dull, next, this.direction) : next;
  }

  /** The moment that is drawn: with reduced motion, by steps. @param {number} at */
  drawn(at) {
    if (!this.direction || !this.app.fleet.motion.still) return at;
    const step = (this.speed * moments.SECOND) / CALM_STEPS;
    return Math.floor(at / step) * step;
  }
}
