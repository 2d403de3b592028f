// The address says what the reader has chosen, and "back" walks it.

import { Signal } from "../model/signal.js";
import { misread, readLink, stepped, writeLink } from "../model/choices.js";

/** @typedef {import("../model/choices.js").State} State */

const ONE_STEP_MS = 1000;
const SAME_MS = 100; // a jump this soon after a step is one with it

export class Address {
  /** @type {Signal<[vehicle: string|null]>} the reader went back or forward, or typed a link */ followed =
    new Signal();
  /** @type {Signal<[parts: string[]]>} of a link nobody understands */ misread = new Signal();
  along = false; // arrow keys walk a list
  glides = false; // time goes on, or a hand moves it
  forgets = false; // what was chosen may not be seen any more: no step leads back to it
  #joined = false; // what is chosen now is one step, …
  #stepped = false; // … and that is made
  #following = false; // the address is followed, not written
  #lastStep = "";
  #stepAt = -Infinity;

  /** @param {import("../model/signal.js").Store<State>} state @param {import("../map/map.js").FleetMap} map */
  constructor(state, map) {
    this.state = state;
    this.map = map;
    addEventListener("popstate", () => this.#follow()); // a hashchange comes later: what writes before it loses a step
  }

  /** What is chosen is a step that "back" undoes; walking a list or typing a word is one step. @param {State} before */
  step(before) {
    const what = stepped(this.state.value, before).join();
    const at = performance.now();
    const goesOn = what === this.#lastStep && at - this.#stepAt < ONE_STEP_MS && (what === "query" || this.along);
    const made = this.#joined && this.#stepped;
    if (!what || goesOn || made || this.#following || this.forgets || this.glides) this.write();
    else this.#push(this.#link());
    if (what && !this.#following) [this.#lastStep, this.#stepAt] = [what, at];
  }

  /** The camera is about to go far: "back" returns to where it was. */
  leave() {
    if (performance.now() - this.#stepAt < SAME_MS || (this.#joined && this.#stepped)) return;
    this.#push(location.href);
    [this.#lastStep, this.#stepAt] = ["map", performance.now()];
  }

  /** All that is chosen meanwhile is one step. @param {() => void} run */
  together(run) {
    const outer = this.#joined;
    if (!outer) this.#stepped = false;
    this.#joined = true;
    try {
      run();
    } finally {
      this.#joined = outer;
    }
  }

  /** @param {string} link */
  #push(link) {
    history.pushState(null, "", link);
    this.#stepped = true;
  }

  write() {
    if (writeLink(this.state.value) !== location.hash) history.replaceState(null, "", this.#link());
  }

  #link() {
    return writeLink(this.state.value) || location.pathname + location.search;
  }

  #follow() {
    const next = readLink(location.hash);
    const odd = misread(location.hash); // before the address says what was understood
    if (next.map) this.map.show(next.map);
    this.#following = true;
    this.state.set({ ...next, map: next.map ?? this.state.value.map });
    this.#following = false;
    if (odd.length) this.misread.tell(odd);
    this.followed.tell(next.vehicle);
  }
}
