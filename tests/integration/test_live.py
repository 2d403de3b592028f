"""The live channel of a real server, from ping to frame."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.servers import Server, circle, now
from tests.waiting import deadline
from tracker import wire

LIVE = "/api/v1/live"


class Listener:
    """A connection whose messages are waited for."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.heard: list[dict[str, Any]] = []

    @classmethod
    async def open(cls, server: Server, subprotocol: str = wire.JSON, **follow: Any) -> Listener:
        protocols: Any = [subprotocol]
        listener = cls(await connect(server.ws + LIVE, subprotocols=protocols))
        if follow:
            await listener.say({"op": "follow", **follow})
        return listener

    async def say(self, message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(deadline(10)):
            data = await self.connection.recv()
        message: dict[str, Any] = json.loads(data) if isinstance(data, str) else wire.read_binary(data)
        self.heard.append(message)
        return message

    def told(self, member: str) -> list[Any]:
        return [item for message in self.heard for item in message.get(member, ())]

    async def until(self, member: str, seen: Callable[[Any], bool] = bool) -> Any:
        """The first message with such a member."""
        while True:
            message = await self.next()
            if member in message and seen(message[member]):
                return message


async def test_a_ping_moves_a_vehicle_and_an_event_follows(server: Server) -> None:
    server.send("PUT", "/api/v1/regions/depot", circle(60.0, 24.0, 500, name="Depot"))
    listener = await Listener.open(server, all=True)
    snapshot = await listener.until("reset")
    assert snapshot["regions"][0]["id"] == "depot"
    server.ping("van-1", 60.0, 24.0)
    update = await listener.until("new")
    row = dict(zip(snapshot["fields"], update["new"][0], strict=True))
    assert (row["vehicle"], row["lat_e6"], row["lon_e6"]) == ("van-1", 60_000_000, 24_000_000)
    while not (told := listener.told("events")):
        await listener.next()
    assert told == server.events()
    await listener.connection.close()


async def test_a_follower_of_one_region_hears_of_nothing_else(server: Server) -> None:
    server.send("PUT", "/api/v1/regions/mine", circle(60.0, 24.0, 500, name="Mine"))
    server.send("PUT", "/api/v1/regions/yours", circle(61.0, 24.0, 500, name="Yours"))
    server.ping("in-mine", 60.0, 24.0)
    server.ping("in-yours", 61.0, 24.0)
    server.ping("nowhere", 62.0, 24.0)
    listener = await Listener.open(server, regions=["mine"])
    await listener.until("reset")
    for step in range(5):
        server.ping("in-yours", 61.0 + step * 1e-5, 24.0)
        server.ping("nowhere", 62.0 + step * 1e-5, 24.0)
        server.ping("in-mine", 60.0 + step * 1e-5, 24.0)
        await listener.until("moved")
    text = json.dumps(listener.heard)
    assert "in-mine" in text
    assert "yours" not in text
    assert "nowhere" not in text
    await listener.connection.close()


@pytest.mark.parametrize("subprotocol", wire.SUBPROTOCOLS)
async def test_both_encodings_say_the_same(server: Server, subprotocol: str) -> None:
    server.ping("van-1", 60.0, 24.0)
    listener = await Listener.open(server, subprotocol, all=True)
    assert listener.connection.subprotocol == subprotocol
    await listener.until("vehicles")
    server.ping("van-1", 60.0001, 24.0, speed_mps=3.3, heading=270)
    update = await listener.until("moved")
    assert update["moved"][0][2:6] == [60_000_100, 24_000_000, 33, 270]
    await listener.connection.close()


async def test_resuming_after_a_drop_brings_what_was_missed_once(server: Server) -> None:
    server.send("PUT", "/api/v1/regions/depot", circle(60.0, 24.0, 500))
    listener = await Listener.open(server, all=True)
    cursor = (await listener.until("cursor"))["cursor"]
    await listener.connection.close()
    server.ping("van-1", 60.0, 24.0)
    again = await Listener.open(server, all=True, resume=cursor)
    await again.until("events")
    assert [message["op"] for message in again.heard] == ["welcome", *["update"] * (len(again.heard) - 1)]
    assert [event["seq"] for message in again.heard for event in message.get("events", ())] == [1]
    await again.connection.close()


async def test_resuming_after_a_restart_is_a_reset_with_every_event(server: Server) -> None:
    server.send("PUT", "/api/v1/regions/depot", circle(60.0, 24.0, 500))
    listener = await Listener.open(server, all=True)
    cursor = (await listener.until("cursor"))["cursor"]
    await listener.connection.close()
    server.ping("van-1", 60.0, 24.0)
    server.kill()
    server.start()
    again = await Listener.open(server, all=True, resume=cursor)
    snapshot = await again.until("reset")
    assert [row[1] for row in snapshot["vehicles"]] == ["van-1"]
    while not (told := again.told("events")):
        await again.next()
    assert told == server.events()
    await again.connection.close()


async def test_the_map_moves(server: Server) -> None:
    server.ping("here", 60.0, 24.0)
    server.ping("there", 50.0, 8.0)
    listener = await Listener.open(server, view={"bbox": [23.9, 59.9, 24.1, 60.1], "zoom": 11})
    assert [row[1] for row in (await listener.until("vehicles"))["vehicles"]] == ["here"]
    await listener.say({"op": "view", "bbox": [7.9, 49.9, 8.1, 50.1], "zoom": 11})
    snapshot = await listener.until("vehicles")
    assert not snapshot["reset"]
    assert [row[1] for row in snapshot["vehicles"]] == ["there"]
    await listener.connection.close()


async def test_changes_by_others_arrive_without_asking(server: Server) -> None:
    server.send("PUT", "/api/v1/regions/depot", circle(60.0, 24.0, 500))
    server.ping("van-1", 60.0, 24.0)
    listener = await Listener.open(server, all=True)
    await listener.until("vehicles")
    server.send("PUT", "/api/v1/vehicles/van-1", {"name": "Van One"})
    assert (await listener.until("vehicles"))["vehicles"][0]["name"] == "Van One"
    event = server.events()[0]["id"]
    server.post(f"/api/v1/events/{event}/ack", {"by": "Ann"})
    assert (await listener.until("acked"))["acked"][0]["by"] == "Ann"
    server.request("DELETE", "/api/v1/regions/depot")
    assert (await listener.until("regions_deleted"))["regions_deleted"] == ["depot"]
    server.request("DELETE", "/api/v1/vehicles/van-1")
    assert (await listener.until("left"))["left"][0][1] == "removed"
    await listener.connection.close()


async def test_an_acknowledgement_of_an_event_from_before_the_restart_reaches_its_region(server: Server) -> None:
    server.send("PUT", "/api/v1/regions/depot", circle(60.0, 24.0, 500))
    server.ping("van-1", 60.0, 24.0)
    server.stop()
    server.start()
    listener = await Listener.open(server, regions=["depot"])
    await listener.until("vehicles")
    server.post(f"/api/v1/events/{server.events()[0]['id']}/ack", {"by": "Ann"})
    assert (await listener.until("acked"))["acked"][0]["by"] == "Ann"
    await listener.connection.close()


async def test_the_cursor_advances_even_when_nothing_matches(start_server: Callable[..., Server]) -> None:
    server = start_server(live_heartbeat_s=1)
    server.send("PUT", "/api/v1/regions/depot", circle(60.0, 24.0, 500))
    listener = await Listener.open(server, vehicles=["nobody"])
    first = wire.read_cursor((await listener.until("cursor"))["cursor"])
    server.ping("van-1", 60.0, 24.0, time=now())
    later = wire.read_cursor((await listener.until("cursor"))["cursor"])
    assert first is not None
    assert later is not None
    assert (first.seq, later.seq) == (0, 1)
    await listener.connection.close()
