"""The page for a long time under a lively fleet: do its heap, its elements or its listeners grow?

    python tests/bench/soak_page.py [seconds]          also: make soak
    PLANT=1 python …                                   a leak in the page: the run must fail

2,000 vehicles move, events come, regions change, the channel breaks; somebody selects, follows, filters, pauses, asks
why. What the page may keep (the newest 5,000 events) is filled before the first measurement.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.async_api import CDPSession, Page, async_playwright
from soaking import ROUNDS, Left, counted, fill_journal, is_flat, main, tell

from tests.browser.conftest import FLAGS, live
from tests.browser.feed import Feed, Running

MOST_MB, MOST_NODES, MOST_LISTENERS = 2.0, 500, 100  #: growth from the second third of the run to the last

DEEDS = [
    "app.select('van-' + String(1 + dice(60)).padStart(2, '0'), {open: true, reveal: true})",
    "app.state.set({vehicle: null, tab: 'regions', region: [...app.fleet.regions.keys()][dice(app.fleet.regions.size)]})",
    "app.state.set({regions: dice(2) ? null : [[...app.fleet.regions.keys()][0]]})",
    "app.state.set({query: dice(2) ? 'van 1' : '', states: dice(2) ? ['moving'] : [], sort: ['age', 'speed', 'name', 'dwell'][dice(4)]})",
    "app.togglePause()",
    "app.fitFleet()",
    "app.map.go(60.17 + dice(9) / 1000, 24.94, 12 + dice(6))",
    "app.preferences.set({theme: dice(2) ? 'dark' : 'light', seen: app.journal.last})",
    "document.querySelector('.event [aria-expanded]')?.click()",
    "(window.fleetEditor.active ? window.fleetEditor.cancel() : window.fleetEditor.edit([...app.fleet.regions.values()][0]))",
    "(document.querySelector('dialog')?.close() ?? document.querySelector('[aria-label=Settings]').click())",
]
LEAK = "() => setInterval(() => (window.leak ??= []).push(new Array(4000).fill(Math.random())), 100)"


async def drive(feed: Feed, stop: asyncio.Event) -> None:
    """Four messages a second: positions, now and then an event, a changed region, a broken channel."""
    dice = random.Random(1)
    while not stop.is_set():
        parts: dict[str, object] = {"moved": feed.move(0.25)}
        if dice.random() < 0.3:
            parts["events"] = [feed.event("enter", dice.randrange(1, 60), "kamppi")]
        if dice.random() < 0.05:
            region = feed.regions["kamppi"]
            region["properties"]["version"] += 1
            parts["regions"] = [region]
        feed.tell(**parts)
        if dice.random() < 0.02:
            feed.drop()
        await asyncio.sleep(0.25)


async def round_of(page: Page, client: CDPSession, dice: random.Random, seconds: float) -> Left:
    """Do things for a while, then what is left after a collection: MB, elements, listeners."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        deed = dice.choice(DEEDS)
        await page.evaluate(
            f"() => {{ const app = window.fleetPage, dice = n => Math.floor(Math.random() * n); {deed} }}"
        )
        await asyncio.sleep(0.4)
    await page.evaluate(
        """() => { const app = window.fleetPage; if (app.paused) app.togglePause(); window.fleetEditor.cancel();
        document.querySelector('dialog')?.close(); app.state.set({vehicle: null, region: null, regions: null, query: '', states: []}) }"""
    )
    await page.wait_for_function("() => window.fleetPage.fleet.byId.size === 2000")
    left = await counted(client)
    return left["JSHeapUsedSize"] / 1e6, left["Nodes"], left["JSEventListeners"]


async def soak(seconds: float, plant: bool) -> bool:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("no chromium: the page was not soaked")
        return True
    feed, dice, stop = Feed(2000, spread=0.2), random.Random(2), asyncio.Event()
    async with Running(feed) as running, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        await live(await _opened(page, running.url))
        client = await page.context.new_cdp_session(page)
        await client.send("Performance.enable")
        await fill_journal(page, feed)
        if plant:
            await page.evaluate(LEAK)
        driving = asyncio.ensure_future(drive(feed, stop))
        found = []
        for _ in range(ROUNDS):
            found.append(await round_of(page, client, dice, seconds / ROUNDS))
            tell(found[-1])
        stop.set()
        await driving
        await browser.close()
    return is_flat(found, faults, (MOST_MB, MOST_NODES, MOST_LISTENERS))


async def _opened(page: Page, url: str) -> Page:
    await page.goto(url)
    return page


if __name__ == "__main__":
    main(soak)
