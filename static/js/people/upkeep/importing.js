// What an import says of itself, as a page shows it.

/**
 * @typedef {object} Import
 * @property {"none"|"working"|"done"|"failed"|"given_up"} state
 * @property {number} progress
 * @property {string|null} ended_at
 * @property {{code: string, detail: string}|null} error
 * @property {string|null} name
 * @property {{name: string, format: string, items: number, notes: string[]}[]} files
 * @property {number} items
 * @property {number|null} positions
 * @property {number} accepted
 * @property {number} late
 * @property {number} held
 * @property {number} duplicates
 * @property {number} conflicts
 * @property {number} rejected
 * @property {{where: string, code: string, message: string}[]} errors
 * @property {{reason: string, count: number, means: string, where: string[]}[]} skipped
 */

const ENDING = /((?:\.[a-z0-9]{1,8}){1,2})$/i;

/** What a file is called without what says its format: "monday" of "monday.csv.gz". @param {string} name */
export const stem = (name) => name.replace(ENDING, "") || name;

/** A file under another name, for the vehicle that it is of. @param {string} vehicle @param {string} name */
export const renamed = (vehicle, name) => (vehicle.trim() || stem(name)) + (ENDING.exec(name)?.[1] ?? "");

/** How much of it is done; null: nobody knows how much there is. @param {Import} work */
export const share = ({ state, positions, progress }) => (state === "working" && positions === null ? null : progress);

/** How many went in, and how: what is none is not told, but for those taken. @param {Import} work */
export function counts({ accepted, late, held, duplicates, conflicts, rejected, skipped }) {
  const all = /** @type {const} */ ([
    ["accepted", accepted],
    ["late", late],
    ["held", held],
    ["duplicates", duplicates],
    ["conflicts", conflicts],
    ["rejected", rejected],
    ["skipped", skipped.reduce((sum, one) => sum + one.count, 0)],
  ]);
  return all.filter(([name, n]) => n > 0 || name === "accepted");
}

/** The formats it was read by, each once. @param {Import} work */
export const formats = ({ files }) => [...new Set(files.map((one) => one.format))];

/**
 * Where in a file of regions something is wrong, as far as the server says.
 * @param {{line?: number, name?: string, index?: number, field?: string}} error
 * @returns {{key: "import.line"|"import.feature", n: number}[]}
 */
export const places = ({ line, index }) => [
  ...(index === undefined ? [] : [{ key: /** @type {const} */ ("import.feature"), n: index + 1 }]),
  ...(line === undefined ? [] : [{ key: /** @type {const} */ ("import.line"), n: line }]),
];
