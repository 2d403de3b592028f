// Who reads this page, and what they may do.

import { ApiError, get } from "./api.js";

/**
 * @typedef {object} Who GET /api/v1/session
 * @property {boolean} open nobody signs in on this server yet
 * @property {string|null} name
 * @property {string|null} role
 * @property {string[]} groups
 * @property {string[]} may somewhere
 * @property {string} [grant] another word when what they may see or do is another
 * @property {"all"|string[]} [regions] that are seen
 * @property {import("./grants.js").Granted[]} [grants] what each group shows, and allows there
 * @property {Session[]} [sessions]
 * @property {number} [waiting] vehicles nobody knows, for those who may let them in
 * @property {number} [without_token] addresses that were refused of late, for those who administer
 * @property {string} [deletes_from] when new rules of retention begin, for those who administer
 */
/** @typedef {{id: string, seen_at: string, address: string, agent: string, current: boolean}} Session */

/** @type {Who} where the server does not say */
export const ANYBODY = {
  open: false,
  name: null,
  role: null,
  groups: [],
  may: ["watch", "acknowledge", "edit_regions", "edit_vehicles"],
};

/**
 * null: nobody. What they may not do is not offered (css/people.css).
 * @param {Who} [before] as far as the server does not say; what is not allowed it refuses by itself
 * @returns {Promise<Who|null>}
 */
export async function whoAmI(before = ANYBODY) {
  let who = before;
  try {
    who = await get("session");
  } catch (fault) {
    if (fault instanceof ApiError && fault.status === 401) return null;
  }
  document.documentElement.dataset.may = who.may.join(" ");
  return who;
}
