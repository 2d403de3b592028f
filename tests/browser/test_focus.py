"""Where the keyboard is: nothing covered has a tab stop, what opens takes the focus and gives it back, a list is one stop."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from tests.browser.conftest import Open, live
from tests.browser.feed import Feed, Running
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLACE = "map=15/60.1709/24.9435"
AT = "(n => n === document.body ? 'body' : n.id || n.getAttribute('aria-label') || n.textContent.slice(0, 40))(document.activeElement)"
#: Every tab stop whose middle, once it has the focus, belongs to something else.
COVERED = """() => {
  const out = [];
  for (const node of document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')) {
    if (node.tabIndex < 0 || node.disabled || node.closest('[inert]') || !node.checkVisibility({visibilityProperty: true})) continue;
    node.focus();
    if (document.activeElement !== node) continue;
    const {left, top, width, height} = node.getBoundingClientRect(), x = left + width / 2, y = top + height / 2, hit = document.elementFromPoint(x, y);
    if (!hit || !(node.contains(hit) || hit.contains(node) || hit.closest('label')?.contains(node))) out.push(`${node.id || node.getAttribute('aria-label') || node.textContent.slice(0, 30)} under ${hit?.className || hit?.tagName}`);
  }
  return out;
}"""


async def at(page: Page, wanted: str) -> None:
    async def there() -> bool:
        return wanted in str(await page.evaluate(AT))

    await until(there, f"the focus is on {wanted}")


async def sketched(page: Page) -> None:
    await page.locator("#map").focus()
    await page.keyboard.press("g")
    await page.get_by_role("button", name="Type it").click()
    await page.get_by_label("Coordinates").fill("60.1709, 24.9435, 250 m")
    await page.get_by_role("button", name="Use this shape").click()
    await page.wait_for_selector(".preview b")


@pytest.mark.parametrize("width", [1440, 800, 360])
async def test_what_is_covered_has_no_tab_stop(open_page: Open, feed: Running, width: int) -> None:
    for link, draw in (("", False), ("&vehicle=van-05", False), ("&tab=regions&region=depot", False), ("", True)):
        page = await live(await open_page(f"{feed.url}#{PLACE}{link}", width=width, height=780))
        if draw:
            await sketched(page)
        assert await page.evaluate(COVERED) == [], (link, draw)
        await page.context.close()


async def test_a_full_sheet_takes_the_map_under_it_out_of_the_order(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}", width=360, height=740))
    await page.locator("#side .sheet-grip").click()
    await page.wait_for_function("() => document.querySelector('#map-frame').inert")
    await page.locator("#side .sheet-grip").click()
    await page.wait_for_function("() => !document.querySelector('#map-frame').inert")


async def test_what_opens_takes_the_focus_and_gives_it_back(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    keys = page.keyboard
    await page.locator("#vehicle-list").focus()
    await keys.press("ArrowDown")
    await keys.press("ArrowDown")  # walking opens nothing
    await at(page, "vehicle-list")
    await keys.press("Enter")
    await at(page, "Van 2")
    await keys.press("Escape")
    await at(page, "vehicle-list")
    await keys.press("r")
    await page.wait_for_function("() => document.activeElement.closest('#region-list')")
    await keys.press("ArrowDown")
    await keys.press("Enter")
    await page.wait_for_selector(".detail[aria-label=Region]:not([hidden])")
    name = await page.locator(".detail:not([hidden]) h2").inner_text()
    await at(page, name)
    await page.locator(".detail:not([hidden])").get_by_role("button", name="Edit").focus()
    await keys.press("Enter")
    await at(page, "Edit region")
    await keys.press("Escape")
    await at(page, "Edit")
    await page.locator(".detail:not([hidden])").get_by_role("button", name="Back to the regions").focus()
    await keys.press("Enter")
    await at(page, name)
    await keys.press("?")
    await page.wait_for_selector("dialog[open]")
    await keys.press("Escape")
    await at(page, name)


async def test_g_leads_to_the_drawing_bar_and_escape_back(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    await page.locator("#vehicle-list").focus()
    await page.keyboard.press("g")
    await at(page, "Polygon")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await at(page, "Circle")
    await page.keyboard.press("Escape")
    await at(page, "vehicle-list")


async def test_lists_are_one_stop_with_arrows(open_page: Open) -> None:
    async with Running(Feed(120)) as feed:
        for n in range(1, 121):
            feed.feed.event("enter", n, "kamppi")
        page = await live(await open_page(f"{feed.url}#{PLACE}&tab=regions"))
        await page.wait_for_function("() => document.querySelectorAll('.event').length >= 120")
        stops = "[...document.querySelectorAll('a[href], button, input, select, [tabindex]')].filter((n) => n.tabIndex >= 0 && n.checkVisibility() && !n.closest('[inert]')).length"
        assert await page.evaluate(stops) < 40
        await page.locator("#event-list").focus()
        await page.keyboard.press("ArrowDown")
        for _ in range(3):  # its sentence, its moment
            await page.keyboard.press("ArrowRight")
        await at(page, "Acknowledge")
        await page.keyboard.press("ArrowDown")
        await at(page, "Acknowledge")
        for _ in range(3):
            await page.keyboard.press("ArrowLeft")
        await at(page, "event-list")
        await page.locator("#region-list [tabindex='0']").focus()
        await page.keyboard.press("End")
        await page.keyboard.press("ArrowRight")
        await at(page, "Mute")
        await page.keyboard.press("Tab")
        assert await page.evaluate("!document.activeElement.closest('#region-list')")
        await page.context.close()
