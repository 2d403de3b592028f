// A day as files, and as a report.

import { address, vehiclePath } from "../../net/api.js";
import { askReport } from "../../page/reports.js";
import { fill, h } from "../../parts/dom.js";
import { say } from "../../words/words.js";

/** name → form, and of what it is a file: a map holds the trips and the stops, a table the trips, a book all of it */
const FORMS = {
  CSV: ["csv", "trips"],
  XLSX: ["xlsx", "summary"],
  GPX: ["gpx", "summary"],
  KML: ["kml", "summary"],
  GeoJSON: ["geojson", "summary"],
};

export class Downloads {
  /** @param {import("../../app.js").App} app */
  constructor(app) {
    this.links = h("div", { class: "files" });
    const { state } = app;
    const report = () => askReport(app, state.value.vehicle ?? "", state.value.day ?? "");
    this.element = h(
      "div",
      { class: "block", hidden: true },
      h("h3", null, say("day.files")),
      this.links,
      h("button", { type: "button", class: "button small", onclick: report }, say("day.report")),
    );
  }

  /** @param {string} vehicle @param {{from: number, until: number, tz: string}} span */
  show(vehicle, span) {
    const key = JSON.stringify([vehicle, span]);
    if (this.links.dataset.key === key) return;
    this.links.dataset.key = key;
    fill(
      this.links,
      Object.entries(FORMS).map(([name, [format, what]]) =>
        h(
          "a",
          {
            class: "button small",
            download: "",
            href: address(`${vehiclePath(vehicle)}/${what}`, { ...span, format }).href,
          },
          name,
        ),
      ),
    );
  }
}
