// A file instead of a server: a fleet day or an evidence bundle, by a link (?day=, ?bundle=), dropped on the page, or
// chosen. From then on nobody is asked, nothing is live, and map, lists and events tell of the moment shown.

import { seal } from "../../net/api.js";
import { addressed, local, named, remote, whole } from "../../net/recorded/bytes.js";
import { BundleFile } from "../../net/recorded/bundle.js";
import { DayFile } from "../../net/recorded/day.js";
import { LARGEST, isZip } from "../../model/past/recorded/bundle.js";
import { EDGE, HOUR } from "../../model/past/recorded/fleetday.js";
import { Unreadable } from "../../model/past/recorded/unreadable.js";
import { LINE_MS } from "../../model/past/fixes.js";
import { valid, whole as wholeSecond } from "../../model/past/moment.js";
import { $, h, iconButton, text } from "../../parts/dom.js";
import { full } from "../../words/format.js";
import { say } from "../../words/words.js";

/** @typedef {DayFile|BundleFile} Recording */

const MOVING_MPS = 5 / 3.6;
const SECOND = 1000;
/** Who reads a file may look, and nothing else. @type {import("../../net/who.js").Who} */
export const READER = { open: false, name: "", role: null, groups: [], may: ["watch"] };

/** The file a link names. @param {string} search @returns {string|null} */
export function asked(search) {
  const given = new URLSearchParams(search);
  return given.get("day") ?? given.get("bundle");
}

/** What a link names, opened. @param {string} address @returns {Promise<Recording>} */
async function fetched(address) {
  const url = addressed(address);
  if (new URLSearchParams(location.search).has("day")) {
    const { bytes, begin } = await remote(url, EDGE);
    return DayFile.open(bytes, begin);
  }
  const file = await whole(url, LARGEST);
  if (!file) throw new Unreadable("large");
  return BundleFile.open(named(url), file);
}

/** @param {File} file @returns {Promise<Recording>} */
async function chosen(file) {
  const bytes = local(file);
  const begin = await bytes.read(0, EDGE);
  if (!isZip(begin)) return DayFile.open(bytes, begin);
  if (file.size > LARGEST) throw new Unreadable("large");
  return BundleFile.open(file.name, await bytes.read(0, file.size));
}

export class Recorded {
  #key = ""; // of what the lists tell
  /** @type {any} */ #told = null;

  /** @param {import("../../app.js").App} app
   * @param {{pill: import("../../page/pill.js").Pill, troubles: import("../../page/troubles.js").Troubles,
   *   events: import("../events.js").EventsColumn}} parts */
  constructor(app, { pill, troubles, events }) {
    this.app = app;
    this.pill = pill;
    this.troubles = troubles;
    this.events = events;
    this.input = h("input", {
      type: "file",
      accept: ".fleetday,.zip",
      hidden: true,
      onchange: () => {
        this.take([...(this.input.files ?? [])]);
        this.input.value = "";
      },
    });
    document.body.append(this.input);
    this.button = iconButton("folder", say("file.open"), () => this.input.click(), { id: "file-open" });
    this.veil = h("div", { class: "file-drop", hidden: true }, say("file.drop"));
    document.body.append(this.veil);
    this.#drops();
  }

