// The buttons in the bar and on the map.

import { $, fill, h, iconButton, text } from "../parts/dom.js";
import { showKeys, showSettings } from "./dialogs.js";
import { askReport } from "./reports.js";
import { isDark } from "../parts/theme.js";
import { say } from "../words/words.js";

/**
 * @param {import("../app.js").App} app
 * @param {import("./pill.js").Pill} pill
 * @param {import("../draw/editor.js").Editor} editor
 * @param {import("../panels/timeline/timeline.js").Timeline} timeline
 * @param {import("../panels/timeline/recorded.js").Recorded} recorded
 */
export function controls(app, pill, editor, timeline, recorded) {
  fill(
    $("#bar-end"),
    pill.element,
    iconButton("theme", say("bar.theme"), () => flipTheme(app), { class: "icon-button wide-only", id: "theme" }),
    iconButton("report", say("report.title"), () => askReport(app), { id: "report", class: "icon-button of-server" }),
    iconButton("gear", say("bar.settings"), () => showSettings(app)),
    iconButton("keyboard", say("bar.keys"), showKeys),
  );
  const draw = iconButton("polygon", say("bar.draw"), () => editor.begin(), { data: { needs: "edit_regions" } });
  fill(
    $("#map-tools"),
    h(
      "div",
      { class: "tool-group" },
      iconButton("plus", say("bar.in"), () => app.map.zoomIn()),
      iconButton("minus", say("bar.out"), () => app.map.zoomOut()),
      iconButton("fit", say("bar.fit"), () => app.fitFleet()),
    ),
    h(
      "div",
      { class: "tool-group" },
      draw,
      iconButton("history", say("inside.title"), () => editor.ask(), { class: "icon-button of-server" }),
      iconButton("clock", say("past.open"), () => (app.past.open ? timeline.close() : timeline.show()), {
        id: "time-open",
        class: "icon-button of-server",
        "aria-pressed": "false",
      }),
      recorded.button,
    ),
  );
  app.ticked.on(() => {
    text($("#summary"), app.summary());
    pill.render();
  });
  app.resumed.on((events) => pill.resumed(events));
  setInterval(() => app.connection.status.phase === "waiting" && pill.render(), 500);
}

/** @param {import("../app.js").App} app */
export const flipTheme = (app) => app.preferences.set({ theme: isDark() ? "light" : "dark" });
