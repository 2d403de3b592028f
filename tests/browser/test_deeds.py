"""What a dispatcher does on the page, done through the page."""

from __future__ import annotations

import asyncio
import json

import pytest
from playwright.async_api import Page, Route

from tests.browser.conftest import Open, live, violations
from tests.browser.feed import Running

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLACE = "map=15/60.1709/24.9435"


async def test_a_whole_shift_needs_no_pointer(open_page: Open, feed: Running) -> None:
    """Search, select, follow, draw by coordinates, follow a region, acknowledge, mute, pause: keys alone."""
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    keys = page.keyboard
    await keys.press("/")
    await keys.type("Van 12")
    await keys.press("Enter")
    await page.wait_for_selector(".detail:not([hidden]) h2:has-text('Van 12')")
    await page.evaluate("document.activeElement.blur()")
    await keys.press("f")
    await page.wait_for_selector(".follow-chip:has-text('Following Van 12')")
    await keys.press("Escape")
    await keys.press("g")
    await page.get_by_role("button", name="Type it").focus()
    await keys.press("Enter")
    await keys.type("60.1709, 24.9435, 120 m")
    await keys.press("Tab")
    await keys.press("Enter")
    await page.wait_for_function("() => document.querySelector('.preview')?.textContent.includes('12 enters')")
    await page.get_by_label("Name", exact=True).focus()
    await keys.press("Control+a")
    await keys.type("Gate 4")
    await keys.press("Enter")
    await page.wait_for_selector(".detail:not([hidden]) h2:has-text('Gate 4')")
    saved = next(f for f in feed.feed.regions.values() if f["properties"]["name"] == "Gate 4")
    assert saved["geometry"] == {"type": "Point", "coordinates": [24.9435, 60.1709]}
    assert saved["properties"]["radius_m"] == 120
    await page.locator(".detail:not([hidden])").get_by_role("button", name="Follow").focus()
    await keys.press("Enter")
    await page.wait_for_function(f"() => window.fleetPage.state.value.regions[0] === '{saved['id']}'")
    assert "follow=" in page.url
    feed.feed.tell(events=[feed.feed.event("enter", 1, "kamppi")])
    await page.wait_for_selector(".event")
    await page.evaluate("document.activeElement.blur()")
    await keys.press("j")
    await keys.press("a")
    await page.get_by_label("Your name").wait_for()
    await keys.type("Dana")
    await keys.press("Enter")
    await page.wait_for_selector(".event.acked:has-text('ack Dana')")
    assert feed.feed.events[0]["ack"]["by"] == "Dana"
    await page.locator("#event-list").focus()
    await keys.press("z")
    await page.wait_for_selector(".event:not(.acked)")
    assert "ack" not in feed.feed.events[0]
    await page.evaluate("document.activeElement.blur()")
    await keys.press("Space")
    await page.wait_for_selector("#pill[data-phase=paused]")
    await keys.press("?")
    await page.wait_for_selector("dialog[open]")
    await keys.press("Escape")
    await page.wait_for_selector("dialog[open]", state="detached")


