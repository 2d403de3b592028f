"""tracker.client against a real server that goes away and comes back."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import Authority
from tests.support.servers import Server, circle
from tests.support.waiting import deadline, free_port, until
from tracker.client import LONGEST_S, Live, Refused, Unreachable


@pytest.mark.parametrize("binary", [False, True])
async def test_ten_lines_follow_a_fleet(server: Server, binary: bool) -> None:
    server.send("PUT", "/api/v1/regions/depot", circle(60.0, 24.0, 500, name="Depot"))
    server.ping("van-1", 60.0, 24.0)
    async with Live(server.url, all=True, binary=binary) as live:
        async with asyncio.timeout(deadline(20)):
            async for update in live:
                if update.reset:
                    assert live.vehicles["van-1"].regions == {"depot"}
                    await asyncio.to_thread(server.ping, "van-1", 60.0001, 24.0, speed_mps=5)
                elif any(vehicle.speed_mps == 5 for vehicle in update.moved):
                    break
    assert live.vehicles["van-1"].lat == 60.0001
    assert live.regions["depot"]["properties"]["name"] == "Depot"


async def test_no_event_is_missed_or_doubled_through_drops_and_a_restart(server: Server) -> None:
    server.send("PUT", "/api/v1/regions/depot", circle(60.0, 24.0, 500, debounce="none"))
    live = Live(server.url, all=True)
    heard: list[int] = []

    async def listen() -> None:
        async for update in live:
            heard.extend(event["seq"] for event in update.events)

    def is_back(before: int) -> bool:
        return live.connects > before

    task = asyncio.create_task(listen())
    await until(lambda: live.cursor, "the first snapshot")
    for round in range(8):
        await asyncio.to_thread(server.ping, f"van-{round}", 60.0, 24.0)
        if round % 3 == 1:
            before = live.connects
            live.drop()
            await until(partial(is_back, before), "it is back")
        if round == 4:
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
    await until(lambda: len(heard) >= 8, "all events", 30)
    assert heard == [event["seq"] for event in server.events()]
    assert live.connects > 3
    await live.close()
    await asyncio.wait_for(task, deadline(10))


async def test_a_cursor_kept_over_a_restart_of_the_client_brings_what_was_missed(server: Server) -> None:
    server.send("PUT", "/api/v1/regions/depot", circle(60.0, 24.0, 500))
    first = Live(server.url, all=True)
    async for _ in first:
        break
    await first.close()
    server.ping("van-1", 60.0, 24.0)
    events: list[Any] = []
    async with Live(server.url, all=True, resume=first.cursor) as second, asyncio.timeout(deadline(20)):
        async for update in second:
            events += update.events
            if events:
                break
    assert [event["vehicle"] for event in events] == ["van-1"]


async def test_a_window_is_acknowledged(server: Server) -> None:
    server.ping("van-1", 60.0, 24.0)
    seen = 0
    async with Live(server.url, all=True, window=1) as live, asyncio.timeout(deadline(30)):
        async for update in live:
            seen += 1
            if seen == 6:
                break
            await asyncio.to_thread(server.ping, "van-1", 60.0 + seen * 1e-5, 24.0)
            del update


async def test_a_window_does_not_flood_the_server_where_much_happens(server: Server) -> None:
    """Events do not wait for a window, and each comes in a frame."""
    server.send("PUT", "/api/v1/regions/depot", circle(60.0, 24.0, 500))
    heard: list[int] = []

    async def listen(live: Live) -> None:
        async for update in live:
            heard.extend(event["seq"] for event in update.events)

    async with Live(server.url, all=True, window=1) as live:
        task = asyncio.create_task(listen(live))
        await until(lambda: live.cursor, "it is connected")
        for number in range(80):
            await asyncio.to_thread(server.ping, f"van-{number}", 60.0, 24.0)
        await until(lambda: task.done() or len(heard) == 80, "all events", 30)
        assert heard == list(range(1, 81))
        assert live.connects == 1
    await asyncio.wait_for(task, deadline(10))


async def test_being_refused_is_an_exception(server: Server) -> None:
    with pytest.raises(Refused):
        async for _ in Live(server.url, all=True, headers={"Origin": "https://evil.example"}):
            pass


@contextlib.asynccontextmanager
async def answering(answer: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Something that is no tracker: it reads a request's head, says this, and hangs up."""

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        writer.close()

    listener = await asyncio.start_server(answer_once, "127.0.0.1", 0, ssl=tls)
    async with listener:
        yield f"http{'s' if tls else ''}://127.0.0.1:{listener.sockets[0].getsockname()[1]}"


