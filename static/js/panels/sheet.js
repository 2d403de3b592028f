// Tabs, and on a phone the one sheet they live in: peek, half or full.

import { $ } from "../parts/dom.js";

const TABS = /** @type {const} */ (["vehicles", "regions", "events"]);

/** @param {import("../app.js").App} app */
export function layout(app) {
  const frame = $("#frame");
  const narrow = matchMedia("(max-width: 719px)");
  const { tight } = app.pane;
  const show = () => {
    let { tab } = app.state.value;
    if (tab === "events" && !tight.matches) tab = "vehicles";
    frame.dataset.sheet = tab;
    for (const name of TABS) {
      const button = $(`#tab-${name}`);
      const chosen = name === tab;
      button.setAttribute("aria-selected", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
      if (name !== "events") $(`#page-${name}`).hidden = !chosen;
    }
    // Where events are a tab, the tabs travel with the sheet that is shown.
    const tabs = $('.tabs[role="tablist"]');
    if (tight.matches && tab === "events") $("#events").querySelector(".sheet-grip")?.after(tabs);
    else if (tabs.parentElement !== $("#side")) $("#side").querySelector(".sheet-grip")?.after(tabs);
  };
  for (const name of TABS)
    $(`#tab-${name}`).addEventListener("click", () => {
      app.state.set({ tab: name });
      if (narrow.matches && stop === 0) to(1);
    });
  $('.tabs[role="tablist"]').addEventListener("keydown", (e) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[/** @type {KeyboardEvent} */ (e).key];
    if (!step) return;
    const usable = TABS.filter((name) => name !== "events" || tight.matches);
    const at = usable.indexOf(app.state.value.tab);
    const next = usable[(at + step + usable.length) % usable.length];
    app.state.set({ tab: next });
    $(`#tab-${next}`).focus();
  });
  app.state.changed.on((now, before) => now.tab !== before.tab && show());
  tight.addEventListener("change", show);

  let stop = 1;
  const heights = () => [148, Math.round(innerHeight * 0.46), innerHeight - 60];
  const to = (/** @type {number} */ next) => {
    stop = Math.max(0, Math.min(2, next));
    const height = heights()[stop];
    document.documentElement.style.setProperty("--sheet", `${height}px`);
    // The map ends where the sheet begins, so its middle is what is seen; a full sheet leaves it as it was.
    document.documentElement.style.setProperty("--peek", `${heights()[Math.min(stop, 1)]}px`);
    $("#map-frame").inert = narrow.matches && stop === 2; // all of it is covered
  };
  for (const grip of document.querySelectorAll(".sheet-grip")) {
    let from = 0;
    let moved = false;
    grip.addEventListener("pointerdown", (e) => {
      const event = /** @type {PointerEvent} */ (e);
      from = event.clientY;
      moved = false;
      grip.setPointerCapture(event.pointerId);
    });
    grip.addEventListener("pointermove", (e) => {
      const event = /** @type {PointerEvent} */ (e);
      if (!grip.hasPointerCapture(event.pointerId)) return;
      if (Math.abs(event.clientY - from) > 6) moved = true;
      if (moved)
        document.documentElement.style.setProperty(
          "--sheet",
          `${Math.max(120, Math.min(innerHeight - 60, innerHeight - event.clientY))}px`,
        );
    });
    grip.addEventListener("pointerup", (e) => {
      if (!moved) return;
      const height = innerHeight - /** @type {PointerEvent} */ (e).clientY;
      const all = heights();
      to(all.indexOf(all.reduce((best, h) => (Math.abs(h - height) < Math.abs(best - height) ? h : best))));
    });
    grip.addEventListener("click", () => !moved && to(stop === 2 ? 0 : stop + 1));
  }
  // What is opened in the sheet is seen.
  new MutationObserver(
    () =>
      narrow.matches &&
      stop === 0 &&
      $("#side").querySelector(":scope > .detail:not([hidden]), :scope > .region-card:not([hidden])") &&
      to(1),
  ).observe($("#side"), { childList: true, subtree: true, attributes: true, attributeFilter: ["hidden"] });
  addEventListener("resize", () => to(stop));
  to(1);
  show();
}
