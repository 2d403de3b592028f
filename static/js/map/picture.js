// One fleet on the map: its regions, its vehicles, and what is said of them. The map has one; while two moments are
// compared, a second one beside it, each in its own part of the map.

import { Overlay } from "./overlay.js";
import { RegionLayer } from "./regions.js";
import { VehicleLayer } from "./vehicles.js";

/** @typedef {import("../model/fleet.js").Fleet} Fleet */
/** @typedef {import("../model/past/fleet.js").PastFleet} PastFleet */

export class Picture {
  /** @param {import("./stage.js").Stage} stage @param {Fleet} fleet @param {""|"beside"} [side] */
  constructor(stage, fleet, side = "") {
    this.stage = stage;
    this.side = side;
    /** @type {Fleet|PastFleet} */ this.fleet = fleet;
    this.regions = new RegionLayer(stage, fleet, side);
    this.vehicles = new VehicleLayer(stage, fleet.motion, side);
    this.overlay = new Overlay(stage, fleet, this.vehicles, this.regions, side);
    this.drawn = -1; // the version of a live fleet's regions
  }

  /** Draw this one. @param {Fleet|PastFleet} fleet @param {boolean} live alerts are of now */
  look(fleet, live) {
    this.fleet = fleet;
    this.overlay.fleet = this.regions.fleet = /** @type {Fleet} */ (fleet);
    this.vehicles.motion = fleet.motion;
    this.overlay.live = live;
    this.drawn = -1;
    this.regions.refresh();
    this.stage.invalidate();
  }

  /** @param {...string} names of its painters; none: where vehicles are */
  paint(...names) {
    this.stage.repaint(this.side, ...(names.length ? names : ["vehicles", "overlay"]));
  }

  /** Only these are drawn (null: all). @param {{id: string}[]|null} some */
  only(some) {
    if (!some && !this.vehicles.hidden) return;
    this.vehicles.hidden = some && new Uint8Array(this.fleet.motion.glyph.length).fill(1);
    for (const { id } of some ?? []) {
      const v = this.fleet.byId.get(id);
      if (v && this.vehicles.hidden) this.vehicles.hidden[v.slot] = 0;
    }
    this.stage.invalidate("vehicles", "overlay");
  }

  /** Only in this part of the map is it seen (null: in all of it).
   * @param {import("../model/past/split.js").Box|null} box */
  within(box) {
    this.overlay.within = this.regions.within = box;
    this.stage.clip(this.side, box);
    this.stage.invalidate("overlay", "region-names");
  }

  /** Nothing of what it drew stays. */
  free() {
    this.vehicles.frame = this.vehicles.hidden = this.overlay.selected = this.overlay.hovered = null;
    this.vehicles.sheets.clear();
    this.regions.drawn.clear();
    this.regions.seen = [];
    this.overlay.trail = [];
    this.overlay.sides.clear();
  }

  /** Chosen, pointed at and set as in that one. @param {Picture} one */
  follow(one) {
    const { overlay, regions } = this;
    overlay.alerting = one.overlay.alerting;
    overlay.labels = one.overlay.labels;
    overlay.units = one.overlay.units;
    overlay.calm = one.overlay.calm;
    overlay.past = one.overlay.past;
    regions.followed = one.regions.followed;
    regions.selected = one.regions.selected;
    regions.hovered = one.regions.hovered;
    regions.editing = one.regions.editing;
    regions.flashes = one.regions.flashes;
    regions.hatches = one.regions.hatches;
    const version = "regionVersion" in this.fleet ? this.fleet.regionVersion : this.drawn;
    if (version === this.drawn) return;
    this.drawn = version;
    regions.refresh();
  }
}
