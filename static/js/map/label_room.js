// Where there is still room for words on the map: a coarse raster of what is taken. Asking costs a few dozen bytes, so
// every name may try every side of its vehicle in every frame.

const CELL = 4; // CSS px

export class Room {
  constructor() {
    this.columns = this.rows = 0;
    this.taken = new Uint8Array(0);
  }

  /** Everything is free. @param {number} width CSS px @param {number} height */
  clear(width, height) {
    this.columns = Math.ceil(width / CELL);
    this.rows = Math.ceil(height / CELL);
    if (this.taken.length < this.columns * this.rows) this.taken = new Uint8Array(this.columns * this.rows);
    else this.taken.fill(0);
  }

  /** @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 */
  take(x1, y1, x2, y2) {
    const left = Math.max(0, Math.floor(x1 / CELL));
    const right = Math.min(this.columns - 1, Math.floor(x2 / CELL));
    const bottom = Math.min(this.rows - 1, Math.floor(y2 / CELL));
    for (let row = Math.max(0, Math.floor(y1 / CELL)); row <= bottom; row++)
      if (left <= right) this.taken.fill(1, row * this.columns + left, row * this.columns + right + 1);
  }

  /**
   * Nothing there, and all of it on the map.
   * @param {number} x1
   * @param {number} y1
   * @param {number} x2
   * @param {number} y2
   */
  free(x1, y1, x2, y2) {
    const left = Math.floor(x1 / CELL);
    const right = Math.floor(x2 / CELL);
    const top = Math.floor(y1 / CELL);
    const bottom = Math.floor(y2 / CELL);
    if (left < 0 || top < 0 || right >= this.columns || bottom >= this.rows) return false;
    for (let row = top; row <= bottom; row++)
      for (let cell = row * this.columns + left, end = cell + right - left; cell <= end; cell++)
        if (this.taken[cell]) return false;
    return true;
  }
}

/** What is not within a part of the map: nothing is written there. @param {number[]|null} part
 * @param {number} width @param {number} height @returns {number[][]} */
export function beyond(part, width, height) {
  if (!part) return [];
  const [left, top, right, bottom] = part;
  const far = 1e5;
  const out = [
    [-far, -far, left, far],
    [right, -far, far, far],
    [-far, -far, far, top],
    [-far, bottom, far, far],
  ];
  const edges = [left > 0, right < width, top > 0, bottom < height];
  return out.filter((_, i) => edges[i]);
}
