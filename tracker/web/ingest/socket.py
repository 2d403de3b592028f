"""Positions come in by WebSocket: a payload a message as in a POST, pipelined; one answer tells how far we are.

    → {"vehicle": …}   → [{…}, {…}]   → …
    ← {"upto": 2, "errors": []}

`upto` counts messages: everything up to that one is committed (or refused in `errors`, whose `n` is the number of
the message). What of it was late, held, a duplicate … is counted where there is any. Answers conflate: whatever was
committed together is answered together. While a commit is under way the
next messages gather; when enough have, the sender waits. A protocol with replies of its own sends these instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from tracker.access.grants import SEND
from tracker.errors import BadRequest, NotFound, NotSignedIn, Overloaded, Stopping, StoreError, TrackerError
from tracker.live.close_codes import SIGNED_OUT
from tracker.model.ping import Ping, Unfit
from tracker.node import Node
from tracker.pipeline.batch import Answer
from tracker.pipeline.company import Company
from tracker.protocols import MAX_ERRORS, Payload, Reading, Reply, Spoken, spoken
from tracker.turns.pace import A_POSITION
from tracker.web.ingest.bodies import is_light
from tracker.web.ingest.capture import Capture, tally
from tracker.web.ingest.counts import Counts
from tracker.web.ingest.senders import Sender
from tracker.web.server import sockets
from tracker.web.server.answers import encode

GATHER = 5000  #: pings that wait before the sender has to
UNUSUAL = ("late", "held", "duplicates", "conflicts", "discarded", "ignored", "quarantined")  #: told when not 0
TRY_AGAIN = 1013  #: the standard close code for it: connect again and send what was not counted


class Batch:
    """Messages that are committed together: what one after the other would have done, they do together."""

    def __init__(self, upto: int) -> None:
        self.upto = upto
        self.pings: list[Ping] = []
        self.errors: list[dict[str, Any]] = []
        self.read = Reading()  # the counts of it
        self.replies: list[Reply] = []
        self._newest: dict[str, int] = {}

    def fits(self, pings: list[Ping]) -> bool:
        """False when one is older than what a message before said of its vehicle: then the order decides."""
        newest = self._newest
        return all(ping.time >= newest.get(ping.vehicle, 0) for ping in pings)

    def add_reading(self, reading: Reading, number: int) -> None:
        """What a message said, the one of this number."""
        self.upto = number
        self.pings += reading.pings
        newest = self._newest
        for ping in reading.pings:
            if ping.time > newest.get(ping.vehicle, 0):
                newest[ping.vehicle] = ping.time
        self.read.add_part(reading)
        for error in reading.errors[: MAX_ERRORS - len(self.errors)]:
            self.errors.append({"n": number} | error)
        if isinstance(reading.reply, Reply):  # one that depends on what becomes of it is for requests
            self.replies.append(reading.reply)

    def answers(self, counts: Counts) -> list[str | bytes]:
        """What its sender is told, once all of it is stored."""
        if self.replies:
            return [reply.body.decode() if reply.type.startswith("text/") else reply.body for reply in self.replies]
        return [encode(self.answer(counts)).decode()]

    def answer(self, counts: Counts) -> dict[str, Any]:
        answer: dict[str, Any] = {"upto": self.upto, "errors": self.errors}
        counts.discarded, counts.ignored = self.read.discarded, self.read.ignored
        for name in UNUSUAL:
            if count := getattr(counts, name):
                answer[name] = count
        if self.read.rejected > len(self.errors):
            answer["more"] = self.read.rejected - len(self.errors)
        return answer


class Conversation:
    """One sender: a task that reads and a task that commits and answers."""

    def __init__(self, node: Node, socket: sockets.Socket, one: Spoken) -> None:
        self._node = node
        self._socket = socket
        self._read = one.read
        self._decoder = one.decoder(node.settings.max_line) if one.decoder else None
        self._sender = Sender(node, socket.grant, socket.address)
        self._name = one.name
        self._capture = Capture(node, socket.scope, None, dict(socket.scope["headers"]))
        self._capture.protocol = one.name
        self._batches: list[Batch] = []
        self._upto = 0
        self._waiting = 0  # pings
        self._company = Company()  # messages
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._over = False
        self._shown_out = False

    async def run(self) -> None:
        await self._socket.accept()
        committing = asyncio.create_task(self._commit())
        try:
            with self._node.guests.stay(self._sender.ask_again, self._show_out):
                await self._read_all(committing)
            if self._decoder and not self._shown_out:
                self._add(list(self._decoder.finish(self._node.clock())), b"")
            self._over = True
            self._news.set()
            await committing
        except (NotSignedIn, NotFound) as fault:
            self._show_out(fault)
        finally:
            committing.cancel()

    async def _read_all(self, committing: asyncio.Task[None]) -> None:
        while not committing.done() and (message := await self._socket.receive()) is not None:
            await self._take(message.encode() if isinstance(message, str) else message)
            if self._waiting > GATHER:
                self._room.clear()
                await self._room.wait()

    def _show_out(self, fault: TrackerError) -> None:
        if not self._shown_out:
            self._shown_out = True
            self._socket.transport.close(SIGNED_OUT, fault.code)

    async def _take(self, message: bytes) -> None:
        self._upto += 1
        try:
            if is_light(message):
                readings = self._read_message(message, self._node.clock())
            else:
                readings = await asyncio.to_thread(self._read_message, message, self._node.clock())
        except BadRequest as fault:
            readings = [Reading(items=1)]
            readings[0].reject(0, Unfit(fault.code, None, fault.detail))
        await self._keep_pace(self._add(readings, message))

    async def _keep_pace(self, positions: Mapping[str, int]) -> None:
        """Whoever sends too fast is read no further; what it sent is not lost by it."""
        wait_s = self._sender.spend(positions, A_POSITION)
        while wait_s and not self._shown_out:
            await asyncio.sleep(min(wait_s, 0.25))
            wait_s = self._sender.spend(positions, A_POSITION)

    def _read_message(self, message: bytes, now: int) -> list[Reading]:
        if self._decoder:
            return list(self._decoder.feed(message, now))
        return [self._read(Payload(message, path=self._socket.path), now)] if self._read else []

    def _add(self, readings: list[Reading], message: bytes) -> Mapping[str, int]:
        """How many positions of each vehicle there were."""
        positions: Mapping[str, int] = {}
        capture = self._capture
        capture.take_body(message)
        for reading in readings:
            positions = capture.take_reading(reading)
            self._sender.admit(reading)
            capture.keep(self._sender, 0, self._sender.wrong if reading.errors else ("", ""))
            if not self._batches or not self._batches[-1].fits(reading.pings):
                self._batches.append(Batch(self._upto))
            self._batches[-1].add_reading(reading, self._upto)
            self._waiting += len(reading.pings)
        self._news.set()
        return positions

    async def _commit(self) -> None:
        try:
            while not (self._over and not self._batches):
                if not self._batches:
                    self._news.clear()
                    await self._news.wait()
                    continue
                await self._gather()
                batch = self._batches.pop(0)
                self._company.begin(batch.read.items, asyncio.get_running_loop().time())
                counts = Counts()
                counts.add_answer(await self._submit(batch.pings))
                self._company.end(sum(waiting.read.items for waiting in self._batches))
                tally(self._node, self._name, batch.read, counts)
                self._waiting -= len(batch.pings)
                if self._waiting <= GATHER:
                    self._room.set()
                for answer in batch.answers(counts):
                    if self._shown_out:
                        return
                    await self._socket.send(answer)
        except (StoreError, Stopping) as fault:
            await self._socket.close(TRY_AGAIN, fault.code)
        finally:
            self._room.set()

    async def _gather(self) -> None:
        """The first of what waits has company, or waited long enough. It has all it will have once there is a next."""
        loop = asyncio.get_running_loop()
        while len(self._batches) == 1 and not self._over and self._waiting <= GATHER:
            if not (wait_s := self._company.wait_s(self._batches[0].read.items, loop.time())):
                return
            self._news.clear()
            alarm = loop.call_later(wait_s, self._news.set)
            await self._news.wait()
            alarm.cancel()

    async def _submit(self, pings: list[Ping]) -> Answer:
        """A full inbox makes this sender wait; a store that fails ends the connection."""
        while pings:
            try:
                return await self._sender.submit(pings)
            except Overloaded:
                if not self._node.ready:
                    raise Stopping from None
                await asyncio.sleep(0.05)
        return Answer()


def install(app: Any, node: Node) -> None:
    """The addresses of protocols that are WebSockets too."""

    def route(one: Spoken) -> sockets.Route:
        async def run(socket: sockets.Socket) -> None:
            await Conversation(node, socket, one).run()

        return sockets.Route(run, max_message=node.settings.max_message, pipelined=True, verb=SEND)

    routes = {address: route(one) for one in spoken() if one.socket for address in one.addresses}
    sockets.install(app, routes, partial(node.access.check, "CONNECT"))
