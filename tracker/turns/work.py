"""Work: something that takes long, is watched while it lasts, and can be given up. One is done at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from tracker.errors import InTheWay, TrackerError
from tracker.times import rfc3339

log = logging.getLogger(__name__)

Told = Callable[[float], None]  # hears how much of it is done, 0 to 1


class Work:
    def __init__(self, name: str, clock: Callable[[], int]) -> None:
        """`clock`: UTC ms."""
        self.state = "none"  # then working, done, failed or given_up
        self.progress = 0.0
        self.ended_at: int | None = None
        self.fault: TrackerError | None = None
        self._name = name
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()

    @property
    def is_working(self) -> bool:
        return self.state == "working"

    def begin(self, do: Callable[[Told], Awaitable[None]]) -> None:
        """Raises InTheWay while the one before is not over."""
        if self.is_working:
            raise InTheWay("at_work", f"there is one {self._name} under way; wait for its end, or give it up")
        self.state, self.progress, self.fault, self.ended_at = "working", 0.0, None, None
        self._task = asyncio.create_task(self._do(do), name=self._name)

    async def move(self, most_s: float) -> None:
        """Wait until it has come further, or so long."""
        if self.is_working:
            self._moved.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(most_s):
                    await self._moved.wait()

    async def give_up(self) -> None:
        """What is done stays done."""
        if self._task is not None and self.is_working:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._end("given_up")

    def document(self) -> dict[str, Any]:
        fault = self.fault
        error = None if fault is None else {"code": fault.code, "detail": fault.detail}
        ended_at = None if self.ended_at is None else rfc3339(self.ended_at)
        return {"state": self.state, "progress": round(self.progress, 3), "ended_at": ended_at, "error": error}

    def _tell(self, progress: float) -> None:
        self.progress = progress
        self._moved.set()

    def _end(self, state: str) -> None:
        self.state, self.ended_at = state, self._clock()
        self._moved.set()

    async def _do(self, do: Callable[[Told], Awaitable[None]]) -> None:
        try:
            await do(self._tell)
            self.progress = 1.0
            self._end("done")
        except Exception as fault:
            if not isinstance(fault, TrackerError):
                log.error("the %s failed", self._name, exc_info=fault)
                fault = TrackerError("work_failed", f"the {self._name} failed; the server's log says why")
            self.fault = fault
            self._end("failed")
