"""Client: follow a fleet from Python. It reconnects by itself, resumes where it was and misses no event.

    async with Live("http://127.0.0.1:8000", all=True) as live:
        async for update in live:
            for vehicle in update.moved:
                print(vehicle.id, vehicle.lat, vehicle.lon)
            for event in update.events:
                print(event["kind"], event.get("vehicle"), event.get("region"))

`live.vehicles` and `live.regions` are the newest known; keep `live.cursor` to go on after a restart of your own
(`Live(…, resume=cursor)`): then everything is told anew, and every event since comes, in order, once. docs/client.md
has the rest.
"""

from __future__ import annotations

import asyncio
import logging
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
from wsproto.utilities import ProtocolError

from tracker.access.handshake import Refused, Trouble, Unreachable, failure, rejection
from tracker.live import close_codes, messages
from tracker.model.states import STATES

__all__ = ["Live", "Refused", "Unreachable", "Update", "Vehicle"]

log = logging.getLogger(__name__)

FIRST_S, LONGEST_S = 0.25, 30.0  #: the delays between which full jitter is drawn
DEAD = 2.5  #: heartbeats without a frame after which a connection is dead though open
GOT_S = 0.1  #: between two `got`
OPEN_S = 10.0  #: for a connection and for the answer to its handshake
REASON_BYTES = 65536  #: read of a refusal

