// Where each vehicle is drawn between two fixes: eased towards the newest received fix and never past it.
// Flat arrays by slot, so that drawing 20,000 vehicles touches no object.

const EASE_MS = 1000; // a marker reaches its fix at most this long after hearing of it
const JUMP = 3e-4; // world units (about 12 km): farther than this a glide would be a lie

export class Motion {
  /** @param {number} [room] */
  constructor(room = 1024) {
    this.size = 0; // slots ever used; the layer walks 0…size-1
    this.fromX = new Float64Array(room);
    this.fromY = new Float64Array(room);
    this.toX = new Float64Array(room);
    this.toY = new Float64Array(room);
    this.start = new Float64Array(room);
    this.span = new Float32Array(room);
    this.heading = new Int16Array(room); // degrees, -1 unknown
    this.glyph = new Uint8Array(room); // 0: nothing here; see sprites.js
    this.until = 0; // the last moment anything still glides
    this.still = false; // reduced motion: straight to the fix
    /** @type {number[]} */
    this.free = [];
  }

  /** A slot for a new vehicle, standing at this place. @param {number} x @param {number} y */
  take(x, y) {
    const slot = this.free.pop() ?? this.size++;
    if (slot >= this.fromX.length) this.#grow();
    this.put(slot, x, y);
    return slot;
  }

  /** @param {number} slot */
  release(slot) {
    this.glyph[slot] = 0;
    this.free.push(slot);
  }

  /** Stand here at once. @param {number} slot @param {number} x @param {number} y */
  put(slot, x, y) {
    this.fromX[slot] = this.toX[slot] = x;
    this.fromY[slot] = this.toY[slot] = y;
    this.start[slot] = 0;
    this.span[slot] = 0;
  }

  /**
   * Glide from where it is drawn now to a newer fix. `gap` = ms since its fix before: a vehicle heard every second
   * glides the whole second, so it never stops and starts.
   * @param {number} slot
   * @param {number} x
   * @param {number} y
   * @param {number} now
   * @param {number} gap
   */
  move(slot, x, y, now, gap) {
    const turns = Math.round(x - this.toX[slot]); // over 180° the world goes on
    if (turns) {
      this.fromX[slot] += turns;
      this.toX[slot] += turns;
    }
    if (this.still || Math.abs(x - this.toX[slot]) > JUMP || Math.abs(y - this.toY[slot]) > JUMP)
      return this.put(slot, x, y);
    const t = this.progress(slot, now);
    this.fromX[slot] += (this.toX[slot] - this.fromX[slot]) * t;
    this.fromY[slot] += (this.toY[slot] - this.fromY[slot]) * t;
    this.toX[slot] = x;
    this.toY[slot] = y;
    this.start[slot] = now;
    this.span[slot] = gap > 0 ? Math.max(150, Math.min(EASE_MS, gap * 1.05)) : EASE_MS;
    if (now + this.span[slot] > this.until) this.until = now + this.span[slot];
  }

  /** 0…1 of the way to the fix. @param {number} slot @param {number} now */
  progress(slot, now) {
    const span = this.span[slot];
    if (span === 0) return 1;
    return Math.min(Math.max((now - this.start[slot]) / span, 0), 1);
  }

  /** @param {number} slot @param {number} now */
  x(slot, now) {
    return this.fromX[slot] + (this.toX[slot] - this.fromX[slot]) * this.progress(slot, now);
  }

  /** @param {number} slot @param {number} now */
  y(slot, now) {
    return this.fromY[slot] + (this.toY[slot] - this.fromY[slot]) * this.progress(slot, now);
  }

  /** Everything stands at its fix. */
  settle() {
    this.span.fill(0);
    this.fromX.set(this.toX);
    this.fromY.set(this.toY);
    this.until = 0;
  }

  #grow() {
    for (const name of /** @type {const} */ (["fromX", "fromY", "toX", "toY", "start", "span", "heading", "glyph"])) {
      const old = this[name];
      this[name] = new /** @type {any} */ (old.constructor)(old.length * 2);
      this[name].set(old);
    }
  }
}
