"""Durable, then visible: a whole server over a store whose events get their numbers later, as where many nodes share one.

After a 2xx everything is stored; of its events nobody is told before they have numbers.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support import lists
from tests.support.waiting import until
from tracker.config import Settings
from tracker.web.app import create_app

IN, OUT = 60.1993, 60.2007  #: of its northern border
SQUARE = [[[24.9, 60.1], [25.0, 60.1], [25.0, 60.2], [24.9, 60.2], [24.9, 60.1]]]
DEPOT = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": SQUARE}, "properties": {"name": "Depot"}}


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    url = f"held:{tmp_path}"
    lists.MAY_NUMBER[url] = asyncio.Event()
    yield url
    del lists.MAY_NUMBER[url]


class Server:
    """One running in this process."""

    def __init__(self, client: Any, node: Any, url: str) -> None:
        self.client, self.node, self._url = client, node, url
        self.begin = node.clock() - 60_000

    async def get(self, path: str) -> Any:
        answer = await self.client.get(path)
        return await answer.get_json()

    async def post(self, second: int, lat: float) -> None:
        item = {"vehicle": "van", "time": self.begin + second * 1000, "lat": lat, "lon": 24.95}
        answer = await self.client.post("/api/v1/positions", json=item)
        assert (answer.status_code, (await answer.get_json())["accepted"]) == (200, 1)

    async def told(self, cursor: str, what: str = "all=true") -> tuple[list[str], str]:
        """The kinds of events a follower is told, and how far it is."""
        messages = (await self.get(f"/api/v1/changes?{what}&since={cursor}"))["messages"]
        kinds = [event["kind"] for message in messages for event in message.get("events", ())]
        return kinds, next((m["cursor"] for m in reversed(messages) if "cursor" in m), cursor)

    async def kinds(self) -> list[str]:
        answer = await self.get("/api/v1/events")
        assert answer["last"] == len(answer["events"])
        return [event["kind"] for event in answer["events"]]

    def number(self) -> None:
        lists.MAY_NUMBER[self._url].set()

    def hold(self) -> None:
        lists.MAY_NUMBER[self._url].clear()

    def left(self) -> str:
        """What there would be if it was killed now."""
        url = f"{self._url}-left"
        lists.PLACES[url] = copy.deepcopy(lists.PLACES[self._url])
        return url


@asynccontextmanager
async def running(url: str) -> AsyncIterator[Server]:
    app = create_app(Settings(store=url, tiles=""))
    async with app.test_app() as test:
        yield Server(test.test_client(), app.extensions["node"], url)


async def test_an_event_is_told_once_it_has_its_number_and_not_before(url: str) -> None:
    async with running(url) as server:
        assert (await server.client.put("/api/v1/regions/depot", json=DEPOT)).status_code == 201
        _, cursor = await server.told("")
        _, beside = await server.told("", "regions=depot")
        await server.post(0, IN)
        assert (await server.get("/api/v1/vehicles/van"))["regions"][0]["id"] == "depot", "its place is known"
        assert await server.kinds() == []
        assert await server.told(cursor) == ([], (await server.told(cursor))[1])
        hidden = lists.PLACES[url].unnumbered[0].id
        assert (await server.client.get(f"/api/v1/events/{hidden}")).status_code == 404
        assert (await server.client.post(f"/api/v1/events/{hidden}/ack", json={"by": "Ann"})).status_code == 404
        await server.post(10, OUT)  # it is elsewhere by the time anybody hears
        assert server.node.picture.last_seq == 0
        server.number()
        await until(lambda: server.node.picture.last_seq == 2)
        assert await server.kinds() == ["enter", "exit"]
        assert (await server.told(cursor))[0] == ["enter", "exit"]
        assert (await server.told(beside, "regions=depot"))[0] == ["enter", "exit"]
        server.hold()
        await server.post(20, IN)
        assert await server.kinds() == ["enter", "exit"]
        assert (await server.told(cursor))[0] == ["enter", "exit"]
        assert (await server.client.post(f"/api/v1/events/{hidden}/ack", json={"by": "Ann"})).status_code == 200


async def test_what_was_durable_when_a_server_was_killed_gets_its_numbers_after_the_start(url: str) -> None:
    async with running(url) as server:
        await server.client.put("/api/v1/regions/depot", json=DEPOT)
        await server.post(0, IN)
        left = server.left()
    lists.MAY_NUMBER[left] = lists.MAY_NUMBER[url]
    async with running(left) as server:
        _, cursor = await server.told("")
        assert await server.kinds() == []
        assert (await server.get("/api/v1/vehicles/van"))["regions"][0]["id"] == "depot"
        await server.post(10, OUT)
        server.number()
        await until(lambda: server.node.picture.last_seq == 2)
        assert await server.kinds() == ["enter", "exit"]
        assert (await server.told(cursor))[0] == ["enter", "exit"]


async def test_an_alarm_is_told_to_the_region_the_vehicle_was_in_as_it_was_raised(url: str) -> None:
    """By the time the event has its number the vehicle has left."""
    async with running(url) as server:
        await server.client.put("/api/v1/regions/depot", json=DEPOT)
        _, cursor = await server.told("", "regions=depot")
        item = {"vehicle": "van", "time": server.begin, "lat": IN, "lon": 24.95, "alarm": "sos"}
        assert (await server.client.post("/api/v1/positions", json=item)).status_code == 200
        await server.post(10, OUT)
        server.number()
        await until(lambda: server.node.picture.last_seq == 3)
        assert (await server.told(cursor, "regions=depot"))[0] == ["enter", "alarm", "exit"]
        server.hold()
        _, cursor = await server.told("", "regions=depot")
        item |= {"time": server.begin + 20_000, "lat": 60.2021}
        assert (await server.client.post("/api/v1/positions", json=item)).status_code == 200
        await server.post(30, OUT)
        await server.post(40, IN)
        server.number()
        await until(lambda: server.node.picture.last_seq >= 5)
        assert (await server.told(cursor, "regions=depot"))[0] == ["enter"], "the alarm was raised elsewhere"
