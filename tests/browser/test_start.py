"""The page comes up, or says why not."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Route

from tests.browser.conftest import Open, live
from tests.browser.feed import Running

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLACE = "map=15/60.1709/24.9435"
BLOCKED = """for (const name of ['localStorage', 'sessionStorage'])
  Object.defineProperty(window, name, {get() { throw new DOMException('Access is denied', 'SecurityError') }})"""
STORED = [
    "null", "[]", "{", '{"zone":"Mars/Olympus","units":"parsec","theme":4,"mutes":null,"seen":"x","name":null}',
]  # fmt: skip


async def test_with_site_data_blocked_it_comes_up_and_works(open_page: Open, feed: Running) -> None:
    page = await open_page("about:blank")
    await page.add_init_script(BLOCKED)
    await page.goto(f"{feed.url}#{PLACE}")
    await live(page)
    await page.get_by_role("button", name="Close this note").click()
    await page.keyboard.press("t")
    await page.wait_for_selector("html[data-theme]")
    await page.wait_for_selector("#vehicle-list .row")


@pytest.mark.parametrize("stored", STORED)
async def test_with_any_stored_preferences_it_comes_up(open_page: Open, feed: Running, stored: str) -> None:
    page = await open_page("about:blank")
    await page.add_init_script(f"localStorage.setItem('tracker.preferences', {stored!r})")
    feed.feed.event("enter", 1, "kamppi")
    await page.goto(f"{feed.url}#{PLACE}&vehicle=van-12")
    await live(page)
    await page.wait_for_selector(".event")
    await page.wait_for_selector(".detail:not([hidden]) h2")


async def test_a_tile_url_that_cannot_be_filled_in_costs_the_tiles_only(open_page: Open, feed: Running) -> None:
    page = await open_page("about:blank")
    tiles = {"url": "http://127.0.0.1:9/{z}/{x}/{y}.png?key={apikey}", "attribution": "", "reachable": True}
    await page.route("**/api/v1/page", lambda route: route.fulfill(json={"demo": False, "tiles": tiles}))
    await page.goto(f"{feed.url}#{PLACE}")
    await live(page)
    await page.wait_for_selector(".trouble:has-text('apikey')")
    await page.locator("#map").focus()
    await page.keyboard.press("ArrowRight")
    await page.wait_for_function("() => document.querySelector('#pill').dataset.phase === 'live'")


async def test_forced_colours_leave_the_map_its_own(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}", forced_colors="active"))
    colours = "import('/static/js/parts/theme.js').then(({palette}) => Object.values(palette()).flat().filter(c => c.startsWith('rgb')))"
    assert len(set(await page.evaluate(colours))) > 15
    dot = "(() => { const s = getComputedStyle(document.querySelector('#pill'), '::before'); return [s.backgroundColor, s.boxShadow, getComputedStyle(document.body).backgroundColor] })()"
    told = f"() => {{ const found = {dot}; return found[0] !== found[2] && found; }}"  # it may just be changing
    filled, _, ground = await (await page.wait_for_function(told)).json_value()
    await page.evaluate("document.querySelector('#pill').dataset.phase = 'offline'")
    inside, ring, _ = await page.evaluate(dot)
    assert inside != filled
    assert "inset" in ring
    line = "getComputedStyle(document.querySelector('.split-line'), '::before').backgroundColor"
    assert await page.evaluate(line) not in (ground, "rgba(0, 0, 0, 0)")  # two moments are told apart


async def test_a_phone_shows_one_notice_at_a_time(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}", width=360, height=740))
    assert await page.locator(".banner.demo").is_visible()
    await page.evaluate("window.fleetPage.map.tiles.told.tell(false, 'the tile server does not answer')")
    assert await page.locator(".map-top > .banner:visible").count() == 1
    shown = page.locator(".banner:has-text('Built-in map')")
    assert await shown.is_visible()
    await shown.get_by_role("button", name="Dismiss").click()
    assert await page.locator(".banner.demo").is_visible()


async def test_without_a_map_the_list_works_and_the_page_says_why(open_page: Open, feed: Running) -> None:
    page = await open_page("about:blank")
    page.expected += ["ERR_FAILED", "the map could not be made"]  # type: ignore[attr-defined]
    await page.route("**/vendor/leaflet/leaflet.js", lambda route: route.abort())
    await page.goto(feed.url)
    await page.wait_for_selector("#pill[data-phase=live]")
    await page.wait_for_selector(".trouble:has-text('The map could not be made')")
    await page.locator("#vehicle-list .row").first.click()
    await page.wait_for_selector(".detail:not([hidden]) h2")
    feed.feed.tell(events=[feed.feed.event("enter", 1, "kamppi")])
    await page.wait_for_selector(".event")
    for key in ("Escape", "0", "l", "f", "v", "r"):
        await page.keyboard.press(key)


async def test_a_painter_that_fails_costs_its_own_picture(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    await page.evaluate(
        "() => { const {stage} = window.fleetPage.map; stage.sheets.get('ground').painter.paint = () => { throw new Error('no ground') }; stage.invalidate() }"
    )
    await page.wait_for_selector(".trouble:has-text('no ground')")
    feed.feed.tell(moved=feed.feed.move())
    await page.wait_for_function("() => !window.fleetPage.map.stage.sheets.get('vehicles').dirty")


@pytest.mark.parametrize("answer", [{"status": 404}, {"body": "}", "content_type": "text/javascript"}])
async def test_a_module_that_does_not_arrive_whole_is_told(
    open_page: Open, feed: Running, answer: dict[str, Any]
) -> None:
    page = await open_page("about:blank")
    page.expected += ["404", "Unexpected token"]  # type: ignore[attr-defined]

    async def spoiled(route: Route) -> None:
        await route.fulfill(**answer)

    await page.route("**/js/panels/vehicles.js", spoiled)
    await page.goto(feed.url)
    await page.locator("#boot", has_text="The page could not start").wait_for()
    assert await page.locator("#boot").is_visible()


async def test_an_old_browser_gets_a_sentence(open_page: Open, feed: Running) -> None:
    page = await open_page("about:blank")
    page.expected += ["OffscreenCanvas"]  # type: ignore[attr-defined]
    await page.add_init_script("delete window.OffscreenCanvas; CSS.supports = () => false")
    await page.goto(feed.url)
    await page.locator("#boot", has_text="too old").wait_for()
