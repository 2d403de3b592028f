// The modal sheets: keys and legend, settings, the reader's name.

import { h, iconButton, $ } from "../parts/dom.js";
import * as format from "../words/format.js";
import { halo } from "../map/overlay.js";
import { drawGlyph } from "../map/sprites.js";

/** Open a dialog with a heading; closing it gives the focus back. @param {string} title @param {...any} body @returns {HTMLDialogElement} */
export function dialog(title, ...body) {
  const before = /** @type {HTMLElement|null} */ (document.activeElement), id = `dialog-${Date.now()}`;
  const node = h("dialog", { "aria-labelledby": id }, h("div", { class: "dialog-head" }, h("h2", { id }, title), iconButton("close", "Close", () => node.close())), h("div", { class: "dialog-body" }, ...body));
  node.addEventListener("click", (e) => e.target === node && node.close());
  node.addEventListener("close", () => (node.remove(), before?.isConnected && before.focus()));
  document.body.appendChild(node);
  node.showModal();
  return node;
}

/** A question with two answers; Esc is the safe one. @param {string} title @param {string} words @param {string} yes @param {string} no @returns {Promise<boolean>} */
export function confirm(title, words, yes, no) {
  return new Promise((done) => {
    let answer = false;
    const stay = h("button", { type: "button", class: "button primary", onclick: () => node.close() }, no);
    const node = dialog(title, h("p", { class: "muted" }, words), h("div", { class: "form-actions" }, h("button", { type: "button", class: "button danger", onclick: () => ((answer = true), node.close(), done(true)) }, yes), stay));
    node.addEventListener("close", () => done(answer));
    stay.focus();
  });
}

/** @returns {Promise<string>} "" when the reader would rather not */
export function askName() {
  return new Promise((done) => {
    const input = h("input", { type: "text", maxLength: 60, required: true, autocomplete: "name", autofocus: true });
    const form = h("form", { method: "dialog", class: "form", onsubmit: () => (answer = input.value.trim()) },
      h("p", { class: "muted" }, "Everyone who watches this fleet sees who acknowledged an event. You are asked once."),
      h("label", { class: "field" }, h("span", null, "Your name"), input), h("div", { class: "form-actions" }, h("button", { type: "submit", class: "button primary" }, "Acknowledge")));
    let answer = "";
    dialog("Who is acknowledging?", form).addEventListener("close", () => done(answer));
    input.focus();
  });
}

const KEYS = /** @type {const} */ ([
  ["/", "Search vehicles"], ["↑ ↓", "Move in the list"], ["Enter", "Open the selected"], ["F", "Keep the map on it"], ["0", "Show the whole fleet"], ["+ −", "Zoom"], ["L", "Labels"], ["G", "Draw a region"], ["C", "Copy the link"], ["Esc", "Back, close"], ["Ctrl Z", "Undo what you did last"],
  ["V", "Vehicles"], ["R", "Regions"], ["E", "Events"], ["J K", "Next, previous event"], ["A", "Acknowledge"], ["Z", "Take it back"], ["M", "Mute for 15 min"], ["Space", "Pause the display"], ["T", "Light or dark"], ["?", "This sheet"],
]);
const LEGEND = /** @type {[string, boolean, string][]} */ ([
  ["arrow", false, "Moving, pointing where it heads"], ["round", false, "Moving, no heading known"], ["idle", false, "Idle"], ["parked", false, "Parked"], ["arrow", true, "Stale: silent for twice its usual interval"],
  ["offline", false, "Offline: silent for 10 min or more; standing, for a day"],
  ["alert", false, "With a red halo: an alert nobody has acknowledged"],
]);

export function showKeys() {
  dialog("Keys and legend",
    h("div", { class: "keys" }, KEYS.map(([key, does]) => h("div", null, h("span", null, does), h("span", null, key.split(" ").map((k) => [h("kbd", null, k), " "]))))),
    h("div", { class: "legend" }, LEGEND.map(([shape, stale, words]) => h("div", null, legendGlyph(shape, stale), h("span", { class: "small" }, words)))),
    h("p", { class: "muted small" }, "A marker glides to the newest received fix and never beyond it. Ages count from when the server heard the vehicle; the panel shows the fix time too."));
}

/** @param {string} shape @param {boolean} stale */
function legendGlyph(shape, stale) {
  const canvas = h("canvas", { width: 40, height: 40, "aria-hidden": "true" }), ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  ctx.translate(20, 20);
  ctx.scale(1.8, 1.8);
  const alert = shape === "alert";
  if (alert) {
    ctx.scale(0.7, 0.7);
    halo(ctx, [0, 0], 16, 0.2);
  }
  drawGlyph(ctx, alert ? "arrow" : shape, stale, shape === "arrow" || alert ? 0.8 : 0);
  return canvas;
}

/** @param {import("../app.js").App} app */
export function showSettings(app) {
  const { preferences } = app, value = preferences.value;
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const choose = (/** @type {string} */ label, /** @type {string} */ key, /** @type {[string, string][]} */ options) =>
    h("div", { class: "field" }, h("span", { id: `set-${key}` }, label), h("div", { class: "segmented", role: "group", "aria-labelledby": `set-${key}` },
      options.map(([v, words]) => h("button", { type: "button", "aria-pressed": String(/** @type {any} */ (preferences.value)[key] === v), onclick: (/** @type {MouseEvent} */ e) => {
        preferences.set(/** @type {any} */ ({ [key]: v }));
        for (const b of /** @type {HTMLElement} */ (e.currentTarget).parentElement?.children ?? []) b.setAttribute("aria-pressed", String(b === e.currentTarget));
      } }, words))));
  const zone = h("select", { onchange: () => preferences.set({ zone: zone.value }) }, h("option", { value: "" }, `This computer (${own})`), format.zones().map((z) => h("option", { value: z }, z.replace(/_/g, " "))));
  zone.value = value.zone;
  const name = h("input", { type: "text", maxLength: 60, value: value.name, autocomplete: "name", oninput: () => preferences.set({ name: name.value.trim() }) });
  const check = (/** @type {"sound"|"keys"} */ key, /** @type {string} */ words) => h("label", { class: "check" }, h("input", { type: "checkbox", checked: value[key], onchange: (/** @type {Event} */ e) => preferences.set({ [key]: /** @type {HTMLInputElement} */ (e.target).checked }) }), words);
  dialog("Settings",
    choose("Theme", "theme", [["system", "System"], ["light", "Light"], ["dark", "Dark"]]),
    choose("Units", "units", [["metric", "km"], ["imperial", "Miles"], ["nautical", "Nautical"]]),
    h("label", { class: "field" }, h("span", null, "Time zone of every time on this page"), zone, h("span", { class: "hint" }, `Now ${format.full(app.now(), value.zone)}`)),
    h("label", { class: "field" }, h("span", null, "Your name, on acknowledgements"), name),
    h("div", { class: "form" }, check("sound", "Sound for urgent events"), check("keys", "Single-key shortcuts")),
    h("p", null, h("button", { type: "button", class: "link", onclick: (/** @type {MouseEvent} */ e) => (/** @type {HTMLElement} */ (e.currentTarget).closest("dialog")?.close(), app.state.set({ kiosk: true })) }, "Show this view as a wallboard"), h("span", { class: "muted small" }, " Esc brings all of it back.")),
    h("p", { class: "muted small" }, `Version ${app.info?.version ?? "?"}`));
  $("dialog select")?.focus();
}
