"""What the soaks of the page share: a journal that is full, what is left after a collection, whether that grew."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench import machine
from playwright.async_api import CDPSession, Page

from tests.browser.feed import Feed

ROUNDS = 30
KINDS = [(kind, region) for kind in ("enter", "exit", "dwell", "cross") for region in ("depot", "kamppi")]

Left = tuple[float, float, float]  #: MB, elements, listeners


async def fill_journal(page: Page, feed: Feed) -> None:
    """The newest 5,000 events may be kept: more groups of them than the list shows."""
    for n in range(50):
        kind, region = KINDS[n % 8]
        feed.tell(events=[feed.event(kind, 1 + i % 60, region) for i in range(100)])
    await page.wait_for_function("() => window.fleetPage.journal.events.length === 5000")


async def counted(client: CDPSession) -> dict[str, float]:
    """The browser's own metrics, after a collection."""
    await client.send("HeapProfiler.collectGarbage")
    return {one["name"]: one["value"] for one in (await client.send("Performance.getMetrics"))["metrics"]}


def tell(left: Left) -> None:
    print(f"{left[0]:.1f} MB, {left[1]:.0f} elements, {left[2]:.0f} listeners", flush=True)


def is_flat(found: Sequence[Left], faults: list[str], most: Left) -> bool:
    """From the second third of the run to the last it grew by no more, and nothing was thrown."""
    third = ROUNDS // 3
    growth = [median(column[-third:]) - median(column[third:-third]) for column in zip(*found, strict=True)]
    print(
        f"grew by {growth[0]:+.1f} MB, {growth[1]:+.0f} elements, {growth[2]:+.0f} listeners; {len(faults)} errors {faults[:3]}"
    )
    return not faults and all(g <= limit for g, limit in zip(growth, most, strict=True))


def main(soak: Callable[[float, bool], Awaitable[bool]]) -> None:
    """So many seconds, with a leak planted or without; ends with 1 where it grew."""

    async def soaked(seconds: float) -> bool:
        return await soak(seconds, bool(os.environ.get("PLANT")))

    print(machine())
    length = float(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SECONDS", "600"))
    sys.exit(not asyncio.run(soaked(length)))
