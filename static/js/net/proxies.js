// Where HTTP passes and no WebSocket does, something between the page and the server broke it: what, and what to paste. Pure.

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

/** @param {{page: URL|Location, host: string|null, refused: boolean}} seen the page's address; the Host the server was told; whether it refuses what a page of this origin does
 * @returns {{words: string, lines: string}} */
export function diagnosis({ page, host, refused }) {
  if (refused && host && host.toLowerCase() !== page.host.toLowerCase())
    return { words: `No WebSocket passes: a proxy tells the server that it is called ${host}, and the browser says ${page.host}. The server refuses that as a page of another site. Have the proxy pass Host as it came:`, lines: LINES };
  if (refused) return { words: `No WebSocket passes: the server refuses pages from ${page.origin}. Allow it in tracker.toml, or have the proxy pass Origin and Host as they came:`, lines: `# tracker.toml\norigins = ["${page.origin}"]\n\n${LINES}` };
  return { words: "No WebSocket passes, though HTTP does: a proxy between here and the server does not pass the upgrade on. The map works by slower means meanwhile. What it needs:", lines: LINES };
}
