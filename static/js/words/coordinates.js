// A line of coordinates as people write it → its numbers: decimal degrees with point or comma, degrees, minutes and seconds,
// hemispheres by letter. Pure.

const PART = String.raw`(\d+(?:[.,]\d+)?)`;
const ANGLE = new RegExp(String.raw`([NSEW])?\s*([-−+])?${PART}\s*°?\s*(?:${PART}\s*['′’]\s*)?(?:${PART}\s*(?:"|″|”|''|′′|’’)\s*)?([NSEWO](?![a-z]))?`, "gi");
const DECIMAL_COMMA = /^[-−+]?\d{1,3},\d+$/;
const number = (/** @type {string} */ text) => Number(text.replace(",", ".").replace("−", "-").replace("+", ""));

/** lat, lon and what else stands in the line, in its order; a hemisphere may put lon first. @param {string} line @returns {number[]} */
export function numbers(line) {
  if (/[°NSEW]/i.test(line.replace(/\d\s*k?m(?=\W|$)/gi, "")) && /\d\s*[°'′’NSEW]|[NSEW]\s*\d/i.test(line)) return angles(line);
  const words = line.replace(/\bk?m\b/gi, "").trim().split(/\s*;\s*|,\s+|\s+/).map((word) => word.replace(/,$/, "")).filter(Boolean);
  if (words.length > 1 && !line.includes(".") && words.every((word) => DECIMAL_COMMA.test(word) || /^[-−+]?\d+(k?m)?$/i.test(word)) && words.some((word) => DECIMAL_COMMA.test(word))) return words.map((word) => number(word.replace(/k?m$/i, "")));
  const found = (line.match(/[-−+]?\d+(?:\.\d+)?/g) ?? []).map(number);
  // "60,1699,24,9412": four whole numbers that are no box of places are two with a comma
  if (/^\s*[-−+]?\d{1,2},\d{3,},[-−+]?\d{1,3},\d{3,}\s*$/.test(line)) return [number(`${found[0]}.${line.split(",")[1]}`), number(`${found[2]}.${line.split(",")[3].trim()}`)];
  return found;
}

/** @param {string} line */
function angles(line) {
  /** @type {number[]} */ const out = [];
  /** @type {string[]} */ const sides = [];
  // A comma between two angles is no part of either.
  for (const [, before, sign, degrees, minutes, seconds, after] of line.replace(/,(?=\s|[NSEW])/gi, " ").matchAll(ANGLE)) {
    if (number(minutes ?? "0") >= 60 || number(seconds ?? "0") >= 60) throw new Error("Minutes and seconds go up to 59.");
    const side = (before ?? after ?? "").toUpperCase(), size = number(degrees) + number(minutes ?? "0") / 60 + number(seconds ?? "0") / 3600;
    out.push(side === "S" || side === "W" || (sign && sign !== "+") ? -size : size);
    sides.push(side);
  }
  if (/[EWO]/.test(sides[0] ?? "") && /[NS]/.test(sides[1] ?? "")) out.splice(0, 2, out[1], out[0]);
  return out;
}

/** What was typed → a line each place. A semicolon parts two places, or the two numbers of one. @param {string} text */
export function lines(text) {
  const out = [];
  for (const line of text.split("\n").map((one) => one.trim()).filter(Boolean)) {
    const parts = line.split(";").map((one) => one.trim()).filter(Boolean);
    // Two parts like "60,1", or any as fine as "60,1699": commas are decimal here.
    const commas = parts.every((part) => DECIMAL_COMMA.test(part)) && (parts.length === 2 || parts.some((part) => /,\d{3,}$/.test(part)));
    out.push(...(parts.length > 1 && !commas && parts.every((part) => numbers(part).length > 1) ? parts : [line]));
  }
  return out;
}
