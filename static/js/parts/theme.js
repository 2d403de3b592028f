// Light, dark or as the system has it. Colours live in css/tokens.css; canvases read them from there, once a theme.

import { Signal } from "../model/signal.js";

/** @typedef {"system"|"light"|"dark"} Theme */

const NAMES = /** @type {const} */ ({
  land: "--map-land",
  sea: "--map-sea",
  coast: "--map-coast",
  graticule: "--map-graticule",
  road: "--map-road",
  roadMain: "--map-road-main",
  roadEdge: "--map-road-edge",
  roadName: "--map-road-name",
  building: "--map-building",
  park: "--map-park",
  ink: "--ink",
  muted: "--ink-2",
  surface: "--surface",
  halo: "--map-halo",
  accent: "--accent",
  line: "--line-strong",
  moving: "--state-moving",
  idle: "--state-idle",
  parked: "--state-parked",
  stale: "--state-stale",
  offline: "--state-stale",
  unknown: "--state-stale",
  alert: "--state-alert",
  casing: "--glyph-casing",
  edge: "--glyph-edge",
  font: "--font",
});
const SPEEDS = ["--speed-0", "--speed-1", "--speed-2", "--speed-3", "--speed-4"]; // slow to fast
/** @typedef {Record<keyof typeof NAMES, string> & {speeds: string[]}} Palette */
/** @type {Palette|null} */
let cache = null;
/** @type {Signal<[]>} the colours are others */
export const themed = new Signal();
const dark = matchMedia("(prefers-color-scheme: dark)");
dark.addEventListener("change", renew);

/** The theme's colours for canvases. @returns {Palette} */
export function palette() {
  if (!cache) {
    // A custom property reads back as written; a colour it was used for reads back resolved. Where the system forces
    // its colours on everything, a canvas keeps its own: all of them one would be a slab.
    const probe = document.createElement("i");
    probe.style.setProperty("forced-color-adjust", "none");
    document.body.appendChild(probe);
    const resolve = (/** @type {string} */ name) => {
      if (name === NAMES.font) return getComputedStyle(document.body).fontFamily;
      probe.style.color = `var(${name})`;
      return getComputedStyle(probe).color;
    };
    cache = /** @type {any} */ ({
      ...Object.fromEntries(Object.entries(NAMES).map(([key, name]) => [key, resolve(name)])),
      speeds: SPEEDS.map(resolve),
    });
    probe.remove();
  }
  return /** @type {Palette} */ (cache);
}

/** @param {Theme} theme */
export function setTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  renew();
}

export const isDark = () =>
  document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : dark.matches;

function renew() {
  cache = null;
  themed.tell();
}
