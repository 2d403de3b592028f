"""The real server and the real page: a ping moves a marker, a region tells of it, a restart is survived."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Open, live, picture, within
from tests.support.servers import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

SQUARE = [[24.94, 60.17], [24.95, 60.17], [24.95, 60.175], [24.94, 60.175], [24.94, 60.17]]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path).start()
    yield started
    started.stop()


def ping(lat: float, lon: float, vehicle: str = "van-1", ago: float = 0) -> dict[str, Any]:
    """A ping of so many seconds ago: far enough apart that nobody takes a drive for a jump."""
    return {"vehicle": vehicle, "time": int((time.time() - ago) * 1000), "lat": lat, "lon": lon, "accuracy_m": 5}


async def post(server: Server, path: str, body: Any) -> None:
    answer = await asyncio.to_thread(server.post, path, body)
    assert answer.status in (200, 201), answer


async def test_a_ping_becomes_a_marker_a_region_an_event_and_all_of_it_survives_a_restart(
    open_page: Open, server: Server
) -> None:
    page = await live(await open_page(f"{server.url}/"))
    await page.wait_for_selector(".welcome")
    await post(server, "/api/v1/positions", ping(60.1720, 24.9300, ago=120))
    await page.wait_for_selector(".welcome[data-done]")
    await post(server, "/api/v1/regions", {
        "type": "Feature", "properties": {"name": "Square"}, "geometry": {"type": "Polygon", "coordinates": [SQUARE]},
    })  # fmt: skip
    await page.wait_for_function("() => window.fleetPage.fleet.regions.size === 1")
    await post(server, "/api/v1/positions", ping(60.1725, 24.9450, ago=60))
    await page.wait_for_selector(".event:has-text('van-1 entered Square')")
    await page.wait_for_function("() => window.fleetPage.fleet.byId.get('van-1').lat === 60.1725")
    await page.wait_for_function(
        "() => window.fleetPage.regions.count([...window.fleetPage.fleet.regions.keys()][0]) === 1"
    )
    await page.get_by_role("button", name="Why?").first.click()
    await page.wait_for_selector(".why-card:has-text('inside the edge')")
    await picture(page, "real")
    page.expected += ["WebSocket", "ERR_CONNECTION", "ERR_EMPTY", "503"]  # type: ignore[attr-defined]
    await asyncio.to_thread(server.stop)
    await page.wait_for_selector("#pill[data-phase=waiting], #pill[data-phase=offline]")
    await asyncio.to_thread(server.start)
    await page.wait_for_selector("#pill[data-phase=live]", timeout=within(20))
    await post(server, "/api/v1/positions", ping(60.1760, 24.9600, ago=5))
    await post(server, "/api/v1/positions", ping(60.1761, 24.9601))  # one fix alone is no proof
    await page.evaluate("document.activeElement.blur()")  # a list holds still while it is used
    await page.mouse.move(700, 450)
    await page.wait_for_selector(".event:has-text('van-1 left Square')")
    await page.wait_for_function("() => window.fleetPage.fleet.byId.get('van-1').lat === 60.1761")
    assert await page.locator(".event").count() == 2
    await page.context.close()


@pytest.mark.parametrize("way", ["stream", "polling"])
async def test_the_real_fallbacks_show_the_same_fleet(open_page: Open, server: Server, way: str) -> None:
    await post(server, "/api/v1/positions", [ping(60.17, 24.94, f"van-{n}", ago=100) for n in range(1, 6)])
    page = await open_page("about:blank")
    page.expected += ["EventSource", "ERR_", "404", "426"]  # type: ignore[attr-defined]
    await page.add_init_script(
        "window.WebSocket = class { constructor() { setTimeout(() => this.onclose?.({code: 1006, reason: ''}), 5) } send() {} close() {} }"
    )
    if way == "polling":
        await page.add_init_script(
            "window.EventSource = class { constructor() { setTimeout(() => this.onerror?.(), 5) } close() {} }"
        )
    await page.goto(f"{server.url}/")
    await page.wait_for_function(
        f"() => document.querySelector('#pill')?.textContent.includes('{way}')", timeout=within(30)
    )
    await page.wait_for_function("() => window.fleetPage.fleet.byId.size === 5")
    await post(server, "/api/v1/positions", ping(60.18, 24.95))
    await page.wait_for_function("() => window.fleetPage.fleet.byId.get('van-1').lat === 60.18")
    await page.context.close()


async def test_a_reload_asks_for_the_page_and_the_api_only(open_page: Open, server: Server) -> None:
    page = await live(await open_page(f"{server.url}/"))
    await page.reload()
    await live(page)
    sizes = await page.evaluate(
        "Object.fromEntries(performance.getEntriesByType('resource').map(e => [new URL(e.name).pathname, e.transferSize]))"
    )
    fetched = [path for path, size in sizes.items() if size]
    assert fetched and all(path.startswith(("/api/v1/", "/healthz")) for path in fetched), fetched
    assert sum(path.startswith("/static/") for path in sizes) > 50


async def test_at_an_address_without_its_slash_it_goes_to_the_one_with_it(open_page: Open, server: Server) -> None:
    """A proxy that hands `/fleet` on as `/`: what the page names relatively would miss."""
    _, _, port = server.url.rpartition(":")

    handling: list[asyncio.Task[Any]] = []

    async def strip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handling.append(one := asyncio.ensure_future(pass_on(reader, writer)))
        await asyncio.wait([one])

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, on = await asyncio.open_connection("127.0.0.1", int(port))
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(pump(back, writer))
                while head := await reader.readuntil(b"\r\n\r\n"):
                    on.write(head.replace(b" /fleet/", b" /", 1).replace(b" /fleet ", b" / ", 1))
                    if b"upgrade: websocket" in head.lower():
                        await pump(reader, on)
        except* (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            for stream in (on, writer):
                stream.transport.abort()
                with contextlib.suppress(OSError):
                    await stream.wait_closed()

    proxy = await asyncio.start_server(strip, "127.0.0.1", 0)
    async with proxy:
        page = await open_page("about:blank")
        page.expected += ["404", "MIME"]  # type: ignore[attr-defined]  # what was asked for before it went
        await page.goto(f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}/fleet#map=5/1/2")
        await page.wait_for_url("**/fleet/#map=5/1/2*")
        await live(page)
        await page.context.close()
    for one in handling:
        one.cancel()
    await asyncio.gather(*handling, return_exceptions=True)  # none of them outlives the test


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def test_after_an_upgrade_an_open_page_says_so(open_page: Open, server: Server) -> None:
    page = await live(await open_page(f"{server.url}/"))
    page.expected += ["WebSocket", "ERR_CONNECTION", "ERR_EMPTY", "503"]  # type: ignore[attr-defined]
    info = {**server.get("/api/v1/page").json(), "assets": "0123456789abcdef"}
    await page.route("**/api/v1/page", lambda route: route.fulfill(json=info))
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)
    await page.wait_for_selector(".trouble:has-text('The server was updated')", timeout=within(30))


async def test_six_pages_on_streams_leave_each_other_connections(open_page: Open, server: Server) -> None:
    first = await open_page("about:blank")
    pages = [first] + [await first.context.new_page() for _ in range(5)]
    first.expected += ["WebSocket", "ERR_CONNECTION", "ERR_EMPTY"]  # type: ignore[attr-defined]
    await first.context.add_init_script(
        "window.WebSocket = class { constructor() { setTimeout(() => this.onclose?.({code: 1006, reason: ''}), 5) } send() {} close() {} }"
    )
    for page in pages:
        await page.goto(f"{server.url}/")
    for page in pages:
        await page.wait_for_selector("#pill[data-phase=live]", timeout=within(60))
        assert await page.evaluate("fetch('healthz').then(answer => answer.status)") == 200
    ways = [await page.evaluate("window.fleetPage.connection.status.by") for page in pages]
    assert ways.count("stream") <= 2, ways
    assert set(ways) <= {"stream", "polling"}
