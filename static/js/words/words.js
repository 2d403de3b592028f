// What the page says in the reader's language. A language is a catalogue beside this file, called by its tag, and a row
// in LANGUAGES; only the one that is spoken is loaded.

import { stored } from "../model/preferences.js";

/** @typedef {keyof typeof import("./en.js").default} Key */
/**
 * @typedef {string|Partial<Record<Intl.LDMLPluralRule, string>>} Sentence  one for each plural category of its place
 *   {n}
 */
/** @typedef {Record<Key, Sentence>} Catalogue */

/** @type {Record<string, {name: string, locale: string}>} `locale`: how Intl writes its dates and numbers */
export const LANGUAGES = {
  en: { name: "English", locale: "en-GB" },
  de: { name: "Deutsch", locale: "de" },
};

/** The language chosen on this page; else the first of the browser's that there is; else English.
 * @param {string} chosen @param {readonly string[]} wanted @param {string[]} [known] */
export function pick(chosen, wanted, known = Object.keys(LANGUAGES)) {
  return [chosen, ...wanted.map((tag) => tag.toLowerCase().split("-")[0])].find((tag) => known.includes(tag)) ?? "en";
}

/**
 * A voice for one language: `pieces` puts places into a sentence, `say` makes it text; `foreign`, `problem` and
 * `closed` speak for the server, whose own words are English.
 * @param {string} locale
 * @param {Catalogue} words
 */
export function speaker(locale, words) {
  const plural = new Intl.PluralRules(locale);
  const numbers = new Intl.NumberFormat(locale);
  /** @type {Map<string, string[]>} text and names of places by turns */ const split = new Map();

  /**
   * @template T
   * @param {Key} key
   * @param {Record<string, T>} [places] numbers are written as the language writes them
   * @returns {(T|string)[]}
   */
  function pieces(key, places = {}) {
    const sentence = words[key];
    const said =
      typeof sentence === "string" ? sentence : (sentence[plural.select(Number(places.n))] ?? sentence.other ?? "");
    let parts = split.get(said);
    if (!parts) {
      parts = said.split(/\{(\w+)\}/);
      split.set(said, parts);
    }
    return parts
      .map((part, i) =>
        i % 2 === 0
          ? part
          : typeof places[part] === "number"
            ? numbers.format(Number(places[part]))
            : (places[part] ?? ""),
      )
      .filter((part) => part !== "");
  }
  const say = (/** @type {Key} */ key, /** @type {Record<string, string|number>} */ places = {}) =>
    pieces(key, places).join("");

  /** Is there such a sentence? A server may be newer than its page. @param {string} key @returns {key is Key} */
  const known = (key) => key in words;
  /** The sentence of this name, if there is one. @param {string} key @param {string} otherwise */
  const perhaps = (key, otherwise) => (known(key) ? say(key) : otherwise);
  /**
   * The server's own words where the reader's language is theirs; else the page's.
   * @param {string} said
   * @param {string} ours
   */
  const foreign = (said, ours) => (locale.startsWith("en") && said) || ours;
  /** What is wrong, by its code. @param {string} code @param {string} detail */
  const problem = (code, detail) => foreign(detail, perhaps(`problem.${code}`, detail));
  /** Why the server ended a connection. @param {number} code @param {string} reason */
  const closed = (code, reason) =>
    foreign(reason, perhaps(`closed.${code}`, say("pill.closed", { code: String(code) })));
  return { pieces, say, known, perhaps, foreign, problem, closed };
}

// Where there is no page nobody wishes anything.
const paged = typeof navigator !== "undefined" && typeof window !== "undefined";
const chosen = paged ? stored().language : "";
const wanted = paged ? navigator.languages : [];

/** The tag of the language this page speaks, until it is loaded anew. */
export const language = pick(chosen, wanted);
export const { name: itself, locale } = LANGUAGES[language];
/** What it would be without a choice. */
export const own = pick("", wanted);
/** @type {{default: Catalogue}} */
const { default: catalogue } = await import(`./${language}.js`);
export const { say, pieces, known, perhaps, foreign, problem, closed } = speaker(locale, catalogue);
