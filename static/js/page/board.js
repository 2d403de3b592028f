// The wallboard (kiosk=1 in the link): a map nobody touches, read from across the room. A band says whether it is live,
// the time, the counts and the newest alert; when what is shown is old, band and map say so.

import { $, fill, h, text } from "../parts/dom.js";
import { tally } from "../model/status.js";
import * as format from "../words/format.js";
import { tell } from "../words/phrases.js";
import { say } from "../words/words.js";

const ALERT_MS = 10 * 60_000;
const COUNTED = /** @type {const} */ (["moving", "idle", "parked", "stale", "offline"]);

/** @param {import("../app.js").App} app @param {import("./pill.js").Pill} pill */
export function board(app, pill) {
  const clock = h("time", { class: "board-clock num" });
  const state = h("strong", { class: "board-state" });
  const counts = h("span", { class: "board-counts num" });
  const alert = h("p", { class: "board-alert" });
  const band = h(
    "section",
    { class: "board", hidden: true, "aria-label": say("board") },
    h("h1", { class: "visually-hidden" }, say("page.name")),
    state,
    counts,
    clock,
    alert,
  );
  $("#frame").before(band);
  const render = () => {
    const on = app.state.value.kiosk;
    document.body.classList.toggle("kiosk", on);
    band.hidden = !on;
    if (!on) return text(alert, "");
    const now = app.now();
    const { zone } = app.preferences.value;
    const { phase, since } = app.connection.status;
    const live = phase === "live" && app.fleet.ready && !app.paused;
    document.body.toggleAttribute("data-old", !live);
    pill.render();
    text(
      state,
      live
        ? say("pill.live")
        : app.resume.everLive
          ? say("board.old", { time: format.clockShort(since, zone), age: format.age(Date.now() - since) })
          : (pill.main.textContent ?? say("pill.connecting")),
    );
    text(clock, `${format.clock(now, zone)} ${format.zoneName(now, zone)}`);
    const counted = tally(app.fleet.byId.values());
    fill(
      counts,
      COUNTED.filter((name) => counted[name]).map((name, i) => [
        i ? " · " : "",
        h("b", null, format.count(counted[name])),
        ` ${say(`status.${name}`)}`,
      ]),
    );
    const event = app.journal.events.find(
      (one) => one.raised && !one.ack && now - Date.parse(one.received_at) < ALERT_MS,
    );
    alert.hidden = !event;
    text(alert, event ? tell(event, app.names(), now) : "");
  };
  app.ticked.on(render);
  app.state.changed.on((now, before) => now.kiosk !== before.kiosk && render());
  setInterval(() => app.paused && render(), 1000);
  app.statusChanged.on(render);
  render();
}
