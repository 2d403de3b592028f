// What the second half of the map shows: the fleet as it is, or as it was at another moment. Whatever has positions can
// be drawn there (map/picture.js).

import { Picture } from "../../map/picture.js";
import { Known } from "./known.js";
import { Scene } from "./scene.js";

export class Other {
  /** @type {number|null} ms; null: now */ at = null;
  shown = false;

  /** @param {import("../../app.js").App} app @param {() => void} changed more of it is here, or none */
  constructor(app, changed) {
    this.app = app;
    this.changed = changed;
    this.picture = new Picture(app.map.stage, app.fleet, "beside");
    this.known = new Known({ came: () => this.#came(), told() {} }, app.past.known.source);
    this.scene = new Scene(app, this.known, this.picture, (fleet) =>
      this.picture.look(fleet ?? app.fleet, fleet === null),
    );
    app.forgotten.on(() => this.forget());
    app.regranted.on(() => this.forget());
    app.corrected.on(() => this.forget());
    app.ticked.on(() => this.#tick());
  }

  /** Show this moment, and ask for what is not here. @param {number|null} at */
  show(at) {
    if (!this.shown || (at === null) !== (this.at === null)) {
      this.known.drop();
      if (at === null) this.scene.leave();
      else this.scene.enter();
      this.only();
    }
    this.shown = true;
    this.at = at;
    if (at === null) return;
    this.#place(at);
    this.need();
  }

  /** Nothing is shown, nothing asked any more, and nothing of it stays. */
  hide() {
    this.shown = false;
    this.at = null;
    this.known.drop();
    this.scene.clear();
    this.picture.free();
  }

  /** Everything goes at once, and what may be seen by now is asked for. */
  forget() {
    if (!this.shown) return;
    this.known.drop();
    this.scene.clear();
    if (this.at !== null) this.scene.enter();
    this.need();
    this.changed();
  }

  /** The list may narrow what the map shows. */
  only() {
    this.picture.only(this.app.state.value.only ? this.app.filter : null);
  }

  need() {
    const { app, at, known } = this;
    const { past } = app;
    if (at === null || past.at === null) return;
    if (known.source !== past.known.source) known.from(past.known.source);
    const apart = at - past.at;
    known.need({
      span: { from: past.span.from + apart, until: past.span.until + apart },
      at,
      scrubbing: past.scrubbing,
      vehicle: app.state.value.vehicle,
      vehicles: Math.max(app.fleet.byId.size, this.scene.fleet.byId.size, 1),
      speed: (past.playing || 1) * past.speed,
      playing: past.playing !== 0,
    });
  }

  again() {
    this.known.retry();
    this.need();
    this.changed();
  }

  /** @param {number} at */
  #place(at) {
    const { past } = this.app;
    const playing = past.playing !== 0;
    this.scene.place(at, { still: !playing && !past.scrubbing, playing });
  }

  #came() {
    if (!this.shown) return;
    if (this.at !== null) {
      this.#place(this.at);
      this.only();
    }
    this.changed();
  }

  #tick() {
    if (this.shown && this.at !== null && this.known.overdue) this.again();
  }
}
