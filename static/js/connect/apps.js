// What a driver's app, or a server in front, has to be told so that it sends here. Pure data: an app is one entry.

/** @typedef {{base: string, token: string, vehicle: string}} Given `base`: this server's address, with its slash */
/**
 * @typedef {"mode"|"url"|"device"|"tracker_id"|"method"|"body"|"header"|"user"|"password"|"token"|"host"|"key"|"config"
 *   |"line"} Field
 */
/**
 * @typedef {object} App
 * @property {string} key
 * @property {string} name as its maker writes it
 * @property {("android"|"ios"|"server")[]} on
 * @property {string} protocol
 * @property {true} [gateway] it speaks for many vehicles
 * @property {true} [plain] it is known to send over HTTP without a question; of others that is not known
 * @property {(given: Given) => [Field, string][]} settings what is filled in by hand
 * @property {(given: Given) => string} [link] opens the app, which takes all of it
 * @property {(given: Given) => string} [code] to be scanned, where it is not the link
 * @property {"app"|"camera"} [scan] with what
 * @property {(given: Given) => {name: string, text: string}} [file] that the app reads
 */

/** @param {Given} given @param {string} protocol */
const at = ({ base, token }, protocol) => `${base}ingest/${protocol}/${token}`;
/** Spaces as %20: phones read + differently. @param {Record<string, string>} fields */
const query = (fields) =>
  Object.entries(fields)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");
/** @param {Given} given */
const host = ({ base }) => base.replace(/\/$/, "");

/** How often Traccar Client looks and sends: every 30 s or 50 m. */
const PACE = { accuracy: "high", distance: "50", interval: "30" };

/** OwnTracks shows two characters on the marker. @param {string} vehicle */
const trackerId = (vehicle) => (vehicle.match(/[A-Za-z0-9]/g) ?? ["v", "1"]).slice(-2).join("");
/** @param {Given} given */
const owntracks = (given) => ({
  _type: "configuration",
  mode: 3, // HTTP
  url: at(given, "owntracks"),
  deviceId: given.vehicle,
  tid: trackerId(given.vehicle),
  monitoring: 2, // move: it reports as it drives
  pubExtendedData: true, // with its battery
});
/** Standard base64 of UTF-8, as the app wants it. @param {string} text */
const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
/** @param {string} words as they may stand in a file's name */
const plain = (words) => words.replace(/[^A-Za-z0-9._-]+/g, "-");

