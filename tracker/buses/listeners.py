"""Listeners: those on this node who hear what is published, whichever bus brings it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from tracker.buses import Gap, Heard
from tracker.model.change import Change

MOST = 8 * 2**20  #: bytes of other nodes' changes that wait for a listener; of a slower one the rest is a gap


class _Ear:
    """One listener, and what it has not taken yet."""

    def __init__(self) -> None:
        #: what it is, its bytes if another node said it, and who waits until it is heard
        self.waiting: deque[tuple[Heard | None, int, asyncio.Future[None] | None]] = deque()
        self.bytes = 0
        self.gapes = False  # a gap is waiting: what the listener reads because of it holds all that others said by then
        self._more: asyncio.Future[None] | None = None

    def add_item(self, what: Heard | None, bytes: int = 0, heard: asyncio.Future[None] | None = None) -> None:
        self.waiting.append((what, bytes, heard))
        self.bytes += bytes
        if self._more and not self._more.done():
            self._more.set_result(None)

    async def next_item(self) -> tuple[Heard | None, asyncio.Future[None] | None]:
        while not self.waiting:
            self._more = asyncio.get_running_loop().create_future()
            await self._more
        what, bytes, heard = self.waiting.popleft()
        self.bytes -= bytes
        if isinstance(what, Gap):
            self.gapes = False
        return what, heard


class Listeners:
    def __init__(self) -> None:
        self._ears: list[_Ear] = []
        self._ended = False

    async def hear(self, change: Change) -> None:
        """This node's own: returns once everybody heard it. It has its place in the order at the call."""
        loop = asyncio.get_running_loop()
        waits = []
        for ear in self._ears:
            heard = loop.create_future()
            ear.add_item(change, heard=heard)
            waits.append(heard)
        for heard in waits:
            await heard

    def overhear(self, change: Change, bytes: int, gap: Gap) -> int:
        """Another node's. How many could not take it, because they are behind: they have a `gap`."""
        behind = 0
        for ear in self._ears:
            if ear.gapes:
                continue
            if ear.bytes + bytes > MOST and ear.waiting:
                behind += 1
                ear.gapes = True
                ear.add_item(gap)
            else:
                ear.add_item(change, bytes)
        return behind

    def miss(self, gap: Gap) -> None:
        for ear in self._ears:
            if not ear.gapes:
                ear.gapes = True
                ear.add_item(gap)

    def begin(self) -> None:
        self._ended = False

    def end(self) -> None:
        """Each ends when it has heard all that was said before."""
        self._ended = True
        for ear in self._ears:
            ear.add_item(None)

    def listen(self) -> AsyncIterator[Heard]:
        ear = _Ear()
        self._ears.append(ear)  # from this moment, not from the first `anext`: nothing falls between
        if self._ended:
            ear.add_item(None)
        return self._listen(ear)

    async def _listen(self, ear: _Ear) -> AsyncIterator[Heard]:
        try:
            while True:
                what, heard = await ear.next_item()
                try:
                    if what is None:
                        return
                    yield what
                finally:
                    _tell(heard)  # when the listener comes back for the next one
        finally:
            self._ears.remove(ear)
            for _, _, heard in ear.waiting:  # a listener that stopped early keeps nobody waiting
                _tell(heard)


def _tell(heard: asyncio.Future[None] | None) -> None:
    if heard and not heard.done():
        heard.set_result(None)
