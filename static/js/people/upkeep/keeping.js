// What the store holds and what its rules ask for, as a page shows it.

/**
 * @typedef {{day: string, kept: number, thinned: number, gone: number, bytes: number}} Day
 * @typedef {{group: string, whole_days: number, thinned_days: number|null}} Rule
 * @typedef {object} Rules
 * @property {Rule[]} groups
 * @property {number} due
 * @property {number} due_gone
 * @property {string|null} begins_at
 * @property {{at: string, thinned: number, gone: number}|null} next
 * @typedef {object} Store
 * @property {Day[]} days
 * @property {number} kept
 * @property {number} waiting
 * @property {number} bytes
 * @property {number} file_bytes
 * @property {number|null} free_bytes  of a database nothing is known here
 * @property {Rules} retention
 * @typedef {object} Work
 * @property {"none"|"working"|"done"|"failed"|"given_up"} state
 * @property {number} progress
 * @property {string|null} ended_at
 * @property {{code: string, detail: string}|null} error
 */

const ALL = "*";

/** The newest first, so many at most. @param {Day[]} days @param {number} most */
export const newest = (days, most) => [...days].reverse().slice(0, most);

/** What is said above everything: new rules wait; something is due; nothing. @param {Rules} rules
 * @returns {"waits"|"due"|null} */
export const notice = ({ due, begins_at }) => (due === 0 ? null : begins_at ? "waits" : "due");

/**
 * A rule in pieces to be said one after the other.
 * @param {Rule} rule
 * @returns {{key: "kept.rule.whole"|"kept.rule.thinned"|"kept.rule.always"|"kept.rule.gone", n?: number}[]}
 */
export function spans({ whole_days, thinned_days }) {
  if (thinned_days === null) return [{ key: "kept.rule.whole", n: whole_days }, { key: "kept.rule.always" }];
  const thins = thinned_days > whole_days;
  return [
    { key: "kept.rule.whole", n: whole_days },
    ...(thins ? [{ key: /** @type {const} */ ("kept.rule.thinned"), n: thinned_days }] : []),
    { key: "kept.rule.gone" },
  ];
}

/** Rules of groups by their names, that of all others last. @param {Rule[]} rules */
export const inOrder = (rules) =>
  [...rules].sort((a, b) => Number(a.group === ALL) - Number(b.group === ALL) || a.group.localeCompare(b.group));

/** Whose the rule is; null: a group of this name. @param {Rule} rule @param {number} rules how many there are
 * @returns {"kept.rule.all"|"kept.rule.others"|null} */
export const whose = ({ group }, rules) => (group !== ALL ? null : rules === 1 ? "kept.rule.all" : "kept.rule.others");
