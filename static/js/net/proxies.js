// Where HTTP passes and no WebSocket does, something between the page and the server broke it: what, and what to paste.
// Pure.

import { say } from "../words/words.js";

const NGINX = `# nginx
location / {
    proxy_pass http://127.0.0.1:8000;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
    proxy_set_header Host $http_host;
}`;
const CADDY = `# Caddy: passes upgrades and Host by itself; no header_up Host
reverse_proxy 127.0.0.1:8000`;
const HAPROXY = `# haproxy: passes upgrades and Host by itself; no set-header Host
backend tracker
    timeout tunnel 1h
    server tracker 127.0.0.1:8000`;
/** What a proxy needs to say, for each of the usual ones. */
export const LINES = [NGINX, CADDY, HAPROXY].join("\n\n");

/**
 * @param {{page: URL|Location, host: string|null, refused: boolean}} seen the page's address; the Host the server was
 *   told; whether it refuses what a page of this origin does
 * @returns {{words: string, lines: string}}
 */
export function diagnosis({ page, host, refused }) {
  if (refused && host && host.toLowerCase() !== page.host.toLowerCase())
    return { words: say("proxy.host", { host, page: page.host }), lines: LINES };
  if (refused)
    return {
      words: say("proxy.origin", { origin: page.origin }),
      lines: `# tracker.toml\norigins = ["${page.origin}"]\n\n${LINES}`,
    };
  return { words: say("proxy.upgrade"), lines: LINES };
}
