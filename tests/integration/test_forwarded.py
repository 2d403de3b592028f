"""The caller's address, wherever one counts: told by a trusted proxy, made up by nobody else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.support.servers import Server

LIVE = "/api/v1/live"


async def viewers_let_in(server: Server, callers: list[str | None]) -> list[int]:
    """The status of each handshake, all earlier ones being open still."""
    told = []
    async with contextlib.AsyncExitStack() as open_ones:
        for caller in callers:
            headers = {"X-Forwarded-For": caller} if caller else None
            try:
                await open_ones.enter_async_context(connect(server.ws + LIVE, additional_headers=headers))
                told.append(101)
            except InvalidStatus as refused:
                told.append(refused.response.status_code)
    return told


async def test_viewers_are_counted_by_the_address_a_trusted_proxy_tells(start_server: Callable[..., Server]) -> None:
    server = start_server(behind_proxy="loopback", live_per_address=2)
    one, other = "203.0.113.7", "2001:db8::1"
    assert await viewers_let_in(server, [one, f"1.1.1.1, {one}", f"2.2.2.2,{one}", other]) == [101, 101, 503, 101]


async def test_a_made_up_address_counts_for_nothing_where_nobody_is_trusted(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(behind_proxy="10.0.0.0/8", live_per_address=2)
    assert await viewers_let_in(server, ["203.0.113.1", "203.0.113.2", "203.0.113.3"]) == [101, 101, 503]


async def test_connections_count_for_whoever_the_proxy_asks_for(start_server: Callable[..., Server]) -> None:
    server = start_server(behind_proxy="loopback", max_connections=20)
    told = "203.0.113.7", "203.0.113.8"
    senders = server.ws + "/api/v1/positions"
    async with contextlib.AsyncExitStack() as open_ones:
        for _ in range(18):
            asked = connect(senders, additional_headers={"X-Forwarded-For": told[0]})
            await open_ones.enter_async_context(asked)
        with pytest.raises(InvalidStatus) as refused:
            async with connect(senders, additional_headers={"X-Forwarded-For": told[0]}):
                pass
        assert refused.value.response.status_code == 503
        answers = [await asyncio.to_thread(server.get, "/healthz", X_Forwarded_For=caller) for caller in told]
        assert [answer.status for answer in answers] == [503, 200]
        assert "from this address" in answers[0].json()["detail"]


async def test_streams_and_polls_count_by_the_same_address(start_server: Callable[..., Server]) -> None:
    server = start_server(behind_proxy="loopback", live_per_address=1)
    async with connect(server.ws + LIVE, additional_headers={"Forwarded": "for=203.0.113.7"}):
        for path in ("/api/v1/changes", "/api/v1/stream"):
            mine = await asyncio.to_thread(server.get, path, X_Forwarded_For="203.0.113.7")
            assert mine.status == 503 and "this address" in mine.json()["detail"]
        other = await asyncio.to_thread(server.get, "/api/v1/changes", X_Forwarded_For="203.0.113.8")
        assert other.status == 200


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("behind") / "data", behind_proxy="loopback", hosts="map.example").start()
    yield server
    server.kill()


FORGED = {"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=127.0.0.1"}


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/healthz"), ("POST", "/api/v1/positions"), ("GET", "/api/v1/stream"), ("PUT", "/x")]
)
def test_two_callers_in_one_request_are_refused(behind: Server, method: str, path: str) -> None:
    answer = behind.request(method, path, b"{}" if method != "GET" else None, FORGED)
    assert (answer.status, answer.json().get("code")) == (400, "bad_header")


async def test_two_callers_in_a_handshake_are_refused_in_words(behind: Server) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(behind.ws + LIVE, additional_headers=FORGED):
            pass
    assert refused.value.response.status_code == 400
    assert b"bad_header" in (refused.value.response.body or b"")


@pytest.mark.parametrize(
    "path", ["/api//v1/vehicles?limit=1", "/api/v1//vehicles", "/healthz//", "/static//js/main.js"]
)
def test_nobody_is_sent_to_an_address_that_is_wrong_below_a_proxys_path(behind: Server, path: str) -> None:
    answer = behind.get(path, X_Forwarded_Host="map.example", X_Forwarded_Proto="https")
    assert (answer.status, answer.json().get("code")) == (404, "not_found")
