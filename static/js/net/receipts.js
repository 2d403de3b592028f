// Which frame to acknowledge, and when: the server holds positions back until it hears. Pure; the caller keeps the
// clock.

const EVERY_MS = 250; // between two acknowledgements
// a page that reads but cannot paint (covered, throttled, without a map) acknowledges what it has read
const UNPAINTED_MS = 500;

export class Receipts {
  constructor() {
    this.read = 0; // newest frame of this connection
    this.readAt = 0; // when the oldest one that is not painted was read
    this.painted = 0;
    this.got = 0; // newest acknowledged
    this.gotAt = -Infinity;
  }

  /** A frame came. @param {number} frame @param {number} now */
  heard(frame, now) {
    if (this.read === this.painted) this.readAt = now;
    this.read = Math.max(this.read, frame);
  }

  /** A frame is on screen. One of an earlier connection means nothing to this one. @param {number} frame */
  seen(frame) {
    this.painted = Math.max(this.painted, Math.min(frame, this.read));
  }

  /** In how many ms there is something to acknowledge; Infinity: not before the next frame. @param {number} now */
  wait(now) {
    if (this.read === this.got) return Infinity;
    const ready = this.painted > this.got ? 0 : this.readAt + UNPAINTED_MS - now;
    return Math.max(0, ready, this.gotAt + EVERY_MS - now);
  }

  /** The frame to acknowledge now; 0: none. It stays due until it was `sent`. @param {number} now */
  due(now) {
    if (this.wait(now) > 0) return 0;
    return now - this.readAt >= UNPAINTED_MS ? this.read : Math.max(this.painted, this.got);
  }

  /** @param {number} frame @param {number} now */
  sent(frame, now) {
    this.got = this.painted = Math.max(frame, this.got);
    if (this.read > this.painted) this.readAt = now;
    this.gotAt = now;
  }
}
