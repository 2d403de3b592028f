// What a change changed, field by field. Pure.

/** @typedef {{field: string, before: string, after: string}} Difference "" where there was or is nothing */

/** @param {any} before @param {any} after @returns {Difference[]} */
export function differences(before, after) {
  const fields = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  return [...fields]
    .map((field) => ({ field, before: told(before?.[field]), after: told(after?.[field]) }))
    .filter((one) => one.before !== one.after);
}

/** @param {any} value @returns {string} */
function told(value) {
  if (value == null) return "";
  if (Array.isArray(value) && value.every((one) => typeof one !== "object")) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** What a person lists, one a line or between commas. @param {string} text */
export const listed = (text) => [
  ...new Set(
    text
      .split(/[,\n]/)
      .map((one) => one.trim())
      .filter(Boolean),
  ),
];
