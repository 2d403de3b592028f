// Angles with sides or marks: 60°10'11.6"N 24°56'28.3"E, N 60 10.2 E 24 56.5, lat 60.17 lon 24.94, 33.9 Süd 151.2 Ost.
// Pure. What is not understood is refused: a place on the wrong side of the world looks like any other.

import { sideOf } from "./sides.js";
import { say } from "./words.js";

/** @param {Record<string, string>} table what it means: its words @returns {Map<string, string>} */
const words = (table) =>
  new Map(
    Object.entries(table).flatMap(([sign, said]) =>
      said.split(" ").map((word) => /** @type {[string, string]} */ ([word, sign])),
    ),
  );
const MARKS = words({
  "°": "d deg degree degrees grad grados graus gradi graden degrés degré",
  "'": "min minute minutes minuten minutos minuti",
  '"': "sec sek seg second seconds sekunden secondes segundos secondi seconden",
});
const AXES = words({
  φ: "lat latitude latitud latitudine breite breitengrad breedtegraad",
  λ: "lon long lng longitude longitud longitudine länge längengrad lengtegraad",
});
const SILENT = new Set(["and", "geo", "radius", "r"]);
/** @type {Record<string, string>} */ const AXIS = { N: "φ", S: "φ", E: "λ", W: "λ" };

/**
 * @typedef {{size: number, parts: number, bare: boolean, sign: string, side: string, axis: string, part: number}} Angle
 *   bare: without a mark; part: of the line, by its commas
 */

/**
 * The numbers of a line, latitude first, whatever side or axis it says.
 * @param {string} line signs spelt plainly
 * @returns {number[]}
 */
export function angles(line) {
  const number = line.includes(".") ? String.raw`(?:\d+(?:\.\d+)?|\.\d+)` : String.raw`\d+(?:,\d+)?`;
  const ITEM = new RegExp(
    String.raw`(?<sign>(?<![\d°'"])[-+])?(?<d>${number})(?:\s*°(?:\s*(?<m>${number})\s*'(?:\s*(?<s>${number})(?![\d.,]*\s*°)\s*"?)?)?|:(?<m2>${number})(?::(?<s2>${number}))?)?(?<mark>°)?|(?<label>[NSEWφλ])|(?<comma>[,;|/])|(?<other>\S)`,
    "gu",
  );
  /** @type {Angle[]} */ const found = [];
  /** @type {{label: string, part: number, before: number}[]} */ const labels = [];
  let part = 0;
  for (const { 0: item, groups } of translated(line).matchAll(ITEM)) {
    const { sign = "", d, label, comma, other } = groups ?? {};
    if (other) throw new Error(say("place.other", { other, line }));
    if (comma) part++;
    else if (label) labels.push({ label, part, before: found.length });
    else {
      const sizes = [d, groups?.m ?? groups?.m2, groups?.s ?? groups?.s2]
        .filter(Boolean)
        .map((text) => Number(String(text).replace(",", ".")));
      found.push({ size: sum(sizes), parts: sizes.length, bare: !/[°:]/.test(item), sign, side: "", axis: "", part });
    }
  }
  const ahead = [give("NSEW"), give("φλ")].includes(true);
  return placed(labels.length && found.length > 2 ? grouped(found, ahead) : found, ahead);

  /**
   * Each label to its angle: the only one between two commas, or else the one behind it where the first label stands
   * before any angle.
   * @param {string} kind
   * @returns {boolean} is it so?
   */
  function give(kind) {
    const some = labels.filter(({ label }) => kind.includes(label));
    const front = some[0]?.before === 0;
    for (const { label, part, before } of some) {
      const near = found.filter((angle) => angle.part === part);
      const angle = near.length === 1 ? near[0] : found[front ? before : before - 1];
      if (
        !angle ||
        (angle.side && AXIS[label] && angle.side !== label) ||
        (angle.axis && angle.axis !== (AXIS[label] ?? label))
      )
        throw new Error(say("place.which", { line }));
      angle.axis = AXIS[label] ?? label;
      if (AXIS[label]) angle.side = label;
    }
    return front;
  }
}

