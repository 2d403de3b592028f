"""Two moments at once: the map in two parts under one camera, the one that is looked at and now, or another beside it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Open, live, violations, within
from tests.browser.feed import Feed, Running
from tests.browser.past import DAY, HOUR
from tests.browser.test_past import MIDNIGHT, MINUTE, choice, link, settled

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOON = MIDNIGHT + 12 * HOUR + 30 * MINUTE
#: what is seen of each picture, CSS px of the map: [left, top, right, bottom] of either
PARTS = """() => ['', '-beside'].map((side) => { const { map } = window.fleetPage,
  pane = document.querySelector(`canvas[data-layer=vehicles${side}]`).parentElement,
  [top, right, bottom, left] = pane.style.clipPath.match(/-?[\\d.]+/g).map(Number),
  { x, y } = map.leaflet.layerPointToContainerPoint([0, 0]);
  return [left + x, top + y, x - right, y - bottom].map(Math.round) })"""
SECOND = """() => Object.fromEntries([...window.fleetPage.beside.fleet.byId.values()].filter((v) => v.known !== false)
  .map((v) => [v.id, [v.lat.toFixed(7), v.lon.toFixed(7)]]))"""


def told(fleet: Feed, at: int) -> dict[str, list[str]]:
    positions = fleet.past.frames(fleet, {"from": str(at)})["frames"][0]["positions"]
    return {one["vehicle"]: [f"{one['lat']:.7f}", f"{one['lon']:.7f}"] for one in positions}


async def both(page: Page) -> list[list[int]]:
    """The two parts, which are the map and do not overlap."""
    first, second = await page.evaluate(PARTS)
    width, height = await page.evaluate(
        "() => { const { x, y } = window.fleetPage.map.leaflet.getSize(); return [x, y] }"
    )
    assert first[:2] == [0, 0]
    assert second[2:] == [width, height]
    columns = first[3] == height
    assert second[:2] == ([first[2], 0] if columns else [0, first[3]])
    return [first, second]


async def pointed(page: Page, picture: str, part: list[int]) -> str:
    """Point at a vehicle that one picture shows in its part; what the card says."""
    at: Any = await page.evaluate(
        """([name, [left, top, right, bottom]]) => { const { vehicles, fleet } = window.fleetPage[name];
          for (const v of fleet.byId.values()) { const at = vehicles.position(v.slot);
            if (at && at[0] > left + 60 && at[0] < right - 80 && at[1] > top + 160 && at[1] < bottom - 40) return at }
        }""",
        [picture, part],
    )
    box = await page.locator("#map").bounding_box()
    assert at and box
    await page.mouse.move(box["x"] + at[0], box["y"] + at[1])
    card = page.locator(".hover-card")
    await expect(card).to_be_visible()
    words = await card.inner_text()
    await page.mouse.move(box["x"] + box["width"] - 90, box["y"] + box["height"] - 60)
    await expect(card).to_be_hidden()
    return words


async def test_then_lies_beside_now_and_yesterday_beside_today(open_page: Open) -> None:
    fleet = Feed(40)
    async with Running(fleet) as feed:
        page = await live(await open_page(f"{feed.url}{link(NOON, vehicle='van-06')}", width=1440))
        await settled(page, NOON)
        compare = page.get_by_role("button", name="Compare")
        await expect(compare).to_have_attribute("aria-pressed", "false")
        await page.keyboard.press("s")
        await expect(compare).to_have_attribute("aria-pressed", "true")
        assert (await choice(page))["split"] == "now"
        band = page.get_by_role("region", name="The moment beside it")
        await expect(band.locator("strong")).to_have_text("Now · live")
        await expect(page.get_by_role("region", name="The moment shown")).to_contain_text("11 Mar 14:30:00 · not live")
        assert await page.evaluate("() => window.fleetPage.beside.fleet === window.fleetPage.fleet")
        ends = "() => document.fonts.ready.then(() => [window.fleetPage.overlay, window.fleetPage.beside.overlay].map((one) => one.selected?.id))"
        assert await page.evaluate(ends) == ["van-06", "van-06"]

        # Lists count on with now.
        within_depot = page.locator("#region-list [data-region=depot] .inside-words")
        assert str(len(fleet.members["depot"])) in (await within_depot.text_content() or "")

        # The divider: keys and the mouse. It stays where it is while the map moves under it.
        divider = page.get_by_role("separator", name="Divider between the two moments")
        await expect(divider).to_be_focused()
        first, _ = await both(page)
        for key, percent in (
            ("ArrowLeft", "48"),
            ("Home", "15"),
            ("End", "85"),
            ("Shift+ArrowLeft", "75"),
            ("Enter", "50"),
        ):
            await page.keyboard.press(key)
            await expect(divider).to_have_attribute("aria-valuenow", percent)
        box = await divider.bounding_box()
        assert box
        x, y = box["x"] + box["width"] / 2, box["y"] + 400
        await page.mouse.move(x, y)
        await page.mouse.down()
        await page.mouse.move(x - 300, y, steps=3)
        await page.mouse.up()
        parts = await both(page)
        assert parts[0][2] == pytest.approx(first[2] - 300, abs=2)
        await page.mouse.move(x + 100, y)
        await page.mouse.down()
        await page.mouse.move(x + 160, y + 30, steps=4)
        assert await both(page) == parts
        await page.mouse.up()
        await page.evaluate("() => window.fleetPage.fitFleet(false)")
        assert await both(page) == parts

        await divider.press("Enter")
        parts = await both(page)

        # What is pointed at says which moment it is of.
        assert "Now" in await pointed(page, "beside", parts[1])
        assert "11 Mar 14:30:00" in await pointed(page, "picture", parts[0])
        await expect(page.locator("#side")).to_contain_text("This card is of now, not of the moment on the map.")

        await band.get_by_role("combobox").select_option("1 day before")
        await expect(band.locator("strong")).to_have_text("Tue 10 Mar 14:30:00")
        assert (await choice(page))["split"] == "-1d"
        yesterday = told(fleet, NOON - DAY)
        await page.wait_for_function(
            "(told) => [...window.fleetPage.beside.fleet.byId.values()].some((v) => v.known && Number.isFinite(v.age))",
            arg=0,
        )
        assert await page.evaluate(SECOND) == yesterday
        await page.keyboard.press("Escape")  # the selection goes before the split does
        assert (await choice(page))["split"] == "-1d"
        assert "vehicle" not in await choice(page)

        # Played, both go on in step.
        await page.keyboard.press("Space")
        await page.wait_for_function(f"() => window.fleetPage.past.at > {NOON + 4000}")
        apart = await page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => done(window.fleetPage.past.at - window.fleetSplit.other)))"
        )
        assert apart == DAY
        await page.keyboard.press("Space")
        await page.go_back()
        await page.go_back()
        await expect(band.locator("strong")).to_have_text("Now · live")
        await band.get_by_role("button", name="Show one moment only").click()
        await expect(band).to_be_hidden()
        assert "split" not in await choice(page)
        await page.go_back()
        await expect(band).to_be_visible()

        await page.keyboard.press("l")
        await expect(band).to_be_hidden()
        assert {"at", "split"}.isdisjoint(await choice(page))
        left = await page.evaluate(
            "() => [window.fleetPage.beside, document.querySelector('canvas[data-layer=vehicles-beside]').width,"
            " document.querySelector('canvas[data-layer=vehicles]').parentElement.style.clipPath]"
        )
        assert left == [None, 0, ""]
        # Opened and closed again and again it leaves nothing more behind.
        kept = "() => [document.querySelectorAll('*').length, window.fleetPage.map.stage.sheets.size]"
        before = await page.evaluate(kept)
        for _ in range(4):
            await page.evaluate(f"() => window.fleetPage.state.set({{ at: {NOON}, split: -86400000 }})")
            await page.evaluate("() => window.fleetPage.past.live()")
        assert await page.evaluate(kept) == before
        assert await page.evaluate("() => window.fleetPage.state.value.split") is None
        await page.context.close()


async def test_both_halves_obey_who_may_see_what_and_tell_the_truth_of_now(open_page: Open) -> None:
    fleet = Feed(40)
    async with Running(fleet) as feed:
        page = await live(await open_page(f"{feed.url}{link(NOON, split='-1d')}", width=1440))
        page.expected += ["WebSocket", "Failed to load resource"]  # type: ignore[attr-defined]
        await settled(page, NOON)
        await page.wait_for_function("() => window.fleetPage.beside.fleet.shown === 40")
        gone = "() => { const app = window.fleetPage; app.forget(true); const { fleet, regions, vehicles } = app.beside; return [fleet.byId.size, regions.drawn.size, vehicles.motion.size] }"
        fleet.past.without = {row[1] for row in fleet.rows[10:]}
        assert await page.evaluate(gone) == [0, 0, 0]
        await page.wait_for_function("() => window.fleetPage.beside.fleet.shown === 10")
        assert await violations(page) == []
        band = page.get_by_role("region", name="The moment beside it")
        fleet.past.refused = 403
        await page.evaluate("() => window.fleetPage.forget(true)")
        await expect(band).to_contain_text("You may not see the past here.")
        fleet.past.refused = 0
        await band.get_by_role("combobox").select_option("Now")
        await expect(band.locator("strong")).to_have_text("Now · live")
        fleet.refuse = True
        await page.context.set_offline(True)
        await expect(band.locator("strong")).not_to_have_text("Now · live", timeout=within(30))
        await expect(band).to_have_attribute("data-old", "")
        await page.context.close()


async def test_a_phone_has_one_half_over_the_other_and_fingers_move_what_parts_them(open_page: Open) -> None:
    fleet = Feed(40)
    async with Running(fleet) as feed:
        page = await live(
            await open_page(f"{feed.url}{link(NOON, split='now')}", width=360, height=740, reduced_motion="reduce")
        )
        await settled(page, NOON)
        divider = page.get_by_role("separator")
        await expect(divider).to_have_attribute("aria-orientation", "horizontal")
        first, second = await both(page)
        assert first[2] == second[2] == 360
        box = await divider.bounding_box()
        assert box
        x, y = 180, box["y"] + box["height"] / 2
        touch = await page.context.new_cdp_session(page)
        for kind, points in (("Start", [(x, y)]), ("Move", [(x, y - 20)]), ("Move", [(x, y - 40)]), ("End", [])):
            at = [{"x": one, "y": other} for one, other in points]
            await touch.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": at})
        moved, _ = await both(page)
        assert moved[3] == pytest.approx(first[3] - 40, abs=2)
        small = await page.locator(".beside-band :is(button, select), .split-line").evaluate_all(
            "(all) => all.map((one) => one.getBoundingClientRect()).filter((box) => box.height < 44 || box.width < 44).length"
        )
        assert small == 0
        assert await page.evaluate("() => document.documentElement.scrollWidth") == 360
        assert await violations(page) == []
        await page.get_by_role("button", name="Show one moment only").tap()
        await expect(divider).to_be_hidden()
        await page.context.close()
