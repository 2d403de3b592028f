// Being told: toasts, a sound, a notification when the page is hidden, the count in the title; muting with an end.

import { $, h, icon, iconButton } from "../parts/dom.js";
import { Signal } from "../model/signal.js";
import { muted, raises } from "../model/events.js";
import { kindOf, tell, told } from "../words/phrases.js";
import { askName } from "./dialogs.js";
import * as format from "../words/format.js";
import { momentLink } from "../panels/timeline/lead.js";
import { say } from "../words/words.js";

/** @typedef {import("../words/phrases.js").Event} Event */

const URGENT_MS = 8000;
const TOAST_MS = 4500;
const TOASTS = 2;
const GATHER_MS = 400; // what comes within this is one toast and one sound
const WAKE_MS = 500;
const ALERTING_MS = 15 * 60_000; // how long an unacknowledged alert keeps its halo

export class Alerts {
  /** @param {import("../app.js").App} app @param {(event: Event) => boolean} listed the reader sees it in the list */
  constructor(app, listed) {
    this.app = app;
    this.listed = listed;
    /** @type {Event[]} */ this.waiting = [];
    this.timer = 0;
    /** @type {AudioContext|null} */ this.audio = null;
    this.soundButton = iconButton("sound", say("alert.sound"), () =>
      this.silent ? this.#wake() : app.preferences.set({ sound: !app.preferences.value.sound }),
    );
    // A touch of the button that says "silent" is the touch it waits for, and does not switch it off.
    this.silent = false;
    for (const touch of ["pointerdown", "keydown"])
      this.soundButton.addEventListener(touch, () => (this.silent = this.soundButton.hasAttribute("data-silent")));
    this.notifyButton = iconButton("bell", say("alert.notify"), () => this.#toggleNotify());
    /** @type {Signal<[event: Event]>} somebody wants to see it */ this.opened = new Signal();
    app.preferences.changed.on(() => this.#buttons());
    this.#buttons();
    app.ticked.on(() => {
      this.recount();
      this.#stillMayNotify();
    });
    app.forgotten.on(() => {
      this.waiting = [];
      for (const toast of document.querySelectorAll("#toasts > :not([data-stays])")) toast.remove();
    });
    // Browsers allow sound only after the reader has done something on the page.
    for (const touch of ["pointerup", "keydown", "touchend", "click"])
      addEventListener(touch, () => this.#wake(), { capture: true, passive: true });
    document.addEventListener(
      "visibilitychange",
      () => document.visibilityState === "visible" && this.audio && this.#wake(),
    );
  }

  /**
   * Have sound ready: browsers suspend it until somebody touches the page, and again in calls, sleep and background.
   */
  async #wake() {
    try {
      if (!this.audio || this.audio.state === "closed") {
        this.audio = new AudioContext();
        this.audio.onstatechange = () => this.#buttons();
      }
      if (this.audio.state !== "running")
        // else it may wait for a touch for ever
        await Promise.race([this.audio.resume(), new Promise((done) => setTimeout(done, WAKE_MS))]);
    } catch {
      // The button says that it is silent.
    }
    this.#buttons();
    return this.audio?.state === "running";
  }

  /** Notifications that cannot be shown are switched off, with the reason. @param {string} why */
  #noNotifications(why) {
    this.app.preferences.set({ notify: false });
    this.toast({ icon: "info", title: say("alert.notify.off"), body: why });
  }

  /** Permission can be taken back at any time, and nobody tells the page. */
  #stillMayNotify() {
    if (!this.app.preferences.value.notify) return;
    if (typeof Notification === "undefined") this.#noNotifications(say("alert.notify.none"));
    else if (Notification.permission !== "granted") this.#noNotifications(say("alert.notify.now_forbidden"));
  }

