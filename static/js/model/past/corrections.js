// What a reader may correct of a leg of a day, and what they said, as it is sent. Pure.

/** @typedef {import("../day.js").Leg} Leg */
/**
 * @typedef {object} Choice one thing that may be otherwise
 * @property {"wrong_fixes"|"move_stop"|"join_trips"} what
 * @property {number} from
 * @property {number} until of fixes: the time of the last one
 */

/**
 * What may be otherwise about a leg; `fixes`: when those that are pointed out were, the first and the last.
 * @param {Leg[]} legs
 * @param {Leg} leg
 * @param {[first: number, last: number]|null} fixes
 * @returns {Choice[]}
 */
export function choices(legs, leg, fixes) {
  const at = legs.indexOf(leg);
  const [before, after] = [legs[at - 1], legs[at + 1]];
  /** @type {Choice[]} */ const found = [];
  if (leg.kind === "stop") found.push({ what: "move_stop", from: leg.from, until: leg.until });
  if (leg.kind !== "trip" && before?.kind === "trip" && after?.kind === "trip")
    found.push({ what: "join_trips", from: before.from, until: after.until });
  if (leg.kind !== "gap") {
    const [from, until] = fixes ?? [leg.from, leg.until];
    found.push({ what: "wrong_fixes", from, until });
  }
  return found;
}

/**
 * "10:42:07" of a day as an instant, by the clock there; the text of an instant stays that instant, to the millisecond.
 * @param {string} text
 * @param {number} was
 * @param {{from: number, until: number}} day
 * @param {(ms: number) => string} clock
 */
export function instant(text, was, day, clock) {
  const whole = text.length === 5 ? `${text}:00` : text;
  if (whole === clock(was)) return was;
  const [hours, minutes, seconds] = whole.split(":").map(Number);
  const plain = day.from + ((hours * 60 + minutes) * 60 + seconds) * 1000;
  for (const shift of [0, -60, 60, -30, 30]) {
    const ms = plain + shift * 60_000; // the clock may have been changed that day
    if (ms >= day.from && ms <= day.until && clock(ms) === whole) return ms;
  }
  return plain;
}

/**
 * As the server takes it; null: nothing would be otherwise.
 * @param {string} vehicle
 * @param {Choice} choice
 * @param {number} from
 * @param {number} until
 * @param {string} why
 */
export function correction(vehicle, { what, from: was, until: ended }, from, until, why) {
  const told = { vehicle, what, from: new Date(was).toJSON(), until: new Date(ended).toJSON(), why };
  if (what === "join_trips") return told;
  if (what === "move_stop") {
    if (from === was && until === ended) return null;
    return {
      ...told,
      ...(from === was ? {} : { new_from: new Date(from).toJSON() }),
      ...(until === ended ? {} : { new_until: new Date(until).toJSON() }),
    };
  }
  // A clock shows seconds: all fixes of the last one are meant; of an instant, the one.
  const last = until + (until === ended ? 1 : 1000);
  return { ...told, from: new Date(from).toJSON(), until: new Date(last).toJSON() };
}