/** Words as one sign each; what nobody knows is refused. @param {string} line */
function translated(line) {
  const said = line.toLowerCase().match(/\p{L}+/gu) ?? [];
  let short = false; // minutes as an m: then an s is seconds, and not the south
  return line.replace(/(\p{L}+)\.?(?:\s*[:=])?/gu, (_, spelt, at) => {
    const word = spelt.toLowerCase();
    const before = line.slice(0, at);
    if (word === "m" && /(?:°|\p{L})\s*[\d.,]+\s*$/u.test(before)) {
      short = true;
      return "'";
    }
    if (word === "s" && short && /m\s*[\d.,]+\s*$/i.test(before)) return '"';
    if (MARKS.has(word) || AXES.has(word)) return /** @type {string} */ (MARKS.get(word) ?? ` ${AXES.get(word)} `);
    if (SILENT.has(word)) return " ";
    const side = sideOf(word, said);
    if (!side) throw new Error(say("place.side", { spelt, line }));
    return ` ${side} `;
  });
}

/** @param {number[]} sizes degrees, minutes, seconds */
function sum(sizes) {
  if (sizes.slice(1).some((size) => size >= 60)) throw new Error(say("coordinates.sixty"));
  if (sizes.slice(0, -1).some((size) => !Number.isInteger(size))) throw new Error(say("place.whole"));
  return sizes[0] + (sizes[1] ?? 0) / 60 + (sizes[2] ?? 0) / 3600;
}

/** "60 10 11.6 N": numbers without marks that only a space parts are degrees, minutes and seconds of one angle.
 * @param {Angle[]} found @param {boolean} ahead sides stand before their angles */
function grouped(found, ahead) {
  /** @type {Angle[][]} */ const groups = [];
  for (const angle of found) {
    const group = groups[groups.length - 1];
    const last = group?.[group.length - 1];
    const joins =
      last &&
      last.part === angle.part &&
      angle.bare &&
      !angle.sign &&
      last.parts === 1 &&
      angle.parts === 1 &&
      group.length < 3 &&
      Number.isInteger(last.size) &&
      angle.size < 60 &&
      (ahead ? !angle.axis && group[0].axis : !last.axis);
    if (joins) group.push(angle);
    else groups.push([angle]);
  }
  if (!ahead)
    for (let i = groups.length - 1; i >= 0; i--)
      // nothing they could be minutes of
      if (!groups[i][groups[i].length - 1].axis) groups.splice(i, 1, ...groups[i].map((one) => [one]));
  return groups.map((group) => ({
    ...group[0],
    size: sum(group.map(({ size }) => size)),
    parts: Math.max(group.length, group[0].parts),
    side: group.find(({ side }) => side)?.side ?? "",
    axis: group.find(({ axis }) => axis)?.axis ?? "",
  }));
}

/** @param {Angle[]} found @param {boolean} ahead @returns {number[]} */
function placed(found, ahead) {
  const values = found.map(({ size, sign, side }) => {
    if (sign === "-" && (side === "N" || side === "E"))
      throw new Error(say("place.contradicts", { size: String(size), side }));
    return sign === "-" || side === "S" || side === "W" ? -size : size;
  });
  if (found.length < 2 || found.length > 4) return values;
  const places = found.length === 4 ? [0, 2] : [0];
  if (found.length === 4 && ahead && found.map(({ side }) => side).join("") === "SWNE")
    throw new Error(say("place.edges"));
  if (found.length === 4 && found.some(({ axis }) => axis) && found.some(({ axis }) => !axis))
    throw new Error(say("place.some"));
  if (found[2] && places.length === 1 && (found[2].axis || found[2].parts > 1)) throw new Error(say("place.radius"));
  for (const i of places) {
    const [a, b] = [found[i].axis, found[i + 1].axis];
    if (found[i].parts !== found[i + 1].parts && [found[i], found[i + 1]].some(({ bare, parts }) => bare && parts > 1))
      throw new Error(say("place.ends"));
    if (a && a === b) throw new Error(say(a === "φ" ? "place.two_latitudes" : "place.two_longitudes"));
    if (a === "λ" || b === "φ") values.splice(i, 2, values[i + 1], values[i]);
  }
  return values;
}
