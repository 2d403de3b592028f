// The buttons in the bar and on the map.

import { $, fill, h, icon, iconButton, text } from "./dom.js";
import { showKeys, showSettings } from "./dialogs.js";
import { isDark } from "./theme.js";

/** @param {import("./app.js").App} app @param {import("./pill.js").Pill} pill @param {import("./editor.js").Editor} editor */
export function controls(app, pill, editor) {
  const badge = h("span", { class: "badge", hidden: true });
  const bell = iconButton("bell", "Events", () => app.showEvents(!app.eventsOpen), { class: "icon-button wide-only" });
  bell.appendChild(badge);
  fill($("#bar-end"), pill.element, bell,
    iconButton("theme", "Light or dark", () => flipTheme(app), { class: "icon-button wide-only", id: "theme" }),
    iconButton("gear", "Settings", () => showSettings(app)), iconButton("keyboard", "Keys and legend", showKeys));
  const draw = iconButton("plus", "Draw a region", () => editor.begin());
  fill($("#map-tools"),
    h("div", { class: "tool-group" }, iconButton("plus", "Zoom in", () => app.map.zoomIn()), iconButton("minus", "Zoom out", () => app.map.zoomOut()), iconButton("fit", "Show the whole fleet", () => app.fitFleet())),
    h("div", { class: "tool-group" }, (draw.replaceChildren(icon("polygon")), draw)));
  const events = () => {
    const open = app.eventsOpen;
    $("#frame").dataset.events = open ? "open" : "closed";
    document.body.classList.toggle("frame-open", open && innerWidth >= 1180);
    bell.setAttribute("aria-pressed", String(open));
  };
  app.preferences.on(events);
  app.onEvents = events;
  addEventListener("resize", events);
  events();
  document.body.classList.toggle("kiosk", app.state.value.kiosk);
  app.ticks.add(() => {
    text($("#summary"), app.summary());
    const count = app.journal.events.reduce((n, e) => n + Number(e.seq > app.preferences.value.seen), 0);
    badge.hidden = count === 0 || app.eventsOpen;
    text(badge, count > 99 ? "99+" : String(count));
    pill.render();
  });
  app.readers.add((message) => {
    // How much a resume brought: everything between the first message after a loss and the first quiet update.
    if (message.op === "welcome" && app.everLive) app.resumedEvents = 0;
    else if (app.resumedEvents >= 0 && message.op === "update") {
      app.resumedEvents += message.events?.length ?? 0;
      if (!app.catchingUp) {
        pill.resumed(app.resumedEvents);
        app.resumedEvents = -1;
      }
      app.catchingUp = false;
    } else if (app.resumedEvents >= 0 && message.op === "snapshot") app.resumedEvents += message.events?.length ?? 0;
  });
  setInterval(() => app.connection.status.phase === "waiting" && pill.render(), 500);
}

/** @param {import("./app.js").App} app */
export const flipTheme = (app) => app.preferences.set({ theme: isDark() ? "light" : "dark" });
