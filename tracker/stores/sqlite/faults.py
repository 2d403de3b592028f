"""What an exception of SQLite or of the system means for whoever runs the server, and what to do about it."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from tracker.errors import StoreError, StoreFull, StoreUnusable, TrackerError

FULL_BYTES = 1 << 20  #: less room than this is none

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_DENIED = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH}
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def meaning(error: BaseException, path: Path) -> StoreError:
    """`error`: whatever came out of work on the data file at `path`."""
    if isinstance(error, StoreError):
        return error
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    number = error.errno if isinstance(error, OSError) else None
    if code == sqlite3.SQLITE_FULL or number in _NO_ROOM or (code == sqlite3.SQLITE_IOERR and is_full(path)):
        return no_room(path)
    if code in _DAMAGED or isinstance(error, msgspec.MsgspecError):
        return damaged(path, str(error))
    if code in _DENIED or number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreUnusable(f"{_denied(error, path)} Nothing was stored.", "store_denied")
    return StoreError(f"The store could not do this ({error}). Nothing was changed; try again.")


def no_room(path: Path) -> StoreFull:
    return StoreFull(f"No room left for {path}. Nothing of this was stored; free some space and repeat it.")


def damaged(path: Path, how: str) -> StoreUnusable:
    return StoreUnusable(
        f"{path} is damaged ({how}). Stop the server and restore a backup: tracker restore FILE. "
        "It keeps what is there. Without one, tracker serve --accept-loss goes on without what a damaged log held.",
        "store_damaged",
    )


def _denied(error: BaseException, path: Path) -> str:
    """Which of the folder and its files is in the way."""
    beside = (path.with_name(name) for name in (f"{path.name}-wal", f"{path.name}-shm", "tracker.lock"))
    for place in (path.parent, path, *beside):
        with suppress(OSError):
            if place.exists() and not os.access(place, os.R_OK | os.W_OK):
                what = "The data folder" if place == path.parent else "The file"
                return f"{what} {place} is read-only for this user: make it writable, or choose another with --data."
    why = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    place = Path(error.filename) if isinstance(error, OSError) and error.filename else path
    return (
        f"Cannot write to {place} ({why}): it, or the disk it is on, is read-only or somebody else's. "
        "Make it writable, or choose another folder with --data."
    )


@contextmanager
def at_start(path: Path) -> Iterator[None]:
    """Whatever keeps the data from being opened is said in one sentence with a remedy."""
    for place in (path, path.with_name("tracker.lock")):
        if place.is_dir():
            raise StoreUnusable(f"{place} is a folder, where a file should be: move it away.", "store_denied")
    try:
        yield
    except TrackerError:
        raise
    except (FileExistsError, NotADirectoryError) as error:
        raise StoreUnusable(f"{path.parent} is not a folder: choose another with --data.", "store_denied") from error
    except (sqlite3.Error, OSError, msgspec.MsgspecError) as error:
        fault = meaning(error, path)
        if type(fault) is StoreError and isinstance(error, OSError):
            detail = f"Cannot use {path.parent} ({error.strerror or error}): choose another folder with --data."
            fault = StoreUnusable(detail, "store_denied")
        raise fault from error


def is_full(path: Path) -> bool:
    """No room on the disk, or none for files of this size (a limit of the process)."""
    return room(path) < FULL_BYTES


def room(path: Path) -> int:
    """Bytes that the data file and its log may still grow by."""
    free = 1 << 62
    with suppress(OSError):
        disk = os.statvfs(path.parent)
        free = disk.f_bavail * disk.f_frsize
    with suppress(ImportError, OSError):
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
        if limit != resource.RLIM_INFINITY:
            for file in (path, path.with_name(path.name + "-wal")):
                free = min(free, max(0, limit - file.stat().st_size))
    return free
