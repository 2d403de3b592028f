// What the store holds of each day, how long it will, and having it compacted now: watched, and given up.

import { ApiError, call, get } from "../../net/api.js";
import { codeLine } from "../../parts/code_line.js";
import { fill, h, icon, text } from "../../parts/dom.js";
import { count, dayOf, full, size, when } from "../../words/format.js";
import { perhaps, say } from "../../words/words.js";
import { inOrder, newest, notice, spans, whose } from "./keeping.js";
import { watch } from "./watch.js";

const MOST_DAYS = 31;
const PATH = "store/compaction";

/** @param {Desk} desk */
export function kept(desk) {
  const body = h("div", { class: "kept" });
  const state = h("div", { class: "state" });
  const work = compaction(desk, () => load());
  const element = h("section", { class: "listing" }, body, state);

  async function load() {
    if (!body.children.length) fill(state, h("p", { class: "empty", role: "status" }, say("loading")));
    try {
      const [store, done] = await Promise.all([get("store"), get(PATH)]);
      fill(state);
      fill(body, ...shown(store, desk, work.element));
      work.show(done);
    } catch (fault) {
      const why = say("people.not_loaded", { why: /** @type {Error} */ (fault).message });
      fill(
        state,
        h("p", { class: "notice bad", role: "alert" }, why),
        h("button", { type: "button", class: "button", onclick: load }, say("retry")),
      );
    }
  }
  return { element, load };
}

/** @typedef {import("../main.js").Desk} Desk */

/** @param {import("./keeping.js").Store} store @param {Desk} desk @param {HTMLElement} work */
function shown(store, desk, work) {
  const facts = /** @type {const} */ ([
    ["kept.positions", count(store.kept + store.waiting)], // packed or not
    ["kept.file", size(store.file_bytes)],
    ["kept.free", store.free_bytes === null ? null : size(store.free_bytes)],
    ["kept.waiting", count(store.waiting)],
  ]);
  return [
    told(store.retention, desk),
    h(
      "dl",
      { class: "facts" },
      facts
        .filter(([, words]) => words !== null)
        .map(([key, words]) => h("div", null, h("dt", null, say(key)), h("dd", null, words))),
    ),
    h("h2", null, say("kept.work")),
    work,
    h("h2", null, say("kept.rules")),
    ...rules(store.retention, desk),
    h("h2", null, say("kept.days")),
    ...days(store.days),
  ];
}

/** What is to happen to something that is there.
 * @param {import("./keeping.js").Rules} retention @param {Desk} desk */
function told(retention, desk) {
  const { due, due_gone, begins_at } = retention;
  const what = notice(retention);
  if (what === null) return null;
  if (what === "due") return h("p", { class: "notice" }, icon("info"), h("span", null, say("kept.due", { n: due })));
  return h(
    "div",
    { class: "notice warn", role: "status" },
    icon("warn"),
    h(
      "div",
      { class: "form" },
      h("strong", null, say("kept.begins", { n: due, when: full(Date.parse(String(begins_at)), desk.zone) })),
      h("span", null, due_gone ? say("kept.begins.gone", { n: due_gone }) : say("kept.begins.thinned")),
      h("span", null, say("kept.begins.stop")),
      codeLine("tracker backup FILE", desk.say),
    ),
  );
}

/** @param {import("./keeping.js").Rules} retention @param {Desk} desk */
function rules({ groups, next }, desk) {
  if (!groups.length) return [h("p", { class: "muted" }, say("kept.rules.none"))];
  const row = (/** @type {import("./keeping.js").Rule} */ rule) => {
    const key = whose(rule, groups.length);
    return h(
      "li",
      { class: "card" },
      h("b", null, key ? say(key) : rule.group),
      h(
        "span",
        { class: "sub" },
        spans(rule)
          .map(({ key, n = 0 }) => say(key, { n }))
          .join(", "),
      ),
    );
  };
  const coming = next && [
    next.thinned > 0 && say("kept.next.thinned", { n: next.thinned }),
    next.gone > 0 && say("kept.next.gone", { n: next.gone }),
  ];
  return [
    h("ul", { class: "cards" }, inOrder(groups).map(row)),
    next &&
      h(
        "p",
        { class: "muted" },
        say("kept.next", {
          day: dayOf(Date.parse(next.at), Date.now(), desk.zone),
          what: /** @type {any[]} */ (coming).filter(Boolean).join("; "),
        }),
      ),
  ];
}

