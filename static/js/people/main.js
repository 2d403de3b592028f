// The page of people begins here: who is signed in, and which of its lists they look at.

import { preferences } from "../model/preferences.js";
import { wayIn } from "./way_back.js";
import { ANYBODY, whoAmI } from "../net/who.js";
import { account } from "../page/account.js";
import { markup } from "../page/markup.js";
import { reloads, unanswered } from "./access.js";
import { leave, letOut } from "./way_in.js";
import { $, fill, h, text } from "../parts/dom.js";
import { codeLine } from "../parts/code_line.js";
import { setTheme } from "../parts/theme.js";
import { groups } from "./groups.js";
import { imports } from "./upkeep/imports.js";
import { kept } from "./upkeep/kept.js";
import { quarantine } from "./quarantine.js";
import { record } from "./record.js";
import { tokens } from "./tokens.js";
import { users } from "./users.js";
import { say } from "../words/words.js";

/**
 * What the lists share.
 * @typedef {object} Desk
 * @property {import("../net/who.js").Who} who
 * @property {string} zone
 * @property {(words: string) => void} say to whoever does not look
 * @property {(words: string) => void} done said, and shown
 * @property {(work: () => Promise<any>) => Promise<void>} opening what needs the server before
 */

const LISTS = /** @type {const} */ (["users", "groups", "tokens", "quarantine", "own", "kept", "import", "record"]);

async function begin() {
  markup();
  letOut();
  const { theme, zone } = preferences().value;
  setTheme(theme);
  const who = await whoAmI();
  if (!who) return leave(wayIn(location.href));
  document.documentElement.dataset.started = "";
  const tell = (/** @type {string} */ words) => text($("#say"), words);
  if (who === ANYBODY) return unanswered($("#list"));
  if (who.name === null) return nobodyYet(tell, who);
  $("#bar-end").append(account(() => who, tell));
  const note = h("p", { class: "notice good", hidden: true });
  $("#list").before(note);
  const noted = (/** @type {string} */ words, /** @type {"good"|"bad"} */ how) => {
    note.className = `notice ${how}`;
    note.hidden = false;
    text(note, words);
    tell(words);
  };
  /** @type {Desk} */
  const desk = {
    who,
    zone,
    say: tell,
    done: (words) => noted(words, "good"),
    opening: async (work) => {
      try {
        await work();
      } catch (fault) {
        noted(/** @type {Error} */ (fault).message, "bad");
      }
    },
  };
  const all = {
    users: () => users(desk),
    groups: () => groups(desk),
    tokens: () => tokens(desk, false),
    quarantine: () => quarantine(desk),
    own: () => tokens(desk, true),
    kept: () => kept(desk),
    import: () => imports(desk),
    record: () => record(desk),
  };
  const open = LISTS.filter((name) => {
    if (name === "quarantine") return who.waiting !== undefined;
    return name === "own" || who.may.includes("administer");
  });
  const show = () => {
    const chosen = open.find((name) => `#${name}` === location.hash) ?? open[0];
    note.hidden = true; // it was about the list before
    fill(
      $("#ways"),
      ...open.map((name) =>
        h("a", { href: `#${name}`, "aria-current": name === chosen ? "page" : null }, say(`people.${name}`)),
      ),
    );
    const list = all[chosen]();
    fill($("#list"), list.element);
    list.load();
  };
  reloads(who);
  addEventListener("hashchange", () => {
    show();
    /** @type {HTMLElement|null} */ (document.querySelector("#ways [aria-current]"))?.focus();
  });
  show();
}

/** They may do all the same. @param {(words: string) => void} tell @param {import("../net/who.js").Who} who */
function nobodyYet(tell, who) {
  const opening = (/** @type {() => Promise<any>} */ work) => work().catch((fault) => tell(fault.message));
  /** @type {Desk} */
  const desk = { who, zone: preferences().value.zone, say: tell, done: tell, opening };
  const lists = /** @type {const} */ ([
    ["quarantine", who.waiting !== undefined && quarantine(desk)],
    ["kept", who.may.includes("administer") && kept(desk)],
    ["import", who.may.includes("administer") && imports(desk)],
  ]);
  fill(
    $("#list"),
    h(
      "div",
      { class: "form" },
      h("p", { class: "notice warn" }, say("open.signin")),
      h("p", { class: "muted" }, say("open.do")),
      codeLine("tracker users add NAME --role administrator", tell),
    ),
    lists.map(([name, list]) => list && [h("h2", { id: name }, say(`people.${name}`)), list.element]),
  );
  $("#ways").hidden = true;
  for (const [, list] of lists) if (list) list.load();
}

begin();
