"""The live channel of a real server, from ping to frame."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.support.servers import Server, circle, now
from tests.support.waiting import deadline
from tracker.live import messages
from tracker.live.cursor import read_cursor
from tracker.web.live.stream import MOST_ANSWER

LIVE = "/api/v1/live"


class Listener:
    """A connection whose messages are waited for."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.heard: list[dict[str, Any]] = []

    @classmethod
    async def open(cls, server: Server, subprotocol: str = messages.JSON, **follow: Any) -> Listener:
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
        message: dict[str, Any] = json.loads(data) if isinstance(data, str) else messages.read_binary(data)
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


async def test_a_client_that_asks_whether_anybody_is_there_is_told_at_once_and_what_time_it_is(server: Server) -> None:
    listener = await Listener.open(server)
    await listener.next()
    before = int(time.time() * 1000)
    await listener.say({"op": "ping", "t": 1795431903000.25})
    answer = await listener.next()
    assert (answer["op"], answer["t"]) == ("pong", 1795431903000.25)
    assert before <= answer["now"] <= server.get("/healthz").json()["now"] <= time.time() * 1000 + 1
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


@pytest.mark.parametrize("subprotocol", messages.SUBPROTOCOLS)
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
    first = read_cursor((await listener.until("cursor"))["cursor"])
    server.ping("van-1", 60.0, 24.0, time=now())
    later = read_cursor((await listener.until("cursor"))["cursor"])
    assert first is not None
    assert later is not None
    assert (first.seq, later.seq) == (0, 1)
    await listener.connection.close()


async def test_acknowledgements_made_while_a_client_was_away_are_told_after_a_reset(server: Server) -> None:
    server.send("PUT", "/api/v1/regions/depot", circle(60.0, 24.0, 500))
    for name in ("a", "b", "c"):
        server.ping(name, 60.0, 24.0)
    first, second, third = (event["id"] for event in server.events())
    server.post(f"/api/v1/events/{third}/ack", {"by": "Ann"})
    listener = await Listener.open(server, regions=["depot"])
    cursor = (await listener.until("cursor"))["cursor"]
    elsewhere = await Listener.open(server, regions=["yard"])
    other = (await elsewhere.until("cursor"))["cursor"]
    await listener.connection.close()
    await elsewhere.connection.close()
    server.post(f"/api/v1/events/{first}/ack", {"by": "Ann"})
    server.kill()
    server.start()
    server.post(f"/api/v1/events/{second}/ack", {"by": "Bob"})
    server.request("DELETE", f"/api/v1/events/{third}/ack")
    again = await Listener.open(server, regions=["depot"], resume=cursor)
    told = {ack["id"]: ack["by"] for ack in (await again.until("acked"))["acked"]}
    assert told == {first: "Ann", second: "Bob", third: None}
    assert any(message.get("reset") for message in again.heard)
    assert again.told("events") == []
    polled = server.get(f"/api/v1/changes?regions=depot&since={cursor}").json()["messages"]
    assert {ack["id"]: ack["by"] for message in polled for ack in message.get("acked", ())} == told
    polled = server.get(f"/api/v1/changes?regions=yard&since={other}").json()["messages"]
    assert not [message for message in polled if "acked" in message]
    await again.connection.close()


async def test_a_client_that_kept_only_its_cursor_sees_everything_and_hears_what_it_missed(server: Server) -> None:
    server.send("PUT", "/api/v1/regions/depot", circle(60.0, 24.0, 500))
    server.ping("van-1", 60.0, 24.0)
    listener = await Listener.open(server, all=True)
    cursor = (await listener.until("cursor"))["cursor"]
    await listener.connection.close()
    server.ping("van-2", 60.0, 24.0)
    fresh = await Listener.open(server, all=True, resume=cursor, fresh=True)
    snapshot = await fresh.until("reset")
    assert sorted(row[1] for row in snapshot["vehicles"]) == ["van-1", "van-2"]
    assert snapshot["in"] == [["depot", [1, 2]]]
    await fresh.until("events")
    assert [event["vehicle"] for event in fresh.told("events")] == ["van-2"]
    await fresh.connection.close()
    polled = server.get(f"/api/v1/changes?since={cursor}&fresh=true").json()["messages"]
    assert [message["op"] for message in polled[:2]] == ["welcome", "snapshot"]
    assert [event["seq"] for message in polled for event in message.get("events", ())] == [2]


