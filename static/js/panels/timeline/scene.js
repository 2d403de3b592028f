// The map as it was at one moment: the fleet, the regions, the trail of whom is selected, drawn from what is known.

import { PastFleet } from "../../model/past/fleet.js";
import * as moments from "../../model/past/moment.js";
import { TRAIL_MS } from "./known.js";

export class Scene {
  fleet = new PastFleet();
  exactly = false; // what is drawn is no tape's
  #then = ""; // which versions of regions are drawn

  /**
   * @param {import("../../app.js").App} app
   * @param {import("./known.js").Known} known
   * @param {import("../../map/picture.js").Picture} picture where it is drawn
   * @param {(fleet: PastFleet|null) => void} look have that drawn there; null: the live fleet
   */
  constructor(app, known, picture, look) {
    this.app = app;
    this.known = known;
    this.picture = picture;
    this.look = look;
  }

  enter() {
    this.look(this.fleet);
  }

  leave() {
    this.clear();
    this.look(null);
  }

  /** Nothing of it stays. */
  clear() {
    this.#then = "";
    this.exactly = false;
    this.fleet = new PastFleet();
    this.picture.overlay.wake = null;
  }

  /** Everybody where they were. @param {number} at @param {{still: boolean, playing: boolean}} how still: nothing moves
   * on before somebody wishes it */
  place(at, { still, playing }) {
    const { fleet, app, known } = this;
    fleet.show(known.tapes(at), at);
    const exact = known.exact.value;
    this.exactly = still && exact?.at === moments.whole(at);
    if (this.exactly && exact) fleet.settle(exact.positions);
    fleet.playing = playing;
    this.#regions(at);
    this.#trail(at);
    app.lookAgain();
    this.paint();
  }

  paint() {
    this.picture.paint();
  }

  /** @param {number} at */
  #regions(at) {
    const held = moments.valid(this.known.regions.value ?? [], at);
    const key = held.map(({ id, from }) => `${id}@${from}`).join();
    if (key === this.#then) return;
    this.#then = key;
    this.fleet.regions = new Map(held.map(({ id, feature }) => [id, feature]));
    this.picture.regions.refresh();
  }

  /** @param {number} at */
  #trail(at) {
    const { vehicle } = this.app.state.value;
    const { overlay } = this.picture;
    const v = vehicle ? this.fleet.byId.get(vehicle) : null;
    const told = this.known.trail.value;
    const points =
      told?.vehicle === vehicle ? told.points.filter(({ time }) => time <= at && time > at - TRAIL_MS) : [];
    const last = points.at(-1);
    if (v?.known && !v.stale && last) points.push({ time: at, lat: v.lat, lon: v.lon, speed: last.speed });
    const empties = overlay.wake?.length && !points.length;
    overlay.wake = points;
    if (points.length || empties) this.picture.paint("trail"); // a canvas that is cleared costs a frame
  }
}
