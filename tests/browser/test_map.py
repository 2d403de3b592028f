"""The map where maps go wrong: over 180°, beside the poles."""

from __future__ import annotations

import math
from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.conftest import Open, live
from tests.browser.feed import Feed, Running

pytestmark = pytest.mark.asyncio(loop_scope="session")

RING = [[179.8, 0.0], [-179.8, 0.0], [-179.8, 0.2], [179.8, 0.2], [179.8, 0.0]]


def fiji(**more: Any) -> Feed:
    """A fleet and a region on both sides of 180°."""
    feed = Feed(8, regions=False, demo=False)
    for i, row in enumerate(feed.rows):
        row[4], row[5] = 100_000, round((179.9 if i % 2 else -179.9) * 1e6)
    feed.regions["strait"] = feed._feature(
        {
            "type": "Feature", "id": "strait", "geometry": {"type": "Polygon", "coordinates": [RING]},
            "properties": {"name": "Strait", "color": "#2f7d6b"},
        } | more
    )  # fmt: skip
    feed.members["strait"] = [row[0] for row in feed.rows]
    return feed


async def painted(page: Page, layer: str, lat: float, lon: float) -> bool:
    """Something of this layer is drawn at the place, as the map shows it."""
    return bool(
        await page.evaluate(
            """([layer, lat, lon]) => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
              const canvas = document.querySelector(`canvas[data-layer=${layer}]`), box = canvas.getBoundingClientRect();
              const map = window.fleetPage.map, frame = map.element.getBoundingClientRect(), [x, y] = map.pixel(lat, lon);
              const ratio = canvas.width / box.width, size = 9 * ratio;
              const at = [x + frame.left - box.left, y + frame.top - box.top].map((v) => v * ratio - size / 2);
              const copy = new OffscreenCanvas(Math.ceil(size), Math.ceil(size)).getContext("2d", { willReadFrequently: true });
              copy.drawImage(canvas, -at[0], -at[1]);
              done(copy.getImageData(0, 0, size, size).data.some((v) => v));
            })))""",
            [layer, lat, lon],
        )
    )


@pytest.mark.parametrize("lon", [179.9, -179.9, 539.9])
async def test_a_region_over_180_is_drawn_where_it_is_from_either_side(open_page: Open, lon: float) -> None:
    async with Running(fiji()) as feed:
        page = await live(await open_page(f"{feed.url}#map=9/0.1/179"))
        await page.evaluate("(lon) => window.fleetPage.map.leaflet.setView([0.1, lon], 9, { animate: false })", lon)
        for east in (179.7, 179.85, 180.0, -179.85, -179.7):
            assert await painted(page, "regions", 0.12, east) == (abs(east) > 179.8), east
        for east in (179.9, -179.9):
            assert await painted(page, "vehicles", 0.1, east), east
            assert await page.evaluate("(lon) => window.fleetPage.regions.at(lon, 0.1)?.id", east) == "strait"
        assert await page.evaluate("window.fleetPage.regions.labels.length") == 1
        await page.context.close()


async def test_the_fleet_and_a_region_over_180_fit_the_map(open_page: Open) -> None:
    async with Running(fiji()) as feed:
        page = await live(await open_page(feed.url))
        await page.wait_for_function("() => window.fleetPage.map.camera().zoom > 8")
        await page.evaluate("window.fleetPage.map.go(0, 0, 3, false)")
        await page.evaluate("window.fleetPage.state.set({ tab: 'regions', region: 'strait' })")
        await page.get_by_role("button", name="Show on the map").locator("visible=true").click()
        await page.wait_for_function("() => window.fleetPage.map.camera().zoom > 8")
        assert abs(await page.evaluate("window.fleetPage.map.camera().lon")) > 179
        await page.context.close()


