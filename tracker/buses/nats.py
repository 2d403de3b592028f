"""The bus over NATS: nodes hear each other, and who was not heard is read from the store.

The server keeps nothing and may lose everything. So nothing waits for it, nothing is kept for it while it is away, and
each node numbers what it says."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from tracker.buses import Asking, Bus, Gap, Heard, frames, nats_keeper
from tracker.buses.hearing import Hearing
from tracker.buses.listeners import Listeners
from tracker.buses.nats_keeper import Keeper, now_ms
from tracker.buses.nats_line import Away, Line, end_tasks
from tracker.buses.nats_url import Place, place_of
from tracker.model.change import Change

if TYPE_CHECKING:
    from nats.aio.msg import Msg

BEAT_S = 1.0  #: how often a node says that it is there, and how much it has said
AWAY_S = 2.0  #: how often, while the bus is away, the store is looked at for what others did
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
        self._keeper = Keeper(place, self, "other nodes are not heard, events are read from the store")
        self._subject = f"{place.name}.changes"
        self._me = secrets.token_bytes(8)
        self._seq = 0  # of the newest frame that was or should have been sent
        self._listeners = Listeners()
        self._hearing = Hearing(self._me, now_ms())
        self._outbox: deque[tuple[bytes, asyncio.Future[None] | None]] = deque()
        self._waiting_bytes = 0
        self._more = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._sent = self._unsent = self._behind = 0
        self._lag_s = 0.0
        self._closed = False

    @property
    def away(self) -> str:
        return "" if self._keeper.line else self._keeper.fault

    def statistics(self) -> Statistics:
        hearing = self._hearing
        return Statistics(
            self._keeper.line is not None,
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
        self._looking = asyncio.create_task(self._look(), name="bus")
        await self._keeper.open()

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._listeners.end()
        with suppress(TimeoutError, Away):
            async with asyncio.timeout(CLOSE_S):
                await self._say(frames.BYE)
        if self._looking:
            await end_tasks([self._looking])
        await self._keeper.close()

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
        line = self._keeper.line
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
        if self._keeper.line is None:
            raise Away(self._keeper.fault)
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._put(frames.pack(kind, self._me, self._seq), sent)
        await sent

    async def _send(self, line: Line) -> None:
        while self._keeper.line is line:
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
            began = now_ms()
            try:
                async with asyncio.timeout(nats_keeper.LATE_S):
                    await self._say(frames.BEAT)
            except TimeoutError:
                raise Away("the server does not answer") from None
            self._keeper.good_at = now_ms()
            self._lag_s = (self._keeper.good_at - began) / 1000
            for gap in self._hearing.tick(self._keeper.good_at):
                self._listeners.miss(gap)
            await asyncio.sleep(BEAT_S)

    # -- what we hear -----------------------------------------------------------------------------------------------

    async def _hear(self, message: Msg) -> None:
        now = now_ms()
        for what, bytes in self._hearing.take_frame(message.data, now):
            if isinstance(what, Gap):
                self._listeners.miss(what)
            else:
                self._behind += self._listeners.overhear(what, bytes, Gap(0))

    async def _look(self) -> None:
        """The bus only wakes nodes up: while it is away they look at the store by themselves."""
        while True:
            await asyncio.sleep(AWAY_S)
            if self._keeper.line is None:
                self._listeners.miss(Gap(now_ms() - self._keeper.good_at, away=True))

    # -- the line ---------------------------------------------------------------------------------------------------

    async def subscribe(self, line: Line) -> None:
        await line.subscribe(self._subject, cb=self._hear)

    def begin(self, line: Line) -> list[Coroutine[Any, Any, None]]:
        for gap in self._hearing.begin_line(now_ms(), self._keeper.good_at):
            self._listeners.miss(gap)
        return [self._send(line), self._beat()]

    def end(self) -> None:
        """What is not sent by now never is: others miss it and read it from the store."""
        for _, done in self._outbox:
            if done and not done.done():
                done.set_exception(Away("the line broke"))
                done.exception()  # nobody may be waiting
        self._outbox.clear()
        self._waiting_bytes = 0
        self._more.set()


def open_bus(url: str) -> Bus:
    return NatsBus(place_of(url))


def open_asking(url: str, me: str) -> Asking:
    from tracker.buses.nats_asking import NatsAsking

    return NatsAsking(place_of(url), me)


def examine_bus(url: str) -> list[tuple[str, bool, str]]:
    from tracker.buses.nats_doctor import examine

    return asyncio.run(examine(place_of(url)))
