// The moment that is looked at, played and scrubbed. The live fleet goes on beside it (app.fleet) and is drawn again
// when the reader comes back.

import { Signal } from "../../model/signal.js";
import * as moments from "../../model/past/moment.js";
import { Known, SOON_MS } from "./known.js";
import { Link } from "./link.js";
import { Player } from "./player.js";
import { Scene } from "./scene.js";

/** @typedef {import("../../net/past.js").Happened} Happened */

export class Past {
  /** @type {Signal<[]>} another moment is shown */ moved = new Signal();
  /** @type {Signal<[]>} another stretch, more of it is here, it plays or stops */ changed = new Signal();
  /** @type {Signal<[event: import("../../words/phrases.js").Event]>} that one was chosen */ opened = new Signal();
  /** @type {Signal<[some: Happened[]]>} that one of them is to be chosen */ offered = new Signal();
  open = false; // the strip is shown
  /** @type {number|null} ms; null: now */ at = null;
  scrubbing = false;
  known = new Known({ came: () => this.#came(), told: () => this.#told() });

  #fresh = false; // nobody has chosen the stretch

  /** @param {import("../../app.js").App} app */
  constructor(app) {
    this.app = app;
    /** @type {moments.Span} */ this.span = this.#today();
    this.scene = new Scene(app, this.known, app.picture, (fleet) => app.look(fleet));
    this.player = new Player(app, this.known);
    this.link = new Link(app, this);
    this.link.led.on(() => this.#read());
    this.link.chose.on(() => this.#need());
    app.map.stage.framing.on((now) => this.#frame(now));
    app.forgotten.on(() => this.#forget());
    app.regranted.on(() => this.#forget());
    app.corrected.on(() => this.#forget());
    app.ticked.on(() => this.#tick());
  }

  /** What the address says, once all stands. */
  begin() {
    this.#read();
  }

  #today() {
    const now = this.app.newest();
    return { from: now - moments.DAY, until: now };
  }

  /** @returns {-1|0|1} */
  get playing() {
    return this.player.direction;
  }

  get speed() {
    return this.player.speed;
  }

  /** What is drawn: now, or the moment. */
  get now() {
    return this.at ?? this.app.newest();
  }

  get fleet() {
    return this.scene.fleet;
  }

  /** What is drawn is no tape's. */
  get exactly() {
    return this.scene.exactly;
  }

  /** @param {boolean} open */
  show(open) {
    if (open === this.open || this.app.recording) return;
    this.open = open;
    if (open) {
      this.#fresh = this.at === null && this.app.state.value.vehicle === null;
      if (this.at === null) this.span = this.#today();
      this.#need();
    } else {
      this.live();
      this.known.drop();
    }
    this.changed.tell();
  }

  /** Look at this moment. @param {number} at @param {{along?: boolean}} [how] along: one of many small steps */
  go(at, { along = false } = {}) {
    if (at >= this.app.newest() - moments.SECOND) return this.live();
    this.scrubbing = false;
    this.#to(at);
    this.link.write(along);
    this.#need();
    this.changed.tell();
  }

  /** A hand moves along: nothing is written or asked until it rests. @param {number} at */
  scrub(at) {
    if (!this.scrubbing) this.known.exact.stop();
    this.scrubbing = true;
    this.pause(false);
    this.#to(at);
  }

  /** @param {number} by ms */
  step(by) {
    this.pause(false);
    this.go(moments.whole(this.now) + by, { along: true });
  }

  /** @param {1|-1} by */
  toEvent(by) {
    const events = this.known.events.value?.events ?? [];
    const found = moments.beside(events, this.now, by);
    if (found) this.offer(moments.together(events, found));
    return found !== null;
  }

  /** Which of them is meant is for the reader to say. @param {Happened[]} some ascending */
  offer(some) {
    if (some.length === 1) return this.choose(some[0]);
    this.pause(false);
    this.go(moments.happened(some[0].time));
    this.offered.tell(some);
  }

  /** @param {Happened} happened */
  choose({ time, event }) {
    this.pause(false);
    this.go(moments.happened(time));
    this.opened.tell(event);
  }

  live() {
    if (this.app.recording) return this.#rest(this.app.recording.end);
    this.player.direction = 0;
    this.scrubbing = false;
    if (this.at === null) return;
    this.at = null;
    this.link.write(false);
    this.#leave();
    this.changed.tell();
    this.moved.tell();
  }

  /** Nothing is live in a file: it ends. @param {number} end */
  #rest(end) {
    this.player.direction = 0;
    this.go(moments.whole(end));
  }

  /** @param {1|-1} [direction] */
  play(direction = 1) {
    if (this.at === null && direction > 0) return;
    if (this.at === null) this.#to(this.app.newest() - moments.SECOND);
    this.scrubbing = false;
    this.player.start(direction);
    this.known.exact.stop();
    this.#need();
    this.scene.paint();
    this.changed.tell();
  }

  /** @param {boolean} [rests] what is shown then is exact */
  pause(rests = true) {
    if (!this.playing) return;
    this.player.direction = 0;
    if (rests && this.at !== null) this.go(this.at, { along: true });
    else this.changed.tell();
  }

  /** @param {1|-1} by */
  faster = (by) => this.app.state.set({ speed: moments.faster(this.speed, by) });

  /** @param {moments.Span} span */
  look(span) {
    this.#fresh = false;
    this.span = span;
    this.link.write(true);
    this.#need(SOON_MS);
    this.changed.tell();
  }

  again() {
    this.known.retry();
    this.#need();
    this.changed.tell();
  }

  /** @param {number} at */
  #to(at) {
    const now = this.app.newest();
    const entered = this.at === null;
    this.at = Math.max(0, Math.min(at, now));
    this.scene.exactly = this.#fresh = false;
    const span = moments.reaching(this.span, this.at, now);
    if (span !== this.span) {
      this.span = span;
      this.changed.tell();
    }
    if (entered) {
      this.open = true;
      this.scene.enter();
    }
    if (entered && this.scrubbing) this.#need();
    this.#place();
    this.moved.tell();
  }

  #leave() {
    this.known.leave();
    this.scene.leave();
  }

  /** The address leads here. */
  #read() {
    const { at, range } = this.app.state.value;
    if (range) this.span = moments.kept(range, this.app.newest());
    if (at === null) {
      if (this.at === null) return;
      this.player.direction = 0;
      this.at = null;
      this.#leave();
      this.changed.tell();
      return this.moved.tell();
    }
    this.player.direction = 0;
    if (at > this.app.newest()) {
      this.app.address.misread.tell([`at=${moments.stamp(at)}`]); // nobody has been there
      return this.at === null ? this.link.write(true) : this.live();
    }
    this.open = true;
    if (!range) this.span = moments.reaching(this.span, at, this.app.newest());
    this.#to(at);
    this.#need();
    this.changed.tell();
  }

  /** Everything goes at once, and what may be seen by now is asked for. */
  #forget() {
    this.known.drop();
    this.scene.clear();
    if (this.at !== null) this.app.look(this.fleet);
    this.#need();
    this.changed.tell();
    this.moved.tell();
  }

  #tick() {
    if (!this.open) return;
    const span = this.at === null ? moments.along(this.span, this.app.newest()) : this.span;
    if (span !== this.span) {
      this.span = span;
      this.#need();
      this.changed.tell();
    }
    if (this.known.overdue) this.again();
  }

  /** Ask for what this moment and this stretch want and is not here. @param {number} [after] ms */
  #need(after = 0) {
    if (!this.open) return;
    const { app, span, at, scrubbing, playing } = this;
    const { vehicle } = app.state.value;
    const vehicles = Math.max(app.fleet.byId.size, this.fleet.byId.size, 1);
    const speed = (playing || 1) * this.speed;
    const look = { span, at, scrubbing, vehicle, vehicles, speed, playing: playing !== 0 };
    this.known.need(look, after);
    this.known.count(look, after);
  }

  /** What is drawn is another. */
  #came() {
    if (this.at !== null) {
      this.#place();
      this.app.filtered(this.app.filter);
      this.moved.tell();
    }
    this.changed.tell();
  }

  /** What the strip shows is another. */
  #told() {
    const activity = this.known.activity.value;
    if (this.#fresh && activity) this.#begin(activity);
    this.changed.tell();
  }

  /** A server of this morning has no strip of yesterday. @param {moments.Activity} activity */
  #begin(activity) {
    this.#fresh = false;
    const span = moments.begun(this.span, activity);
    if (span.from === this.span.from) return;
    this.span = span;
    this.#need();
  }

  /** @param {number} now */
  #frame(now) {
    if (!this.playing || this.at === null) return;
    const at = this.player.on(this.at, now);
    if (at === this.at) return this.scene.paint();
    if (at >= this.app.newest()) return this.live();
    if (at <= 0) return this.pause();
    this.#to(at);
    this.#need();
    this.link.follow();
  }

  #place() {
    if (this.at === null) return;
    const playing = Boolean(this.playing);
    this.scene.place(this.player.drawn(this.at), { still: !playing && !this.scrubbing, playing });
  }
}
