// The land that is built in: coarse all over the world, as fine as there is around the tracks. Near the ground its
// coast would be a lie, so there it fades into plain land, as on the map of the fleet.

import { latAt, worldX, worldY } from "../geo.js";
import { clip, unrolled } from "../map/paths.js";

/** @typedef {import("../map/stage.js").View} View */
/** @typedef {import("../map/paths.js").Path} Path */

/** @param {import("./unpack.js").Land} land */
export function ground(land) {
  const coarse = late(land.coarse, land.steps);
  const fine = late(land.fine ?? [], Number(land.fine_steps));
  const box = land.box && [worldX(land.box[0]), worldY(land.box[3]), worldX(land.box[2]), worldY(land.box[1])];

  /** @param {CanvasRenderingContext2D} ctx @param {View} view @param {import("./stage.js").Palette} color */
  return function paint(ctx, view, color) {
    const near = Math.max(0, Math.min(1, (view.zoom - 8) / 2));
    ctx.fillStyle = near >= 1 ? color.land : color.sea;
    ctx.fillRect(0, 0, view.width, view.height);
    if (near < 1) {
      const first = Math.floor(view.left / view.scale) - 1;
      const last = Math.floor((view.left + view.width) / view.scale) + 1;
      for (let copy = first; copy <= last; copy++) {
        const moved = { ...view, left: view.left - copy * view.scale };
        shapes(ctx, coarse(), moved, color);
        if (!box) continue;
        ctx.save();
        ctx.beginPath();
        ctx.rect(
          box[0] * view.scale - moved.left,
          box[1] * view.scale - view.top,
          (box[2] - box[0]) * view.scale,
          (box[3] - box[1]) * view.scale,
        );
        ctx.clip();
        ctx.fillStyle = color.sea;
        ctx.fill();
        shapes(ctx, fine(), moved, color);
        ctx.restore();
      }
    }
    if (near > 0 && near < 1) {
      ctx.globalAlpha = near;
      ctx.fillStyle = color.land;
      ctx.fillRect(0, 0, view.width, view.height);
      ctx.globalAlpha = 1;
    }
    graticule(ctx, view, color);
  };
}

/** Most reports open so near the ground that none of it shows. @param {number[][]} rings @param {number} steps */
function late(rings, steps) {
  /** @type {Path[]|undefined} */ let made;
  return () => {
    made ??= rings.map((ring) => unrolled(summed(ring, steps)));
    return made;
  };
}

/** @param {number[]} flat differences @param {number} steps of a degree */
function summed(flat, steps) {
  const ring = [];
  for (let i = 0, lon = 0, lat = 0; i < flat.length; i += 2) {
    lon += flat[i];
    lat += flat[i + 1];
    ring.push([lon / steps, lat / steps]);
  }
  if (ring.length) ring.push(ring[0]);
  return ring;
}

/** @param {CanvasRenderingContext2D} ctx @param {Path[]} paths @param {View} view
 * @param {import("./stage.js").Palette} color */
function shapes(ctx, paths, view, color) {
  ctx.beginPath();
  for (const path of paths) clip(ctx, path, view);
  ctx.fillStyle = color.land;
  ctx.fill("evenodd");
  ctx.strokeStyle = color.coast;
  ctx.lineWidth = 1;
  ctx.stroke();
}

const STEPS = [30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];

/** Meridians and parallels with their degrees. @param {CanvasRenderingContext2D} ctx @param {View} view
 * @param {import("./stage.js").Palette} color */
function graticule(ctx, view, color) {
  const step = STEPS.find((each) => (each / 360) * view.scale < 260) ?? 0.001;
  const digits = Math.max(0, Math.ceil(-Math.log10(step)));
  const west = Math.ceil(((view.left / view.scale - 0.5) * 360) / step);
  const east = (((view.left + view.width) / view.scale - 0.5) * 360) / step;
  const south = Math.ceil(latAt(Math.min(1, (view.top + view.height) / view.scale)) / step);
  const north = latAt(Math.max(0, view.top / view.scale)) / step;
  ctx.beginPath();
  ctx.font = `10px ${color.font}`;
  ctx.fillStyle = color.roadName;
  for (let n = west; n <= east; n++) {
    const x = Math.round(worldX(n * step) * view.scale - view.left) + 0.5;
    ctx.moveTo(x, 0);
    ctx.lineTo(x, view.height);
  }
  for (let n = south; n <= north; n++) {
    const y = Math.round(worldY(n * step) * view.scale - view.top) + 0.5;
    ctx.moveTo(0, y);
    ctx.lineTo(view.width, y);
    if (view.zoom >= 7)
      for (let m = west; m <= east; m++)
        ctx.fillText(
          `${(n * step).toFixed(digits)}, ${(m * step).toFixed(digits)}`,
          worldX(m * step) * view.scale - view.left + 4,
          y - 4,
        );
  }
  ctx.strokeStyle = color.graticule;
  ctx.lineWidth = 1;
  ctx.stroke();
}
