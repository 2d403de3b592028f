// A report in a file of its own: draws what tracker/reports/payload.py packed on the map that folium made. Asks nobody
// for anything.

import { latAt, lonAt, worldX, worldY } from "../geo.js";
import { h } from "./dom.js";
import { ground } from "./ground.js";
import { BANDS, boxOf, drawHeat, drawMarks, drawTracks, drawVehicles, regionMarks } from "./marks.js";
import { layer, palette } from "./stage.js";
import { tables } from "./tables.js";
import { unpack } from "./unpack.js";
import { voice } from "./words.js";

/** @typedef {import("./marks.js").Mark} Mark */
/** @typedef {import("./unpack.js").Head} Head */
/** @typedef {import("./unpack.js").Tracks} Tracks */

const STEP_S = 60; // of the slider
const PLAYED_S = 24; // seconds in which the whole range is played
const NEAR_PX = 14;

/** @param {L.Map} map @param {string} packed */
export async function draw(map, packed) {
  const { head, tracks } = await unpack(packed);
  const report = new Report(map, head, tracks);
  report.build();
  requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      document.documentElement.dataset.ready = "true";
    }),
  );
}

export class Report {
  /** @param {L.Map} map @param {Head} head @param {Tracks} tracks */
  constructor(map, head, tracks) {
    this.map = map;
    this.head = head;
    this.tracks = tracks;
    this.voice = voice(navigator.languages, head.zone, head.units);
    this.names = head.vehicles.map(({ id, name }) => name ?? id);
    this.length = Math.round((head.until - head.since) / 1000);
    this.second = this.length; // up to which it is drawn
    /** @type {number|null} the vehicle all others stand back for */ this.chosen = null;
    /** @type {(() => void)[]} */ this.onChosen = [];
    this.shown = new Set(["tracks", "regions", "stops", "events"]);
    this.color = palette();
    this.regions = regionMarks(head.regions);
    /** @type {Mark[]} */ this.stops = [];
    const box = this.box(null);
    const middle = box ? (box[0] + box[2]) / 2 : 0.5;
    const place = (/** @type {number|null} */ lat, /** @type {number|null} */ lon) => {
      if (lat === null || lon === null) return { x: NaN, y: NaN };
      const x = worldX(lon / 1e5);
      return { x: x + Math.round(middle - x), y: worldY(lat / 1e5) }; // in the copy of the world the tracks are in
    };
    for (const [vehicle, { stops }] of head.vehicles.entries())
      for (const [row, [from, until, lat, lon]] of stops.entries())
        this.stops.push({
          ...place(lat, lon),
          second: from,
          lasted: until - from,
          vehicle,
          is: "stop",
          kind: "stop",
          row,
        });
    this.stops.sort((a, b) => a.second - b.second);
    /** @type {Mark[]} */
    this.events = head.events.map(([vehicle, kind, second, lat, lon, , lasted], row) => ({
      ...place(lat, lon),
      second,
      lasted: lasted ?? 0,
      vehicle,
      is: "event",
      kind: head.kinds[kind],
      row,
    }));
  }

