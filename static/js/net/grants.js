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

/** May the past be seen as it came? @param {Granted[]|undefined} grants undefined: nobody signs in */
export const seesEverything = (grants) =>
  !grants || grants.some((one) => one.regions === "all" && one.vehicles === "all" && !one.coarse_m);

/**
 * What of a vehicle is not told: where it was outside of `regions`, and its places better than cells of `coarse_m`.
 * @param {Granted[]|undefined} grants @param {string|null} group of the vehicle
 */
export function limits(grants, group) {
  const parts = (grants ?? []).filter(({ vehicles }) => vehicles === "all" || (group && vehicles.includes(group)));
  const regions = parts.length > 0 && parts.every((one) => one.regions !== "all");
  return { regions, coarse_m: parts.length ? Math.min(...parts.map((one) => one.coarse_m ?? 0)) : 0 };
}

/**
 * Is something of what was seen or done before not any more? Another region, vehicle or verb is no loss.
 * @param {{grants?: Granted[], regions?: "all"|string[]}} before
 * @param {{grants?: Granted[], regions?: "all"|string[]}} now
 */
export function lost(before, now) {
  const same = new Set((now.grants ?? []).map((one) => JSON.stringify(one)));
  const groups = (before.grants ?? []).some((one) => !same.has(JSON.stringify(one)));
  const { regions } = now;
  const shown = before.regions ?? "all";
  const gone = Array.isArray(regions) && (shown === "all" || shown.some((id) => !regions.includes(id)));
  return { groups, any: groups || gone };
}

/**
 * What an empty map may say to its reader: how a vehicle is connected ("open"; with a "token", where devices need one),
 * or why none is seen ("groups": none of theirs shows anything; "elsewhere": none is where they see).
 * @param {{name: string|null, role: string|null, may: string[]}} who
 * @returns {"open"|"token"|"groups"|"elsewhere"}
 */
export function whyEmpty({ name, role, may }) {
  if (name === null) return "open";
  if (role === "administrator") return "token";
  return may.includes("watch") ? "elsewhere" : "groups";
}
