// The page begins here: learn what server this is, put the pieces together, connect.

import { access } from "./people/access.js";
import { account } from "./page/account.js";
import { get, seal } from "./net/api.js";
import { Alerts } from "./page/alerts.js";
import { App } from "./app.js";
import { board } from "./page/board.js";
import { causes } from "./page/causes.js";
import { controls } from "./page/controls.js";
import { covers } from "./parts/covers.js";
import { deedNote } from "./page/deed_note.js";
import { $ } from "./parts/dom.js";
import { Editor } from "./draw/editor.js";
import { EventsColumn } from "./panels/events.js";
import { NoMap } from "./map/no_map.js";
import { Following } from "./page/following.js";
import { Notices } from "./page/notices.js";
import { keys } from "./page/keys.js";
import { VehicleList } from "./panels/vehicles.js";
import { Split } from "./panels/timeline/split.js";
import { ahead } from "./panels/timeline/lead.js";
import { Timeline } from "./panels/timeline/timeline.js";
import { VehiclePanel } from "./panels/vehicle.js";
import { DayPanel } from "./panels/day/panel.js";
import { Pill } from "./page/pill.js";
import { pointer } from "./map/pointer.js";
import { print } from "./page/print.js";
import { READER, Recorded, asked as fileAsked } from "./panels/timeline/recorded.js";
import { RegionsTab } from "./panels/regions.js";
import { RegionPanel } from "./panels/region.js";
import { layout } from "./panels/sheet.js";
import { misread } from "./model/choices.js";
import { isDark, setTheme, themed } from "./parts/theme.js";
import { markup } from "./page/markup.js";
import { Troubles } from "./page/troubles.js";
import { leave, letOut } from "./people/way_in.js";
import { wayIn } from "./people/way_back.js";
import { whyEmpty } from "./net/grants.js";
import { whoAmI } from "./net/who.js";
import * as format from "./words/format.js";
import { perhaps, say } from "./words/words.js";

const LAND_MS = 1500; // the land is drawn then at the latest

/** A file that came with this one. @param {string} name */
const ours = (name) => new URL(`../${name}`, import.meta.url).href;

