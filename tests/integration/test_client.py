"""tracker.client against a real server that goes away and comes back."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from tests.servers import Server, circle
from tests.waiting import deadline, until
from tracker.client import Live, Refused


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


async def test_being_refused_is_an_exception(server: Server) -> None:
    with pytest.raises(Refused):
        async for _ in Live(server.url, all=True, headers={"Origin": "https://evil.example"}):
            pass
