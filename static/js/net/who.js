// Who reads this page, and what they may do.

import { ApiError, get } from "./api.js";

/**
 * @typedef {object} Who GET /api/v1/session
 * @property {boolean} open nobody signs in on this server yet
 * @property {string|null} name
 * @property {string|null} role
 * @property {string[]} groups
 * @property {string[]} may somewhere
 * @property {import("./grants.js").Granted[]} [grants] what each group shows, and allows there
 * @property {Session[]} [sessions]
 * @property {number} [waiting] vehicles nobody knows, for those who may let them in
 * @property {number} [without_token] addresses that were refused of late, for those who administer
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

/** null: nobody. What they may not do is not offered (css/people.css). @returns {Promise<Who|null>} */
export async function whoAmI() {
  try {
    const who = await get("session");
    document.documentElement.dataset.may = who.may.join(" ");
    return who;
  } catch (fault) {
    if (fault instanceof ApiError && fault.status === 401) return null;
    document.documentElement.dataset.may = ANYBODY.may.join(" ");
    return ANYBODY; // what is not allowed the server refuses by itself
  }
}
