import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Journal, muted, raises } from "../../../static/js/model/events.js";
import { explain, tell } from "../../../static/js/words/phrases.js";
import { START, misread, readLink, stepped, writeLink } from "../../../static/js/model/choices.js";
import { PREFERENCES, preferences, sane } from "../../../static/js/model/preferences.js";

const event = (seq, more = {}) => ({
  seq,
  id: `e${seq}`,
  kind: "enter",
  vehicle: "van",
  region: "depot",
  time: new Date(1e12 + seq * 1000).toISOString(),
  received_at: new Date(1e12 + seq * 1000).toISOString(),
  reason: "moved",
  lat: 60,
  lon: 24,
  ...more,
});

test("each event is kept once and in order, however it comes", () => {
  const journal = new Journal();
  assert.equal(journal.add([event(2), event(1)]).length, 2);
  assert.equal(journal.add([event(2), event(5)]).length, 1);
  journal.add([event(3)]);
  assert.deepEqual(
    journal.events.map((e) => e.seq),
    [5, 3, 2, 1],
  );
  assert.equal(journal.last, 5);
});

test("an acknowledgement that comes before its event is not lost", () => {
  const journal = new Journal();
  journal.ack("e1", "Dana", "2026-11-23T10:00:00.000Z");
  journal.add([event(1)]);
  assert.equal(journal.events[0].ack.by, "Dana");
  journal.ack("e1", null, "");
  assert.equal(journal.events[0].ack, undefined);
});

test("what others acknowledged or took back meanwhile is taken from the store", () => {
  const journal = new Journal();
  journal.add([event(1), event(2, { ack: { by: "Dana", at: "" } })]);
  journal.refresh([event(1, { ack: { by: "Ines", at: "" } }), event(2), event(3)]);
  assert.deepEqual(
    journal.events.map((e) => e.ack?.by),
    [undefined, "Ines"],
  );
});

test("who doubts an event is taken from the store, and who does no more", () => {
  const journal = new Journal();
  const doubted = [{ id: "c1", by: "Ada", at: "", why: "another van" }];
  journal.add([event(1), event(2, { doubted })]);
  journal.refresh([event(1, { doubted }), event(2)]);
  assert.deepEqual(
    journal.events.map((e) => e.doubted),
    [undefined, doubted],
  );
});

test("an erased event goes, and its place in the log counts", () => {
  const journal = new Journal();
  const erased = (seq) => ({ seq, id: `e${seq}`, kind: "erased", time: event(seq).time });
  journal.add([event(2), event(3)]);
  assert.deepEqual(journal.add([erased(1), erased(2), erased(4)]), []);
  assert.deepEqual([journal.events.map((e) => e.seq), journal.last, journal.oldest], [[3], 4, 1]);
  journal.refresh([erased(2), event(3, { ack: { by: "Ann", at: "" } })]);
  assert.equal(journal.events[0].ack.by, "Ann");
});

test("what those who were away are told is understood", () => {
  const golden = (name) =>
    JSON.parse(readFileSync(new URL(`../../../fixtures/wire/${name}.json`, import.meta.url), "utf8"));
  const journal = new Journal();
  const told = golden("caught_up");
  journal.add([...golden("update").events, event(41, { id: "event41" })]);
  for (const { id, by, at } of golden("update").acked) journal.ack(id, by, at);
  assert.equal(journal.events[0].ack.by, "Ann");
  journal.add(told.events);
  for (const { id, by, at } of told.acked) journal.ack(id, by, at);
  assert.deepEqual(
    journal.events.map(({ seq, ack }) => [seq, ack?.by]),
    [
      [42, undefined],
      [41, "Ann"],
    ],
  );
  assert.equal(journal.last, 43);
});

test("another log shows by another event in a known place", () => {
  const journal = new Journal();
  journal.add([event(1), event(2)]);
  assert.equal(journal.differs([event(2), event(3)]), false);
  assert.equal(journal.differs([event(9)]), false);
  assert.equal(journal.differs([event(2, { id: "other" })]), true);
});

