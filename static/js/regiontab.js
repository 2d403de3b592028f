// The regions tab: what feeds the map, and every region with its live count, antenna and bell, by group.

import { $, fill, h, icon, iconButton, text } from "./dom.js";
import { sortKey } from "./format.js";
import { swatch } from "./panel.js";

export class RegionsTab {
  /** @param {import("./app.js").App} app @param {HTMLElement} page @param {import("./editor.js").Editor} editor @param {import("./alerts.js").Alerts} alerts */
  constructor(app, page, editor, alerts) {
    this.app = app;
    this.alerts = alerts;
    this.seen = -1;
    this.all = h("button", { type: "button", onclick: () => app.state.set({ regions: null }) }, "Everything");
    this.some = h("button", { type: "button", onclick: () => app.state.value.regions ?? app.state.set({ regions: [] }) }, "Followed regions");
    this.note = h("p", { class: "muted small" });
    this.list = h("div", { class: "virtual", id: "region-list", tabIndex: -1 });
    fill(page, h("div", { class: "feed" }, h("div", { class: "segmented", role: "group", "aria-label": "What feeds the map" }, this.all, this.some), h("button", { type: "button", class: "button small primary", onclick: () => editor.begin() }, icon("plus", 14), "Region"), this.note), this.list);
    app.state.on((now, before) => (now.regions !== before.regions || now.region !== before.region) && this.render());
    app.preferences.on((now, before) => now.mutes !== before.mutes && this.render());
    app.ticks.add(() => this.#tick());
    this.render();
  }

  /** Follow this region or not; from "everything", follow only it. @param {string} id */
  toggle(id) {
    const { regions } = this.app.state.value;
    this.app.state.set({ regions: regions === null ? [id] : regions.includes(id) ? regions.filter((r) => r !== id) : [...regions, id] });
  }

  render() {
    const { app } = this, { regions: followed } = app.state.value, { mutes } = app.preferences.value;
    this.seen = app.fleet.regionVersion;
    this.all.setAttribute("aria-pressed", String(followed === null));
    this.some.setAttribute("aria-pressed", String(followed !== null));
    text(this.note, followed === null ? "The map shows every vehicle you may see." : followed.length ? "Only vehicles inside the followed regions are sent to this page." : "Choose regions by their antenna; until then no vehicle is sent.");
    text($("#count-regions"), app.fleet.regions.size ? String(app.fleet.regions.size) : "");
    /** @type {Map<string, any[]>} */ const groups = new Map();
    for (const feature of app.fleet.regions.values()) {
      const group = feature.properties.group || "";
      groups.set(group, [...(groups.get(group) ?? []), feature]);
    }
    const rows = [...groups].sort(([a], [b]) => (a === "" ? 1 : b === "" ? -1 : a < b ? -1 : 1)).flatMap(([group, features]) => [
      groups.size > 1 || group ? h("h2", { class: "group-head" }, group || "No group") : null,
      ...features.sort((a, b) => (sortKey(a.properties.name || a.id) < sortKey(b.properties.name || b.id) ? -1 : 1)).map((feature) => this.#row(feature, followed, mutes)),
    ]);
    if (!app.fleet.regions.size) rows.push(h("div", { class: "empty" }, h("strong", null, "No regions yet"), h("span", null, "Draw one on the map and be told who enters, leaves and stays.")));
    const top = this.list.scrollTop;
    fill(this.list, rows);
    this.list.scrollTop = top;
    this.#counts();
  }

  /** @param {any} feature @param {string[]|null} followed @param {Record<string, number>} mutes */
  #row(feature, followed, mutes) {
    const { app } = this, { id } = feature, name = feature.properties.name || id, on = followed === null || followed.includes(id), quiet = (mutes[`region:${id}`] ?? 0) > Date.now();
    const row = h("div", { class: "region-row", data: { region: id } }, swatch(feature),
      h("button", { type: "button", class: "open", "aria-current": app.state.value.region === id ? "true" : null, onclick: () => app.state.set({ region: id }) }, h("b", null, name), h("span", { class: "num inside-words" })),
      iconButton(quiet ? "mute" : "bell", quiet ? `Unmute ${name}` : `Mute ${name} for 15 minutes`, () => this.alerts.mute(`region:${id}`, quiet ? 0 : 15), { "aria-pressed": String(quiet) }),
      iconButton("antenna", `Follow ${name}`, () => this.toggle(id), { "aria-pressed": String(on && followed !== null), title: followed === null ? "Show only this region" : on ? "Stop following" : "Follow" }));
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
    const { app } = this, { regions } = app.state.value;
    for (const row of this.list.querySelectorAll("[data-region]")) {
      const id = String(/** @type {HTMLElement} */ (row).dataset.region), count = app.regions.count(id), words = row.querySelector(".inside-words");
      if (words) text(words, regions && !regions.includes(id) ? "Not followed" : count === null ? "" : count === 0 ? "Empty" : `${count} inside`);
    }
  }

  #tick() {
    if (this.seen !== this.app.fleet.regionVersion) {
      const known = [...this.list.querySelectorAll("[data-region]")].length;
      this.app.map.stage.invalidate("regions");
      if (known !== this.app.fleet.regions.size || !this.list.contains(document.activeElement)) return this.render();
    }
    this.#counts();
  }
}
