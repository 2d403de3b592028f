"""The map goes back in time: the moment in the address, the strip under the map, what plays, and the way back to live."""

from __future__ import annotations

import asyncio
import re
import time
from urllib.parse import parse_qs

import pytest
from playwright.async_api import CDPSession, Page, expect

from tests.browser.conftest import Open, live
from tests.browser.feed import Feed, Running
from tests.browser.past import HOUR
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

MINUTE = 60_000
MIDNIGHT = 1_773_187_200_000  #: of 11 March 2026, UTC
SETTLED = "() => window.fleetPage.past.exactly && !window.fleetPage.past.known.coarse.busy"
SHOWN = """() => Object.fromEntries([...window.fleetPage.shown.byId.values()].filter((v) => v.known !== false)
  .map((v) => [v.id, [v.lat.toFixed(7), v.lon.toFixed(7), v.stale]]))"""


def link(at: int, **more: str) -> str:
    words = {"map": "13/60.1709/24.9435", "at": iso(at), "range": f"{iso(at - 6 * HOUR)}/{iso(at + 6 * HOUR)}"} | more
    return "#" + "&".join(f"{name}={value}" for name, value in words.items())


def iso(ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ms / 1000))


AT = re.compile("[#&]at=")  #: the page's word for its address comes a moment after the page


async def choice(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(await page.evaluate("location.hash.slice(1)")).items()}


async def settled(page: Page, at: int) -> None:
    await page.wait_for_function(f"() => window.fleetPage.state.value.at === {at}")
    await page.wait_for_function(SETTLED)
    assert (await choice(page))["at"] == iso(at)


