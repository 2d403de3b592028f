// Pointing at the map: hover cards, selecting vehicles and regions, and letting go of a followed one by dragging.

import { $, fill, h } from "../parts/dom.js";
import { Then } from "../model/past/fleet.js";
import { status } from "../model/status.js";
import * as format from "../words/format.js";
import { halted } from "../panels/vehicles.js";
import { say } from "../words/words.js";

const HOVER_MS = 120;

/** What is known of a vehicle at the moment that is looked at. @param {Then} v */
export function was(v) {
  if (!v.known) return say("past.absent");
  if (!v.stale) return say(v.state === 1 ? "state.moving" : "state.unknown");
  return Number.isFinite(v.age) ? say("past.gap", { age: format.age(v.age) }) : say("past.unheard");
}

/**
 * @param {import("../app.js").App} app
 * @param {import("../draw/editor.js").Editor} editor
 * @param {import("../page/following.js").Following} following
 * @param {import("../panels/timeline/split.js").Split} split
 */
export function pointer(app, editor, following, split) {
  const card = h("div", { class: "hover-card floating", hidden: true });
  $("#map-frame").appendChild(card);
  let timer = 0;
  /** @type {any} */ let shown = null;
  const away = () => {
    clearTimeout(timer);
    shown = null;
    card.hidden = true;
    app.hover(null);
    app.map.element.classList.remove("over-vehicle");
  };
  app.map.onPointer("mousemove", ({ x, y, lat, lon }) => {
    if (editor.drawing) return away();
    if (app.route.pick(x, y)) return away();
    const { picture, words } = split.at(x, y);
    const slot = picture.vehicles.hit(x, y);
    const v = /** @type {any} */ (slot >= 0 ? (picture.fleet.bySlot[slot] ?? null) : null);
    const region = v ? null : picture.regions.at(lon, lat);
    if ((region?.id ?? null) !== app.regions.hovered) {
      app.regions.hovered = region?.id ?? null;
      app.map.stage.invalidate("regions");
    }
    app.map.element.classList.toggle("over-vehicle", Boolean(v));
    app.hover(v);
    if (v === shown) return;
    shown = v;
    clearTimeout(timer);
    card.hidden = true;
    if (v) timer = window.setTimeout(() => show(v, picture, words), HOVER_MS);
  });
  app.map.onPointer("mouseout", away);
  app.map.on("zoomstart", away);
  /** @param {import("../model/fleet.js").Vehicle} v @param {import("./picture.js").Picture} picture
   * @param {string} words the moment, where there are two */
  const show = (v, picture, words) => {
    const at = picture.vehicles.position(v.slot);
    if (!at) return;
    const then = v instanceof Then ? [h("b", null, v.name), h("span", { class: "num" }, was(v))] : is(v);
    fill(card, ...then, words && h("span", { class: "num muted" }, words));
    card.hidden = false;
    const frame = $("#map-frame");
    const x = Math.min(at[0] + 16, frame.clientWidth - card.offsetWidth - 8);
    const y = Math.max(8, Math.min(at[1] - card.offsetHeight - 12, frame.clientHeight - card.offsetHeight - 8));
    card.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
  };
  /** @param {import("../model/fleet.js").Vehicle} v */
  const is = (v) => {
    const now = app.now();
    const { units } = app.preferences.value;
    const s = status(v);
    const state = say(`state.${halted(v, units) ? "halted" : s}`);
    const inside = app
      .insideOf(v)
      .map(([id, since]) => app.regionName(id) + (since ? ` ${format.timer(now - since)}` : ""));
    return [
      h("b", null, v.name),
      h(
        "span",
        { class: "num" },
        [
          v.since && s !== "stale" && !halted(v, units)
            ? say("hover.state", { state, age: format.age(now - v.since) })
            : state,
          v.speed >= 0 && s === "moving" && !halted(v, units) ? format.speed(v.speed, units) : "",
        ]
          .filter(Boolean)
          .join(" · "),
      ),
      inside.length > 0 && h("span", null, inside.join(", ")),
      h("span", { class: "num" }, say("hover.heard", { age: format.age(now - v.heard) })),
      format.offMap(v.lat) && h("span", null, format.offMap(v.lat)),
    ];
  };
  app.map.onPointer("click", ({ x, y, lat, lon }) => {
    if (editor.drawing) return;
    const { picture } = split.at(x, y);
    const slot = picture.vehicles.hit(x, y, matchMedia("(pointer: coarse)").matches ? 24 : undefined);
    const v = slot >= 0 ? picture.fleet.bySlot[slot] : undefined;
    if (following.choosing && !editor.active) {
      const region = picture.regions.at(lon, lat);
      return region ? following.toggle(region.id) : undefined;
    }
    if (v) return app.select(v.id, { open: true, track: app.state.value.vehicle === v.id ? true : undefined });
    if (editor.active || app.route.pick(x, y, matchMedia("(pointer: coarse)").matches) || app.state.value.day) return;
    const region = picture.regions.at(lon, lat);
    if (app.state.value.vehicle) app.select(null);
    else if (region) app.state.set({ region: region.id, tab: "regions" });
    else if (app.state.value.region) app.state.set({ region: null });
  });
  app.map.on("dragstart", () => app.state.value.track && app.state.set({ track: false }));
}
