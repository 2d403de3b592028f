// Canvases over the whole map, painted anew when it comes to rest.

/** @typedef {import("../map/stage.js").View} View */

const PAD = 0.15; // beyond each edge, so that a map that is dragged shows something

/**
 * A canvas on the map. `paint` is told the view it is drawn for.
 * @param {L.Map} map @param {string} name @param {(ctx: CanvasRenderingContext2D, view: View) => void} paint
 * @param {() => boolean} [isEmpty] whether there is nothing to paint, nor to keep room for
 */
export function layer(map, name, paint, isEmpty = () => false) {
  const pane = map.createPane(name);
  const canvas = document.createElement("canvas");
  canvas.className = "report-canvas";
  canvas.dataset.layer = name;
  pane.appendChild(canvas);
  pane.style.pointerEvents = "none";

  function repaint() {
    const size = map.getSize();
    canvas.hidden = isEmpty();
    if (canvas.hidden || !size.x || !size.y) return;
    const pad = size.multiplyBy(PAD).round();
    const corner = map.containerPointToLayerPoint([-pad.x, -pad.y]);
    const width = size.x + 2 * pad.x;
    const height = size.y + 2 * pad.y;
    const ratio = Math.min(2, devicePixelRatio || 1);
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    L.DomUtil.setPosition(canvas, corner);
    const origin = map.getPixelBounds().getTopLeft();
    const left = origin.x - pad.x;
    const scale = 256 * 2 ** map.getZoom();
    const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, width, height);
    paint(
      ctx,
      /** @type {View} */ ({
        left,
        top: origin.y - pad.y,
        width,
        height,
        scale,
        zoom: map.getZoom(),
        cx: (left + width / 2) / scale,
      }),
    );
  }
  map.on("moveend resize", repaint); // a zoom ends with a move
  return repaint;
}

/** The theme's colours, read where they are written: css/tokens.css. */
export function palette() {
  const probe = document.createElement("i");
  document.body.appendChild(probe);
  const color = (/** @type {string} */ name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const found = {
    land: color("--map-land"),
    sea: color("--map-sea"),
    coast: color("--map-coast"),
    graticule: color("--map-graticule"),
    road: color("--map-road-edge"),
    roadName: color("--map-road-name"),
    ink: color("--ink"),
    halo: color("--map-halo"),
    accent: color("--accent"),
    warn: color("--warn"),
    bad: color("--bad"),
    surface: color("--surface"),
    unheard: color("--ink-3"),
    parked: color("--state-parked"),
    bands: [0, 1, 2, 3, 4, 5].map((band) => color(`--speed-${band}`)),
    font: getComputedStyle(document.body).fontFamily,
  };
  probe.remove();
  return found;
}
/** @typedef {ReturnType<typeof palette>} Palette */
