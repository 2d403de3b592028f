"""Calm from the start: the map is most of the page, a note is put away for good, and an event is told in one place."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Open, live
from tests.browser.feed import Running

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLACE = "map=15/60.1709/24.9435"
SHARE = "document.querySelector('#map').getBoundingClientRect().width / innerWidth"


@pytest.mark.parametrize("width", [1280, 1440, 1599, 1920])
async def test_the_map_has_most_of_the_window_and_events_a_rail_where_it_would_not(
    open_page: Open, feed: Running, width: int
) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}", width=width))
    assert await page.locator("#event-list").is_visible() == (width >= 1600)
    if width >= 1440:
        assert await page.evaluate(SHARE) >= (2 / 3 if width < 1600 else 0.64)


async def test_the_rail_counts_opens_and_comes_back_with_the_focus(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}", width=1440))
    feed.feed.tell(events=[feed.feed.event("enter", 1, "kamppi")])
    await page.get_by_role("button", name="Events, 1 unread").click()
    assert await page.evaluate("document.activeElement.id") == "event-list"
    await page.get_by_role("button", name="Close the events").click()
    assert await page.evaluate("document.activeElement.id") == "events-rail"
    assert await page.locator("#event-list").is_hidden()


async def test_below_1180_px_events_are_a_tab_and_cover_nothing_when_the_window_shrinks(
    open_page: Open, feed: Running
) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}", width=1700))
    assert await page.locator("#event-list").is_visible()
    await page.set_viewport_size({"width": 1000, "height": 800})
    await page.wait_for_function("() => !document.querySelector('#event-list').checkVisibility()")
    await page.get_by_role("button", name="Draw a region").click()
    await page.keyboard.press("Escape")
    await page.locator("#map").focus()
    await page.keyboard.press("e")
    await page.wait_for_selector("#event-list")
    assert await page.get_by_role("tab", name="Events").get_attribute("aria-selected") == "true"
    assert await page.evaluate("document.querySelector('#map').clientWidth") == 700
    await page.set_viewport_size({"width": 1700, "height": 800})
    await page.wait_for_selector("#vehicle-list")
    assert await page.locator("#event-list").is_visible()  # what a wide window was told stays


async def test_an_event_is_told_in_one_place(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    feed.feed.tell(events=[feed.feed.event("dwell", 1, "depot")])
    await page.wait_for_function("() => document.querySelector('#say-now').textContent.includes('Van 1')")
    assert await page.locator(".event").count() == 1
    assert await page.locator(".toast").count() == 0
    await page.get_by_label("Show kind").select_option("exit")  # now the list would not show it
    feed.feed.tell(events=[feed.feed.event("dwell", 2, "depot")])
    await page.wait_for_selector(".toast:has-text('Van 2')")


async def test_the_demo_note_is_one_line_and_put_away_for_good(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}", width=1440))
    note = page.get_by_role("note")
    box = await note.bounding_box()
    assert box and box["height"] <= 48
    await page.get_by_role("button", name="Close this note").click()
    assert await note.count() == 0
    again = await page.context.new_page()  # a new tab has a session of its own
    await again.goto(f"{feed.url}#{PLACE}")
    await live(again)
    assert await again.get_by_role("note").count() == 0