_COLUMNS = {name: at for at, name in enumerate(messages.FIELDS)}


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
    """One followed set. Iterate it; it ends when `close` is called, or raises Refused or Unreachable.

    Once it was connected it comes back by itself for ever, and says in the log (`tracker.client`) why it had to.
    """

    def __init__(
        self, url: str, *, binary: bool = False, resume: str | None = None, headers: dict[str, str] | None = None,
        token: str | None = None, tls: ssl.SSLContext | None = None, patience_s: float = 5.0, **follow: Any,
    ) -> None:  # fmt: skip
        """`follow`: `all`, `regions`, `vehicles`, `view`, `events`, `hz`, `window`, … as in docs/wire.md. `token`: of a
        person, where one has to sign in. A first connection is tried for `patience_s`. Raises ValueError when `url` is
        no address."""
        try:
            self.url = urlsplit(url)
            if self.url.scheme not in ("http", "https", "ws", "wss") or not self.url.hostname or self.url.port == 0:
                raise ValueError
        except ValueError:  # of a port that is none, too
            raise ValueError(f"{url!r} is no address of a server; write it as http://host:8000") from None
        self._secure = self.url.scheme in ("https", "wss")
        self._host, self._port = self.url.hostname, self.url.port or (443 if self._secure else 80)
        self._tls, self._patience_s = tls, patience_s
        self.cursor = resume
        self.vehicles: dict[str, Vehicle] = {}
        self.regions: dict[str, dict[str, Any]] = {}
        self.connects = 0  # how often a connection was opened
        self._binary = binary
        self._headers = ({"authorization": f"Bearer {token}"} if token else {}) | (headers or {})
        self._follow = {"op": "follow", **follow}
        self._numbers: dict[int, Vehicle] = {}
        self._columns = _COLUMNS
        self._whole = False  # a snapshot was read to its end: else of what it followed it has only the cursor
        self._t0 = 0
        self._heartbeat_s = 20.0
        self._after_s: float | None = None
        self._closed = False
        self._protocol: WSConnection | None = None  # of a connection that is open
        self._writer: asyncio.StreamWriter | None = None
        self._newest, self._said_at = 0, 0.0  # frame of this connection; when `got` was said last
        self._soon: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        self._closed = True
        self.drop()

    def follow(self, **follow: Any) -> None:
        """Follow another set from now on; may be called while iterating. Its snapshot comes with `reset`, and no event
        of what both sets hold is missed."""
        self._follow = {"op": "follow", **follow}
        self._say(self._follow)

    def _say(self, message: dict[str, Any]) -> None:
        if self._protocol is not None and self._writer is not None:
            self._writer.write(self._protocol.send(TextMessage(msgspec.json.encode(message).decode())))

    def _saw(self, frame: int) -> None:
        """Said soon, of the newest frame: a server bears only so many messages a second, and tells events at once."""
        self._newest = frame
        if self._soon is None:
            loop = asyncio.get_running_loop()
            self._soon = loop.call_at(max(loop.time(), self._said_at + GOT_S), self._say_got)

    def _say_got(self) -> None:
        self._soon, self._said_at = None, asyncio.get_running_loop().time()
        self._say({"op": "got", "frame": self._newest})

    def drop(self) -> None:
        """Cut the connection; iteration goes on with a new one."""
        if self._writer is not None:
            self._writer.close()

    def __aiter__(self) -> AsyncIterator[Update]:
        return self._updates()

    async def _updates(self) -> AsyncGenerator[Update]:
        tries = 0
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not self._closed:
            try:
                async for message in self._connection():
                    tries = 0
                    if (update := self._take(message)) is not None:
                        yield update
                why: BaseException = Trouble(f"{self._host}:{self._port} ended the connection")
            except Trouble as trouble:
                why, self._after_s = trouble, trouble.after_s
            except OSError as fault:  # TimeoutError too
                why = failure(self._host, self._port, fault)
            if self._closed:
                return
            waited = loop.time() - began
            if isinstance(why, Unreachable) or (self.connects == 0 and waited >= self._patience_s):
                raise Unreachable(str(why))
            delay, self._after_s = self._after_s, None
            if delay is None:
                delay = random.uniform(0, min(LONGEST_S, FIRST_S * 2 ** min(tries, 10)))
            if self.connects == 0:
                delay = min(delay, max(self._patience_s - waited, FIRST_S))
            log.warning("%s; trying again in %.1f s", why, delay)
            await asyncio.sleep(delay)
            tries += 1

    # ------------------------------------------------------------------------------------------ one connection

    async def _connection(self) -> AsyncGenerator[dict[str, Any]]:
        tls = (self._tls or ssl.create_default_context()) if self._secure else None
        async with asyncio.timeout(OPEN_S):
            reader, writer = await asyncio.open_connection(self._host, self._port, ssl=tls)
        self._writer = writer
        try:
            protocol = WSConnection(ConnectionType.CLIENT)
            name = messages.BINARY if self._binary else messages.JSON
            extra = [(key.encode(), value.encode()) for key, value in self._headers.items()]
            target = self.url.path.rstrip("/") + "/api/v1/live"
            request = Request(host=self.url.netloc, target=target, subprotocols=[name], extra_headers=extra)
            writer.write(protocol.send(request))
            async for message in self._messages(protocol, reader, writer):
                yield message
        except ProtocolError as fault:
            raise Trouble(f"what answers at {self._host}:{self._port} does not speak WebSocket ({fault})") from None
        finally:
            self._protocol = self._writer = None
            if self._soon is not None:
                self._soon.cancel()
                self._soon = None
            writer.close()

    async def _messages(
        self, protocol: WSConnection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> AsyncGenerator[dict[str, Any]]:
        parts: list[Any] = []
        refused: RejectConnection | None = None
        reason = b""
        over = False
        while not over:
            most_s = OPEN_S if self._protocol is None else DEAD * self._heartbeat_s
            async with asyncio.timeout(most_s):
                data = await reader.read(65536)
            over = not data
            if not over:
                protocol.receive_data(data)
            for event in protocol.events() if not over else ():
                if isinstance(event, AcceptConnection):
                    self.connects += 1
                    self._protocol = protocol
                    self._say(self._follow | self._resuming())
                elif isinstance(event, TextMessage | BytesMessage):
                    parts.append(event.data)
                    if event.message_finished:
                        message = _decode(parts)
                        parts = []
                        if message["op"] == "ping":
                            writer.write(protocol.send(TextMessage(f'{{"op":"pong","t":{message["t"]}}}')))
                        if "frame" in message and "window" in self._follow:
                            self._saw(message["frame"])
                        yield message
                elif isinstance(event, Ping):
                    writer.write(protocol.send(event.response()))
                elif isinstance(event, CloseConnection):
                    known = close_codes.CLOSE_CODES.get(event.code)
                    said = event.reason or (f"{known.name}: {known.meaning}" if known else "")
                    if not close_codes.may_return(event.code):
                        raise Refused(event.code, said)
                    writer.write(protocol.send(event.response()))
                    raise Trouble(f"the server closed with {event.code} {said}".rstrip(), self._after_s)
                elif isinstance(event, RejectConnection):
                    refused, over = event, not event.has_body
                elif isinstance(event, RejectData):
                    reason += event.data
                    over = event.body_finished or len(reason) > REASON_BYTES
            if not over:
                await writer.drain()
        if refused is not None:
            raise rejection(self.url.geturl(), refused.status_code, refused.headers, reason)
        if self._protocol is None:
            raise Trouble(f"{self._host}:{self._port} hung up before it answered; does a tracker listen there?")

    def _resuming(self) -> dict[str, Any]:
        if not self.cursor:
            return {}
        return {"resume": self.cursor} if self._whole else {"resume": self.cursor, "fresh": True}

    # --------------------------------------------------------------------------------------------- what is known

    def _take(self, message: dict[str, Any]) -> Update | None:
        match message["op"]:
            case "welcome":
                self._t0, self._heartbeat_s = message["t0"], message["heartbeat_s"]
            case "bye":
                self._after_s = message["after_ms"] / 1000
            case "error":
                log.warning("the server says %s: %s", message["code"], message["message"])
                return Update(message=message)
            case "counts":  # instead of vehicles: too many of them
                self._forget()
                return Update(reset=True, message=message)
            case "snapshot":
                return self._take_snapshot(message)
            case "update":
                return self._take_update(message)
        return None

    def _take_snapshot(self, message: dict[str, Any]) -> Update:
        self.cursor = message["cursor"]
        self._named(message)
        reset = message["reset"] and message["part"] == 1
        if reset:
            self._forget()
            self.regions.clear()
        if message["reset"]:
            self._whole = message["part"] == message["parts"]
        update = Update(reset=reset, message=message)
        update.moved = [self._introduce(row) for row in message["vehicles"]]
        self._regions(message)
        return update

    def _take_update(self, message: dict[str, Any]) -> Update:
        self.cursor = message["cursor"]
        self._named(message)
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

    def _forget(self) -> None:
        self._whole = False
        self.vehicles.clear()
        self._numbers.clear()

    def _named(self, message: dict[str, Any]) -> None:
        """Columns may be added, and come in any order: rows are read by the names the server gives them."""
        if "fields" in message:
            self._columns = {name: at for at, name in enumerate(message["fields"])}

    def _introduce(self, row: list[Any]) -> Vehicle:
        columns = self._columns
        n, id = row[columns["n"]], row[columns["vehicle"]]
        vehicle = self._numbers.get(n)
        if vehicle is None or vehicle.id != id:
            vehicle = self._numbers[n] = self.vehicles[id] = Vehicle(id, n)
        vehicle.name = row[columns["name"]]
        self._place(vehicle, [row[columns[name]] for name in messages.FIELDS[3:9]])
        return vehicle

    def _place(self, vehicle: Vehicle, values: list[int]) -> None:
        when, lat, lon, speed, heading, state = values
        vehicle.time = self._t0 + when
        vehicle.lat, vehicle.lon = lat / 1e6, lon / 1e6
        vehicle.speed_mps = None if speed < 0 else speed / 10
        vehicle.heading = None if heading < 0 else heading
        vehicle.state = STATES[state]


def _decode(parts: list[Any]) -> dict[str, Any]:
    if isinstance(parts[0], str):
        message: dict[str, Any] = msgspec.json.decode("".join(parts))
        return message
    return messages.read_binary(b"".join(parts))