async def ending(live: Live) -> Exception:
    """What the iteration raises."""
    try:
        async with asyncio.timeout(deadline(8)):
            async for _ in live:
                pass
    except (Refused, Unreachable) as fault:
        return fault
    except TimeoutError:
        pass
    raise AssertionError("it neither went on nor said why not")


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8000",
        "localhost:8000",
        "ftp://x",
        "http://",
        "",
        "http://x:port",
        "http://x:70000",
        "http://[::1:8000",
    ],
)
def test_what_is_no_address_is_refused_at_once_and_told_how_one_looks(url: str) -> None:
    with pytest.raises(ValueError, match="write it as http://host:8000"):
        Live(url, all=True)


async def test_a_closed_port_is_told_in_the_log_and_then_raised(caplog: pytest.LogCaptureFixture) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    fault = await ending(Live(url, all=True, patience_s=0.2))
    assert isinstance(fault, Unreachable)
    assert "nobody listens at 127.0.0.1" in str(fault)
    assert "nobody listens" in caplog.text
    assert "trying again" in caplog.text


async def test_a_server_that_starts_a_little_later_is_reached(server: Server) -> None:
    server.stop()
    async with Live(server.url, all=True, patience_s=deadline(60)) as live, asyncio.timeout(deadline(60)):
        starting = asyncio.create_task(asyncio.to_thread(server.start))
        async for update in live:
            if update.reset:
                break
        await starting


PROBLEM = (
    b'{"type": "urn:tracker:problem:origin_not_allowed", "code": "origin_not_allowed", "detail": "a page may not"}'
)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        ("403 Forbidden", b"<html>no</html>", "a proxy or another server forbids this"),
        ("403 Forbidden", PROBLEM, "the server said origin_not_allowed: a page may not"),
        ("404 Not Found", b"<html>nothing</html>", "there is no tracker at this address"),
        ("426 Upgrade Required", PROBLEM, "does not pass WebSockets on"),
        ("401 Unauthorized", b"", "wants to know who we are"),
        ("200 OK", b"<html>Welcome</html>", "no tracker"),
        ("301 Moved Permanently\r\nLocation: https://fleet.example/", b"", "moved to https://fleet.example/"),
    ],
)
async def test_the_reason_of_a_refusal_is_the_true_one(status: str, body: bytes, said: str) -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    async with answering(head + body) as url:
        fault = await ending(Live(url, all=True))
    assert isinstance(fault, Refused)
    assert fault.code == int(status[:3])
    assert said in fault.reason


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "answered 502"),
        (b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n", "answered 503"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "does not speak WebSocket"),
        (b"", "hung up before it answered"),
    ],
)
async def test_what_may_pass_is_tried_again_until_patience_ends(answer: bytes, said: str) -> None:
    async with answering(answer) as url:
        fault = await ending(Live(url, all=True, patience_s=0.2))
    assert isinstance(fault, Unreachable)
    assert said in str(fault)


