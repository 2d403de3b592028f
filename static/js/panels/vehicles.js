// The vehicle list: search, status chips that count and filter, sorting. The full non-visual equivalent of the map.

import { steady } from "../net/clock.js";
import { whyEmpty } from "../net/grants.js";
import { $, fill, h, icon, iconButton, refill, text } from "../parts/dom.js";
import { status } from "../model/status.js";
import * as format from "../words/format.js";
import { Hold } from "../parts/hold.js";
import { byName, kept, listed, missing } from "../model/listing.js";
import { spans } from "../model/search.js";
import { glyphIcon } from "../map/sprites.js";
import { VirtualList } from "../parts/virtual.js";
import { pieces, say } from "../words/words.js";

/** @typedef {import("../model/fleet.js").Vehicle} Vehicle */
/** @typedef {import("../app.js").App} App */

const CHIPS = /** @type {const} */ ([
  ["moving", 1],
  ["idle", 2],
  ["parked", 3],
  ["stale", 1],
  ["offline", 4],
]);

export class VehicleList {
  /** @param {App} app @param {HTMLElement} page */
  constructor(app, page) {
    this.app = app;
    /** @type {Vehicle[]} */ this.matching = [];
    /** @type {Vehicle[]} the same, in the order and number they had when somebody came to the list */ this.shown = [];
    /** @type {Map<string, import("../model/search.js").Found>} what fits what was typed */ this.found = new Map();
    this.meant = false; // Enter came before the fleet: what is found then
    this.settled = false; // what is shown is a whole fleet
    /** @type {Vehicle[]} */ this.sorted = [];
    this.sortedAt = -1;
    this.counts = { moving: 0, idle: 0, parked: 0, stale: 0, offline: 0, unknown: 0 };
    this.search = h("input", {
      type: "search",
      id: "search",
      placeholder: say("list.search"),
      "aria-label": say("list.search.by"),
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => app.state.set({ query: this.search.value }),
      onkeydown: (/** @type {KeyboardEvent} */ e) => this.#searchKey(e),
    });
    this.clear = iconButton(
      "close",
      say("list.search.clear"),
      () => {
        app.state.set({ query: "" });
        this.search.focus();
      },
      { class: "icon-button tiny" },
    );
    this.chips = CHIPS.map(([key, state]) => {
      const glyph = h("canvas", { "aria-hidden": "true" });
      const number = h("b", null, "0");
      const chip = h(
        "button",
        {
          type: "button",
          class: "chip",
          "aria-pressed": "false",
          data: { chip: key },
          onclick: () => this.#toggle(key),
        },
        glyph,
        number,
        h("span", null, say(`state.${key}`)),
      );
      return { key, state, chip, glyph, number };
    });
    this.note = h("span", { class: "grow" });
    this.only = h("button", {
      type: "button",
      class: "link small",
      onclick: () => app.state.set({ only: !app.state.value.only }),
    });
    this.reset = h(
      "button",
      {
        type: "button",
        class: "link small",
        onclick: () => app.state.set({ query: "", states: [], group: null, only: false }),
      },
      say("list.clear"),
    );
    this.sort = h(
      "select",
      {
        class: "plain",
        "aria-label": say("list.sort.by"),
        onchange: () => app.state.set({ sort: /** @type {any} */ (this.sort.value) }),
      },
      .../** @type {const} */ (["name", "age", "speed", "dwell"]).map((value) =>
        h("option", { value }, say(`list.sort.${value}`)),
      ),
    );
    this.box = h("div", {
      class: "virtual",
      id: "vehicle-list",
      role: "listbox",
      tabIndex: 0,
      "aria-label": say("page.vehicles"),
    });
    this.empty = h("div", { class: "empty", hidden: true });
    this.hold = new Hold(this.box, {
      rows: ".row",
      release: () => this.refresh(),
      news: () => {
        if (app.state.value.sort !== "name") this.hold.top();
        this.refresh(true);
      },
    });
    fill(
      page,
      h("div", { class: "search" }, icon("search"), this.search, h("kbd", { "aria-hidden": "true" }, "/"), this.clear),
      h(
        "div",
        { class: "chips", role: "group", "aria-label": say("list.states") },
        this.chips.map((c) => c.chip),
      ),
      h(
        "div",
        { class: "list-head" },
        this.note,
        this.only,
        this.reset,
        h("span", { class: "muted", "aria-hidden": "true" }, say("list.sort")),
        this.sort,
        connects(app),
      ),
      this.hold.element,
      this.empty,
    );
    this.list = new VirtualList(this.box, {
      make: makeRow,
      key: (/** @type {Vehicle} */ v) => v.id,
      show: (row, v) => this.#show(row, v),
      pick: (v, { double, keyboard }) =>
        app.select(v.id, { reveal: true, open: keyboard ? undefined : true, track: double, along: keyboard }),
      hover: (v) => app.hover(v),
    });
    app.forgotten.on(() => {
      this.refresh(true);
      this.list.forget();
    });
    this.box.addEventListener("keydown", (e) => {
      if (e.key === "Enter" && app.state.value.vehicle)
        app.select(app.state.value.vehicle, { open: true, reveal: true, focus: true });
    });
    app.state.changed.on((now, before) => {
      if (now.query !== before.query || now.vehicle !== before.vehicle) this.meant = false;
      if (now.vehicle !== before.vehicle) this.list.select(now.vehicle, true);
      if (
        now.query !== before.query ||
        now.states !== before.states ||
        now.sort !== before.sort ||
        now.only !== before.only ||
        now.group !== before.group
      ) {
        this.hold.top();
        this.refresh(true);
      }
    });
  }

