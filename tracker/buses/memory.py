"""The bus of a single node: every change comes straight back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from tracker.model.change import Change


class MemoryBus:
    def __init__(self) -> None:
        self._listeners: list[asyncio.Queue[Change | None]] = []
        self._closed = False

    async def open(self) -> None:
        self._closed = False

    async def close(self) -> None:
        self._closed = True
        for queue in self._listeners:
            queue.put_nowait(None)

    async def publish(self, change: Change) -> None:
        if self._closed:
            return
        for queue in self._listeners:
            queue.put_nowait(change)
        for queue in list(self._listeners):
            await queue.join()

    def listen(self) -> AsyncIterator[Change]:
        queue: asyncio.Queue[Change | None] = asyncio.Queue()
        self._listeners.append(queue)  # from this moment, not from the first `anext`: nothing falls between
        if self._closed:
            queue.put_nowait(None)
        return self._heard(queue)

    async def _heard(self, queue: asyncio.Queue[Change | None]) -> AsyncIterator[Change]:
        try:
            while True:
                change = await queue.get()
                try:
                    if change is None:
                        return
                    yield change
                finally:
                    queue.task_done()  # heard when the listener comes back for the next one
        finally:
            self._listeners.remove(queue)
            while not queue.empty():  # a listener that stopped early keeps nobody waiting
                queue.get_nowait()
                queue.task_done()
