// The events column: newest on top, kept by the server, shared acknowledgement, filter, jump to place and time, why.

import { $, arrange, fill, h, icon, iconButton, text } from "../parts/dom.js";
import { Acknowledgements } from "./event_acks.js";
import { EventFeed, MORE } from "./event_feed.js";
import { eventRow, markOf } from "./event_row.js";
import * as format from "../words/format.js";
import { Hold } from "../parts/hold.js";
import { kept } from "../model/listing.js";
import { showMutes } from "./mutes.js";
import { KINDS } from "../words/phrases.js";
import { oneStop } from "../parts/roving.js";
import { say } from "../words/words.js";

/** @typedef {import("../words/phrases.js").Event} Event */
/** @typedef {import("../model/events.js").Group} Group */

export class EventsColumn {
  /**
   * @param {import("../app.js").App} app
   * @param {HTMLElement} column
   * @param {import("../page/alerts.js").Alerts} alerts
   */
  constructor(app, column, alerts) {
    this.app = app;
    this.alerts = alerts;
    this.limit = MORE;
    this.openOnly = false;
    this.feed = new EventFeed(app, alerts);
    this.feed.changed.on((another) => this.render(another));
    this.feed.happened.on(() => this.soon());
    this.acks = new Acknowledgements(app, alerts);
    this.acks.changed.on(() => this.render());
    /** @type {string|null} */ this.current = null;
    /** @type {string|null} */ this.why = null;
    /** @type {Group[]} what is shown, as it was taken when nobody was at the list */ this.groups = [];
    this.shownNewest = 0;
    this.names = "";
    /** @type {number|undefined} */ this.frame = undefined;
    this.unread = h("span", { class: "badge", hidden: true });
    this.kind = h(
      "select",
      {
        class: "plain",
        "aria-label": say("events.kind"),
        onchange: () => app.state.set({ kinds: this.kind.value ? [this.kind.value] : [] }),
      },
      h("option", { value: "" }, say("events.all")),
      ...Object.entries(KINDS).map(([kind, { title }]) => h("option", { value: kind }, title)),
    );
    this.open = h(
      "button",
      {
        type: "button",
        class: "chip",
        "aria-pressed": "false",
        onclick: () => {
          this.openOnly = !this.openOnly;
          this.render(true);
        },
      },
      h("span", { class: "pad" }, say("events.open")),
    );
    this.about = h("button", {
      type: "button",
      class: "chip",
      hidden: true,
      onclick: () => app.state.set({ about: null }),
    });
    this.list = h("ol", {
      class: "event-list",
      id: "event-list",
      tabIndex: 0,
      "aria-label": say("events.list"),
      onkeydown: (/** @type {KeyboardEvent} */ e) => this.#key(e),
    });
    this.hold = new Hold(this.list, { rows: ".event", release: () => this.render(), news: () => this.render(true) });
    this.mutes = h("ul", { class: "mutes", hidden: true, "aria-label": say("events.muted") });
    fill(
      column,
      h("button", { type: "button", class: "sheet-grip", "aria-label": say("page.grip") }),
      h(
        "div",
        { class: "events-head" },
        h("h2", null, say("page.events"), this.unread),
        alerts.soundButton,
        alerts.notifyButton,
        iconButton("check", say("events.read"), () => this.readAll()),
        iconButton(
          "close",
          say("events.close"),
          () => {
            app.pane.show(false);
            app.pane.rail.focus();
          },
          {
            class: "icon-button column-only",
          },
        ),
      ),
      h("div", { class: "event-filter" }, this.kind, this.open, this.about),
      this.mutes,
      this.hold.element,
    );
    const { list } = this;
    list.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    oneStop(list, ".event, .empty");
    app.ticked.on(() => this.#tick());
    app.state.changed.on(
      (now, before) => (now.kinds !== before.kinds || now.about !== before.about) && this.render(true),
    );
    app.preferences.changed.on(
      (now, before) =>
        (now.mutes !== before.mutes ||
          now.zone !== before.zone ||
          now.units !== before.units ||
          now.seen !== before.seen) &&
        this.render(),
    );
  }

  async #older() {
    if (!(await this.feed.older())) return;
    const { journal } = this.app;
    this.limit += MORE;
    const shown = new Set(this.groups.flatMap((group) => group.events.map(({ id }) => id)));
    this.groups.push(
      ...journal.groups(
        (event) => event.seq <= this.shownNewest && !shown.has(event.id) && this.#passes(event),
        this.limit - this.groups.length,
      ),
    );
    this.render();
  }

