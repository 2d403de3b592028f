// A list the server keeps, as every part of the page of people shows one: loading, empty, refused, away, and the rest
// of it when somebody asks.

import { get } from "../net/api.js";
import { fill, h, icon } from "../parts/dom.js";
import { say } from "../words/words.js";

const MANY = 100;

/** @template T */
export class Listing {
  /**
   * @param {object} how
   * @param {string} how.path
   * @param {string} how.key of the list in the answer
   * @param {(one: T) => HTMLElement} how.row
   * @param {() => any[]} how.empty what is said instead of rows
   * @param {any[]} how.head what stands above
   * @param {() => Record<string, any>} [how.query]
   * @param {(answer: any) => void} [how.heard] what else the answer says
   */
  constructor({ path, key, row, empty, head, query = () => ({}), heard = () => {} }) {
    this.path = path;
    this.key = key;
    this.row = row;
    this.empty = empty;
    this.query = query;
    this.heard = heard;
    this.rows = h("ul", { class: "cards" });
    this.state = h("div", { class: "state" });
    this.element = h("section", { class: "listing" }, h("div", { class: "desk-head" }, ...head), this.rows, this.state);
    this.asked = 0;
  }

  /**
   * Anew; what is shown stays until the answer is here.
   * @param {string} [focus] the row that gets the focus then; "": what stands above all rows
   */
  async load(focus) {
    if (!this.rows.children.length) fill(this.state, h("p", { class: "empty", role: "status" }, say("loading")));
    await this.#ask(null, (rows) => {
      fill(this.rows, ...rows);
      if (!rows.length) fill(this.state, h("div", { class: "empty" }, ...this.empty()));
    });
    if (focus === undefined) return;
    const row = this.rows.querySelector(`[data-key="${CSS.escape(focus)}"]`) ?? this.element.querySelector("button");
    /** @type {HTMLElement|null} */ (row)?.focus();
  }

  /** @param {string|null} cursor @param {(rows: HTMLElement[]) => void} show */
  async #ask(cursor, show) {
    const turn = ++this.asked;
    try {
      const answer = await get(this.path, { ...this.query(), limit: MANY, cursor });
      if (turn !== this.asked) return;
      fill(this.state);
      this.heard(answer);
      show(answer[this.key].map((/** @type {T} */ one) => h("li", null, this.row(one))));
      if (answer.next) this.#more(answer.next);
    } catch (fault) {
      if (turn !== this.asked) return;
      fill(
        this.state,
        h(
          "p",
          { class: "notice bad", role: "alert" },
          say("people.not_loaded", { why: String(/** @type {Error} */ (fault).message) }),
        ),
        h(
          "button",
          { type: "button", class: "button", onclick: () => (cursor ? this.#next(cursor) : this.load()) },
          say("retry"),
        ),
      );
    }
  }

  /** @param {string} cursor */
  #more(cursor) {
    const more = h(
      "button",
      { type: "button", class: "button", onclick: () => this.#next(cursor) },
      say("people.more"),
    );
    fill(this.state, h("p", { class: "more" }, more));
  }

  /** @param {string} cursor */
  #next(cursor) {
    return this.#ask(cursor, (rows) => {
      this.rows.append(...rows);
      const first = rows[0]?.firstElementChild;
      if (first instanceof HTMLElement) first.focus();
    });
  }
}

/**
 * One row that opens.
 * @param {string} key
 * @param {object} how
 * @param {string} how.title
 * @param {(string|[words: string, how: string])[]} how.subs
 * @param {(string|false)[]} [how.tags]
 * @param {() => void} how.open
 */
export const card = (key, { title, subs, tags = [], open }) =>
  h(
    "button",
    { type: "button", class: "card", "aria-haspopup": "dialog", data: { key }, onclick: open },
    h("b", null, title),
    ...subs
      .map((sub) => (typeof sub === "string" ? [sub, ""] : sub))
      .filter(([words]) => words)
      .map(([words, how]) => h("span", { class: `sub ${how}` }, words)),
    h(
      "span",
      { class: "end" },
      ...tags.map((tag) => tag && h("span", { class: "tag warn" }, tag)),
      icon("chevron", 14),
    ),
  );

/** @param {string} words @param {() => void} onclick */
export const adds = (words, onclick) => h("button", { type: "button", class: "button primary", onclick }, words);