async def test_a_region_over_180_is_edited_at_its_size_and_saved_as_drawn(open_page: Open) -> None:
    async with Running(fiji()) as feed:
        page = await live(await open_page(f"{feed.url}#map=9/0.1/-179.9"))
        await page.evaluate("window.fleetEditor.edit(window.fleetPage.fleet.regions.get('strait'))")
        assert await page.evaluate("window.fleetEditor.sketch.size().area") == pytest.approx(44_527 * 22_114, rel=1e-3)
        for east in (179.9, -179.9):
            assert await painted(page, "sketch", 0.12, east), east
        assert not await painted(page, "sketch", 0.12, 178.9)
        handles = await page.evaluate(
            "[...document.querySelectorAll('.handle')].map((n) => n.getBoundingClientRect()).filter((b) => b.left > 0 && b.right < innerWidth).length"
        )
        assert handles == 9
        await page.get_by_role("button", name="Save").click()
        await page.wait_for_function(
            "() => window.fleetPage.fleet.regions.get('strait').properties.version === 2 && !window.fleetEditor.active"
        )
        sent = feed.feed.regions["strait"]["geometry"]["coordinates"][0]
        assert [round(lon % 360, 6) for lon, _ in sent] == [round(lon % 360, 6) for lon, _ in RING]
        await page.context.close()


async def test_a_region_drawn_by_clicks_goes_on_over_180(open_page: Open) -> None:
    async with Running(fiji()) as feed:
        page = await live(await open_page(f"{feed.url}#map=9/0.1/180"))
        await page.locator("body").press("g")
        frame = await page.locator("#map").bounding_box()
        assert frame
        for lat, lon in ((-0.2, 179.8), (-0.2, -179.8), (-0.4, -179.8)):
            x, y = await page.evaluate("([lat, lon]) => window.fleetPage.map.pixel(lat, lon)", [lat, lon])
            await page.mouse.click(frame["x"] + x, frame["y"] + y)
        await page.locator("body").press("Enter")
        area = await page.evaluate("window.fleetEditor.sketch.size().area")
        assert area == pytest.approx(44_527 * 22_114 / 2, rel=0.05)
        await page.context.close()


async def test_what_the_map_cannot_show_at_the_poles_is_said(open_page: Open) -> None:
    cap = {"type": "Polygon", "coordinates": [[[-180, 60], [180, 60], [180, 90], [-180, 90], [-180, 60]]]}
    feed_ = fiji(geometry=cap)
    feed_.rows[0][4] = 89_900_000
    async with Running(feed_) as feed:
        page = await live(await open_page(f"{feed.url}#map=3/60/0&tab=regions&region=strait"))
        await page.get_by_text("The map ends at 85°: what lies north of 85° N counts and is not drawn.").wait_for()
        await page.evaluate("window.fleetEditor.edit(window.fleetPage.fleet.regions.get('strait'))")
        await page.locator(".hint-text", has_text="The map ends at 85°").wait_for()
        await page.evaluate("window.fleetEditor.cancel(); window.fleetPage.select('van-01', { open: true })")
        await page.get_by_text("89.90° N is beyond the map").wait_for()
        await page.context.close()


async def test_a_shape_of_10_000_corners_has_handles_near_the_pointer_only(open_page: Open) -> None:
    ring = [
        [24.94 + 0.02 * math.cos(i / 5000 * math.pi), 60.17 + 0.01 * math.sin(i / 5000 * math.pi)]
        for i in range(10_000)
    ]
    feed_ = fiji(geometry={"type": "Polygon", "coordinates": [[*ring, ring[0]]]})
    async with Running(feed_) as feed:
        page = await live(await open_page(f"{feed.url}#map=17/60.17/24.962"))
        await page.evaluate("window.fleetEditor.edit(window.fleetPage.fleet.regions.get('strait'))")
        frame = await page.locator("#map").bounding_box()
        assert frame
        x, y = await page.evaluate("window.fleetPage.map.pixel(60.17, 24.96)")
        await page.mouse.move(frame["x"] + x - 3, frame["y"] + y)
        corner = page.locator(".handle[title^='Corner ']").first
        await corner.wait_for()
        assert 2 <= await page.locator(".handle").count() <= 61
        box = await corner.bounding_box()
        assert box
        before = await page.evaluate("window.fleetEditor.sketch.shape.points")
        await page.mouse.move(box["x"] + 7, box["y"] + 7)
        await page.mouse.down()
        await page.mouse.move(box["x"] - 40, box["y"] + 12, steps=5)
        await page.mouse.up()
        after = await page.evaluate("window.fleetEditor.sketch.shape.points")
        assert sum(a != b for a, b in zip(before, after, strict=False)) == 1
        await page.mouse.move(frame["x"] + 8, frame["y"] + 430)
        await page.wait_for_function("() => document.querySelectorAll('.handle').length <= 1")
        await page.context.close()


