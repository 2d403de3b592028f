// One key, one deed. Never while typing, never with a modifier, and all of it can be turned off (WCAG 2.1.4).

import { showKeys } from "./dialogs.js";
import { flipTheme } from "./controls.js";
import { copyText } from "../parts/dom.js";
import { stride } from "../model/past/moment.js";
import { say } from "../words/words.js";

/**
 * @param {import("../app.js").App} app
 * @param {{list: import("../panels/vehicles.js").VehicleList, events: import("../panels/events.js").EventsColumn,
 *   editor: import("../draw/editor.js").Editor, alerts: import("./alerts.js").Alerts, following:
 *   import("./following.js").Following, timeline: import("../panels/timeline/timeline.js").Timeline, split:
 *   import("../panels/timeline/split.js").Split}} parts
 */
export function keys(app, { list, events, editor, alerts, following, timeline, split }) {
  const labels = /** @type {const} */ (["name", "more", "none"]);
  const { past } = app;
  const step = (/** @type {1|-1} */ by, /** @type {boolean} */ far) =>
    past.open && past.step(by * stride(past.span, far));
  /** @type {Record<string, (e: KeyboardEvent) => void>} */
  const deeds = {
    "/": () => {
      app.state.set({ tab: "vehicles", region: null });
      app.select(app.state.value.vehicle);
      app.selected.tell({ open: false });
      focusSoon(() => {
        list.search.select();
        return list.search;
      });
    },
    "?": showKeys,
    " ": (e) => (past.at === null ? app.togglePause() : timeline.toggle(e.shiftKey ? -1 : 1)),
    b: () => timeline.show(),
    s: () => split.toggle(),
    "[": () => step(-1, false),
    "]": () => step(1, false),
    "{": () => step(-1, true),
    "}": () => step(1, true),
    ",": () => past.open && past.faster(-1),
    ".": () => past.open && past.faster(1),
    n: () => past.open && timeline.toEvent(1),
    p: () => past.open && timeline.toEvent(-1),
    v: () => {
      app.state.set({ tab: "vehicles", region: null });
      app.selected.tell({ open: false });
      focusSoon(() => list.box);
    },
    r: () => {
      app.state.set({ tab: "regions", region: null });
      app.selected.tell({ open: false });
      focusSoon(
        () => document.querySelector("#region-list [tabindex='0']") ?? document.querySelector("#page-regions button"),
      );
    },
    e: () => {
      app.pane.show(true);
      events.list.focus();
    },
    f: () => app.state.value.vehicle && app.state.set({ track: !app.state.value.track }),
    0: () => app.fitFleet(),
    "+": () => app.map.zoomIn(),
    "=": () => app.map.zoomIn(),
    "-": () => app.map.zoomOut(),
    l: () =>
      past.at === null || app.recording
        ? app.state.set({ labels: labels[(labels.indexOf(app.state.value.labels) + 1) % 3] })
        : past.live(),
    g: () => editor.begin(),
    h: () => app.recording === null && editor.ask(),
    t: () => flipTheme(app),
    m: () => app.state.value.vehicle && alerts.mute(`vehicle:${app.state.value.vehicle}`, 15),
    c: () => copyLink(app, alerts),
    j: () => {
      app.pane.show(true);
      events.list.focus();
      events.list.dispatchEvent(new KeyboardEvent("keydown", { key: "j" }));
    },
    k: () => {
      app.pane.show(true);
      events.list.focus();
      events.list.dispatchEvent(new KeyboardEvent("keydown", { key: "k" }));
    },
  };
  addEventListener("keydown", (e) => {
    const target = /** @type {HTMLElement} */ (e.target);
    if (
      (e.ctrlKey || e.metaKey) &&
      !e.shiftKey &&
      !e.altKey &&
      e.key.toLowerCase() === "z" &&
      !editor.active &&
      !e.defaultPrevented &&
      !target.matches("input:not([type=checkbox]):not([type=radio]), textarea, [contenteditable]") &&
      !document.querySelector("dialog[open]")
    ) {
      e.preventDefault();
      return app.deeds.undo();
    }
    if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || document.querySelector("dialog[open]")) return;
    const typing = target.matches("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
    if (e.key === "Escape") {
      e.preventDefault();
      if (following.choosing && !editor.active && !typing) following.choose(false);
      else back(app, editor, timeline, split, target, typing);
      return;
    }
    if (
      typing ||
      !app.preferences.value.keys ||
      (e.key === " " && target.matches("button, summary, a, [role=tab], input"))
    )
      return;
    const deed = deeds[e.key.length === 1 ? e.key.toLowerCase() : e.key];
    if (!deed) return;
    e.preventDefault();
    deed(e);
  });
}

/**
 * Once what covered it has gone and is no longer inert (covers.js hears of that in a microtask, asked for before this
 * one), and before the next key comes: what is typed after it is meant for it.
 * @param {() => Element|null} find
 */
const focusSoon = (find) => queueMicrotask(() => /** @type {HTMLElement|null} */ (find())?.focus());

/**
 * One layer back: the sketch, the panel, the selection.
 * @param {import("../app.js").App} app
 * @param {import("../draw/editor.js").Editor} editor
 * @param {import("../panels/timeline/timeline.js").Timeline} timeline
 * @param {import("../panels/timeline/split.js").Split} split
 * @param {HTMLElement} target
 * @param {boolean} typing
 */
function back(app, editor, timeline, split, target, typing) {
  if (typing) return target.blur();
  if (editor.active) return void editor.leave();
  if (app.state.value.kiosk) return app.state.set({ kiosk: false });
  if (app.state.value.region) app.state.set({ region: null });
  else if (app.state.value.leg !== null) app.state.set({ leg: null });
  else if (app.state.value.day) app.state.set({ day: null });
  else if (app.state.value.vehicle) app.select(null);
  else if (split.on) split.close();
  else if (app.recording) return;
  else if (app.past.at !== null) app.past.live();
  else if (app.past.open) timeline.close();
}

/** @param {import("../app.js").App} app @param {import("./alerts.js").Alerts} alerts */
export async function copyLink(app, alerts) {
  app.address.write();
  const done = await copyText(location.href);
  const title = say(done ? "link.copied" : "link.by_hand");
  alerts.toast({ icon: done ? "copy" : "info", title, body: say("link.more") });
  app.say(title);
}