  /** @param {string} key */
  #toggle(key) {
    const { states } = this.app.state.value;
    this.app.state.set({ states: states.includes(key) ? states.filter((s) => s !== key) : [...states, key] });
  }

  /** @param {KeyboardEvent} e */
  #searchKey(e) {
    if (e.isComposing) return;
    if (e.key === "Enter" && this.search.value.trim() && !this.app.fleet.ready) this.meant = true;
    else if (e.key === "Enter" && this.matching.length) this.#openFirst();
    else if (e.key === "ArrowDown") this.box.focus();
    else if (e.key === "Escape") this.search.value ? this.app.state.set({ query: "" }) : this.search.blur();
    else return;
    e.preventDefault();
  }

  #openFirst() {
    this.meant = false;
    if (this.matching.length)
      this.app.select(this.matching[0].id, { open: true, reveal: true, focus: document.activeElement === this.search });
  }

  /**
   * Count, filter and sort again. While somebody is at the list its rows stay.
   * @param {boolean} [asked] by the reader
   */
  refresh(asked = false) {
    const { fleet, state } = this.app;
    const { query, states, group, sort } = state.value;
    const asks = query.trim() !== "";
    const { shown, counts, found } = listed(this.#byName(), state.value, this.app.regionName, fleet.now(steady()));
    this.counts = counts;
    this.found = found;
    this.matching = shown;
    const held = !asked && this.settled && this.shown.length > 0 && this.hold.held;
    const fresh = held ? missing(shown, this.shown) : 0;
    this.hold.wait(
      fresh
        ? say("new", { n: fresh })
        : held && sort !== "name" && shown.some((v, i) => v.id !== this.shown[i]?.id)
          ? say("list.sort.again")
          : "",
    );
    // who has gone stays, marked, until the reader has
    this.shown = held ? kept(this.shown, (v) => fleet.byId.get(v.id) ?? v) : shown;
    this.settled = fleet.ready;
    this.#heads(query, states, group);
    this.list.set(this.shown);
    this.app.filtered(asks || states.length || group ? shown : null);
    if (this.meant && fleet.ready) this.#openFirst();
  }

  /** Everyone by name; sorted anew only when somebody came, went or was renamed. */
  #byName() {
    if (this.sortedAt !== this.app.fleet.version) {
      this.sortedAt = this.app.fleet.version;
      this.sorted = byName(this.app.fleet.byId.values());
    }
    return this.sorted;
  }

  /** @param {string} query @param {string[]} states @param {string|null} group */
  #heads(query, states, group) {
    const total = this.app.fleet.byId.size;
    const filtered = Boolean(query || states.length || group);
    // Room for the whole fleet in each: a count that grows pushes no chip away from under a pointer.
    this.chips[0].chip.parentElement?.style.setProperty("--digits", String(format.count(total).length));
    for (const { key, state, chip, glyph, number } of this.chips) {
      text(number, format.count(this.counts[key]));
      chip.setAttribute("aria-pressed", String(states.includes(key)));
      chip.toggleAttribute("data-empty", this.counts[key] === 0);
      glyphIcon(glyph, key, state, 45);
    }
    if (this.search.value !== query) this.search.value = query;
    this.clear.hidden = !query;
    const named = [
      query && say("list.quoted", { query }),
      ...states.map((s) => say(`status.${/** @type {"idle"} */ (s)}`)),
      group,
    ]
      .filter(Boolean)
      .join(", ");
    text(
      this.note,
      filtered ? say("list.some", { n: this.matching.length, total, filter: named }) : say("list.all", { n: total }),
    );
    this.only.hidden = this.reset.hidden = !filtered;
    text(this.only, say(this.app.state.value.only ? "list.whole" : "list.only"));
    if (this.sort.value !== this.app.state.value.sort) this.sort.value = this.app.state.value.sort;
    text($("#count-vehicles"), total ? format.count(total) : "");
    this.hold.element.hidden = this.shown.length === 0;
    this.empty.hidden = this.shown.length > 0;
    if (!this.empty.hidden) {
      const why = whyEmpty(this.app.who);
      if (!this.app.fleet.ready && why !== "groups")
        fill(
          this.empty,
          h("span", null, say(this.app.connection.status.phase === "ended" ? "file.closed" : "list.connecting")),
        );
      else if (filtered)
        fill(this.empty, h("strong", null, say("list.no_match")), h("span", null, say("list.no_match.more")));
      else if (this.app.recording) fill(this.empty, h("strong", null, say("file.nobody")));
      else {
        const more = why === "groups" || why === "elsewhere" ? say(`list.empty.${why}`) : say("list.empty.more");
        fill(this.empty, h("strong", null, say("list.empty")), h("span", null, more));
      }
    }
  }

  /** @param {HTMLElement} row @param {Vehicle} v */
  #show(row, v) {
    const { app } = this;
    const now = app.fleet.now(steady());
    const parts = /** @type {any} */ (row).parts;
    const s = status(v);
    const { units } = app.preferences.value;
    const gone = app.fleet.byId.get(v.id) !== v;
    row.toggleAttribute("data-gone", gone);
    if (gone) {
      glyphIcon(parts.glyph, "offline", 4, -1);
      marked(parts.name, v.name, []);
      for (const part of [parts.speed, parts.age]) text(part, "");
      parts.dot.hidden = true;
      return marked(parts.sub, say("list.gone"), []);
    }
    const where = app.insideOf(v);
    const since = v.since && !v.stale && !v.offline ? format.age(now - v.since) : "";
    glyphIcon(parts.glyph, s, v.state, v.heading);
    const { query } = app.state.value;
    const found = this.found.get(v.id);
    const label = found && found.field !== "name" ? say(`list.found.${found.field}`, { text: found.text }) : "";
    marked(parts.name, v.name, found ? spans(v.name, query) : []);
    parts.dot.hidden = !app.overlay.alerting.has(v.id);
    const place = where.length
      ? `${app.regionName(where[0][0])}${where[0][1] ? ` ${format.timer(now - where[0][1])}` : ""}${where.length > 1 ? ` +${where.length - 1}` : ""}`
      : v.group
        ? say("list.group", { group: v.group })
        : (v.plate ?? "");
    const still = halted(v, units);
    const said = say(`state.${still ? "halted" : s}`);
    marked(
      parts.sub,
      [
        label,
        since && !still ? say("list.state", { state: said, age: since }) : said,
        place && (where.length ? say("list.in", { place }) : place),
      ]
        .filter(Boolean)
        .join(" · "),
      label ? spans(label, query) : [],
    );
    text(
      parts.speed,
      still
        ? ""
        : s === "moving" || (v.speed > 0.5 && s !== "offline" && s !== "stale")
          ? format.speed(v.speed, units)
          : "",
    );
    text(parts.age, v.heard ? format.age(now - v.heard) : "");
  }
}