async def test_arrow_keys_walk_the_list_and_the_map_follows(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    await page.locator("#vehicle-list").focus()
    for _ in range(3):
        await page.keyboard.press("ArrowDown")
    assert await page.evaluate("window.fleetPage.overlay.selected?.name") == "Van 3"
    active = await page.locator("#vehicle-list").get_attribute("aria-activedescendant")
    row = page.locator(f"#{active}")
    assert await row.get_attribute("aria-selected") == "true"
    assert "Van 3" in (await row.inner_text())
    await page.keyboard.press("End")
    await page.wait_for_function("() => window.fleetPage.state.value.vehicle === 'van-36'")
    spot = await page.evaluate("(v => window.fleetPage.map.pixel(v.lat, v.lon))(window.fleetPage.overlay.selected)")
    box = await page.locator("#map").bounding_box()
    assert box and 0 <= spot[0] <= box["width"] and 0 <= spot[1] <= box["height"]


async def test_tabbing_through_the_page_ends_and_always_shows_where_it_is(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    seen: list[str] = []
    for _ in range(70):
        await page.keyboard.press("Tab")
        at = await page.evaluate(
            "(n => n === document.body ? 'body' : (n.id || n.getAttribute('aria-label') || n.textContent.slice(0, 20)))(document.activeElement)"
        )
        if at == "body":
            break
        seen.append(at)
    assert 10 < len(seen) <= 60, seen
    assert seen.count("map") == 1


async def draw(page: Page, corners: list[tuple[int, int]]) -> None:
    await page.locator("#map").focus()
    await page.keyboard.press("g")
    for x, y in corners:
        await page.mouse.move(x, y)
        await page.mouse.click(x, y, delay=30)


async def test_a_polygon_is_drawn_bent_undone_and_saved(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    await draw(page, [(500, 400), (640, 400), (640, 560), (500, 560), (500, 400)])
    await page.wait_for_selector(".region-card:visible")
    corners = "window.fleetPage && JSON.stringify(window.fleetEditor.sketch.shape.points)"
    before = await page.evaluate(corners)
    assert len(json.loads(before)) == 4
    handle = page.locator(".handle[title='Corner 3']")
    box = await handle.bounding_box()
    assert box
    await page.mouse.move(box["x"] + 7, box["y"] + 7)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 47, box["y"] + 37, steps=4)
    await page.mouse.up()
    assert await page.evaluate(corners) != before
    await page.locator("#map").focus()
    await page.keyboard.press("Control+z")
    assert await page.evaluate(corners) == before
    await page.get_by_role("button", name="Create region").click()
    await page.wait_for_selector(".detail:not([hidden]) h2:has-text('Region 7')")
    assert len(feed.feed.regions["new6"]["geometry"]["coordinates"][0]) == 5


async def test_a_shape_that_crosses_itself_is_refused_with_the_reason(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    await draw(page, [(500, 400), (640, 560), (640, 400), (500, 560)])
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".region-card .notice.bad:has-text('cross each other')")
    assert await page.get_by_role("button", name="Create region").is_disabled()
    assert await violations(page) == []


async def test_the_second_of_two_savers_is_told_and_may_reapply(open_page: Open, feed: Running) -> None:
    one = await live(await open_page(f"{feed.url}#{PLACE}&tab=regions&region=kamppi"))
    two = await live(await open_page(f"{feed.url}#{PLACE}&tab=regions&region=kamppi"))
    two.expected += ["412"]  # type: ignore[attr-defined]
    await one.evaluate("window.fleetPage.preferences.set({name: 'Dana'})")
    for page, name in ((one, "Kamppi A"), (two, "Kamppi B")):
        await page.locator(".detail:not([hidden])").get_by_role("button", name="Edit").click()
        await page.get_by_label("Name", exact=True).fill(name)
    await one.get_by_role("button", name="Save").click()
    await one.wait_for_selector(".detail:not([hidden]) h2:has-text('Kamppi A')")
    await two.wait_for_selector(".detail:not([hidden]) h2:has-text('Kamppi A')")  # by the channel, no reload
    await two.get_by_role("button", name="Save").click()
    await two.wait_for_selector(".region-card .notice.bad:has-text('Changed by Dana')")
    assert "name" in await two.locator(".region-card .notice.bad").inner_text()
    await two.get_by_role("button", name="Apply mine over it").click()
    await one.wait_for_selector(".detail:not([hidden]) h2:has-text('Kamppi B')")
    assert feed.feed.regions["kamppi"]["properties"]["version"] == 3


async def test_a_region_that_somebody_deleted_while_it_was_edited_can_be_created_again(
    open_page: Open, feed: Running
) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}&tab=regions&region=kamppi"))
    page.expected += ["404"]  # type: ignore[attr-defined]
    await page.locator(".detail:not([hidden])").get_by_role("button", name="Edit").click()
    await page.get_by_label("Name", exact=True).fill("Kamppi again")
    del feed.feed.regions["kamppi"]
    feed.feed.tell(regions_deleted=["kamppi"])
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_selector(".region-card .notice.bad:has-text('deleted')")
    await page.get_by_role("button", name="Create region").click()
    await page.wait_for_selector(".detail:not([hidden]) h2:has-text('Kamppi again')")


async def test_an_acknowledgement_shows_on_every_page_and_after_a_reload(open_page: Open, feed: Running) -> None:
    feed.feed.event("enter", 2, "kamppi")
    one = await live(await open_page(f"{feed.url}#{PLACE}"))
    two = await live(await open_page(f"{feed.url}#{PLACE}"))
    await one.get_by_role("button", name="Acknowledge: ").first.click()
    await one.get_by_label("Your name").fill("Ines")
    await one.keyboard.press("Enter")
    await two.wait_for_selector(".event.acked:has-text('ack Ines')")
    await two.reload()
    await two.wait_for_selector(".event.acked:has-text('ack Ines')")


async def test_what_is_unread_stays_so_after_a_reload_until_it_is_read(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    feed.feed.tell(events=[feed.feed.event("enter", 2, "kamppi")])
    await page.wait_for_selector(".event.unread")
    await page.reload()
    await page.wait_for_selector(".event.unread")
    assert await page.title() == "(1) Fleet"
    await page.get_by_role("button", name="Mark all as read").click()
    await page.wait_for_selector(".event:not(.unread)")
    await page.evaluate("window.fleetPage.preferences.set({seen: 5000})")  # read on another server of this address
    await page.reload()
    await live(page)
    feed.feed.tell(events=[feed.feed.event("enter", 3, "kamppi")])
    await page.wait_for_selector(".event.unread:has-text('Van 3')")


async def test_a_button_keeps_the_focus_while_the_page_goes_on_around_it(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}&follow=kamppi"))
    await page.evaluate(
        "window.fleetPage.preferences.set({name: 'Dana', mutes: {'region:depot': Date.now() + 600000}})"
    )
    feed.feed.tell(events=[feed.feed.event("enter", 1, "kamppi")])
    for button in ("Show everything again", "Unmute", "Acknowledge: ", "Why?"):
        await page.get_by_role("button", name=button).first.focus()
        await page.evaluate("() => { window.kept = document.activeElement; window.fleetPage.tickNow() }")
        feed.feed.tell(events=[feed.feed.event("enter", 2 + len(feed.feed.events), "depot")])
        await page.wait_for_function(f"() => window.fleetPage.journal.events.length === {len(feed.feed.events)}")
        await page.evaluate("() => new Promise(requestAnimationFrame)")
        assert await page.evaluate("document.activeElement === window.kept"), button
    row = page.locator(".event", has_text="Kamppi customers")
    await row.get_by_role("button", name="Acknowledge: ").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".event.acked")
    assert await page.evaluate("document.activeElement.ariaLabel.startsWith('Take back')")


async def test_thirty_alerts_at_once_are_one_toast(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}", width=1440))
    feed.feed.tell(events=[feed.feed.event("enter", n, "kamppi") for n in range(1, 31)])
    await page.wait_for_selector(".toast:has-text('30 events in Kamppi customers')")
    assert await page.locator(".toast").count() == 1
    await page.wait_for_function("() => document.title.startsWith('(30)')")


async def test_what_is_delayed_or_muted_is_listed_and_not_raised(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}", width=1440))
    await page.get_by_role("button", name="Events").click()
    await page.evaluate("window.fleetPage.preferences.set({mutes: {'region:depot': Date.now() + 60000}})")
    feed.feed.tell(events=[feed.feed.event("enter", 1, "kamppi", delayed=True), feed.feed.event("dwell", 2, "depot")])
    await page.wait_for_selector(".event:has-text('delayed')")
    await page.wait_for_selector(".event:has-text('muted')")
    await page.wait_for_timeout(600)  # longer than alerts gather: a toast would be there
    assert await page.locator(".toast").count() == 0
    assert await page.title() == "Fleet"


async def test_a_link_opens_the_same_view_elsewhere(open_page: Open, feed: Running) -> None:
    link = f"{feed.url}#map=14.5/60.1700/24.9400&vehicle=van-12&q=van&state=moving&sort=speed&kind=enter"
    page = await live(await open_page(link))
    await page.wait_for_selector(".detail:not([hidden]) h2:has-text('Van 12')")
    assert await page.evaluate("window.fleetPage.map.camera().zoom") == 14.5
    assert await page.locator("#search").input_value() == "van"
    assert await page.locator("[data-chip=moving]").get_attribute("aria-pressed") == "true"
    await page.get_by_role("button", name="Zoom in").click()
    await page.wait_for_function("() => /^#map=15.5.60.1.+&vehicle=van-12&q=van&state=moving/.test(location.hash)")


async def test_a_link_pasted_into_an_open_page_is_followed(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    await page.evaluate("location.hash = 'map=16/60.1700/24.9400&vehicle=van-12&q=van'")
    await page.wait_for_selector(".detail:not([hidden]) h2:has-text('Van 12')")
    assert await page.evaluate("window.fleetPage.map.camera().zoom") == 16
    await page.evaluate("location.hash = 'map=16/60.1700/24.9400'")
    await page.wait_for_selector(".detail:not([hidden])", state="hidden")
    assert await page.locator("#search").input_value() == ""


async def test_the_register_is_edited_in_the_panel(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}&vehicle=van-05"))
    panel = page.locator(".detail:not([hidden])")
    await panel.get_by_role("button", name="Edit").click()
    await panel.get_by_label("Name").fill('<img src=x onerror="alert(1)">')
    await panel.get_by_role("button", name="Save").click()
    await page.wait_for_function(
        "() => document.querySelector('.detail:not([hidden]) h2').textContent.startsWith('<img')"
    )
    assert feed.feed.rows[4][2].startswith("<img")


async def test_the_command_is_copied_even_where_the_browser_hides_its_clipboard(open_page: Open, feed: Running) -> None:
    """Over plain HTTP from another machine `navigator.clipboard` does not exist, and a tick would be a lie."""
    page = await live(await open_page(feed.url))
    await page.evaluate("""() => {
      Object.defineProperty(navigator, 'clipboard', {value: undefined});
      document.addEventListener('copy', e => window.copied = e.target.value);
    }""")
    await page.get_by_role("button", name="Add a vehicle of your own").click()
    await page.get_by_role("button", name="Copy the command").click()
    await page.wait_for_selector(".code-line .icon-button[title=Copied]")
    assert await page.evaluate("window.copied") == await page.locator(".code-line code").inner_text()


async def test_units_zone_and_theme_are_the_readers_and_stay(open_page: Open, feed: Running) -> None:
    feed.feed.event("enter", 2, "kamppi")
    page = await live(await open_page(f"{feed.url}#{PLACE}&state=moving"))
    await page.get_by_role("button", name="Settings").click()
    for button in ("Miles", "Dark"):
        await page.locator("dialog").get_by_role("button", name=button, exact=True).click()
    await page.get_by_label("Time zone").select_option("Asia/Tokyo")
    await page.keyboard.press("Escape")
    await page.wait_for_selector("dialog", state="detached")
    for _ in range(2):
        await page.wait_for_selector("#vehicle-list .speed:has-text('mph')")
        await page.wait_for_function("() => document.querySelector('.event time')?.title.endsWith('UTC+9')")
        assert await page.evaluate("document.documentElement.hasAttribute('data-dark')")
        await live(page)
        await page.reload()


@pytest.mark.parametrize("back", ["z", "Control+z"])
async def test_what_is_taken_back_at_once_is_the_last_deed_though_it_is_still_on_its_way(
    open_page: Open, feed: Running, back: str
) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    first, second = (feed.feed.event("dwell", n, "kamppi", duration_s=300, dwell_s=120) for n in (1, 2))
    await page.evaluate("window.fleetPage.preferences.set({name: 'Dana'})")
    feed.feed.tell(events=[first, second])
    await page.wait_for_function("() => document.querySelectorAll('.event').length > 1")
    row = page.locator(f".event[data-key='{first['id']}']")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("a")
    await row.locator("text=ack Dana").wait_for()
    gate = asyncio.Event()

    async def slow(route: Route) -> None:
        await gate.wait()
        await route.continue_()

    await page.route("**/ack", slow)
    await page.keyboard.press("k")
    await page.keyboard.press("a")
    await page.keyboard.press(back)
    gate.set()
    await page.wait_for_selector("#deed:has-text('acknowledge again'), #deed:has-text('taken back')")
    assert "ack" not in second
    assert first["ack"]["by"] == "Dana"


async def test_what_decided_an_event_is_saved_as_evidence_or_it_is_said_why_not(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    feed.feed.tell(events=[feed.feed.event("enter", 1, "depot")])
    await page.locator("body").press("e")
    await page.get_by_role("button", name="Why?").first.click()
    page.expected += ["409"]  # type: ignore[attr-defined]
    asked: list[str] = []

    async def answer(route: Route) -> None:
        asked.append(route.request.url.partition("?")[2])
        if len(asked) == 1:
            problem = {
                "code": "bundle_partial",
                "status": 409,
                "title": "Not as things are",
                "detail": "partial: 7 gone",
            }
            await route.fulfill(status=409, json=problem, content_type="application/problem+json")
        else:
            await route.fulfill(status=200, body=b"PK and more", content_type="application/zip")

    await page.route("**/api/v1/history/bundle*", answer)
    button = page.get_by_role("button", name="Save as evidence")
    await button.click()
    await page.wait_for_selector(".toast:has-text('There is no evidence to save'):has-text('partial: 7 gone')")
    async with page.expect_download() as saved:
        await button.click()
    id = feed.feed.events[-1]["id"]
    assert (await saved.value).suggested_filename == f"event-{id}.zip"
    assert asked == [f"event={id}"] * 2
