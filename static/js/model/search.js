// How well a vehicle fits what was typed: its exact name or id, how one begins, a word of one, its plate, anything
// else. Pure.

/** @typedef {{id: string, name: string, plate: string|null, group: string|null}} Named */
/**
 * @typedef {{rank: number, field: "name"|"id"|"plate"|"group"|"region", text: string}} Found  the lower the rank the
 *   better; `text`: what fitted, as it is written
 */

const FOLDED = new Map();
const MOST = 100_000;
/** Without case, accents and what stands between words. @param {string} text @returns {string} */
export function fold(text) {
  let folded = FOLDED.get(text);
  if (folded === undefined) {
    folded =
      text
        .normalize("NFKD")
        .toLowerCase()
        .replace(/\p{M}/gu, "")
        .replace(/[^\p{L}\p{N}]+/gu, " ")
        .trim() || text.trim().toLowerCase();
    if (FOLDED.size >= MOST) FOLDED.clear();
    FOLDED.set(text, folded);
  }
  return folded;
}

const joined = (/** @type {string} */ text) => text.replaceAll(" ", "");

/** @param {string} text folded @param {string} query folded @param {string[]} words of it */
function rankOf(text, query, words) {
  const close = joined(text);
  const asked = joined(query); // "van33" is "Van 33"
  if (close === asked) return 0;
  if (close.startsWith(asked)) return 1;
  const own = text.split(" ");
  if (words.every((word) => own.includes(word))) return 2;
  return words.every((word) => own.some((o) => o.startsWith(word))) ? 3 : Infinity;
}

/**
 * What fits in this vehicle, or null.
 * @param {Named} v
 * @param {string} query
 * @param {() => string[]} regions the names of those it is in
 * @returns {Found|null}
 */
export function find(v, query, regions) {
  const q = fold(query);
  const words = q.split(" ");
  const name = fold(v.name);
  const id = fold(v.id);
  const byName = rankOf(name, q, words);
  const byId = rankOf(id, q, words);
  if (byName <= byId && byName < Infinity) return { rank: byName, field: "name", text: v.name };
  if (byId < Infinity) return { rank: byId, field: "id", text: v.id };
  const plate = fold(v.plate ?? "");
  const close = joined(plate);
  const at = close.indexOf(joined(q));
  if (v.plate && at >= 0)
    return { rank: at > 0 ? 6 : close.length > joined(q).length ? 5 : 4, field: "plate", text: v.plate };
  /** @type {[Found["field"], string][]} */
  const fields = [
    ["name", v.name],
    ["id", v.id],
    ["plate", v.plate ?? ""],
    ["group", v.group ?? ""],
  ];
  const has = (/** @type {string} */ word) => fields.find(([, text]) => fold(text).includes(word));
  if (!words.every(has)) {
    fields.push(...regions().map((text) => /** @type {[Found["field"], string]} */ (["region", text])));
    if (!words.every(has)) return null;
  }
  // Of several places, the one that says most: where the name alone does not explain it.
  const [field, text] = words
    .map((word) => /** @type {[Found["field"], string]} */ (has(word)))
    .reduce((best, hit) => (best[0] === "name" || best[0] === "id" ? hit : best));
  return { rank: 7, field, text };
}

/**
 * Where the typed words stand in a text: [from, until] in order, none over another.
 * @param {string} text
 * @param {string} query
 * @returns {[number, number][]}
 */
export function spans(text, query) {
  const lower = text.toLowerCase();
  const whole = query.trim().toLowerCase();
  if (lower.length !== text.length || !whole) return []; // a letter that grows when it is made small
  const parts = lower.includes(whole) ? [whole] : whole.split(/\s+/);
  const near =
    parts.some((part) => !lower.includes(part)) &&
    new RegExp(
      [...joined(fold(query))].map((letter) => letter.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&")).join("[^\\p{L}\\p{N}]*"),
      "iu",
    ).exec(text);
  if (near) return [[near.index, near.index + near[0].length]];
  const out = parts
    .map((part) => [lower.indexOf(part), part.length])
    .filter(([at]) => at >= 0)
    .map(([at, length]) => /** @type {[number, number]} */ ([at, at + length]))
    .sort((a, b) => a[0] - b[0]);
  return out.filter(([from], i) => i === 0 || from >= out[i - 1][1]);
}
