"""The bus over NATS: nodes hear each other, and who was not heard is read from the store.

The server keeps nothing and may lose everything. So nothing waits for it, nothing is kept for it while it is away, and
each node numbers what it says. A connection that broke is made anew by us, not by the client, which gives up for good
after some errors."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from tracker.buses import Bus, Gap, Heard, frames
from tracker.buses.hearing import Hearing
from tracker.buses.listeners import Listeners
from tracker.buses.nats_line import FAULTS, Away, Line, connect, end_tasks, said
from tracker.buses.nats_url import Place, place_of
from tracker.model.change import Change

if TYPE_CHECKING:
    from nats.aio.msg import Msg

OPEN_S = 2.0  #: a node that starts waits so long for the first
BEAT_S = 1.0  #: how often a node says that it is there, and how much it has said
LATE_S = 3.0  #: a server that does not confirm a beat for so long hangs
AWAY_S = 2.0  #: how often, while the bus is away, the store is looked at for what others did
PAUSE_S, LONGEST_S = 0.05, 5.0  #: before the next try to connect; doubled from try to try
CLOSE_S = 2.0  #: for what was said last to be on its way
MOST_WAITING = 64 * 2**20  #: bytes that wait for a slow server; what is more is read from the store

log = logging.getLogger(__name__)


class Statistics(NamedTuple):
    connected: bool
    nodes: int  # others that are heard
    sent: int  # changes
    unsent: int  # changes that were published while the bus was away or slow
    heard: int  # changes of others
    gaps: int
    behind: int  # changes of others that a slow listener did not take
    waiting_bytes: int  # to be sent
    lag_s: float  # until the server had taken the last beat


class NatsBus:
    def __init__(self, place: Place) -> None:
        self._place = place
        self._servers = random.sample(place.servers, len(place.servers))
        self._subject = f"{place.name}.changes"
        self._me = secrets.token_bytes(8)
        self._seq = 0  # of the newest frame that was or should have been sent
        self._listeners = Listeners()
        self._hearing = Hearing(self._me, _now())
        self._line: Line | None = None
        self._good_at = _now()  # when a line was last known to be good
        self._fault = "it was not connected yet"
        self._outbox: deque[tuple[bytes, asyncio.Future[None] | None]] = deque()
        self._waiting_bytes = 0
        self._more = asyncio.Event()
        self._up = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._sent = self._unsent = self._behind = 0
        self._lag_s = 0.0
        self._closed = False
        self._told = False  # that it is away

    @property
    def away(self) -> str:
        return "" if self._line else self._fault

    def statistics(self) -> Statistics:
        hearing = self._hearing
        return Statistics(
            self._line is not None,
            hearing.nodes,
            self._sent,
            self._unsent,
            hearing.heard,
            hearing.gaps,
            self._behind,
            self._waiting_bytes,
            self._lag_s,
        )

    async def open(self) -> None:
        self._tasks = [
            asyncio.create_task(self._keep(), name="bus"),
            asyncio.create_task(self._look(), name="bus away"),
        ]
        with suppress(TimeoutError):
            async with asyncio.timeout(OPEN_S):
                await self._up.wait()

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._listeners.end()
        with suppress(TimeoutError, Away):
            async with asyncio.timeout(CLOSE_S):
                await self._say(frames.BYE)
        await end_tasks(self._tasks)

    async def publish(self, change: Change) -> None:
        if self._closed:
            return
        self._send_change(change)  # nothing comes between: others hear it at the same place as this node
        await self._listeners.hear(change)

    def listen(self) -> AsyncIterator[Heard]:
        return self._listeners.listen()

    # -- what we say ------------------------------------------------------------------------------------------------

    def _send_change(self, change: Change) -> None:
        """Never waits. What cannot be sent has a number all the same: so others know that they missed it."""
        line = self._line
        body = self._encode(change) if line else None
        if line is None or body is None or self._waiting_bytes + len(body) > MOST_WAITING:
            self._seq += 1
            self._unsent += 1
            return
        for frame in frames.split(body, line.max_payload, self._me, self._seq):
            self._put(frame)
            self._seq += 1
        self._sent += 1

    def _encode(self, change: Change) -> bytes | None:
        try:
            return frames.encode(change)
        except (TypeError, ValueError, OverflowError) as fault:  # such as a number of more than 64 bits
            log.warning("a change cannot be sent to other nodes (%s); they read it from the store", fault)
            return None

    def _put(self, frame: bytes, done: asyncio.Future[None] | None = None) -> None:
        self._outbox.append((frame, done))
        self._waiting_bytes += len(frame)
        self._more.set()

    async def _say(self, kind: int) -> None:
        """Returns once the server has it, and all that was said before. Raises Away."""
        if self._line is None:
            raise Away(self._fault)
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._put(frames.pack(kind, self._me, self._seq), sent)
        await sent

    async def _send(self, line: Line) -> None:
        while self._line is line:
            if not self._outbox:
                self._more.clear()
                await self._more.wait()
                continue
            frame, done = self._outbox.popleft()
            self._waiting_bytes -= len(frame)
            await line.publish(self._subject, frame)
            if done:
                await line.confirm()
                if not done.done():
                    done.set_result(None)

    async def _beat(self) -> None:
        while True:
            began = _now()
            try:
                async with asyncio.timeout(LATE_S):
                    await self._say(frames.BEAT)
            except TimeoutError:
                raise Away("the server does not answer") from None
            self._good_at = _now()
            self._lag_s = (self._good_at - began) / 1000
            for gap in self._hearing.tick(self._good_at):
                self._listeners.miss(gap)
            await asyncio.sleep(BEAT_S)

    # -- what we hear -----------------------------------------------------------------------------------------------

    async def _hear(self, message: Msg) -> None:
        now = _now()
        for what, bytes in self._hearing.take_frame(message.data, now):
            if isinstance(what, Gap):
                self._listeners.miss(what)
            else:
                self._behind += self._listeners.overhear(what, bytes, Gap(0))

    async def _look(self) -> None:
        """The bus only wakes nodes up: while it is away they look at the store by themselves."""
        while True:
            await asyncio.sleep(AWAY_S)
            if self._line is None:
                self._listeners.miss(Gap(_now() - self._good_at, away=True))

    # -- the line ---------------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        """One line after the other, for ever."""
        pause_s = PAUSE_S
        for tries in itertools.count():
            server = self._servers[tries % len(self._servers)]
            began = _now()
            try:
                await self._converse(server)
            except FAULTS as fault:
                self._fault_is(f"{server}: {said(fault)}")
            except Exception:
                log.exception("the bus failed, and begins again")
            if _now() - began > LONGEST_S * 1000:
                pause_s = PAUSE_S
            await asyncio.sleep(pause_s * random.uniform(0.5, 1))
            pause_s = min(pause_s * 2, LONGEST_S)

    async def _converse(self, server: str) -> None:
        """Until the line breaks. Raises what it broke by."""
        async with connect(self._place, server) as line:
            await line.subscribe(self._subject, cb=self._hear)
            async with asyncio.timeout(LATE_S):
                await line.confirm()
            self._begin(line)
            tasks = [asyncio.create_task(self._send(line)), asyncio.create_task(self._beat())]
            try:
                done, _ = await asyncio.wait([*tasks, line.broken], return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                self._end()
                await line.cut()
                await end_tasks(tasks)

    def _begin(self, line: Line) -> None:
        now = _now()
        self._line = line
        if self._told:
            log.warning("other nodes are heard again, after %.0f s", (now - self._good_at) / 1000)
        self._told = False
        for gap in self._hearing.begin_line(now, self._good_at):
            self._listeners.miss(gap)
        self._good_at = now
        self._up.set()

    def _end(self) -> None:
        """What is not sent by now never is: others miss it and read it from the store."""
        self._line, self._fault = None, "the connection broke"
        for _, done in self._outbox:
            if done and not done.done():
                done.set_exception(Away("the line broke"))
                done.exception()  # nobody may be waiting
        self._outbox.clear()
        self._waiting_bytes = 0
        self._more.set()

    def _fault_is(self, fault: str) -> None:
        self._fault = fault
        if not self._told:
            self._told = True
            log.warning("other nodes are not heard (%s); events are read from the store until they are", fault)


def _now() -> int:
    return time.monotonic_ns() // 1_000_000


def open_bus(url: str) -> Bus:
    return NatsBus(place_of(url))


def examine_bus(url: str) -> list[tuple[str, bool, str]]:
    from tracker.buses.nats_doctor import examine

    return asyncio.run(examine(place_of(url)))
