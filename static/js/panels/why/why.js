// "Why?": the two fixes that decided, the edge between them, and the thresholds, as sentences and as a small drawing.

import { ApiError, call, get, regionPath } from "../../net/api.js";
import { seesEverything } from "../../net/grants.js";
import { decided } from "../../model/past/loop.js";
import { h, icon } from "../../parts/dom.js";
import * as format from "../../words/format.js";
import { explain, tell, unspoken } from "../../words/phrases.js";
import { pieces, say } from "../../words/words.js";
import { by } from "../day/corrected.js";
import { momentLink } from "../timeline/lead.js";
import { whyPicture } from "./picture.js";

/** @typedef {import("../../words/phrases.js").Event} Event */

const MOST = 50; // of one row
const KEPT_MS = 60_000; // a file, until the browser has saved it

/** @param {import("../../app.js").App} app @param {import("../../model/events.js").Group} group
 * @param {import("../../page/alerts.js").Alerts} alerts */
export function whyCard(app, { events, newest: event }, alerts) {
  const card = h("div", { class: "why-card" });
  const fixes = decided(event);
  if (fixes.length) picture(app, event, fixes, card);
  const { units, zone } = app.preferences.value;
  const last = fixes[fixes.length - 1];
  /** The moment of a fix. @param {number} time */
  const clock = (time) => {
    const fix = fixes.find((one) => one.time === time) ?? last;
    const words = format.when(time, Date.parse(event.time), zone);
    const where = { vehicle: event.vehicle, region: event.region, place: fix && [fix.lat, fix.lon] };
    return momentLink(app, words, words, time, where);
  };
  card.append(...explain(event, units, clock).map((line) => h("p", null, ...line)));
  const doubts = new Map(events.flatMap(({ doubted = [] }) => doubted.map((one) => [one.id, one])));
  for (const one of doubts.values()) card.append(doubt(app, one));
  if (unspoken(event)) card.append(h("p", null, h("code", null, unspoken(event))));
  if (events.length > 1) card.append(others(app, events.slice(1)));
  const keys = /** @type {[string, string][]} */ ([
    ["region", event.region],
    ["vehicle", event.vehicle],
  ]).filter(([, id]) => id);
  card.appendChild(
    h(
      "div",
      { class: "toast-actions" },
      h(
        "button",
        {
          type: "button",
          class: "link",
          title: say("past.here.of", { what: tell(event, app.names()) }),
          onclick: () => app.showMoment(Date.parse(event.time), { event }),
        },
        say("why.moment"),
      ),
      keys.map(([what, id]) =>
        h(
          "button",
          { type: "button", class: "link", onclick: () => alerts.mute(`${what}:${id}`, 15) },
          say("why.mute", { name: what === "region" ? app.regionName(id) : app.vehicleName(id) }),
        ),
      ),
      h(
        "button",
        { type: "button", class: "link", onclick: () => app.state.set({ about: `vehicle:${event.vehicle}` }) },
        say("why.all"),
      ),
      maySave(app) && evidence(event, alerts),
    ),
  );
  return card;
}

/**
 * The edge as it decided, where it can be had; else the present one, and that is said.
 * @param {import("../../app.js").App} app @param {Event} event @param {import("../../model/past/loop.js").Fix[]} fixes
 * @param {HTMLElement} card
 */
async function picture(app, event, fixes, card) {
  const present = event.region ? (app.fleet.regions.get(event.region) ?? null) : null;
  const same = !event.version || present?.properties.version === event.version;
  if (same || !event.region) return card.prepend(whyPicture(app, fixes, { edge: present, own: false }));
  const path = `${regionPath(event.region)}/versions/${event.version}`;
  const then = await get(path, {}, app.asking.signal).catch(() => null);
  const words = then ? "why.then" : "why.changed";
  if (present) card.prepend(h("p", null, say(words)));
  card.prepend(whyPicture(app, fixes, { edge: then ?? present, own: then !== null }));
}

/** Who called a fix wrong that decided, when and why. @param {import("../../app.js").App} app
 * @param {import("../../words/phrases.js").Doubt} one */
function doubt(app, one) {
  const words = say("why.doubted", {
    by: by(one, app.now(), app.preferences.value.zone),
    why: format.isolate(one.why),
  });
  return h("p", { class: "notice warn" }, icon("edit", 14), h("span", null, words));
}

/** What stands in the same row: each leads to its own moment. @param {import("../../app.js").App} app
 * @param {Event[]} events */
function others(app, events) {
  const { zone } = app.preferences.value;
  const times = events.slice(0, MOST).flatMap((event, i) => {
    const words = format.when(Date.parse(event.time), app.now(), zone);
    const link = momentLink(app, words, tell(event, app.names()), Date.parse(event.time), { event });
    return i ? [", ", link] : [link];
  });
  if (events.length > MOST) times.push(" …");
  return h("p", null, pieces("why.others", { times: h("span", null, ...times) }));
}

/** What decided an event, as one file: may it be had? @param {import("../../app.js").App} app */
const maySave = (app) => seesEverything(app.who.grants);

/** @param {Event} event @param {import("../../page/alerts.js").Alerts} alerts */
function evidence(event, alerts) {
  const save = async () => {
    button.disabled = true;
    try {
      const file = await call("GET", "history/bundle", { query: { event: event.id }, bytes: true });
      const href = URL.createObjectURL(new Blob([file], { type: "application/zip" }));
      h("a", { href, download: `event-${event.id}.zip` }).click();
      setTimeout(() => URL.revokeObjectURL(href), KEPT_MS);
    } catch (fault) {
      const body = fault instanceof ApiError ? fault.message : String(fault);
      alerts.toast({ icon: "warn", title: say("why.no_evidence"), body });
    }
    button.disabled = false;
  };
  const button = h("button", { type: "button", class: "link of-server", onclick: save }, say("why.evidence"));
  return button;
}
