// The line between two parts of the map: dragged by a mouse or a finger, moved by keys.

import { h } from "../../parts/dom.js";
import { LEAST, MIDDLE, kept, moved } from "../../model/past/split.js";
import { say } from "../../words/words.js";

export class Divider {
  share = MIDDLE; // percent of the map that lies before it
  columns = true;

  /** @param {HTMLElement} map @param {() => void} changed it lies elsewhere */
  constructor(map, changed) {
    this.map = map;
    this.changed = changed;
    this.element = h("div", {
      class: "split-line",
      role: "separator",
      tabIndex: 0,
      hidden: true,
      "aria-label": say("split.divider"),
      "aria-controls": "map",
      "aria-valuemin": String(LEAST),
      "aria-valuemax": String(100 - LEAST),
    });
    const { element } = this;
    element.addEventListener("pointerdown", (e) => {
      if (e.button) return;
      e.preventDefault();
      element.focus({ preventScroll: true });
      element.setPointerCapture(e.pointerId);
    });
    element.addEventListener("pointermove", (e) => {
      if (!element.hasPointerCapture(e.pointerId)) return;
      const box = map.getBoundingClientRect();
      this.move(100 * (this.columns ? (e.clientX - box.left) / box.width : (e.clientY - box.top) / box.height));
    });
    element.addEventListener("dblclick", () => this.move(MIDDLE));
    element.addEventListener("keydown", (e) => {
      if (e.ctrlKey || e.metaKey || e.altKey) return;
      const share = moved(this.share, e.key, e.shiftKey);
      if (share === null) return;
      e.preventDefault();
      this.move(share);
    });
  }

  /** @param {number} share */
  move(share) {
    this.share = kept(share);
    this.changed();
  }

  /** @param {boolean} columns what it parts lies side by side */
  lay(columns) {
    this.columns = columns;
    this.element.setAttribute("aria-orientation", columns ? "vertical" : "horizontal");
    this.element.setAttribute("aria-valuenow", String(Math.round(this.share)));
  }
}
