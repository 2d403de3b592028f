// What the page says in the reader's language. A language is a catalogue beside this file and a row in LANGUAGES.

import { stored } from "../model/choices.js";
import de from "./de.js";
import en from "./en.js";

/** @typedef {keyof typeof en} Key */
/**
 * @typedef {string|Partial<Record<Intl.LDMLPluralRule, string>>} Sentence  one for each plural category of its place
 *   {n}
 */
/** @typedef {Record<Key, Sentence>} Catalogue */
/**
 * @typedef {{name: string, locale: string, words: Catalogue}} Language  `locale`: how Intl writes its dates and numbers
 */

/** @type {Record<string, Language>} */
export const LANGUAGES = {
  en: { name: "English", locale: "en-GB", words: en },
  de: { name: "Deutsch", locale: "de", words: de },
};

/** The language chosen on this page; else the first of the browser's that there is; else English.
 * @param {string} chosen @param {readonly string[]} wanted @param {string[]} [known] */
export function pick(chosen, wanted, known = Object.keys(LANGUAGES)) {
  return [chosen, ...wanted.map((tag) => tag.toLowerCase().split("-")[0])].find((tag) => known.includes(tag)) ?? "en";
}

/**
 * A voice for one language: `pieces` puts places into a sentence, `say` makes it text, `problem` speaks for the server.
 * @param {Language} language
 */
export function speaker({ locale, words }) {
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

  /**
   * What the server says is wrong: in its own words, which are English, or in the page's by its code.
   * @param {string} code
   * @param {string} detail
   */
  function problem(code, detail) {
    const key = `problem.${code}`;
    return (words === en && detail) || (key in words ? say(/** @type {Key} */ (key)) : detail);
  }
  return { pieces, say, problem };
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
export const { say, pieces, problem } = speaker(LANGUAGES[language]);
