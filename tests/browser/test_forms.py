"""The region's card: what a limit means, and nothing typed is lost."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route

from tests.browser.conftest import Open, live, within
from tests.browser.feed import Running
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLACE = "map=15/60.1709/24.9435"


async def card(page: Page, shape: str = "60.1709, 24.9435, 250 m") -> Locator:
    await page.locator("#map").focus()
    await page.keyboard.press("g")
    await page.get_by_role("button", name="Type it").click()
    await page.get_by_label("Coordinates").fill(shape)
    await page.get_by_role("button", name="Use this shape").click()
    await page.wait_for_selector(".preview b")
    return page.locator(".region-card")


def new(feed: Running) -> dict[str, Any]:
    return next(f["properties"] for id, f in feed.feed.regions.items() if id.startswith("new"))


async def test_typing_a_limit_ticks_its_alert_and_hours_and_patience_are_saved_and_seen(
    open_page: Open, feed: Running
) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    form = await card(page)
    for box in ("Overspeed", "Dwell", "Enter"):
        await form.get_by_label(box, exact=True).uncheck()
    limits = {
        "Speed limit, km/h": ("30", "Overspeed"),
        "Dwell, minutes": ("5", "Dwell"),
        "Hours": ("Mon–Fri 8-17", "Enter"),
    }
    for label, (typed, box) in limits.items():
        await form.get_by_label(label).fill(typed)
        assert await form.get_by_label(box, exact=True).is_checked(), label
    await form.get_by_label("Dwell, minutes").fill("")
    assert not await form.get_by_label("Dwell", exact=True).is_checked()  # typing ticked it
    await form.get_by_label("Dwell, minutes").fill("5")
    await form.get_by_label("Too fast for").fill("10")
    await form.get_by_role("button", name="Create region").click()
    await page.wait_for_selector(".detail:not([hidden]) h2:has-text('Region 7')")
    rules = new(feed)["rules"]
    assert rules["dwell_s"] == 300
    assert rules["min_s"] == 10
    assert rules["speed_limit_mps"] == 8.333
    assert rules["schedule"]["weekly"]["fri"] == [["08:00", "17:00"]]
    assert rules["schedule"]["zone"] == "Europe/Helsinki"
    assert "sat" not in rules["schedule"]["weekly"]
    said = await page.locator(".detail:not([hidden]) .pairs").inner_text()
    assert "Mon–Fri 08:00–17:00 (Europe/Helsinki)" in said
    assert "30 km/h, for at least 10 s" in said
    await page.locator(".detail:not([hidden])").get_by_role("button", name="Edit").click()
    assert await form.get_by_label("Hours").input_value() == "Mon–Fri 08:00–17:00"
    assert await form.get_by_label("Too fast for").input_value() == "10"


async def test_hours_count_in_the_zone_that_was_chosen(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    form = await card(page)
    await form.get_by_label("Hours").fill("Sat 9-12")
    assert await form.get_by_label("Time zone").input_value() == "Europe/Helsinki"
    await form.get_by_label("Time zone").select_option("Asia/Tokyo")
    await form.get_by_role("button", name="Create region").click()
    await page.wait_for_selector(".detail:not([hidden]) .pairs:has-text('Sat 09:00–12:00')")
    assert new(feed)["rules"]["schedule"]["zone"] == "Asia/Tokyo"
    await page.locator(".detail:not([hidden])").get_by_role("button", name="Edit").click()
    assert await form.get_by_label("Time zone").input_value() == "Asia/Tokyo"


async def test_what_is_typed_while_a_region_is_saved_stays_and_is_saved_next(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    form = await card(page)
    gate = asyncio.Event()

    async def slow(route: Route) -> None:
        await gate.wait()
        await route.continue_()

    await page.route(re.compile(r"/api/v1/regions(/new\d+)?$"), slow)
    await form.get_by_label("Name", exact=True).fill("Gate")
    await page.keyboard.press("Enter")
    await page.keyboard.press("End")
    await page.keyboard.type(" 4 east")
    gate.set()
    await page.wait_for_function(
        "() => !document.querySelector('.region-card') || document.querySelector('.region-card .notice.bad:not([hidden])')"
    )
    assert await form.count() == 1
    assert await form.get_by_label("Name", exact=True).input_value() == "Gate 4 east"
    await form.get_by_role("button", name="Save").click()
    await page.wait_for_selector(".detail:not([hidden]) h2:has-text('Gate 4 east')")
    assert [f["properties"]["name"] for id, f in feed.feed.regions.items() if id.startswith("new")] == ["Gate 4 east"]


async def test_what_is_typed_while_the_register_is_saved_stays(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}&vehicle=van-05"))
    panel = page.locator(".detail:not([hidden])")
    await panel.get_by_role("button", name="Edit").click()
    gate = asyncio.Event()

    async def slow(route: Route) -> None:
        if route.request.method == "PATCH":
            await gate.wait()
        await route.continue_()

    await page.route("**/api/v1/vehicles/van-05", slow)
    await panel.get_by_label("Plate").fill("ABC")
    await page.keyboard.press("Enter")
    await page.keyboard.type("-123")
    gate.set()
    await page.wait_for_selector("text=Van 5 changed")
    assert await panel.get_by_label("Plate").count() == 1
    assert await panel.get_by_label("Plate").input_value() == "ABC-123"


async def test_a_pasted_file_is_read_as_the_server_reads_it(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    asked: list[str] = []
    region = {
        "type": "Feature", "id": "preview", "properties": {"name": "Yard 7"},
        "geometry": {"type": "Polygon", "coordinates": [[[24, 60], [24.1, 60], [24.1, 60.1], [24, 60]]]},
    }  # fmt: skip

    async def preview(route: Route) -> None:
        asked.append(str(route.request.post_data))
        if "several" in asked[-1]:
            said = {"status": 422, "code": "one_region", "detail": "this takes one region, and here are several"}
            return await route.fulfill(status=422, json=said)
        await route.fulfill(json={"region": region, "counts": {"enter": 1}, "inside_count": 1})

    await page.route("**/api/v1/regions/preview", preview)
    form = await card(page)
    await form.get_by_label("Coordinates").fill("<kml>several</kml>")
    page.expected.append("422")  # type: ignore[attr-defined]
    await form.get_by_role("button", name="Use this shape").click()
    await page.wait_for_selector(".region-card .notice.bad:has-text('here are several')")
    await form.get_by_label("Coordinates").fill(" <kml>one</kml>")
    await form.get_by_role("button", name="Use this shape").click()
    await page.wait_for_function("() => window.fleetEditor.sketch.shape.points.length === 3")
    assert await form.get_by_label("Name", exact=True).input_value() == "Yard 7"
    assert "<kml>one</kml>" in asked


async def test_what_is_pasted_over_a_shape_can_be_taken_back(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    form = await card(page)
    kind = "window.fleetEditor.sketch.kind"
    await form.get_by_label("Coordinates").fill("60.17, 24.94\n60.18, 24.94\n60.18, 24.95")
    await form.get_by_role("button", name="Use this shape").click()
    assert await page.evaluate(kind) == "polygon"
    await page.keyboard.press("Control+z")
    assert await page.evaluate(kind) == "circle"
    await page.keyboard.press("Control+Shift+z")
    assert await page.evaluate(kind) == "polygon"
    await page.get_by_role("button", name="Undo (Ctrl Z)").click()
    assert await page.evaluate(kind) == "circle"


async def test_hours_that_cannot_be_read_are_refused_in_words(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    form = await card(page)
    await form.get_by_label("Hours").fill("office hours")
    await form.get_by_role("button", name="Create region").click()
    await page.wait_for_selector(".region-card .notice.bad:has-text('no times like 08:00–17:00')")
    assert not [id for id in feed.feed.regions if id.startswith("new")]


async def test_the_preview_says_how_much_of_it_would_be_raised(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    form = await card(page)
    await page.wait_for_selector(".preview:has-text('12 enters, 11 exits, 3 dwells; 26 raised')")
    for box in ("Enter", "Exit"):
        await form.get_by_label(box, exact=True).uncheck()
    await page.wait_for_selector(".preview:has-text('; 3 raised')")


async def test_an_event_that_was_raised_can_be_acknowledged_though_its_region_is_gone(
    open_page: Open, feed: Running
) -> None:
    feed.feed.regions["kamppi"]["properties"]["notify"] = ["cross"]
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    feed.feed.tell(events=[feed.feed.event("cross", 1, "kamppi")])
    await page.get_by_role("button", name="Acknowledge: Van 1").wait_for()
    del feed.feed.regions["kamppi"]
    feed.feed.tell(regions_deleted=["kamppi"])
    await page.wait_for_function("() => !window.fleetPage.fleet.regions.has('kamppi')")
    await page.evaluate("window.fleetPage.tickNow()")
    await page.get_by_role("button", name="Acknowledge: Van 1").wait_for()
    feed.feed.event("overspeed_start", 2, "kamppi", speed_mps=20.0, limit_mps=10.0)
    await page.reload()
    await page.get_by_role("button", name="Acknowledge: Van 2").wait_for()


async def test_no_vehicle_is_moving_at_0_km_h(open_page: Open, feed: Running) -> None:
    row = next(row for row in feed.feed.rows if row[8] == 1 and row[0] % 13)
    row[6], row[2] = 1, "Van Zero"  # 0.1 m/s, still within its journey
    page = await live(await open_page(f"{feed.url}#{PLACE}&q=zero&vehicle={row[1]}"))
    await page.wait_for_selector(".detail:not([hidden]) .subtitle:has-text('Halted')")
    await page.wait_for_selector(".detail:not([hidden]) dd:has-text('0 km/h')")
    assert "Moving" not in await page.locator(".detail:not([hidden]) .subtitle").inner_text()
    option = page.locator("#vehicle-list [role=option]:not([hidden])").first
    assert "Halted" in str(await option.text_content())
    assert "km/h" not in str(await option.text_content())


async def test_escape_leaves_the_field_first_and_a_filled_card_asks(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    form = await card(page)
    await form.get_by_label("Name", exact=True).fill("Gate 4")
    await page.keyboard.press("Escape")
    assert await form.get_by_label("Name", exact=True).input_value() == "Gate 4"
    assert await page.evaluate("!document.activeElement.matches('input')")
    await page.keyboard.press("Escape")
    await page.wait_for_selector("dialog:has-text('has not been saved')")
    await page.keyboard.press("Escape")  # the safe answer
    await page.wait_for_selector("dialog", state="detached")
    assert await form.get_by_label("Name", exact=True).input_value() == "Gate 4"
    await form.get_by_role("button", name="Cancel").last.click()
    await page.get_by_role("button", name="Discard it").click()
    await page.wait_for_selector(".region-card", state="detached")
    await page.keyboard.press("g")
    await page.keyboard.press("Escape")  # nothing drawn, nothing typed: nothing asked
    await page.wait_for_selector(".draw-bar", state="hidden")
    assert await page.locator("dialog").count() == 0


async def test_a_register_half_typed_is_there_again_after_a_look_at_another_vehicle(
    open_page: Open, feed: Running
) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}&vehicle=van-05"))
    panel = page.locator(".detail:not([hidden])")
    await panel.get_by_role("button", name="Edit").click()
    await panel.get_by_label("Name").fill("Half a na")
    await page.evaluate("window.fleetPage.select('van-06')")
    await page.wait_for_function("() => !document.querySelector('.detail form')")
    await page.evaluate("window.fleetPage.select('van-05')")
    await page.wait_for_function("() => document.querySelector('.detail [name=name]')?.value === 'Half a na'")
    await panel.get_by_role("button", name="Cancel").click()
    assert await panel.locator("form").count() == 0


@pytest.mark.parametrize("width, height", [(1440, 900), (800, 900), (360, 740)])
async def test_the_card_never_lies_over_what_it_draws(open_page: Open, feed: Running, width: int, height: int) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}", width=width, height=height))
    await card(page)
    over = await page.evaluate("""() => {
      const card = document.querySelector('.region-card').getBoundingClientRect();
      return [...document.querySelectorAll('.handle')].filter((node) => {
        const {left, top, width, height} = node.getBoundingClientRect(), x = left + width / 2, y = top + height / 2;
        return x > card.left && x < card.right && y > card.top && y < card.bottom;
      }).length }""")
    assert over == 0
    assert await page.locator(".handle").count() > 0


async def test_a_toast_leaves_a_phones_tools_free(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}", width=360, height=740))
    feed.feed.tell(events=[feed.feed.event("dwell", 1, "depot")])
    await page.wait_for_selector(".toast:has-text('Van 1')")
    for name in ("Zoom in", "Zoom out", "Show the whole fleet", "Draw a region"):
        await page.get_by_role("button", name=name).click(trial=True, timeout=within(5))
    await page.locator("#search").click(trial=True, timeout=within(5))


async def test_a_shape_that_is_dragged_or_moved_by_key_tells_what_yesterday_would_have_been(
    open_page: Open, feed: Running
) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}", width=360, height=740))
    form = await card(page)
    assert feed.feed.rehearsed == []
    assert await form.locator(".yesterday").is_hidden()
    box = await page.locator(".handle[title='Move']").bounding_box()
    assert box
    await page.mouse.move(box["x"] + 7, box["y"] + 7)
    feed.feed.behind = 20
    await page.mouse.down()
    await page.mouse.move(box["x"] + 20, box["y"] + 20, steps=4)
    await form.locator(".yesterday b:has-text(' new')").wait_for()  # the button is still down
    assert feed.feed.rehearsed[0][1] is True
    await until(lambda: feed.feed.behind == 0, "what did not follow at once is asked for again, though nothing moves")
    await form.locator(".yesterday:not(.old) b").first.wait_for()
    await page.mouse.up()
    await form.locator(".yesterday-counts[aria-busy=false]").wait_for()
    shape, going = feed.feed.rehearsed[-1]
    assert going is False
    drawn = await page.evaluate("window.fleetEditor.sketch.geojson().geometry.coordinates")
    assert shape["geometry"]["coordinates"] == drawn
    said = await form.locator(".yesterday").inner_text()
    for words in ("4,321 events as told", f"+{100 + len(feed.feed.rehearsed)} new", "−1 gone", "0 otherwise", "Van 3"):
        assert words in said
    await page.locator("canvas[data-layer^=shifted]:not([hidden])").wait_for()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    asked = len(feed.feed.rehearsed)
    await form.get_by_label("Radius").focus()
    await page.keyboard.press("ArrowUp")
    await page.wait_for_function(f"() => document.querySelector('.yesterday').textContent.includes('+{102 + asked} ')")
    assert [going for _, going in feed.feed.rehearsed[asked:]] == [True, False]
    assert feed.feed.rehearsed[-1][0]["properties"]["radius_m"] == 251
    await form.locator(".yesterday .moment").first.click()
    await page.wait_for_function("() => location.hash.includes('at=')")


async def test_numbers_of_an_older_shape_never_pass_for_those_of_this_one(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    form = await card(page)
    radius = form.get_by_label("Radius")
    await radius.press("ArrowUp")
    await form.locator(".yesterday:not(.old) .yesterday-counts[aria-busy=false]").wait_for()
    feed.feed.rehearse = 503
    page.expected.append("503")  # type: ignore[attr-defined]
    await radius.press("ArrowUp")
    await form.locator(".yesterday.old:has-text('Others are trying shapes'):has-text('4,321')").wait_for()
    feed.feed.rehearse = None
    await form.locator(".yesterday:not(.old) .yesterday-counts[aria-busy=false]").wait_for()
