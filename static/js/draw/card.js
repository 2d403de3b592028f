// The one card of a region: name, colour, group, rules, what to raise, follow or not; what it would have done; save.

import { ApiError, call, regionPath } from "../net/api.js";
import { $, fill, h, iconButton, text } from "../parts/dom.js";
import { speedFrom, speedUnit, speedValue } from "../words/format.js";
import * as format from "../words/format.js";
import { SHORT, readHours, writeHours } from "../words/hours.js";
import { KINDS } from "../words/phrases.js";
import { COMPUTED, saved as savedDeed } from "../panels/region_deeds.js";
import { COLORS, colorOf } from "../map/regions.js";
import { conflict } from "./conflict.js";
import { pasted } from "./paste.js";
import { Preview } from "./preview.js";
import { Yesterday } from "./yesterday.js";
import { drawn } from "../net/grants.js";
import { oneStop } from "../parts/roving.js";
import { foreign, say } from "../words/words.js";

const RAISED = ["enter", "exit", "dwell", "cross", "overspeed_start"];

export class RegionCard {
  /**
   * @param {import("../app.js").App} app
   * @param {import("./editor.js").Editor} editor
   * @param {import("../page/alerts.js").Alerts} alerts
   */
  constructor(app, editor, alerts) {
    this.app = app;
    this.editor = editor;
    this.alerts = alerts;
    const { feature } = editor;
    const p = feature?.properties ?? {};
    const rules = p.rules ?? {};
    const { units } = app.preferences.value;
    this.color = feature ? colorOf(feature) : this.#freeColor();
    this.version = p.version ?? 0;
    this.name = h("input", {
      type: "text",
      maxLength: 120,
      value: p.name ?? this.#freeName(),
      required: true,
      autocomplete: "off",
    });
    this.given = this.name.value;
    const drawnIn = drawn(app.who.grants);
    this.group = drawnIn
      ? h(
          "select",
          null,
          drawnIn.map((name) => h("option", { value: name, selected: name === p.group }, name)),
        )
      : h("input", {
          type: "text",
          maxLength: 80,
          value: p.group ?? "",
          autocomplete: "off",
          list: "region-groups",
          placeholder: say("card.none"),
        });
    this.dwell = h("input", {
      type: "number",
      min: "0",
      step: "any",
      value: rules.dwell_s ? String(rules.dwell_s / 60) : "",
      placeholder: say("card.off"),
      oninput: () => this.#limited("dwell", this.dwell.value),
    });
    this.limit = h("input", {
      type: "number",
      min: "0",
      step: "any",
      value: rules.speed_limit_mps ? String(speedValue(rules.speed_limit_mps, units)) : "",
      placeholder: say("card.off"),
      oninput: () => this.#limited("overspeed_start", this.limit.value),
    });
    this.patience = h("input", {
      type: "number",
      min: "0",
      step: "any",
      value: rules.min_s ? String(rules.min_s) : "",
      placeholder: "0",
      oninput: () => this.#soon(),
    });
    this.hours = h("input", {
      type: "text",
      value: writeHours(rules.schedule?.weekly),
      placeholder: say("card.hours.like", { from: SHORT[0], to: SHORT[4] }),
      autocomplete: "off",
      oninput: () => this.#limited("enter", this.hours.value),
    });
    const zone = rules.schedule?.zone || app.preferences.value.zone || Intl.DateTimeFormat().resolvedOptions().timeZone;
    this.zone = h(
      "select",
      { onchange: () => this.#soon() },
      [...new Set([zone, ...format.zones()])].map((name) => h("option", { value: name }, name.replace(/_/g, " "))),
    );
    /** @type {Set<string>} alerts that typing a limit ticked */ this.ticked = new Set();
    this.radius = h("input", { type: "number", min: "1", step: "any", oninput: () => this.#radius() });
    this.radiusField = h("label", { class: "field", hidden: true }, h("span", null, say("card.radius")), this.radius);
    this.typed = h("textarea", {
      spellcheck: "false",
      placeholder: say("card.shape.like"),
      "aria-label": say("card.coordinates"),
    });
    this.fault = h("p", { class: "notice bad", hidden: true, role: "alert" });
    this.preview = new Preview(
      () => this.#feature(),
      () => new Map(this.raise.map(([kind, box]) => [kind, box.checked])),
    );
    this.yesterday = new Yesterday(app, editor.shifted, () => ({
      ...this.#feature(),
      ...(editor.feature && { id: editor.feature.id }),
    }));
    const notify = p.notify ?? ["enter", "exit", "dwell"];
    this.raise = RAISED.map(
      (kind) =>
        /** @type {[string, HTMLInputElement]} */ ([
          kind,
          h("input", {
            type: "checkbox",
            checked: notify.includes(kind),
            onchange: () => {
              this.ticked.delete(kind);
              this.preview.tell();
            },
          }),
        ]),
    );
    this.exact = h("input", { type: "checkbox", checked: p.debounce === "none", onchange: () => this.#soon() });
    const { regions } = app.state.value;
    this.follow = h("input", {
      type: "checkbox",
      checked: regions === null || !feature || regions.includes(feature.id),
    });
    this.swatches = h(
      "div",
      { class: "swatches", role: "radiogroup", "aria-label": say("card.colour") },
      [...new Set([...COLORS, this.color])].map((color, i) => {
        const button = h("button", {
          type: "button",
          role: "radio",
          "aria-checked": String(color === this.color),
          "aria-label": say("card.colour.n", { n: i + 1 }),
          onclick: () => this.#paint(color, button),
        });
        button.style.setProperty("--swatch", color);
        return button;
      }),
    );
    oneStop(this.swatches, "button", { pick: true });
    this.save = h("button", { type: "submit", class: "button primary" }, say(feature ? "save" : "card.create"));
    const groups = groupsOf(app);
    this.element = h(
      "form",
      {
        class: "region-card form",
        "aria-label": say(feature ? "card.edit" : "card.new"),
        noValidate: true,
        onsubmit: (/** @type {Event} */ e) => {
          e.preventDefault();
          this.#save();
        },
      },
      h(
        "div",
        { class: "card-head" },
        h("h2", { tabIndex: -1 }, say(feature ? "card.edit" : "card.new")),
        iconButton("close", say("cancel"), () => editor.leave()),
      ),
      h("label", { class: "field" }, h("span", null, say("card.name")), this.name),
      this.swatches,
      h(
        "div",
        { class: "form-row" },
        h("label", { class: "field" }, h("span", null, say("card.group")), this.group),
        h("label", { class: "field" }, h("span", null, say("card.dwell")), this.dwell),
      ),
      h(
        "datalist",
        { id: "region-groups" },
        groups.map((g) => h("option", { value: g })),
      ),
      this.radiusField,
      h(
        "div",
        { class: "form-row" },
        h("label", { class: "field" }, h("span", null, say("card.limit", { unit: speedUnit(units) })), this.limit),
        h("label", { class: "field" }, h("span", null, say("card.patience")), this.patience),
      ),
      h(
        "div",
        { class: "form-row" },
        h("label", { class: "field" }, h("span", null, say("card.hours")), this.hours),
        h("label", { class: "field" }, h("span", null, say("card.zone")), this.zone),
      ),
      h(
        "fieldset",
        { class: "plain-set" },
        h("legend", null, say("card.raise")),
        h(
          "div",
          { class: "checks" },
          this.raise.map(([kind, box]) => h("label", { class: "check" }, box, KINDS[kind].title)),
        ),
      ),
      h("label", { class: "check" }, this.follow, say("card.show")),
      h("label", { class: "check" }, this.exact, say("card.exact")),
      h(
        "details",
        null,
        h("summary", null, say("card.shape")),
        h(
          "div",
          { class: "form typed" },
          this.typed,
          h("button", { type: "button", class: "button small", onclick: () => this.#read() }, say("card.shape.use")),
        ),
      ),
      this.preview.element,
      this.yesterday.element,
      this.fault,
      h(
        "div",
        { class: "form-actions" },
        h("button", { type: "button", class: "button", onclick: () => editor.leave() }, say("cancel")),
        this.save,
      ),
    );
    this.element.hidden = !feature;
    // In the side column, a phone's sheet: so it never lies over what it draws.
    $("#side").appendChild(this.element);
    this.first = this.#typed();
  }

  /** All that a person can have typed or chosen. */
  #typed() {
    const values = [...this.element.querySelectorAll("input, textarea, select")].map((node) =>
      node === this.radius
        ? ""
        : /** @type {HTMLInputElement} */ (node).type === "checkbox"
          ? /** @type {HTMLInputElement} */ (node).checked
          : /** @type {HTMLInputElement} */ (node).value,
    );
    return JSON.stringify([this.color, ...values]);
  }

  get dirty() {
    return this.#typed() !== this.first;
  }

  remove() {
    this.preview.stop();
    this.yesterday.stop();
    this.element.remove();
  }

  /** Type the shape instead of drawing it. */
  type() {
    this.element.hidden = false;
    const details = this.element.querySelector("details");
    if (details) details.open = true;
    this.typed.focus();
  }

  focus() {
    this.name.focus();
    this.name.select();
  }

  #freeName() {
    const names = new Set([...this.app.fleet.regions.values()].map((f) => f.properties.name));
    let n = this.app.fleet.regions.size + 1;
    while (names.has(say("card.free", { n }))) n++;
    return say("card.free", { n });
  }

  #freeColor() {
    const used = [...this.app.fleet.regions.values()].map(colorOf);
    const count = (/** @type {string} */ c) => used.filter((u) => u === c).length;
    return COLORS.reduce((best, c) => (count(c) < count(best) ? c : best));
  }

  /** @param {string} color @param {HTMLElement} button */
  #paint(color, button) {
    this.color = color;
    for (const other of this.swatches.children) other.setAttribute("aria-checked", String(other === button));
    this.editor.layer.paint();
  }

  /** Where may be drawn, and what would have happened there, may be another. */
  regranted() {
    const { group } = this;
    const named = drawn(this.app.who.grants) ?? [];
    if (group instanceof HTMLSelectElement)
      fill(
        group,
        named.map((name) => h("option", { value: name, selected: name === group.value }, name)),
      );
    fill(
      $("#region-groups"),
      groupsOf(this.app).map((name) => h("option", { value: name })),
    );
    this.shapeChanged(false);
  }

  /** @param {boolean} dragging */
  shapeChanged(dragging) {
    const { sketch } = this.editor;
    if (!sketch) return;
    if (sketch.shape.closed) this.element.hidden = false; // while points are placed the map is free
    const round = sketch.kind === "circle" || sketch.kind === "corridor";
    this.radiusField.hidden = !round;
    text(
      /** @type {Element} */ (this.radiusField.firstElementChild),
      say(sketch.kind === "circle" ? "card.radius" : "card.width"),
    );
    if (round && document.activeElement !== this.radius)
      this.radius.value = sketch.shape.radius ? String(Math.round(sketch.shape.radius)) : "";
    const problem = sketch.problem();
    this.fault.hidden = !(sketch.shape.closed && problem);
    if (!this.fault.hidden) text(this.fault, problem);
    this.save.disabled = Boolean(problem);
    this.#soon(dragging);
  }

  /**
   * A limit was typed: that is asking to be told; what typing ticked, clearing it takes back.
   * @param {string} kind
   * @param {string} value
   */
  #limited(kind, value) {
    const box = this.raise.find(([name]) => name === kind)?.[1];
    const set = kind === "enter" ? value.trim() !== "" : Number(value) > 0;
    if (box && set && !box.checked) {
      box.checked = true;
      this.ticked.add(kind);
    } else if (box && !set && this.ticked.delete(kind)) box.checked = false;
    this.#soon();
  }

  #radius() {
    const radius = Number(this.radius.value);
    const { sketch } = this.editor;
    if (!sketch || !(radius > 0)) return;
    this.yesterday.begin();
    sketch.change({ radius, closed: sketch.kind === "circle" ? sketch.shape.points.length > 0 : sketch.shape.closed });
    this.editor.changed();
  }

  async #read() {
    try {
      const { sketch, name } = await pasted(this.typed.value);
      if (!this.element.isConnected) return;
      if (name && !this.editor.feature && this.name.value === this.given) this.name.value = name;
      this.editor.replace(sketch);
    } catch (error) {
      this.fault.hidden = false;
      text(this.fault, /** @type {Error} */ (error).message);
    }
  }