async def test_a_shape_of_10_000_corners_is_filled_once_and_its_picture_moves_along(open_page: Open) -> None:
    ring = [
        [24.94 + 0.02 * math.cos(i / 5000 * math.pi), 60.17 + 0.01 * math.sin(i / 5000 * math.pi)]
        for i in range(10_000)
    ]
    async with Running(fiji(geometry={"type": "Polygon", "coordinates": [[*ring, ring[0]]]})) as feed:
        page = await live(await open_page(f"{feed.url}#map=13/60.17/24.94"))
        page.expected += ["willReadFrequently", "ERR_CONNECTION_REFUSED"]  # type: ignore[attr-defined]
        await page.evaluate("window.fleetEditor.edit(window.fleetPage.fleet.regions.get('strait'))")
        seen = """() => { const { layer } = window.fleetEditor, { stage } = window.fleetPage.map, { canvas, view } = stage.sheets.get('sketch');
            if (!view || !layer.filling.view || stage.sheets.get('sketch').dirty) return null;
            const alpha = (lat, lon) => { const [x, y] = window.fleetPage.map.pixel(lat, lon);
                return canvas.getContext('2d').getImageData(x * view.ratio, y * view.ratio, 1, 1).data[3]; };
            return { inside: alpha(60.17, 24.94) > 20, outside: alpha(60.17, 24.965) > 0, filled: layer.filling.view.left }; }"""
        first = await (await page.wait_for_function(seen)).json_value()
        assert first["inside"]
        assert not first["outside"]
        at = await page.evaluate("window.fleetPage.map.pixel(60.17, 24.94)")
        await page.evaluate("window.fleetPage.map.leaflet.panBy([90, 40], { animate: false })")
        await page.wait_for_function("(x) => window.fleetPage.map.pixel(60.17, 24.94)[0] === x", arg=at[0] - 90)
        assert await (await page.wait_for_function(seen)).json_value() == first
        await page.evaluate("window.fleetPage.map.leaflet.panBy([-900, 0], { animate: false })")
        await page.wait_for_function("(x) => window.fleetPage.map.pixel(60.17, 24.94)[0] === x", arg=at[0] + 810)
        assert (await (await page.wait_for_function(seen)).json_value())["filled"] != first["filled"]
        await page.context.close()


async def test_names_are_readable_over_vehicles_and_never_under_the_credit(open_page: Open) -> None:
    feed_ = fiji()
    feed_.rows[0][2] = "A vehicle with a name so long that no list has room for it"
    async with Running(feed_) as feed:
        page = await live(await open_page(f"{feed.url}#map=9/0.1/179.9"))
        above = "(name) => Number(getComputedStyle(document.querySelector(`canvas[data-layer=${name}]`).parentElement).zIndex)"
        assert await page.evaluate(above, "region-names") > await page.evaluate(above, "vehicles")
        assert len(await page.evaluate("window.fleetPage.map.stage.corners()")) == 2
        assert await page.evaluate(
            """() => { const { overlay, map } = window.fleetPage, [[x1, y1, x2, y2]] = map.stage.corners();
                       return !overlay.room.free(x1 + 5, y1 + 5, x2 - 5, y2 - 5); }"""
        )
        name = page.locator(".row .name > :first-child", has_text="A vehicle with")
        assert (
            await name.evaluate("(n) => n.scrollWidth > n.clientWidth && getComputedStyle(n).textOverflow")
            == "ellipsis"
        )
        await page.get_by_role("button", name="Keys and legend").click()
        await page.get_by_text("With a red halo: an alert nobody has acknowledged").wait_for()
        await page.context.close()