/** @type {App[]} */
export const APPS = [
  {
    key: "traccar-client",
    name: "Traccar Client",
    on: ["android", "ios"],
    protocol: "osmand",
    plain: true,
    scan: "app",
    settings: (given) => [
      ["url", at(given, "osmand")],
      ["device", given.vehicle],
    ],
    link: (given) => `org.traccar.client://config?${query({ url: at(given, "osmand"), id: given.vehicle, ...PACE })}`,
    code: (given) => `${at(given, "osmand")}?${query({ id: given.vehicle, ...PACE })}`,
  },
  {
    key: "owntracks",
    name: "OwnTracks",
    on: ["android", "ios"],
    protocol: "owntracks",
    plain: true,
    scan: "camera",
    settings: (given) => [
      ["mode", "HTTP"],
      ["url", at(given, "owntracks")],
      ["device", given.vehicle],
      ["tracker_id", trackerId(given.vehicle)],
    ],
    link: (given) => `owntracks:///config?inline=${encodeURIComponent(base64(JSON.stringify(owntracks(given))))}`,
    file: (given) => ({ name: `${plain(given.vehicle)}.otrc`, text: JSON.stringify(owntracks(given), null, 1) }),
  },
  {
    key: "overland",
    name: "Overland",
    on: ["ios"],
    protocol: "overland",
    plain: true,
    scan: "camera",
    settings: (given) => [
      ["url", at(given, "overland")],
      ["device", given.vehicle],
    ],
    link: (given) =>
      `overland://setup?${query({ url: `${given.base}ingest/overland`, token: given.token, device_id: given.vehicle })}`,
  },
  {
    key: "osmand",
    name: "OsmAnd",
    on: ["android"],
    protocol: "osmand",
    settings: (given) => [
      [
        "url",
        `${at(given, "osmand")}?app=osmand&lat={0}&lon={1}&timestamp={2}&hdop={3}&altitude={4}&speed={5}&bearing={6}`,
      ],
    ],
  },
  {
    key: "gpslogger",
    name: "GPSLogger",
    on: ["android"],
    protocol: "osmand",
    settings: (given) => [
      ["url", `${at(given, "osmand")}?%ALL`],
      ["method", "GET"],
    ],
    file: (given) => ({
      name: `${plain(given.vehicle)}.properties`,
      text: [
        "log_customurl_enabled=true",
        `log_customurl_url=${at(given, "osmand")}?%ALL`,
        "log_customurl_method=GET",
        "log_customurl_body=",
        "log_customurl_headers=",
        "",
      ].join("\n"),
    }),
  },
  {
    key: "locus",
    name: "Locus Map",
    on: ["android"],
    protocol: "osmand",
    settings: (given) => [
      ["url", `${at(given, "osmand")}?app=locus`],
      ["method", "GET"],
    ],
  },
  {
    key: "phonetrack",
    name: "PhoneTrack",
    on: ["android"],
    protocol: "phonetrack",
    settings: (given) => [
      ["host", host(given)],
      ["token", given.token],
      ["device", given.vehicle],
    ],
  },
  {
    key: "ulogger",
    name: "μlogger",
    on: ["android"],
    protocol: "ulogger",
    plain: true,
    settings: (given) => [
      ["url", at(given, "ulogger")],
      ["user", given.vehicle],
      ["password", "tracker"],
    ],
  },
  {
    key: "homeassistant",
    name: "Home Assistant",
    on: ["server"],
    protocol: "homeassistant",
    settings: (given) => [
      [
        "config",
        `rest_command:
  tell_the_map:
    url: ${at(given, "homeassistant")}
    method: post
    content_type: application/json
    payload: >-
      {"type": "update_location", "data": {"gps": [{{ state_attr(who, 'latitude') }}, {{ state_attr(who, 'longitude') }}],
       "gps_accuracy": {{ state_attr(who, 'gps_accuracy') }}}}`,
      ],
    ],
  },
  {
    key: "dawarich",
    name: "Dawarich",
    on: ["android", "ios"],
    protocol: "overland",
    settings: (given) => [
      ["host", host(given)],
      ["key", given.token],
    ],
  },
  {
    key: "traccar",
    name: "Traccar server",
    on: ["server"],
    protocol: "traccar",
    gateway: true,
    settings: (given) => [
      [
        "config",
        `<entry key='forward.enable'>true</entry>
<entry key='forward.type'>json</entry>
<entry key='forward.url'>${at(given, "traccar")}</entry>
<entry key='forward.retry.enable'>true</entry>`,
      ],
    ],
  },
  {
    key: "flespi",
    name: "flespi",
    on: ["server"],
    protocol: "flespi",
    gateway: true,
    settings: (given) => [
      ["url", `${given.base}ingest/flespi`],
      ["method", "POST"],
      ["header", `Authorization: Bearer ${given.token}`],
    ],
  },
  {
    key: "webhook",
    name: "Webhook",
    on: ["server"],
    protocol: "webhook",
    gateway: true,
    settings: (given) => [
      ["url", `${at(given, "webhook")}/NAME`],
      ["method", "POST"],
    ],
  },
  {
    key: "curl",
    name: "curl",
    on: ["server"],
    protocol: "osmand",
    plain: true,
    settings: (given) => [
      ["line", `curl "${at(given, "osmand")}?lat=60.1712&lon=24.944&timestamp=$(date +%s)&accuracy=8&batt=80"`],
      ["url", `${given.base}api/v1/positions`],
      ["header", `Authorization: Bearer ${given.token}`],
      ["body", JSON.stringify({ vehicle: given.vehicle, time: "2026-11-23T09:00:00Z", lat: 60.1712, lon: 24.944 })],
    ],
  },
];

/** @param {string} key */
export const appOf = (key) => APPS.find((app) => app.key === key);

/** What is drawn as a code for it, if anything. @param {App} app @param {Given} given */
export const scanned = (app, given) => (app.code ?? app.link)?.(given) ?? "";
