// Everything on the map as text: a table a question. Long ones are made when they are opened, some rows at a time.

import { h } from "./dom.js";

const SOME = 200; // rows at once

/** @typedef {import("./main.js").Report} Report */
/** @typedef {import("./marks.js").Mark} Mark */

/** @param {Report} report @returns {HTMLElement[]} */
export function tables(report) {
  return [vehicles(report), ...inRegions(report), ...stopsAndEvents(report), ...corrections(report)];
}

/** @param {Report} report */
function vehicles(report) {
  const { voice, head } = report;
  const { say } = voice;
  const summed = head.vehicles.some(({ summary }) => summary);
  const counts = head.vehicles.map(({ stops }) => ({ stops: stops.length, events: 0 }));
  for (const [vehicle] of head.events) counts[vehicle].events++;
  const columns = /** @type {const} */ (["distance", "driving", "idle", "stopped", "top"]);
  const rows = head.vehicles.map((vehicle, i) => {
    const told = vehicle.summary ?? {};
    const button = h(
      "button",
      { type: "button", class: "report-link", "aria-pressed": "false" },
      name(vehicle.name ?? vehicle.id),
    );
    button.addEventListener("click", () => report.choose(report.chosen === i ? null : i));
    report.onChosen.push(() => button.setAttribute("aria-pressed", String(report.chosen === i)));
    return h(
      "tr",
      null,
      h(
        "th",
        { scope: "row" },
        button,
        vehicle.group ? h("span", { class: "report-group" }, name(vehicle.group)) : null,
      ),
      ...(summed
        ? [
            voice.distance(told.distance_m),
            voice.lasted(told.driving_s),
            voice.lasted(told.idle_s),
            voice.lasted(told.stopped_s),
            voice.speed(told.max_mps),
          ].map((text) => h("td", null, text))
        : []),
      h("td", null, voice.count(counts[i].stops)),
      h("td", null, voice.count(counts[i].events)),
    );
  });
  const sum = (/** @type {(told: import("./unpack.js").Summary) => number|null|undefined} */ of) =>
    head.vehicles.reduce((whole, { summary }) => whole + (summary ? (of(summary) ?? 0) : 0), 0);
  const foot = h(
    "tr",
    null,
    h("th", { scope: "row" }, say("total")),
    ...(summed
      ? [
          voice.distance(sum((told) => told.distance_m)),
          voice.lasted(sum((told) => told.driving_s)),
          voice.lasted(sum((told) => told.idle_s)),
          voice.lasted(sum((told) => told.stopped_s)),
          "",
        ].map((text) => h("td", null, text))
      : []),
    h("td", null, voice.count(report.stops.length)),
    h("td", null, voice.count(head.events.length)),
  );
  const heads = ["vehicle", ...(summed ? columns : []), "stops", "events"].map((key) => say(key));
  return section(say("vehicles_title"), heads, rows, [foot]);
}

/** @param {Report} report */
function inRegions(report) {
  const { voice, head } = report;
  /** @type {Map<string, {vehicles: number, visits: number, seconds: number}>} */ const told = new Map();
  for (const { summary } of head.vehicles)
    for (const { region, visits, duration_s } of summary?.regions ?? []) {
      const known = told.get(region) ?? { vehicles: 0, visits: 0, seconds: 0 };
      told.set(region, {
        vehicles: known.vehicles + 1,
        visits: known.visits + visits,
        seconds: known.seconds + duration_s,
      });
    }
  if (!told.size) return [];
  const names = new Map(head.regions.map((region) => [region.id, region.name ?? region.id]));
  const rows = [...told]
    .sort(([, a], [, b]) => b.seconds - a.seconds)
    .map(([id, { vehicles, visits, seconds }]) =>
      h(
        "tr",
        null,
        h("th", { scope: "row" }, name(names.get(id) ?? id)),
        ...[voice.count(vehicles), voice.count(visits), voice.lasted(seconds)].map((text) => h("td", null, text)),
      ),
    );
  const heads = [voice.say("region"), voice.say("vehicles_title"), voice.say("visits"), voice.say("inside")];
  return [section(voice.say("regions"), heads, rows)];
}

