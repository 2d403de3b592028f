// North, south, east and west as people write them, as the server reads them in files (tracker/formats/sides.py). Pure.

import { say } from "./words.js";

/** @typedef {"N"|"S"|"E"|"W"} Side */

/** @type {[Side, string][]} English, German, French, Spanish, Portuguese, Italian, Dutch, and the Nordic words */
const WORDS = [
  ["N", "n north northern nord norden nördlich nördliche nördlicher norte noord norr"],
  ["S", "s south southern süd sued süden südlich südliche südlicher sud sur sul syd z zuid"],
  ["E", "e east eastern est este leste ost osten östlich östliche östlicher oost öst øst ö ø"],
  ["W", "w west western westen westlich westliche westlicher ouest oeste ovest vest väst"],
];
const SIDES = new Map(
  WORDS.flatMap(([side, words]) => words.split(" ").map((word) => /** @type {[string, Side]} */ ([word, side]))),
);

// Beside what an O is east, and beside what west. Nord and sud are of both kinds.
const EAST = new Set(
  "w west süd sued süden norden ost osten oost zuid öst øst breite breitengrad länge längengrad breedtegraad lengtegraad".split(
    " ",
  ),
);
const WEST = new Set(
  "e l est leste este oeste ouest ovest sur sul norte latitud longitud latitudine longitudine".split(" "),
);

// An O alone is what it is where the page itself writes one.
const written = (/** @type {"side.east"|"side.west"} */ key) => say(key, { degrees: "" }).endsWith("O");
const OURS = written("side.east") ? "E" : written("side.west") ? "W" : "";

/**
 * The side an O is, by the other words of its line; "" where they do not show it.
 * @param {string[]} words
 * @returns {Side|""}
 */
function letterO(words) {
  const east = words.some((word) => EAST.has(word));
  const west = words.some((word) => WEST.has(word));
  return east === west ? "" : east ? "E" : "W";
}

/**
 * "" for what is none; throws where an O may be either.
 * @param {string} word
 * @param {string[]} beside the words of its line
 * @returns {Side|""}
 */
export function sideOf(word, beside) {
  if (word === "o") {
    const side = letterO(beside) || OURS;
    if (!side) throw new Error(say("place.letter_o"));
    return side;
  }
  return SIDES.get(word) ?? (word === "l" && beside.includes("o") ? "E" : ""); // Leste
}
