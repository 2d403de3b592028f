// A file of positions or of regions is chosen or dropped, sent, watched, given up; what became of it, by line.

import { ApiError, call, get } from "../../net/api.js";
import { fill, h, icon, text } from "../../parts/dom.js";
import { textField } from "../../parts/form.js";
import { count, size, when } from "../../words/format.js";
import { perhaps, problem, say } from "../../words/words.js";
import { upload } from "./file.js";
import { counts, formats, places, renamed, share, stem } from "./importing.js";
import { watch } from "./watch.js";

const PATH = "store/import";
const GIVEN_UP = "given up";

/** @typedef {import("./importing.js").Import} Import */

/** @param {import("../main.js").Desk} desk */
export function imports(desk) {
  const own = desk.zone || Intl.DateTimeFormat().resolvedOptions().timeZone;
  /** @type {File|null} */ let file = null;
  let under = new AbortController(); // what is being sent
  let watching = false;

  const input = h("input", { type: "file", class: "visually-hidden", onchange: () => choose(input.files?.[0]) });
  const chosen = h("span", null, say("import.choose"));
  const drop = h(
    "label",
    {
      class: "drop",
      ondragover: (/** @type {DragEvent} */ e) => {
        e.preventDefault();
        drop.classList.add("over");
      },
      ondragleave: () => drop.classList.remove("over"),
      ondrop: (/** @type {DragEvent} */ e) => {
        e.preventDefault();
        drop.classList.remove("over");
        choose(e.dataTransfer?.files[0]);
      },
    },
    input,
    icon("enter"),
    chosen,
  );
  const kind = (/** @type {"positions"|"regions"} */ value, /** @type {boolean} */ checked) =>
    h(
      "label",
      { class: "check" },
      h("input", { type: "radio", name: "kind", value, checked, onchange: () => offer() }),
      say(`import.${value}`),
    );
  const kinds = h(
    "fieldset",
    null,
    h("legend", null, say("import.what")),
    h("div", { class: "checks" }, kind("positions", true), kind("regions", false)),
  );
  const vehicle = textField(
    say("import.vehicle"),
    { name: "vehicle", maxLength: 128 },
    say("import.vehicle.more", { zone: own }),
  );
  const start = h("button", { type: "submit", class: "button primary", disabled: true }, say("import.start"));
  const form = h(
    "form",
    {
      class: "form",
      onsubmit: (/** @type {SubmitEvent} */ e) => {
        e.preventDefault();
        if (file) begin(file);
      },
    },
    drop,
    kinds,
    vehicle.element,
    h("div", { class: "form-actions" }, start),
  );
  const bar = h("progress", { max: 1, "aria-label": say("people.import") });
  const said = h("p", { class: "muted", role: "status" });
  const stop = h("button", { type: "button", class: "button", onclick: () => giveUp() }, say("cancel"));
  const working = h("div", { class: "form", hidden: true }, bar, said, h("div", { class: "form-actions" }, stop));
  const result = h("div", { class: "result", role: "status" });
  const element = h(
    "section",
    { class: "listing kept" },
    h("p", { class: "muted" }, say("import.more")),
    form,
    working,
    result,
  );

  const isRegions = () => /** @type {any} */ (form.elements.namedItem("kind")).value === "regions";
  const offer = () => {
    vehicle.element.hidden = isRegions();
    start.disabled = !file;
  };
  /** @param {File|undefined} given */
  function choose(given) {
    if (!given) return;
    file = given;
    text(chosen, `${given.name} · ${size(given.size)}`);
    vehicle.input.value = stem(given.name);
    fill(result);
    offer();
  }
  /** @param {boolean} now @param {boolean} [stoppable] */
  function busy(now, stoppable = true) {
    const had = document.activeElement;
    const was = !working.hidden;
    form.hidden = now;
    working.hidden = !now;
    stop.hidden = !stoppable;
    if (now && stoppable && (had === start || had === document.body)) stop.focus();
    if (was && !now && (had === stop || had === document.body)) input.focus();
  }
  /** @param {number|null} part @param {string} words */
  function tell(part, words) {
    if (part === null) bar.removeAttribute("value");
    else bar.value = part;
    text(said, words);
  }
  /** @param {"good"|"bad"|"warn"} how @param {string} words @param {...any} more */
  const end = (how, words, ...more) => {
    busy(false);
    fill(result, h("p", { class: `notice ${how}` }, words), ...more);
  };
  const sending = (/** @type {number} */ gone) => {
    if (gone < 1) return tell(gone, say("import.sending", { percent: Math.floor(gone * 100) }));
    tell(null, say("import.reading"));
    if (isRegions()) busy(true, false); // all of it is there: it is stored whole, or not at all
  };

  /** @param {File} file */
  async function begin(file) {
    under = new AbortController();
    fill(result);
    busy(true);
    sending(0);
    try {
      if (isRegions()) return regionsDone(await upload("regions", {}, file, sending, under.signal));
      const query = { name: renamed(vehicle.input.value, file.name), zone: own };
      await upload(PATH, query, file, sending, under.signal);
      follow();
    } catch (fault) {
      if (fault === GIVEN_UP) return end("warn", say("import.unsent"));
      const { errors = [], message, problem: said } = /** @type {ApiError} */ (fault);
      const whole = isRegions() && fault instanceof ApiError && fault.status > 0;
      end(
        "bad",
        errors.length ? say("import.nothing") : whole ? `${message} ${say("import.nothing")}` : message,
        listed(errors.map((one) => [where(one), one.message ?? ""])),
        said?.more > 0 && h("p", { class: "muted" }, say("import.errors.more", { n: said.more })),
      );
    }
  }

  async function follow() {
    if (watching) return;
    watching = true;
    busy(true);
    await watch(PATH, element, show, () => text(said, say("kept.work.away")));
    watching = false;
  }

  async function giveUp() {
    under.abort(GIVEN_UP);
    if (watching) await desk.opening(() => call("DELETE", PATH));
  }

  /** @param {Import} work */
  function show(work) {
    if (work.state === "none") return;
    if (work.state !== "working") return ended(work);
    const { positions, accepted, duplicates, rejected } = work;
    const through = accepted + duplicates + rejected;
    tell(
      share(work),
      positions === null ? say("import.reading") : say("import.taking", { n: through, all: positions }),
    );
  }

  /** @param {Import} work */
  function ended(work) {
    const { state, name, error, ended_at, items, files, errors, skipped } = work;
    const places = { name: name ?? "", when: ended_at ? when(Date.parse(ended_at), Date.now(), desk.zone) : "" };
    const why = error ? problem(error.code, error.detail) : "";
    const how = state === "failed" ? "bad" : state === "done" && !work.rejected ? "good" : "warn";
    const notes = files.flatMap((one) => one.notes);
    end(
      how,
      state === "failed"
        ? say("import.failed", { ...places, why })
        : say(`import.${state === "done" ? "done" : "given_up"}`, places),
      files.length > 0 &&
        h("p", null, say("import.read", { n: items, format: formats(work).join(", ").toUpperCase() })),
      h(
        "dl",
        { class: "facts" },
        counts(work).map(([key, n]) => h("div", null, h("dt", null, say(`import.${key}`)), h("dd", null, count(n)))),
      ),
      listed(errors.map((one) => [one.where, problem(one.code, one.message)])),
      listed(skipped.map((one) => [`${count(one.count)} ×`, perhaps(`skipped.${one.reason}`, one.means)])),
      notes.length > 0 &&
        h(
          "details",
          null,
          h("summary", null, say("import.notes")),
          h(
            "ul",
            { lang: "en" },
            notes.map((one) => h("li", null, one)),
          ),
        ),
    );
  }

  /** @param {any} answer what became of many regions; of one, the region itself */
  function regionsDone(answer) {
    const isNew = answer.properties?.version === 1;
    const { created = Number(isNew), replaced = Number(!isNew) } = answer;
    end(
      "good",
      [created > 0 && say("import.created", { n: created }), replaced > 0 && say("import.replaced", { n: replaced })]
        .filter(Boolean)
        .join(" "),
      h("p", null, h("a", { class: "link", href: "./#tab=regions" }, say("people.map"))),
    );
  }

  async function load() {
    try {
      const work = await get(PATH);
      if (work.state === "working") follow();
      else show(work);
    } catch (fault) {
      end("bad", say("people.not_loaded", { why: /** @type {Error} */ (fault).message }));
    }
  }
  return { element, load };
}

/** @param {any} error */
function where(error) {
  return [...places(error).map(({ key, n }) => say(key, { n })), error.name].filter(Boolean).join(" · ");
}

/** @param {[place: string, words: string][]} rows */
const listed = (rows) =>
  rows.length > 0 &&
  h(
    "ul",
    { class: "cards" },
    rows.map(([at, words]) =>
      h("li", { class: "card" }, h("span", null, words), at && h("span", { class: "sub" }, at)),
    ),
  );
