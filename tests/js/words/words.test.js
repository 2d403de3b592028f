import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import en from "../../../static/js/words/en.js";
import de from "../../../static/js/words/de.js";
import { sane } from "../../../static/js/model/preferences.js";
import { LANGUAGES, pick, speaker } from "../../../static/js/words/words.js";

const FOLDER = new URL("../../../static/js/words/", import.meta.url);
const TAGS = readdirSync(FOLDER)
  .filter((name) => /^[a-z]{2,3}\.js$/.test(name))
  .map((name) => name.slice(0, -3));
/** @type {Record<string, import("../../../static/js/words/words.js").Catalogue>} */
const CATALOGUES = Object.fromEntries(
  await Promise.all(TAGS.map(async (tag) => [tag, (await import(new URL(`${tag}.js`, FOLDER).href)).default])),
);
/** @param {import("../../../static/js/words/words.js").Sentence} sentence */
const forms = (sentence) => (typeof sentence === "string" ? [sentence] : Object.values(sentence));
/** @param {import("../../../static/js/words/words.js").Sentence} sentence */
const places = (sentence) =>
  [...new Set(forms(sentence).flatMap((form) => [...form.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)))].sort();

test("a language is a catalogue called by its tag, and a row", () => {
  assert.deepEqual(TAGS.sort(), Object.keys(LANGUAGES).sort());
  for (const { name, locale } of Object.values(LANGUAGES)) assert.ok(name && new Intl.PluralRules(locale));
});

test("every language has every sentence, with the same places", () => {
  for (const [tag, words] of Object.entries(CATALOGUES)) {
    assert.deepEqual(Object.keys(words), Object.keys(en), tag);
    for (const [key, sentence] of Object.entries(words)) {
      assert.deepEqual(places(sentence), places(/** @type {any} */ (en)[key]), `${tag} ${key}`);
      assert.equal(
        typeof sentence,
        typeof (/** @type {any} */ (en)[key]),
        `${tag} ${key}: a number decides in each language or in none`,
      );
      for (const form of forms(sentence)) assert.ok(form.trim() === form && form, `${tag} ${key}`);
    }
  }
});

test("every plural of a language has its sentence", () => {
  for (const [tag, words] of Object.entries(CATALOGUES)) {
    const needed = new Intl.PluralRules(tag).resolvedOptions().pluralCategories;
    for (const [key, sentence] of Object.entries(words))
      if (typeof sentence !== "string")
        assert.deepEqual(Object.keys(sentence).sort(), [...needed].sort(), `${tag} ${key}`);
  }
});

test("a number chooses its plural and is written as the language writes it", () => {
  const english = speaker("en-GB", en).say;
  const german = speaker("de", de).say;
  assert.equal(english("list.all", { n: 1 }), "1 vehicle");
  assert.equal(english("list.all", { n: 20_000 }), "20,000 vehicles");
  assert.equal(german("list.all", { n: 1 }), "1 Fahrzeug");
  assert.equal(german("list.all", { n: 20_000 }), "20.000 Fahrzeuge");
  assert.equal(
    german("event.exit", { vehicle: "Van 3", region: "Depot", detail: " nach 5 min" }),
    "Van 3 hat Depot nach 5 min verlassen",
  );
});

test("the page speaks as it was chosen, else as the browser wishes first, else English", () => {
  const known = ["en", "de"];
  assert.equal(pick("", ["de-AT", "en"], known), "de");
  assert.equal(pick("en", ["de-AT"], known), "en");
  assert.equal(pick("", ["fr-FR", "de-DE", "en"], known), "de");
  assert.equal(pick("tlh", ["fr"], known), "en");
  assert.equal(pick("", [], known), "en");
});

test("index.html says in English what its keys say", () => {
  const html = readFileSync(new URL("../../../static/index.html", import.meta.url), "utf-8");
  const words = /** @type {any} */ (en);
  const texts = [...html.matchAll(/data-say="([^"]+)">([^<]*)</g)];
  const labels = [...html.matchAll(/aria-label="([^"]*)"[^>]* data-say-label="([^"]+)"/g)];
  assert.ok(texts.length > 4 && labels.length > 7);
  for (const [, key, said] of texts) assert.equal(said, words[key], key);
  for (const [, said, key] of labels) assert.equal(said, words[key], key);
});

test("a choice of language is kept, and nothing that is none", () => {
  assert.equal(sane({ language: "de" }).language, "de");
  for (const language of ["<b>", 7, "deutsch bitte", null]) assert.equal(sane({ language }).language, "");
});

test("what the server says is wrong is said in its words in English, by its code in German, and never lost", () => {
  const english = speaker("en-GB", en).problem;
  const german = speaker("de", de).problem;
  assert.equal(english("unknown_region", "there is no region 'depot'"), "there is no region 'depot'");
  assert.equal(german("unknown_region", "there is no region 'depot'"), "Dieses Gebiet gibt es nicht.");
  assert.equal(english("unknown_region", ""), "There is no such region.");
  assert.equal(german("a_code_of_tomorrow", "it is so"), "it is so");
});

test("every code the page has a sentence for is one of docs/errors.md", () => {
  const known = new Set(readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf-8").match(/`\w+`/g));
  const codes = Object.keys(en)
    .filter((key) => key.startsWith("problem."))
    .map((key) => key.slice(8));
  assert.ok(codes.length >= 90);
  assert.deepEqual(
    codes.filter((code) => !known.has(`\`${code}\``)),
    [],
  );
});

test("why the server ended a connection is said in its words in English, by its code in German", () => {
  const english = speaker("en-GB", en).closed;
  const german = speaker("de", de).closed;
  assert.equal(english(4500, "bad_messages"), "bad_messages");
  assert.equal(english(4501, ""), "too many messages a second");
  assert.equal(german(4500, "bad_messages"), "zu viele unlesbare Nachrichten");
  assert.equal(german(4999, "a reason of tomorrow"), "geschlossen mit 4999");
});
