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
import logging
from collections.abc import Coroutine, Mapping
from functools import partial
from typing import Any

from tracker.access.grants import SEND, Grant
from tracker.errors import BadRequest, NotFound, NotSignedIn, Overloaded, Stopping, StoreError, TrackerError
from tracker.live.close_codes import SIGNED_OUT
from tracker.model.ping import Ping, Unfit
from tracker.node import Node
from tracker.pipeline.company import Company
from tracker.pipeline.entries.batch import Answer
from tracker.protocols import MAX_ERRORS, Payload, Reading, Reply, Spoken, spoken
from tracker.turns.pace import A_POSITION
from tracker.web.ingest.bodies import is_light
from tracker.web.ingest.capture import Capture, tally
from tracker.web.ingest.counts import Counts
from tracker.web.ingest.senders import Sender
from tracker.web.server import sockets
from tracker.web.server.answers import Scope, address_of, encode
from tracker.web.server.wires import Listener

log = logging.getLogger(__name__)

GATHER = 5000  #: pings that wait before the sender has to
UNREAD = 64 * 1024  #: bytes of answers that it leaves unread before no more of it is stored
UNUSUAL = ("late", "held", "duplicates", "conflicts", "discarded", "ignored", "quarantined")  #: told when not 0
TRY_AGAIN = 1013  #: the standard close code for it: connect again and send what was not counted
FAULT = 1011  #: and for a fault of ours


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

    def answers(self, counts: Counts) -> list[tuple[bytes, bool]]:
        """What its sender is told, once all of it is stored; and whether that is text."""
        if self.replies:
            return [(reply.body, reply.type.startswith("text/")) for reply in self.replies]
        return [(encode(self.answer(counts)), True)]

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
    """One sender. Each message is read as it comes; a task commits and answers.

    What has to wait makes the next ones wait: a long message, a pace that is too fast, a store that is too slow.
    """

    def __init__(self, node: Node, one: Spoken, transport: sockets.Transport, scope: Scope, grant: Grant) -> None:
        self._node = node
        self._transport = transport
        self._read = one.read
        self._decoder = one.decoder(node.settings.max_line) if one.decoder else None
        self._path: str = scope["path"]
        self._sender = Sender(node, grant, address_of(scope))
        self._name = one.name
        self._capture = Capture(node, scope, None, dict(scope["headers"]))
        self._capture.protocol = one.name
        self._batches: list[Batch] = []
        self._upto = 0
        self._waiting = 0  # pings
        self._company = Company()  # messages
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._hold: asyncio.Task[None] | None = None  # what the next message waits for
        self._over = False  # nothing more comes
        self._is_all = False  # and all that came was read
        self._shown_out = False

    # ---------------------------------------------------------------------------------------------- what is heard

    def hear_message(self, message: str | bytes) -> None:
        data = message.encode() if isinstance(message, str) else message
        self._upto += 1
        try:
            if is_light(data):
                self._take(self._read_message(data, self._node.clock()), data)
            else:
                self._wait_for(self._take_long(data))
        except Exception as fault:
            self._end(fault)

    def hear_end(self) -> None:
        self._over = True
        if self._hold is None:
            self._have_all()

    def _have_all(self) -> None:
        self._is_all = True
        self._news.set()
        if self._decoder and not self._shown_out:
            try:
                self._add(list(self._decoder.finish(self._node.clock())), b"")
            except Exception as fault:
                self._end(fault)

    def _take(self, readings: list[Reading], message: bytes) -> None:
        positions = self._add(readings, message)
        if (wait_s := self._sender.spend(positions, A_POSITION)) or self._waiting > GATHER:
            self._wait_for(self._wait_turn(positions, wait_s))

    async def _take_long(self, message: bytes) -> None:
        readings = await asyncio.to_thread(self._read_message, message, self._node.clock())
        positions = self._add(readings, message)
        await self._wait_turn(positions, self._sender.spend(positions, A_POSITION))

    async def _wait_turn(self, positions: Mapping[str, int], wait_s: float) -> None:
        """Whoever sends too fast is read no further; what it sent is not lost by it."""
        while wait_s and not self._over:
            await asyncio.sleep(min(wait_s, 0.25))
            wait_s = self._sender.spend(positions, A_POSITION)
        while self._waiting > GATHER and not self._over:
            self._room.clear()
            await self._room.wait()

    def _wait_for(self, work: Coroutine[Any, Any, None]) -> None:
        """With the next message, and with the end."""

        async def hold() -> None:
            try:
                await work
            except Exception as fault:
                self._end(fault)
            self._hold = None
            if self._over:
                self._have_all()
            self._transport.resume()

        self._transport.pause()
        self._hold = asyncio.create_task(hold())

    def _end(self, fault: Exception) -> None:
        """Hear no more of it, and say why."""
        if isinstance(fault, NotSignedIn | NotFound):
            self._show_out(fault)
        elif isinstance(fault, StoreError | Stopping):
            self._transport.close(TRY_AGAIN, fault.code)
        else:
            log.error("what came by a WebSocket could not be taken", exc_info=fault)
            self._transport.close(FAULT)

    def _show_out(self, fault: TrackerError) -> None:
        if not self._shown_out:
            self._shown_out = True
            self._transport.close(SIGNED_OUT, fault.code)

    def _read_message(self, message: bytes, now: int) -> list[Reading]:
        try:
            if self._decoder:
                return list(self._decoder.feed(message, now))
            return [self._read(Payload(message, path=self._path), now)] if self._read else []
        except BadRequest as fault:
            refused = Reading(items=1)
            refused.reject(0, Unfit(fault.code, None, fault.detail))
            return [refused]

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

    # ------------------------------------------------------------------------------------------ what becomes of it

    async def run(self) -> None:
        """Until all that came is stored and answered."""
        try:
            with self._node.guests.stay(self._sender.ask_again, self._show_out):
                while self._batches or not self._is_all:
                    if self._batches:
                        await self._commit()
                    else:
                        self._news.clear()
                        await self._news.wait()
        except Exception as fault:
            self._end(fault)
        finally:
            self._over = True
            self._room.set()

    async def _commit(self) -> None:
        """The first of what waits."""
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
            self._transport.send(*answer)
        while self._transport.pending > UNREAD:  # noqa: ASYNC110 - nobody tells; what it sends meanwhile gathers
            await asyncio.sleep(0.05)

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


class Conversations:
    """Those in one protocol."""

    def __init__(self, node: Node, one: Spoken) -> None:
        self._node = node
        self._one = one
        self._running: set[asyncio.Task[None]] = set()  # or one that waits for news could be forgotten

    def admit_from(self, address: str) -> None:
        """There is no limit but that of all connections."""

    def choose_subprotocol(self, _offered: list[str]) -> str | None:
        return None

    def listen_to(self, transport: sockets.Transport, scope: Scope, grant: Grant, _subprotocol: str | None) -> Listener:
        conversation = Conversation(self._node, self._one, transport, scope, grant)
        task = asyncio.create_task(conversation.run())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return conversation


def install(app: Any, node: Node) -> None:
    """The addresses of protocols that are WebSockets too."""
    routes: dict[str, sockets.Route] = {}
    for one in spoken():
        if one.socket:
            talk = Conversations(node, one)
            route = sockets.Route(talk, max_message=node.settings.max_message, pipelined=True, verb=SEND)
            routes |= dict.fromkeys(one.addresses, route)
    sockets.install(app, routes, partial(node.access.check, "CONNECT"))
