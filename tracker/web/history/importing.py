"""Importing: a file of recorded positions, read as `tracker replay` reads it, into what is kept; one at a time.

A file that cannot be read changes nothing. Of one that can, a bad position costs only itself; what was taken when it is
given up stays taken, and sent again it is a duplicate.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Awaitable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from tracker.errors import Overloaded, Stopping
from tracker.formats import REASONS, Point, Unreadable, item
from tracker.model.ping import Ping, Unfit
from tracker.model.records import Actor
from tracker.node import Node
from tracker.pipeline.entries.batch import Answer
from tracker.protocols.native import read_item
from tracker.replay.recording import Recording
from tracker.turns.work import Told, Work

TOGETHER = 1_000  #: positions that are taken in one go
IN_MEMORY = 50_000  #: points that wait for their turn outside of a file
MOST_ITEMS = 20_000_000  #: more cannot be meant of a file of this size
MOST_ERRORS = 20  #: that are told

COUNTS = ("accepted", "late", "held", "duplicates", "conflicts")
T = TypeVar("T")


class How(NamedTuple):
    """What is said of a file beside what is in it."""

    name: str
    format: str | None
    zone: str | None


class Import:
    """The one under way, or the last."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name
        self.recording: Recording | None = None
        self.positions: int | None = None  # known once all of it is read
        self.counts = dict.fromkeys(COUNTS, 0)
        self.rejected = 0
        self.errors: list[dict[str, str]] = []

    def take(self, answer: Answer) -> None:
        for name in COUNTS:
            self.counts[name] += getattr(answer, name)

    def reject(self, where: str, fault: Unfit) -> None:
        self.rejected += 1
        if len(self.errors) < MOST_ERRORS:
            self.errors.append({"where": where, "code": fault.code, "message": fault.message})

    def document(self) -> dict[str, Any]:
        read = self.recording or Recording()
        return {
            "name": self.name,
            "files": [
                {"name": one.name, "format": one.format, "items": one.items, "notes": one.notes} for one in read.sources
            ],
            "items": read.items,
            "positions": self.positions,
            **self.counts,
            "rejected": self.rejected,
            "errors": self.errors,
            "skipped": [
                {"reason": reason, "count": count, "means": REASONS[reason], "where": read.examples[reason]}
                for reason, count in read.skipped.items()
            ],
        }


class Importing:
    def __init__(self, node: Node) -> None:
        self._node = node
        self.work = Work("import", node.clock)
        self.told = Import()
        node.closing.append(self.work.give_up)

    def document(self) -> dict[str, Any]:
        return self.work.document() | self.told.document()

    def begin(self, folder: tempfile.TemporaryDirectory[str], how: How, by: Actor) -> None:
        """Raises InTheWay."""
        given = Import(how.name)
        self.work.begin(partial(self._do, given, folder, how, by))
        self.told = given

    async def _do(
        self, given: Import, folder: tempfile.TemporaryDirectory[str], how: How, by: Actor, told: Told
    ) -> None:
        given.recording = recording = Recording(IN_MEMORY)
        stopped = threading.Event()
        try:
            try:
                await finished(asyncio.to_thread(read, recording, Path(folder.name) / how.name, how, stopped), stopped)
            finally:
                await asyncio.to_thread(folder.cleanup)
            given.positions = recording.count
            if not recording.count:
                raise Unreadable("there is no position in it; `skipped` says what else there is")
            points, done = iter(recording), 0
            while batch := await finished(asyncio.to_thread(list, islice(points, TOGETHER))):
                by.ask()  # they may have lost the right to it
                await finished(self._take(given, batch))
                done += len(batch)
                told(done / recording.count)
        finally:
            recording.close()

    async def _take(self, given: Import, points: list[Point]) -> None:
        pings = await asyncio.to_thread(given_pings, given, points, self._node.clock())
        while pings:
            try:
                given.take(await self._node.pipeline.submit(pings))
                return
            except Stopping:
                raise
            except Overloaded as fault:  # live ones first
                await asyncio.sleep(fault.retry_after)


class _Stopped(Exception):
    """Nobody wants it any more."""


def read(recording: Recording, path: Path, how: How, stopped: threading.Event) -> None:
    """Raises Unreadable."""

    def told(_name: str, _count: int) -> None:
        if stopped.is_set():
            raise _Stopped
        if recording.count > MOST_ITEMS:
            raise Unreadable(f"it holds over {MOST_ITEMS:,} positions; import it in parts")

    recording.add_source(str(path), format=how.format, zone=how.zone, told=told)


def given_pings(given: Import, points: list[Point], now: int) -> list[Ping]:
    """Those of them that can be taken."""
    assert given.recording is not None
    pings: list[Ping] = []
    for point in points:
        try:
            pings.append(read_item(item(point, number=True), now, []))
        except Unfit as fault:
            given.reject(given.recording.where(point), fault)
    return pings


async def finished(doing: Awaitable[T], stopped: threading.Event | None = None) -> T:
    """What is under way is not torn apart: given up, it ends first. `stopped` tells it to end early."""
    task = asyncio.ensure_future(doing)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if stopped is not None:
            stopped.set()
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # is of no interest any more
        raise
