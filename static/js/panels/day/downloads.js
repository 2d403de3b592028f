// A day as files, and as a report.

import { address, call, get, vehiclePath } from "../../net/api.js";
import { fill, h, text } from "../../parts/dom.js";
import { say } from "../../words/words.js";

/** form → of what it is a file: a map holds the trips and the stops, a table the trips, a book all of it */
const FORMS = { csv: "trips", xlsx: "summary", gpx: "summary", kml: "summary", geojson: "summary" };
const NAMES = { csv: "CSV", xlsx: "XLSX", gpx: "GPX", kml: "KML", geojson: "GeoJSON" };
const WAIT_S = 10; // how long the server keeps an answer back until a report has come further

export class Downloads {
  /** @param {import("../../app.js").App} app */
  constructor(app) {
    this.app = app;
    this.key = "";
    /** @type {string|null} the report that is being made */ this.making = null;
    this.links = h("div", { class: "files" });
    this.report = h("div", { class: "report", role: "status" });
    this.element = h("div", { class: "block", hidden: true }, h("h3", null, say("day.files")), this.links, this.report);
  }

  /** @param {string} vehicle @param {{from: number, until: number}} span @param {boolean} any is there something */
  show(vehicle, span, any) {
    this.element.hidden = !any;
    const tz = this.app.preferences.value.zone || Intl.DateTimeFormat().resolvedOptions().timeZone;
    const { units } = this.app.preferences.value;
    const key = JSON.stringify([vehicle, span, tz, units]);
    if (!any || key === this.key) return;
    this.key = key;
    this.making = null;
    fill(
      this.links,
      Object.entries(FORMS).map(([form, what]) =>
        h(
          "a",
          {
            class: "button small",
            download: "",
            href: address(`${vehiclePath(vehicle)}/${what}`, { ...span, tz, format: form }).href,
          },
          NAMES[/** @type {keyof typeof NAMES} */ (form)],
        ),
      ),
    );
    const asked = { ...span, vehicles: [vehicle.replace(/[*?[]/g, "[$&]")], zone: tz, units };
    this.#offer(asked);
  }

  /** @param {any} asked */
  #offer(asked) {
    fill(
      this.report,
      h("button", { type: "button", class: "button small", onclick: () => this.#make(asked) }, say("day.report")),
    );
  }

  /** @param {any} asked */
  async #make(asked) {
    const { key } = this;
    const far = h("span", { class: "num" }, say("day.report.making", { n: 0 }));
    const cancel = h("button", { type: "button", class: "button small" }, say("cancel"));
    fill(this.report, far, cancel);
    cancel.focus();
    try {
      let told = await call("POST", "reports", { body: asked });
      const path = `reports/${encodeURIComponent(told.id)}`;
      this.making = told.id;
      cancel.addEventListener("click", () => {
        this.making = null;
        this.#offer(asked);
        this.report.querySelector("button")?.focus();
        call("DELETE", path).catch(() => {}); // it ends by itself
      });
      while (told.state === "waiting" || told.state === "working") {
        text(far, say("day.report.making", { n: Math.round(100 * told.progress) }));
        told = await get(path, { wait_s: WAIT_S });
        if (this.making !== told.id || key !== this.key) return;
      }
      if (told.state !== "done") throw new Error(told.error?.detail ?? say("day.report.failed"));
      fill(
        this.report,
        h("a", { class: "button small", download: "", href: address(`${path}/file`).href }, say("day.report.done")),
      );
    } catch (error) {
      if (key !== this.key) return;
      this.#offer(asked);
      this.report.append(h("p", { class: "notice bad" }, /** @type {Error} */ (error).message));
    }
  }
}
