"""The past for a long time: does the page's heap grow by scrubbing, or what it holds of elements and listeners?

    python tests/bench/soak_past.py [seconds]          also: make soak
    PLANT=1 python …                                   a leak in the page: the run must fail

Somebody scrubs, plays both ways at every speed, zooms, pans, selects, leads from event to event, closes and opens, while
the fleet lives on. A round of it looks at as much as an hour at the strip; what may be kept is kept after the first.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.async_api import CDPSession, Page, async_playwright
from soaking import KINDS, ROUNDS, Left, counted, fill_journal, is_flat, main, tell

from tests.browser.conftest import FLAGS, live
from tests.browser.feed import Feed, Running
from tests.browser.past import HOUR
from tests.browser.test_past import MIDNIGHT, iso

VEHICLES = 1000
MOST_MB, MOST_NODES, MOST_LISTENERS = 2.0, 300, 50  #: growth from the second third of the run to the last
AT = MIDNIGHT + 9 * HOUR

DEEDS = [
    "past.scrub(past.span.from + Math.random() * (past.span.until - past.span.from))",
    "past.scrub(past.span.from + Math.random() * (past.span.until - past.span.from))",
    "past.at !== null && past.go(past.at)",
    "past.go(past.span.from + Math.random() * (past.span.until - past.span.from))",
    "past.play(dice(2) ? 1 : -1)",
    "past.pause()",
    "past.faster(dice(2) ? 1 : -1)",
    f"((from) => past.look({{ from, until: from + (1 + dice(12)) * 36e5 }}))({AT - 6 * HOUR} + dice(24) * 3e5)",
    "app.select(dice(3) ? 'van-' + String(1 + dice(60)).padStart(2, '0') : null, { open: true })",
    "past.toEvent(dice(2) ? 1 : -1)",
    "app.map.go(60.17 + dice(9) / 1000, 24.94, 11 + dice(5))",
    "dice(6) || (past.show(false), past.show(true))",
    "dice(6) || past.live()",
]
LEAK = "() => setInterval(() => (window.leak ??= []).push(new Array(4000).fill(Math.random())), 20)"
DO = """([deeds, frames]) => new Promise((done) => {
  const app = window.fleetPage, { past } = app, dice = (n) => Math.floor(Math.random() * n);
  const acts = deeds.map((deed) => new Function("app", "past", "dice", deed)); let left = frames;
  const loop = () => { acts[dice(acts.length)](app, past, dice); --left ? requestAnimationFrame(loop) : done() };
  requestAnimationFrame(loop);
})"""


async def measured(page: Page, client: CDPSession) -> Left:
    """What is left at one and the same moment after a collection: MB, elements, listeners."""
    await page.evaluate(
        f"() => {{ const {{ past }} = window.fleetPage; past.pause(false); window.fleetPage.state.set({{ vehicle: null, day: null }});"
        f" past.look({{ from: {AT - HOUR}, until: {AT + HOUR} }}); past.go({AT}) }}"
    )
    await page.wait_for_function(
        f"() => {{ const {{ past }} = window.fleetPage; return past.exactly && past.at === {AT} && past.known.all.every((one) => !one.busy) }}"
    )
    left = await counted(client)
    heap = await client.send("Runtime.getHeapUsage")  # the tapes' flat arrays lie beside the heap
    return (heap["usedSize"] + heap.get("backingStorageSize", 0)) / 1e6, left["Nodes"], left["JSEventListeners"]


async def opened(page: Page, feed: Feed, url: str) -> CDPSession:
    for n in range(1, 40):
        feed.event("enter", n, "depot", time=f"{iso(AT - 2 * HOUR + n * 360_000)[:-1]}.000Z")
    await page.goto(f"{url}#map=12/60.1709/24.9435&at={iso(AT)}&range={iso(AT - HOUR)}/{iso(AT + HOUR)}")
    await live(page)
    client = await page.context.new_cdp_session(page)
    await client.send("Performance.enable")
    return client


async def soak(seconds: float, plant: bool) -> bool:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("no chromium: the page was not soaked")
        return True
    feed, dice = Feed(VEHICLES, spread=0.2), random.Random(2)
    loop = asyncio.get_running_loop()
    async with Running(feed) as running, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        client = await opened(page, feed, running.url)
        # those that come later are of the same kinds: rows of what is raised have a button more
        await fill_journal(page, feed)
        if plant:
            await page.evaluate(LEAK)
        found = []
        for _ in range(ROUNDS):
            end = loop.time() + seconds / ROUNDS
            while loop.time() < end:
                await page.evaluate(DO, [DEEDS, 30])
                kind, region = dice.choice(KINDS)
                feed.tell(moved=feed.move(0.2), events=[feed.event(kind, dice.randrange(1, 60), region)])
            found.append(await measured(page, client))
            tell(found[-1])
        await browser.close()
    return is_flat(found, faults, (MOST_MB, MOST_NODES, MOST_LISTENERS))


if __name__ == "__main__":
    main(soak)
