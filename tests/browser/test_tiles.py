"""Tiles fail like the weather: a local tile server plays it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.conftest import Open, live, within
from tests.browser.feed import Feed, Running
from tests.support.tile_server import TileServer, tile_server
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

LOADED = "document.querySelectorAll('.leaflet-tile-loaded').length"
QUICK = "window.fleetPage.map.tiles.wait = 50"


@asynccontextmanager
async def mapped(open_page: Open, place: str = "14/60.17/24.94", **more: Any) -> AsyncIterator[tuple[Page, TileServer]]:
    """The page with tiles of a local server. Complaints about failed images are the browser's own."""
    with tile_server() as tiles:
        template = more.pop("template", "{base}/{z}/{x}/{y}.png").replace("{base}", tiles.url)
        feed = Feed(3, demo=False)
        feed.tiles = {"url": template, "attribution": "stub", "reachable": True, **more.pop("told", {})}
        for name, value in more.pop("weather", {}).items():
            setattr(tiles, name, value)
        async with Running(feed) as running:
            page = await open_page(f"{running.url}#map={place}", **more)
            page.expected += ["Failed to load resource", "ERR_CONNECTION_REFUSED"]  # type: ignore[attr-defined]
            yield await live(page), tiles
            await page.context.close()


@pytest.mark.parametrize("mode", ["error", "sign-in"])
async def test_the_layer_comes_back_by_itself(open_page: Open, mode: str) -> None:
    async with mapped(open_page) as (page, tiles):
        await page.wait_for_function(f"() => {LOADED} > 5")
        tiles.mode = mode
        await page.evaluate(QUICK)
        await page.evaluate("window.fleetPage.map.go(50, 10, 14, false)")
        await page.get_by_text("no tiles come for this part of the map").wait_for()
        tiles.mode = "fine"
        await page.wait_for_function(
            f"() => {LOADED} > 5 && !window.fleetPage.map.tiles.failed.size", timeout=within(60)
        )
        await page.get_by_text("no tiles come").wait_for(state="hidden")


async def test_a_missing_tile_is_no_outage(open_page: Open) -> None:
    async with mapped(open_page, weather={"deepest": 13}) as (page, tiles):
        await until(lambda: len(tiles.asked) > 5)
        await page.evaluate("window.fleetPage.map.go(60.17, 24.94, 13, false)")
        await page.wait_for_function(f"() => {LOADED} > 5 && window.fleetPage.map.ground.tiles")
        tiles.missing.add("13/4663/2370")
        await page.evaluate(QUICK)
        await page.evaluate("window.fleetPage.map.go(60.17, 24.94, 12, false)")
        await page.wait_for_function(f"() => {LOADED} > 5")
        await page.evaluate("window.fleetPage.map.go(60.17, 24.94, 13, false)")
        await page.wait_for_function(f"() => {LOADED} > 5")
        await until(lambda: tiles.asked.count("/13/4663/2370.png") >= 2)
        assert await page.evaluate("window.fleetPage.map.tiles.working")
        assert await page.locator(".banner:visible", has_text="Built-in map").count() == 0


async def test_beyond_the_deepest_tiles_they_are_enlarged(open_page: Open) -> None:
    async with mapped(open_page, "17/60.17/24.94", told={"max_zoom": 14}) as (page, tiles):
        await page.wait_for_function(f"() => {LOADED} > 0")
        assert {path.split("/")[1] for path in tiles.asked} == {"14"}


async def test_where_tiles_end_at_a_zoom_nobody_said_the_deepest_are_enlarged(open_page: Open) -> None:
    async with mapped(open_page, "17/60.17/24.94", weather={"deepest": 14}) as (page, _):
        await page.evaluate(QUICK)
        # the built-in map is told, or not needed
        await page.wait_for_function("() => window.fleetPage.map.tiles.working !== null")
        assert await page.evaluate("window.fleetPage.map.tiles.working")
        await page.wait_for_function(f"() => {LOADED} > 0 && window.fleetPage.map.ground.tiles")
        assert await page.evaluate("window.fleetPage.map.tiles.layer.options.maxNativeZoom") == 14
        assert await page.locator(".banner:visible", has_text="Built-in map").count() == 0


@pytest.mark.parametrize("mode", ["error", "sign-in"])
async def test_an_outage_enlarges_nothing(open_page: Open, mode: str) -> None:
    async with mapped(open_page, "13/60.17/24.94") as (page, tiles):
        await page.wait_for_function(f"() => {LOADED} > 5")
        tiles.mode = mode
        await page.evaluate(QUICK)
        await page.evaluate("window.fleetPage.map.go(60.17, 24.94, 15, false)")
        await page.get_by_text("no tiles come for this part of the map").wait_for()
        tiles.mode = "fine"
        await page.evaluate("window.dispatchEvent(new Event('online'))")
        await page.wait_for_function(
            f"() => {LOADED} > 5 && !window.fleetPage.map.tiles.failed.size", timeout=within(60)
        )
        assert await page.evaluate("window.fleetPage.map.tiles.layer.options.maxNativeZoom") == 19


