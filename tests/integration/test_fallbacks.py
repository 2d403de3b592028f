"""The same messages without WebSocket."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.servers import Server, circle
from tests.support.waiting import deadline, until


async def lines(server: Server, query: str, *headers: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = [f"GET /api/v1/stream{query} HTTP/1.1", f"Host: 127.0.0.1:{server.port}", *headers, "", ""]
    writer.write("\r\n".join(head).encode())
    return reader, writer


async def event(reader: asyncio.StreamReader, member: str) -> tuple[str, dict[str, Any]]:
    """(id, message) of the first event with this member."""
    last = ""
    async with asyncio.timeout(deadline(10)):
        while True:
            line = (await reader.readuntil(b"\n")).decode().strip()
            if line.startswith("id: "):
                last = line[4:]
            if line.startswith("data: ") and member in (message := json.loads(line[6:])):
                return last, message


async def test_a_stream_has_the_cursor_as_its_id_and_resumes_from_it(server: Server) -> None:
    server.send("PUT", "/api/v1/regions/depot", circle(60.0, 24.0, 500))
    reader, writer = await lines(server, "?all=true")
    id, snapshot = await event(reader, "reset")
    assert id == snapshot["cursor"]
    writer.close()
    server.ping("van-1", 60.0, 24.0)
    reader, writer = await lines(server, "?all=true", f"Last-Event-ID: {id}")
    _, first = await event(reader, "new")  # what was asked before it may come first, and empty
    assert first["op"] == "update"
    assert [row[1] for row in first["new"]] == ["van-1"]
    if "events" not in first:
        _, first = await event(reader, "events")
    assert [one["seq"] for one in first["events"]] == [1]
    writer.close()


def test_polling_brings_everything_and_then_only_what_is_newer(server: Server) -> None:
    server.send("PUT", "/api/v1/regions/depot", circle(60.0, 24.0, 500))
    server.ping("van-1", 60.0, 24.0)
    first = server.get("/api/v1/changes").json()
    assert [message["op"] for message in first["messages"]] == ["welcome", "snapshot"]
    assert len(first["messages"][1]["vehicles"]) == 1
    nothing = server.get(f"/api/v1/changes?since={first['cursor']}").json()
    assert [message["op"] for message in nothing["messages"]] == ["welcome", "update"]
    assert "moved" not in nothing["messages"][1]
    server.ping("van-1", 60.0001, 24.0)
    server.ping("van-2", 60.0, 24.0)
    then = server.get(f"/api/v1/changes?since={nothing['cursor']}").json()
    told = then["messages"][1:]
    assert [row[0] for message in told for row in message.get("moved", ())] == [1]
    assert [row[1] for message in told for row in message.get("new", ())] == ["van-2"]
    assert [one["vehicle"] for message in told for one in message.get("events", ())] == ["van-2"]


async def test_a_waiting_poll_is_answered_as_soon_as_there_is_news(server: Server) -> None:
    cursor = server.get("/api/v1/changes?regions=depot").json()["cursor"]
    waiting = asyncio.create_task(
        asyncio.to_thread(server.get, f"/api/v1/changes?regions=depot&since={cursor}&wait=20")
    )
    await asyncio.to_thread(server.send, "PUT", "/api/v1/regions/depot", circle(60.0, 24.0, 500))
    answer = (await asyncio.wait_for(waiting, deadline(10))).json()
    assert any("regions" in message for message in answer["messages"])


def test_polling_a_region_hears_of_nothing_else(server: Server) -> None:
    server.send("PUT", "/api/v1/regions/mine", circle(60.0, 24.0, 500))
    server.send("PUT", "/api/v1/regions/yours", circle(61.0, 24.0, 500))
    server.ping("in-mine", 60.0, 24.0)
    server.ping("in-yours", 61.0, 24.0)
    text = server.get("/api/v1/changes?regions=mine").body
    assert b"in-mine" in text
    assert b"yours" not in text


def test_a_cursor_nobody_gave_is_a_reset(server: Server) -> None:
    answer = server.get("/api/v1/changes?since=rubbish").json()
    assert answer["messages"][1]["reset"]


@pytest.mark.parametrize(
    "query",
    [
        "bbox=1,2,3", "bbox=a,b,c,d", "bbox=0,9,1,2", "hz=fast", "hz=0", "events=enter,flying", "all=perhaps", "vehicle=misspelt",
        "max_vehicles=nan", "max_vehicles=inf",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["stream", "changes"])
def test_parameters_that_cannot_be_read_are_refused(shared_server: Server, path: str, query: str) -> None:
    answer = shared_server.get(f"/api/v1/{path}?{query}")
    assert answer.status == 422
    assert answer.json()["code"]


def test_a_parameter_that_cannot_be_read_has_the_code_it_has_elsewhere(shared_server: Server) -> None:
    for query in ("wait=nan", "all=maybe", "bbox=1,2,3", "zoom=x"):
        assert shared_server.get(f"/api/v1/changes?{query}").json()["code"] == "bad_parameter", query


def test_the_live_address_without_an_upgrade_says_what_to_do(shared_server: Server) -> None:
    answer = shared_server.get("/api/v1/live")
    assert answer.status == 426
    assert "WebSocket" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/api/v1/stream", "/api/v1/changes", "/api/v1/changes?wait=20"])
@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://elsewhere.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"}],
)
def test_no_other_web_page_can_ask(shared_server: Server, path: str, headers: dict[str, str]) -> None:
    answer = shared_server.get(path, **headers)
    assert (answer.status, answer.json().get("code")) == (403, "origin_not_allowed")


def test_our_own_page_and_programs_can_ask(shared_server: Server) -> None:
    own = {"Origin": shared_server.url, "Sec_Fetch_Site": "same-origin"}
    for headers in ({}, own, {"Sec_Fetch_Site": "same-origin"}, {"Sec_Fetch_Site": "none"}):
        assert shared_server.get("/api/v1/changes", **headers).status == 200


async def test_streams_and_polls_are_among_the_connections_that_are_allowed(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(live_connections=2)
    reader, writer = await lines(server, "?all=true")
    await event(reader, "reset")
    cursor = server.get("/api/v1/changes").json()["cursor"]
    waiting: asyncio.Task[Any] | None = None

    async def is_full() -> bool:
        nonlocal waiting
        if waiting is None or waiting.done():  # one that asked whether it is full may have had its place
            waiting = asyncio.create_task(asyncio.to_thread(server.get, f"/api/v1/changes?since={cursor}&wait=20"))
        answer = await asyncio.to_thread(server.get, "/api/v1/changes")
        if answer.status == 503:
            assert "retry-after" in answer.headers
        return answer.status == 503

    await until(is_full, "the stream and the waiting poll take both places")
    server.ping("van-1", 60.0, 24.0)
    assert waiting is not None and (await waiting).status == 200
    assert server.get("/api/v1/changes").status == 200
    writer.close()
    await writer.wait_closed()


def test_who_asks_more_often_than_a_socket_may_is_told_to_wait(start_server: Callable[..., Server]) -> None:
    server = start_server(live_messages_per_s=1)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=deadline(20))
    statuses = []
    for _ in range(40):
        connection.request("GET", "/api/v1/changes?vehicles=nobody")
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
        if answer.status == 503:
            assert answer.headers["retry-after"]
            break
    connection.close()
    assert statuses[:3] == [200] * 3
    assert statuses[-1] == 503
    assert server.get("/api/v1/changes").status == 200  # somebody else
    others = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=deadline(60)) for _ in range(100)]
    for connection in others:  # all before any answer is read
        connection.request("GET", "/api/v1/changes")
    statuses = [connection.getresponse().status for connection in others]
    for connection in others:
        connection.close()
    assert 503 in statuses, "an address with a connection for each is counted as a whole"
