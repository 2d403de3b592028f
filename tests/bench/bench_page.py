"""The page with 20,000 vehicles at 4,000 updates a second: frames a second beside an empty-canvas loop of the same run,
JavaScript a frame, longest task, hit test, heap. Headless Chromium, no GPU: a floor."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.async_api import CDPSession, Page, async_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench import Row, report

from tests.browser.conftest import FLAGS
from tests.browser.feed import Feed, Running

SECONDS = int(os.environ.get("BENCH_SECONDS", "10"))
ROUNDS = 3
VEHICLES, UPDATES = 20_000, 4_000
TICKS = 5  #: updates come in so many messages a second

EMPTY = """seconds => new Promise(done => {
  const c = document.createElement('canvas'); c.width = innerWidth; c.height = innerHeight; c.style.cssText = '';
  document.body.append(c); const x = c.getContext('2d'); let frames = 0; const began = performance.now();
  const loop = now => { x.clearRect(0, 0, c.width, c.height); frames++; now - began < seconds * 1000 ? requestAnimationFrame(loop) : (c.remove(), done(frames / (now - began) * 1000)) };
  requestAnimationFrame(loop);
})"""

WATCH = """() => {
  const app = window.fleetPage, layer = app.vehicles, paint = layer.paint.bind(layer);
  const bench = window.bench = {frames: 0, cost: [], tasks: [], began: performance.now()};
  layer.paint = (...a) => { const t = performance.now(), more = paint(...a); bench.cost.push(performance.now() - t); bench.frames++; return more };
  new PerformanceObserver(list => { for (const e of list.getEntries()) bench.tasks.push(e.duration) }).observe({entryTypes: ['longtask']});
}"""

READ = """() => {
  const b = window.bench, spent = performance.now() - b.began, sorted = b.cost.sort((x, y) => x - y);
  const out = {fps: b.frames / spent * 1000, p50: sorted[sorted.length >> 1], p95: sorted[Math.floor(sorted.length * .95)], longest: Math.max(0, ...b.tasks)};
  Object.assign(b, {frames: 0, cost: [], tasks: [], began: performance.now()});
  return out;
}"""

HIT = """() => { const layer = window.fleetPage.vehicles, t = performance.now(); for (let i = 0; i < 100; i++) layer.hit(i * 11 % 1200, i * 7 % 800); return (performance.now() - t) / 100 }"""


async def drive(feed: Feed, stop: asyncio.Event) -> None:
    """4,000 moved rows a second, spread over the fleet."""
    loop = asyncio.get_running_loop()
    at = loop.time()
    share = UPDATES / TICKS / sum(row[8] == 1 and row[0] % 13 != 0 for row in feed.rows)
    while not stop.is_set():
        feed.tell(moved=feed.move(share))
        at += 1 / TICKS
        await asyncio.sleep(max(0.0, at - loop.time()))


async def heap(client: CDPSession) -> float:
    await client.send("HeapProfiler.collectGarbage")
    used: dict[str, Any] = await client.send("Runtime.getHeapUsage")
    return float(used["usedSize"]) / 1e6


async def measure(page: Page, feed: Feed) -> dict[str, list[float]]:
    client = await page.context.new_cdp_session(page)
    stop = asyncio.Event()
    driving = asyncio.ensure_future(drive(feed, stop))
    await page.evaluate(WATCH)
    await asyncio.sleep(2)
    await page.evaluate(READ)
    found: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        await asyncio.sleep(SECONDS)
        told = await page.evaluate(READ) | {"hit": await page.evaluate(HIT), "heap": await heap(client)}
        for name, value in told.items():
            found.setdefault(name, []).append(value)
        await page.evaluate(READ)
    stop.set()
    await driving
    return found


async def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("no chromium: the page was not measured")
        return
    feed = Feed(VEHICLES, spread=0.2)
    for row in feed.rows:
        row[8] = 1 if row[0] % 13 else row[8]
    async with Running(feed) as running, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=[*FLAGS, "--enable-precise-memory-info", "--js-flags=--expose-gc"]
        )
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        await page.goto(running.url)
        await page.wait_for_function("() => window.fleetPage?.fleet.byId.size === 20000", timeout=60_000)
        first = await page.evaluate("performance.now()")
        empty = [await page.evaluate(EMPTY, 3) for _ in range(ROUNDS)]
        found = await measure(page, feed)
        await browser.close()
    rows = [
        Row("frames a second", "fps", found["fps"], empty, "budget 50; reference: an empty canvas cleared each frame"),
        Row("JavaScript a frame, p50", "ms", found["p50"]),
        Row("JavaScript a frame, p95", "ms", found["p95"]),
        Row("longest task", "ms", found["longest"], note="budget 100; 0: none over 50"),
        Row("hit test", "ms", found["hit"], note="budget 5"),
        Row("heap after a collection", "MB", found["heap"], note="budget 60"),
        Row("20,000 vehicles read after", "ms", [first]),
    ]
    report("The page: 20,000 vehicles, 4,000 updates a second, 1440 × 900", rows, "empty canvas")


if __name__ == "__main__":
    asyncio.run(main())
