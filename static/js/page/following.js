// What this page follows: every vehicle, or those in chosen regions. The server sends no other vehicle's position; the
// regions that are not chosen stay on the map, dim, so that they can be.

import { pages } from "../net/api.js";
import { toggled } from "../model/choices.js";
import { Signal } from "../model/signal.js";
import { say } from "../words/words.js";

const AGAIN_MS = 60_000; // the channel tells of followed regions only: how often the others are asked for

export class Following {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    this.app = app;
    this.choosing = false; // a click on a region ticks it
    /** @type {string[]} what was chosen before "everything" */ this.before = [];
    this.askedAt = 0;
    this.forgets = false; // what the next answer does not tell of any more was taken away
    /** @type {Signal<[]>} whether one chooses, or what there is to choose */ this.changed = new Signal();
    app.state.changed.on((now, before) => {
      if (now.regions !== before.regions) {
        if (now.regions === null) this.before = before.regions ?? [];
        this.askedAt = 0;
      }
      if (this.choosing && (now.tab !== before.tab || now.region)) this.choose(false);
    });
    app.heard.on((message) => message.op === "snapshot" && this.#others());
    app.forgotten.on(() => {
      this.before = this.before.filter((id) => app.fleet.regions.has(id));
      this.forgets = true;
      this.#others();
    });
    app.ticked.on(() => Date.now() - this.askedAt > AGAIN_MS && this.#others());
  }

  /** @param {string} id */
  toggle(id) {
    const { app } = this;
    app.state.set({ regions: toggled(app.state.value.regions, id) });
    app.say(say(app.state.value.regions?.includes(id) ? "follow.on" : "follow.off", { name: app.regionName(id) }));
  }

  everything() {
    this.choose(false);
    this.app.state.set({ regions: null });
  }

  /** Back to what was chosen before; when nothing was: choose. */
  chosen() {
    if (this.app.state.value.regions === null && this.before.length) this.app.state.set({ regions: this.before });
    else if (this.app.state.value.regions === null) this.choose(true);
  }

  /** @param {boolean} on */
  choose(on) {
    if (this.choosing === on) return;
    this.choosing = on;
    this.app.map.element.classList.toggle("choosing", on);
    this.changed.tell();
    if (on) this.app.say(say("regions.choosing"));
  }

  /** Followed regions nobody knows: a link may name them. @returns {string[]} */
  get unknown() {
    const { fleet, state } = this.app;
    return fleet.ready && this.askedAt ? (state.value.regions ?? []).filter((id) => !fleet.regions.has(id)) : [];
  }

  /** The regions the channel does not tell of. */
  async #others() {
    const { app } = this;
    const { regions } = app.state.value;
    if (regions === null || app.paused || !app.fleet.ready) return;
    const asked = Date.now();
    this.askedAt = asked;
    const features = [];
    try {
      for await (const page of pages("regions", { limit: 1000 }, app.asking.signal)) features.push(...page.regions);
    } catch {
      return; // those known stay; asked again by and by
    }
    if (asked !== this.askedAt || app.state.value.regions !== regions) return;
    const before = app.fleet.regions.size;
    app.fleet.others(features);
    app.regions.refresh();
    this.changed.tell();
    const { forgets } = this; // whichever of those that were asked meanwhile is answered
    this.forgets = false;
    if (forgets && app.fleet.regions.size < before) app.forget(false); // of these as well
  }
}