/** Text with some of it marked. @param {HTMLElement} node @param {string} words @param {[number, number][]} at */
function marked(node, words, at) {
  let end = 0;
  refill(
    node,
    `${words}\0${at}`,
    at.map(([from, until]) => {
      const before = words.slice(end, from);
      end = until;
      return [before, h("mark", null, words.slice(from, until))];
    }),
    words.slice(end),
  );
}
/** Within the minute in which a stop is still part of the journey: "0 km/h" beside "Moving" would be read as a fault.
 * @param {Vehicle} v @param {import("../words/format.js").Units} units */
export const halted = (v, units) =>
  status(v) === "moving" && v.speed >= 0 && format.speed(v.speed, units).startsWith("0 ");

/** The way to connect one more, for who may. @param {App} app */
const connects = (app) =>
  app.who.may.includes("administer") &&
  h(
    "a",
    { class: "icon-button tiny", href: "connect", "aria-label": say("connect"), title: say("connect") },
    icon("plus"),
  );

function makeRow() {
  const parts = {
    glyph: h("canvas", null),
    name: h("span", { class: "label" }),
    dot: h("span", { class: "dot", hidden: true }),
    sub: h("div", { class: "sub" }),
    speed: h("div", { class: "speed" }),
    age: h("div", { class: "age" }),
  };
  const row = h(
    "div",
    { class: "row" },
    parts.glyph,
    h("div", null, h("div", { class: "name" }, parts.name, parts.dot), parts.sub),
    h(
      "div",
      { class: "right" },
      parts.speed,
      pieces("list.updated", { age: parts.age }).map((part) =>
        typeof part === "string" ? h("span", { class: "visually-hidden" }, part) : part,
      ),
    ),
  );
  /** @type {any} */ (row).parts = parts;
  return row;
}
