// A payload as it came, as text: a request that `tracker decode` takes. Pure.

/**
 * @typedef {object} Payload
 * @property {string} at
 * @property {string} protocol
 * @property {string|null} method
 * @property {string|null} path
 * @property {string|null} query
 * @property {Record<string, string>} headers
 * @property {string|null} body
 * @property {number} bytes
 * @property {boolean} cut
 * @property {number|null} status
 * @property {string|null} code
 * @property {string|null} message
 */

/** Null where it speaks of others too, who may not be seen. @param {Payload} payload */
export function asText({ method, path, query, headers, body, bytes, cut }) {
  if (body === null) return null;
  const end = cut ? `\n… (${bytes})` : "";
  if (!method) return body + end; // a message on a socket
  const first = `${method} ${path}${query ? `?${query}` : ""} HTTP/1.1`;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [first, ...lines, "", body].join("\n") + end;
}
