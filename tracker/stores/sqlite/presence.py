"""Presence: is what we write to still what a restart will find under its name?

A file that was deleted, renamed or replaced goes on taking writes for as long as it is open, and then it is gone:
nothing but a look at the names tells. So one is taken before and after every commit, and twice a second.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from tracker.errors import StoreUnusable
from tracker.stores.sqlite.files import FILE, LOCK, Lock, State

MAGIC = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")  #: what a log begins with
HEADER = 32  #: bytes of a log before its first frame
PAGE = 4096  #: the beginning of tracker.db that is compared

#: what to do about a fault of a running server
REMEDY = (
    "Nothing more is taken. Stop the server, put back what was there or restore a backup (tracker restore), start it."
)


class Fault(NamedTuple):
    what: str
    harmless: bool = False  # tracker.db is well, and all of the log is still to be had: it can be moved there
    spoilt: bool = False  # what is there now is neither the old nor anything whole


class Presence:
    """The files of one folder as they were when everything was well."""

    def __init__(self, folder: Path) -> None:
        self._path = os.fspath(folder / FILE)
        self._log_path = f"{self._path}-wal"
        self._names = (self._path, self._log_path, f"{self._path}-shm", os.fspath(folder / LOCK))
        self._known: list[tuple[int, int]] = []  # (device, inode) of each
        self._looks: tuple[int, int] = (0, 0)  # size and change of tracker.db: only we write to it, at a checkpoint
        self._first_page = b""
        self._log_size = 0
        self._file = self._log = -1

    @property
    def known(self) -> bool:
        return bool(self._known)

    def remember(self) -> None:
        """What is there now is right: we have just opened it."""
        # Both are held until every connection is closed: closing any descriptor of tracker.db drops SQLite's locks.
        self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        self._log = os.open(self._log_path, os.O_RDONLY | os.O_CLOEXEC)
        self._known = [(found.st_dev, found.st_ino) for found in map(os.stat, self._names)]
        self.moved()

    def grown(self) -> None:
        """We wrote to the log."""
        self._log_size = os.fstat(self._log).st_size

    def moved(self) -> None:
        """We moved the log into the file."""
        if self._known:
            self.grown()
            found = os.fstat(self._file)
            self._looks = (found.st_size, found.st_mtime_ns)
            self._first_page = os.pread(self._file, PAGE, 0)

    def fault(self, *, written: bool = False) -> Fault | None:
        """What is wrong; `written`: the log may have grown since it was last remembered."""
        for place, name in enumerate(self._names):
            try:
                found = os.stat(name)
            except OSError:
                return self._missing(place, "is gone")
            if (found.st_dev, found.st_ino) != self._known[place]:
                return self._missing(place, "was replaced by another file")
            if place == 0 and (found.st_size, found.st_mtime_ns) != self._looks:
                if found.st_size != self._looks[0] or os.pread(self._file, PAGE, 0) != self._first_page:
                    return Fault(f"{name} was written to by another program.", spoilt=True)
                self._looks = (found.st_size, found.st_mtime_ns)
            elif place == 1 and not written and found.st_size != self._log_size:
                return Fault(f"{name} was cut or written to by another program.", spoilt=True)
        if os.pread(self._log, 4, 0) not in MAGIC:
            return Fault(f"{self._log_path} was cut or written to by another program.", spoilt=True)
        return None

    def _missing(self, place: int, how: str) -> Fault:
        if place > 0 and not os.path.exists(self._path):  # looked at before all others: a whole folder was moved since
            place, how = 0, "is gone"
        whole = place > 0 and os.fstat(self._log).st_size == self._log_size
        return Fault(f"{self._names[place]} {how} while the server was using it.", harmless=whole)

    def release(self) -> None:
        """Only after the connections are closed."""
        for descriptor in (self._file, self._log):
            if descriptor >= 0:
                os.close(descriptor)
        self._file = self._log = -1
        self._known = []


# ---------------------------------------------------------------------------------------------------- at a start


def look_first(folder: Path, lock: Lock, *, accept_loss: bool) -> None:
    """Before anything is opened: is all there that the last run left? Raises StoreUnusable.

    `accept_loss`: go on without what is missing; a log that belongs to nothing is put aside.
    """
    fault = _loss(folder / FILE, lock)
    if fault is None:
        return
    if not accept_loss:
        raise StoreUnusable(
            f"{fault} To start would lose what was acknowledged. Put it back, or restore a backup (tracker restore); "
            "to go on without it: tracker serve --accept-loss.",
            "store_lost",
        )
    put_aside(folder / f"{FILE}-wal", folder / "tracker-lost{}.db-wal")


def _loss(path: Path, lock: Lock) -> str | None:
    log = path.with_name(path.name + "-wal")
    size, log_size = (file.stat().st_size if file.is_file() else None for file in (path, log))
    if not size:
        how = "gone" if size is None else "empty"
        if log_size:
            return f"{path} is {how}, and {log.name} beside it is the end of a log without its beginning."
        if lock.state is not State.NEW:
            return f"{path} is {how}, but {LOCK} beside it says that a tracker stored data here."
        return None
    if lock.state is State.SPOILT:
        return f"Another program wrote to {path} or its log while a tracker was using it."
    if lock.state is State.RUNNING and not log_size:
        how = "gone" if log_size is None else "empty"
        return f"The tracker that used {path} was cut off, and {log.name}, which holds what it stored last, is {how}."
    if not log_size:
        return None
    with path.open("rb") as file:  # nobody has it open: there are no locks to lose
        begin = file.read(20)
    if begin[18:20] == b"\x01\x01" or lock.another_file(path.stat().st_ino):
        return f"{path} was put here from elsewhere, and {log.name} beside it is the log of another one."
    return None


def put_aside(path: Path, pattern: Path) -> Path | None:
    """Rename a file to the first free name of a pattern with {} for a number."""
    if not path.exists():
        return None
    number = 1
    while (kept := Path(str(pattern).replace("{}", str(number)))).exists():
        number += 1
    path.replace(kept)
    return kept
