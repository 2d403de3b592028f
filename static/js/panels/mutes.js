// What is muted, for how long yet, and how much was not told meanwhile.

import { h, icon, refill, text } from "../parts/dom.js";
import * as format from "../words/format.js";
import { kindOf } from "../words/phrases.js";
import { say } from "../words/words.js";

const LONGEST_MS = 8 * 3_600_000; // a mute; what happened before it began was told

/**
 * @param {HTMLElement} list
 * @param {import("../app.js").App} app
 * @param {import("../page/alerts.js").Alerts} alerts
 */
export function showMutes(list, app, alerts) {
  const { seen, mutes } = app.preferences.value;
  const now = Date.now();
  const live = Object.entries(mutes).filter(([, until]) => until > now);
  list.hidden = live.length === 0;
  refill(
    list,
    live.map(([key]) => key).join("\0"),
    live.map(([key]) =>
      h(
        "li",
        null,
        icon("mute", 14),
        h("span", { class: "grow" }),
        h("button", { type: "button", class: "link", onclick: () => alerts.mute(key, 0) }, say("events.unmute")),
      ),
    ),
  );
  for (const [i, node] of list.querySelectorAll(".grow").entries()) {
    const [key, until] = live[i];
    const [what, id] = [key.slice(0, key.indexOf(":")), key.slice(key.indexOf(":") + 1)];
    const quiet = app.journal.events.filter(
      (e) =>
        (what === "region" ? e.region : what === "vehicle" ? e.vehicle : e.kind) === id &&
        Date.parse(e.received_at) > until - LONGEST_MS &&
        e.seq > seen,
    ).length;
    const name = what === "region" ? app.regionName(id) : what === "vehicle" ? app.vehicleName(id) : kindOf(id).title;
    const time = format.age(Math.ceil((until - now) / 60_000) * 60_000);
    text(node, say(quiet ? "events.mute.unread" : "events.mute", { name, time, n: quiet }));
  }
}
