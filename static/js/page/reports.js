// A report of some days and vehicles as a file: asked for, watched, fetched, or given up.

import { address, call, get } from "../net/api.js";
import { dialog } from "../parts/dialog.js";
import { h, text } from "../parts/dom.js";
import { textField } from "../parts/form.js";
import * as format from "../words/format.js";
import { perhaps, say } from "../words/words.js";

const WAIT_S = 10; // the server answers sooner when it has come further

/** @param {import("../app.js").App} app @param {string} [vehicle] of this one alone @param {string} [chosen] its day */
export function askReport(app, vehicle = "", chosen = "") {
  const { zone, units } = app.preferences.value;
  const yesterday = format.isoDay(format.startOfDay(app.now(), zone) - 1, zone);
  const day = (/** @type {import("../words/words.js").Key} */ label, /** @type {string} */ name) =>
    textField(say(label), {
      type: "date",
      name,
      value: chosen || yesterday,
      max: format.isoDay(app.now(), zone),
      required: true,
    });
  const from = day("report.from", "from");
  const until = day("report.until", "until");
  const names = textField(
    say("report.vehicles"),
    { name: "vehicles", value: vehicle, placeholder: say("report.all") },
    say("report.vehicles.hint"),
  );
  const groups = [...new Set([...app.fleet.byId.values()].map((v) => v.group ?? ""))].filter(Boolean).sort();
  const group = h(
    "select",
    { name: "groups" },
    h("option", { value: "" }, say("report.groups.all")),
    groups.map((one) => h("option", { value: one }, one)),
  );
  const fault = h("p", { class: "notice bad", role: "alert", hidden: true });
  const bar = h("progress", { max: 1, value: 0, "aria-label": say("report.title") });
  const said = h("p", { class: "muted", role: "status" });
  const start = h("button", { type: "submit", class: "button primary" }, say("report.make"));
  const stop = h("button", { type: "button", class: "button", onclick: () => giveUp() }, say("cancel"));
  const fetched = h("a", { class: "button primary", hidden: true }, say("report.download"));
  const working = h(
    "div",
    { class: "form", hidden: true },
    bar,
    said,
    h("div", { class: "form-actions" }, stop, fetched),
  );
  const form = h(
    "form",
    {
      class: "form",
      onsubmit: (/** @type {SubmitEvent} */ e) => {
        e.preventDefault();
        make();
      },
    },
    from.element,
    until.element,
    names.element,
    groups.length > 0 && h("label", { class: "field" }, h("span", null, say("report.groups")), group),
    h("div", { class: "form-actions" }, start),
  );
  /** @type {string|null} the one under way, or drawn */ let mine = null;
  let done = false;

  const busy = (/** @type {boolean} */ now) => {
    start.disabled = now;
    working.hidden = !now;
    stop.hidden = false;
    fetched.hidden = true;
  };
  const giveUp = () => {
    if (mine && !done) call("DELETE", `reports/${mine}`).catch(() => {}); // gone, or it ends by itself
    mine = null;
    busy(false);
    start.focus();
  };
  const fail = (/** @type {string} */ words) => {
    mine = null;
    busy(false);
    fault.hidden = false;
    text(fault, words);
  };

  async function make() {
    fault.hidden = true;
    done = false;
    busy(true);
    bar.value = 0;
    text(said, say("report.waiting"));
    const last = format.dayBegin(until.input.value, zone);
    const body = {
      from: format.dayBegin(from.input.value, zone),
      until: format.endOfDay(last, zone),
      vehicles: names.input.value
        .split(/[\n,]/)
        .map((one) => one.trim())
        .filter(Boolean),
      groups: group.value ? [group.value] : [],
      units,
      zone: zone || Intl.DateTimeFormat().resolvedOptions().timeZone,
    };
    try {
      let report = await call("POST", "reports", { body });
      if (!node.isConnected) return void call("DELETE", `reports/${report.id}`).catch(() => {});
      mine = report.id;
      while (mine === report.id && (report.state === "waiting" || report.state === "working")) {
        bar.value = report.progress;
        text(said, say(report.state === "waiting" ? "report.waiting" : "report.working"));
        report = await get(`reports/${report.id}`, { wait_s: WAIT_S });
      }
      if (mine !== report.id) return; // given up
      if (report.error) return fail(perhaps(`problem.${report.error.code}`, report.error.detail));
      done = true;
      bar.value = 1;
      text(said, say("report.done", { size: `${format.count(report.bytes / 1000)} kB` }));
      fetched.href = address(`reports/${report.id}/file`).href;
      fetched.setAttribute("download", "");
      stop.hidden = true;
      fetched.hidden = false;
      start.disabled = false;
      fetched.focus();
    } catch (error) {
      if (mine !== null || start.disabled) fail(/** @type {Error} */ (error).message);
    }
  }

  const node = dialog(say("report.title"), h("p", { class: "muted" }, say("report.about")), form, fault, working);
  node.addEventListener("close", giveUp);
  from.input.focus();
}
