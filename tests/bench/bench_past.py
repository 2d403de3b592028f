"""The page in the past with 20,000 vehicles on screen: opened, scrubbed to and fro, and played, an hour's tape behind it.
Frames a second, the slowest twentieth, the page's own work a frame, the longest task. Headless Chromium without a GPU.

    python tests/bench/bench_past.py [vehicles] [hours]
    PROFILE=1 python …                    also where the time of a scrubbed frame goes
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from playwright.async_api import CDPSession, Page, async_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench import Row, report

from tests.browser.conftest import FLAGS
from tests.browser.feed import Feed, Running
from tests.browser.past import HOUR
from tests.browser.test_past import MIDNIGHT, iso

SECONDS = int(os.environ.get("BENCH_SECONDS", "10"))
ROUNDS = 3
WATCH = """() => { window.tasks = []; new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.tasks.push(one.duration) }).observe({ entryTypes: ["longtask"] }) }"""
LONGEST = "() => Math.max(0, ...window.tasks.splice(0))"

#: `deed` is done before each frame; `share` goes to and fro over the strip.
FRAMES = """([deed, seconds]) => new Promise((done) => {
  const { past, vehicles } = window.fleetPage, act = new Function("past", "share", "now", deed), apart = [], work = [];
  const paint = vehicles.paint.bind(vehicles); let painted = 0, sum = 0;
  vehicles.paint = (...a) => { const t = performance.now(), more = paint(...a); sum += performance.now() - t; painted++; return more };
  const began = performance.now(); let before = 0;
  const loop = (now) => {
    if (before) { apart.push(now - before); work.push(sum) }
    sum = 0; before = now;
    const t = performance.now();
    act(past, 0.5 + 0.45 * Math.sin((t - began) / 900), now);
    sum += performance.now() - t;
    if (t - began < seconds * 1000) return requestAnimationFrame(loop);
    delete vehicles.paint;
    const sorted = apart.sort((a, b) => a - b), at = (share) => sorted[Math.floor(sorted.length * share)];
    done({ fps: 1000 / at(0.5), p95: at(0.95), most: at(0.999), frames: painted / seconds, seen: vehicles.inView,
      work: work.sort((a, b) => a - b)[work.length >> 1] });
  };
  requestAnimationFrame(loop);
})"""
DEEDS = {
    "scrubbed": "past.scrub(past.span.from + share * (past.span.until - past.span.from))",
    "played at 8": "if (!past.playing) { past.app.state.set({ speed: 8 }); past.play(1) }",
    "played back at 64": "if (past.playing >= 0) { past.app.state.set({ speed: 64 }); past.play(-1) }",
    "scrubbed, nearer": "past.app.map.go(60.1709, 24.9435, 13); past.scrub(past.span.from + share * (past.span.until - past.span.from))",
}
FIRST = "() => window.fleetPage?.past.fleet.shown > 0"
SETTLED = "() => window.fleetPage?.past.exactly && !window.fleetPage.past.known.coarse.busy"


async def profiled(client: CDPSession, page: Page, deed: str) -> None:
    await client.send("Profiler.enable")
    await client.send("Profiler.setSamplingInterval", {"interval": 200})
    await client.send("Profiler.start")
    await page.evaluate(FRAMES, [deed, 4])
    told: dict[str, Any] = (await client.send("Profiler.stop"))["profile"]
    names = {
        node["id"]: f"{node['callFrame']['functionName'] or '(nameless)'} {node['callFrame']['url'].rsplit('/', 1)[-1]}"
        for node in told["nodes"]
    }
    counted = Counter(names[one] for one in told["samples"])
    for name, n in counted.most_common(22):
        print(f"  {100 * n / len(told['samples']):5.1f} % {name}")


async def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("no chromium: the page was not measured")
        return
    vehicles = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    hours = float(sys.argv[2]) if len(sys.argv) > 2 else 1
    feed = Feed(vehicles, spread=0.2)
    feed.past.page = vehicles
    at, length = MIDNIGHT + 9 * HOUR, int(hours * HOUR)
    span = f"{iso(at - length // 2)}/{iso(at + length // 2)}"
    async with Running(feed) as running, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        await page.add_init_script(f"({WATCH})()")
        await page.goto(f"{running.url}#map=11/60.1709/24.9435&at={iso(at)}&range={span}")
        await page.wait_for_function(FIRST, timeout=60_000)
        first = await page.evaluate("performance.now()")
        await page.wait_for_function(SETTLED, timeout=60_000)
        rows = [
            Row("first vehicles of then after", "ms", [first]),
            Row("all of it after", "ms", [await page.evaluate("performance.now()")]),
            Row("longest task until then", "ms", [await page.evaluate(LONGEST)], note="budget 100; 0: none over 50"),
        ]
        client = await page.context.new_cdp_session(page)
        for what, deed in DEEDS.items():
            found: dict[str, list[float]] = {}
            for _ in range(ROUNDS):
                for name, value in (await page.evaluate(FRAMES, [deed, SECONDS / ROUNDS])).items():
                    found.setdefault(name, []).append(value)
            rows += [
                Row(f"{what}: frames a second, median", "fps", found["fps"], note=f"{found['seen'][0]:,.0f} on screen"),
                Row(f"{what}: slowest twentieth", "ms", found["p95"], note="budget 50"),
                Row(f"{what}: work a frame", "ms", found["work"]),
                Row(f"{what}: longest task", "ms", [await page.evaluate(LONGEST)]),
            ]
            if os.environ.get("PROFILE"):
                print(what)
                await profiled(client, page, deed)
            await page.evaluate("() => window.fleetPage.past.pause(false)")
        await browser.close()
    report(f"The page in the past: {vehicles:,} vehicles, {hours:g} h, 1440 × 900", rows, "")


if __name__ == "__main__":
    asyncio.run(main())
