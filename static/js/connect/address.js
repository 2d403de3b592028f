// Whether a phone can send to an address: the one this page came from is not always good for another machine. Pure.

const LOOPBACK = /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\]|0\.0\.0\.0|\[::\])$/;
const PRIVATE =
  /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|\[f[cd]|\[fe80)|\.(local|lan|internal|home|home\.arpa)$/;

/** @typedef {"wrong"|"loopback"|"alone"|"plain"|"private"} Trouble */

/**
 * The address with its slash, "" for one that is none.
 * @param {string} text as somebody wrote it
 */
export function baseOf(text) {
  const said = text.trim();
  try {
    const url = new URL(/^[a-z]+:\/\//i.test(said) ? said : `https://${said}`);
    if (!["http:", "https:"].includes(url.protocol) || !url.hostname || url.username) return "";
    return url.origin + url.pathname.replace(/\/*$/, "/");
  } catch {
    return "";
  }
}

/**
 * What is wrong with it for a device elsewhere; nothing, where it is of no concern.
 * @param {string} base
 * @param {boolean} alone the server listens to its own machine only, with no proxy before it
 * @returns {Trouble[]}
 */
export function troublesOf(base, alone) {
  if (!base) return ["wrong"];
  const { hostname, protocol } = new URL(base);
  if (LOOPBACK.test(hostname)) return [alone ? "alone" : "loopback"];
  const own = PRIVATE.test(hostname) || !/[.:]/.test(hostname);
  return [
    ...(protocol === "http:" ? /** @type {const} */ (["plain"]) : []),
    ...(own ? /** @type {const} */ (["private"]) : []),
  ];
}

/**
 * Other addresses of the same server, by which machines around it may reach it.
 * @param {string} base
 * @param {{addresses: string[], port: number, scheme: string}} where
 */
export function others(base, { addresses, port, scheme }) {
  const usual = port === (scheme === "https" ? 443 : 80);
  return addresses
    .map((one) => `${scheme}://${one.includes(":") ? `[${one}]` : one}${usual ? "" : `:${port}`}/`)
    .filter((one) => one !== base);
}
