// One region in full: live count and its last hour, who is inside and for how long, its rules.

import { ApiError, call, get, regionPath } from "../net/api.js";
import { HOUR, Occupancy } from "../model/occupancy.js";
import { fill, h, icon, iconButton, text } from "../parts/dom.js";
import { toggled } from "../model/choices.js";
import { mayDraw } from "../net/grants.js";
import * as format from "../words/format.js";
import { sinceLink, tellSince } from "./timeline/lead.js";
import { swatch } from "./vehicle.js";
import { writeHours } from "../words/hours.js";
import { kindOf } from "../words/phrases.js";
import { deleted } from "./region_deeds.js";
import { colorOf } from "../map/regions.js";
import { bounds, outline } from "../geo.js";
import { oneStop } from "../parts/roving.js";
import { palette } from "../parts/theme.js";
import { say } from "../words/words.js";

export class RegionPanel {
  /**
   * @param {import("../app.js").App} app
   * @param {HTMLElement} side
   * @param {import("../draw/editor.js").Editor} editor
   * @param {import("../page/alerts.js").Alerts} alerts
   */
  constructor(app, side, editor, alerts) {
    this.app = app;
    this.alerts = alerts;
    this.mark = h("span", null);
    this.title = h("h2", { class: "title", tabIndex: -1 });
    this.subtitle = h("span", null);
    this.count = h("dd", null);
    this.area = h("dd", null);
    this.spark = h("canvas", { class: "spark", role: "img" });
    this.inside = h("ul", { class: "line-list" });
    oneStop(this.inside, "li");
    this.rules = h("dl", { class: "pairs" });
    /** @type {import("../model/fleet.js").Vehicle[]} */ this.rows = [];
    this.occupancy = new Occupancy();
    this.follow = h(
      "button",
      { type: "button", class: "button small of-server", onclick: () => this.#follow() },
      icon("antenna", 14),
      say("regions.tick"),
    );
    const needs = { data: { needs: "edit_regions" } };
    this.edit = h(
      "button",
      {
        type: "button",
        class: "button small",
        ...needs,
        onclick: () => this.#feature() && editor.edit(this.#feature()),
      },
      icon("edit", 14),
      say("edit"),
    );
    this.erase = h(
      "button",
      { type: "button", class: "button small danger", ...needs, onclick: () => this.#delete() },
      icon("trash", 14),
      say("region.delete"),
    );
    this.element = h(
      "section",
      { class: "detail", hidden: true, "aria-label": say("region") },
      h(
        "div",
        { class: "detail-head" },
        iconButton("back", say("region.back"), () => app.state.set({ region: null })),
        h("div", null, this.title, h("div", { class: "subtitle" }, this.mark, this.subtitle)),
        iconButton("fit", say("region.fit"), () => this.#fit()),
      ),
      h(
        "div",
        { class: "detail-actions" },
        this.follow,
        this.edit,
        h(
          "button",
          {
            type: "button",
            class: "button small",
            onclick: () => app.state.set({ about: `region:${app.state.value.region}` }),
          },
          icon("list", 14),
          say("page.events"),
        ),
        h(
          "button",
          {
            type: "button",
            class: "button small of-server",
            onclick: () => this.#feature() && editor.ask(undefined, this.#feature()),
          },
          icon("history", 14),
          say("inside.title"),
        ),
        h(
          "button",
          {
            type: "button",
            class: "button small of-server",
            onclick: () => alerts.mute(`region:${app.state.value.region}`, 15),
          },
          icon("mute", 14),
          say("mute.15"),
        ),
        this.erase,
      ),
      h(
        "div",
        { class: "detail-body" },
        h(
          "div",
          { class: "block of-server" },
          h(
            "dl",
            { class: "facts" },
            h("div", null, h("dt", null, say("region.count")), this.count),
            h("div", null, h("dt", null, say("region.area")), this.area),
          ),
          this.spark,
        ),
        h("div", { class: "block of-server" }, h("h3", null, say("region.who")), this.inside),
        h("div", { class: "block" }, h("h3", null, say("region.rules")), this.rules),
      ),
    );
    side.appendChild(this.element);
    app.state.changed.on(
      (now, before) =>
        (now.region !== before.region || now.tab !== before.tab || now.regions !== before.regions) &&
        this.#show(now.region !== before.region),
    );
    app.heard.on((message) => message.op === "snapshot" && app.state.value.region && this.#ask(app.state.value.region));
    app.ticked.on(() => !this.element.hidden && this.render());
    app.regranted.on(() => !this.element.hidden && this.render());
    app.forgotten.on(() => this.#show(true));
    if (app.state.value.region) this.#show(true);
  }

  #feature() {
    return this.app.fleet.regions.get(this.app.state.value.region ?? "");
  }

  /** @param {boolean} other */
  #show(other) {
    const { region, tab } = this.app.state.value;
    this.element.hidden = !region || tab !== "regions";
    if (other) {
      this.occupancy = new Occupancy();
      for (const node of [this.title, this.mark, this.subtitle, this.count, this.area]) fill(node);
      this.#nobody();
      fill(this.rules);
      delete this.rules.dataset.key;
    }
    if (this.element.hidden) return;
    if (other) this.#ask(String(region));
    this.render();
  }

  /** Who was inside is said by nothing, how many neither. */
  #nobody() {
    this.rows = [];
    fill(this.inside);
    delete this.inside.dataset.key;
    this.spark.width = 0;
    this.spark.removeAttribute("aria-label");
  }

  /** When they came in, and the last hour's comings and goings. @param {string} id */
  async #ask(id) {
    if (!this.app.fleet.regions.has(id)) return; // a wrong link; if it comes, a snapshot brings it
    try {
      const { signal } = this.app.asking;
      const [{ vehicles }, { events }] = await Promise.all([
        get("vehicles", { region: id, limit: 1000 }, signal),
        get("events", { region: id, from: Math.round(this.app.now() - HOUR), limit: 5000 }, signal),
      ]);
      for (const told of vehicles) this.app.fleet.entered(told);
      if (id !== this.app.state.value.region) return;
      this.occupancy.read(events, id);
      this.render();
    } catch {
      // The count and the list live from the channel; only the past is missing.
    }
  }

  render() {
    const { app } = this;
    const feature = this.#feature();
    const id = app.state.value.region ?? "";
    if (!feature) {
      text(
        this.title,
        !app.fleet.ready
          ? say("vehicle.loading")
          : app.fleet.past.has(`region:${id}`)
            ? say("region.gone")
            : say("region.unknown", { id }),
      );
      this.#nobody();
      return;
    }
    const p = feature.properties;
    const { units, zone } = app.preferences.value;
    const now = app.now();
    const followed = app.state.value.regions;
    this.edit.hidden = this.erase.hidden = !mayDraw(app.who.grants, feature);
    text(this.title, p.name || id);
    fill(this.mark, swatch(feature));
    text(
      this.subtitle,
      [p.group, p.updated_at && say("region.changed", { time: format.when(Date.parse(p.updated_at), now, zone) })]
        .filter(Boolean)
        .join(" · "),
    );
    this.follow.setAttribute("aria-pressed", String(followed?.includes(id) ?? false));
    const count = app.regions.count(id, app.fleet);
    text(this.count, count === null ? "–" : String(count));
    text(this.area, p.area_m2 ? format.area(p.area_m2, units) : "–");
    this.#spark(count ?? 0, now, feature);
    // Nobody changes places under a pointer or the focus.
    if (!this.rows.length || !this.inside.matches(":hover, :focus-within"))
      this.rows = [...app.fleet.byId.values()]
        .filter((v) => v.regions.has(id))
        .sort((a, b) => (a.regions.get(id) || Infinity) - (b.regions.get(id) || Infinity))
        .slice(0, 200);
    const { rows } = this;
    if (this.inside.dataset.key !== rows.map((v) => v.id).join("\0") || !this.inside.children.length) {
      this.inside.dataset.key = rows.map((v) => v.id).join("\0");
      fill(
        this.inside,
        rows.length
          ? rows.map((v) =>
              h(
                "li",
                null,
                h(
                  "button",
                  { type: "button", class: "link grow", onclick: () => app.select(v.id, { open: true, reveal: true }) },
                  v.name,
                ),
                sinceLink(app, v.id, id),
              ),
            )
          : h("li", { class: "muted" }, say("region.nobody")),
      );
    }
    for (const [i, v] of rows.entries()) {
      const since = v.regions.get(id);
      const words = since ? format.timer(now - since) : v.regions.has(id) ? "" : say("region.left");
      tellSince(this.inside.children[i].lastElementChild, words, Boolean(since));
    }
    const box = app.regions.drawn.get(id)?.lonLat;
    const beyond = box ? format.unshown(box[1], box[3]) : "";
    const rules = p.rules ?? {};
    const speed = format.speed(rules.speed_limit_mps, units);
    const limit = rules.min_s ? say("region.limit.for", { speed, time: format.lasted(rules.min_s * 1000) }) : speed;
    const said = [
      [
        say("region.raises"),
        (p.notify ?? ["enter", "exit", "dwell"]).map((/** @type {string} */ k) => kindOf(k).title).join(", ") ||
          say("region.raises.nothing"),
      ],
      rules.dwell_s && [say("region.dwell"), format.lasted(rules.dwell_s * 1000)],
      rules.speed_limit_mps && [say("region.limit"), limit],
      rules.schedule && [say("region.hours"), `${writeHours(rules.schedule.weekly)} (${rules.schedule.zone})`],
      [say("region.edge"), say(p.debounce === "none" ? "region.edge.exact" : "region.edge.steady")],
      beyond && [say("region.map"), beyond],
    ].filter(Boolean);
    if (this.rules.dataset.key !== JSON.stringify(said)) {
      this.rules.dataset.key = JSON.stringify(said);
      fill(
        this.rules,
        said.map((pair) => [h("dt", null, String(pair[0])), h("dd", null, String(pair[1]))]),
      );
    }
  }

  /**
   * The count over the last hour, walked back from now.
   * @param {number} count
   * @param {number} now
   * @param {any} feature
   */
  #spark(count, now, feature) {
    const canvas = this.spark;
    const ratio = Math.min(2, devicePixelRatio || 1);
    const w = canvas.clientWidth;
    const hh = canvas.clientHeight;
    const color = palette();
    this.occupancy.add(this.app.journal.events, feature.id);
    const { points, most } = this.occupancy.back(count, now);
    canvas.setAttribute("aria-label", say("region.hour", { count, most }));
    canvas.width = w * ratio;
    canvas.height = hh * ratio;
    const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    ctx.scale(ratio, ratio);
    ctx.beginPath();
    // the words keep a line to themselves
    const y = (/** @type {number} */ n) => hh - 3 - (n / Math.max(1, most)) * (hh - 19);
    for (const [t, n] of points) ctx.lineTo(w - ((now - t) / HOUR) * w, y(n));
    ctx.strokeStyle = colorOf(feature);
    ctx.lineWidth = 1.5;
    ctx.stroke();
    ctx.lineTo(0, hh);
    ctx.lineTo(w, hh);
    ctx.globalAlpha = 0.12;
    ctx.fillStyle = colorOf(feature);
    ctx.fill();
    ctx.globalAlpha = 1;
    ctx.fillStyle = color.muted;
    ctx.font = `10px ${color.font}`;
    ctx.fillText(say("region.hour_ago"), 0, 9);
  }

  #follow() {
    const { region, regions } = this.app.state.value;
    if (region) this.app.state.set({ regions: toggled(regions, region) });
  }

  #fit() {
    const feature = this.#feature();
    if (!feature) return;
    this.app.address.leave();
    this.app.map.fit(bounds(outline(feature)), { maxZoom: 17 });
  }

  async #delete() {
    const feature = this.#feature();
    if (!feature) return;
    try {
      await this.app.deeds.doing(
        call("DELETE", regionPath(feature.id), { headers: { "if-match": `"${feature.properties.version}"` } }),
      );
      // they may look at another by now
      if (this.app.state.value.region === feature.id) this.app.state.set({ region: null });
      this.app.deeds.did(deleted(feature));
    } catch (error) {
      const changed = error instanceof ApiError && error.status === 412;
      this.alerts.toast({
        icon: "warn",
        title: say("region.not_deleted"),
        body: changed ? say("region.just_changed") : /** @type {Error} */ (error).message,
      });
    }
  }
}
