// Work of the server that is watched until it is over, through whatever happens to the way there.

import { get } from "../../net/api.js";

const WAIT_S = 10; // the server answers sooner when it has come further
const AGAIN_MS = 3000; // it was not reached

/**
 * @template {{state: string}} T
 * @param {string} path
 * @param {HTMLElement} element watched while it is on the page
 * @param {(work: T) => void} show how far it is; the last time, how it ended
 * @param {() => void} away the server is not reached
 */
export async function watch(path, element, show, away) {
  while (element.isConnected) {
    try {
      const work = await get(path, { wait_s: WAIT_S });
      if (!element.isConnected) return;
      show(work);
      if (work.state !== "working") return;
    } catch {
      away();
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
  }
}
