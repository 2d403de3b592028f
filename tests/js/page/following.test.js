import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document ??= /** @type {any} */ ({ baseURI: "http://localhost/fleet/" });
const { Following } = await import("../../../static/js/page/following.js");
const { Fleet } = await import("../../../static/js/model/fleet.js");
const { Signal } = await import("../../../static/js/model/signal.js");

const region = (/** @type {string} */ id) => ({ id, properties: { version: 1 } });

/** A page that follows one region and knows of another. */
function page() {
  const fleet = new Fleet();
  const regions = ["followed", "other"].map(region);
  fleet.snapshot({ op: "snapshot", reset: true, vehicles: [], regions, in: [] }, 0, 0);
  fleet.followed = new Set(["followed"]);
  const signals = { heard: new Signal(), forgotten: new Signal(), ticked: new Signal() };
  const told = new Signal();
  const app = {
    ...signals,
    fleet,
    forgets: 0,
    paused: false,
    asking: new AbortController(),
    regions: { told, refresh: () => setImmediate(() => told.tell()) },
    state: { value: { regions: ["followed"] }, changed: new Signal() },
    forget() {
      app.forgets++;
    },
  };
  new Following(/** @type {any} */ (app));
  return app;
}

const answered = (/** @type {any} */ app) => new Promise((told) => app.regions.told.on(told));

/** Each time it asks is another, and each answer tells of the followed region only.
 * @param {import("node:test").TestContext} t */
function answers(t) {
  let clock = 1_800_000_000_000;
  t.mock.method(Date, "now", () => ++clock);
  t.mock.method(globalThis, "fetch", async () => Response.json({ regions: [region("followed")], next: null }));
}

test("a region that was taken away is forgotten, though a snapshot asks again before the answer", async (t) => {
  answers(t);
  const app = page();
  app.forgotten.tell();
  app.heard.tell({ op: "snapshot" });
  await answered(app);
  assert.deepEqual([...app.fleet.regions.keys()], ["followed"]);
  assert.equal(app.forgets, 1);
});

test("a region that only went is not forgotten", async (t) => {
  answers(t);
  const app = page();
  app.heard.tell({ op: "snapshot" });
  await answered(app);
  assert.deepEqual([...app.fleet.regions.keys()], ["followed"]);
  assert.equal(app.forgets, 0);
});