test("repeats within five minutes fold into one row", () => {
  const journal = new Journal();
  journal.add([event(1), event(2), event(3, { kind: "exit" }), event(1000)]);
  assert.deepEqual(
    journal.groups(() => true).map((g) => g.events.length),
    [1, 1, 2],
  );
});

test("a region decides what is raised, and what is delayed never is", () => {
  assert.equal(raises(event(1), undefined), true);
  assert.equal(raises(event(1), ["dwell"]), false);
  assert.equal(raises(event(1, { delayed: true }), undefined), false);
  assert.equal(raises(event(1, { kind: "alarm", region: undefined }), undefined), true);
  assert.equal(raises(event(1, { kind: "heard", region: undefined }), undefined), false);
});

test("an alarm is raised however late, up to a day, and says how long ago it was", () => {
  const names = { vehicle: () => "Van 12", region: () => "", units: /** @type {const} */ ("metric") };
  const late = (/** @type {number} */ minutes, more = {}) =>
    event(1, {
      kind: "alarm",
      region: undefined,
      alarm: "sos",
      delayed: true,
      received_at: new Date(1e12 + 1000 + minutes * 60_000).toISOString(),
      ...more,
    });
  assert.equal(raises(late(6), undefined), true);
  assert.equal(raises(late(24 * 60), undefined), true);
  assert.equal(raises(late(24 * 60 + 1), undefined), false);
  assert.equal(tell(late(6), names, 1e12 + 1000 + 7 * 60_000), "Van 12 raised an alarm sos, pressed 7 min ago");
  assert.equal(tell(late(6), names), "Van 12 raised an alarm sos, came 6 min late");
  assert.equal(tell(late(0), names, 1e12 + 1000), "Van 12 raised an alarm sos");
  assert.ok(!explain(late(6), "metric", String).join(" ").includes("nothing was raised"));
});

test("an alarm without a place does not claim one", () => {
  const names = { vehicle: () => "Van 12", region: () => "", units: /** @type {const} */ ("metric") };
  const sos = { kind: "alarm", region: undefined, alarm: "sos", placed: false };
  assert.equal(tell(event(1, sos), names), "Van 12 raised an alarm sos, at its last known place");
  assert.equal(tell(event(1, { ...sos, lat: 0, lon: 0 }), names), "Van 12 raised an alarm sos, place not known");
});

test("a mute ends by itself", () => {
  assert.equal(muted(event(1), { "region:depot": 100 }, 99), true);
  assert.equal(muted(event(1), { "region:depot": 100 }, 100), false);
  assert.equal(muted(event(1), { "vehicle:other": 100 }, 0), false);
});

test("a mute silences its own region, vehicle or kind and nothing else", () => {
  const one = event(1);
  const other = event(2, { vehicle: "bus", region: "yard", kind: "exit" });
  for (const key of ["region:depot", "vehicle:van", "kind:enter"]) {
    assert.equal(muted(one, { [key]: 100 }, 50), true, key);
    assert.equal(muted(one, { [key]: 100 }, 100), false, key);
    assert.equal(muted(other, { [key]: 100 }, 50), false, key);
  }
  assert.equal(muted(event(3, { region: undefined }), { "region:undefined": 100 }, 50), false);
});

test("an event reads as a sentence and can be explained", () => {
  const names = { vehicle: () => "Van 12", region: () => "Depot N", units: /** @type {const} */ ("metric") };
  assert.equal(tell(event(1, { kind: "exit", duration_s: 760 }), names), "Van 12 left Depot N after 12 min");
  const why = explain(
    event(1, {
      why: {
        from: { time: 5000, edge_m: 14 },
        to: { time: "1970-01-01T00:00:09Z", edge_m: -22, accuracy_m: 8 },
        enter_m: -8,
        exit_m: 20,
        debounce: "accuracy",
      },
    }),
    "metric",
    (time) => `at ${time}`,
  )
    .map((line) => line.join(""))
    .join(" ");
  assert.match(
    why,
    /at 5000: 14 m outside.*at 9000: 22 m inside the edge \(accurate to 8 m\).*8 m within.*20 m beyond/,
  );
  const only = explain(event(1, { why: { to: { time: 7, edge_m: null } } }), "metric", (time) => `at ${time}`);
  assert.equal(only[0].join(""), "The only fix that decided, at 7: the region has no edge.");
});

