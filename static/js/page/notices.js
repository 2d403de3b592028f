// What the page says over the map: demo data, how to connect the first device, missing tiles, what is followed.

import { whyEmpty } from "../net/grants.js";
import { codeLine } from "../parts/code_line.js";
import { $, fill, h, icon, iconButton, refill } from "../parts/dom.js";
import { say } from "../words/words.js";

export class Notices {
  /** @param {import("../app.js").App} app @param {import("./following.js").Following} following */
  constructor(app, following) {
    this.app = app;
    this.following = following;
    this.top = $("#map-top");
    this.demo = app.info.demo && !app.preferences.value.coached ? this.#demo() : null;
    this.feed = h("div", { class: "floating follow-chip", hidden: true });
    this.track = h("div", { class: "floating follow-chip", hidden: true });
    this.tiles = h("div", { class: "floating banner", hidden: true });
    fill(this.top, this.tiles, this.demo, this.feed, this.track);
    /** @type {HTMLElement|null} */ this.welcome = null;
    app.state.changed.on(() => this.#chips());
    app.ticked.on(() => this.#firstRun());
    app.map.tiles.told.on((working, why) => this.#tiles(working, why));
    this.#chips();
    // The camera leaves room for what lies along the top.
    const measure = () => (app.map.cover.top = innerWidth < 720 ? 0 : this.top.offsetHeight);
    new ResizeObserver(measure).observe(this.top);
    measure();
  }

  /** A line anyone can paste: the right address, the present time, a place on this map. @param {string} vehicle */
  #curl(vehicle) {
    const { lat, lon } = this.app.info.demo ? { lat: 60.1719, lon: 24.9414 } : this.app.map.camera();
    const url = new URL("api/v1/positions", document.baseURI);
    const token = whyEmpty(this.app.who) === "open" ? "" : ` -H "authorization: Bearer $TRACKER_TOKEN"`;
    return `curl ${url}${token} -H 'content-type: application/json' -d '{"vehicle":"${vehicle}","time":"'$(date -u +%FT%TZ)'","lat":${lat.toFixed(4)},"lon":${lon.toFixed(4)}}'`;
  }

  #demo() {
    const { app } = this;
    const close = () => {
      app.preferences.set({ coached: true });
      banner.remove();
    };
    const more = h(
      "button",
      {
        type: "button",
        class: "link",
        "aria-expanded": "false",
        onclick: () => {
          const open = code.hidden;
          code.hidden = !open;
          more.setAttribute("aria-expanded", String(open));
        },
      },
      say(innerWidth < 720 ? "demo.add.short" : "demo.add"),
    );
    const code = codeLine(this.#curl("my-van"), app.say);
    code.hidden = true;
    const banner = h(
      "div",
      { class: "floating banner demo", role: "note" },
      h("span", { class: "tag" }, say("demo")),
      h("span", { class: "wide-only" }, say("demo.more")),
      ["open", "token"].includes(whyEmpty(app.who)) ? more : null, // who may give it a token
      iconButton("close", say("demo.close"), close, { class: "icon-button tiny end" }),
      code,
    );
    return banner;
  }

  #chips() {
    const { app } = this;
    const { track, vehicle, regions } = app.state.value;
    this.track.hidden = !(track && vehicle);
    if (this.track.hidden) refill(this.track, "");
    else {
      const words = say("follow.vehicle", { name: app.vehicleName(String(vehicle)) });
      refill(
        this.track,
        words,
        icon("target"),
        words,
        iconButton("close", say("follow.vehicle.stop"), () => app.state.set({ track: false })),
      );
    }
    this.feed.hidden = regions === null;
    if (!regions) return refill(this.feed, "");
    const { unknown } = this.following;
    const n = regions.length;
    const named =
      n === 2
        ? say("and", { one: app.regionName(regions[0]), other: app.regionName(regions[1]) })
        : n === 1
          ? app.regionName(regions[0])
          : say("follow.chip.n", { n });
    const some = say("follow.chip", { regions: named });
    const words = !n
      ? say("follow.chip.none")
      : unknown.length === 1
        ? say("follow.chip.unknown", { words: some, id: unknown[0] })
        : unknown.length
          ? say("follow.chip.unknowns", { words: some, n: unknown.length })
          : some;
    refill(
      this.feed,
      words,
      icon("antenna"),
      words,
      iconButton("close", say("follow.everything"), () => this.following.everything()),
    );
  }

  /** @param {boolean} working @param {string} why */
  #tiles(working, why) {
    this.tiles.hidden = working;
    fill(
      this.tiles,
      icon("info"),
      h("span", { class: "trouble-words" }, say("tiles.away", { why })),
      iconButton("close", say("dismiss"), () => (this.tiles.hidden = true), { class: "icon-button tiny" }),
    );
  }

  /** No vehicle yet: say how one connects, and turn green on the first ping. */
  #firstRun() {
    const { app } = this;
    const count = app.fleet.byId.size;
    this.#chips();
    if (app.recording) return this.welcome?.remove();
    if (app.fleet.ready && !count && !this.welcome && !app.state.value.regions && !app.info.demo) {
      const why = whyEmpty(app.who);
      if (why === "groups" || why === "elsewhere") return; // the list says so
      this.welcome = h(
        "section",
        { class: "welcome floating", "aria-label": say("welcome") },
        h("h2", null, say("welcome.title")),
        h("p", null, say("welcome.phone")),
        h("p", null, h("a", { class: "button primary", href: "connect" }, say("connect"))),
        h("p", null, say(why === "open" ? "welcome.how" : "welcome.how.token")),
        codeLine(this.#curl("van-1"), app.say),
        h("p", { class: "waiting", role: "status" }, say("welcome.waiting")),
      );
      fill($("#map-centre"), this.welcome);
    } else if (this.welcome && count && !this.welcome.dataset.done) {
      const v = [...app.fleet.byId.values()][0];
      const card = this.welcome;
      card.dataset.done = "1";
      // The card steps aside: the map is the proof.
      fill(
        card,
        h("p", { class: "waiting", role: "status" }, say("welcome.done", { name: v.name })),
        h("p", { class: "small" }, say("welcome.next")),
      );
      app.fitFleet();
      setTimeout(() => card.remove(), 6000);
    }
  }
}
