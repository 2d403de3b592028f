import assert from "node:assert/strict";
import { test } from "node:test";
import { ground } from "../../../static/js/report/ground.js";
import { drawTracks } from "../../../static/js/report/marks.js";

const COLOR = /** @type {any} */ ({
  unheard: "grey",
  bands: ["b0", "b1", "b2", "b3", "b4", "b5"],
  land: "land",
  sea: "sea",
});
const VIEW = /** @type {any} */ ({ left: 0, top: 0, width: 1000, height: 1000, scale: 1000, zoom: 12, cx: 0.5 });

/** A canvas that notes how each stroke was drawn. */
function canvas() {
  /** @type {{width: number, color: string}[]} */ const strokes = [];
  const sheet = {
    lineWidth: 0,
    strokeStyle: "",
    stroke: () => strokes.push({ width: sheet.lineWidth, color: sheet.strokeStyle }),
  };
  const ctx = new Proxy(sheet, { get: (kept, name) => kept[/** @type {"stroke"} */ (name)] ?? (() => {}) });
  return { ctx: /** @type {any} */ (ctx), strokes };
}

/** So many points of two vehicles that go to and fro. @param {number} count */
function tracks(count) {
  const half = count / 2;
  return {
    x: Float64Array.from({ length: count }, (_, i) => 0.2 + 0.5 * (i % 2)),
    y: Float64Array.from({ length: count }, () => 0.5),
    time: Int32Array.from({ length: count }, (_, i) => i % half),
    speed: new Float32Array(count).fill(1),
    begins: [0, half, count],
  };
}

test("a crowd of tracks is hairlines from afar, and lines near by", () => {
  const widths = (/** @type {number} */ count, /** @type {object} */ view, /** @type {number|null} */ chosen) => {
    const { ctx, strokes } = canvas();
    drawTracks(ctx, { ...VIEW, ...view }, COLOR, tracks(count), { second: 1e9, chosen });
    return [...new Set(strokes.map(({ width }) => width))];
  };
  assert.deepEqual(widths(20_000, { zoom: 12 }, null), [1]);
  assert.deepEqual(widths(20_000, { zoom: 15 }, null), [2]);
  assert.deepEqual(widths(2_000, { zoom: 12 }, null), [2], "few are lines from afar as well");
  assert.deepEqual(widths(20_000, { zoom: 12 }, 0), [1, 3], "the chosen one stands out");
});

test("land is unrolled when the map is far enough away to show it", () => {
  const { ctx } = canvas();
  const land = new Proxy(
    { steps: 10, coarse: /** @type {number[][]} */ ([]) },
    {
      get(kept, name) {
        if (name === "coarse") return { map: () => assert.fail("unrolled") };
        return kept[/** @type {"steps"} */ (name)];
      },
    },
  );
  const paint = ground(/** @type {any} */ (land));
  paint(ctx, { ...VIEW, zoom: 12, scale: 256 * 2 ** 12 }, COLOR);
  assert.throws(() => paint(ctx, { ...VIEW, zoom: 5, scale: 256 * 2 ** 5 }, COLOR), /unrolled/);
});