test("a link says everything and is read back the same", () => {
  const state = {
    ...START,
    map: { zoom: 13.5, lat: 60.17, lon: 24.94 },
    vehicle: "van/ö 1,2",
    day: "2026-03-11",
    leg: 1773208800000,
    region: "depot",
    tab: /** @type {const} */ ("regions"),
    query: "a b&c",
    states: ["idle", "stale"],
    sort: /** @type {const} */ ("dwell"),
    only: true,
    regions: ["a", "b,c"],
    kinds: ["enter"],
    about: "vehicle:x:y",
    labels: /** @type {const} */ ("more"),
    track: true,
    group: "North",
    kiosk: true,
  };
  assert.deepEqual(readLink(writeLink(state)), state);
  assert.equal(writeLink(START), "");
  assert.deepEqual(readLink("#map=x/y/z&state=bogus&sort=?&tab=zzz"), START);
  assert.deepEqual(readLink(writeLink({ ...START, regions: [] })).regions, []);
});

test("a day in a link is one there is, and of a vehicle", () => {
  const read = (hash) => [readLink(hash).day, readLink(hash).leg, misread(hash)];
  assert.deepEqual(read("#vehicle=v&day=2028-02-29&leg=5"), ["2028-02-29", 5, []]);
  assert.deepEqual(read("#vehicle=v&day=2026-02-29&leg=5"), [null, null, ["day=2026-02-29", "leg=5"]]);
  assert.deepEqual(read("#day=2026-02-28"), [null, null, ["day=2026-02-28"]]);
  assert.deepEqual(read("#vehicle=v&day=2026-02-28&leg=x"), ["2026-02-28", null, ["leg=x"]]);
});

test("a link that somebody spoiled opens as far as it can be read", () => {
  assert.deepEqual(readLink("#follow=100%25,depot&map=3/0/0").regions, ["100%", "depot"]);
  assert.deepEqual(readLink("#%%%&vehicle=%E0%A4%A").tab, "vehicles");
});

test("open pages of one browser share what their reader has chosen", () => {
  /** @type {Record<string, string>} */ const kept = {};
  /** @type {Record<string, string>} */
  const pages = [];
  const open = () => {
    const page = new EventTarget();
    const storage = {
      getItem: (key) => kept[key] ?? null,
      setItem: (key, value) => {
        if (kept[key] === value) return;
        kept[key] = value;
        for (const other of pages)
          if (other !== page) other.dispatchEvent(Object.assign(new Event("storage"), { key }));
      },
    };
    pages.push(page);
    return preferences(/** @type {any} */ (storage), page);
  };
  const one = open();
  const two = open();
  one.set({ mutes: { "region:depot": 9 } });
  two.set({ seen: 7 });
  assert.deepEqual(
    [one.value.seen, two.value.mutes, open().value.mutes],
    [7, { "region:depot": 9 }, { "region:depot": 9 }],
  );
});

test("stored preferences of any shape neither break the page nor spread", () => {
  for (const stored of [
    null,
    7,
    "x",
    [],
    [1],
    true,
    {},
    { mutes: null },
    { mutes: [] },
    { mutes: { a: "x", b: null, c: NaN } },
    { zone: "Mars/Olympus" },
    { zone: null },
    { units: "parsec" },
    { units: {} },
    { theme: "blue" },
    { seen: "7" },
    { seen: 1e300 },
    { seen: -5 },
    { name: null },
    { name: "x".repeat(10_000) },
    { sound: "yes" },
    { events: null },
    { keys: 0 },
    { other: 1, __proto__: null },
  ])
    assert.deepEqual(sane(stored), PREFERENCES, JSON.stringify(stored));
  const good = {
    ...PREFERENCES,
    theme: "dark",
    units: "nautical",
    zone: "Europe/Helsinki",
    seen: 12,
    name: "Dana",
    mutes: { "kind:enter": 5 },
    events: false,
  };
  assert.deepEqual(sane({ ...good, mutes: { ...good.mutes, broken: "soon" }, unknown: {} }), good);
  for (const text of ["null", "{", "", "[]", '"x"', '{"mutes":null,"units":"parsec"}']) {
    /** @type {string[]} */ const written = [];
    const store = preferences(
      /** @type {any} */ ({
        getItem: () => text,
        setItem: (/** @type {string} */ _, /** @type {string} */ value) => written.push(value),
      }),
      new EventTarget(),
    );
    assert.deepEqual(store.value, PREFERENCES, text);
    store.set({ name: "Dana" });
    assert.deepEqual(JSON.parse(written[0]), { ...PREFERENCES, name: "Dana" });
  }
});

