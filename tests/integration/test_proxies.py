"""Behind real proxies, below a path, with TLS: Debian's nginx and Caddy run the very lines of docs/proxies.md."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from tests.support.proxies import NAME, PAGE, Proxy, lines_for
from tests.support.servers import Server, now
from tests.support.waiting import deadline, until

KINDS = ["nginx", "caddy"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Set up as the page says; but of loopback only one address is the proxies', so that others are clients."""
    folder = tmp_path_factory.mktemp("behind")
    told = lines_for("toml").replace('"loopback"', '"127.0.0.1"')
    (folder / "tracker.toml").write_text(told)
    server = Server(folder / "data", config=folder / "tracker.toml", live_per_address=4).start()
    yield server
    server.kill()


@pytest.fixture(scope="module", params=KINDS)
def proxy(request: pytest.FixtureRequest, server: Server) -> Iterator[Proxy]:
    proxy = Proxy(request.param, server.port)
    yield proxy
    proxy.stop()


@pytest.fixture
def misled() -> Iterator[Callable[..., Proxy]]:
    """A proxy whose lines are not quite those of the page."""
    proxies: list[Proxy] = []

    def start(kind: str, upstream: int, *without: str, **instead: str) -> Proxy:
        site = lines_for({"nginx": "nginx", "caddy": "caddyfile"}[kind])
        for line in without:
            site, times = re.subn(rf"^.*{line}.*\n", "", site, flags=re.MULTILINE)
            assert times, f"there is no line {line}"
        for old, new in instead.items():
            assert old in site
            site = site.replace(old, new)
        proxies.append(Proxy(kind, upstream, site))
        return proxies[-1]

    yield start
    for proxy in proxies:
        proxy.stop()


def opened(proxy: Proxy, origin: str | None = None, source: str = "127.0.0.2", **headers: str) -> connect:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    where: dict[str, Any] = {"host": "127.0.0.1", "port": proxy.port, "local_addr": (source, 0)}
    page = Origin(origin or proxy.origin)
    return connect(proxy.ws, ssl=proxy.tls, origin=page, additional_headers=told, **where)


async def follow(channel: ClientConnection, vehicle: str) -> None:
    async with asyncio.timeout(deadline(10)):
        while f'"{vehicle}"' not in str(await channel.recv()):
            pass


def position(vehicle: str) -> bytes:
    return json.dumps({"vehicle": vehicle, "time": now(), "lat": 60.17, "lon": 24.94}).encode() + b"\n"


def test_the_page_and_what_it_loads_lie_below_the_path(proxy: Proxy) -> None:
    assert proxy.get("/fleet").headers["location"].endswith("/fleet/")
    page = proxy.get("/fleet/")
    assert page.status == 200 and page.headers["content-type"].startswith("text/html")
    loaded = re.findall(r'(?:src|href)="((?!https?:|#|data:)[^"]+\.(?:js|css|svg))"', page.body.decode())
    assert loaded and not any(name.startswith("/") for name in loaded)
    for name in loaded[:5]:
        assert proxy.get(f"/fleet/{name}").status == 200, name
    assert proxy.get("/fleet/api/v1/page").json()["host"] == f"{NAME}:{proxy.port}"


async def test_the_live_channel_is_upgraded_for_our_own_page(proxy: Proxy) -> None:
    async with opened(proxy) as channel:
        await channel.send('{"op": "follow", "all": true}')
        told = {"Content-Type": "application/json", "Origin": proxy.origin}
        answer = await asyncio.to_thread(proxy.request, "POST", "/fleet/api/v1/positions", position("wss-van"), told)
        assert answer.status == 200
        await follow(channel, "wss-van")


@pytest.mark.parametrize("page", ["https://elsewhere.example", "https://map.example.com", "null"])
async def test_a_page_of_another_origin_opens_nothing(proxy: Proxy, page: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with opened(proxy, page):
            pass
    assert refused.value.response.status_code == 403
    assert b"origin_not_allowed" in (refused.value.response.body or b"")


def test_a_name_that_is_not_ours_is_refused_whatever_a_caller_says_of_it(server: Server) -> None:
    forged = {"Host": "evil.example", "X-Forwarded-Host": NAME}
    assert server.request("GET", "/healthz", headers=forged).json().get("code") == "host_not_allowed"


def test_a_page_that_came_without_tls_is_another_page(proxy: Proxy) -> None:
    for path in ("/fleet/api/v1/changes", "/fleet/api/v1/stream"):
        answer = proxy.get(path, Origin=f"http://{NAME}:{proxy.port}")
        assert (answer.status, answer.json().get("code")) == (403, "origin_not_allowed")


def test_a_name_that_a_caller_slips_past_is_not_gone_by(proxy: Proxy) -> None:
    told = proxy.get("/fleet/api/v1/page", X_Forwarded_Host="evil.example", Forwarded="host=evil.example")
    assert told.status == 200 and told.json()["host"] == f"{NAME}:{proxy.port}"


@asynccontextmanager
async def said(proxy: Proxy, *lines: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await proxy.dial()
    writer.write("".join(f"{line}\r\n" for line in (*lines, f"Host: {NAME}:{proxy.port}", "")).encode())
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def test_each_event_of_a_stream_arrives_while_it_goes_on(proxy: Proxy, server: Server) -> None:
    async with said(proxy, "GET /fleet/api/v1/stream?events=false HTTP/1.1", "Accept-Encoding: gzip") as (reader, _):
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), deadline(10))
        assert b"200 " in head and b"text/event-stream" in head and b"no-transform" in head
        assert b"content-encoding" not in head.lower()
        await asyncio.wait_for(reader.readuntil(b'"op":"snapshot"'), deadline(10))
        for vehicle in ("first-sse", "second-sse"):
            await asyncio.to_thread(server.ping, vehicle)
            await asyncio.wait_for(reader.readuntil(vehicle.encode()), deadline(10))


