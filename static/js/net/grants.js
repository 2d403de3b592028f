// What the reader's groups allow, and where: as GET /api/v1/session tells it. Pure; the server decides all the same.

/** @typedef {{regions: "all"|string[], vehicles: "all"|string[], may: string[], coarse_m?: number}} Granted */

/**
 * The groups in which regions may be drawn. null: any, and none.
 * @param {Granted[]|undefined} grants undefined: the server does not say, or nobody signs in
 * @returns {string[]|null}
 */
export function drawn(grants) {
  const drawing = (grants ?? []).filter((one) => one.may.includes("edit_regions"));
  if (!grants || drawing.some((one) => one.regions === "all")) return null;
  return [...new Set(drawing.flatMap((one) => one.regions))].sort();
}

/** @param {Granted[]|undefined} grants @param {any} region a Feature */
export function mayDraw(grants, region) {
  const groups = drawn(grants);
  return groups === null || groups.includes(region?.properties.group);
}
