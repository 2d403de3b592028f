// One row of the events: its sentence, when, who acknowledged it, what can be done about it.

import { h, icon, iconButton } from "../parts/dom.js";
import * as format from "../words/format.js";
import { muted } from "../model/events.js";
import { kindOf, sentence, tell } from "../words/phrases.js";
import { momentLink } from "./timeline/lead.js";
import { whyCard } from "./why/why.js";
import { pieces, say } from "../words/words.js";

/** @typedef {import("../model/events.js").Group} Group */
/**
 * @typedef {object} Column what a row asks of the list it stands in
 * @property {import("../app.js").App} app
 * @property {import("../page/alerts.js").Alerts} alerts
 * @property {string|null} why the event whose card is open
 * @property {string|null} current key of the row somebody is at
 * @property {(group: Group) => void} jump
 * @property {(group: Group) => void} toggleWhy
 * @property {(group: Group, yes: boolean) => void} acknowledge
 */

const NEEDS = { data: { needs: "acknowledge" } };

/** Everything a row shows that can change. @param {Column} column @param {Group} group */
export function markOf({ app, why, current }, group) {
  const e = group.newest;
  const { seen, mutes, units, zone } = app.preferences.value;
  return [
    group.events.length,
    e.ack?.by,
    e.ack?.at,
    group.events.flatMap(({ doubted }) => doubted ?? []).map(({ id }) => id),
    e.seq > seen,
    muted(e, mutes, Date.now()),
    why === e.id,
    current === group.key,
    units,
    zone,
    app.vehicleName(e.vehicle),
    e.region && app.regionName(e.region),
  ].join("|");
}

/** @param {Column} column @param {Group} group @param {string} mark */
export function eventRow(column, group, mark) {
  const { app, alerts } = column;
  const e = group.newest;
  const kind = kindOf(e.kind);
  const { seen, mutes } = app.preferences.value;
  const raised = alerts.answerable(e);
  const silent = muted(e, mutes, Date.now());
  const open = column.why === e.id;
  const level = !raised || e.ack || silent ? "dim" : kind.level === "high" ? "raised high" : "raised";
  const looks = ["event", level, e.ack && "acked", e.seq > seen && "unread", column.current === group.key && "current"];
  return h(
    "li",
    { class: looks.filter(Boolean).join(" "), data: { key: group.key, mark } },
    h("span", { class: "mark" }, icon(/** @type {any} */ (e.ack ? "check" : kind.icon))),
    h("button", { type: "button", class: "what", onclick: () => column.jump(group) }, words(app, group)),
    meta(app, group, silent),
    h(
      "div",
      { class: "does" },
      answer(column, group, raised),
      iconButton("info", say("events.why"), () => column.toggleWhy(group), { "aria-expanded": String(open) }),
    ),
    open && h("div", { class: "why" }, whyCard(app, group, alerts)),
  );
}

/** @param {import("../app.js").App} app @param {Group} group @returns {(HTMLElement|string|number)[]} */
function words(app, { events, newest: e }) {
  const name = (/** @type {string} */ said) => h("b", null, said);
  const detail = (/** @type {string} */ said) => h("span", { class: "muted" }, said);
  const others = new Set(events.map((one) => one.vehicle)).size - 1;
  if (!others) return sentence(e, app.names(), { name, detail });
  const vehicle = name(format.isolate(app.vehicleName(e.vehicle)));
  return pieces("event.others", /** @type {Record<string, any>} */ ({ vehicle, n: others }));
}

/** @param {import("../app.js").App} app @param {Group} group @param {boolean} silent */
function meta(app, { events, newest: e }, silent) {
  return h(
    "div",
    { class: "meta num" },
    momentLink(app, h("time", { datetime: e.time, data: { time: e.time } }), tell(e, app.names()), Date.parse(e.time), {
      event: e,
    }),
    events.length > 1 && h("span", { class: "tag" }, `×${events.length}`),
    e.delayed && h("span", { class: "tag", title: say("events.late") }, say("events.delayed")),
    events.some(({ doubted }) => doubted?.length) &&
      h("span", { class: "tag", title: say("events.doubted.why") }, say("events.doubted")),
    silent && h("span", { class: "tag" }, say("events.quiet")),
    e.ack &&
      h(
        "span",
        null,
        say("events.acked", { name: e.ack.by, time: format.clock(Date.parse(e.ack.at), app.preferences.value.zone) }),
      ),
  );
}

/**
 * The button that acknowledges, or takes it back.
 * @param {Column} column
 * @param {Group} group
 * @param {boolean} raised
 */
function answer(column, group, raised) {
  const e = group.newest;
  const event = tell(e, column.app.names());
  if (e.ack) return iconButton("undo", say("events.unack", { event }), () => column.acknowledge(group, false), NEEDS);
  return raised && iconButton("check", say("events.ack", { event }), () => column.acknowledge(group, true), NEEDS);
}
