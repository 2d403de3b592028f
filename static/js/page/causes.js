// What the page finds wrong around it: the way to the server, its version, the clocks. Each is told by Troubles and
// cleared when it is over.

import { ApiError, call, get } from "../net/api.js";
import { steady } from "../net/clock.js";
import { lasted } from "../words/format.js";
import { diagnosis } from "../net/proxies.js";
import { say } from "../words/words.js";

const CLOCKS_MS = 120_000;

/**
 * @param {import("../app.js").App} app
 * @param {import("./troubles.js").Troubles} troubles
 * @param {string} [build] this page is of
 */
export function causes(app, troubles, build) {
  app.heard.on(async (message) => {
    if (message.op !== "welcome" || !app.resume.everLive || !build) return;
    const { assets } = await get("page").catch(() => ({}));
    if (assets && assets !== build)
      troubles.tell("upgrade", say("trouble.upgrade"), {
        action: { label: say("trouble.reload"), run: () => location.reload() },
      });
  });
  app.blocked.on(async () => {
    const refused = await call("POST", "positions", { body: [] }).then(
      () => false,
      (fault) => fault instanceof ApiError && fault.code === "origin_not_allowed",
    );
    const { host = null } = await get("page").catch(() => ({}));
    const { words, lines } = diagnosis({ page: location, host, refused });
    troubles.tell("proxy", words, { lines });
  });
  app.ticked.on(() => {
    const { phase, by } = app.connection.status;
    if (phase === "live" && by === "websocket") troubles.clear("proxy");
  });
  app.measured.on(() => {
    if (app.recording) return; // its clock stands at the moment shown
    const ahead = app.fleet.now(steady()) - Date.now();
    if (Math.abs(ahead) < CLOCKS_MS) return troubles.clear("clock");
    troubles.tell(
      "clock",
      say(ahead > 0 ? "trouble.clock.ahead" : "trouble.clock.behind", {
        time: lasted(Math.round(Math.abs(ahead) / 60_000) * 60_000),
      }),
    );
  });
}