async function begin() {
  markup();
  letOut();
  const file = fileAsked(location.search);
  if (file) seal();
  document.documentElement.toggleAttribute("data-file", Boolean(file));
  const asked = /** @type {any} */ (window).fleetInfo; // by boot.js
  const [info, who] = file ? [{}, READER] : await Promise.all([(asked ?? get("page")).catch(() => ({})), whoAmI()]);
  if (!who) return leave(wayIn(location.href));
  const app = new App(info, who);
  const watches = whyEmpty(who) !== "groups";
  if (file) app.connection.end();
  else if (watches) app.connection.start(); // its answer comes when all of this stands
  setTheme(app.preferences.value.theme);
  const pill = new Pill(app);
  const alerts = new Alerts(app, (event) => events.lists(event));
  const list = new VehicleList(app, $("#page-vehicles"));
  const events = new EventsColumn(app, $("#events"), alerts);
  const editor = new Editor(app, alerts);
  const following = new Following(app);
  new RegionsTab(app, $("#page-regions"), editor, alerts, following);
  new VehiclePanel(app, $("#side"), alerts);
  new DayPanel(app, $("#side"), alerts);
  new RegionPanel(app, $("#side"), editor, alerts);
  new Notices(app, following);
  const troubles = new Troubles(app);
  const timeline = new Timeline(app);
  causes(app, troubles, /\/static\/([0-9a-f]{16})\//.exec(import.meta.url)?.[1]);
  deedNote(app);
  const recorded = new Recorded(app, { pill, troubles, events });
  controls(app, pill, editor, timeline, recorded);
  if (who.name) $("#bar-end").append(account(() => app.who, app.say));
  if (who.open && !info.demo) troubles.tell("open", say("open.map"), { lines: say("open.how") });
  if (!watches) pill.element.hidden = true; // nothing is live, and nothing broken
  access(app, troubles);
  layout(app);
  covers($("#side"), (opener) => {
    // its row was made anew
    const region = /** @type {HTMLElement|null|undefined} */ (opener?.closest("[data-region]"))?.dataset.region;
    return (
      (region && document.querySelector(`#region-list [data-region="${CSS.escape(region)}"] .open`)) ||
      $(app.state.value.tab === "regions" ? "#tab-regions" : "#vehicle-list")
    );
  });
  const split = new Split(app, timeline, pill);
  pointer(app, editor, following, split);
  keys(app, { list, events, editor, alerts, following, timeline, split });
  app.statusChanged.on(() => pill.render());
  const fleet = new Promise((come) => {
    app.heard.on((message) => message.op === "snapshot" && requestAnimationFrame(come));
    setTimeout(come, LAND_MS);
  });
  board(app, pill);
  print(app, list, split);
  app.address.misread.on((parts) =>
    alerts.toast({ icon: "warn", title: say("trouble.link"), body: parts.slice(0, 5).join(", ") }),
  );
  const misspelt = misread(location.hash);
  if (misspelt.length) app.address.misread.tell(misspelt);
  const jump = (/** @type {import("./words/phrases.js").Event} */ event) =>
    events.jump({ key: event.id, events: [event], newest: event });
  alerts.opened.on((event) => {
    app.past.live(); // what is told now is seen as it is now
    jump(event);
  });
  app.past.opened.on(jump);
  ahead.on((time) => {
    const words = say("past.ahead.why", { time: format.full(time, app.preferences.value.zone) });
    alerts.toast({ icon: "clock", title: say("past.ahead"), body: words });
    app.say(`${say("past.ahead")} ${words}`);
  });
  app.ticked.on(() => list.refresh());
  app.heard.on(
    (message) =>
      (message.op === "snapshot" || message.left || message.new) && requestAnimationFrame(() => list.refresh()),
  );
  app.preferences.changed.on((now, before) => {
    if (now.theme !== before.theme) setTheme(now.theme);
    if (now.units !== before.units) {
      app.overlay.units = now.units;
      app.map.setUnits(now.units);
      app.map.stage.invalidate("overlay");
    }
    app.tickNow();
  });
  const darken = () => {
    document.documentElement.toggleAttribute("data-dark", isDark());
    app.map.stage.invalidate();
  };
  themed.on(() => {
    darken();
    app.regions.hatches.clear();
    list.list.render();
  });
  darken();
  app.overlay.units = app.preferences.value.units;
  app.map.setUnits(app.preferences.value.units);
  app.overlay.labels = app.state.value.labels;
  const { regions, region } = app.state.value;
  app.regions.followed = app.fleet.followed = regions && new Set(regions);
  app.regions.selected = region;
  app.map.on("moveend", () => app.state.set({ map: app.map.camera() }));
  document.fonts?.ready.then(() => app.map.stage.invalidate());
  pill.render();
  if (file) recorded.follow(file);
  else {
    events.feed.load();
    app.past.begin();
  }
  Object.assign(window, { fleetPage: app, fleetEditor: editor, fleetSplit: split }); // for tests and for the curious
  document.documentElement.dataset.started = "";
  ground(app, info, troubles, fleet);
}

/**
 * What lies under the fleet: nothing of it keeps the fleet from being shown.
 * @param {App} app
 * @param {any} info
 * @param {Troubles} troubles
 * @param {Promise<any>} fleet
 */
function ground(app, info, troubles, fleet) {
  const why = (/** @type {any} */ fault) => String(fault?.message ?? fault);
  if (app.map instanceof NoMap) return troubles.tell("map", say("trouble.map", { why: why(app.map.fault) }));
  app.map.stage.failed.on((name, fault) =>
    troubles.tell(`paint-${name}`, say("trouble.paint", { name: perhaps(`painter.${name}`, name), why: why(fault) })),
  );
  // It takes a busy machine long to unpack: vehicles first.
  // without it the graticule still says where things are
  fleet.then(() => app.map.ground.loadLand(ours("vendor/land-50m.json"))).catch(() => {});
  const streets = info.streets
    ? new URL(info.streets, import.meta.url).href
    : info.demo
      ? new URL("fixtures/demo/streets.geojson", document.baseURI).href
      : null;
  if (streets)
    app.map.ground
      .loadStreets(streets)
      .then(() => app.map.addCredit(say("credit.streets")))
      .catch(() => {});
  try {
    app.map.setTiles(info.tiles ?? null);
  } catch (fault) {
    app.map.setTiles(null);
    troubles.tell("tiles", say("trouble.tiles", { why: why(fault) }));
  }
}

begin();