  build() {
    const { map, head } = this;
    const { say } = this.voice;
    document.documentElement.lang = this.voice.language;
    document.title = `${say("title")} · ${this.range()}`;
    const page = /** @type {HTMLElement} */ (document.getElementById("report"));
    const frame = /** @type {HTMLElement} */ (document.getElementById("report-map"));
    frame.setAttribute("aria-label", say("map"));
    map.getContainer().setAttribute("aria-label", say("map_about"));
    map.getContainer().setAttribute("role", "application");
    page.prepend(this.header());
    frame.append(this.controls());
    page.append(h("div", { class: "report-tables" }, ...tables(this)));
    if (!head.points) frame.append(h("p", { class: "report-empty", role: "status" }, say("nothing")));
    this.layers();
    map.on("click", (event) => this.click(event));
    this.fit(null);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.recolor());
    addEventListener("beforeprint", () => this.print(true));
    addEventListener("afterprint", () => this.print(false));
    matchMedia("print").addEventListener("change", ({ matches }) => this.print(matches));
    addEventListener("resize", () => map.invalidateSize());
  }

  range() {
    return this.voice.say("range", { from: this.voice.full(this.head.since), until: this.voice.full(this.head.until) });
  }

  header() {
    const { voice: own, head } = this;
    const said = [
      own.say("vehicles", { n: head.vehicles.length }),
      own.say("fixes", { n: head.fixes }),
      own.say("stops_n", { n: this.stops.length }),
      own.say("events_n", { n: head.events.length }),
    ].join(" · ");
    const more = [
      own.say("zone", { zone: own.zone }),
      own.say("made", { at: own.full(head.made_at) }),
      own.say("drawn", { metres: `${own.count(Math.round(head.tolerance_m))} m` }),
    ].join(" · ");
    return h(
      "header",
      { class: "report-head" },
      h("h1", null, own.say("title")),
      h("p", { class: "report-range" }, this.range()),
      head.about ? h("p", null, h("bdi", null, head.about)) : null,
      h("p", null, said),
      h("p", { class: "report-note" }, more),
      head.demo ? h("p", { class: "report-note" }, own.say("simulated")) : null,
    );
  }

  controls() {
    const { say } = this.voice;
    const slider = h("input", {
      type: "range",
      id: "report-time",
      min: "0",
      max: String(this.length),
      step: String(Math.min(STEP_S, Math.max(1, Math.round(this.length / 100)))),
      "aria-label": say("time"),
    });
    slider.value = String(this.length);
    const told = h("output", { for: "report-time", class: "report-clock" });
    const play = h("button", { type: "button", class: "report-button", id: "report-play" }, say("play"));
    const tell = () => {
      const text = this.second >= this.length ? say("whole") : this.voice.day(this.head.since + this.second * 1000);
      told.textContent = text;
      slider.setAttribute("aria-valuetext", text);
    };
    const go = (/** @type {number} */ second) => {
      this.second = Math.min(this.length, second);
      slider.value = String(this.second);
      tell();
      this.moved();
    };
    slider.addEventListener("input", () => {
      this.second = Number(slider.value) > this.length - STEP_S ? this.length : Number(slider.value);
      tell();
      this.moved();
    });
    let playing = 0;
    const stop = () => {
      cancelAnimationFrame(playing);
      playing = 0;
      play.textContent = say("play");
    };
    play.addEventListener("click", () => {
      if (playing) return stop();
      play.textContent = say("pause");
      let from = this.second >= this.length ? 0 : this.second;
      let last = performance.now();
      const frame = (/** @type {number} */ now) => {
        from += ((now - last) / 1000 / PLAYED_S) * this.length;
        last = now;
        go(from);
        if (from >= this.length) stop();
        else playing = requestAnimationFrame(frame);
      };
      playing = requestAnimationFrame(frame);
    });
    tell();
    const all = h("button", { type: "button", class: "report-button", id: "report-all" }, say("all"));
    all.hidden = true;
    all.addEventListener("click", () => this.choose(null));
    this.onChosen.push(() => {
      all.hidden = this.chosen === null;
    });
    const choices = ["tracks", "regions", "heat", "stops", "events"].map((name) => {
      const box = h("input", { type: "checkbox", "data-layer": name });
      box.checked = this.shown.has(name);
      box.addEventListener("change", () => {
        if (box.checked) this.shown.add(name);
        else this.shown.delete(name);
        this.paint();
      });
      return h("label", null, box, " ", say(name));
    });
    return h(
      "div",
      { class: "report-controls" },
      h("div", { class: "report-slider" }, play, slider, told, all),
      h("fieldset", { class: "report-layers" }, h("legend", null, say("show")), ...choices),
      this.legend(),
    );
  }

  legend() {
    const { voice: own } = this;
    const edges = BANDS.map((mps) => own.speed(mps).replace(/\D+$/, ""));
    const texts = edges
      .map((edge, i) => (i ? `${edges[i - 1]}–${edge}` : `< ${edge}`))
      .concat(`> ${edges[edges.length - 1]}`);
    return h(
      "p",
      { class: "report-legend" },
      `${own.say("speed")} (${own.speedUnit})`,
      ...texts.map((text, i) =>
        h("span", null, h("i", { class: "report-swatch", "data-band": String(i) }), ` ${text}`),
      ),
    );
  }

  layers() {
    const { map, head, tracks } = this;
    const land = ground(head.land);
    const until = (/** @type {Mark[]} */ marks) =>
      marks.filter(
        ({ second, vehicle, x }) =>
          second <= this.second && Number.isFinite(x) && (this.chosen === null || this.chosen === vehicle),
      );
    const ifShown = (/** @type {string} */ name, /** @type {() => void} */ paint) => this.shown.has(name) && paint();
    const still = [
      layer(map, "ground", (ctx, view) => {
        land(ctx, view, this.color);
        ifShown("regions", () => this.regions(ctx, view, this.color));
      }),
    ];
    const moving = [
      layer(map, "tracks", (ctx, view) => {
        ifShown("tracks", () => drawTracks(ctx, view, this.color, tracks, this));
        ifShown("heat", () => drawHeat(ctx, view, this.color, until(this.stops)));
        ifShown("stops", () => drawMarks(ctx, view, this.color, until(this.stops)));
        ifShown("events", () => drawMarks(ctx, view, this.color, until(this.events)));
      }),
      layer(
        map,
        "vehicles",
        (ctx, view) => drawVehicles(ctx, view, this.color, tracks, this.names, this),
        () => this.second >= this.length,
      ),
    ];
    let waiting = 0;
    const run = (/** @type {(() => void)[]} */ paints) => {
      for (const paint of paints) paint();
    };
    this.paint = () => run([...still, ...moving]);
    this.moved = () => {
      if (waiting) return;
      waiting = requestAnimationFrame(() => {
        waiting = 0;
        run(moving);
      });
    };
  }

  paint() {}
  moved() {}

  /** @param {number|null} vehicle world box of its track, or of all @returns {number[]|null} */
  box(vehicle) {
    const some = this.head.vehicles.map((_, i) => i).filter((i) => vehicle === null || i === vehicle);
    const boxes = some.map((i) => boxOf(this.tracks, i)).filter((box) => box !== null);
    if (!boxes.length) return null;
    return [0, 1, 2, 3].map((i) => (i < 2 ? Math.min : Math.max)(...boxes.map((box) => box[i])));
  }

  /** @param {number|null} vehicle */
  fit(vehicle) {
    const box = this.box(vehicle);
    if (!box) return this.map.setView([20, 0], 2);
    const [west, north, east, south] = box;
    this.map.fitBounds(
      [
        [latAt(south), lonAt(west)],
        [latAt(north), lonAt(east)],
      ],
      { padding: [24, 24], maxZoom: 17, animate: false },
    ); // which paints it
  }

  /** @param {number|null} vehicle */
  choose(vehicle) {
    this.chosen = vehicle;
    for (const tell of this.onChosen) tell();
    this.fit(vehicle);
  }

  /** On paper it is light, and all of it is on the map. @param {boolean} begins */
  print(begins) {
    if (begins) document.documentElement.dataset.theme = "light";
    else delete document.documentElement.dataset.theme;
    this.recolor();
    this.fit(this.chosen);
  }

  recolor() {
    this.color = palette();
    this.map.invalidateSize({ animate: false });
    this.paint();
  }

  /** In words. @param {Mark} mark */
  where(mark) {
    const { regions, vehicles, events } = this.head;
    const named = (/** @type {number} */ at) => regions[at].name ?? regions[at].id;
    const inside =
      mark.is === "stop"
        ? vehicles[mark.vehicle].stops[mark.row][4].map(named)
        : [events[mark.row][5]].filter((at) => at !== null).map(named);
    if (inside.length) return inside.join(", ");
    return Number.isFinite(mark.x) ? `${latAt(mark.y).toFixed(5)}, ${wrapped(lonAt(mark.x)).toFixed(5)}` : "–";
  }

  /** @param {Mark} mark */
  show(mark) {
    const place = /** @type {L.LatLngTuple} */ ([latAt(mark.y), lonAt(mark.x)]);
    this.map.setView(place, Math.max(15, this.map.getZoom()), { animate: false });
    this.tell(mark);
    this.map.getContainer().scrollIntoView({ block: "nearest" });
  }

  /** @param {Mark} mark */
  tell(mark) {
    const { voice: own, head } = this;
    const from = own.day(head.since + mark.second * 1000);
    const times = mark.is === "stop" ? `${from} – ${own.day(head.since + (mark.second + mark.lasted) * 1000)}` : from;
    const what = mark.is === "stop" ? own.lasted(mark.lasted) : own.say(`kind.${mark.kind}`);
    const said = h(
      "div",
      null,
      h("strong", null, h("bdi", null, this.names[mark.vehicle])),
      h("p", null, what),
      h("p", null, times),
      h("p", null, h("bdi", null, this.where(mark))),
    );
    L.popup()
      .setLatLng([latAt(mark.y), lonAt(mark.x)])
      .setContent(said)
      .openOn(this.map);
  }

  /** @param {L.LeafletMouseEvent} event */
  click(event) {
    const scale = 256 * 2 ** this.map.getZoom();
    const x = worldX(event.latlng.lng);
    const y = worldY(event.latlng.lat);
    /** @type {Mark|null} */ let best = null;
    let nearest = NEAR_PX / scale;
    for (const [name, marks] of /** @type {[string, Mark[]][]} */ ([
      ["stops", this.stops],
      ["events", this.events],
    ]))
      for (const mark of this.shown.has(name) ? marks : []) {
        if (mark.second > this.second || (this.chosen !== null && this.chosen !== mark.vehicle)) continue;
        const far = Math.hypot(mark.x - x, mark.y - y);
        if (far <= nearest) [best, nearest] = [mark, far];
      }
    if (best) this.tell(best);
  }
}

/** @param {number} lon */
const wrapped = (lon) => ((((lon + 180) % 360) + 360) % 360) - 180;
