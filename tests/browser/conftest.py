"""A real Chromium for every test of the page, and a console that must stay clean."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.browser.feed import Feed, Running
from tests.support.waiting import deadline

ROOT = Path(__file__).resolve().parents[2]
PICTURES = Path(__file__).parent / "screenshots"
#: Suggestions of the address bar are two pages more in each window, a fifth of its cost. The rest is Playwright's own
#: list, which this one replaces.
NOT = [
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup",
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades", "LensOverlay",
    "HttpsFirstBalancedModeAutoEnable", "MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints", "NetworkTimeServiceQuerying", "PreconnectToSearch",
]  # fmt: skip
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-dev-shm-usage",
    "--force-color-profile=srgb", "--font-render-hinting=none", f"--disable-features={','.join(NOT)}",
]  # fmt: skip

Open = Callable[..., Awaitable["Page"]]


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def feed() -> AsyncIterator[Running]:
    async with Running(Feed(40)) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser, feed: Running) -> AsyncIterator[Open]:  # noqa: ARG001  the feed ends after it
    """Open an address in a window of its own. What the page logs or throws, and any request off this machine, fails
    the test; `page.expected` lists the words of complaints a test provokes."""
    contexts: list[tuple[BrowserContext, list[str], list[str]]] = []

    async def opened(
        url: str, *, width: int = 1600, height: int = 900, theme: Literal["light", "dark"] = "light", **more: Any
    ) -> Page:
        context = await browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, timezone_id="Europe/Helsinki",
            has_touch=width < 720, **more,
        )  # fmt: skip
        complaints: list[str] = []
        expected: list[str] = []
        contexts.append((context, complaints, expected))
        context.set_default_timeout(within(30))
        page = await context.new_page()
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: complaints.append(str(e)))
        page.on("request", lambda r: complaints.append(f"left the machine: {r.url}") if is_foreign(r.url) else None)
        page.expected = expected  # type: ignore[attr-defined]
        await page.goto(url)
        return page

    yield opened
    for context, complaints, expected in contexts:
        await context.close()
        left = [c for c in complaints if not any(word in c for word in expected)]
        assert not left, left


def is_foreign(url: str) -> bool:
    return not url.startswith(("data:", "blob:", "about:", "http://127.0.0.1:"))


def within(seconds: float) -> float:
    """A deadline as Playwright wants it."""
    return deadline(seconds) * 1000


async def live(page: Page) -> Page:
    """The page shows the fleet."""
    await page.wait_for_selector("#pill[data-phase=live]", timeout=within(15))
    await page.wait_for_function("() => window.fleetPage.fleet.ready", timeout=within(15))
    return page


async def picture(page: Page, name: str) -> None:
    PICTURES.mkdir(exist_ok=True)
    await page.screenshot(path=PICTURES / f"{name}.png")


async def violations(page: Page) -> list[str]:
    """What axe finds wrong, one line each."""
    script = ROOT / "node_modules/axe-core/axe.min.js"
    if not script.is_file():
        pytest.fail("axe-core is missing: run npm ci")
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(script.read_text())
    found = await page.evaluate(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
    )
    return [
        f"{one['id']}: {one['help']} — {json.dumps([n['target'] for n in one['nodes']][:3])} "
        f"{one['nodes'][0]['failureSummary'][:200]}"
        for one in found["violations"]
    ]