async def test_a_cursor_from_before_the_log_begins_says_so_and_goes_on_at_the_first(server: Server) -> None:
    server.send("PUT", "/api/v1/regions/depot", circle(60.0, 24.0, 500))
    listener = await Listener.open(server, all=True)
    cursor = (await listener.until("cursor"))["cursor"]
    await listener.connection.close()
    for name in ("a", "b", "c", "d"):
        server.ping(name, 60.0, 24.0)
    server.stop()
    with contextlib.closing(sqlite3.connect(server.data / "tracker.db")) as store:
        store.execute("DELETE FROM events WHERE seq <= 2")
        store.commit()
    server.start()
    again = await Listener.open(server, all=True, resume=cursor)
    assert (await again.until("code"))["code"] == "events_gone"
    await again.until("events")
    assert [event["seq"] for event in again.told("events")] == [3, 4]
    assert server.get("/api/v1/events").json()["first"] == 3
    kept = again.heard[-1]["cursor"]
    await again.connection.close()
    server.ping("e", 60.0, 24.0)
    polled = server.get(f"/api/v1/changes?since={kept}").json()["messages"]
    assert [event["seq"] for message in polled for event in message.get("events", ())] == [5]
    assert not [message for message in polled if message["op"] == "error"]


@pytest.mark.parametrize(
    ("follow", "vehicles"),
    [
        ({"vehicles": ["a"]}, {"a"}),
        ({"view": {"bbox": [23.99, 59.99, 24.01, 60.01], "zoom": 14}}, {"a"}),
        ({"regions": ["yard"]}, {"b"}),
        ({"regions": ["yard"], "vehicles": ["a"]}, {"a", "b"}),
        ({"all": True}, {"a", "b"}),
    ],
    ids=["vehicles", "view", "regions", "vehicles and regions", "all"],
)
async def test_a_follower_hears_the_events_of_what_it_follows(
    server: Server, follow: dict[str, Any], vehicles: set[str]
) -> None:
    server.send("PUT", "/api/v1/regions/depot", circle(60.0, 24.0, 300))
    server.send("PUT", "/api/v1/regions/yard", circle(61.0, 24.0, 300))
    listener = await Listener.open(server, **follow)
    await listener.until("cursor")
    server.ping("a", 60.0, 24.0)
    server.ping("b", 61.0, 24.0)
    server.ping("a", 60.0, 24.0, time=now(1), alarm="sos")
    server.ping("b", 61.0, 24.0, time=now(1), alarm="sos")
    wanted = [event for event in server.events() if event["vehicle"] in vehicles]
    assert {event["kind"] for event in wanted} == {"enter", "alarm"}
    while len(listener.told("events")) < len(wanted):
        await listener.next()
    assert listener.told("events") == wanted
    for event in wanted:
        server.post(f"/api/v1/events/{event['id']}/ack", {"by": "Ann"})
    while len(listener.told("acked")) < len(wanted):
        await listener.next()
    assert {ack["id"] for ack in listener.told("acked")} == {event["id"] for event in wanted}
    await listener.connection.close()


async def test_a_client_that_is_thousands_of_events_old_gets_them_all_in_order(server: Server) -> None:
    """More than are kept in memory, so the store has to tell the first of them."""
    server.send("PUT", "/api/v1/regions/depot", circle(60.0, 24.0, 500))
    server.ping("van-1", 60.0, 24.0)
    cursor = server.get("/api/v1/changes").json()["cursor"]
    server.stop()
    with contextlib.closing(sqlite3.connect(server.data / "tracker.db")) as store:
        (body,) = store.execute("SELECT body FROM events").fetchone()
        many = [json.loads(body) | {"seq": seq, "id": f"made-{seq}"} for seq in range(2, 12_002)]
        store.executemany("INSERT INTO events(seq, body) VALUES (?, ?)", [(e["seq"], json.dumps(e)) for e in many])
        store.commit()
    server.start()
    wanted = list(range(2, 12_002))
    listener = await Listener.open(server, all=True, resume=cursor, fresh=True)
    while not (told := listener.told("events")) or told[-1]["seq"] < 12_001:
        await listener.next()
    assert [event["seq"] for event in told] == wanted
    assert listener.told("vehicles")[0][1] == "van-1"
    await listener.connection.close()
    polled: list[int] = []
    answer = {"cursor": cursor, "after_ms": 0}
    while answer["after_ms"] == 0:
        text = server.get(f"/api/v1/changes?since={answer['cursor']}").body
        assert len(text) < 2 * MOST_ANSWER
        answer = json.loads(text)
        polled += [event["seq"] for message in answer["messages"] for event in message.get("events", ())]
    assert polled == wanted
