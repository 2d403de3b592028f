// Which vehicle is meant by what was typed: one there is, by its id or its name, or a new one. Pure.

/**
 * @param {string} text
 * @param {{vehicle: string, name: string|null}[]} known
 * @returns {{id: string, name: string, known: boolean}}
 */
export function meant(text, known) {
  const said = text.trim().normalize("NFC");
  const fold = (/** @type {string|null} */ words) => (words ?? "").toLowerCase();
  const named = known.filter((one) => said && fold(one.name) === fold(said));
  const found = known.find((one) => one.vehicle === said) ?? (named.length === 1 ? named[0] : undefined);
  return found
    ? { id: found.vehicle, name: found.name || found.vehicle, known: true }
    : { id: said, name: said, known: false };
}
