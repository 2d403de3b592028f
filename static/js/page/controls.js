// The buttons in the bar and on the map.

import { $, fill, h, iconButton, text } from "../parts/dom.js";
import { showKeys, showSettings } from "./dialogs.js";
import { isDark } from "../parts/theme.js";
import { say } from "../words/words.js";

/**
 * @param {import("../app.js").App} app
 * @param {import("./pill.js").Pill} pill
 * @param {import("../draw/editor.js").Editor} editor
 */
export function controls(app, pill, editor) {
  fill(
    $("#bar-end"),
    pill.element,
    iconButton("theme", say("bar.theme"), () => flipTheme(app), { class: "icon-button wide-only", id: "theme" }),
    iconButton("gear", say("bar.settings"), () => showSettings(app)),
    iconButton("keyboard", say("bar.keys"), showKeys),
  );
  const draw = iconButton("polygon", say("bar.draw"), () => editor.begin());
  fill(
    $("#map-tools"),
    h(
      "div",
      { class: "tool-group" },
      iconButton("plus", say("bar.in"), () => app.map.zoomIn()),
      iconButton("minus", say("bar.out"), () => app.map.zoomOut()),
      iconButton("fit", say("bar.fit"), () => app.fitFleet()),
    ),
    h("div", { class: "tool-group" }, draw),
  );
  app.ticked.on(() => {
    text($("#summary"), app.summary());
    pill.render();
  });
  app.heard.on((message) => {
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

/** @param {import("../app.js").App} app */
export const flipTheme = (app) => app.preferences.set({ theme: isDark() ? "light" : "dark" });