@pytest.mark.parametrize(
    ("name", "days", "said"),
    [
        ("127.0.0.1", 300, "name its authority"),
        ("127.0.0.1", -1, "it has ended; renew it"),
        ("127.0.0.1", 500, "it is not valid yet"),
        ("map.example", 300, "use one of them instead of the address"),
    ],
)
async def test_a_certificate_nobody_trusts_is_raised_at_once(tmp_path: Path, name: str, days: int, said: str) -> None:
    authority = Authority(tmp_path)
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(*authority.issue(name, lasts=timedelta(days=days)))
    async with answering(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", ours) as url:
        knows_nobody = said == "name its authority"
        tls = None if knows_nobody else authority.trusting()
        fault = await ending(Live(url, all=True, patience_s=3600, tls=tls))
        assert isinstance(fault, Unreachable)
        assert "is not trusted" in str(fault) and said in str(fault)
        if knows_nobody:  # who does comes as far as an answer
            assert isinstance(await ending(Live(url, all=True, tls=authority.trusting())), Refused)


async def test_a_client_that_kept_only_its_cursor_sees_the_fleet(server: Server) -> None:
    server.send("PUT", "/api/v1/regions/depot", circle(60.0, 24.0, 500))
    server.ping("van-1", 60.0, 24.0)
    first = Live(server.url, all=True)
    async for _ in first:
        break
    await first.close()
    server.ping("van-2", 60.0, 24.0)
    events: list[Any] = []
    async with Live(server.url, all=True, resume=first.cursor) as second, asyncio.timeout(deadline(20)):
        async for update in second:
            events += update.events
            if events:
                break
        assert second.vehicles.keys() == {"van-1", "van-2"}
        assert second.vehicles["van-1"].regions == {"depot"}
        server.ping("van-1", 60.0001, 24.0)
        async for update in second:
            if any(vehicle.id == "van-1" for vehicle in update.moved):
                break
    assert [event["vehicle"] for event in events] == ["van-2"]


def test_a_picture_that_broke_off_half_way_is_asked_for_again() -> None:
    live = Live("http://x", all=True)
    asked = []
    for message in (
        {"op": "welcome", "epoch": "a", "t0": 0, "heartbeat_s": 20},
        {"op": "snapshot", "cursor": "c1", "reset": True, "part": 1, "parts": 2, "vehicles": []},
        {"op": "update", "cursor": "c2", "events": []},
        {"op": "snapshot", "cursor": "c3", "reset": True, "part": 2, "parts": 2, "vehicles": []},
        {"op": "snapshot", "cursor": "c4", "reset": False, "part": 1, "parts": 2, "vehicles": []},
        {"op": "welcome", "epoch": "b", "t0": 0, "heartbeat_s": 20},
        {"op": "snapshot", "cursor": "c5", "reset": True, "part": 1, "parts": 2, "vehicles": []},
    ):
        live._take(message)
        asked.append(live._resuming())
    fresh = {"fresh": True}
    assert asked == [
        {},
        {"resume": "c1"} | fresh,
        {"resume": "c2"} | fresh,
        {"resume": "c3"},
        {"resume": "c4"},
        {"resume": "c4"},
        {"resume": "c5"} | fresh,
    ]


def test_rows_are_read_by_the_names_of_their_columns_and_counts_replace_vehicles() -> None:
    live = Live("http://x", all=True)
    fields = ["vehicle", "later", "n", "name", "state", "when", "lat_e6", "lon_e6", "speed_dmps", "heading"]
    row = ["van-1", "?", 7, "Van", 1, 5, 60_000_000, 24_000_000, 100, 90]
    live._take({"op": "update", "cursor": "c", "fields": fields, "new": [row]})
    van = live.vehicles["van-1"]
    assert (van.n, van.name, van.state, van.time, van.lat, van.speed_mps) == (7, "Van", "moving", 5, 60.0, 10.0)
    update = live._take({"op": "counts", "cells": [[7, 1, 1, 99]]})
    assert update is not None
    assert update.reset
    assert live.vehicles == {}


async def test_another_set_can_be_followed_from_within_the_loop(server: Server) -> None:
    for id, lat in (("here", 60.0), ("there", 61.0)):
        server.send("PUT", f"/api/v1/regions/{id}", circle(lat, 24.0, 500))
        server.ping(f"in-{id}", lat, 24.0)
    seen: list[set[str]] = []
    wishes: Iterator[dict[str, Any]] = iter(
        [{"regions": ["there"]}, {"all": True}, {"vehicles": ["in-here"]}, {"regions": []}]
    )
    heard: list[int] = []
    async with Live(server.url, regions=["here"]) as live, asyncio.timeout(deadline(30)):
        async for update in live:
            heard += [event["seq"] for event in update.events]
            if update.reset:
                seen.append(set(live.vehicles))
                if (wish := next(wishes, None)) is None:
                    break
                await asyncio.to_thread(server.ping, f"new-{len(seen)}", 61.0, 24.0)
                live.follow(**wish)
                live.drop()  # and it holds for the next connection
    assert [one & {"in-here", "in-there"} for one in seen] == [
        {"in-here"}, {"in-there"}, {"in-here", "in-there"}, {"in-here"}, set()
    ]  # fmt: skip
    assert sorted(set(heard)) == heard


async def test_a_server_that_is_away_for_a_day_is_tried_all_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of times: the delay between two tries has an end, and so has the number it is drawn from."""
    delays: list[float] = []
    live = Live(f"http://127.0.0.1:{free_port()}", all=True)
    live.connects = 1  # it was there once

    async def sleep(delay: float) -> None:
        delays.append(delay)
        if len(delays) == 1200:
            await live.close()

    monkeypatch.setattr("tracker.client.asyncio.sleep", sleep)
    async for _ in live:
        pass
    assert len(delays) == 1200
    assert max(delays) <= LONGEST_S
