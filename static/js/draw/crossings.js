// Where an outline crosses itself. A sweep: each side meets only those that share its stretch of the wider axis, so
// 10,000 corners take milliseconds.

/** @typedef {[number, number]} Point */

/**
 * The first two sides of a closed ring that cross, and where.
 * @param {number[][]} ring
 * @returns {{sides: [number, number], at: Point}|null}
 */
export function crossings(ring) {
  const n = ring.length - 1;
  const low = [new Float64Array(n), new Float64Array(n)];
  const high = [new Float64Array(n), new Float64Array(n)];
  const spread = [0, 0];
  for (const axis of [0, 1]) {
    let least = Infinity;
    let most = -Infinity;
    for (let i = 0; i < n; i++) {
      const a = ring[i][axis];
      const b = ring[i + 1][axis];
      low[axis][i] = Math.min(a, b);
      high[axis][i] = Math.max(a, b);
      spread[axis] += high[axis][i] - low[axis][i];
      if (low[axis][i] < least) least = low[axis][i];
      if (high[axis][i] > most) most = high[axis][i];
    }
    spread[axis] /= most - least || 1;
  }
  // Along the axis on which the sides are short, few stand side by side.
  const along = spread[0] <= spread[1] ? 0 : 1;
  const across = 1 - along;
  const from = low[along];
  const to = high[along];
  const least = low[across];
  const most = high[across];
  const order = new Uint32Array(n).map((_, i) => i).sort((a, b) => from[a] - from[b]);
  /** @type {{sides: [number, number], at: Point}|null} */ let first = null;
  for (let k = 0; k < n; k++) {
    const i = order[k];
    const end = to[i];
    for (let m = k + 1; m < n && from[order[m]] <= end; m++) {
      const j = order[m];
      if (least[j] > most[i] || most[j] < least[i]) continue;
      const a = Math.min(i, j);
      const b = Math.max(i, j);
      if (b - a < 2 || (a === 0 && b === n - 1)) continue; // neighbours, also across the closing point
      if (first && (a > first.sides[0] || (a === first.sides[0] && b > first.sides[1]))) continue;
      const at = meet(ring[a], ring[a + 1], ring[b], ring[b + 1]);
      if (at) first = { sides: [a, b], at };
    }
  }
  return first;
}

/**
 * The same where only these sides are new: what a drag has to ask in every frame.
 * @param {number[][]} ring
 * @param {number[]} sides
 * @returns {{sides: [number, number], at: Point}|null}
 */
export function crossingsOf(ring, sides) {
  const n = ring.length - 1;
  for (const i of sides) {
    const [a, b] = [ring[i], ring[i + 1]];
    const west = Math.min(a[0], b[0]);
    const east = Math.max(a[0], b[0]);
    const south = Math.min(a[1], b[1]);
    const north = Math.max(a[1], b[1]);
    for (let j = 0; j < n; j++) {
      const c = ring[j];
      const d = ring[j + 1];
      if (
        (c[0] < west && d[0] < west) ||
        (c[0] > east && d[0] > east) ||
        (c[1] < south && d[1] < south) ||
        (c[1] > north && d[1] > north)
      )
        continue;
      const apart = Math.abs(i - j);
      if (apart < 2 || apart === n - 1) continue;
      const at = meet(a, b, c, d);
      if (at) return { sides: i < j ? [i, j] : [j, i], at };
    }
  }
  return null;
}

/** @param {number[]} a @param {number[]} b @param {number[]} c @param {number[]} d @returns {Point|null} */
function meet(a, b, c, d) {
  const rx = b[0] - a[0];
  const ry = b[1] - a[1];
  const sx = d[0] - c[0];
  const sy = d[1] - c[1];
  const cross = rx * sy - ry * sx;
  if (cross === 0) return null;
  const t = ((c[0] - a[0]) * sy - (c[1] - a[1]) * sx) / cross;
  const u = ((c[0] - a[0]) * ry - (c[1] - a[1]) * rx) / cross;
  return t >= 0 && t <= 1 && u >= 0 && u <= 1 ? [a[0] + t * rx, a[1] + t * ry] : null;
}
