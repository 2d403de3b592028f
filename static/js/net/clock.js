// Two clocks of this machine: one that only runs (it cannot be set, but may stand still in sleep), one that can be set.

/** Milliseconds that only ever grow, near the epoch's: what ages and silence are measured by. */
export const steady = () => performance.timeOrigin + performance.now();

const JUMP_MS = 2000;

/** Notices that the machine slept or its clock was set: the two clocks then disagree about how much time has passed. */
export class Jumps {
  /** @param {number} steadyNow @param {number} wallNow */
  constructor(steadyNow, wallNow) {
    this.at = steadyNow;
    this.ahead = wallNow - steadyNow;
  }

  /**
   * ms that have passed by the clock that can be set and not by the other; under 0: it was set back, or the page did
   * not run for a while, which both know; 0: nothing worth a question.
   * @param {number} steadyNow
   * @param {number} wallNow
   * @param {number} every ms between looks
   */
  look(steadyNow, wallNow, every) {
    const ahead = wallNow - steadyNow;
    const jump = ahead - this.ahead;
    const late = steadyNow - this.at - every;
    this.at = steadyNow;
    this.ahead = ahead;
    return Math.abs(jump) > JUMP_MS ? jump : late > 2 * JUMP_MS ? -1 : 0;
  }
}
