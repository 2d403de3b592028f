// What this page knows of the fleet: vehicles, regions, who is inside. Fed by wire messages; knows no DOM.
// Values are absolute and the newest wins, so any frame may be missed and any may come twice.

import { worldX, worldY } from "../geo.js";
import { sortKey } from "../words/format.js";
import { rowReader } from "../wire.js";
import { Motion } from "./motion.js";
import { GLYPH, freshness } from "./status.js";

/** @typedef {import("../wire.js").Row} Row */
/**
 * @typedef {object} Vehicle
 * @property {number} n
 * @property {number} slot
 * @property {string} id
 * @property {string} name
 * @property {string} key
 * @property {string|null} plate
 * @property {string|null} group
 * @property {string|null} kind
 * @property {number} time fix time, ms
 * @property {number} heard receipt, ms
 * @property {number} since when the state began, 0 unknown
 * @property {number} lat
 * @property {number} lon
 * @property {number} speed
 * @property {number} heading
 * @property {number} accuracy
 * @property {number} state
 * @property {boolean} held
 * @property {number} gap usual ms between its pings, 0 unknown
 * @property {boolean} stale
 * @property {boolean} offline
 * @property {boolean} alert
 * @property {Map<string, number>} regions region id → when it went in (0 unknown)
 */

const ROUGH_M = 100; // a place less accurate than this is drawn as a circle
export class Fleet {
  constructor(motion = new Motion()) {
    this.motion = motion;
    /** @type {Map<number, Vehicle>} */ this.vehicles = new Map();
    /** @type {Map<string, Vehicle>} */ this.byId = new Map();
    /** @type {Set<Vehicle>} whose place is a circle rather than a point */ this.rough = new Set();
    /** @type {(Vehicle|undefined)[]} */ this.bySlot = [];
    /** @type {Map<string, any>} */ this.regions = new Map();
    /** @type {Map<string, Set<number>>} */ this.members = new Map();
    /** @type {Map<string, number>} low-zoom counts, "z/x/y" → vehicles */ this.cells = new Map();
    /** @type {Map<string, string>} what those were called that are not followed or no more: events still name them */
    this.past = new Map();
    this.epoch = "";
    this.t0 = 0;
    this.skew = 0; // server clock − ours
    this.ready = false; // a whole snapshot has been read
    this.rows = rowReader();
    this.version = 0; // grows when vehicles come, go or are renamed
    this.regionVersion = 0;
    /** @type {{vehicles: Set<string>, regions: Set<string>}|null} */ this.seen = null;
    /** @type {Set<string>|null} regions the server tells of; null: all. The others stay as they were last known */
    this.followed = null;
  }

  /** The server's clock. @param {number} clock this machine's ms */
  now(clock) {
    return clock + this.skew;
  }

  /** The server's clock was so at some time between these two of ours: believe what we had as far as it can be true.
   * @param {number} server @param {number} began @param {number} ended */
  measured(server, began, ended) {
    this.skew = Math.min(Math.max(this.skew, server - ended), server - began);
  }

  /** So much time passed while our clock stood still. @param {number} ms */
  slept(ms) {
    this.skew += ms;
  }

  /** @param {any} message @param {number} clock */
  welcome(message, clock) {
    // its numbers may mean others until its snapshot tells
    if (this.epoch && this.epoch !== message.epoch) this.vehicles.clear();
    this.epoch = message.epoch;
    this.t0 = message.t0;
    this.skew = Number(message.now) - clock;
  }

  /**
   * One part of a snapshot. With `reset`, what it does not name is gone once its last part is read; vehicles it does
   * name keep their slot and their motion, so a reconnect is invisible on the map.
   * @param {any} message
   * @param {number} clock
   * @param {number} frame
   */
  snapshot(message, clock, frame) {
    if (message.fields) this.rows = rowReader(message.fields);
    if (message.reset && (message.part ?? 1) === 1) {
      this.seen = { vehicles: new Set(), regions: new Set() };
      this.vehicles.clear(); // numbers belong to an epoch: everyone is numbered anew
      this.members.clear();
      this.cells.clear();
    }
    for (const feature of message.regions ?? []) this.#region(feature);
    for (const row of message.vehicles ?? []) this.#introduce(this.rows(row), clock, frame);
    this.#membership(message.in, true, clock);
    if ((message.part ?? 1) < (message.parts ?? 1)) return;
    if (this.seen) this.#forgetUnseen(this.seen);
    this.seen = null;
    this.ready = true;
  }

  /** @param {any} message @param {number} clock this machine's ms @param {number} frame the animation clock, ms */
  update(message, clock, frame) {
    if (message.fields) this.rows = rowReader(message.fields);
    for (const feature of message.regions ?? []) this.#region(feature);
    for (const id of message.regions_deleted ?? []) this.#dropRegion(id);
    for (const row of message.new ?? []) this.#introduce(this.rows(row), clock, frame);
    const heard = this.now(clock);
    for (const row of message.moved ?? []) this.#move(row, heard, frame);
    this.#membership(message.out, false, clock);
    this.#membership(message.in, true, clock);
    for (const [n] of message.left ?? []) this.#leave(n);
    for (const entry of message.vehicles ?? []) this.#register(entry);
  }