  #drops() {
    const files = (/** @type {DragEvent} */ e) => Boolean(e.dataTransfer?.types.includes("Files"));
    const over = (/** @type {DragEvent} */ e) => {
      if (!files(e)) return;
      e.preventDefault();
      this.veil.hidden = false;
    };
    addEventListener("dragenter", over);
    addEventListener("dragover", over);
    addEventListener("dragleave", (e) => {
      if (!e.relatedTarget) this.veil.hidden = true;
    });
    addEventListener("drop", (e) => {
      this.veil.hidden = true;
      if (!files(e)) return;
      e.preventDefault();
      this.take([...(e.dataTransfer?.files ?? [])]);
    });
  }

  /** @param {File[]} files */
  async take(files) {
    if (files.length !== 1) return this.troubles.tell("unopened", say("file.drop.one"));
    await this.#open(files[0].name, () => chosen(files[0]), true);
  }

  /** @param {string} address */
  follow(address) {
    return this.#open(address.split("/").pop() || address, () => fetched(address), false);
  }

  /** @param {string} name @param {() => Promise<Recording>} open @param {boolean} byHand */
  async #open(name, open, byHand) {
    this.troubles.clear("unopened");
    this.app.say(say("file.loading"));
    this.pill.render();
    text(this.pill.main, say("file.loading"));
    try {
      this.#enter(await open(), byHand);
    } catch (fault) {
      const why = fault instanceof Error ? fault.message : String(fault);
      const again = { label: say("past.again"), run: () => this.#open(name, open, byHand) };
      this.troubles.tell(
        "unopened",
        say("file.failed", { file: name.slice(0, 80), why }),
        byHand ? {} : { action: again },
      );
    }
    this.pill.render();
  }

  /** @param {Recording} recording @param {boolean} byHand */
  #enter(recording, byHand) {
    const { app } = this;
    const { past } = app;
    app.recording = recording;
    seal();
    app.connection.end();
    app.who = READER;
    document.documentElement.dataset.may = READER.may.join(" ");
    document.documentElement.toggleAttribute("data-file", true);
    app.now = () => past.at ?? recording.end;
    app.newest = () => recording.end + 2 * SECOND; // the last moment of it can be shown
    app.fleet.now = app.now;
    app.fitted = app.fitted && !byHand;
    recording.wrong.on((part) => this.troubles.tell(`part ${part}`, say("file.part", { name: part })));
    this.#told = null;
    this.#key = "";
    past.changed.on(() => this.#tell());
    this.#begin(recording, byHand);
    this.#introduce(recording);
    if (byHand) this.#way();
  }

  /** The moment the link names, where it is in the file; else one at which something is to be seen.
   * @param {Recording} recording @param {boolean} byHand */
  async #begin(recording, byHand) {
    const { app } = this;
    const { past } = app;
    const { first, span, end } = recording;
    past.known.from(recording);
    let { at, range } = app.state.value;
    if (byHand || at === null || at < span.from || at > end) at = range = null;
    const hour = (/** @type {number} */ time) => span.from + Math.floor((time - span.from) / HOUR) * HOUR;
    past.span = at !== null && recording instanceof DayFile ? { from: hour(at), until: hour(at) + HOUR } : { ...first };
    if (at !== null) return past.begin();
    const middle = first.from + (Math.min(first.until, end) - first.from) / 2;
    const { events } = recording.event ? await recording.events(span, null) : { events: [] };
    const its = events.find(({ event }) => event.id === recording.event);
    past.go(wholeSecond(its ? Math.ceil(its.time / SECOND) * SECOND : middle));
  }

  /** What this is, once, over the map. @param {Recording} recording */
  #introduce(recording) {
    const { zone } = this.app.preferences.value;
    const { name, hash, span } = recording;
    const words =
      recording instanceof DayFile
        ? say("file.day", { name, day: recording.day, zone: recording.zone })
        : say("file.bundle", { name, from: full(span.from, zone), until: full(span.until, zone) });
    this.troubles.tell("file", words, { lines: `hash: ${hash}` });
  }

  /** The way out, for who came from a live map. */
  #way() {
    if ($("#file-close")) return;
    const leave = () => location.assign(location.pathname);
    const close = h(
      "button",
      { type: "button", class: "button small", id: "file-close", onclick: leave },
      say("file.close"),
    );
    $(".past-band").append(close);
  }

  /** The lists tell of the moment that is shown exactly, the events of the stretch. */
  #tell() {
    const { app } = this;
    const { past } = app;
    const told = past.known.events.value;
    if (told && told !== this.#told) {
      this.#told = told;
      // Under such numbers nothing is news: what was read on a live map stays as it is.
      app.journal.replace(
        told.events.map(({ event }, i) => /** @type {any} */ ({ ...event, seq: i - told.events.length - 1 })),
      );
      app.journal.complete = true;
      this.events.feed.changed.tell(true);
    }
    const at = past.at;
    if (at === null || !past.exactly || !past.known.exact.value || past.known.regions.value === null) return;
    const key = `${at} ${past.known.regions.answered}`;
    if (key === this.#key) return;
    this.#key = key;
    this.#snapshot(at, past.known.exact.value.positions, valid(past.known.regions.value, at));
  }

  /** @param {number} at @param {any[]} positions @param {import("../../net/past.js").Version[]} regions */
  #snapshot(at, positions, regions) {
    const { app } = this;
    const { entries, hash, span } = /** @type {Recording} */ (app.recording);
    const numbers = new Map(entries.map(({ vehicle }, n) => [vehicle, n]));
    const vehicles = positions.map(({ vehicle, lat, lon, age_s, speed }) => {
      const n = /** @type {number} */ (numbers.get(vehicle));
      const { name, plate, group, kind } = entries[n];
      const when = at - age_s * 1000 - span.from;
      const [lat_e6, lon_e6] = [Math.round(lat * 1e6), Math.round(lon * 1e6)];
      const state = speed >= MOVING_MPS ? 1 : 0;
      const told = speed < 0 ? -1 : Math.round(speed * 10);
      return [n + 1, vehicle, name, when, lat_e6, lon_e6, told, -1, state, when, null, group, kind, -1, null, plate];
    });
    app.receive({ op: "welcome", epoch: hash, t0: span.from, now: at });
    app.receive({
      op: "snapshot",
      reset: true,
      vehicles,
      regions: regions.map(({ feature, id }) => ({ ...feature, id })),
    });
    for (const v of app.fleet.byId.values()) v.gap = LINE_MS / 2; // within five minutes nobody is overdue
    app.tickNow();
  }
}
