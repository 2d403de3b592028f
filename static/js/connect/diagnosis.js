// What is told of a device that is being connected, of what the server has heard of it. Pure.

/**
 * @typedef {object} Heard the last request, as GET /api/v1/tokens/{id} tells it
 * @property {string} at
 * @property {string} address
 * @property {string} scheme
 * @property {string} protocol
 * @property {Record<string, number>} counts
 * @property {string|null} code
 * @property {string|null} message
 * @property {string[]} waiting
 */
/**
 * @typedef {object} Position
 * @property {string} time
 * @property {number|null} lat
 * @property {number|null} lon
 * @property {number} [accuracy_m]
 * @property {number} [battery_pct]
 * @property {any} [attributes]
 */
/** @typedef {{at: string, vehicle: string, name: string, position: Position}} Seen */
/** @typedef {{address: string, asked: string, at: string, message?: string}} Away somebody without a good token */

/**
 * `waiting`: nothing to act on. `held`: vehicles wait to be let in. `wrong`: somebody has to do something.
 * `done`: it is on the map; with a `code` something is to be mended all the same.
 * @typedef {object} Told
 * @property {"waiting"|"held"|"wrong"|"done"} how
 * @property {string} code what is told; "" in `done`: all is well
 * @property {string} [message] the server's words
 * @property {number} [off_ms] how far its clock is off
 * @property {string} [protocol] where it was sent to
 * @property {string[]} [vehicles]
 * @property {Away[]} [away]
 */

const QUIET_MS = 120_000; // so long nothing need be wrong
const OLD_MS = 300_000; // of a newest position: it waited in the device, or its clock is behind

/**
 * @param {{heard: Heard|null, seen: Seen|null, created_at: string}} token
 * @param {Away[]} without who was turned away of late
 * @param {number} now the server's, ms
 * @returns {Told}
 */
export function diagnose({ heard, seen, created_at }, without, now) {
  if (heard?.waiting.length) return { how: "held", code: "waiting", vehicles: heard.waiting };
  const wrong = heard?.code ? fault(heard) : null;
  if (seen && seen.position.lat !== null)
    return {
      ...(wrong?.code === "clock_behind" ? { ...wrong, off_ms: age(seen) } : (wrong ?? aged(seen))),
      how: "done",
    };
  if (wrong) return { how: "wrong", ...wrong };
  if (seen) return { how: "waiting", code: "alive" };
  if (heard) return { how: "waiting", code: heard.counts.items ? "no_position" : "nothing", protocol: heard.protocol };
  const since = Date.parse(created_at);
  const away = without.filter((one) => Date.parse(one.at) >= since && /\/ingest\/|\/positions|\/pub/.test(one.asked));
  if (away.length) return { how: "wrong", code: "wrong_token", away };
  return { how: "waiting", code: now - since > QUIET_MS ? "quiet" : "listening" };
}

/** @param {Heard} heard @returns {{code: string, message: string, protocol: string, off_ms?: number}} */
function fault({ code, message, protocol }) {
  const ahead = code === "time_in_future" ? /(\d+) s ahead/.exec(message ?? "") : null;
  return {
    code: String(code),
    message: message ?? "",
    protocol,
    ...(ahead ? { off_ms: Number(ahead[1]) * 1000 } : {}),
  };
}

/** The newest position that came may be an old one. @param {Seen} seen @returns {{code: string, off_ms?: number}} */
function aged(seen) {
  if (seen.position.attributes?.time_repaired) return { code: "repaired" };
  return age(seen) > OLD_MS ? { code: "old", off_ms: age(seen) } : { code: "" };
}

/** When it came. @param {Seen} seen */
const age = ({ at, position }) => Date.parse(at) - Date.parse(position.time);
