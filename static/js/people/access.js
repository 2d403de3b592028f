// What the reader may see and do, as it is by now: the channel says when it is another, and the page forgets what is
// not theirs any more.

import { lost, whyEmpty } from "../net/grants.js";
import { ANYBODY, whoAmI } from "../net/who.js";
import { fill, h } from "../parts/dom.js";
import { leave } from "./way_in.js";
import { wayIn } from "./way_back.js";
import { full } from "../words/format.js";
import { say } from "../words/words.js";

const LOOK_MS = 5000; // who sees nothing yet is asked about
const RELOADS_MS = 1000; // what is taken away is gone within about so long
const HINTS_MS = 15_000; // who waits to be let in, who was refused: as often

/** @param {import("../app.js").App} app @param {import("../page/troubles.js").Troubles} troubles */
export function access(app, troubles) {
  let waits = false; // a snapshot will say what there is to be seen
  let erased = false; // and who it was will leave
  let asking = 0;
  const watches = () => whyEmpty(app.who) !== "groups";
  const ask = async () => {
    const turn = ++asking;
    const who = await whoAmI(app.who);
    if (!who) return leave(wayIn(location.href));
    if (turn !== asking) return;
    const before = app.who;
    app.who = who;
    hints(app, troubles);
    if (who.grant === before.grant) return;
    if ((whyEmpty(before) === "groups") === watches()) {
      if (!watches()) forgetAll(app);
      return location.reload();
    }
    app.regranted.tell();
    const { any, groups } = lost(before, who);
    if (any) app.forget(groups);
  };
  app.heard.on((message) => {
    const { op, grant, left, part = 1, parts = 1 } = message;
    const another = grant !== undefined && app.who.grant !== undefined && grant !== app.who.grant;
    if (another) {
      waits = true;
      ask();
    } else if (op === "granted") {
      erased = true;
      app.forget(false);
    }
    if (op === "snapshot" && waits && part >= parts) {
      waits = false;
      app.forget(false);
    } else if (left?.some((/** @type {[number, string]} */ [, why]) => why === "revoked" || erased)) {
      erased = false;
      app.forget(false);
    }
  });
  const hinted = () => app.who.waiting !== undefined || app.who.without_token !== undefined;
  const look = () => document.visibilityState === "visible" && hinted() && ask();
  setInterval(look, HINTS_MS);
  addEventListener("focus", look);
  hints(app, troubles);
  if (watches()) return;
  troubles.tell("groups", say("list.empty.groups"));
  setInterval(ask, LOOK_MS);
}

/** A page without a channel: whoever may do something else by now has it anew, lists and forms alike, and whoever was
 * signed out leaves it. @param {import("../net/who.js").Who} who */
export function reloads(who) {
  setInterval(async () => {
    if (document.visibilityState === "hidden") return;
    const now = await whoAmI(who);
    if (now && now.grant !== who.grant) location.reload();
  }, RELOADS_MS);
}

/** Who reads this is not known: nothing is said of it, and the page begins anew when the server answers.
 * @param {HTMLElement} place */
export function unanswered(place) {
  fill(place, h("p", { class: "notice bad", role: "alert" }, say("server.away")));
  reloads(ANYBODY);
}

/** Nothing may be seen any more: the link and this browser name none of it. @param {import("../app.js").App} app */
function forgetAll(app) {
  app.preferences.set({ mutes: {} });
  history.replaceState(null, "", location.pathname + location.search);
}

/** What whoever may help is told of others.
 * @param {import("../app.js").App} app @param {import("../page/troubles.js").Troubles} troubles */
function hints({ who, preferences }, troubles) {
  const hint = (
    /** @type {"refused"|"waiting"|"kept"} */ key,
    /** @type {string} */ words,
    /** @type {string} */ place,
  ) => troubles.tell(key, words, { action: { label: say("open.refused.do"), run: () => location.assign(place) } });
  if (who.without_token) hint("refused", say("open.refused", { n: who.without_token }), "people#tokens");
  else troubles.clear("refused");
  if (who.waiting) hint("waiting", say("quarantine.map", { n: who.waiting }), "people#quarantine");
  else troubles.clear("waiting");
  if (who.deletes_from)
    hint("kept", say("kept.map", { when: full(Date.parse(who.deletes_from), preferences.value.zone) }), "people#kept");
  else troubles.clear("kept");
}