  /** The Feature as it would be saved. */
  #feature() {
    const sketch = /** @type {import("./sketch.js").Sketch} */ (this.editor.sketch);
    const { geometry, properties } = sketch.geojson();
    const { units } = this.app.preferences.value;
    const old = Object.fromEntries(
      Object.entries(this.editor.feature?.properties ?? {}).filter(
        ([key]) => !COMPUTED.has(key) && key !== "radius_m" && key !== "buffer_m",
      ),
    );
    const { dwell_s, speed_limit_mps, min_s, schedule, ...rules } = old.rules ?? {};
    const weekly = readHours(this.hours.value);
    const dwell = Number(this.dwell.value) * 60;
    const limit = speedFrom(Number(this.limit.value), units);
    if (dwell > 0) rules.dwell_s = dwell;
    if (limit > 0) {
      rules.speed_limit_mps = Math.round(limit * 1000) / 1000;
      if (Number(this.patience.value) > 0) rules.min_s = Number(this.patience.value);
    }
    if (weekly) rules.schedule = { zone: this.zone.value, weekly };
    const kept = (this.editor.feature?.properties.notify ?? []).filter(
      (/** @type {string} */ kind) => !RAISED.includes(kind),
    );
    const notify = [...this.raise.filter(([, box]) => box.checked).map(([kind]) => kind), ...kept];
    // Until accounts come, who changed it is the name this reader gave once.
    const { updated_by, ...attributes } = old.attributes ?? {};
    const me = this.app.preferences.value.name;
    if (me) attributes.updated_by = me;
    return {
      type: "Feature",
      geometry,
      properties: {
        ...old,
        attributes,
        ...properties,
        name: this.name.value.trim(),
        color: this.color,
        group: this.group.value.trim() || null,
        debounce: this.exact.checked ? "none" : "accuracy",
        rules,
        notify,
      },
    };
  }

  /** Ask what it would have done, a moment after the last change. @param {boolean} [dragging] */
  #soon(dragging = false) {
    if (!this.editor.sketch?.shape.closed || this.editor.sketch.problem()) {
      this.preview.none();
      this.yesterday.refused();
    } else {
      this.preview.soon(dragging);
      this.yesterday.moved(dragging);
    }
  }

  /** @param {number} [over] the version to write over; the one this card was opened with unless the reader reapplies */
  async #save(over = this.version) {
    const { editor, app } = this;
    const { feature: before } = editor;
    let feature;
    try {
      feature = this.#feature();
    } catch (error) {
      return this.#refuse(/** @type {Error} */ (error).message, this.hours);
    }
    if (!feature.properties.name) return this.#refuse(say("card.no_name"), this.name);
    this.save.disabled = true;
    const typed = this.#typed();
    const shape = editor.sketch?.shape;
    try {
      const saved = await app.deeds.doing(
        before
          ? call("PUT", regionPath(before.id), {
              body: { ...feature, id: before.id },
              headers: { "if-match": `"${over}"` },
            })
          : call("POST", "regions", { body: feature }),
      );
      const known = app.fleet.regions.get(saved.id); // what this version came over
      app.deeds.did(savedDeed(before && (known?.properties.version === over ? known : before), saved));
      app.fleet.learn(saved);
      app.regions.refresh();
      const { regions } = app.state.value;
      const follow = this.follow.checked;
      if (editor.card !== this) return; // left meanwhile
      if (this.#typed() !== typed || editor.sketch?.shape !== shape) return this.#goOn(saved, typed);
      editor.cancel();
      if (regions !== null && follow !== regions.includes(saved.id))
        app.state.set({ regions: follow ? [...regions, saved.id] : regions.filter((id) => id !== saved.id) });
      app.state.set({ tab: "regions", region: saved.id });
    } catch (error) {
      this.save.disabled = false;
      if (error instanceof ApiError && (error.status === 412 || (before && error.status === 404)))
        return this.#conflict(before);
      const first = error instanceof ApiError ? error.errors[0] : null;
      this.#refuse(
        first?.message
          ? foreign(first.field ? `${first.field}: ${first.message}` : "", first.message)
          : /** @type {Error} */ (error).message,
      );
      if (first?.at) app.map.go(first.at[1], first.at[0]);
    }
  }

  /**
   * Somebody typed or drew on while it was saved: that is kept, and not saved yet.
   * @param {any} saved
   * @param {string} typed
   */
  #goOn(saved, typed) {
    this.editor.feature = saved;
    this.app.regions.editing = saved.id;
    this.version = saved.properties.version;
    this.first = typed;
    this.save.disabled = false;
    text(this.save, say("save"));
    this.#refuse(say("card.saved"));
  }

  /** @param {string} why @param {HTMLElement} [field] */
  #refuse(why, field) {
    this.fault.hidden = false;
    text(this.fault, why);
    field?.focus();
  }

  /**
   * Somebody saved first: say what they changed, and let the reader put theirs over it or look at it.
   * @param {any} before
   */
  async #conflict(before) {
    const { app, editor } = this;
    const newer = await call("GET", regionPath(before.id)).catch(() => null);
    if (!newer) {
      editor.feature = null;
      text(this.save, say("card.create"));
      this.save.disabled = false;
      return this.#refuse(say("card.deleted"), this.save);
    }
    this.fault.hidden = false;
    const mine = () => {
      this.version = newer.properties.version;
      this.#save(this.version);
    };
    const theirs = () => {
      editor.cancel();
      editor.edit(newer);
    };
    fill(this.fault, conflict(before, newer, app.preferences.value.zone, { mine, theirs }));
  }
}

/** The groups there are. @param {import("../app.js").App} app @returns {string[]} */
const groupsOf = (app) => [
  ...new Set([...app.fleet.regions.values()].map((feature) => feature.properties.group).filter(Boolean)),
];
