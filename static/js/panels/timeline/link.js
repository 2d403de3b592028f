// The moment in the address: read when somebody follows a link or goes back, written as it moves along.

import { Signal } from "../../model/signal.js";
import * as moments from "../../model/past/moment.js";

const WRITTEN_MS = 1000; // how often the address follows what plays, …
const SOME_MS = 250; // … and a hand

export class Link {
  /** @type {Signal<[]>} the address leads elsewhere */ led = new Signal();
  /** @type {Signal<[]>} another vehicle is chosen */ chose = new Signal();
  #writtenAt = -Infinity;
  /** @type {any} */ #writes = 0;
  #mine = false; // this writes the state

  /** @param {import("../../app.js").App} app @param {import("./past.js").Past} past */
  constructor(app, past) {
    this.app = app;
    this.past = past;
    app.state.changed.on((now, before) => {
      if (this.#mine) return;
      if (now.at !== before.at || now.range !== before.range) this.led.tell();
      else if (now.vehicle !== before.vehicle) this.chose.tell();
    });
  }

  /** Browsers refuse to write it many times a second. @param {boolean} along one of many small steps */
  write(along) {
    const { app, past } = this;
    clearTimeout(this.#writes);
    const wait = along ? this.#writtenAt + SOME_MS - performance.now() : 0;
    if (wait > 0) {
      this.#writes = setTimeout(() => this.write(true), wait);
      return;
    }
    const { at, span } = past;
    this.#mine = true;
    app.address.glides = along && app.state.value.at !== null;
    app.state.set({
      at: at === null ? null : moments.whole(at),
      split: at === null || app.recording ? null : app.state.value.split, // live there is nothing to compare
      range: at === null ? null : { from: moments.whole(span.from), until: moments.whole(span.until) },
    });
    app.address.glides = false;
    this.#mine = false;
    this.#writtenAt = performance.now();
  }

  /** What plays is written now and then. */
  follow() {
    if (performance.now() - this.#writtenAt > WRITTEN_MS) this.write(true);
  }
}