test("a storage that throws, whatever is asked of it, only forgets", () => {
  const refuse = () => {
    throw new Error("SecurityError");
  };
  const store = preferences(/** @type {any} */ ({ getItem: refuse, setItem: refuse }), new EventTarget());
  store.set({ name: "Dana" });
  assert.equal(store.value.name, "Dana");
  assert.deepEqual(preferences(null, new EventTarget()).value, PREFERENCES);
});

test("a battery just below its limit does not read as the limit", () => {
  const event = /** @type {any} */ ({ kind: "low_battery", vehicle: "v", battery_pct: 19.9 });
  const names = /** @type {any} */ ({
    vehicle: (/** @type {string} */ id) => id,
    region: (/** @type {string} */ id) => id,
  });
  assert.equal(tell(event, names), "v has a low battery (19 %)");
});

test("a link says which parts of it nobody understands, and of a right one none", () => {
  assert.deepEqual(misread("#map=x/y/z&sort=zz&vehicel=3&tab=zzz&state=idle,bogus&only=yes&labels=big"), [
    "map=x/y/z",
    "sort=zz",
    "vehicel=3",
    "tab=zzz",
    "state=idle,bogus",
    "only=yes",
    "labels=big",
  ]);
  assert.deepEqual(
    misread("#map=13/60.17/24.94&vehicle=van&sort=name&tab=vehicles&labels=name&state=idle&follow=&q=&track=1&kiosk=0"),
    [],
  );
  assert.deepEqual(misread(""), []);
});

test("what is chosen is a step that back undoes; where the camera is goes along", () => {
  const before = { ...START, regions: ["a"], states: ["idle"] };
  assert.deepEqual(
    stepped({ ...before, map: { zoom: 3, lat: 0, lon: 0 }, track: true, states: ["idle"], regions: ["a"] }, before),
    [],
  );
  assert.deepEqual(stepped({ ...before, vehicle: "v", tab: "regions", states: [], regions: null }, before), [
    "vehicle",
    "tab",
    "states",
    "regions",
  ]);
});

test("two open pages that choose at once lose nothing of each other, and each keeps its own columns", () => {
  /** @type {Record<string, string>} */ const stored = {};
  /** @type {Record<string, string>} */
  const unheard = new EventTarget();
  const where = /** @type {any} */ ({
    getItem: (key) => stored[key] ?? null,
    setItem: (key, value) => (stored[key] = value),
  });
  const heard = new EventTarget();
  const one = preferences(where, unheard);
  const two = preferences(where, heard);
  one.set({ theme: "dark", events: false });
  two.set({ units: "imperial" }); // it has not heard of the first yet
  assert.deepEqual(
    [preferences(where, unheard).value.theme, preferences(where, unheard).value.units],
    ["dark", "imperial"],
  );
  heard.dispatchEvent(Object.assign(new Event("storage"), { key: "tracker.preferences" }));
  assert.deepEqual(
    [two.value.theme, two.value.events, preferences(where, unheard).value.events],
    ["dark", true, false],
  );
});
test("a link about neither a region nor a vehicle is said to be wrong, and hides no event", () => {
  assert.equal(readLink("#about=zzz").about, null);
  assert.deepEqual(misread("#about=zzz&about=region:"), ["about=zzz", "about=region:"]);
  assert.equal(readLink("#about=region:depot").about, "region:depot");
  assert.deepEqual(misread("#about=vehicle:van-1"), []);
});
