// Taking back what was done to a region: drawn, changed, deleted. Never over what somebody else did since.

import { ApiError, call, regionPath } from "../net/api.js";
import { say } from "../words/words.js";

/** Computed by the server; not part of what is saved. */
export const COMPUTED = new Set(["version", "inside_count", "area_m2", "perimeter_m", "updated_at"]);

/** As it is sent. @param {any} feature */
export function stored({ id, geometry, properties }) {
  return {
    type: "Feature",
    id,
    geometry,
    properties: Object.fromEntries(Object.entries(properties).filter(([key]) => !COMPUTED.has(key))),
  };
}

/**
 * Taking back makes a version too; what was done before stands on that one then: "id/version" → version.
 * @type {Map<string, number>}
 */
const became = new Map();
/** @param {string} id @param {number} version @returns {number} */
const newest = (id, version) =>
  became.has(`${id}/${version}`) ? newest(id, Number(became.get(`${id}/${version}`))) : version;

/** @param {() => Promise<any>} asked @param {any} before @param {string} clash @returns {Promise<any>} */
async function put(asked, before, clash) {
  try {
    const after = await asked();
    if (after && before) became.set(`${before.id}/${before.properties.version}`, after.properties.version);
    return after;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 412 || error.status === 404)) throw new Error(clash);
    throw error;
  }
}

/** @param {any} feature */
const nameOf = (feature) => feature.properties.name || feature.id;

/** @param {any} feature as it was @returns {import("../model/deeds.js").Deed} */
export const deleted = (feature) => ({
  icon: "trash",
  title: say("region.did.deleted", { name: nameOf(feature) }),
  body: say("region.events_stay"),
  undo: async () => {
    await put(
      () => call("PUT", regionPath(feature.id), { body: stored(feature), headers: { "if-none-match": "*" } }),
      feature,
      say("region.redrawn"),
    );
    return say("region.is_back", { name: nameOf(feature) });
  },
});

/** @param {any} before null: it is new @param {any} after @returns {import("../model/deeds.js").Deed} */
export const saved = (before, after) => ({
  icon: before ? "edit" : "check",
  title: say(before ? "region.did.changed" : "region.did.created", { name: nameOf(after) }),
  undo: async () => {
    const headers = { "if-match": `"${newest(after.id, after.properties.version)}"` };
    const clash = say("region.changed_since");
    if (before) await put(() => call("PUT", regionPath(after.id), { body: stored(before), headers }), before, clash);
    else await put(() => call("DELETE", regionPath(after.id), { headers }), null, clash);
    return before
      ? say("region.as_it_was", { name: nameOf(before) })
      : say("region.gone_again", { name: nameOf(after) });
  },
});
