"""Client: follow a fleet from Python. It reconnects by itself, resumes where it was and misses no event.

    async with Live("http://127.0.0.1:8000", all=True) as live:
        async for update in live:
            for vehicle in update.moved:
                print(vehicle.id, vehicle.lat, vehicle.lon)
            for event in update.events:
                print(event["kind"], event["vehicle"], event.get("region"))

`live.vehicles` and `live.regions` are the newest known; keep `live.cursor` to go on after a restart of your own
(`Live(…, resume=cursor)`): then every event since comes, in order, once.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)

from tracker import wire

FIRST_S, LONGEST_S = 0.25, 30.0  #: the delays between which full jitter is drawn
DEAD = 2.5  #: heartbeats without a frame after which a connection is dead though open


class Refused(Exception):
    """The server said not to come back: a close code from 4500 on, or an HTTP answer."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


@dataclass
class Vehicle:
    """The newest known of one vehicle. Times are UTC ms; None is unknown."""

    id: str
    n: int
    lat: float = 0.0
    lon: float = 0.0
    time: int = 0
    speed_mps: float | None = None
    heading: int | None = None
    state: str = "unknown"
    name: str | None = None
    regions: set[str] = field(default_factory=set)


@dataclass
class Update:
    """What one message changed. `reset`: everything known before is forgotten, this is all there is."""

    reset: bool = False
    moved: list[Vehicle] = field(default_factory=list)
    left: list[tuple[Vehicle, str]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    message: dict[str, Any] = field(default_factory=dict)  # as the server said it


class Live:
    """One followed set. Iterate it; it ends when `close` is called, or raises Refused."""

    def __init__(
        self, url: str, *, binary: bool = False, resume: str | None = None, headers: dict[str, str] | None = None,
        **follow: Any,
    ) -> None:  # fmt: skip
        """`follow`: `all`, `regions`, `vehicles`, `view`, `events`, `hz`, `window`, … as in docs/wire.md."""
        self.url = urlsplit(url)
        self.cursor = resume
        self.vehicles: dict[str, Vehicle] = {}
        self.regions: dict[str, dict[str, Any]] = {}
        self.connects = 0  # how often a connection was opened
        self._binary = binary
        self._headers = headers or {}
        self._follow = {"op": "follow", **follow}
        self._numbers: dict[int, Vehicle] = {}
        self._epoch: str | None = None
        self._t0 = 0
        self._heartbeat_s = 20.0
        self._after_s: float | None = None
        self._closed = False
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        self._closed = True
        self.drop()

    def drop(self) -> None:
        """Cut the connection; iteration goes on with a new one."""
        if self._writer is not None:
            self._writer.close()

    def __aiter__(self) -> AsyncIterator[Update]:
        return self._updates()

    async def _updates(self) -> AsyncGenerator[Update]:
        tries = 0
        while not self._closed:
            try:
                async for message in self._connection():
                    tries = 0
                    if (update := self._take(message)) is not None:
                        yield update
            except (OSError, TimeoutError, EOFError):
                pass
            if self._closed:
                return
            longest = min(LONGEST_S, FIRST_S * 2**tries)
            delay, self._after_s = self._after_s, None
            await asyncio.sleep(random.uniform(0, longest) if delay is None else delay)
            tries += 1

    # ------------------------------------------------------------------------------------------ one connection

    async def _connection(self) -> AsyncGenerator[dict[str, Any]]:
        secure = self.url.scheme in ("https", "wss")
        host, port = self.url.hostname or "127.0.0.1", self.url.port or (443 if secure else 80)
        tls = ssl.create_default_context() if secure else None
        reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port, ssl=tls), 10)
        self._writer = writer
        try:
            protocol = WSConnection(ConnectionType.CLIENT)
            name = wire.BINARY if self._binary else wire.JSON
            extra = [(key.encode(), value.encode()) for key, value in self._headers.items()]
            target = self.url.path.rstrip("/") + "/api/v1/live"
            request = Request(host=self.url.netloc, target=target, subprotocols=[name], extra_headers=extra)
            writer.write(protocol.send(request))
            async for message in self._messages(protocol, reader, writer):
                yield message
        finally:
            self._writer = None
            writer.close()

    async def _messages(
        self, protocol: WSConnection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> AsyncGenerator[dict[str, Any]]:
        parts: list[Any] = []
        while data := await asyncio.wait_for(reader.read(65536), DEAD * self._heartbeat_s):
            protocol.receive_data(data)
            for event in protocol.events():
                if isinstance(event, AcceptConnection):
                    self.connects += 1
                    follow = self._follow | ({"resume": self.cursor} if self.cursor else {})
                    writer.write(protocol.send(TextMessage(msgspec.json.encode(follow).decode())))
                elif isinstance(event, TextMessage | BytesMessage):
                    parts.append(event.data)
                    if event.message_finished:
                        message = _decode(parts)
                        parts = []
                        if message["op"] == "ping":
                            writer.write(protocol.send(TextMessage(f'{{"op":"pong","t":{message["t"]}}}')))
                        if "frame" in message and "window" in self._follow:
                            writer.write(protocol.send(TextMessage(f'{{"op":"got","frame":{message["frame"]}}}')))
                        yield message
                elif isinstance(event, Ping):
                    writer.write(protocol.send(event.response()))
                elif isinstance(event, CloseConnection):
                    if not wire.may_return(event.code):
                        raise Refused(event.code, event.reason or "")
                    writer.write(protocol.send(event.response()))
                    return
                elif isinstance(event, RejectConnection | RejectData):
                    status = getattr(event, "status_code", 503)
                    if 400 <= status < 500 and status not in (408, 429):
                        raise Refused(status, "the server does not let us in")
                    return
            await writer.drain()

    # --------------------------------------------------------------------------------------------- what is known

    def _take(self, message: dict[str, Any]) -> Update | None:
        match message["op"]:
            case "welcome":
                if message["epoch"] != self._epoch:
                    self._numbers.clear()  # numbers count for one run of the server
                self._epoch, self._t0, self._heartbeat_s = message["epoch"], message["t0"], message["heartbeat_s"]
            case "bye":
                self._after_s = message["after_ms"] / 1000
            case "snapshot":
                return self._take_snapshot(message)
            case "update":
                return self._take_update(message)
        return None

    def _take_snapshot(self, message: dict[str, Any]) -> Update:
        self.cursor = message["cursor"]
        reset = message["reset"] and message["part"] == 1
        if reset:
            self.vehicles.clear()
            self._numbers.clear()
            self.regions.clear()
        update = Update(reset=reset, message=message)
        update.moved = [self._introduce(row) for row in message["vehicles"]]
        self._regions(message)
        return update

    def _take_update(self, message: dict[str, Any]) -> Update:
        self.cursor = message["cursor"]
        update = Update(message=message, events=message.get("events", []))
        update.moved = [self._introduce(row) for row in message.get("new", ())]
        for row in message.get("moved", ()):
            if (vehicle := self._numbers.get(row[0])) is not None:
                self._place(vehicle, row[1:])
                update.moved.append(vehicle)
        self._regions(message)
        for entry in message.get("vehicles", ()):
            if entry["vehicle"] in self.vehicles:
                self.vehicles[entry["vehicle"]].name = entry["name"]
        for n, reason in message.get("left", ()):
            if (vehicle := self._numbers.pop(n, None)) is not None:
                self.vehicles.pop(vehicle.id, None)
                update.left.append((vehicle, reason))
        return update

    def _regions(self, message: dict[str, Any]) -> None:
        for feature in message.get("regions", ()):
            self.regions[feature["id"]] = feature
        for name, change in (("in", set.add), ("out", set.discard)):
            for region, numbers in message.get(name, ()):
                for n in numbers:
                    if n in self._numbers:
                        change(self._numbers[n].regions, region)
        for region in message.get("regions_deleted", ()):
            self.regions.pop(region, None)

    def _introduce(self, row: list[Any]) -> Vehicle:
        n, id, name = row[:3]
        vehicle = self._numbers.get(n)
        if vehicle is None or vehicle.id != id:
            vehicle = self._numbers[n] = self.vehicles[id] = Vehicle(id, n)
        vehicle.name = name
        self._place(vehicle, row[3:9])
        return vehicle

    def _place(self, vehicle: Vehicle, values: list[int]) -> None:
        when, lat, lon, speed, heading, state = values
        vehicle.time = self._t0 + when
        vehicle.lat, vehicle.lon = lat / 1e6, lon / 1e6
        vehicle.speed_mps = None if speed < 0 else speed / 10
        vehicle.heading = None if heading < 0 else heading
        vehicle.state = wire.STATES[state]


def _decode(parts: list[Any]) -> dict[str, Any]:
    if isinstance(parts[0], str):
        message: dict[str, Any] = msgspec.json.decode("".join(parts))
        return message
    return wire.read_binary(b"".join(parts))