async def test_a_poll_waits_and_is_answered(proxy: Proxy, server: Server) -> None:
    cursor = proxy.get("/fleet/api/v1/changes").json()["cursor"]
    waiting = asyncio.create_task(asyncio.to_thread(proxy.get, f"/fleet/api/v1/changes?since={cursor}&wait=20"))
    vehicle = f"polled-{proxy.kind}"
    await asyncio.to_thread(server.ping, vehicle)
    assert vehicle.encode() in (await asyncio.wait_for(waiting, deadline(15))).body


async def test_lines_of_an_upload_are_stored_while_it_goes_on(proxy: Proxy, server: Server) -> None:
    def chunk(data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data)

    first, second = f"early-{proxy.kind}", f"late-{proxy.kind}"
    head = "Content-Type: application/x-ndjson", "Transfer-Encoding: chunked"
    async with said(proxy, "POST /fleet/api/v1/positions HTTP/1.1", *head) as (reader, writer):
        writer.write(chunk(position(first)))
        await until(lambda: server.get(f"/api/v1/vehicles/{first}").status == 200, "the first line is stored")
        writer.write(chunk(position(second)) + b"0\r\n\r\n")
        await asyncio.wait_for(reader.readuntil(b'"accepted":2'), deadline(10))


async def test_viewers_count_by_their_own_address_whatever_they_say_it_is(proxy: Proxy) -> None:
    async with contextlib.AsyncExitStack() as open_ones:
        for forged in ("203.0.113.1", "203.0.113.2", "127.0.0.1, 203.0.113.3", ""):
            told = {"X_Forwarded_For": forged} if forged else {}
            await open_ones.enter_async_context(opened(proxy, source="127.0.0.3", **told))
        for header in ({"X_Forwarded_For": "203.0.113.4"}, {"Forwarded": "for=203.0.113.4"}, {}):
            with pytest.raises(InvalidStatus) as refused:
                await open_ones.enter_async_context(opened(proxy, source="127.0.0.3", **header))
            assert refused.value.response.status_code == 503
        await open_ones.enter_async_context(opened(proxy, source="127.0.0.4"))


def test_bodies_are_limited_by_the_server_and_not_by_the_proxy(proxy: Proxy) -> None:
    told = {"Content-Type": "application/json"}
    assert proxy.request("POST", "/fleet/api/v1/positions", b" " * 2_000_000, told).json().get("code") == "empty"
    answer = proxy.request("POST", "/fleet/api/v1/positions", b" " * 9_000_000, told)
    assert (answer.status, answer.json().get("code")) == (413, "body_too_large")


def test_the_limit_nginx_has_by_itself_is_explained(server: Server, misled: Callable[..., Proxy]) -> None:
    proxy = misled("nginx", server.port, "client_max_body_size")
    answer = proxy.request("POST", "/fleet/api/v1/positions", b" " * 2_000_000, {"Content-Type": "application/json"})
    assert answer.status == 413 and "problem" not in answer.headers["content-type"]
    assert "| 413 that is no `application/problem+json` |" in PAGE and "client_max_body_size" in PAGE


def test_a_host_that_the_proxy_changed_is_told_by_the_other_header(
    server: Server, misled: Callable[..., Proxy]
) -> None:
    proxy = misled("nginx", server.port, "Host [$]http_host; +# [$]host")
    assert proxy.get("/fleet/api/v1/page").json()["host"] == f"{NAME}:{proxy.port}"
    assert proxy.get("/fleet/api/v1/changes", Origin=proxy.origin).status == 200


def test_the_page_is_where_operators_look() -> None:
    for page in ("install.md", "live.md", "README.md"):
        assert "(proxies.md" in (Path(__file__).parents[2] / "docs" / page).read_text(), page
