// What a report says. It carries all its languages, since it is sent to people whose language nobody asked.

/** @typedef {string|{one: string, other: string}} Sentence */

/** @type {Record<string, {locale: string, words: Record<string, Sentence>}>} */
export const LANGUAGES = {
  en: {
    locale: "en-GB",
    words: {
      title: "Fleet report",
      range: "{from} to {until}",
      zone: "Times in {zone}",
      made: "made {at}",
      vehicles: { one: "{n} vehicle", other: "{n} vehicles" },
      fixes: { one: "{n} position", other: "{n} positions" },
      events_n: { one: "{n} event", other: "{n} events" },
      stops_n: { one: "{n} stop", other: "{n} stops" },
      drawn: "lines to within {metres}",
      simulated: "This fleet is simulated.",
      nothing: "No vehicle was heard of in this time.",
      map: "Map",
      map_about: "Map of the tracks. All that is on it also stands in the tables.",
      whole: "Whole range",
      time: "Time",
      play: "Play",
      pause: "Pause",
      show: "Show",
      show_on_map: "Show on the map",
      tracks: "Tracks",
      regions: "Regions",
      heat: "Heat of stops",
      stops: "Stops",
      events: "Events",
      speed: "Speed",
      unheard: "not heard",
      vehicles_title: "Vehicles",
      vehicle: "Vehicle",
      group: "Group",
      distance: "Distance",
      driving: "Driving",
      idle: "Idle",
      stopped: "Stopped",
      top: "Top speed",
      total: "Together",
      all: "All vehicles",
      from: "From",
      until: "Until",
      lasted: "Lasted",
      where: "Where",
      what: "What",
      region: "Region",
      visits: "Visits",
      inside: "Time inside",
      more: { one: "{n} more", other: "{n} more" },
      left_out: { one: "{n} earlier event is left out.", other: "{n} earlier events are left out." },
      no_stops: "No stops.",
      corrections: "Corrected",
      why: "Why",
      by: "By",
      said_at: "Said",
      "correction.wrong_fixes": "wrong positions left out",
      "correction.move_stop": "time of a stop",
      "correction.join_trips": "one trip, not several",
      no_events: "No events.",
      close: "Close",
      "kind.enter": "came in",
      "kind.exit": "left",
      "kind.cross": "crossed",
      "kind.dwell": "stayed",
      "kind.overspeed_start": "too fast",
      "kind.overspeed_end": "no longer too fast",
      "kind.silent": "fell silent",
      "kind.heard": "heard again",
      "kind.alarm": "alarm",
      "kind.low_battery": "low battery",
      "kind.told": "told elsewhere",
    },
  },
  de: {
    locale: "de",
    words: {
      title: "Flottenbericht",
      range: "{from} bis {until}",
      zone: "Zeiten in {zone}",
      made: "erstellt {at}",
      vehicles: { one: "{n} Fahrzeug", other: "{n} Fahrzeuge" },
      fixes: { one: "{n} Position", other: "{n} Positionen" },
      events_n: { one: "{n} Ereignis", other: "{n} Ereignisse" },
      stops_n: { one: "{n} Halt", other: "{n} Halte" },
      drawn: "Linien auf {metres} genau",
      simulated: "Diese Flotte ist simuliert.",
      nothing: "In dieser Zeit war von keinem Fahrzeug etwas zu hören.",
      map: "Karte",
      map_about: "Karte der Fahrten. Alles darauf steht auch in den Tabellen.",
      whole: "Ganzer Zeitraum",
      time: "Zeit",
      play: "Abspielen",
      pause: "Anhalten",
      show: "Zeigen",
      show_on_map: "Auf der Karte zeigen",
      tracks: "Fahrten",
      regions: "Gebiete",
      heat: "Wo gehalten wurde",
      stops: "Halte",
      events: "Ereignisse",
      speed: "Tempo",
      unheard: "nichts gehört",
      vehicles_title: "Fahrzeuge",
      vehicle: "Fahrzeug",
      group: "Gruppe",
      distance: "Strecke",
      driving: "Gefahren",
      idle: "Leerlauf",
      stopped: "Gestanden",
      top: "Höchsttempo",
      total: "Zusammen",
      all: "Alle Fahrzeuge",
      from: "Von",
      until: "Bis",
      lasted: "Dauer",
      where: "Wo",
      what: "Was",
      region: "Gebiet",
      visits: "Besuche",
      inside: "Zeit darin",
      more: { one: "{n} weiteres", other: "{n} weitere" },
      left_out: { one: "{n} früheres Ereignis fehlt.", other: "{n} frühere Ereignisse fehlen." },
      no_stops: "Keine Halte.",
      corrections: "Berichtigt",
      why: "Warum",
      by: "Von",
      said_at: "Gesagt",
      "correction.wrong_fixes": "falsche Positionen weggelassen",
      "correction.move_stop": "Zeit eines Halts",
      "correction.join_trips": "eine Fahrt statt mehrerer",
      no_events: "Keine Ereignisse.",
      close: "Schließen",
      "kind.enter": "kam hinein",
      "kind.exit": "verließ",
      "kind.cross": "querte",
      "kind.dwell": "blieb",
      "kind.overspeed_start": "zu schnell",
      "kind.overspeed_end": "nicht mehr zu schnell",
      "kind.silent": "verstummte",
      "kind.heard": "wieder gehört",
      "kind.alarm": "Alarm",
      "kind.low_battery": "Akku schwach",
      "kind.told": "anderswo gemeldet",
    },
  },
};