/** @param {import("./keeping.js").Day[]} all */
function days(all) {
  if (!all.length)
    return [h("div", { class: "empty" }, h("strong", null, say("kept.none")), h("span", null, say("kept.none.more")))];
  const column = (/** @type {import("../../words/words.js").Key} */ key) => h("th", { scope: "col" }, say(key));
  const cell = (/** @type {number} */ n) => h("td", null, n ? count(n) : "–");
  const rows = h("tbody", null);
  const show = (/** @type {number} */ most) =>
    fill(
      rows,
      ...newest(all, most).map((one) =>
        h(
          "tr",
          null,
          h("th", { scope: "row" }, dayOf(Date.parse(one.day), Date.now(), "UTC")),
          cell(one.kept),
          cell(one.thinned),
          cell(one.gone),
          h("td", null, one.bytes ? size(one.bytes) : "–"),
        ),
      ),
    );
  show(MOST_DAYS);
  const showAll = () => {
    show(all.length);
    more.remove();
  };
  /** @type {HTMLElement} */
  const more = h(
    "button",
    { type: "button", class: "button", onclick: showAll },
    say("kept.days.all", { n: all.length }),
  );
  return [
    h(
      "table",
      { class: "days" },
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          ...["kept.day", "kept.whole", "kept.thinned", "kept.gone", "kept.size"].map((key) =>
            column(/** @type {any} */ (key)),
          ),
        ),
      ),
      rows,
    ),
    all.some((one) => one.thinned) && h("p", { class: "muted" }, say("kept.thinned.more")),
    all.length > MOST_DAYS && more,
  ];
}

/** @param {Desk} desk @param {() => void} changed something is kept otherwise by now */
function compaction(desk, changed) {
  const start = h(
    "button",
    { type: "button", class: "button primary", onclick: () => begin() },
    say("kept.work.start"),
  );
  const stop = h("button", { type: "button", class: "button", hidden: true, onclick: () => giveUp() }, say("cancel"));
  const bar = h("progress", { max: 1, value: 0, hidden: true, "aria-label": say("kept.work") });
  const said = h("p", { class: "muted", role: "status" });
  const element = h(
    "div",
    { class: "form work" },
    h("p", { class: "muted" }, say("kept.work.more")),
    bar,
    said,
    h("div", { class: "form-actions" }, start, stop),
  );
  let watching = false;

  /** @param {import("./keeping.js").Work} work */
  function show({ state, progress, ended_at, error }) {
    const busy = state === "working";
    const had = document.activeElement;
    start.hidden = busy;
    stop.hidden = bar.hidden = !busy;
    if (had === start && busy) stop.focus();
    if (had === stop && !busy) start.focus();
    bar.value = progress;
    text(
      said,
      busy ? say("kept.work.working", { percent: Math.floor(progress * 100) }) : ended(state, ended_at, error),
    );
    if (busy) follow();
  }

  /**
   * @param {import("./keeping.js").Work["state"]} state
   * @param {string|null} at
   * @param {import("./keeping.js").Work["error"]} error
   */
  function ended(state, at, error) {
    const time = at ? when(Date.parse(at), Date.now(), desk.zone) : "";
    if (state === "failed")
      return say("kept.work.failed", { when: time, why: perhaps(`problem.${error?.code}`, error?.detail ?? "") });
    return state === "done" || state === "given_up" ? say(`kept.work.${state}`, { when: time }) : say("kept.work.none");
  }

  async function follow() {
    if (watching) return;
    watching = true;
    await watch(PATH, element, show, () => text(said, say("kept.work.away")));
    watching = false;
    changed();
  }

  const begin = () =>
    desk.opening(async () => {
      try {
        show(await call("POST", PATH, { body: {} }));
      } catch (fault) {
        if (!(fault instanceof ApiError) || fault.code !== "at_work") throw fault;
        show(await get(PATH)); // somebody else began it a moment ago
      }
    });
  const giveUp = () => desk.opening(() => call("DELETE", PATH));
  return { element, show };
}