async def test_a_moment_is_shown_as_the_server_tells_it_while_the_fleet_lives_on(open_page: Open) -> None:
    fleet = Feed(40)
    enter = fleet.event("enter", 5, "depot", time=f"{iso(MIDNIGHT + 11 * HOUR)[:-1]}.000Z")
    async with Running(fleet) as feed:
        noon = MIDNIGHT + 12 * HOUR + 30 * MINUTE
        page = await live(await open_page(f"{feed.url}{link(noon, vehicle='van-05')}"))
        await settled(page, noon)
        told = {
            one["vehicle"]: [f"{one['lat']:.7f}", f"{one['lon']:.7f}", "gap" in one]
            for one in fleet.past.frames(fleet, {"from": str(noon)})["frames"][0]["positions"]
        }
        assert await page.evaluate(SHOWN) == told
        band = page.get_by_role("region", name="The moment shown")
        await expect(band.locator("strong")).to_contain_text("14:30:00 · not live")  # in Helsinki
        await expect(band).to_contain_text("Van 5: Not heard at this moment: last known 30 min before")

        await expect(page.locator("#summary")).to_contain_text("40 vehicles")
        await expect(page.locator("#side")).not_to_contain_text("1 Jan")  # its card is of now
        fleet.tell(events=[fleet.event("dwell", 9, "harbour")])  # what is new still comes through
        await expect(page.locator("#event-list")).to_contain_text("van-09")

        strip = page.get_by_role("slider", name="The moment shown")
        assert await page.evaluate(
            "() => getComputedStyle(document.querySelector('#toasts')).marginBottom === `${document.querySelector('#timeline').offsetHeight}px`"
        )
        await strip.focus()
        await page.keyboard.press("Shift+ArrowLeft")
        await settled(page, noon - HOUR // 2)
        await page.keyboard.press("ArrowRight")
        await settled(page, noon - HOUR // 2 + 30_000)
        await expect(strip).to_have_attribute("aria-valuetext", "".join(await band.locator("strong").all_inner_texts()).replace(" · not live", "") + ", 40 vehicles known")  # fmt: skip
        await page.wait_for_function("() => window.fleetPage.overlay.wake.length > 2")
        pointed = (
            "() => { const app = window.fleetPage; app.hover(app.fleet.byId.get('van-08'));"
            " return app.overlay.hovered === app.shown.byId.get('van-08') }"
        )
        assert await page.evaluate(pointed)
        await page.keyboard.press("p")
        await settled(page, MIDNIGHT + 11 * HOUR)
        assert (await choice(page))["vehicle"] == enter["vehicle"]
        await expect(page.locator(".time-status")).to_contain_text("Van 5 entered Siltasaari depot")

        await page.keyboard.press("Space")
        await page.wait_for_function(f"() => window.fleetPage.past.at > {MIDNIGHT + 11 * HOUR + 500}")
        await page.keyboard.press(",")
        assert ((await choice(page))["speed"], await page.locator(".time-tools select").input_value()) == ("4", "4")
        await page.keyboard.press("Shift+Space")
        was = await page.evaluate("() => window.fleetPage.past.at")
        await page.wait_for_function(f"() => window.fleetPage.past.at < {was}")
        await page.keyboard.press("Shift+Space")
        assert await page.evaluate("() => window.fleetPage.past.playing") == 0

        printed = await page.evaluate(
            "() => { dispatchEvent(new Event('beforeprint')); const said = document.querySelector('#summary').textContent;"
            " dispatchEvent(new Event('afterprint')); return said }"
        )
        assert "The map shows 11 Mar 2026" in printed
        await page.keyboard.press("l")
        await expect(band).to_be_hidden()
        await expect(page).not_to_have_url(AT)
        assert await page.evaluate("() => window.fleetPage.shown === window.fleetPage.fleet")
        await page.go_back()
        await expect(band).to_be_visible()
        await page.go_forward()
        await expect(band).to_be_hidden()
        await page.goto(f"{feed.url}{link(MIDNIGHT + 30 * 365 * 24 * HOUR)}")
        await expect(page.locator("#toasts")).to_contain_text("at=2056-03-03T00:00:00Z")
        await expect(page).not_to_have_url(AT)
        await page.context.close()


async def test_regions_are_those_of_then_and_dull_stretches_are_skipped(open_page: Open) -> None:
    fleet = Feed(40)
    async with Running(fleet) as feed:
        night = MIDNIGHT + 4 * HOUR
        page = await live(await open_page(f"{feed.url}{link(night)}"))
        await settled(page, night)
        drawn = "() => [...window.fleetPage.regions.drawn.values()].map((one) => [one.id, one.lonLat[0].toFixed(3)])"
        then = dict(await page.evaluate(drawn))
        await page.wait_for_function("() => window.fleetPage.past.known.dull.length === 1")
        await page.keyboard.press("Space")
        await page.wait_for_function(f"() => window.fleetPage.past.at > {MIDNIGHT + 5 * HOUR}")
        await page.keyboard.press("Space")
        await page.keyboard.press("[")
        for _ in range(3):
            await page.keyboard.press("}")
        await page.wait_for_function(f"() => window.fleetPage.past.at > {MIDNIGHT + 6 * HOUR}")
        since = dict(await page.evaluate(drawn))
        first, second, *_ = fleet.regions
        assert set(since) - set(then) == {second}
        assert float(then[first]) - float(since[first]) == pytest.approx(0.01)

        # The pointer: along the strip, on the axis, by the wheel.
        box = await page.locator(".time-strip").bounding_box()
        assert box
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        await page.mouse.move(x, y)
        await page.mouse.down()
        await page.mouse.move(x + 50, y, steps=3)
        await page.mouse.up()
        at = await page.evaluate("() => window.fleetPage.past.at")
        middle = "() => { const { from, until } = window.fleetPage.past.span; return [from, until - from] }"
        begin, length = await page.evaluate(middle)
        assert at == pytest.approx(begin + length * (0.5 + 50 / box["width"]), abs=length / 500)
        await page.mouse.wheel(0, -400)
        await page.wait_for_function(
            f"() => window.fleetPage.past.span.until - window.fleetPage.past.span.from < {length / 2}"
        )
        await page.mouse.move(x, box["y"] + box["height"] - 5)
        await page.mouse.down()
        await page.mouse.move(x + 60, box["y"] + box["height"] - 5, steps=3)
        before = (await page.evaluate(middle))[0]
        await page.mouse.up()
        assert before < at < await page.evaluate("() => window.fleetPage.past.span.until")
        await page.context.close()


async def test_nothing_of_what_may_not_be_seen_any_more_stays_and_why_there_is_nothing_is_said(open_page: Open) -> None:
    fleet = Feed(40)
    async with Running(fleet) as feed:
        at = MIDNIGHT + 9 * HOUR
        page = await live(await open_page(f"{feed.url}{link(at)}"))
        page.expected += ["Failed to load resource"]  # type: ignore[attr-defined]
        await settled(page, at)
        gone = await page.evaluate(
            "() => { const app = window.fleetPage; app.past.scrub(app.past.at - 1000); app.forget(true);"
            " return [app.shown.byId.size, app.past.known.coarse.value, app.past.known.events.value, app.regions.drawn.size,"
            " app.vehicles.motion.size, app.past.known.dull.length] }"
        )
        assert gone == [0, None, None, 0, 0, 0]
        fleet.past.without = {row[1] for row in fleet.rows[10:]}
        await page.wait_for_function("() => window.fleetPage.past.fleet.shown > 0")
        status = page.locator(".time-status")

        fleet.past.refused = 403
        await page.evaluate("() => window.fleetPage.forget(true)")
        await expect(status).to_have_text("You may not see the past here. ")
        fleet.past.refused = 0
        fleet.past.empty = True
        await page.evaluate("() => window.fleetPage.forget(true)")
        await expect(status).to_have_text(
            "Nothing is kept of this stretch of time: nothing was recorded, or it was deleted since."
        )
        fleet.past.empty = False
        await page.evaluate("() => window.fleetPage.forget(true)")
        await expect(status).to_contain_text("vehicles known")

        await page.route("**/history/**", lambda route: route.abort())
        await page.keyboard.press("{")
        await expect(status).to_contain_text("The past cannot be asked: the server is not reached. What is here stays.")
        assert await page.evaluate("() => window.fleetPage.past.fleet.shown") > 0
        await page.unroute("**/history/**")
        await status.get_by_role("button", name="Try again").click()
        await expect(status).to_contain_text("vehicles known")
        await page.context.close()


async def test_what_is_slow_or_broken_is_said_and_never_drawn_as_another_moment(open_page: Open) -> None:
    fleet = Feed(40)
    async with Running(fleet) as feed:
        first, second = MIDNIGHT + 9 * HOUR, MIDNIGHT + 10 * HOUR + 20 * MINUTE
        fleet.past.held = asyncio.Event()  # the answers wait
        page = await live(await open_page(f"{feed.url}{link(first, vehicle='van-03')}"))
        page.expected += ["Failed to load resource"]  # type: ignore[attr-defined]
        status, timeline = page.locator(".time-status"), page.locator(".timeline")
        band = page.get_by_role("region", name="The moment shown")
        await expect(status).to_have_text("Loading the past …")
        await expect(timeline).to_have_attribute("aria-busy", "true")
        await expect(band).not_to_contain_text("Not known")  # nobody knows that yet
        assert await page.evaluate("() => window.fleetPage.past.fleet.shown") == 0
        await page.evaluate(f"() => window.fleetPage.past.go({second})")
        await until(lambda: asked(fleet, second))
        fleet.past.held.set()
        await settled(page, second)
        told = {one["vehicle"]: f"{one['lat']:.7f}" for one in fleet.past.frames(fleet, {"from": str(second)})["frames"][0]["positions"]}  # fmt: skip
        assert {id: shown[0] for id, shown in (await page.evaluate(SHOWN)).items()} == told
        await expect(timeline).to_have_attribute("aria-busy", "false")

        third = second + 2 * HOUR
        for refused, words in ((413, "The past could not be loaded: "), (503, "The past could not be loaded: ")):
            fleet.past.refused = refused
            await page.evaluate(f"() => window.fleetPage.past.go({third - refused * 1000})")
            await expect(status).to_contain_text(words)
            fleet.past.refused = 0
            if refused == 413:  # the same question would have the same answer
                await status.get_by_role("button", name="Try again").click()
            await settled(page, third - refused * 1000)  # a server that was busy is asked again by itself
        fleet.past.cut = True
        await page.evaluate(f"() => window.fleetPage.past.look({{ from: {first - HOUR}, until: {third + HOUR} }})")
        await expect(status).to_contain_text("The answer was cut short on its way.")
        assert await page.evaluate("() => window.fleetPage.past.fleet.shown") > 0  # what is here stays
        fleet.past.cut = False
        await status.get_by_role("button", name="Try again").click()
        await expect(status).to_contain_text("vehicles known")
        await page.context.close()


def asked(fleet: Feed, at: int) -> bool:
    return any(what == "frames" and query["from"] == str(at) for what, query in fleet.past.asked)


async def test_an_hour_of_jumps_leaves_no_tape_behind(open_page: Open) -> None:
    async with Running(Feed(40)) as feed:
        at = MIDNIGHT + 9 * HOUR
        page = await live(await open_page(f"{feed.url}{link(at)}"))
        await settled(page, at)
        client = await page.context.new_cdp_session(page)
        first = await kept(client)
        for n in range(1, 5):
            await page.evaluate(
                f"() => {{ const {{ past }} = window.fleetPage; past.look({{ from: {at - n * HOUR}, until: {at + n * HOUR} }});"
                f" past.scrub({at - n * MINUTE}); past.play(-1); past.pause(); past.go({at + n * MINUTE}) }}"
            )
            await settled(page, at + n * MINUTE)
        tapes, nodes, listeners = await kept(client)
        held = "() => { const { coarse, fine } = window.fleetPage.past.known; return [coarse, fine].reduce((n, one) => n + (one.value?.tapes.length ?? 0), 0) }"
        assert tapes <= await page.evaluate(held) + 1  # one may be on its way
        assert nodes < first[1] + 200
        assert listeners < first[2] + 20
        await page.context.close()


async def kept(client: CDPSession) -> tuple[int, float, float]:
    """Tapes that are held by anything, elements, listeners."""
    await client.send("Performance.enable")
    tape = "Object.getPrototypeOf(window.fleetPage.past.known.coarse.value.tapes[0])"
    prototype = (await client.send("Runtime.evaluate", {"expression": tape, "objectGroup": "kept"}))["result"][
        "objectId"
    ]
    found = (await client.send("Runtime.queryObjects", {"prototypeObjectId": prototype, "objectGroup": "kept"}))[
        "objects"
    ]
    await client.send("Runtime.releaseObjectGroup", {"objectGroup": "kept"})  # else this holds them
    counted = {one["name"]: one["value"] for one in (await client.send("Performance.getMetrics"))["metrics"]}
    return int(found["description"].removeprefix("Array(").removesuffix(")")), counted["Nodes"], counted["JSEventListeners"]  # fmt: skip


async def test_a_phone_has_the_strip_in_one_line_and_it_is_fit_for_everybody(open_page: Open) -> None:
    fleet = Feed(40)
    ten = MIDNIGHT + 10 * HOUR
    for n, after in ((3, 0), (4, 0), (5, 20_000)):
        fleet.event("enter", n, "depot", time=f"{iso(ten + after)[:-1]}.000Z")
    async with Running(fleet) as feed:
        at = MIDNIGHT + 9 * HOUR
        page = await live(await open_page(f"{feed.url}{link(at)}", width=360, height=740, reduced_motion="reduce"))
        await settled(page, at)
        line = page.locator(".timeline")
        # three events under one finger are parted, and two of one moment are offered
        strip = await page.get_by_role("slider", name="The moment shown").bounding_box()
        assert strip
        await page.wait_for_function("() => window.fleetPage.past.known.events.value?.events.length === 3")
        await page.touchscreen.tap(strip["x"] + strip["width"] * 7 / 12, strip["y"] + 6)
        await page.wait_for_function(
            f"() => window.fleetPage.past.span.from === {ten - 20_000} && !window.fleetPage.past.known.all.some((one) => one.busy)"
        )
        assert await page.evaluate("() => window.fleetPage.past.at") == at
        await page.touchscreen.tap(strip["x"] + strip["width"] / 3, strip["y"] + 6)
        offered = page.locator(".time-status button")
        await expect(offered).to_have_text(["Van 3 entered Siltasaari depot", "Van 4 entered Siltasaari depot"])
        await offered.nth(1).tap()
        await settled(page, ten)
        assert (await choice(page))["vehicle"] == "van-04"
        await page.get_by_role("button", name="More of the timeline").tap()
        await page.evaluate("() => window.fleetPage.state.set({ vehicle: null })")
        await page.evaluate(
            f"() => {{ const {{ past }} = window.fleetPage; past.look({{ from: {at - 6 * HOUR}, until: {at + 6 * HOUR} }}); past.go({at}) }}"
        )
        await settled(page, at)
        # nothing lies over the strip on a short phone either
        await page.set_viewport_size({"width": 360, "height": 568})
        await page.wait_for_function(
            "() => { const box = document.querySelector('.time-fold').getBoundingClientRect();"
            " return document.elementFromPoint(box.x + box.width / 2, box.y + 4)?.closest('.time-fold') }"
        )
        await page.get_by_role("button", name="Open a recorded file").scroll_into_view_if_needed()
        await page.set_viewport_size({"width": 360, "height": 740})
        box = await line.bounding_box()
        assert box and box["height"] < 60
        await expect(page.locator(".time-tools")).to_be_hidden()
        await page.get_by_role("button", name="More of the timeline").tap()
        await expect(page.get_by_role("button", name="Close the timeline")).to_be_visible()
        small = await line.locator("button:visible, select:visible, [role=slider]").evaluate_all(
            "(all) => all.map((one) => one.getBoundingClientRect()).filter((box) => box.height < 44 || box.width < 44).length"
        )
        assert small == 0
        # by steps, where motion is unwelcome
        await page.evaluate(
            "() => { const { past } = window.fleetPage; window.places = new Set(); window.frames = 0; past.moved.on(() => {"
            " window.frames++; window.places.add(window.fleetPage.shown.byId.get('van-03').lat) }) }"
        )
        await page.get_by_role("button", name="Play", exact=True).tap()
        await page.wait_for_function("() => window.frames > 12")
        places, frames = await page.evaluate("() => [window.places.size, window.frames]")
        assert places < frames / 2
        await page.get_by_role("button", name="Back to live").tap()
        await expect(page.get_by_role("region", name="The moment shown")).to_be_hidden()
        await page.get_by_role("button", name="Close the timeline").tap()
        await expect(line).to_be_hidden()
        await page.context.close()
