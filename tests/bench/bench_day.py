"""A vehicle's day on the page: from opening its address until its list is there, and from a trip chosen until it is drawn.

python tests/bench/bench_day.py [rounds]

A day of 17,280 fixes in a server of its own; headless Chromium, no GPU. The reference is the page without a vehicle.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from datetime import UTC, datetime

from bench import Row, report
from bench_exports import SPAN, fill
from bench_segments import FIRST
from clients import Server
from playwright.async_api import Browser, async_playwright

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
VIEW = "map=12/60.1709/24.9435"
LISTED = "() => document.querySelectorAll('.legs li').length > 1"
DRAWN = "() => window.fleetPage?.route?.pixels.length > 0"


async def until(browser: Browser, url: str, shown: str) -> float:
    """ms, of a page nobody opened before."""
    context = await browser.new_context(timezone_id="UTC", viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    began = time.perf_counter()
    await page.goto(url, wait_until="commit")
    await page.wait_for_function(shown, timeout=60_000)
    took = (time.perf_counter() - began) * 1000
    await context.close()
    return took


async def measure(server: Server, leg: int) -> list[Row]:
    day = datetime.fromtimestamp(FIRST * 86_400, UTC).date()
    page, of_day = server.url(f"/#{VIEW}"), server.url(f"/#{VIEW}&vehicle=van-1&day={day}")
    found: dict[str, list[float]] = {}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for _ in range(ROUNDS):
            for name, url, shown in (
                ("page", page, "() => window.fleetPage?.fleet.byId.size > 0"),
                ("list", of_day, LISTED),
                ("drawn", f"{of_day}&leg={leg}", DRAWN),
            ):
                found.setdefault(name, []).append(await until(browser, url, shown))
        await browser.close()
    return [
        Row("the day's address opened until its trips and stops are listed", "ms", found["list"], found["page"]),
        Row("… with a trip until that is drawn", "ms", found["drawn"], found["page"]),
    ]


def main() -> None:
    if shutil.which("chromium") is None:
        print("no chromium: the day was not measured")
        return
    with Server() as server:
        fill(server)
        trips = json.loads(server.get(f"/api/v1/vehicles/van-1/trips?{SPAN}"))["trips"]
        longest = max(trips, key=lambda trip: trip["duration_s"])
        leg = round(datetime.fromisoformat(longest["from"]).timestamp() * 1000)
        rows = asyncio.run(measure(server, leg))
    report(
        f"A day of 17,280 fixes, {len(trips)} trips, the longest {longest['duration_s'] / 60:.0f} min",
        rows,
        "the page alone",
    )


if __name__ == "__main__":
    main()
