// A line of coordinates as people write it → its numbers. Here: decimal degrees with point or comma, and a radius.
// Pure.

import { angles } from "./angles.js";
import { say } from "./words.js";

const DECIMAL_COMMA = /^[-+]?\d{1,3},\d+$/;
const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]\d+)?$/i;
/** @type {Record<string, number>} metres */
const LENGTHS = {
  m: 1,
  meter: 1,
  meters: 1,
  metre: 1,
  metres: 1,
  km: 1000,
  ft: 0.3048,
  feet: 0.3048,
  mi: 1609.344,
  mile: 1609.344,
  miles: 1609.344,
};
const UNIT = new RegExp(
  String.raw`(?<=[\d.]\s*)(?<!(?:°|\dd|deg)\s*[\d.,]+\s*)(${Object.keys(LENGTHS).join("|")})\.?$`,
  "iu",
);

/** The same signs spelt the same. A sign may stand apart from its number, but not between two. @param {string} line */
const plainly = (line) =>
  line
    .normalize("NFC")
    .replace(/[−–—‐‑﹣－]/g, "-")
    .replace(/[º˚]/g, "°")
    .replace(/''|′′|’’|´´|[″”“„]/g, '"')
    .replace(/[′’‘´`]/g, "'")
    .replace(/[()[\]]/g, " ")
    .trim()
    .replace(/(^|[,;]\s*)([-+])\s+(?=[\d.])/g, "$1$2");

/**
 * lat, lon and what else stands in the line, in its order; a side may put lon first. A radius is in metres. Throws an
 * Error that says what is not understood.
 * @param {string} line
 * @returns {number[]}
 */
export function numbers(line) {
  if (!/\d/.test(line)) return [];
  const said = plainly(line);
  const unit = UNIT.exec(said)?.[1].toLowerCase();
  const bare = unit ? said.replace(UNIT, "").trim() : said;
  const found = /[^-+\d.,;|/\s]/.test(bare.replace(/\de[-+]\d/gi, "")) ? angles(bare) : decimals(bare);
  if (!unit) return found;
  if (found.length !== 3) throw new Error(say("place.unit", { unit }));
  return [found[0], found[1], found[2] * LENGTHS[unit]];
}

/** @param {string} text */
function number(text) {
  const plain = text.replace(",", ".");
  if (!NUMBER.test(plain)) throw new Error(say("place.number", { text }));
  return Number(plain);
}

/** Nothing but numbers. @param {string} line */
function decimals(line) {
  const one = /^([-+]\d{1,2}(?:\.\d+)?)([-+]\d{1,3}(?:\.\d+)?)\/?$/.exec(line); // ISO 6709
  if (one) return [number(one[1]), number(one[2])];
  const words = line
    .split(/\s*[;|/]\s*|,\s+|\s+/)
    .map((word) => word.replace(/,$/, ""))
    .filter(Boolean);
  if (
    words.length > 1 &&
    !line.includes(".") &&
    words.every((word) => DECIMAL_COMMA.test(word) || /^[-+]?\d+$/.test(word)) &&
    words.some((word) => DECIMAL_COMMA.test(word))
  )
    return words.map(number);
  // "60,1699,24,9412": four whole numbers that are no box of places are two with a comma
  const four = /^([-+]?\d{1,2},\d{3,}),([-+]?\d{1,3},\d{3,})$/.exec(line);
  return four
    ? [number(four[1]), number(four[2])]
    : line
        .split(/[\s,;|/]+/)
        .filter(Boolean)
        .map(number);
}

/** What was typed → a line each place. A semicolon parts two places, or the two numbers of one. @param {string} text */
export function lines(text) {
  const out = [];
  for (const line of text
    .split("\n")
    .map((one) => one.trim())
    .filter(Boolean)) {
    const parts = line
      .split(";")
      .map((one) => one.trim())
      .filter(Boolean);
    // Two parts like "60,1", or any as fine as "60,1699": commas are decimal here.
    const commas =
      parts.every((part) => DECIMAL_COMMA.test(part)) &&
      (parts.length === 2 || parts.some((part) => /,\d{3,}$/.test(part)));
    out.push(...(parts.length > 1 && !commas && parts.every((part) => numbers(part).length > 1) ? parts : [line]));
  }
  return out;
}
