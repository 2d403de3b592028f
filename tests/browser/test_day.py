"""A vehicle's day: its trips, stops and silences, what is chosen of it on the map, files of it, and why there is nothing."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Open, live, picture, violations
from tests.browser.feed import Feed, Running

pytestmark = pytest.mark.asyncio(loop_scope="session")

DAY, MIDNIGHT, HOUR = "2026-03-11", 1_773_180_000_000, 3_600_000  #: in Helsinki
LINK = f"map=14/60.1709/24.9435&vehicle=van-03&day={DAY}"
TRIP = MIDNIGHT + 8 * HOUR

#: The map has come where the trip is, and the trip is painted there.
STILL = """() => {
  const { route, map } = window.fleetPage, at = map.stage.zooming ? "" : String(route.pixels[40]);
  window.seen = at && window.seen?.at === at ? { at, times: window.seen.times + 1 } : { at, times: 1 };
  return route.pixels.length === 163 && window.seen.times > 3;
}"""


async def _choice(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).fragment).items()}


async def test_a_day_is_looked_through_and_its_trips_are_drawn(open_page: Open) -> None:
    fleet = Feed(40)
    fleet.day = "more"
    async with Running(fleet) as feed:
        page = await live(await open_page(f"{feed.url}#map=14/60.1709/24.9435&vehicle=van-03"))
        await page.get_by_role("button", name="Day", exact=True).click()
        day = page.get_by_role("region", name="Day of a vehicle")
        await expect(day.get_by_role("button", name="Today")).to_have_attribute("aria-pressed", "true")
        await expect(day.get_by_text("The day is not over")).to_be_visible()
        await expect(day.get_by_role("button", name="The next day")).to_be_disabled()
        await day.get_by_label("Day", exact=True).fill(DAY)
        rows = day.get_by_role("list", name="Trips and stops").locator(".leg")
        for n, words in enumerate([
            ["00:00–08:00", "Central depot", "8 h"], ["08:00–08:30", "Trip, 8.4 km", "30 min", "up to 70 km/h"],
            ["08:30–11:00", "Stop at 60.", "2 h 30 min"], ["11:00–11:30", "Trip"], ["11:30–12:15", "Not heard", "45 min"],
            ["12:15–00:00", "Central depot, Kamppi", "11 h 45 min"],
        ]):  # fmt: skip
            for word in words:
                await expect(rows.nth(n)).to_contain_text(word)
        await expect(rows).to_have_count(6)
        await expect(day.locator(".facts")).to_have_text(
            "Distance17 kmTop speed70 km/hDriving50 minIdle10 minStopped22 h 15 minTrips2"
        )
        asked = [query for what, query in fleet.asked if what == "summary"][-1]
        assert (asked["from"], asked["until"]) == (str(MIDNIGHT), str(MIDNIGHT + 24 * HOUR))
        assert asked["tz"] == "Europe/Helsinki"
        for name, what in (("CSV", "trips"), ("XLSX", "summary"), ("GPX", "summary"), ("KML", "summary")):
            href = await day.get_by_role("link", name=name, exact=True).get_attribute("href")
            assert f"/van-03/{what}?from={MIDNIGHT}&until={MIDNIGHT + 24 * HOUR}&" in (href or "")

        await rows.first.focus()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await page.wait_for_function("() => window.fleetPage.route.fixes.length === 163")
        choice = await _choice(page)
        assert (choice["day"], choice["leg"]) == (DAY, str(TRIP))
        await expect(rows.nth(1)).to_have_attribute("aria-pressed", "true")
        told = day.locator(".way output")
        await day.get_by_label("Along the trip").press("End")
        await expect(told).to_have_text("08:29:50 · 90 km/h")
        await page.wait_for_function(STILL, polling=100)
        x, y = await page.evaluate(
            "() => { const box = document.querySelector('#map').getBoundingClientRect();"
            " const at = window.fleetPage.route.pixels[40]; return [box.x + at[0], box.y + at[1]] }"
        )
        await page.mouse.move(x - 1, y)
        await page.mouse.move(x, y)
        await expect(told).to_have_text("08:06:40 · 20 km/h")
        await page.mouse.click(x, y)  # and does not let go of the vehicle
        assert (await _choice(page))["leg"] == str(TRIP)

        for left in ({"vehicle", "day"}, {"vehicle"}):
            await page.keyboard.press("Escape")
            assert set(await _choice(page)) - {"map"} == left
        await expect(day).to_be_hidden()
        assert (
            await page.evaluate("() => window.fleetPage.route.fixes.length + window.fleetPage.route.stops.length") == 0
        )
        await page.context.close()


async def test_a_link_leads_to_a_trip_and_whoever_cannot_be_told_hears_why(open_page: Open) -> None:
    fleet = Feed(40)
    async with Running(fleet) as feed:
        page = await live(await open_page(f"{feed.url}#{LINK}&leg={TRIP}"))
        page.expected += ["Failed to load resource"]  # type: ignore[attr-defined]
        day = page.get_by_role("region", name="Day of a vehicle")
        await page.wait_for_function("() => window.fleetPage.route.fixes.length > 100")
        assert (await _choice(page))["map"] == "14/60.1709/24.9435"  # the link says where to look
        await expect(day.get_by_role("heading", name="Van 3")).to_be_visible()

        fleet.day = "empty"
        await day.get_by_role("button", name="The day before").click()
        await expect(day.get_by_text("Nothing was heard of it on this day.")).to_be_visible()
        assert (await _choice(page))["day"] == "2026-03-10"
        await expect(day.get_by_role("link", name="CSV")).to_be_hidden()

        fleet.day = "refused"
        await day.get_by_role("button", name="The day before").click()
        await expect(day.get_by_text("There is nothing of this vehicle here that you may see.")).to_be_visible()
        await expect(day.get_by_role("button", name="Try again")).to_have_count(0)

        fleet.day = "full"
        await page.route("**/summary?*", lambda route: route.abort())
        await day.get_by_role("button", name="The day before").click()
        await expect(day.locator(".notice.warn")).to_be_visible()
        await page.unroute("**/summary?*")
        await day.get_by_role("button", name="Try again").click()
        await expect(day.get_by_role("button", name="Trip, 8.4 km").first).to_be_visible()
        await page.context.close()


async def _swipe(page: Page, x: float, y: float, to_y: float) -> None:
    """A finger goes down, along and up, as the system tells it."""
    finger = await page.context.new_cdp_session(page)
    for kind, at in [("touchStart", y), *(("touchMove", y + (to_y - y) * n / 8) for n in range(1, 9))]:
        await finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": at}]})
    await finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    await finger.detach()


#: Is the list at its beginning, once it has come to rest?
TOP = """async () => {
  const list = document.querySelector('.detail.day'), frame = () => new Promise(requestAnimationFrame);
  for (let last = -1; last !== list.scrollTop; ) {
    last = list.scrollTop;
    for (let n = 0; n < 10; n++) await frame();
  }
  return list.scrollTop === 0;
}"""

#: The chosen trip's time and speed are seen, and so is the row that has the focus or is chosen, none over the other.
SEEN = """([way, row]) => {
  const [a, b] = [way, row].map((one) => document.querySelector(one).getBoundingClientRect());
  const panel = document.querySelector('.detail.day').getBoundingClientRect();
  const end = Math.min(panel.bottom, innerHeight);
  return a.height > 40 && a.top >= panel.top - 1 && a.bottom <= end && b.top >= a.bottom - 1 && b.bottom <= end + 1;
}"""


async def test_a_day_is_for_fingers_and_for_a_page_that_is_enlarged(open_page: Open) -> None:
    fleet = Feed(40)
    async with Running(fleet) as feed:
        page = await live(
            await open_page(f"{feed.url}#{LINK}", width=360, height=740, reduced_motion="reduce", device_scale_factor=2)
        )
        day = page.get_by_role("region", name="Day of a vehicle")
        rows = day.get_by_role("list", name="Trips and stops").locator(".leg")
        await rows.nth(1).tap()
        await page.wait_for_function("() => window.fleetPage.route.fixes.length === 163")
        trip = [".day .way", ".leg[aria-pressed=true]"]
        await page.wait_for_function(SEEN, arg=trip)
        slider = await day.get_by_label("Along the trip").bounding_box()
        assert slider
        await page.touchscreen.tap(slider["x"] + slider["width"] / 2, slider["y"] + slider["height"] / 2)
        await expect(day.locator(".way output")).to_contain_text("08:1")

        await _swipe(page, 180, 412, 80)  # the sheet, by its grip
        await page.wait_for_function("() => document.querySelector('#side').getBoundingClientRect().top < 70")
        await page.wait_for_function(SEEN, arg=trip)
        for _ in range(9):  # the list, which goes back to its beginning; a busy machine takes a swipe for a shorter one
            await _swipe(page, 180, 412, 640)
            if await page.evaluate(TOP):
                break
        else:
            raise AssertionError("the list never came back to its beginning")
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        await picture(page, "day_touched_360")

        await page.set_viewport_size({"width": 720, "height": 450})  # 1440 by 900, at 200 %
        last = [".day .way", ".leg:focus"]
        await rows.first.focus()
        await page.keyboard.press("End")
        await page.wait_for_function(SEEN, arg=last)
        await page.keyboard.press("Home")
        await page.wait_for_function(SEEN, arg=last)
        assert await page.evaluate("document.documentElement.scrollWidth") == 720
        await picture(page, "day_enlarged")
        await page.context.close()


async def test_the_past_is_corrected_by_keys_on_a_phone_and_taken_back(open_page: Open) -> None:
    fleet = Feed(40)
    async with Running(fleet) as feed:
        stop = MIDNIGHT + 8 * HOUR + HOUR // 2
        page = await live(await open_page(f"{feed.url}#{LINK}&leg={stop}", width=360, height=740))
        page.expected += ["Failed to load resource"]  # type: ignore[attr-defined]
        day = page.get_by_role("region", name="Day of a vehicle")
        form = page.get_by_role("dialog", name="Correct the past of Van 3")
        await day.get_by_role("button", name="Correct…").press("Enter")
        what = form.get_by_label("What was otherwise")
        await expect(what.locator("option")).to_have_text(
            ["The stop began or ended at another time", "It was one trip", "Fixes are wrong"]
        )
        await expect(form.get_by_label("It ended")).to_have_value("11:00:00")
        await form.get_by_label("Why").fill("He waited")
        await form.get_by_role("button", name="Correct", exact=True).press("Enter")
        await expect(form.get_by_role("alert")).to_have_text("Nothing is otherwise yet: change a time first.")
        await form.get_by_label("It ended").fill("11:04:30")
        await form.get_by_role("button", name="Correct", exact=True).press("Enter")
        name = page.get_by_role("dialog").last
        await name.get_by_role("textbox").fill("Ada")
        await page.keyboard.press("Enter")
        await expect(form.get_by_role("alert")).to_have_text("say more")
        await expect(form.get_by_label("Why")).to_be_focused()
        await form.get_by_label("Why").fill("He waited at the gate")
        assert not await violations(page)
        async with (
            page.expect_request(lambda one: "/vehicles/van-03/track?" in one.url),
            page.expect_request(lambda one: "/events?vehicle=van-03&" in one.url),
        ):  # the card beside the day is told anew, and what happened since
            await form.get_by_role("button", name="Correct", exact=True).press("Enter")
        await expect(form).to_have_count(0)
        [said] = fleet.corrections
        assert (said["vehicle"], said["what"], said["by"]) == ("van-03", "move_stop", "Ada")
        assert (said["until"], said["new_until"]) == ("2026-03-11T09:00:00.000Z", "2026-03-11T09:04:30.000Z")
        assert "new_from" not in said

        corrections = day.locator(".corrections li")
        await expect(corrections).to_contain_text("The stop was from 08:30:00 to 11:04:30 (told: 08:30:00 to 11:00:00)")
        await expect(corrections).to_contain_text("He waited at the gate")
        await expect(corrections).to_contain_text("Ada, ")
        rows = day.locator(".legs .leg")
        await expect(rows.nth(2)).to_contain_text("corrected by Ada")
        await page.locator(".toast .icon-button").first.press("Enter")
        assert not await violations(page)
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        await picture(page, "day_corrected_360")
        await day.get_by_role("button", name="As told then").press("Enter")
        await expect(rows.nth(2)).to_contain_text("08:30–11:00")
        await expect(rows.nth(2)).not_to_contain_text("corrected")
        await day.get_by_role("button", name="As known now").press("Enter")
        await expect(rows.nth(2)).to_contain_text("corrected by Ada")
        await day.get_by_role("button", name="Take back: The stop").press("Enter")
        await expect(rows.nth(2)).not_to_contain_text("corrected")
        await expect(day.locator(".corrections")).to_be_hidden()
        await page.context.close()
