"""A server in this process whose access is a table: who sends this bearer word has that grant."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.support.servers import circle
from tests.support.waiting import deadline
from tracker.access.grants import EVERYTHING, Grant
from tracker.config import Settings
from tracker.errors import NotAllowed
from tracker.live.messages import read_binary
from tracker.model.events import Event
from tracker.stores import EventQuery
from tracker.web.app import create_app

HERE, THERE = "here", "over-there"  #: the region that is granted, and the one that is not
LAT, LON = 60.17, 24.94  #: the middle of HERE; nothing of it looks like a place in THERE
FAR_LAT, FAR_LON = 61.7, 27.3
ROAD = (60.4, 25.2)


class Words:
    """An access: `authorization: Bearer WORD`, and nobody is refused for anything else."""

    def __init__(self, **grants: Grant) -> None:
        self.grants = grants
        self.asked: list[tuple[str, str]] = []  # (method, path)

    def check(self, method: str, scope: Mapping[str, Any]) -> Grant:
        self.asked.append((method, scope["path"]))
        word = dict(scope["headers"]).get(b"authorization", b"").decode().removeprefix("Bearer ")
        if word not in self.grants:
            raise NotAllowed("not_allowed", "say who you are")
        return self.grants[word]

    def again(self, grant: Grant) -> Grant:
        return grant


def bearer(word: str) -> dict[str, str]:
    return {"authorization": f"Bearer {word}"}


def feature(id: str, lat: float, lon: float, name: str, group: str = "home") -> dict[str, Any]:
    return circle(lat, lon, 300, name=name, group=group, rules={"dwell_s": 30}) | {"id": id}


class Socket:
    """A WebSocket over plain ASGI."""

    def __init__(self) -> None:
        self.out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.back: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def send(self, **message: Any) -> None:
        await self.out.put({"type": "websocket.receive", "text": msgspec.json.encode(message).decode()})

    async def receive(self) -> str:
        """The next message as JSON text; empty: not one of ours."""
        message = await asyncio.wait_for(self.back.get(), deadline(10))
        if binary := message.get("bytes"):
            return msgspec.json.encode(read_binary(binary)).decode()
        return message.get("text") or ""

    async def refused(self) -> tuple[int, str]:
        """The status and the body of an answer that is no socket."""
        start, body = [await asyncio.wait_for(self.back.get(), deadline(10)) for _ in range(2)]
        assert start["type"] == "websocket.http.response.start", "it was let in"
        return start["status"], body["body"].decode()


@asynccontextmanager
async def opened(app: Any, path: str, headers: dict[str, str], *subprotocols: str) -> AsyncIterator[Socket]:
    address, _, query = path.partition("?")
    scope = {
        "type": "websocket",
        "path": address,
        "query_string": query.encode(),
        "headers": [(name.encode(), text.encode()) for name, text in headers.items()],
        "client": ("127.0.0.1", 1),
        "subprotocols": list(subprotocols),
        "extensions": {"websocket.http.response": {}},
    }
    socket = Socket()
    running = asyncio.ensure_future(app(scope, socket.out.get, socket.back.put))
    await socket.out.put({"type": "websocket.connect"})
    try:
        yield socket
    finally:
        await socket.out.put({"type": "websocket.disconnect", "code": 1000})
        await running


class Town:
    """Two regions and who drove between them:

    `resident` stays in HERE, `stranger` in THERE; `leaver` went from HERE to THERE, `comer` the other way.
    """

    def __init__(self, node: Any, access: Words, client: Any) -> None:
        self.node = node
        self.access = access
        self.client = client
        self.clock = 0

    async def ask(self, word: str, method: str, path: str, **more: Any) -> Any:
        headers = bearer(word) | more.pop("headers", {})
        return await self.client.open(path, method=method, headers=headers, **more)

    def socket(self, word: str, path: str, subprotocol: str = "tracker.v1.json") -> AbstractAsyncContextManager[Socket]:
        return opened(self.client.app, path, bearer(word), subprotocol)

    async def do(self, method: str, path: str, **more: Any) -> Any:
        """As somebody who may do everything; it must go well."""
        answer = await self.ask("all", method, path, **more)
        assert answer.status_code in (200, 201, 204), await answer.get_data()
        return answer

    async def drive(self, vehicle: str, *places: tuple[float, float], ago_s: float = 0, **said: Any) -> None:
        """A fix every minute, the last one so long ago; no two are of one millisecond."""
        self.clock = max(self.clock + 1, time.time_ns() // 1_000_000)
        last = self.clock - round(ago_s * 1000)
        items = [
            {"vehicle": vehicle, "time": last - 60_000 * back, "lat": lat, "lon": lon, "accuracy_m": 5, **said}
            for back, (lat, lon) in zip(range(len(places) - 1, -1, -1), places, strict=True)
        ]
        for item in items:
            await self.do("POST", "/api/v1/positions", json=[item])

    async def build(self) -> None:
        for id, lat, lon, name, group in (
            (HERE, LAT, LON, "Home yard", "home"),
            (THERE, FAR_LAT, FAR_LON, "Secret quarry", "faraway"),
        ):
            await self.do("PUT", f"/api/v1/regions/{id}", json=feature(id, lat, lon, name, group))
            await self.do("PUT", f"/api/v1/regions/{id}", json=feature(id, lat, lon, name, group))
        for vehicle, name in (
            ("resident", "Anna's van"),
            ("stranger", "Boris's lorry"),
            ("leaver", "Clara's car"),
            ("comer", "Dora's bus"),
            ("nowhere-yet", "Emil's bike"),
        ):
            await self.do("PUT", f"/api/v1/vehicles/{vehicle}", json={"name": name, "plate": f"PL-{vehicle}"})
        here = [(LAT, LON + i / 10_000) for i in range(4)]
        there = [(FAR_LAT + i / 100_000, FAR_LON + i / 10_000) for i in range(4)]
        await self.drive("resident", *here, ago_s=120)
        await self.drive("stranger", *there, ago_s=120, driver="Boris")
        await self.drive("leaver", *here, ago_s=2000)
        await self.drive("leaver", ROAD, ago_s=1000)  # where it was seen to leave is told to HERE as well
        await self.drive("leaver", (FAR_LAT, FAR_LON), ago_s=1500)  # late: it is of no visit, though made during one
        await self.drive("leaver", *there, ago_s=120)
        await self.drive("comer", *there, ago_s=2000)
        await self.drive("comer", *here, ago_s=120)
        await self.drive("stranger", (FAR_LAT, FAR_LON), ago_s=60, alarm="sos", driver="Boris")
        await self.drive("resident", (LAT, LON), ago_s=60, alarm="sos")
        await self.drive("leaver", (FAR_LAT, FAR_LON), ago_s=60, alarm="sos")

    async def events(self) -> list[Event]:
        found: list[Event] = await self.node.store.events(EventQuery(limit=10_000))
        return found

    async def hidden(self) -> list[Event]:
        """The events that HERE has nothing to do with."""
        return [event for event in await self.events() if not is_of_here(event)]

    async def secrets(self) -> list[str]:
        """What nobody may read who is granted HERE alone, as patterns."""
        # ids are drawn out of 128 bits; a place of THERE is 61.7… by 27.3…, in whole millionths 617… by 273…
        ids = [event.id for event in await self.hidden()]
        words = [THERE, "Secret quarry", "faraway", "stranger", "Boris", "nowhere-yet", "Emil"]
        return [
            *map(re.escape, [*words, *ids]),
            r"\b61\.70?",
            r"\b27\.3\d*(?![\dZ])",
            r"\b6170\d{4}\b",
            r"\b2730\d{4}\b",
        ]

    async def search(self, told: bytes | str, also: tuple[str, ...] = ()) -> None:
        text = told if isinstance(told, str) else told.decode("utf-8", "replace")
        for pattern in (*await self.secrets(), *also):
            found = re.search(pattern, text)
            assert not found, f"{found[0]!r} in …{text[max(0, found.start() - 200) : found.end() + 200]}…"


def is_of_here(event: Event) -> bool:
    """HERE's own, and what befell a vehicle that was in it."""
    if event.region is not None:
        return event.region == HERE
    return event.vehicle in ("resident", "comer") and event.lat < 61


@asynccontextmanager
async def town(folder: Path, **grants: Grant) -> AsyncIterator[Town]:
    access = Words(all=EVERYTHING, **grants)
    app = create_app(Settings(data=str(folder), tiles=""), access=access)
    async with app.test_app() as running:
        made = Town(app.extensions["node"], access, running.test_client())
        await made.build()
        yield made
