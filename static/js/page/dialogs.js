// The modal sheets: keys and legend, settings, the reader's name.

import { dialog } from "../parts/dialog.js";
import { h, $ } from "../parts/dom.js";
import * as format from "../words/format.js";
import { halo } from "../map/overlay.js";
import { drawGlyph } from "../map/sprites.js";
import { LANGUAGES, own as browsers, say } from "../words/words.js";

/** @returns {Promise<string>} "" when the reader would rather not */
export function askName() {
  return new Promise((done) => {
    const input = h("input", { type: "text", maxLength: 60, required: true, autocomplete: "name", autofocus: true });
    const form = h(
      "form",
      { method: "dialog", class: "form", onsubmit: () => (answer = input.value.trim()) },
      h("p", { class: "muted" }, say("name.why")),
      h("label", { class: "field" }, h("span", null, say("name.yours")), input),
      h(
        "div",
        { class: "form-actions" },
        h("button", { type: "submit", class: "button primary" }, say("name.acknowledge")),
      ),
    );
    let answer = "";
    dialog(say("name.ask"), form).addEventListener("close", () => done(answer));
    input.focus();
  });
}

const KEYS = /** @type {[string, import("../words/words.js").Key][]} */ ([
  ["/", "keys.search"],
  ["↑ ↓", "keys.list"],
  [say("key.enter"), "keys.open"],
  ["F", "keys.track"],
  ["0", "bar.fit"],
  ["+ −", "keys.zoom"],
  ["L", "keys.labels"],
  ["G", "bar.draw"],
  ["H", "inside.title"],
  ["C", "keys.link"],
  [say("key.escape"), "keys.back"],
  [say("key.undo"), "keys.undo"],
  ["V", "page.vehicles"],
  ["R", "page.regions"],
  ["E", "page.events"],
  ["J K", "keys.event"],
  ["A", "keys.ack"],
  ["Z", "keys.unack"],
  ["M", "keys.mute"],
  [say("key.space"), "keys.pause"],
  ["B", "past.open"],
  ["L", "past.back"],
  ["S", "split.why"],
  [say("key.space"), "keys.play"],
  ["[ ]", "keys.step"],
  [", .", "keys.speed"],
  ["P N", "keys.past_event"],
  ["T", "bar.theme"],
  ["?", "keys.sheet"],
]);
const LEGEND = /** @type {[string, boolean, import("../words/words.js").Key][]} */ ([
  ["arrow", false, "legend.moving"],
  ["round", false, "legend.round"],
  ["idle", false, "legend.idle"],
  ["parked", false, "legend.parked"],
  ["arrow", true, "legend.stale"],
  ["offline", false, "legend.offline"],
  ["alert", false, "legend.alert"],
]);

export function showKeys() {
  dialog(
    say("bar.keys"),
    h(
      "div",
      { class: "keys" },
      KEYS.map(([key, does]) =>
        h(
          "div",
          null,
          h("span", null, say(does)),
          h(
            "span",
            null,
            key.split(" ").map((k) => [h("kbd", null, k), " "]),
          ),
        ),
      ),
    ),
    h(
      "div",
      { class: "legend" },
      LEGEND.map(([shape, stale, key]) =>
        h("div", null, legendGlyph(shape, stale), h("span", { class: "small" }, say(key))),
      ),
    ),
    h("p", { class: "muted small" }, say("legend.more")),
  );
}

/** @param {string} shape @param {boolean} stale */
function legendGlyph(shape, stale) {
  const canvas = h("canvas", { width: 40, height: 40, "aria-hidden": "true" });
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
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
  const { preferences } = app;
  const value = preferences.value;
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const choose = (/** @type {string} */ label, /** @type {string} */ key, /** @type {[string, string][]} */ options) =>
    h(
      "div",
      { class: "field" },
      h("span", { id: `set-${key}` }, label),
      h(
        "div",
        { class: "segmented", role: "group", "aria-labelledby": `set-${key}` },
        options.map(([v, words]) =>
          h(
            "button",
            {
              type: "button",
              "aria-pressed": String(/** @type {any} */ (preferences.value)[key] === v),
              onclick: (/** @type {MouseEvent} */ e) => {
                preferences.set(/** @type {any} */ ({ [key]: v }));
                for (const b of /** @type {HTMLElement} */ (e.currentTarget).parentElement?.children ?? [])
                  b.setAttribute("aria-pressed", String(b === e.currentTarget));
              },
            },
            words,
          ),
        ),
      ),
    );
  const zone = h(
    "select",
    { onchange: () => preferences.set({ zone: zone.value }) },
    h("option", { value: "" }, say("set.zone.own", { zone: own })),
    format.zones().map((z) => h("option", { value: z }, z.replace(/_/g, " "))),
  );
  zone.value = value.zone;
  const language = h(
    "select",
    {
      onchange: () => {
        preferences.set({ language: language.value });
        location.reload();
      },
    },
    h("option", { value: "" }, say("set.language.own", { name: LANGUAGES[browsers].name })),
    Object.entries(LANGUAGES).map(([tag, { name }]) => h("option", { value: tag, lang: tag }, name)),
  );
  language.value = value.language in LANGUAGES ? value.language : "";
  const name = h("input", {
    type: "text",
    maxLength: 60,
    value: value.name,
    autocomplete: "name",
    oninput: () => preferences.set({ name: name.value.trim() }),
  });
  const check = (/** @type {"sound"|"keys"} */ key, /** @type {string} */ words) =>
    h(
      "label",
      { class: "check" },
      h("input", {
        type: "checkbox",
        checked: value[key],
        onchange: (/** @type {Event} */ e) =>
          preferences.set({ [key]: /** @type {HTMLInputElement} */ (e.target).checked }),
      }),
      words,
    );
  dialog(
    say("bar.settings"),
    choose(say("set.theme"), "theme", [
      ["system", say("set.theme.system")],
      ["light", say("set.theme.light")],
      ["dark", say("set.theme.dark")],
    ]),
    choose(say("set.units"), "units", [
      ["metric", say("set.units.metric")],
      ["imperial", say("set.units.imperial")],
      ["nautical", say("set.units.nautical")],
    ]),
    h(
      "label",
      { class: "field" },
      h("span", null, say("set.zone")),
      zone,
      h("span", { class: "hint" }, say("set.zone.now", { time: format.full(app.now(), value.zone) })),
    ),
    h("label", { class: "field" }, h("span", null, say("set.language")), language),
    h("label", { class: "field" }, h("span", null, say("set.name")), name),
    h("div", { class: "form" }, check("sound", say("set.sound")), check("keys", say("set.keys"))),
    h(
      "p",
      null,
      h(
        "button",
        {
          type: "button",
          class: "link",
          onclick: (/** @type {MouseEvent} */ e) => {
            /** @type {HTMLElement} */ (e.currentTarget).closest("dialog")?.close();
            app.state.set({ kiosk: true });
          },
        },
        say("set.board"),
      ),
      h("span", { class: "muted small" }, ` ${say("set.board.more")}`),
    ),
    app.who.may.includes("administer") &&
      h("p", null, h("a", { class: "link", href: "people#kept" }, say("people.kept"))),
    h("p", { class: "muted small" }, say("set.version", { version: app.info?.version ?? "?" })),
  );
  $("dialog select")?.focus();
}
