"""A report of 60 vehicles' day: how large, how long it takes to write, and until it is drawn from its file.

python tests/bench/bench_report.py [rounds]
"""

from __future__ import annotations

import asyncio
import io
import sys
import tempfile
import time
from pathlib import Path

from bench import Row, report

sys.path.insert(0, str(Path(__file__).parents[2]))

from playwright.async_api import async_playwright

from tests.support.drives import drive
from tracker.reports.asked import DAY_MS, Asked, Heard, Message, Whole, packed
from tracker.reports.worker import draw

SINCE = 1_764_028_800_000
VEHICLES = 60


def told() -> bytes:
    messages: list[Message] = [Asked(SINCE, SINCE + DAY_MS, SINCE + DAY_MS, "Europe/Helsinki")]
    messages += [Heard.told_of(f"van-{one}", None, None, drive(one, SINCE, 86_400)) for one in range(VEHICLES)]
    return b"".join(packed(message) for message in (*messages, Whole()))


async def drawn_s(file: Path) -> float:
    """From opening the file to its first whole picture, without a network."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(args=["--no-sandbox"], executable_path=chromium())
        page = await (await browser.new_context(offline=True)).new_page()
        began = time.perf_counter()
        await page.goto(file.as_uri())
        await page.wait_for_function("() => document.documentElement.dataset.ready === 'true'")
        took = time.perf_counter() - began
        await browser.close()
        return took


def chromium() -> str | None:
    from shutil import which

    return which("chromium") or which("chromium-browser") or which("google-chrome")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    body = told()
    wrote, drew, plain = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        file, empty = Path(folder) / "day.html", Path(folder) / "empty.html"
        empty.write_text('<html data-ready="true">')
        for _ in range(rounds):
            began = time.process_time()
            draw(io.BytesIO(body), file)
            wrote.append(time.process_time() - began)
            drew.append(asyncio.run(drawn_s(file)))
            plain.append(asyncio.run(drawn_s(empty)))
        size = file.stat().st_size
    report(
        f"A report of {VEHICLES} vehicles' day, a fix every 5 s ({VEHICLES * 17_280:,} of them)",
        [
            Row("size", "kB", [size / 1000]),
            Row("write it (CPU, in a process of its own)", "s", wrote),
            Row("from opening the file to drawn, offline", "s", drew, plain),
        ],
        "an empty file opened",
    )


if __name__ == "__main__":
    main()
