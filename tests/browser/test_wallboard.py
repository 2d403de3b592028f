"""The wallboard: a map nobody touches, that says from across the room whether it may be believed."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Open, picture, violations
from tests.browser.feed import Running

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLACE = "map=15/60.1709/24.9435"


@pytest.mark.parametrize("width, height", [(360, 740), (1920, 1080)])
async def test_the_wallboard_shows_connection_clock_and_counts_and_says_when_it_is_old(
    open_page: Open, feed: Running, width: int, height: int
) -> None:
    page = await open_page(f"{feed.url}#{PLACE}&kiosk=1", width=width, height=height)
    page.expected += ["ERR_CONNECTION", "WebSocket"]  # type: ignore[attr-defined]
    await page.wait_for_selector(".board-state:has-text('Live')")
    await page.wait_for_selector(".board-counts:has-text('moving')")
    await page.wait_for_function(
        r"() => /^\d\d:\d\d:\d\d UTC/.test(document.querySelector('.board-clock').textContent)"
    )
    for chrome in (".map-tools", ".map-top", ".bar", ".side", ".events", ".rail", ".toasts"):
        assert await page.locator(chrome).first.is_hidden(), chrome
    feed.feed.tell(events=[feed.feed.event("dwell", 1, "depot")])
    await page.wait_for_selector(".board-alert:has-text('Van 1')")
    map_ = await page.locator("#map").bounding_box()
    assert map_
    assert map_["width"] == width
    assert map_["height"] > height * 0.75
    assert await violations(page) == []
    await picture(page, f"wallboard-{width}")
    feed.feed.silent = True  # sockets open, and nothing comes
    feed.feed.drop()
    await page.wait_for_selector(".board-state:has-text('Not live since')")
    size = await page.evaluate("parseFloat(getComputedStyle(document.querySelector('.board-state')).fontSize)")
    assert size >= width / 50
    assert "grayscale" in await page.evaluate("getComputedStyle(document.querySelector('#map')).filter")
    await picture(page, f"wallboard-old-{width}")
    feed.feed.silent = False
    feed.feed.drop()
    await page.wait_for_selector(".board-state:text-is('Live')")


async def test_escape_leaves_the_wallboard_and_settings_lead_to_it(open_page: Open, feed: Running) -> None:
    page = await open_page(f"{feed.url}#{PLACE}&kiosk=1", width=1440)
    await page.wait_for_selector(".board-state:has-text('Live')")
    await page.keyboard.press("Escape")
    await page.wait_for_selector(".bar")
    assert "kiosk" not in page.url
    await page.get_by_role("button", name="Settings").click()
    await page.get_by_role("button", name="Show this view as a wallboard").click()
    await page.wait_for_selector(".board-state")
