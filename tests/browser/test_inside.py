"""Who was here, on the page: what it says when nobody was, when there is more, and when no answer comes."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Open, live
from tests.browser.feed import Feed, Running

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_nobody_more_refused_and_lost_are_said_and_can_be_asked_again(open_page: Open) -> None:
    feed = Feed(10)
    feed.inside_told, feed.inside_next = 0, None
    async with Running(feed) as running:
        page = await live(await open_page(f"{running.url}#tab=regions&region=kamppi", width=1440))
        await page.locator(".detail:not([hidden])").get_by_role("button", name="Who was here").click()
        card, again = page.locator(".question"), page.get_by_role("button", name="Try again")
        await card.get_by_text("Nobody was here.").wait_for()
        feed.inside_told, feed.inside_next = 2, "more"
        await card.locator("select").select_option("today")
        for end in ("came in", "went out"):  # each end of a visit leads to its moment
            button = card.get_by_role("button", name=f"Show this moment: Van 3 {end}").first
            await button.click()
            moment = "() => [window.fleetPage.state.value.vehicle, window.fleetPage.state.value.at]"
            vehicle, at = await page.evaluate(moment)
            ago = (running.feed.now() - at) / 1000
            assert vehicle == "van-03"
            assert ago == pytest.approx(3000 if end == "came in" else 2245, abs=60)
            await expect(button).to_be_focused()
        await card.locator("select").select_option("yesterday")
        await card.get_by_text("2 visits · 1 vehicle There are more.").wait_for()
        await page.get_by_role("button", name="Show more", exact=True).click()
        await card.get_by_text("4 visits · 3 vehicles", exact=True).wait_for()
        feed.inside = 503
        page.expected.append("503")  # type: ignore[attr-defined]
        await card.locator("select").select_option("night")
        await card.get_by_text("come again").wait_for()
        feed.inside = None
        await again.click()
        await card.get_by_text("2 visits · 1 vehicle There are more.").wait_for()
        page.expected += ["ERR_CONNECTION", "WebSocket", "ERR_EMPTY"]  # type: ignore[attr-defined]
    await card.locator("select").select_option("today")
    await again.wait_for()
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    await card.wait_for(state="detached")
