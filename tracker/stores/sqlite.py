"""The store in one SQLite file: one writer thread, a few reading threads, nobody waits for the other."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from tracker.errors import StoreError, StoreFull
from tracker.events import Event
from tracker.stores import Commit, EventQuery, Loaded, SavedRegion, SavedVehicle, StoredPing
from tracker.stores import sqlite_reads as reads
from tracker.stores.sqlite_files import FILE, Lock, copy, folder, sync
from tracker.stores.sqlite_rows import hot_rows, text, vehicle_rows
from tracker.stores.sqlite_schema import BUSY_MS, connect, migrate, prepare

READERS = 4
CHECKPOINT_BYTES = 4 << 20  #: the log is moved into the file between two commits once it is this long
TIDY_AFTER = 200  #: small commits, or a tenth as many as pings, before somebody looks how long the log is
WAL_LIMIT_BYTES = 64 << 20  #: past this, new reads wait until the log could be emptied
PATIENCE_MS = 500  #: how long a commit may wait for readers to let the log be emptied
FULL_BYTES = 1 << 20  #: less room than this is none

T = TypeVar("T")


class Statistics(NamedTuple):
    bytes: int
    log_bytes: int
    free_bytes: int  # on its disk


class SqliteStore:
    def __init__(self, url: str) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="tracker-") if url == "sqlite://:memory:" else None
        self.folder = Path(self._temporary.name) if self._temporary else folder(url)
        self.path = self.folder / FILE
        self._log = self.folder / f"{FILE}-wal"
        self._lock = Lock(self.folder)
        self._writer: sqlite3.Connection | None = None
        self._last_seq = 0
        self._rows = 0  # of `hot`
        self._block = 0  # the first block of it that is not closed
        self._patient_until = 0  # bytes of log, when somebody kept it from being emptied
        self._untidy = 0  # about how much was written since the log was looked at
        self._failed: StoreError | None = None
        self._closed = False
        self._local = threading.local()
        self._calm = threading.Event()  # cleared while reads wait for the log to be emptied
        self._calm.set()
        self._write_thread = ThreadPoolExecutor(1, "store-writer")
        self._read_threads = ThreadPoolExecutor(READERS, "store-reader")
        self._readers: list[sqlite3.Connection] = []

    # ------------------------------------------------------------------------------------------ open, close

    async def open(self) -> Loaded:
        return await self._on(self._write_thread, self._open)

    def _open(self) -> Loaded:
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True)
            sync(self.folder.parent)
        self._lock.take()
        try:
            return reads.load(self._connection())
        except BaseException:
            self._drop()
            self._lock.release()
            raise

    async def load(self) -> Loaded:
        return await self._read(reads.load)

    async def close(self) -> None:
        if self._closed:
            return
        last = asyncio.get_running_loop().run_in_executor(self._write_thread, self._close)  # after what was asked
        self._closed = True
        await last
        self._write_thread.shutdown()

    def _close(self) -> None:
        self._read_threads.shutdown()
        for reader in self._readers:
            reader.close()
        self._drop()
        self._lock.release()
        if self._temporary:
            self._temporary.cleanup()

    # ---------------------------------------------------------------------------------------------- writing

    async def commit(self, commit: Commit) -> list[Event]:
        return await self._on(self._write_thread, self._commit, commit)

    def _commit(self, commit: Commit) -> list[Event]:
        try:
            events = self._write(self._connection(), commit)
        except BaseException as error:
            self._failed = self._lost(error)
            raise
        self._failed = None
        self._rows += len(commit.pings)
        self._untidy += 1 + len(commit.pings) // 10
        if self._untidy >= TIDY_AFTER:
            self._write_thread.submit(self._tidy)  # after the answer, before the next commit
        return events

    def _write(self, connection: sqlite3.Connection, commit: Commit) -> list[Event]:
        events = self._numbered(connection, commit.events)
        vehicles, states = vehicle_rows(commit.vehicles)
        connection.execute(
            "INSERT INTO tx VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                text(hot_rows(commit.pings)),
                text(vehicles),
                states,
                text([(event.seq, event) for event in events]),
                text([(saved.id, saved.version, saved.updated_at, saved.feature) for saved in commit.regions]),
                text(commit.registered),
                text(commit.unregistered),
                text(commit.acked),
                text(commit.meta),
            ),
        )
        if events:
            self._last_seq = events[-1].seq
        return events

    def _numbered(self, connection: sqlite3.Connection, events: list[Event]) -> list[Event]:
        if not events:
            return []
        known = reads.known_ids(connection, [event.id for event in events])
        numbered: list[Event] = []
        seq = self._last_seq
        for event in events:
            if event.id not in known:
                known.add(event.id)
                seq += 1
                numbered.append(msgspec.structs.replace(event, seq=seq))
        return numbered

    def _connection(self) -> sqlite3.Connection:
        """The writer's connection, opened again after it failed."""
        if self._writer is None:
            connection = connect(self.path, write=True)
            try:
                migrate(connection, self.path)
                prepare(connection)
                self._last_seq = reads.last_seq(connection)
                self._rows, self._block = reads.rows_and_blocks(connection)
            except BaseException:
                connection.close()
                raise
            self._writer = connection
        return self._writer

    def _drop(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _tidy(self) -> None:
        """What a commit leaves for the time after its answer: close full blocks, move the log into the file."""
        if self._writer is None:
            return
        self._untidy = 0
        try:
            self._close_blocks(self._writer)
            self._checkpoint(self._writer)
        except sqlite3.Error as error:
            self._lost(error)  # nothing is lost by it: it is tried again after the next commit

    def _close_blocks(self, connection: sqlite3.Connection) -> None:
        while (self._block + 1) << reads.BLOCK_BITS <= self._rows:
            first, end = self._block << reads.BLOCK_BITS, (self._block + 1) << reads.BLOCK_BITS
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "INSERT INTO zones SELECT ?, n, min(t), max(t) FROM hot WHERE row >= ? AND row < ? GROUP BY n",
                (self._block, first, end),
            )
            connection.execute(
                "INSERT INTO blocks SELECT ?, min(t), max(t), max(received) FROM hot WHERE row >= ? AND row < ?",
                (self._block, first, end),
            )
            connection.execute("COMMIT")
            self._block += 1

    def _checkpoint(self, connection: sqlite3.Connection) -> None:
        size = self._log.stat().st_size
        if size < CHECKPOINT_BYTES:
            return
        if size < max(WAL_LIMIT_BYTES, self._patient_until):
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            return
        self._calm.clear()  # readers that follow each other without a gap would let the log grow for ever
        connection.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        try:
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            self._calm.set()
            connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        # A reader in another process (a backup) may take its time: then it is not asked again at every commit.
        self._patient_until = 2 * size if busy else 0

    def _lost(self, error: BaseException) -> StoreError:
        """What an exception of the writer means; its connection is not trusted after anything but a full disk."""
        failure = self._meaning(error)
        if not isinstance(failure, StoreFull) or self._writer is None or self._writer.in_transaction:
            self._drop()
        return failure

    def _meaning(self, error: BaseException) -> StoreError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and self._is_full()):
            return StoreFull(
                f"No room left for {self.path}. Nothing of this was stored; free some space and repeat it."
            )
        return StoreError(f"The store could not do this ({error}). Nothing was changed; try again.")

    def _is_full(self) -> bool:
        disk = os.statvfs(self.folder)
        return disk.f_bavail * disk.f_frsize < FULL_BYTES

    # ---------------------------------------------------------------------------------------------- reading

    async def reload(self, vehicles: list[str]) -> list[SavedVehicle]:
        return await self._read(reads.vehicles, vehicles)

    async def fixes_at(self, wanted: list[tuple[int, int]]) -> dict[tuple[int, int], tuple[float, float]]:
        return await self._read(reads.fixes_at, wanted) if wanted else {}

    async def track(self, n: int, since: int, until: int, after: int | None, limit: int) -> list[StoredPing]:
        return await self._read(reads.track, n, since, until, after, limit)

    async def pings_since(self, received_at: int, after_row: int, limit: int) -> list[tuple[int, StoredPing, str]]:
        return await self._read(reads.pings_since, received_at, after_row, limit)

    async def events(self, query: EventQuery) -> list[Event]:
        return await self._read(reads.events, query)

    async def event(self, id: str) -> Event | None:
        return await self._read(reads.event, id)

    async def last_seq(self) -> int:
        return await self._read(reads.last_seq)

    async def region_version(self, id: str, version: int) -> SavedRegion | None:
        found = await self._read(reads.region_versions, id, version)
        return found[0] if found else None

    async def region_versions(self, id: str) -> list[SavedRegion]:
        return await self._read(reads.region_versions, id)

    async def newest_versions(self, ids: list[str]) -> dict[str, int]:
        return await self._read(reads.newest_versions, ids) if ids else {}

    async def ping(self) -> None:
        await self._on(self._write_thread, self._ping)

    def _ping(self) -> None:
        connection = self._connection()
        if self._failed is None:
            connection.execute("SELECT 1").fetchone()
            return
        if isinstance(self._failed, StoreFull) and self._is_full():
            raise self._failed
        version = connection.execute("PRAGMA user_version").fetchone()[0]  # only a write tells if writing works again
        connection.execute(f"PRAGMA user_version = {version}")
        self._failed = None

    def statistics(self) -> Statistics:
        disk = os.statvfs(self.folder)
        size, log_size = (os.path.getsize(path) if path.exists() else 0 for path in (self.path, self._log))
        return Statistics(size, log_size, disk.f_bavail * disk.f_frsize)

    async def backup(self, path: str) -> None:
        await self._on(self._read_threads, copy, self.path, Path(path))

    async def _read(self, question: Callable[..., T], *values: Any) -> T:
        return await self._on(self._read_threads, self._ask, question, values)

    def _ask(self, question: Callable[..., T], values: tuple[Any, ...]) -> T:
        self._calm.wait()
        reader: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = self._local.reader = connect(self.path)
            self._readers.append(reader)
        return question(reader, *values)

    async def _on(self, threads: ThreadPoolExecutor, call: Callable[..., T], *values: Any) -> T:
        if self._closed:
            raise StoreError("The store is closed.", "store_closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, call, *values)
        except (sqlite3.Error, OSError) as error:
            raise self._meaning(error) from error
