// The page that connects a device: which app, for which vehicle; then what to fill in, and whether it works.

import { account } from "../page/account.js";
import { markup } from "../page/markup.js";
import { preferences } from "../model/preferences.js";
import { call, get } from "../net/api.js";
import { ANYBODY, whoAmI } from "../net/who.js";
import { $, fill, h, text } from "../parts/dom.js";
import { textField } from "../parts/form.js";
import { setTheme } from "../parts/theme.js";
import { listed } from "../people/differences.js";
import { wayIn } from "../people/way_back.js";
import { reloads, unanswered } from "../people/access.js";
import { leave, letOut } from "../people/way_in.js";
import { say } from "../words/words.js";
import { APPS, appOf } from "./apps.js";
import { settings } from "./settings.js";
import { meant } from "./vehicle.js";
import { Watch } from "./watch.js";

/** @typedef {import("./apps.js").App} App */

async function begin() {
  markup();
  letOut();
  const { theme, zone } = preferences().value;
  setTheme(theme);
  const who = await whoAmI();
  if (!who) return leave(wayIn(location.href));
  document.documentElement.dataset.started = "";
  if (who === ANYBODY) return unanswered($("#steps"));
  const tell = (/** @type {string} */ words) => text($("#say"), words);
  if (who.name !== null) $("#bar-end").append(account(() => who, tell));
  reloads(who);
  if (!who.may.includes("administer")) {
    fill($("#steps"), h("p", { class: "notice" }, say("connect.not_yours")));
    return;
  }
  choose({ zone, tell, ...asked() });
}

/** What the address says: `#app=owntracks&vehicle=van-7`. */
function asked() {
  const said = new URLSearchParams(location.hash.slice(1));
  return { app: appOf(said.get("app") ?? "") ?? APPS[0], vehicle: said.get("vehicle") ?? "" };
}

/** @typedef {{zone: string, tell: (words: string) => void, app: App, vehicle: string}} Desk */

/** @param {Desk} desk @param {boolean} [again] */
function choose(desk, again = false) {
  /** @type {{vehicle: string, name: string|null}[]} */ let fleet = [];
  let { app } = desk;
  const names = h("datalist", { id: "fleet" });
  const vehicle = textField(
    say("connect.vehicle"),
    { name: "vehicle", maxLength: 128, required: true, value: desk.vehicle, "aria-describedby": "meant" },
    "",
  );
  vehicle.input.setAttribute("list", "fleet");
  const label = /** @type {HTMLElement} */ (vehicle.element.firstElementChild);
  const note = h("span", { class: "hint", id: "meant", role: "status" });
  vehicle.element.append(note, names);
  const fault = h("p", { class: "notice bad", role: "alert", hidden: true });
  const send = h("button", { type: "submit", class: "button primary" }, say("connect.make"));

  const hint = () => {
    text(label, say(app.gateway ? "connect.vehicles" : "connect.vehicle"));
    if (app.gateway) return text(note, say("tokens.vehicles.more"));
    const { id, name, known } = meant(vehicle.input.value, fleet);
    text(
      note,
      !id ? say("connect.vehicle.more") : say(known ? "connect.vehicle.known" : "connect.vehicle.new", { name }),
    );
  };
  /** @param {App} chosen */
  const take = (chosen) => {
    if (chosen.gateway && !vehicle.input.value) vehicle.input.value = "*";
    if (!chosen.gateway && vehicle.input.value === "*") vehicle.input.value = "";
    app = chosen;
    history.replaceState(null, "", `#app=${app.key}`);
    hint();
  };
  vehicle.input.addEventListener("input", hint);

  const form = h(
    "form",
    {
      class: "connect",
      onsubmit: async (/** @type {SubmitEvent} */ e) => {
        e.preventDefault();
        if (send.disabled) return;
        send.disabled = true;
        text(send, say("connect.making"));
        fault.hidden = true;
        const { id } = meant(vehicle.input.value, fleet);
        const vehicles = app.gateway ? listed(vehicle.input.value) : [id];
        try {
          const body = { name: `${app.name} · ${vehicles.join(", ")}`.slice(0, 200), vehicles };
          const [made, where] = await Promise.all([call("POST", "tokens", { body }), get("connect")]);
          show({ ...desk, app, vehicle: vehicles[0] }, made, where);
        } catch (error) {
          fault.hidden = false;
          text(fault, /** @type {Error} */ (error).message);
        } finally {
          send.disabled = false;
          text(send, say("connect.make"));
        }
      },
    },
    h("p", null, say("connect.more")),
    h(
      "fieldset",
      null,
      h("legend", null, say("connect.app")),
      h(
        "div",
        { class: "apps" },
        APPS.map((one) =>
          h(
            "label",
            { class: "app" },
            h("input", { type: "radio", name: "app", value: one.key, checked: one === app, onchange: () => take(one) }),
            h("b", null, one.name),
            h("small", null, one.on.map((on) => say(`connect.on.${on}`)).join(" · ")),
          ),
        ),
      ),
    ),
    vehicle.element,
    fault,
    send,
  );
  fill($("#steps"), form);
  hint();
  if (again) /** @type {HTMLElement|null} */ (form.querySelector(":checked"))?.focus();
  get("vehicles", { limit: 1000 }).then(
    ({ vehicles }) => {
      fleet = vehicles;
      fill(names, ...fleet.map((one) => h("option", { value: one.vehicle }, one.name ?? "")));
      hint();
    },
    () => {}, // then it is typed
  );
}

/** @param {Desk} desk @param {{id: string, token: string}} made @param {import("./settings.js").Where} where */
function show(desk, made, where) {
  const { app, vehicle, tell } = desk;
  const watch = new Watch(made.id, desk);
  const again = () => {
    watch.end();
    choose({ ...desk, vehicle: "" }, true);
  };
  const head = h("h2", { tabIndex: -1 }, say("connect.for", { app: app.name, vehicle }));
  fill(
    $("#steps"),
    h(
      "div",
      { class: "connect" },
      h(
        "div",
        { class: "connect-head" },
        head,
        h("button", { type: "button", class: "button", onclick: again }, say("connect.again")),
      ),
      watch.element,
      settings(app, { token: made.token, vehicle }, where, tell),
      h("p", { class: "notice warn" }, say("connect.once")),
    ),
  );
  head.focus();
  scrollTo(0, 0);
}

begin();
