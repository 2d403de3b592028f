// What goes on paper beside the map: when it was printed, and every vehicle the list shows, which on the screen exist
// only where the reader looks.

import { $, h, text } from "../parts/dom.js";
import { status } from "../model/status.js";
import * as format from "../words/format.js";
import { halted } from "../panels/vehicles.js";
import { say } from "../words/words.js";

/** @param {import("../app.js").App} app @param {import("../panels/vehicles.js").VehicleList} list
 * @param {import("../panels/timeline/split.js").Split} split */
export function print(app, list, split) {
  /** @type {HTMLElement|null} */ let table = null;
  addEventListener("beforeprint", () => {
    const now = app.now();
    const { zone, units } = app.preferences.value;
    table?.remove();
    const { at } = app.past;
    const { other } = split;
    const beside = split.on && (other === null ? say("split.now") : format.full(other, zone));
    const time = at === null ? "" : format.full(at, zone);
    const then = time && say("past.printed", { time: beside ? say("split.two", { time, beside }) : time });
    text($("#summary"), [app.summary(), format.full(now, zone), then].filter(Boolean).join(" · "));
    table = h(
      "table",
      { class: "printed" },
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          /** @type {const} */ (["vehicle", "print.state", "vehicle.speed", "print.where", "vehicle.heard"]).map(
            (key) => h("th", { scope: "col" }, say(key)),
          ),
        ),
      ),
      h(
        "tbody",
        null,
        list.shown.map((v) =>
          h(
            "tr",
            null,
            h("td", null, h("bdi", null, v.name)),
            h("td", null, say(`state.${halted(v, units) ? "halted" : status(v)}`)),
            h("td", null, v.speed >= 0 ? format.speed(v.speed, units) : ""),
            h(
              "td",
              null,
              h(
                "bdi",
                null,
                app
                  .insideOf(v)
                  .map(([id]) => app.regionName(id))
                  .join(", ") || format.place(v.lat, v.lon),
              ),
            ),
            h("td", null, format.when(v.heard, now, zone)),
          ),
        ),
      ),
    );
    document.body.appendChild(table);
  });
  addEventListener("afterprint", () => {
    table?.remove();
    table = null;
    app.tickNow();
  });
}
