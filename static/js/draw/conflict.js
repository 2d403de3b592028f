// Somebody saved a region first: what they changed, who it was, and the two ways on.

import { h } from "../parts/dom.js";
import * as format from "../words/format.js";
import { pieces, say } from "../words/words.js";

const TOLD = /** @type {const} */ (["name", "color", "group", "rules", "notify", "radius_m", "buffer_m", "debounce"]);

/** What differs, in words. @param {any} before @param {any} newer @returns {string[]} */
export function differences(before, newer) {
  const differs = (/** @type {any} */ a, /** @type {any} */ b) => JSON.stringify(a) !== JSON.stringify(b);
  const what = TOLD.filter((key) => differs(before.properties[key], newer.properties[key]));
  return [
    ...(differs(before.geometry, newer.geometry) ? [say("card.what.shape")] : []),
    ...what.map((key) => say(`card.what.${key}`)),
  ];
}

/**
 * @param {any} before what the reader began with
 * @param {any} newer what there is now
 * @param {string} zone
 * @param {{mine: () => void, theirs: () => void}} ways
 */
export function conflict(before, newer, zone, { mine, theirs }) {
  const { attributes, updated_at } = newer.properties;
  const what = differences(before, newer).join(", ");
  const time = format.clock(Date.parse(updated_at), zone);
  const name = attributes?.updated_by;
  const changed = h("b", null, name ? say("card.changed.by", { name, time }) : say("card.changed", { time }));
  const way = (/** @type {string} */ words, /** @type {() => void} */ onclick) =>
    h("button", { type: "button", class: "link", onclick }, words);
  return h(
    "span",
    null,
    what ? pieces("card.changed.what", /** @type {any} */ ({ changed, what })) : [changed, "."],
    " ",
    way(say("card.mine"), mine),
    " ",
    way(say("card.theirs"), theirs),
  );
}
