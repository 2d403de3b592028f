// The events column: newest on top, kept by the server, shared acknowledgement, filter, jump to place and time, why.

import { ApiError, call, get } from "../net/api.js";
import { $, arrange, fill, h, icon, iconButton, refill, text } from "../parts/dom.js";
import * as format from "../words/format.js";
import { Hold, kept } from "../parts/hold.js";
import { muted } from "../model/events.js";
import { KINDS, kindOf, sentence, tell } from "../words/phrases.js";
import { oneStop } from "../parts/roving.js";
import { whyCard } from "./why.js";
import { pieces, say } from "../words/words.js";

/** @typedef {import("../words/phrases.js").Event} Event */
/** @typedef {import("../model/events.js").Group} Group */

const FIRST = 200;
const MORE = 200;
const MOST_MISSED = 2000;

export class EventsColumn {
  /**
   * @param {import("../app.js").App} app
   * @param {HTMLElement} column
   * @param {import("../page/alerts.js").Alerts} alerts
   */
  constructor(app, column, alerts) {
    this.app = app;
    this.alerts = alerts;
    this.limit = FIRST;
    this.openOnly = false;
    this.turn = Promise.resolve();
    /** @type {Group|null} */ this.lastAcked = null;
    /** @type {string|null} */ this.current = null;
    /** @type {string|null} */ this.why = null;
    /** @type {Group[]} what is shown, as it was taken when nobody was at the list */ this.groups = [];
    this.shownNewest = 0;
    this.loading = false;
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
    this.hold = new Hold(this.list, { rows: ".event", release: () => this.render(), news: () => this.#toTop() });
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
    app.heard.on((message) => this.#read(message));
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

  /** The newest events there are, from the store; once more after each break, for what the channel did not bring. */
  async load() {
    const { journal, preferences } = this.app;
    const before = journal.last;
    const first = !journal.events.length;
    const { seen } = preferences.value;
    try {
      let { events, last } = await get("events", { before: Number.MAX_SAFE_INTEGER, limit: FIRST });
      const other = last < before || journal.differs(events); // a backup was restored
      if (other) journal.clear();
      journal.refresh(events);
      if (first) journal.complete = events.length < FIRST;
      const missed = journal.add(events).filter((event) => before > 0 && event.seq > before);
      while (
        before > 0 &&
        events.length === FIRST &&
        events[FIRST - 1].seq > before + 1 &&
        missed.length < MOST_MISSED
      ) {
        ({ events } = await get("events", { before: events[FIRST - 1].seq, limit: FIRST }));
        missed.push(...journal.add(events).filter((event) => event.seq > before));
      }
      journal.last = Math.max(journal.last, last ?? 0);
      // Never looked, or looked at another store: what happened before is not news.
      // What another page has read meanwhile stays read.
      if (preferences.value.seen === seen && (seen < 0 || seen > journal.last)) preferences.set({ seen: journal.last });
      const { regions } = this.app.state.value;
      const followed = (/** @type {Event} */ e) =>
        // as the channel would have told
        regions === null || regions.includes(e.region ?? "") || this.app.fleet.byId.has(e.vehicle);
      this.alerts.raise(missed.filter(followed).sort((a, b) => a.seq - b.seq));
      this.alerts.recount();
      this.render(other);
    } catch {
      // The channel brings what happens from now on; older ones when the reader asks for them.
    }
  }

  async #older() {
    const { journal } = this.app;
    if (this.loading || journal.complete || !Number.isFinite(journal.oldest)) return;
    this.loading = true;
    try {
      const { events } = await get("events", { before: journal.oldest, limit: MORE });
      journal.add(events);
      journal.complete = events.length < MORE;
      this.limit += MORE;
      const shown = new Set(this.groups.flatMap((group) => group.events.map(({ id }) => id)));
      this.groups.push(
        ...journal.groups(
          (event) => event.seq <= this.shownNewest && !shown.has(event.id) && this.#passes(event),
          this.limit - this.groups.length,
        ),
      );
      this.render();
    } catch {
      // Tried again at the next scroll.
    } finally {
      this.loading = false;
    }
  }

  /** @param {any} message */
  #read(message) {
    const { journal } = this.app;
    let changed = false;
    if (message.op === "welcome" && this.app.everLive) this.load();
    if (message.events?.length) {
      const fresh = journal.add(message.events);
      this.alerts.raise(fresh);
      changed = fresh.length > 0;
    }
    for (const { id, by, at } of message.acked ?? []) {
      journal.ack(id, by, at);
      changed = true;
    }
    if (changed) {
      this.alerts.recount();
      this.soon();
    }
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
    if (about) {
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
      const mark = this.#mark(group);
      const before = old.get(group.key);
      rows.push(before && before.dataset.mark === mark ? before : this.#row(group, mark));
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

  /** Everything a row shows that can change. @param {Group} group */
  #mark(group) {
    const e = group.newest;
    const { seen, mutes, units, zone } = this.app.preferences.value;
    return [
      group.events.length,
      e.ack?.by,
      e.ack?.at,
      e.seq > seen,
      muted(e, mutes, Date.now()),
      this.why === e.id,
      this.current === group.key,
      units,
      zone,
      this.app.vehicleName(e.vehicle),
      e.region && this.app.regionName(e.region),
    ].join("|");
  }

  /** @param {Group} group @param {string} mark */
  #row(group, mark) {
    const { app } = this;
    const e = group.newest;
    const kind = kindOf(e.kind);
    const { seen, mutes } = app.preferences.value;
    const raised = this.alerts.answerable(e);
    const silent = muted(e, mutes, Date.now());
    const meta = h(
      "div",
      { class: "meta num" },
      h("time", { datetime: e.time, data: { time: e.time } }),
      group.events.length > 1 && h("span", { class: "tag" }, `×${group.events.length}`),
      e.delayed && h("span", { class: "tag", title: say("events.late") }, say("events.delayed")),
      silent && h("span", { class: "tag" }, say("events.quiet")),
      e.ack &&
        h(
          "span",
          null,
          say("events.acked", { name: e.ack.by, time: format.clock(Date.parse(e.ack.at), app.preferences.value.zone) }),
        ),
    );
    const does = h(
      "div",
      { class: "does" },
      e.ack
        ? iconButton("undo", say("events.unack", { event: tell(e, app.names()) }), () => this.acknowledge(group, false))
        : raised &&
            iconButton("check", say("events.ack", { event: tell(e, app.names()) }), () =>
              this.acknowledge(group, true),
            ),
      (e.why || e.region) &&
        iconButton("info", say("events.why"), () => this.#toggleWhy(group), {
          "aria-expanded": String(this.why === e.id),
        }),
    );
    const others = new Set(group.events.map((one) => one.vehicle)).size - 1;
    const name = (/** @type {string} */ said) => h("b", null, said);
    const detail = (/** @type {string} */ said) => h("span", { class: "muted" }, said);
    /** @type {(HTMLElement|string|number)[]} */
    const words = others
      ? pieces("event.others", {
          vehicle: name(format.isolate(app.vehicleName(e.vehicle))),
          n: /** @type {any} */ (others),
        })
      : sentence(e, app.names(), { name, detail });
    const level = !raised || e.ack || silent ? "dim" : kind.level === "high" ? "raised high" : "raised";
    return h(
      "li",
      {
        class: `event ${level}${e.ack ? " acked" : ""}${e.seq > seen ? " unread" : ""}${this.current === group.key ? " current" : ""}`,
        data: { key: group.key, mark },
      },
      h("span", { class: "mark" }, icon(/** @type {any} */ (e.ack ? "check" : kind.icon))),
      h("button", { type: "button", class: "what", onclick: () => this.jump(group) }, words),
      meta,
      does,
      this.why === e.id && h("div", { class: "why" }, whyCard(app, e, this.alerts)),
    );
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
    const { seen, mutes } = this.app.preferences.value;
    const count = this.app.journal.events.filter((e) => e.seq > seen).length;
    this.unread.hidden = count === 0;
    text(this.unread, count > 99 ? "99+" : String(count));
    text($("#count-events"), count ? String(count) : "");
    this.app.pane.tell(count);
    const now = Date.now();
    const live = Object.entries(mutes).filter(([, until]) => until > now);
    this.mutes.hidden = live.length === 0;
    const lines = live.map(([key, until]) => {
      const [what, id] = [key.slice(0, key.indexOf(":")), key.slice(key.indexOf(":") + 1)];
      const name =
        what === "region" ? this.app.regionName(id) : what === "vehicle" ? this.app.vehicleName(id) : kindOf(id).title;
      const quiet = this.app.journal.events.filter(
        (e) =>
          (what === "region" ? e.region === id : what === "vehicle" ? e.vehicle === id : e.kind === id) &&
          Date.parse(e.received_at) > until - 8 * 3_600_000 &&
          e.seq > seen,
      ).length;
      return {
        key,
        words: say(quiet ? "events.mute.unread" : "events.mute", {
          name,
          time: format.age(Math.ceil((until - now) / 60_000) * 60_000),
          n: quiet,
        }),
      };
    });
    refill(
      this.mutes,
      live.map(([key]) => key).join("\0"),
      lines.map(({ key }) =>
        h(
          "li",
          null,
          icon("mute", 14),
          h("span", { class: "grow" }),
          h("button", { type: "button", class: "link", onclick: () => this.alerts.mute(key, 0) }, say("events.unmute")),
        ),
      ),
    );
    for (const [i, node] of this.mutes.querySelectorAll(".grow").entries()) text(node, lines[i].words);
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

  #toTop() {
    this.render(true);
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
    this.app.leave();
    if (e.placed !== false || e.lat || e.lon) this.app.map.go(e.lat, e.lon, Math.max(15, this.app.map.camera().zoom));
    this.alerts.pin(e);
    this.render();
  }

  /** @param {Group} group */
  #toggleWhy(group) {
    this.why = this.why === group.newest.id ? null : group.newest.id;
    this.render();
  }

  /** Acknowledge, or take it back, for everyone. @param {Group} group @param {boolean} yes */
  async acknowledge(group, yes) {
    const by = yes ? await this.alerts.askName() : "";
    if (yes && !by) return;
    // One after the other: who takes one back at once means this one, not the one before.
    if (yes) this.lastAcked = group;
    this.turn = this.app.deeds.doing(this.turn.then(() => this.#answer(group, by)));
    return this.turn;
  }

  /** @param {Group} group @param {string} by "": taken back */
  async #answer(group, by) {
    const yes = by !== "";
    /** @type {Map<string, string>} whose acknowledgement this deed gave or took */ const done = new Map();
    for (const event of group.events) {
      const was = event.ack?.by;
      if (Boolean(was) === yes) continue;
      try {
        const is = await this.#ack(event.id, by);
        if (!yes || is === by) done.set(event.id, was ?? by);
      } catch (error) {
        this.alerts.toast({
          icon: "warn",
          title: say(yes ? "events.not_acked" : "events.still_acked"),
          body: error instanceof ApiError ? error.message : String(error),
        });
        break;
      }
    }
    const words = tell(group.newest, this.app.names());
    const title = say(yes ? "events.was_acked" : "events.taken_back");
    if (done.size)
      this.app.deeds.did({
        icon: yes ? "check" : "undo",
        title,
        body: words,
        undo: async () => {
          for (const [id, name] of done) await this.#ack(id, yes ? "" : name);
          this.render();
          return say(yes ? "events.again" : "events.acked_again", { event: words });
        },
      });
    if (!yes && this.lastAcked === group) this.lastAcked = null;
    this.alerts.recount();
    this.render();
  }

  /** @param {string} id @param {string} by "": taken back @returns {Promise<string>} whose it is now */
  async #ack(id, by) {
    const answer = await call(
      by ? "POST" : "DELETE",
      `events/${encodeURIComponent(id)}/ack`,
      by ? { body: { by } } : {},
    );
    const is = by && (answer?.ack?.by ?? by);
    this.app.journal.ack(id, is || null, answer?.ack?.at ?? new Date(this.app.now()).toISOString());
    this.alerts.recount();
    return is;
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
    else if (e.key === "z" && (group?.newest.ack ? group : this.lastAcked))
      this.acknowledge(/** @type {Group} */ (group?.newest.ack ? group : this.lastAcked), false);
    else return;
    e.preventDefault();
    e.stopPropagation();
  }

  /** @param {string|null} key */
  #groupOf(key) {
    return this.groups.find((group) => group.key === key);
  }
}