/** @type {Record<string, [number, string, number, string]>} m/s and metres in units of the reader */
const UNITS = {
  metric: [3.6, "km/h", 1000, "km"],
  imperial: [2.2369362921, "mph", 1609.344, "mi"],
  nautical: [1.9438444924, "kn", 1852, "nmi"],
};

/**
 * How a report says things to one reader.
 * @param {readonly string[]} wanted languages @param {string|null} zone @param {string} units
 */
export function voice(wanted, zone, units) {
  const tag = wanted.map((one) => one.toLowerCase().split("-")[0]).find((one) => one in LANGUAGES) ?? "en";
  const { locale, words } = LANGUAGES[tag];
  const plural = new Intl.PluralRules(locale);
  const numbers = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const [factor, speedUnit, metres, unit] = UNITS[units] ?? UNITS.metric;
  const told = zoned(locale, zone);

  /** @param {string} key @param {Record<string, string|number>} [places] */
  function say(key, places = {}) {
    const sentence = words[key] ?? key;
    const said =
      typeof sentence === "string"
        ? sentence
        : plural.select(Number(places.n)) === "one"
          ? sentence.one
          : sentence.other;
    return said.replace(/\{(\w+)\}/g, (_, name) =>
      typeof places[name] === "number" ? numbers.format(Number(places[name])) : String(places[name] ?? ""),
    );
  }
  return {
    language: tag,
    zone: told.zone,
    speedUnit,
    say,
    count: (/** @type {number} */ n) => numbers.format(n),
    speed: (/** @type {number|null|undefined} */ mps) =>
      mps == null || mps < 0 ? "–" : `${numbers.format(Math.round(mps * factor))} ${speedUnit}`,
    /** m/s of a number in the reader's unit. @param {number} value */
    mps: (value) => value / factor,
    distance: (/** @type {number|null|undefined} */ m) => (m == null ? "–" : `${numbers.format(m / metres)} ${unit}`),
    lasted: (/** @type {number|null|undefined} */ s) => (s == null ? "–" : lasted(s)),
    day: told.day,
    clock: told.clock,
    full: told.full,
  };
}
/** @typedef {ReturnType<typeof voice>} Voice */

/** "14 s", "12 min", "1 h 5 min", "2 d 4 h". @param {number} s */
export function lasted(s) {
  if (s < 60) return `${Math.round(s)} s`;
  const minutes = Math.round(s / 60);
  if (minutes < 60) return `${minutes} min`;
  const [big, small, names] =
    minutes < 1440
      ? [Math.floor(minutes / 60), minutes % 60, ["h", "min"]]
      : [Math.floor(minutes / 1440), Math.round((minutes % 1440) / 60), ["d", "h"]];
  return small ? `${big} ${names[0]} ${small} ${names[1]}` : `${big} ${names[0]}`;
}

/** Times in the zone a report was made for; in the reader's own where there is none, or none this browser knows.
 * @param {string} locale @param {string|null} zone */
function zoned(locale, zone) {
  const made = (/** @type {Intl.DateTimeFormatOptions} */ options) => {
    try {
      return new Intl.DateTimeFormat(locale, { ...options, hourCycle: "h23", timeZone: zone ?? undefined });
    } catch {
      return new Intl.DateTimeFormat(locale, { ...options, hourCycle: "h23" });
    }
  };
  /** Each takes longer to make than a thousand tracks to read: when it is asked.
   * @param {Intl.DateTimeFormatOptions} options */
  const make = (options) => {
    /** @type {Intl.DateTimeFormat|undefined} */ let known;
    return () => {
      known ??= made(options);
      return known;
    };
  };
  const clock = make({ hour: "2-digit", minute: "2-digit" });
  const day = make({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const full = make({
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  });
  return {
    zone: full().resolvedOptions().timeZone,
    clock: (/** @type {number} */ ms) => clock().format(ms),
    day: (/** @type {number} */ ms) => day().format(ms),
    full: (/** @type {number} */ ms) => full().format(ms),
  };
}
