"""Damage: a file or a log that is not what was written. Looked for before a start takes anything.

SQLite itself notices a bad page when it reads it, and silently ends a log at the first frame whose checksum is wrong.
"""

from __future__ import annotations

import sqlite3
import struct
from pathlib import Path

from tracker.stores.sqlite.faults import damaged
from tracker.stores.sqlite.presence import HEADER, MAGIC, put_aside

WHOLE_BYTES = 256 << 20  #: a file up to this size is looked through as a whole: a second's work at most
TABLES = ("vehicles", "registered", "regions", "meta")  #: of a larger one, what a start reads anyway
FRAME = 24  #: bytes before each page in the log


def look_at_log(path: Path, *, accept_loss: bool) -> None:
    """Before SQLite sees the log: with a bad header it would take all of it for nothing. Raises StoreUnusable."""
    log = path.with_name(path.name + "-wal")
    if not log.is_file() or log.stat().st_size <= HEADER:
        return
    with log.open("rb") as file:
        header = file.read(HEADER)
    if not any(header):  # a file system that grew the file before a power cut; nothing in it was ever synced
        return
    if header[:4] in MAGIC and _checksum(header[:24], header[:4] == MAGIC[1]) == struct.unpack(">II", header[24:]):
        return
    if not accept_loss:
        raise damaged(log, "its beginning is not that of a log")
    put_aside(log, log.with_name("tracker-lost{}.db-wal"))


def look_at_file(connection: sqlite3.Connection, path: Path, *, accept_loss: bool) -> None:
    """Raises StoreUnusable when the file, or what SQLite made of the log, is not whole."""
    if not accept_loss:
        _look_for_lost_commits(connection, path)
    whole = path.stat().st_size <= WHOLE_BYTES
    for check in ("quick_check(1)",) if whole else [f"quick_check('{table}')" for table in TABLES]:
        found = connection.execute(f"PRAGMA {check}").fetchone()[0]
        if found != "ok":
            raise damaged(path, found.replace("*** in database main ***\n", ""))


def _look_for_lost_commits(connection: sqlite3.Connection, path: Path) -> None:
    """A power cut can tear the one commit that was not synced yet. Several after the end are damage."""
    log = path.with_name(path.name + "-wal")
    if not log.is_file():
        return
    with log.open("rb") as file:
        header = file.read(HEADER)
        if len(header) < HEADER:
            return
        good = _good_frames(connection, path)
        size = FRAME + struct.unpack(">I", header[8:12])[0]
        lost = 0
        for begin in range(HEADER + max(good, 0) * size, log.stat().st_size - size + 1, size):
            file.seek(begin)
            frame = file.read(FRAME)
            is_commit = struct.unpack(">I", frame[4:8])[0]
            lost += bool(is_commit) and frame[8:16] == header[16:24]
    if lost > 1:
        raise damaged(log, f"the last {lost} commits in it cannot be read")


def _good_frames(connection: sqlite3.Connection, path: Path) -> int:
    """How many frames of the log SQLite takes: `mxFrame` of its index (sqlite.org/walformat.html, WAL-index header).

    A checkpoint would say so too, and take room for the pages it moves: on a full disk there is none.
    """
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # whoever reads first makes the index
    with path.with_name(path.name + "-shm").open("rb") as file:
        (frames,) = struct.unpack("=I", file.read(20)[16:])
    return int(frames)


def _checksum(data: bytes, big_endian: bool) -> tuple[int, int]:
    one = two = 0
    for first, second in struct.iter_unpack(">II" if big_endian else "<II", data):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two
