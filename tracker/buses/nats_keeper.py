"""Keeper: one line to NATS after the other, for ever."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Protocol

from tracker.buses.nats_line import FAULTS, Line, connect, end_tasks, said
from tracker.buses.nats_url import Place

OPEN_S = 2.0  #: a node that starts waits so long for the first line
LATE_S = 3.0  #: a server that does not confirm anything for so long hangs
PAUSE_S, LONGEST_S = 0.05, 1.0  #: before the next try to connect; doubled from try to try

log = logging.getLogger(__name__)


class Party(Protocol):
    """Who speaks and listens on the lines."""

    async def subscribe(self, line: Line) -> None: ...

    def begin(self, line: Line) -> list[Coroutine[Any, Any, None]]:
        """There is a line, and what was subscribed to comes. Answers what is done as long as it holds."""
        ...

    def end(self) -> None:
        """There is none any more."""
        ...


class Keeper:
    def __init__(self, place: Place, party: Party, without: str) -> None:
        """`without`: what it means that there is no line, for the log."""
        self._place = place
        self._servers = random.sample(place.servers, len(place.servers))
        self._party = party
        self._without = without
        self._up = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None
        self._told = False  # that there is none …
        self._away_since = now_ms()
        self.line: Line | None = None
        self.good_at = now_ms()  # when a line was last known to be good
        self.fault = "it was not connected yet"  # while there is none

    async def open(self) -> None:
        """Returns with a line, or without one soon after."""
        self._keeping = asyncio.create_task(self._keep(), name="line")
        with suppress(TimeoutError):
            async with asyncio.timeout(OPEN_S):
                await self._up.wait()

    async def close(self) -> None:
        if self._keeping:
            await end_tasks([self._keeping])

    async def _keep(self) -> None:
        pause_s = PAUSE_S
        for tries in itertools.count():
            server = self._servers[tries % len(self._servers)]
            began = now_ms()
            try:
                await self._converse(server)
            except FAULTS as fault:
                self.fault = f"{server}: {said(fault)}"
                if not self._told:
                    self._told = True
                    log.warning("NATS is away (%s): %s", self.fault, self._without)
            except Exception:
                log.exception("the bus failed, and begins again")
            if now_ms() - began > LONGEST_S * 1000:
                pause_s = PAUSE_S
            await asyncio.sleep(pause_s * random.uniform(0.5, 1))
            pause_s = min(pause_s * 2, LONGEST_S)

    async def _converse(self, server: str) -> None:
        """Until the line breaks. Raises what it broke by."""
        async with connect(self._place, server) as line:
            async with asyncio.timeout(LATE_S):
                await self._party.subscribe(line)
                await line.confirm()
            self._begin(line)
            tasks = [asyncio.create_task(work) for work in self._party.begin(line)]
            self.good_at = now_ms()
            try:
                done, _ = await asyncio.wait([*tasks, line.broken], return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                self.line, self.fault, self._away_since = None, "the connection broke", now_ms()
                self._party.end()
                await line.cut()
                await end_tasks(tasks)

    def _begin(self, line: Line) -> None:
        self.line = line
        if self._told:
            log.warning("NATS is back after %.0f s", (now_ms() - self._away_since) / 1000)
        self._told = False
        self._up.set()


def now_ms() -> int:
    """Of a clock that nobody sets."""
    return time.monotonic_ns() // 1_000_000