/** @param {Report} report */
function stopsAndEvents(report) {
  const { voice, head } = report;
  const { say } = voice;
  const times = (/** @type {Mark} */ mark) => voice.day(head.since + mark.second * 1000);
  const stops = folded(
    report,
    "stops",
    report.stops,
    "no_stops",
    ["vehicle", "from", "until", "lasted", "where"],
    (mark) => [
      times(mark),
      voice.day(head.since + (mark.second + mark.lasted) * 1000),
      voice.lasted(mark.lasted),
      name(report.where(mark)),
    ],
  );
  const events = folded(
    report,
    "events",
    report.events,
    "no_events",
    ["vehicle", "time", "what", "where", "lasted"],
    (mark) => [
      times(mark),
      say(`kind.${mark.kind}`),
      name(report.where(mark)),
      mark.lasted ? voice.lasted(mark.lasted) : "",
    ],
  );
  if (head.left_out) events.append(h("p", { class: "report-note" }, say("left_out", { n: head.left_out })));
  return [stops, events];
}

/** What is told otherwise than it was received: who says so, when and why. @param {Report} report */
function corrections(report) {
  const { voice, head } = report;
  const rows = head.vehicles.flatMap(({ id, name: called, corrections: some = [] }) =>
    some.map(({ what, from, until, by, at, why }) =>
      h(
        "tr",
        null,
        h("th", { scope: "row" }, name(called ?? id)),
        ...[
          voice.say(`correction.${what}`),
          voice.day(head.since + from * 1000),
          voice.day(head.since + until * 1000),
          name(why),
          name(by),
          voice.day(at),
        ].map((text) => h("td", null, text)),
      ),
    ),
  );
  if (!rows.length) return [];
  const heads = ["vehicle", "what", "from", "until", "why", "by", "said_at"].map((key) => voice.say(key));
  return [section(voice.say("corrections"), heads, rows)];
}

/**
 * A list that is made when it is opened: of the vehicle that is chosen, or of all.
 * @param {Report} report @param {string} title @param {Mark[]} marks @param {string} none @param {string[]} heads
 * @param {(mark: Mark) => (string|Node)[]} cells
 */
function folded(report, title, marks, none, heads, cells) {
  const { voice } = report;
  const count = h("span", { class: "report-count" });
  const list = h(
    "details",
    { class: "report-section", "data-list": title },
    h("summary", null, h("h2", null, voice.say(title)), count),
  );
  const shown = () => marks.filter(({ vehicle }) => report.chosen === null || report.chosen === vehicle);
  function fill() {
    const some = shown();
    count.textContent = voice.count(some.length);
    list.querySelector(".report-scroll, .report-note")?.remove();
    list.querySelector(".report-more")?.remove();
    if (!list.open) return;
    if (!some.length) return list.append(h("p", { class: "report-note" }, voice.say(none)));
    const body = table(
      voice.say(title),
      heads.map((key) => voice.say(key)),
      [],
    );
    body.classList.add("report-list");
    list.append(body);
    const rows = /** @type {HTMLElement} */ (body.querySelector("tbody"));
    const more = h("button", { type: "button", class: "report-button report-more" });
    const next = () => {
      const from = rows.childElementCount;
      rows.append(...some.slice(from, from + SOME).map((mark) => row(report, mark, cells(mark))));
      const left = some.length - rows.childElementCount;
      more.textContent = voice.say("more", { n: left });
      more.hidden = left === 0;
    };
    more.addEventListener("click", next);
    next();
    list.append(more);
  }
  list.addEventListener("toggle", fill);
  report.onChosen.push(fill);
  fill();
  return list;
}

/** @param {Report} report @param {Mark} mark @param {(string|Node)[]} cells */
function row(report, mark, cells) {
  const vehicle = report.head.vehicles[mark.vehicle];
  const placed = Number.isFinite(mark.x);
  const button = h(
    "button",
    { type: "button", class: "report-link", title: report.voice.say("show_on_map") },
    name(vehicle.name ?? vehicle.id),
  );
  button.addEventListener("click", () => report.show(mark));
  return h(
    "tr",
    null,
    h("th", { scope: "row" }, placed ? button : name(vehicle.name ?? vehicle.id)),
    ...cells.map((cell) => h("td", null, cell)),
  );
}

/** @param {string} title @param {string[]} heads @param {Node[]} rows @param {Node[]} [foot] */
const section = (title, heads, rows, foot) =>
  h("section", { class: "report-section" }, h("h2", null, title), table(title, heads, rows, foot));

/** @param {string} title @param {string[]} heads @param {Node[]} rows @param {Node[]} [foot] */
function table(title, heads, rows, foot) {
  const made = h(
    "table",
    null,
    h("thead", null, h("tr", null, ...heads.map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", null, ...rows),
    foot ? h("tfoot", null, ...foot) : null,
  );
  return h("div", { class: "report-scroll", tabindex: "0", role: "region", "aria-label": title }, made);
}

/** Text in whatever direction, which turns nothing around it. @param {string} text */
const name = (text) => h("bdi", null, text);
