"""Site: the pages are made while positions are taken already, and whoever asks for one gets it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tracker.config import Settings
from tracker.web.server import health
from tracker.web.site import EARLY, Site


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    site = Site(Settings(store="sqlite://:memory:", tiles=""))
    await site.startup()
    yield site
    await site.shutdown()


async def ask(site: Site, path: str, method: str = "GET", body: bytes = b"") -> tuple[int, dict[bytes, bytes], bytes]:
    """(status, headers, body)"""
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
    }
    scope |= {"raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": headers, "extensions": {}}
    scope |= {"client": ("127.0.0.1", 50_000), "server": ("127.0.0.1", 8000)}
    sent: list[dict[str, Any]] = []
    said = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return said.pop() if said else await asyncio.Future()

    async def send(message: Any) -> None:
        sent.append(message)

    await site(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(one.get("body", b"") for one in sent[1:])


def is_made(site: Site) -> bool:
    return site._pages is not None


async def test_a_server_is_ready_and_takes_positions_before_its_pages_are_made(site: Site) -> None:
    assert (await ask(site, "/readyz"))[0] == 200
    body = b'{"vehicle": "van", "lat": 60.1, "lon": 24.9, "time": 1700000000000}'
    assert (await ask(site, "/api/v1/positions", "POST", body))[0] == 200
    assert not is_made(site)


async def test_a_server_whose_store_hangs_says_soon_that_it_is_not_ready(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PATIENCE_S", 0.0)
    monkeypatch.setattr(site.node.store, "ping", asyncio.Event().wait)
    status, _, body = await ask(site, "/readyz")
    assert (status, b'"status":"store"' in body, b"has not answered" in body) == (503, True, True)


async def test_who_asks_for_a_page_while_they_are_made_waits_for_it(site: Site) -> None:
    assert (await ask(site, "/api/v1/vehicles"))[0] == 200
    assert is_made(site)


@pytest.mark.parametrize("path", EARLY)
async def test_health_is_told_alike_before_and_after(site: Site, path: str) -> None:
    site.node.clock = lambda: 1_700_000_000_000
    before = await ask(site, path)
    assert not is_made(site)
    await site.begin_pages()
    assert await ask(site, path) == before


async def test_who_hangs_up_while_they_are_made_ends_it_for_nobody_else(site: Site) -> None:
    gone, other = (asyncio.ensure_future(ask(site, "/api/v1/vehicles")) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait((other,), timeout=30)
    assert other.done() and not other.cancelled()
    assert other.result()[0] == 200


async def test_pages_that_could_not_be_made_are_tried_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> Any:
        raise OSError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(site, "make_pages", full)
        with pytest.raises(OSError, match="no room"):
            await ask(site, "/api/v1/vehicles")
    assert (await ask(site, "/api/v1/vehicles"))[0] == 200
