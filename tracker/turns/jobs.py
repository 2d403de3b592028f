"""Jobs: what the server does by itself now and then. One that fails is logged, counted and tried again, ever later.

Each runs by itself: one that takes long keeps no other, and is not begun twice. The clocks are arguments.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple

from tracker.errors import TrackerError

RETRY_S = 1.0  #: after a first fault; doubled from fault to fault, up to the time between two rounds

log = logging.getLogger(__name__)


class Job(NamedTuple):
    name: str
    every_s: float  # from the end of one round to the next
    work: Callable[[int], Awaitable[None]]  # is given the time, UTC ms
    at_once: bool = False  # the first round is at the start


class Statistics(NamedTuple):
    rounds: int
    faults: int
    failing: int  # jobs whose last round failed


class _Kept:
    """What is known of one job. Times are steady milliseconds."""

    def __init__(self, job: Job, now: int) -> None:
        self.job = job
        self.due = now if job.at_once else now + int(job.every_s * 1000)
        self.in_a_row = 0
        self.running: asyncio.Task[None] | None = None


class Jobs:
    def __init__(self, clock: Callable[[], int], steady: Callable[[], int]) -> None:
        self._clock, self._steady = clock, steady
        self._kept: list[_Kept] = []
        self._changed = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None
        self._rounds = self._faults = 0

    def add_job(self, job: Job) -> None:
        self._kept.append(_Kept(job, self._steady()))
        self._changed.set()

    def start(self) -> None:
        self._keeping = asyncio.create_task(self._keep(), name="jobs")

    async def stop(self) -> None:
        """Ends what is under way; nothing is begun any more."""
        tasks = [task for task in (self._keeping, *(kept.running for kept in self._kept)) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._kept.clear()

    def begin_due(self) -> float | None:
        """Begin each round whose time has come. Answers in how many seconds the next one's does, if anybody knows."""
        now = self._steady()
        for kept in self._kept:
            if kept.running is None and kept.due <= now:
                kept.running = asyncio.create_task(self._do(kept), name=f"job {kept.job.name}")
        waiting = [kept.due for kept in self._kept if kept.running is None]
        return max(0, min(waiting) - now) / 1000 if waiting else None

    async def finish_begun(self) -> None:
        """Wait for the rounds that are under way."""
        await asyncio.gather(*(kept.running for kept in self._kept if kept.running is not None))

    def statistics(self) -> Statistics:
        return Statistics(self._rounds, self._faults, sum(kept.in_a_row > 0 for kept in self._kept))

    async def _keep(self) -> None:
        while True:
            self._changed.clear()
            wait_s = self.begin_due()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):  # wait_for of 3.11 swallows a stop that comes with news
                    await self._changed.wait()

    async def _do(self, kept: _Kept) -> None:
        job = kept.job
        wait_s = job.every_s
        try:
            await job.work(self._clock())
            kept.in_a_row = 0
        except Exception as fault:
            self._faults += 1
            kept.in_a_row += 1
            wait_s = min(RETRY_S * 2 ** min(kept.in_a_row - 1, 20), job.every_s)
            if kept.in_a_row & (kept.in_a_row - 1) == 0:  # 1, 2, 4, 8, …: one that fails for days fills no disk
                ours = not isinstance(fault, TrackerError)  # else it says all there is to say
                log.error(
                    "the job %r failed, %d in a row: %s",
                    job.name, kept.in_a_row, fault, exc_info=fault if ours else None,
                )  # fmt: skip
        finally:
            self._rounds += 1
            kept.due = self._steady() + int(wait_s * 1000)
            kept.running = None
            self._changed.set()