  #buttons() {
    const { sound, notify } = this.app.preferences.value;
    this.soundButton.setAttribute("aria-pressed", String(sound));
    const silent = sound && this.audio?.state !== "running";
    const words = say(`alert.sound.${!sound ? "off" : silent ? "silent" : "on"}`);
    this.soundButton.title = words;
    this.soundButton.setAttribute("aria-label", words);
    this.soundButton.toggleAttribute("data-silent", silent);
    this.notifyButton.setAttribute("aria-pressed", String(notify));
  }

  async #toggleNotify() {
    const on = !this.app.preferences.value.notify;
    if (on && typeof Notification === "undefined") return this.#noNotifications(say("alert.notify.https"));
    if (on && Notification.permission !== "granted") {
      if ((await Promise.resolve(Notification.requestPermission()).catch(() => "denied")) !== "granted")
        return this.toast({ icon: "info", title: say("alert.notify.blocked"), body: say("alert.notify.forbidden") });
    }
    this.app.preferences.set({ notify: on });
  }

  /** @param {Event} event @returns {string[]|undefined} */
  notifyOf(event) {
    return event.region ? this.app.fleet.regions.get(event.region)?.properties.notify : undefined;
  }

  /**
   * Whoever was told may say that it is seen to: also when the region was changed or deleted since.
   * @param {Event} event
   */
  answerable(event) {
    return (
      Boolean(event.raised) ||
      raises(
        event,
        event.region && !this.app.fleet.regions.has(event.region)
          ? ["enter", "exit", "dwell", "overspeed_start"]
          : this.notifyOf(event),
      )
    );
  }

  /** Raise what deserves it among new events. @param {Event[]} events */
  raise(events) {
    const now = Date.now();
    const { mutes } = this.app.preferences.value;
    for (const event of events) {
      if (event.region && (event.kind === "enter" || event.kind === "exit" || event.kind === "cross"))
        this.app.regions.flash(event.region);
      if (event.ack || !raises(event, this.notifyOf(event)) || muted(event, mutes, now)) continue;
      event.raised = true;
      this.waiting.push(event);
    }
    if (this.waiting.length && !this.timer) this.timer = window.setTimeout(() => this.#tell(), GATHER_MS);
  }

  #tell() {
    const events = this.waiting;
    const { sound } = this.app.preferences.value;
    const high = events.some((e) => kindOf(e.kind).level === "high");
    this.timer = !high && this.#reading() ? window.setTimeout(() => this.#tell(), GATHER_MS) : 0;
    if (this.timer) return;
    this.waiting = [];
    if (!events.length) return; // they may not be seen any more
    const newest = events[events.length - 1];
    const names = this.app.names();
    const regions = new Set(events.map((e) => e.region));
    let title;
    let body = "";
    if (events.length === 1) {
      [title, body] = told(newest, names, this.app.now());
    } else {
      title =
        regions.size === 1 && newest.region
          ? say("alert.several.in", { n: events.length, region: this.app.regionName(newest.region) })
          : say("alert.several", { n: events.length });
      body = say("alert.last", { event: tell(newest, names, this.app.now()) });
    }
    // Told in one place: where the list is seen, its new row is enough.
    if (!events.every(this.listed))
      this.toast({ icon: kindOf(newest.kind).icon, title, body, alert: high, event: newest });
    this.app.say(`${title} ${body}`, high);
    if (sound && high) this.chime();
    this.#stillMayNotify();
    if (this.app.preferences.value.notify && document.visibilityState === "hidden") this.#show(title, body, newest);
  }

  /** @param {string} title @param {string} body @param {Event} event */
  #show(title, body, event) {
    try {
      const note = new Notification(title, { body, tag: "tracker" });
      note.onclick = () => {
        window.focus();
        this.opened.tell(event);
        note.close();
      };
      note.onerror = () => this.#noNotifications(say("alert.notify.not_shown"));
    } catch (fault) {
      this.#noNotifications(say("alert.notify.cannot", { why: /** @type {Error} */ (fault).message }));
    }
  }

  async chime() {
    if (!this.audio || !(await this.#wake())) return; // the button says so
    const at = this.audio.currentTime;
    [
      [660, 0],
      [880, 0.13],
    ].forEach(([pitch, delay]) => {
      const tone = /** @type {AudioContext} */ (this.audio).createOscillator();
      const volume = /** @type {AudioContext} */ (this.audio).createGain();
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0, at + delay);
      volume.gain.linearRampToValueAtTime(0.12, at + delay + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.001, at + delay + 0.32);
      tone.connect(volume).connect(/** @type {AudioContext} */ (this.audio).destination);
      tone.start(at + delay);
      tone.stop(at + delay + 0.34);
    });
  }

  /**
   * A note in the corner; at most a few at once.
   * @param {{icon: string, title: string, body?: string, alert?: boolean, event?: Event}} note
   */
  toast({ icon: sign, title, body = "", alert = false, event }) {
    const box = $("#toasts");
    const away = () => node.remove();
    // The newest comes on top: those below, perhaps under a pointer, stay where they are.
    while (box.children.length >= TOASTS && !this.#reading()) box.lastElementChild?.remove();
    const node = h(
      "div",
      { class: `toast floating${alert ? " alert" : ""}` },
      icon(/** @type {any} */ (sign)),
      h(
        "div",
        { class: "body" },
        h("b", null, title),
        body && h("span", null, body),
        event &&
          h(
            "div",
            { class: "toast-actions" },
            h(
              "button",
              {
                type: "button",
                class: "link small",
                onclick: () => {
                  this.opened.tell(event);
                  away();
                },
              },
              say("show"),
            ),
            momentLink(
              this.app,
              format.clock(Date.parse(event.time), this.app.preferences.value.zone),
              tell(event, this.app.names()),
              Date.parse(event.time),
              { event },
            ),
          ),
      ),
      iconButton("close", say("dismiss"), away),
    );
    box.prepend(node);
    const expire = () => (this.#reading() ? setTimeout(expire, 1000) : away());
    setTimeout(expire, alert ? URGENT_MS : TOAST_MS);
    return node;
  }

  /** Somebody is at the toasts: none goes, and only what is urgent comes. */
  #reading() {
    return $("#toasts").matches(":hover, :focus-within");
  }

  /**
   * Say nothing of this for some minutes; 0 ends it. Nothing is lost: muted events are listed.
   * @param {string} key
   * @param {number} minutes
   */
  mute(key, minutes) {
    const now = Date.now();
    const mutes = Object.fromEntries(
      Object.entries(this.app.preferences.value.mutes).filter(([, until]) => until > now),
    );
    if (minutes) mutes[key] = now + minutes * 60_000;
    else delete mutes[key];
    this.app.preferences.set({ mutes });
    this.recount();
  }

  /** The title's count and the halos: alerts nobody has acknowledged. */
  recount() {
    const { journal, preferences, overlay, map } = this.app;
    const now = this.app.now();
    const before = overlay.alerting.size;
    const { mutes, seen } = preferences.value;
    const alerting = new Set();
    let unread = 0;
    for (const event of journal.events) {
      if (event.ack || !raises(event, this.notifyOf(event)) || muted(event, mutes, Date.now())) continue;
      if (event.seq > seen) unread++;
      if (kindOf(event.kind).level === "high" && now - Date.parse(event.received_at) < ALERTING_MS)
        alerting.add(event.vehicle);
    }
    overlay.alerting = alerting;
    this.unread = unread;
    const named =
      this.app.connection.status.phase === "waiting" && this.app.resume.everLive
        ? say("alert.title.offline", { page: say("page.name") })
        : say("page.name");
    const title = unread ? say("alert.title.unread", { n: unread, page: named }) : named;
    if (document.title !== title) document.title = title;
    if (alerting.size !== before) map.stage.invalidate("overlay");
  }

  /** Show the place of an event for a moment. @param {Event} event */
  pin(event) {
    if (event.region) this.app.regions.flash(event.region);
  }

  /** Whose name acknowledgements carry; asked once. */
  async askName() {
    const known = this.app.who.name ?? this.app.preferences.value.name;
    if (known) return known;
    const name = await askName();
    if (name) this.app.preferences.set({ name });
    return name;
  }
}