  soon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.render();
    });
  }

  /** Does the reader see the list, and this event in it? @param {Event} event */
  lists(event) {
    return this.list.checkVisibility() && this.#passes(event);
  }

  /** @param {Event} event */
  #passes(event) {
    const { kinds, about } = this.app.state.value;
    if (kinds.length && !kinds.includes(event.kind)) return false;
    if (about && about !== `region:${event.region}` && about !== `vehicle:${event.vehicle}`) return false;
    return !this.openOnly || (!event.ack && this.alerts.answerable(event));
  }

  /** @param {boolean} [asked] the reader changed what is shown: nothing is held back */
  render(asked = false) {
    if (this.hold.pressed && !asked) return; // between press and release a button is the same one; then it comes
    if (!asked) return this.hold.steady(() => this.#render(false));
    this.hold.top();
    this.#render(true);
  }

  /** @param {boolean} asked */
  #render(asked) {
    const { app, list } = this;
    const { kinds, about } = app.state.value;
    const { zone } = app.preferences.value;
    if (this.kind.value !== (kinds[0] ?? "")) this.kind.value = kinds[0] ?? "";
    this.open.setAttribute("aria-pressed", String(this.openOnly));
    this.about.hidden = !about;
    if (!about) {
      fill(this.about);
      this.about.removeAttribute("aria-label");
    } else {
      const [what, id] = [about.slice(0, about.indexOf(":")), about.slice(about.indexOf(":") + 1)];
      fill(
        this.about,
        h("span", { class: "pad" }, what === "region" ? app.regionName(id) : app.vehicleName(id)),
        icon("close", 12),
      );
      this.about.setAttribute(
        "aria-label",
        say("events.about", { name: what === "region" ? app.regionName(id) : app.vehicleName(id) }),
      );
    }
    const { journal } = app;
    const held = !asked && this.groups.length > 0 && this.hold.held;
    const passes = (/** @type {Event} */ event) => this.#passes(event);
    if (held) this.groups = kept(this.groups, (group) => this.#now(group));
    else [this.groups, this.shownNewest] = [journal.groups(passes, this.limit), journal.last];
    const fresh = held ? journal.events.filter((e) => e.seq > this.shownNewest && passes(e)).length : 0;
    const { groups } = this;
    this.hold.wait(fresh ? say("new", { n: fresh }) : "");
    /** @type {HTMLElement[]} */ const rows = [];
    let day = "";
    const today = format.dayOf(app.now(), app.now(), zone);
    const old = new Map(
      [...list.children].map((row) => [/** @type {HTMLElement} */ (row).dataset.key, /** @type {HTMLElement} */ (row)]),
    );
    for (const group of groups) {
      const d = format.dayOf(Date.parse(group.newest.time), app.now(), zone);
      if (d !== day && !(day === "" && d === today))
        rows.push(h("li", { class: "day-mark", data: { key: `day-${d}` } }, d));
      day = d;
      const mark = markOf(this, group);
      const before = old.get(group.key);
      rows.push(before && before.dataset.mark === mark ? before : eventRow(this, group, mark));
    }
    if (!rows.length)
      rows.push(
        h(
          "li",
          { class: "empty" },
          h("strong", null, say(this.openOnly || kinds.length || about ? "events.nothing" : "events.none")),
          h("span", null, say(this.openOnly ? "events.done" : "events.will")),
        ),
      );
    else if (!app.journal.complete)
      rows.push(
        h(
          "li",
          { class: "empty" },
          h("button", { type: "button", class: "button small", onclick: () => this.#older() }, say("events.older")),
        ),
      );
    this.#arrange(rows);
    this.#times();
    this.#heads();
  }

  /**
   * A group of before with what is known of it now; erased events are known no more.
   * @param {Group} group
   * @returns {Group|undefined}
   */
  #now(group) {
    const events = group.events.flatMap(({ id }) => this.app.journal.byId.get(id) ?? []);
    return events.length ? { ...group, events, newest: events[0] } : undefined;
  }

  /** Rows in place of those there were; whoever stood on a row's button stands on the same one of its successor.
   * @param {HTMLElement[]} rows */
  #arrange(rows) {
    const { list } = this;
    const at = /** @type {HTMLElement|null} */ (document.activeElement);
    const row = /** @type {HTMLElement|null|undefined} */ (at?.closest(".event"));
    const index =
      row && list.contains(row)
        ? [...row.querySelectorAll("button")].indexOf(/** @type {HTMLButtonElement} */ (at))
        : -1;
    arrange(list, rows);
    if (index < 0 || row?.isConnected) return;
    const next = rows.find((other) => other.dataset.key === row?.dataset.key)?.querySelectorAll("button")[index];
    (next ?? list).focus({ preventScroll: true });
  }

  #times() {
    const { zone } = this.app.preferences.value;
    const now = this.app.now();
    for (const node of this.list.querySelectorAll("time")) {
      const time = Date.parse(/** @type {HTMLElement} */ (node).dataset.time ?? "");
      text(
        node,
        now - time < 3_600_000
          ? say("events.time", { time: format.clock(time, zone), age: format.age(now - time) })
          : format.clock(time, zone),
      );
      if (!node.title) node.title = format.full(time, zone);
    }
  }

  #heads() {
    const { seen } = this.app.preferences.value;
    const count = this.app.journal.events.filter((e) => e.seq > seen).length;
    this.unread.hidden = count === 0;
    text(this.unread, count > 99 ? "99+" : String(count));
    text($("#count-events"), count ? String(count) : "");
    this.app.pane.tell(count);
    showMutes(this.mutes, this.app, this.alerts);
  }

  #tick() {
    // Names arrive after events do, and change: rows that say another name now are made anew.
    // at midnight a day gets its mark
    const names = `${this.app.fleet.version}/${this.app.fleet.regionVersion}/${format.day(this.app.now(), this.app.preferences.value.zone)}`;
    this.hold.check();
    if (names !== this.names && !this.hold.over) {
      this.names = names;
      this.render();
    }
    this.hold.steady(() => {
      this.#times();
      this.#heads();
    });
  }

  #scrolled() {
    if (this.list.scrollTop + this.list.clientHeight > this.list.scrollHeight - 200) this.#older();
  }

  readAll() {
    const { preferences, journal, deeds } = this.app;
    const { seen } = preferences.value;
    if (seen >= journal.last) return;
    preferences.set({ seen: journal.last });
    deeds.did({
      icon: "check",
      title: say("events.all_read"),
      undo: async () => {
        preferences.set({ seen });
        return say("events.unread");
      },
    });
  }

  /** Go to where and when it happened. @param {Group} group */
  jump(group) {
    const e = group.newest;
    this.current = group.key;
    if (this.app.fleet.byId.has(e.vehicle)) this.app.select(e.vehicle, { track: false });
    this.app.address.leave();
    if (e.placed !== false || e.lat || e.lon) this.app.map.go(e.lat, e.lon, Math.max(15, this.app.map.camera().zoom));
    this.alerts.pin(e);
    this.render();
  }

  /** @param {Group} group */
  toggleWhy(group) {
    this.why = this.why === group.newest.id ? null : group.newest.id;
    this.render();
  }

  /** @param {Group} group @param {boolean} yes */
  acknowledge(group, yes) {
    return this.acks.give(group, yes);
  }

  /** @param {KeyboardEvent} e */
  #key(e) {
    if (e.target !== this.list || e.ctrlKey || e.metaKey || e.altKey) return;
    const rows = [...this.list.querySelectorAll(".event")];
    const at = rows.findIndex((row) => /** @type {HTMLElement} */ (row).dataset.key === this.current);
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[e.key];
    const group = this.#groupOf(this.current);
    if (step) {
      const row = /** @type {HTMLElement|undefined} */ (rows[Math.max(0, Math.min(rows.length - 1, at + step))]);
      this.current = row?.dataset.key ?? null;
      this.render();
      const now = this.list.querySelector(".event.current");
      now?.scrollIntoView({ block: "nearest" });
      this.app.say(now?.querySelector(".what")?.textContent ?? "");
    } else if (e.key === "Enter" && group) this.jump(group);
    else if (e.key === "a" && group && !group.newest.ack) this.acknowledge(group, true);
    else if (e.key === "z" && (group?.newest.ack ? group : this.acks.last))
      this.acknowledge(/** @type {Group} */ (group?.newest.ack ? group : this.acks.last), false);
    else return;
    e.preventDefault();
    e.stopPropagation();
  }

  /** @param {string|null} key */
  #groupOf(key) {
    return this.groups.find((group) => group.key === key);
  }
}
