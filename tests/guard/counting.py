"""Counts what does not vary: calls, allocations that stay, statements, syncs and bytes.

Times vary with the machine and its neighbours; these do not, so a tenth more of one is somebody's change.
"""

from __future__ import annotations

import gc
import itertools
import os
import sqlite3
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import tracker

OURS = str(Path(tracker.__file__).parent) + os.sep
SYNCS = {"fsync", "fdatasync", "sync"}
STATEMENTS = {"execute", "executemany", "executescript"}
HEADER, FRAME_HEADER = (
    32,
    24,
)  #: bytes of the log, and of each page in it: https://sqlite.org/fileformat2.html#walformat


class Calls:
    """Calls of our code and of all that it calls, in this thread and those begun while it listens. What an event loop
    does between them is left out: how often it looks varies."""

    def __init__(self) -> None:
        self._counting = False
        self._begin()

    def _begin(self) -> None:
        self._counters = {what: itertools.count() for what in ("Python calls", "C calls", "statements", "syncs")}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Threads that begin now are heard."""
        threading.setprofile(self._hear)
        try:
            yield
        finally:
            threading.setprofile(None)

    @contextmanager
    def counting(self) -> Generator[dict[str, int]]:
        """What is counted meanwhile, there at the end."""
        self._begin()
        found: dict[str, int] = {}
        collects = gc.isenabled()
        gc.collect()
        gc.disable()  # so that what only it would free is counted too
        before = sys.getallocatedblocks()
        try:
            self._counting = True
            sys.setprofile(self._hear)
            yield found
        finally:
            sys.setprofile(None)
            self._counting = False
            found["blocks kept"] = sys.getallocatedblocks() - before
            if collects:
                gc.enable()
            found.update({what: next(counter) for what, counter in self._counters.items()})

    def _hear(self, frame: FrameType, event: str, what: Any) -> None:
        if not self._counting or event not in ("call", "c_call") or not _is_ours(frame):
            return
        if event == "call":
            next(self._counters["Python calls"])
            return
        next(self._counters["C calls"])
        if what.__name__ in SYNCS and what.__module__ == "posix":
            next(self._counters["syncs"])
        elif what.__name__ in STATEMENTS and isinstance(what.__self__, sqlite3.Connection | sqlite3.Cursor):
            next(self._counters["statements"])


def _is_ours(frame: FrameType | None) -> bool:
    """Whether it is our code, or called from it however far away."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(OURS):
            return True
        frame = frame.f_back
    return False


def log_of(folder: Path) -> tuple[int, int]:
    """Bytes and transactions in the log of a store; each of these is a sync, as SQLite syncs the log once a commit."""
    log = (folder / "tracker.db-wal").read_bytes()
    page, salt = int.from_bytes(log[8:12], "big"), log[16:24]
    size = commits = 0
    for at in range(HEADER, len(log), FRAME_HEADER + page):
        if log[at + 8 : at + 16] != salt:  # left from before the log began anew
            break
        size = at + FRAME_HEADER + page
        commits += log[at + 4 : at + 8] != bytes(4)
    return size, commits
