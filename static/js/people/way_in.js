// Out of the page, to /signin, when nobody is signed in here any more.

import { signedOut } from "../net/api.js";
import { preferences } from "../model/preferences.js";
import { bare, wayIn } from "./way_back.js";

let leaving = false;
let done = false; // whoever signs out does not come back to what they looked at

/** Whoever is signed out leaves at once, and nothing of what was shown stays or comes back. */
export function letOut() {
  const back = () => ("started" in document.documentElement.dataset ? bare(location.href) : location.href);
  signedOut.on(() => leave(done ? "signin" : wayIn(back())));
  addEventListener("pageshow", (e) => e.persisted && leaving && location.reload());
}

/** The channel may hear of it before the answer is here. @param {() => Promise<any>} ask what signs out */
export async function signOut(ask) {
  done = true;
  try {
    await ask();
  } catch (fault) {
    done = false;
    throw fault;
  }
  leave("signin");
}

/** @param {string} to */
export function leave(to) {
  if (leaving) return;
  leaving = true;
  document.body.hidden = true;
  preferences().set({ mutes: {} }); // they name what was seen here, and who comes next may be somebody else
  // nobody is left to answer whether a drawing shall be kept
  addEventListener("beforeunload", (e) => e.stopImmediatePropagation(), { capture: true });
  location.replace(to);
}
