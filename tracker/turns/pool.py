"""Heavy work: a little of it at a time, some more waits, further requests are told to come again.

What is long is cut into pieces that each take a few milliseconds. A piece of Python runs on the loop, and gives way
after it; a thread would keep the GIL just as long, and take it when nobody can foresee. What calls into C for longer
than that (reading shapes) goes into a thread and is itself cut small.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple, ParamSpec, TypeVar

from tracker.errors import Overloaded

P = ParamSpec("P")
T = TypeVar("T")


class Statistics(NamedTuple):
    running: int
    waiting: int
    done: int
    refused: int
    seconds: float  # of all that were done, waiting left out


class Pool:
    """`size` pieces of heavy work at once; `queue` more may wait."""

    def __init__(self, size: int, queue: int) -> None:
        self._size, self._queue = size, queue
        self._turns = asyncio.Semaphore(size)
        self._piece = asyncio.Lock()
        self._running = self._waiting = self._done = self._refused = 0
        self._seconds = 0.0

    @asynccontextmanager
    async def turn(self, alone: asyncio.Lock | None = None) -> AsyncIterator[None]:
        """`alone`: of this kind of work there is one at a time. Raises Overloaded when too many wait already."""
        busy = self._turns.locked() or (alone is not None and alone.locked())
        if busy and self._waiting >= self._queue:
            self._refused += 1
            raise Overloaded("too many large answers are asked for at once; try again in a few seconds", 3)
        self._waiting += 1
        async with AsyncExitStack() as held:
            try:
                for one in (alone, self._turns):  # who waits for its kind keeps no others waiting
                    if one is not None:
                        await held.enter_async_context(one)
            finally:
                self._waiting -= 1
            self._running += 1
            began = time.monotonic()
            try:
                yield
            finally:
                self._running -= 1
                self._done += 1
                self._seconds += time.monotonic() - began

    async def run(self, call: Callable[P, T], *values: P.args, **named: P.kwargs) -> T:
        """A call in a thread, when its turn comes."""
        async with self.turn():
            return await asyncio.to_thread(call, *values, **named)

    @asynccontextmanager
    async def piece(self) -> AsyncIterator[None]:
        """One piece of an answer that is sent while it is made: its reader may be slow, so it never holds a turn."""
        async with self._piece:
            yield
        await asyncio.sleep(0)

    def statistics(self) -> Statistics:
        return Statistics(self._running, self._waiting, self._done, self._refused, self._seconds)
