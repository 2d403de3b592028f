// The page begins here: learn what server this is, put the pieces together, connect.

import { get } from "./api.js";
import { Alerts } from "./alerts.js";
import { App } from "./app.js";
import { controls } from "./controls.js";
import { $ } from "./dom.js";
import { Editor } from "./editor.js";
import { EventsColumn } from "./events.js";
import { Notices } from "./notices.js";
import { keys } from "./keys.js";
import { VehicleList } from "./list.js";
import { VehiclePanel } from "./panel.js";
import { Pill } from "./pill.js";
import { pointer } from "./pointer.js";
import { RegionsTab } from "./regiontab.js";
import { RegionPanel } from "./regionpanel.js";
import { layout } from "./sheet.js";
import { isDark, onTheme, setTheme } from "./theme.js";

async function begin() {
  const info = await get("page").catch(() => ({}));
  const app = new App(info);
  setTheme(app.preferences.value.theme);
  const pill = new Pill(app), alerts = new Alerts(app);
  const list = new VehicleList(app, $("#page-vehicles"));
  const events = new EventsColumn(app, $("#events"), alerts);
  const editor = new Editor(app, alerts);
  new RegionsTab(app, $("#page-regions"), editor, alerts);
  new VehiclePanel(app, $("#side"), alerts);
  new RegionPanel(app, $("#side"), editor, alerts);
  new Notices(app);
  controls(app, pill, editor);
  layout(app);
  pointer(app, editor);
  keys(app, { list, events, editor, alerts });
  app.onStatus = () => pill.render();
  alerts.onOpen = (event) => events.jump({ key: event.id, events: [event], newest: event });
  app.ticks.add(() => list.refresh());
  app.readers.add((message) => (message.op === "snapshot" || message.left || message.new) && requestAnimationFrame(() => list.refresh()));
  app.preferences.on((now, before) => {
    if (now.theme !== before.theme) setTheme(now.theme);
    if (now.units !== before.units) (app.overlay.units = now.units), app.map.setUnits(now.units), app.map.stage.invalidate("overlay");
    app.tickNow();
  });
  const darken = () => (document.documentElement.toggleAttribute("data-dark", isDark()), app.map.stage.invalidate());
  onTheme(() => (darken(), app.regions.hatches.clear(), list.list.render()));
  darken();
  app.overlay.units = app.preferences.value.units;
  app.map.setUnits(app.preferences.value.units);
  app.overlay.labels = app.state.value.labels;
  const { regions, region } = app.state.value;
  app.regions.followed = regions && new Set(regions);
  app.regions.selected = region;
  app.map.on("moveend", () => app.state.set({ map: app.map.camera() }));
  document.fonts?.ready.then(() => app.map.stage.invalidate());
  const land = app.map.ground.loadLand("static/vendor/land-50m.json");
  const streets = info.streets ?? (info.demo ? "fixtures/demo/streets.geojson" : null);
  if (streets) app.map.ground.loadStreets(streets).then(() => app.map.addCredit("Streets: © OpenStreetMap contributors")).catch(() => {});
  app.map.setTiles(info.tiles ?? null);
  app.connection.start();
  events.load();
  Object.assign(window, { fleetPage: app, fleetEditor: editor }); // for tests and for the curious
  await land.catch(() => {}); // without it the graticule still says where things are
}

begin();