  /** @param {Row} row @param {number} clock @param {number} frame */
  #introduce(row, clock, frame) {
    const time = this.t0 + row.when;
    const x = worldX(row.lon);
    const y = worldY(row.lat);
    let v = this.byId.get(row.vehicle);
    const fresh = !v;
    if (!v) {
      v = {
        n: row.n,
        slot: this.motion.take(x, y),
        id: row.vehicle,
        name: "",
        key: "",
        plate: null,
        group: null,
        kind: null,
        time,
        heard: 0,
        since: 0,
        lat: row.lat,
        lon: row.lon,
        speed: -1,
        heading: -1,
        accuracy: -1,
        state: 0,
        held: false,
        gap: 0,
        stale: false,
        offline: false,
        alert: false,
        regions: new Map(),
      };
      this.byId.set(row.vehicle, v);
      this.bySlot[v.slot] = v;
    }
    if (v.n !== row.n && this.vehicles.get(v.n) === v) this.vehicles.delete(v.n); // another may have that number by now
    v.n = row.n;
    this.vehicles.set(row.n, v);
    this.seen?.vehicles.add(row.vehicle);
    if (fresh || this.seen || time >= v.time) {
      // a snapshot from the start is all there is, be it older: a restored backup
      const gap = time - v.time;
      v.time = time;
      v.lat = row.lat;
      v.lon = row.lon;
      v.speed = row.speed;
      v.heading = row.heading;
      v.state = row.state;
      if (!fresh) this.motion.move(v.slot, x, y, frame, gap);
    }
    v.accuracy = row.accuracy;
    if (v.accuracy > ROUGH_M) this.rough.add(v);
    else this.rough.delete(v);
    v.held = Boolean(row.held);
    v.heard = row.heard == null ? this.now(clock) : this.t0 + row.heard;
    v.since = row.since == null ? 0 : this.t0 + row.since;
    this.#name(v, row);
    this.paint(v);
    this.version++;
  }

  /** @param {any[]} row @param {number} heard @param {number} frame */
  #move([n, when, lat6, lon6, speed, heading, state], heard, frame) {
    const v = this.vehicles.get(n);
    if (!v) return;
    const time = this.t0 + when;
    if (time < v.time) return;
    const gap = heard - v.heard;
    // Its usual gap by receipt, smoothed; a batch sent at once says nothing about the rhythm.
    if (gap > 500 && gap < 3_600_000) v.gap = v.gap ? v.gap + (gap - v.gap) * 0.2 : gap;
    if (state !== v.state) v.since = time;
    if (state !== 4 || time !== v.time) v.heard = heard; // gone offline: by nothing that was heard
    v.time = time;
    v.lat = lat6 / 1e6;
    v.lon = lon6 / 1e6;
    v.speed = speed < 0 ? -1 : speed / 10;
    v.heading = heading;
    v.state = state;
    v.held = false;
    this.motion.move(v.slot, worldX(v.lon), worldY(v.lat), frame, gap);
    v.stale = v.offline = false;
    this.paint(v);
  }

  /** What the layer draws for it. @param {Vehicle} v */
  paint(v) {
    this.motion.heading[v.slot] = v.heading;
    const shape = v.offline ? GLYPH.offline : v.state + 1;
    this.motion.glyph[v.slot] = v.stale && shape !== GLYPH.offline ? shape + GLYPH.stale : shape;
  }

  /** Re-evaluate freshness, data or none. Returns whether any glyph changed. @param {number} clock */
  tick(clock) {
    const now = this.now(clock);
    let changed = false;
    for (const v of this.byId.values()) {
      const [staleAfter, offlineAfter] = freshness(v.gap, v.state === 2 || v.state === 3);
      const silence = now - v.heard;
      const offline = v.state === 4 || silence > offlineAfter;
      const stale = !offline && silence > staleAfter;
      if (stale !== v.stale || offline !== v.offline) {
        v.stale = stale;
        v.offline = offline;
        this.paint(v);
        changed = true;
      }
    }
    return changed;
  }

  /** @param {any[]|undefined} groups @param {boolean} going @param {number} clock */
  #membership(groups, going, clock) {
    for (const [region, numbers, times] of groups ?? []) {
      let set = this.members.get(region);
      if (!set) {
        set = new Set();
        this.members.set(region, set);
      }
      numbers.forEach((/** @type {number} */ n, /** @type {number} */ i) => {
        const v = this.vehicles.get(n);
        if (going) {
          set.add(n);
          if (!v) return;
          const known = v.regions.get(region);
          if (times) v.regions.set(region, this.t0 + times[i]);
          else if (known === undefined) v.regions.set(region, this.seen ? 0 : this.now(clock));
        } else {
          set.delete(n);
          v?.regions.delete(region);
        }
      });
      this.regionVersion++;
    }
  }

  /** @param {number} n */
  #leave(n) {
    const v = this.vehicles.get(n);
    if (v) this.#drop(v);
  }

  /** @param {Vehicle} v */
  #drop(v) {
    const known = this.vehicles.get(v.n) === v; // else its number means another since a reset
    if (known) this.vehicles.delete(v.n);
    this.past.set(`vehicle:${v.id}`, v.name);
    this.byId.delete(v.id);
    this.rough.delete(v);
    this.bySlot[v.slot] = undefined;
    this.motion.release(v.slot);
    if (known) for (const region of v.regions.keys()) this.members.get(region)?.delete(v.n);
    this.version++;
  }

  /**
   * @param {{vehicle: string, name?: string|null, plate?: string|null, group?: string|null, kind?: string|null}} entry
   */
  #register(entry) {
    const v = this.byId.get(entry.vehicle);
    if (!v) return;
    this.#name(v, { plate: v.plate, group: v.group, kind: v.kind, ...entry });
    this.version++;
  }

  /**
   * @param {Vehicle} v
   * @param {{name?: string|null, plate?: string|null, group?: string|null, kind?: string|null}} said
   */
  #name(v, said) {
    v.name = said.name || v.id;
    v.key = sortKey(v.name);
    v.plate = said.plate ?? null;
    v.group = said.group ?? null;
    v.kind = said.kind ?? null;
  }

  /** A region as the server has it; an older version than the known one is old news. @param {any} feature */
  #region(feature) {
    const known = this.regions.get(feature.id);
    this.seen?.regions.add(feature.id);
    if (known && (known.properties.version ?? 0) > (feature.properties.version ?? 0) && !this.seen) return;
    this.regions.set(feature.id, feature);
    this.regionVersion++;
  }

  /** Take a region from an HTTP answer without waiting for the socket. @param {any} feature */
  learn(feature) {
    this.#region(feature);
  }

  /** All regions there are, asked for beside the channel: of those not followed, these are what is known.
   * @param {any[]} features */
  others(features) {
    const there = new Set(features.map(({ id }) => id));
    for (const feature of features) if (!this.followed?.has(feature.id)) this.#region(feature);
    for (const id of [...this.regions.keys()]) if (!there.has(id) && !this.followed?.has(id)) this.#dropRegion(id);
  }

  /** Since when a vehicle is where the channel says, and in which regions besides, of those it does not tell of.
   * @param {{vehicle: string, regions?: {id: string, entered_at: string}[]}} told an answer of the API */
  entered({ vehicle, regions = [] }) {
    const v = this.byId.get(vehicle);
    if (!v) return;
    for (const id of v.regions.keys()) if (this.#isBeside(id)) v.regions.delete(id);
    for (const { id, entered_at } of regions)
      if (v.regions.has(id) || (this.#isBeside(id) && this.regions.has(id))) v.regions.set(id, Date.parse(entered_at));
  }

  /** @param {string} region */
  #isBeside(region) {
    return this.followed !== null && !this.followed.has(region);
  }

  /** @param {string} id */
  #dropRegion(id) {
    this.past.set(`region:${id}`, this.regions.get(id)?.properties.name);
    this.regions.delete(id);
    for (const n of this.members.get(id) ?? []) this.vehicles.get(n)?.regions.delete(id);
    if (this.#isBeside(id)) for (const v of this.byId.values()) v.regions.delete(id);
    this.members.delete(id);
    this.regionVersion++;
  }

  /** @param {{vehicles: Set<string>, regions: Set<string>}} seen */
  #forgetUnseen(seen) {
    for (const v of [...this.byId.values()]) if (!seen.vehicles.has(v.id)) this.#drop(v);
    for (const id of [...this.regions.keys()])
      if (!seen.regions.has(id) && (!this.followed || this.followed.has(id))) this.#dropRegion(id);
    for (const v of this.byId.values())
      for (const region of [...v.regions.keys()]) {
        if (!this.members.get(region)?.has(v.n)) v.regions.delete(region);
      }
    this.version++;
  }

  /** Is there still such a thing to be seen? @param {string} what "region:depot", "vehicle:van-1" */
  has(what) {
    const id = what.slice(what.indexOf(":") + 1);
    return what.startsWith("region:") ? this.regions.has(id) : this.byId.has(id);
  }

  /** Low-zoom counts the server sent instead of vehicles. @param {any} message */
  counts(message) {
    this.cells.clear();
    for (const [z, x, y, count] of message.cells ?? []) if (count) this.cells.set(`${z}/${x}/${y}`, count);
  }
}
