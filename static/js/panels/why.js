// "Why?": the two fixes that decided, the edge between them, and the thresholds, as sentences and as a small drawing.

import { ApiError, call } from "../net/api.js";
import { seesEverything } from "../net/grants.js";
import { h } from "../parts/dom.js";
import { frame, outline } from "../geo.js";
import { explain, unspoken } from "../words/phrases.js";
import { colorOf } from "../map/regions.js";
import { palette } from "../parts/theme.js";
import { say } from "../words/words.js";

/** @typedef {import("../words/phrases.js").Event} Event */

const KEPT_MS = 60_000; // a file, until the browser has saved it

/** @param {import("../app.js").App} app @param {Event} event @param {import("../page/alerts.js").Alerts} alerts */
export function whyCard(app, event, alerts) {
  const feature = event.region ? app.fleet.regions.get(event.region) : null;
  const card = h("div", { class: "why-card" });
  if (event.why?.to && feature) {
    const canvas = h("canvas", { role: "img", "aria-label": say("why.picture") });
    card.appendChild(canvas);
    requestAnimationFrame(() => draw(canvas, event, feature));
    if (event.version && feature.properties.version !== event.version)
      card.appendChild(h("p", null, say("why.changed")));
  }
  card.append(...explain(event, app.preferences.value.units).map((line) => h("p", null, line)));
  if (unspoken(event)) card.append(h("p", null, h("code", null, unspoken(event))));
  const keys = /** @type {[string, string][]} */ ([
    ["region", event.region],
    ["vehicle", event.vehicle],
  ]).filter(([, id]) => id);
  card.appendChild(
    h(
      "div",
      { class: "toast-actions" },
      keys.map(([what, id]) =>
        h(
          "button",
          { type: "button", class: "link", onclick: () => alerts.mute(`${what}:${id}`, 15) },
          say("why.mute", { name: what === "region" ? app.regionName(id) : app.vehicleName(id) }),
        ),
      ),
      h(
        "button",
        { type: "button", class: "link", onclick: () => app.state.set({ about: `vehicle:${event.vehicle}` }) },
        say("why.all"),
      ),
      maySave(app) && evidence(event, alerts),
    ),
  );
  return card;
}

/** What decided an event, as one file: may it be had? @param {import("../app.js").App} app */
export const maySave = (app) => seesEverything(app.who.grants);

/** @param {Event} event @param {import("../page/alerts.js").Alerts} alerts */
function evidence(event, alerts) {
  const save = async () => {
    button.disabled = true;
    try {
      const file = await call("GET", "history/bundle", { query: { event: event.id }, bytes: true });
      const href = URL.createObjectURL(new Blob([file], { type: "application/zip" }));
      h("a", { href, download: `event-${event.id}.zip` }).click();
      setTimeout(() => URL.revokeObjectURL(href), KEPT_MS);
    } catch (fault) {
      const body = fault instanceof ApiError ? fault.message : String(fault);
      alerts.toast({ icon: "warn", title: say("why.no_evidence"), body });
    }
    button.disabled = false;
  };
  const button = h("button", { type: "button", class: "link of-server", onclick: save }, say("why.evidence"));
  return button;
}

/** @param {HTMLCanvasElement} canvas @param {Event} event @param {any} feature */
function draw(canvas, event, feature) {
  const ratio = Math.min(2, devicePixelRatio || 1);
  const w = canvas.clientWidth || 240;
  const hh = canvas.clientHeight || 120;
  const color = palette();
  canvas.width = w * ratio;
  canvas.height = hh * ratio;
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const { from, to } = event.why;
  ctx.scale(ratio, ratio);
  const fixes = [from, to].filter(Boolean);
  const [ky, kx] = frame(to.lat);
  const midLat = fixes.reduce((s, f) => s + f.lat, 0) / fixes.length;
  const midLon = fixes.reduce((s, f) => s + f.lon, 0) / fixes.length;
  const span =
    Math.max(
      40,
      ...fixes.map((f) => Math.hypot((f.lon - midLon) * kx, (f.lat - midLat) * ky) + (f.accuracy_m ?? 10)),
      ...fixes.map((f) => Math.min(500, Math.abs(f.edge_m))),
    ) * 1.3;
  const scale = Math.min(w, hh) / 2 / span;
  const at = (/** @type {number} */ lon, /** @type {number} */ lat) =>
    /** @type {[number, number]} */ ([w / 2 + (lon - midLon) * kx * scale, hh / 2 - (lat - midLat) * ky * scale]);
  ctx.beginPath();
  for (const rings of outline(feature))
    for (const ring of rings) {
      ctx.moveTo(...at(ring[0][0], ring[0][1]));
      for (const [lon, lat] of ring) ctx.lineTo(...at(lon, lat));
      ctx.closePath();
    }
  ctx.fillStyle = ctx.strokeStyle = colorOf(feature);
  ctx.globalAlpha = 0.15;
  ctx.fill("evenodd");
  ctx.globalAlpha = 1;
  ctx.lineWidth = 2;
  ctx.stroke();
  if (from) {
    ctx.beginPath();
    ctx.moveTo(...at(from.lon, from.lat));
    ctx.lineTo(...at(to.lon, to.lat));
    ctx.setLineDash([3, 4]);
    ctx.lineWidth = 1.5;
    ctx.strokeStyle = color.ink;
    ctx.stroke();
    ctx.setLineDash([]);
  }
  for (const fix of fixes) {
    const [x, y] = at(fix.lon, fix.lat);
    const last = fix === to;
    ctx.beginPath();
    ctx.arc(x, y, Math.max(5, (fix.accuracy_m ?? 0) * scale), 0, 2 * Math.PI);
    ctx.globalAlpha = 0.15;
    ctx.fillStyle = color.accent;
    ctx.fill();
    ctx.globalAlpha = 1;
    ctx.beginPath();
    ctx.arc(x, y, 4.5, 0, 2 * Math.PI);
    ctx.fillStyle = last ? color.accent : color.surface;
    ctx.fill();
    ctx.lineWidth = 2;
    ctx.strokeStyle = last ? color.surface : color.accent;
    ctx.stroke();
  }
}
