"""Whatever names a time leads to its moment: events, trips, stops, visits, fixes, and each place of the Today strip."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Open, live
from tests.browser.feed import Feed, Running, stamp
from tests.browser.past import HOUR
from tests.browser.test_past import choice, iso

pytestmark = pytest.mark.asyncio(loop_scope="session")

MINUTE = 60_000
EIGHT = 1_773_208_800_000  #: of 11 March 2026, in Helsinki: a trip begins
#: Pixels of the map's picture of "why" that are painted; the canvas is cleared once nobody asks.
PAINTED = """() => { const canvas = document.querySelector('canvas[data-layer=decided]');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let sum = 0; for (let i = 3; i < data.length; i += 4) if (data[i]) sum += i; return sum }"""


async def shows(page: Page, at: int) -> None:
    await page.wait_for_function(f"() => window.fleetPage.state.value.at === {at} && window.fleetPage.past.exactly")
    assert (await choice(page))["at"] == iso(at)
    await expect(page.locator(".past-band").first).to_be_visible()
    await expect(page.locator("#timeline")).to_be_visible()


async def test_each_row_that_names_a_time_leads_to_its_moment_and_back_returns(open_page: Open) -> None:
    fleet = Feed(40)
    enter = fleet.event("enter", 5, "depot", time=stamp(EIGHT + 500), why={
        "from": {"time": stamp(EIGHT - 4000), "lat": 60.1712, "lon": 24.9432, "accuracy_m": 8, "edge_m": 14.2},
        "to": {"time": stamp(EIGHT + 500), "lat": 60.1709, "lon": 24.9435, "accuracy_m": 8, "edge_m": -22.5},
        "enter_m": -8.0, "exit_m": 20.0, "debounce": "accuracy",
    })  # fmt: skip
    enter["doubted"] = [
        {"id": "c1", "what": "wrong_fixes", "by": "Ada", "at": stamp(EIGHT + HOUR), "why": "Another van"}
    ]
    fleet.event("silent", 9, None, time=stamp(EIGHT + HOUR), reason="timer")
    async with Running(fleet) as feed:
        page = await live(await open_page(f"{feed.url}#map=14/60.1709/24.9435&vehicle=van-03&day=2026-03-11"))
        before = page.url
        back = page.get_by_role("button", name="Back to live")

        # A trip: from its row, from both its ends, from a fix along it.
        day = page.get_by_role("region", name="Day of a vehicle")
        await day.get_by_role("button", name="Show this moment: 08:30 Stop").click()
        await shows(page, EIGHT + HOUR // 2)
        await page.go_back()
        await expect(back).to_be_hidden()
        assert page.url == before
        await day.get_by_role("button", name="08:00–08:30 Trip").click()
        await page.wait_for_function("() => window.fleetPage.route.fixes.length === 163")
        await day.locator(".way").get_by_role("button", name="08:30").click()
        await shows(page, EIGHT + HOUR // 2)
        await day.get_by_label("Along the trip").press("End")
        await day.get_by_role("button", name="Show this moment: 08:29:50").click()
        await shows(page, EIGHT + 30 * MINUTE - 10_000)
        await expect(day).to_be_visible()
        assert (await choice(page))["vehicle"] == "van-03"
        await page.keyboard.press("l")
        await expect(back).to_be_hidden()
        await page.keyboard.press("Escape")
        await page.keyboard.press("Escape")

        # An event: by its time, its first fix, its deciding one; by keys alone.
        row = page.locator(".event", has_text="Van 5")
        was = await choice(page)
        await row.locator(".meta .moment").focus()
        await page.keyboard.press("Enter")
        await shows(page, EIGHT + 1000)  # the first whole second at which it had happened
        assert (await choice(page))["vehicle"] == enter["vehicle"]
        await page.go_back()  # one step, though the vehicle was chosen and the map went there
        await expect(back).to_be_hidden()
        assert await choice(page) == was
        await row.get_by_role("button", name="Why?").click()
        card = row.locator(".why-card")
        await expect(card).to_contain_text("Before, 07:59:56: 14 m outside the edge (accurate to 8 m).")
        await expect(card).to_contain_text("Deciding fix, 08:00:00: 23 m inside the edge (accurate to 8 m).")
        await expect(card).to_contain_text("A fix that decided this was called wrong since (Ada, ")
        await expect(card.locator(".notice")).to_contain_text("Another van")
        await expect(row.get_by_text("doubted", exact=True)).to_be_visible()
        await card.get_by_role("button", name="07:59:56").click()
        await shows(page, EIGHT - 4000)
        await card.get_by_role("button", name="Show this moment").click()
        await shows(page, EIGHT + 1000)

        # Its two fixes move, on the map and in the card, until the display is paused or the card closed.
        page.expected += ["willReadFrequently"]  # type: ignore[attr-defined]
        was = await page.evaluate(PAINTED)
        await page.wait_for_function(f"(was) => ({PAINTED})() !== was", arg=was)
        await page.evaluate("() => window.fleetPage.togglePause()")
        await page.wait_for_function("() => !window.fleetPage.map.stage.sheets.get('decided').dirty")
        assert await page.evaluate(PAINTED) > 0
        await page.evaluate("() => window.fleetPage.togglePause()")
        await page.wait_for_function("() => window.fleetPage.map.stage.sheets.get('decided').dirty")
        await row.get_by_role("button", name="Why?").click()
        await page.wait_for_function(f"() => ({PAINTED})() === 0")

        # One without a fix says what there is; a moment that is still to come leaves the map as it is.
        silent = page.locator(".event", has_text="van-09")
        await silent.get_by_role("button", name="Why?").click()
        await expect(silent.locator(".why-card")).not_to_contain_text("fix")
        await silent.locator(".why-card").get_by_role("button", name="Show this moment").click()
        await shows(page, EIGHT + HOUR)
        await page.evaluate("() => window.fleetPage.showMoment(window.fleetPage.now() + 3_600_000)")
        await expect(page.locator("#toasts")).to_contain_text("This moment is still to come")
        await shows(page, EIGHT + HOUR)
        await page.context.close()


async def test_each_place_of_the_today_strip_leads_to_its_moment_by_finger_and_keys(open_page: Open) -> None:
    fleet = Feed(40)
    fleet.rows[2][3] = fleet.rows[2][9] = EIGHT + 4 * HOUR - fleet.t0  # it was heard last on that day
    heard = [
        {"time": stamp(EIGHT + n * MINUTE), "lat": 60.17, "lon": 24.94 + n / 1e4, "speed_mps": 9.0 * (n % 120 < 60)}
        for n in range(240)
    ]
    async with Running(fleet) as feed:
        page = await open_page(feed.url, width=360, height=740, locale="de-DE", reduced_motion="reduce")
        await page.route("**/van-03/track?*", lambda route: route.fulfill(json={"positions": heard, "next": None}))
        await page.goto(f"{feed.url}#map=14/60.1709/24.9435&vehicle=van-03")
        await live(page)
        strip = page.get_by_role("slider", name="Heute: in Fahrt 2 Stunden")
        await strip.focus()
        await page.keyboard.press("Home")
        await shows(page, EIGHT - 8 * HOUR)
        for key, at in (("PageUp", -7), ("ArrowRight", -7 + 1 / 12), ("Shift+ArrowLeft", -8 + 1 / 12)):
            await page.keyboard.press(key)
            await shows(page, round(EIGHT + at * HOUR))
        await expect(strip).to_have_attribute("aria-valuetext", "00:05:00")
        box = await strip.bounding_box()
        assert box
        assert box["height"] >= 44
        await page.touchscreen.tap(box["x"] + box["width"] * 8.5 / 24, box["y"] + box["height"] / 2)
        await page.wait_for_function("() => window.fleetPage.past.exactly")
        at = await page.evaluate("() => window.fleetPage.state.value.at")
        assert at == pytest.approx(EIGHT + HOUR / 2, abs=10 * MINUTE)
        await expect(strip).to_have_attribute("aria-valuetext", re.compile(r"^08:\d\d:\d\d, in Fahrt$"))
        assert (await choice(page))["vehicle"] == "van-03"
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        await page.context.close()
