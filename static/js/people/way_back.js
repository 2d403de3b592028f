// Where somebody goes who has signed in, and the secret of a link. Pure.

/**
 * The way back: an address of this server, below the page's own folder; anything else is the map. Whoever sends
 * somebody a link to /signin does not choose where they go from there.
 * @param {string|null} next @param {string} base the page's own address
 */
export function wayBack(next, base) {
  const home = new URL("./", base);
  try {
    const url = new URL(next ?? "", home);
    const below = url.pathname.startsWith(home.pathname) && !url.pathname.startsWith("//"); // as `/.//host` becomes
    const ours = url.origin === home.origin && below && url.pathname !== signIn(home);
    return next && ours ? url.pathname + url.search + url.hash : home.pathname;
  } catch {
    return home.pathname;
  }
}

/** @param {URL} home */
const signIn = (home) => new URL("signin", home).pathname;

/** To /signin, and from there back here. @param {string} here the page's own address */
export function wayIn(here) {
  const { origin, href } = new URL(here);
  return `signin?next=${encodeURIComponent(href.slice(origin.length))}`;
}

/** An address that names nothing of what was looked at there but the place on the map. @param {string} here */
export function bare(here) {
  const url = new URL(here);
  const link = new URLSearchParams(url.hash.slice(1));
  if (url.hash.includes("=")) url.hash = link.has("map") ? `map=${link.get("map")}` : "";
  return url.href;
}

/** The secret a link carries behind its #; null: it carries none. @param {string} hash */
export const secretOf = (hash) => (/^#trk_[\w-]+$/.test(hash) ? hash.slice(1) : null);