async def test_a_gap_in_a_zoom_that_has_tiles_enlarges_nothing(open_page: Open) -> None:
    async with mapped(open_page, "15/60.17/24.94") as (page, tiles):
        await page.wait_for_function(f"() => {LOADED} > 5")
        tiles.deepest = 14
        await page.evaluate(QUICK)
        await page.evaluate("window.fleetPage.map.go(61, 24.94, 15, false)")
        await page.wait_for_function("""() => { const { working, layer } = window.fleetPage.map.tiles;
            return working === false || layer.options.maxNativeZoom < 19; }""")
        assert await page.evaluate("window.fleetPage.map.tiles.layer.options.maxNativeZoom") == 19


async def test_tiles_that_could_not_be_had_at_first_are_asked_for_again(open_page: Open) -> None:
    async with mapped(open_page, told={"reachable": False, "why": "tile.example answers 503"}) as (page, tiles):
        await page.get_by_text("Built-in map: tile.example answers 503. It is tried again.").wait_for()
        assert tiles.asked == []
        await page.route("**/api/v1/page", lambda route: route.fulfill(json={"tiles": {"url": tiles.template, "attribution": "", "reachable": True}}))  # fmt: skip
        await page.evaluate("window.dispatchEvent(new Event('online'))")
        await page.wait_for_function(f"() => {LOADED} > 5")


@pytest.mark.parametrize(
    ("template", "ratio", "wanted"),
    [
        ("{base}/{z}/{x}/{y}{r}.png", 2, "/14/9326/4742@2x.png"),
        ("{base}/{z}/{x}/{y}{r}.png", 1, "/14/9326/4742.png"),
        ("{base}/{s}/{z}/{x}/{-y}.png", 1, "/14/9326/11641.png"),
    ],
)
async def test_each_kind_of_url_asks_for_the_right_tile(
    open_page: Open, template: str, ratio: int, wanted: str
) -> None:
    async with mapped(open_page, template=template, device_scale_factor=ratio) as (page, tiles):
        await page.wait_for_function(f"() => {LOADED} > 5")
        assert any(path.endswith(wanted) for path in tiles.asked), tiles.asked[:9]


@pytest.mark.parametrize(("zoom", "ratio", "theme"), [(13.25, 1, "light"), (12.75, 1.5, "light"), (13.5, 1, "dark")])
async def test_tiles_leave_no_seams_at_a_fractional_zoom(
    open_page: Open, zoom: float, ratio: float, theme: str
) -> None:
    place = f"{zoom}/60.17/24.94"
    async with mapped(open_page, place, theme=theme, device_scale_factor=ratio) as (page, _):
        await page.wait_for_function(
            f"() => {LOADED} > 5 && ![...document.querySelectorAll('.leaflet-tile')].some((t) => t.style.opacity !== '1') && document.querySelectorAll('.leaflet-tile-container').length === 1"
        )
        await page.evaluate(
            "document.querySelectorAll('.stage-canvas:not([data-layer=ground])').forEach((n) => n.remove())"
        )
        seen = await _colours(page)
        assert max(high - low for low, high in seen) < 5, seen  # rounding, but no ground


async def test_canvases_and_tiles_are_sharp_after_the_pixel_ratio_changes(open_page: Open) -> None:
    async with mapped(open_page, template="{base}/{z}/{x}/{y}{r}.png") as (page, tiles):
        await page.wait_for_function(f"() => {LOADED} > 5")
        session = await page.context.new_cdp_session(page)
        size = {"width": 1440, "height": 900, "mobile": False}
        await session.send("Emulation.setDeviceMetricsOverride", {**size, "deviceScaleFactor": 2})
        for layer in ("ground", "regions", "vehicles", "overlay"):
            await page.wait_for_function(
                "(name) => { const c = document.querySelector(`canvas[data-layer=${name}]`); return Math.abs(c.width / c.clientWidth - 2) < 0.01; }",
                arg=layer,
            )
        await until(lambda: any("@2x" in path for path in tiles.asked))


async def _colours(page: Page) -> list[tuple[int, int]]:
    """The darkest and the brightest of each of red, green and blue on a piece of the map."""
    import base64

    shot = base64.b64encode(await page.screenshot(clip={"x": 420, "y": 300, "width": 520, "height": 400})).decode()
    found = await page.evaluate(
        """async (shot) => {
          const image = await createImageBitmap(new Blob([Uint8Array.from(atob(shot), (c) => c.charCodeAt(0))], { type: "image/png" }));
          const pen = new OffscreenCanvas(image.width, image.height).getContext("2d");
          pen.drawImage(image, 0, 0);
          const { data } = pen.getImageData(0, 0, image.width, image.height), seen = [[255, 0], [255, 0], [255, 0]];
          data.forEach((v, i) => i % 4 < 3 && (seen[i % 4] = [Math.min(seen[i % 4][0], v), Math.max(seen[i % 4][1], v)]));
          return seen;
        }""",
        shot,
    )
    return [(low, high) for low, high in found]
