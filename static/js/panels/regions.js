// The regions tab: what feeds the map, and every region with its live count, its bell and its tick, by group.

import { $, arrange, fill, h, icon, iconButton, text } from "../parts/dom.js";
import { explained } from "../words/phrases.js";
import { sortKey } from "../words/format.js";
import { Hold } from "../parts/hold.js";
import { swatch } from "./vehicle.js";
import { oneStop } from "../parts/roving.js";
import { say } from "../words/words.js";

export class RegionsTab {
  /**
   * @param {import("../app.js").App} app
   * @param {HTMLElement} page
   * @param {import("../draw/editor.js").Editor} editor
   * @param {import("../page/alerts.js").Alerts} alerts
   * @param {import("../page/following.js").Following} following
   */
  constructor(app, page, editor, alerts, following) {
    this.app = app;
    this.alerts = alerts;
    this.following = following;
    this.seen = -1;
    /** @type {any[]} in the order they are listed */ this.features = [];
    this.all = h("button", { type: "button", onclick: () => following.everything() }, say("regions.all"));
    this.some = h("button", { type: "button", onclick: () => following.chosen() }, say("regions.some"));
    this.note = h("p", { class: "muted small", id: "feed-note" });
    this.choose = h("button", {
      type: "button",
      class: "link small",
      onclick: () => following.choose(!following.choosing),
    });
    this.list = h("div", { class: "virtual", id: "region-list", tabIndex: -1 });
    oneStop(this.list, ".region-row");
    this.hold = new Hold(this.list, {
      rows: ".region-row",
      release: () => this.render(),
      news: () => this.render(true),
    });
    fill(
      page,
      h(
        "div",
        { class: "feed" },
        h("div", { class: "segmented", role: "group", "aria-label": say("regions.feed") }, this.all, this.some),
        h(
          "button",
          {
            type: "button",
            class: "button small primary",
            data: { needs: "edit_regions" },
            onclick: () => editor.begin(),
          },
          icon("plus", 14),
          say("regions.add"),
        ),
        this.note,
        this.choose,
      ),
      this.hold.element,
    );
    app.state.changed.on(
      (now, before) => (now.regions !== before.regions || now.region !== before.region) && this.render(),
    );
    app.preferences.changed.on((now, before) => now.mutes !== before.mutes && this.render());
    app.forgotten.on(() => this.render(true));
    app.ticked.on(() => this.#tick());
    following.changed.on(() => this.render());
    this.render();
  }

  /** @param {boolean} [asked] by the reader: nothing is held back */
  render(asked = false) {
    const { app, following } = this;
    const { regions: followed } = app.state.value;
    const { choosing } = following;
    const some = followed !== null || choosing;
    this.seen = app.fleet.regionVersion;
    this.all.setAttribute("aria-pressed", String(!some));
    this.some.setAttribute("aria-pressed", String(some));
    text(
      this.some,
      followed === null && following.before.length && !choosing
        ? say("regions.back", { n: following.before.length })
        : say("regions.some"),
    );
    text(this.note, explained(followed, choosing));
    text(this.choose, say(choosing ? "regions.chosen" : "regions.choose"));
    this.choose.hidden = !some;
    text($("#count-regions"), app.fleet.regions.size ? String(app.fleet.regions.size) : "");
    const fresh = sorted([...app.fleet.regions.values()]);
    const held = !asked && this.features.length > 0 && this.hold.held;
    const known = new Set(this.features.map(({ id }) => id));
    const news = held ? fresh.filter(({ id }) => !known.has(id)).length : 0;
    this.hold.wait(news ? say("new", { n: news }) : "");
    this.features = held ? this.features.map((feature) => app.fleet.regions.get(feature.id) ?? feature) : fresh;
    const old = new Map(
      [...this.list.children].map((row) => [
        /** @type {HTMLElement} */ (row).dataset.key,
        /** @type {HTMLElement} */ (row),
      ]),
    );
    /** @type {HTMLElement[]} */ const rows = [];
    /** @param {string} key @param {string} mark @param {() => HTMLElement} make */
    const add = (key, mark, make) => {
      const before = old.get(key);
      const row = before?.dataset.mark === mark ? before : make();
      Object.assign(row.dataset, { key, mark });
      rows.push(row);
    };
    const grouped = this.features.some(({ properties }) => properties.group);
    let group = /** @type {string|null} */ (null);
    for (const feature of this.features) {
      const { id, properties: p } = feature;
      const now = kin(feature);
      const gone = !app.fleet.regions.has(id);
      const quiet = (app.preferences.value.mutes[`region:${id}`] ?? 0) > Date.now();
      const on = followed?.includes(id) ?? false;
      if (grouped && now !== group)
        add(`group ${now}`, p.group ?? "", () =>
          h("h2", { class: "group-head" }, p.group?.trim() || say("regions.no_group")),
        );
      group = now;
      add(
        id,
        JSON.stringify([p.name, p.color, gone, quiet, on, followed === null, choosing, app.state.value.region === id]),
        () => this.#row(feature, { gone, quiet, on }),
      );
    }
    if (!this.features.length)
      rows.push(
        h("div", { class: "empty" }, h("strong", null, say("regions.none")), h("span", null, say("regions.none.more"))),
      );
    this.hold.steady(() => this.#arrange(rows));
    this.#counts();
  }

  /** Whoever stood on a row's button stands on the same one of its successor. @param {HTMLElement[]} rows */
  #arrange(rows) {
    const at = /** @type {HTMLElement|null} */ (document.activeElement);
    const row = /** @type {HTMLElement|null|undefined} */ (at?.closest(".region-row"));
    const index =
      row && this.list.contains(row)
        ? [...row.querySelectorAll("button")].indexOf(/** @type {HTMLButtonElement} */ (at))
        : -1;
    arrange(this.list, rows);
    if (index >= 0 && !row?.isConnected)
      rows
        .find((other) => other.dataset.key === row?.dataset.key)
        ?.querySelectorAll("button")
        [index]?.focus({ preventScroll: true });
  }

  /** @param {any} feature @param {{gone: boolean, quiet: boolean, on: boolean}} how */
  #row(feature, { gone, quiet, on }) {
    const { app, following } = this;
    const { id } = feature;
    const name = feature.properties.name || id;
    const dim = gone || (app.state.value.regions !== null && !on);
    const tick = h(
      "button",
      {
        type: "button",
        class: "icon-button tick",
        role: "checkbox",
        "aria-checked": String(on),
        "aria-label": say("regions.follow", { name }),
        title: say(on ? "regions.untick" : "regions.tick"),
        disabled: gone,
        onclick: () => following.toggle(id),
      },
      h("span", { class: "tick-box" }, on && icon("check", 14)),
    );
    const row = h(
      "div",
      { class: `region-row${dim ? " dim" : ""}`, data: { region: id } },
      swatch(feature),
      h(
        "button",
        {
          type: "button",
          class: "open",
          "aria-current": app.state.value.region === id ? "true" : null,
          disabled: gone,
          onclick: () => (following.choosing ? following.toggle(id) : app.state.set({ region: id })),
        },
        h("b", null, name),
        h("span", { class: "num inside-words" }),
      ),
      iconButton(
        quiet ? "mute" : "bell",
        say(quiet ? "regions.unmute" : "regions.mute", { name }),
        () => this.alerts.mute(`region:${id}`, quiet ? 0 : 15),
        { "aria-pressed": String(quiet), disabled: gone },
      ),
      tick,
    );
    row.addEventListener("pointerenter", () => this.#hover(id));
    row.addEventListener("pointerleave", () => this.#hover(null));
    return row;
  }

  /** @param {string|null} id */
  #hover(id) {
    this.app.regions.hovered = id;
    this.app.map.stage.invalidate("regions");
  }

  #counts() {
    const { app } = this;
    const { regions } = app.state.value;
    for (const row of this.list.querySelectorAll("[data-region]")) {
      const id = String(/** @type {HTMLElement} */ (row).dataset.region);
      const count = app.regions.count(id, app.fleet); // now, whatever moment the map shows
      const words = row.querySelector(".inside-words");
      if (words)
        text(
          words,
          !app.fleet.regions.has(id)
            ? say("regions.deleted")
            : regions && !regions.includes(id)
              ? say("regions.unfollowed")
              : count === null
                ? ""
                : count === 0
                  ? say("regions.empty")
                  : say("inside", { n: count }),
        );
    }
  }

  #tick() {
    this.hold.check();
    if (this.seen !== this.app.fleet.regionVersion) {
      this.app.map.stage.invalidate("regions");
      return this.render();
    }
    this.#counts();
  }
}

/** The group, however it is written. @param {any} feature @returns {string} */
const kin = ({ properties }) => (properties.group ?? "").trim().toLowerCase();

/** By group, those without one last; by name within. @param {any[]} features @returns {any[]} */
function sorted(features) {
  const keys = new Map(
    features.map((feature) => [
      feature,
      [kin(feature) ? 0 : 1, kin(feature), sortKey(feature.properties.name || feature.id)],
    ]),
  );
  return features.sort((a, b) => {
    const one = /** @type {any[]} */ (keys.get(a));
    const two = /** @type {any[]} */ (keys.get(b));
    const i = one.findIndex((key, at) => key !== two[at]);
    return i < 0 ? 0 : one[i] < two[i] ? -1 : 1;
  });
}
