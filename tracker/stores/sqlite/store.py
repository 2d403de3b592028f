"""The store in one SQLite file: one writer thread, a few reading threads, nobody waits for the other."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import tempfile
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from tracker.config import folder_of
from tracker.errors import StoreError, StoreFull, StoreUnusable
from tracker.model.change import Acked
from tracker.model.columns import Columns, Heard, Tracks
from tracker.model.commit import Commit, Loaded, SavedRegion, SavedVehicle, StoredPing
from tracker.model.events import Event, erased
from tracker.model.outline import Excerpt, Look, Spells
from tracker.model.records import Audit, Record
from tracker.stores import ANY_TIME, AuditQuery, Box, EventQuery, StoredDay, logged, memory
from tracker.stores.sqlite import happened, reads, states
from tracker.stores.sqlite.damage import look_at_file, look_at_log
from tracker.stores.sqlite.faults import at_start, is_full, meaning, no_room, room
from tracker.stores.sqlite.files import FILE, Lock, State, copy, keep_from_others, sync
from tracker.stores.sqlite.past import compaction, heard, hot, keeping, lean, log, packed, questions, spells, tracks
from tracker.stores.sqlite.past.looked import excerpts
from tracker.stores.sqlite.past.near import near
from tracker.stores.sqlite.presence import REMEDY, Fault, Presence, look_first
from tracker.stores.sqlite.rows import text, text_pieces
from tracker.stores.sqlite.schema import BUSY_MS, connect, make_shrinkable, migrate, prepare, rewrite_version
from tracker.turns.jobs import Job
from tracker.turns.slices import ahead

READERS = 4
CHECKPOINT_BYTES = 4 << 20  #: the log is moved into the file between two commits once it is this long
PUT_AFTER = 50_000  #: states that wait at most: what a start after a crash has to read
TIDY_AFTER = 200  #: small commits, or a tenth as many as pings, before somebody looks how long the log is
WAL_LIMIT_BYTES = 64 << 20  #: past this, new reads wait until the log could be emptied
PATIENCE_MS = 500  #: how long a commit may wait for readers to let the log be emptied
COMPACT_S = 60  #: how often somebody looks whether a quarter of an hour is over
LOOK_S = 0.4  #: how often somebody looks whether the files are still there

logger = logging.getLogger("tracker.store")

T = TypeVar("T")


NO_PINGS: tuple[None, ...] = (None,) * 9  #: what a commit without pings adds to the log


class Statistics(NamedTuple):
    bytes: int
    log_bytes: int
    free_bytes: int  # on its disk
    gone: bool  # a file it writes to is not there any more


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        if connection.in_transaction:
            connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


class SqliteStore:
    days_at_once = 10

    def __init__(self, url: str, *, accept_loss: bool = False) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="tracker-") if url == "sqlite://:memory:" else None
        self.folder = Path(self._temporary.name) if self._temporary else folder_of(url)
        self.path = self.folder / FILE
        self._log = self.folder / f"{FILE}-wal"
        self._lock = Lock(self.folder)
        self._presence = Presence(self.folder)
        self._accept_loss = accept_loss
        self._gone: StoreUnusable | None = None  # what we write to is not what a restart would find
        self._writer: sqlite3.Connection | None = None
        self._last_seq = 0
        self._row = 0  # of the newest ping
        self._waiting = states.Waiting()
        self._happened: dict[str, Event] = {}  # by id, ascending: those that are not in `events` yet
        self._patient_until = 0  # bytes of log, when somebody kept it from being emptied
        self._packing = asyncio.Lock()  # plans that are made beside the writer must not overtake each other
        self._remembers = False  # what was erased may still be in the log
        self._erased = 0  # how often somebody was: what was read before is not written any more
        self._untidy = 0  # about how much was written since the log was looked at
        self._failed: StoreError | None = None
        self._damage: StoreError | None = None  # somebody read a page that is not what was written
        self._closed = False
        self._local = threading.local()
        self._calm = threading.Event()  # cleared while reads wait for the log to be emptied
        self._calm.set()
        self._write_thread = ThreadPoolExecutor(1, "store-writer")
        self._read_threads = ThreadPoolExecutor(READERS, "store-reader")
        self._readers: list[sqlite3.Connection] = []
        self._spare: list[sqlite3.Connection] = []  # of them, those no thread has taken yet

    # ------------------------------------------------------------------------------------------ open, close

    async def open(self) -> Loaded:
        return await self._on(self._write_thread, self._open)

    def _open(self) -> Loaded:
        with at_start(self.path):
            if not self.folder.is_dir():
                self.folder.mkdir(mode=0o700, parents=True)
                sync(self.folder.parent)
            try:
                self._lock.take_lock()
                look_first(self.folder, self._lock, accept_loss=self._accept_loss)
                look_at_log(self.path, accept_loss=self._accept_loss)
                loaded = reads.load(self._connection())
                self._spare = [self._reader() for _ in range(READERS)]
                keep_from_others(self.path)
            except BaseException:
                self._end_connections()
                self._lock.release()
                raise
        return loaded

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
        self._look()
        self._end_connections()
        self._lock.release()
        if self._temporary:
            self._temporary.cleanup()

    def _end_connections(self) -> None:
        """The last to be closed moves the log into the file: never into one that is not its own."""
        if self._gone is not None:
            self._drop()
        for reader in self._readers:
            reader.close()
        if self._writer is not None:
            self._settle(self._writer)
        self._drop()
        self._presence.release()

    def _settle(self, connection: sqlite3.Connection) -> None:
        """Everything into tracker.db; then the log may go."""
        with contextlib.suppress(sqlite3.Error):
            if self._waiting:
                self._waiting.put_all(connection)
            self._put_events(connection)
        with contextlib.suppress(sqlite3.Error, OSError):
            busy, frames, moved = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if not busy and frames == moved:
                self._lock.note(State.STOPPED)

    # ----------------------------------------------------------------------------------- are the files still there

    async def does_chores(self) -> bool:
        return True

    def jobs(self) -> list[Job]:
        return [
            Job("look for the store's files", LOOK_S, self.look),
            Job("compact", COMPACT_S, self.compact, at_once=True),
        ]

    async def look(self, _now: int = 0) -> None:
        if not self._closed:
            await asyncio.get_running_loop().run_in_executor(self._write_thread, self._look_and_forget)

    def _look_and_forget(self) -> None:
        self._look()
        if self._remembers:
            self._forget()

    def _look(self) -> None:
        if self._writer is not None and self._gone is None and (fault := self._presence.fault()) is not None:
            self._lose(fault)

    def _lose(self, fault: Fault) -> StoreUnusable:
        """Never again a 2xx. Reading goes on through the open files, which are never opened again."""
        rescued = ""
        if fault.harmless and self._writer is not None:
            self._settle(self._writer)
            if self._lock.state is State.STOPPED:
                rescued = f" All that was acknowledged is in {self.path}."
        elif fault.spoilt:
            with contextlib.suppress(OSError):
                self._lock.note(State.SPOILT)
        self._gone = StoreUnusable(f"{fault.what}{rescued} {REMEDY}", "store_gone")
        logger.critical("%s", self._gone)
        return self._gone

    # ---------------------------------------------------------------------------------------------- writing

    async def commit(self, commit: Commit) -> list[Event]:
        assert not any(event.seq for event in commit.events), "numbers are given here"
        return await self._on(self._write_thread, self._commit, commit)

    async def number_events(self) -> list[Event]:
        """`commit` numbers what it stores: nothing is ever left."""
        nothing: asyncio.Future[list[Event]] = asyncio.get_running_loop().create_future()
        return await nothing

    def _commit(self, commit: Commit) -> list[Event]:
        try:
            connection = self._connection()
            self._check_presence()
            events = self._write(connection, commit)
            self._check_presence(written=True)
        except StoreUnusable:
            raise
        except BaseException as error:
            self._failed = self._lost(error)
            raise
        self._failed = None
        if commit.erased or commit.unregistered:
            self._remembers = True
            self._forget()
        self._row += len(commit.pings)
        self._untidy += 1 + len(commit.pings) // 10
        if self._untidy >= TIDY_AFTER or len(self._happened) >= happened.PUT_AFTER:
            self._write_thread.submit(self._tidy)  # after the answer, before the next commit
        return events

    def _check_presence(self, *, written: bool = False) -> None:
        if (fault := self._presence.fault(written=written)) is not None:
            raise self._lose(fault)
        if written:
            self._presence.grown()

    def _write(self, connection: sqlite3.Connection, commit: Commit) -> list[Event]:
        if commit.room and room(self.path) < commit.room:
            raise no_room(self.path)
        if commit.acked or commit.erased:  # they are looked for where all others are
            self._put_events(connection)
        events = self._numbered(connection, commit.events)
        kept = [erased(event) if event.vehicle in commit.erased else event for event in events]
        pieces = text_pieces((saved.id, saved.version, saved.updated_at, saved.feature) for saved in commit.regions)
        regions, more = next(pieces, None), next(pieces, None)
        if more is None and not commit.erased:
            self._insert(connection, commit, kept, regions, commit.vehicles)
        else:
            with _transaction(connection):
                while more is not None:
                    connection.execute("INSERT INTO tx(regions) VALUES (?)", (regions,))
                    regions, more = more, next(pieces, None)
                if commit.erased:
                    self._erase(connection, commit, kept, regions)
                else:
                    self._insert(connection, commit, kept, regions, commit.vehicles)
        if commit.erased:
            self._waiting.none_is_left()
        else:
            self._waiting.take_states(commit.vehicles)
        if events:
            self._last_seq = events[-1].seq
            self._happened |= {event.id: event for event in kept}  # at once: others look at it
        return events

    def _put_events(self, connection: sqlite3.Connection) -> None:
        """Those that wait. Who reads meanwhile takes what waits first, so that nothing is missed."""
        if self._happened:
            with _transaction(connection):
                happened.put(connection, self._happened.values())
            self._happened = {}

    def _insert(
        self,
        connection: sqlite3.Connection,
        commit: Commit,
        events: list[Event],
        regions: str | None,
        vehicles: list[SavedVehicle],
    ) -> None:
        waiting = self._waiting.newest
        connection.execute(
            f"INSERT INTO tx VALUES ({', '.join('?' * 23)})",
            (
                *((self._row + 1, *logged.pack(commit.pings)) if commit.pings else NO_PINGS),
                text([(saved.n, saved.vehicle) for saved in vehicles if saved.n not in waiting]),
                *self._waiting.place,
                states.pack(vehicles),
                *happened.pack(events),
                regions,
                text(commit.registered),
                text(commit.unregistered),
                text(commit.acked),
                text(commit.meta),
                text(commit.erased),
                text([(one.kind, one.key, one.version, one.body, one.lasting) for one in commit.records]),
                text(commit.audit),
            ),
        )

    def _erase(self, connection: sqlite3.Connection, commit: Commit, events: list[Event], regions: str | None) -> None:
        """Of these vehicles nothing stays, also of what this commit says of them."""
        states.put(connection, self._waiting.all_with(commit.vehicles))
        states.forget(connection)
        numbers = reads.numbers_of(connection, commit.erased)
        self._insert(connection, commit, events, regions, [])
        self._erased += 1
        for place in (log, hot, packed, keeping):
            place.erase(connection, numbers)

    def _numbered(self, connection: sqlite3.Connection, events: list[Event]) -> list[Event]:
        if not events:
            return []
        ids = [event.id for event in events]
        known = reads.known_ids(connection, ids).union(self._happened.keys() & ids)
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
        if self._gone is not None:
            raise self._gone
        if self._writer is None:
            if self._presence.known:
                self._check_presence(written=True)
            connection = connect(self.path, write=True)
            last = connect(
                self.path
            )  # closed after it: a writer that is the last one deletes the log, also a damaged one
            try:
                reads.one(last, "SELECT count(*) FROM sqlite_schema")
                if not self._presence.known:
                    look_at_file(connection, self.path, accept_loss=self._accept_loss)
                migrate(connection, self.path)
                if not self._presence.known:
                    make_shrinkable(connection, self.path)
                prepare(connection)
                self._begin_log(connection)
                self._last_seq = reads.last_seq(connection)
                self._row = log.last_row(connection)
                self._waiting = states.Waiting(connection)
                self._happened = happened.waiting(connection)
            except BaseException:
                connection.close()
                raise
            finally:
                last.close()
            self._writer = connection
        return self._writer

    def _begin_log(self, connection: sqlite3.Connection) -> None:
        """From here on a start without a log is a loss: so there is one before the lock says so."""
        if self._presence.known:
            return
        if not (self._log.is_file() and self._log.stat().st_size):
            rewrite_version(connection)
        self._presence.remember()
        self._lock.note(State.RUNNING, self.path.stat().st_ino)

    def _drop(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _tidy(self) -> None:
        """What a commit leaves for the time after its answer: put states in their place, move the log into the file."""
        self._look()
        if self._writer is None or self._gone is not None:
            return
        self._untidy = 0
        try:
            if (self._waiting.moving or self._waiting.count >= PUT_AFTER) and self._waiting.put_some(self._writer):
                self._write_thread.submit(self._tidy)  # after the commits that came meanwhile
            if len(self._happened) >= happened.PUT_AFTER:
                self._put_events(self._writer)
            self._checkpoint(self._writer)
        except sqlite3.Error as error:
            self._lost(error)  # nothing is lost by it: it is tried again after the next commit
        finally:
            self._presence.moved()

    def _checkpoint(self, connection: sqlite3.Connection) -> None:
        size = self._log.stat().st_size
        if size < CHECKPOINT_BYTES:
            return
        if size < max(WAL_LIMIT_BYTES, self._patient_until):
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            return
        with self._without_readers(connection):
            # not TRUNCATE: a log that is empty beside a lock that says "running" is a loss
            busy = connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0]
        # A reader in another process (a backup) may take its time: then it is not asked again at every commit.
        self._patient_until = 2 * size if busy else 0

    @contextlib.contextmanager
    def _without_readers(self, connection: sqlite3.Connection) -> Iterator[None]:
        """Those that follow each other without a gap would keep the log from being emptied for ever."""
        self._calm.clear()
        connection.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        try:
            yield
        finally:
            self._calm.set()
            connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")

    def _forget(self) -> None:
        """What was erased leaves the log as well; where somebody reads in it for long, as soon as that ends."""
        if self._writer is None or self._gone is not None:
            return
        connection = self._writer
        try:
            with self._without_readers(connection):
                if connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0]:
                    return
                self._lock.note(State.STOPPED)  # all is in tracker.db: a start needs no log
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            rewrite_version(connection)
            self._lock.note(State.RUNNING, self.path.stat().st_ino)
            self._remembers = False
        except (sqlite3.Error, OSError) as error:
            self._lost(error)
        finally:
            self._presence.moved()

    def _lost(self, error: BaseException) -> StoreError:
        """What an exception of the writer means; its connection is not trusted after anything but a full disk."""
        failure = meaning(error, self.path)
        self._presence.moved()  # what failed may have written
        if not isinstance(failure, StoreFull) or self._writer is None or self._writer.in_transaction:
            self._drop()
        return failure

    # ------------------------------------------------------------------------------------------- compaction

    async def compact(self, now: int) -> None:
        """Pack what came before the quarter of an hour that lasts (see compaction.py)."""
        if self._gone is not None or self._closed:
            return
        async with self._packing:
            until = await self._read(compaction.closed, now)
            while await self._compact_slice(until):
                await self._on(self._read_threads, memory.give_back)
            while await self._tidy_days(now):
                pass
            for some in (compaction.drop, compaction.give_back):
                while await self._on(self._write_thread, self._change, some):
                    pass

    async def _compact_slice(self, until: int) -> bool:
        erased = self._erased
        part = await self._read(compaction.plan, until)
        if part is None:
            return False
        for group in part.groups:
            for portion in await self._read(compaction.portions, part, group):
                piece = await self._read(compaction.pack, portion)
                if not await self._on(self._write_thread, self._change_as_planned, erased, compaction.write, piece):
                    return True
        await self._on(self._write_thread, self._change_as_planned, erased, compaction.move, part.below)
        while await self._on(self._write_thread, self._change, compaction.drop):
            pass
        return True

    async def _tidy_days(self, now: int) -> bool:
        erased = self._erased
        portions = await self._read(compaction.tidying, now)
        for portion in portions:
            piece = await self._read(compaction.pack, portion)
            await self._on(self._write_thread, self._change_as_planned, erased, compaction.write, piece)
        return bool(portions)

    async def thin_day(self, n: int, day: int, stays: Callable[[Columns], Columns]) -> int:
        async with self._packing:
            erased = self._erased
            plan = await self._read(keeping.thin, n, day, stays)
            await self._on(self._write_thread, self._change_as_planned, erased, keeping.write, plan)
            return plan.gone if erased == self._erased else 0

    async def drop_days(self, days: list[tuple[int, int]]) -> int:
        async with self._packing:
            return await self._on(self._write_thread, self._change, keeping.drop, days)

    async def rules_known(self) -> tuple[list[str], int]:
        return await self._read(keeping.rules_known)

    async def note_rules(self, rules: list[str], now: int) -> None:
        await self._on(self._write_thread, self._change, keeping.note_rules, rules, now)

    async def days(self) -> list[StoredDay]:
        return await self._read(keeping.days)

    async def waiting(self) -> int:
        return await self._read(keeping.waiting)

    async def gone(self) -> dict[int, int]:
        return await self._read(keeping.gone)

    def _change_as_planned(self, erased: int, change: Callable[..., None], *values: Any) -> bool:
        """Unless somebody was erased since the plan was made."""
        if erased == self._erased:
            self._change(change, *values)
        return erased == self._erased

    def _change(self, change: Callable[..., T], *values: Any) -> T:
        """A transaction that is no commit: nobody waits for it, and a commit only as long as it takes."""
        connection = self._connection()
        self._check_presence()
        try:
            with _transaction(connection):
                result = change(connection, *values)
        except BaseException as error:
            self._lost(error)
            raise
        self._check_presence(written=True)
        self._untidy += TIDY_AFTER // 8
        if self._untidy >= TIDY_AFTER:
            self._tidy()
        return result

    # ---------------------------------------------------------------------------------------------- reading

    async def reload(self, vehicles: list[str]) -> list[SavedVehicle]:
        return await self._read(reads.vehicles, vehicles)

    async def fixes_at(self, wanted: list[tuple[int, int]]) -> dict[tuple[int, int], tuple[float, float]]:
        return await self._read(questions.fixes_at, wanted) if wanted else {}

    async def track(self, n: int, since: int, until: int, after: int | None, limit: int) -> list[StoredPing]:
        return await self._read(questions.track, n, since, until, after, limit)

    async def columns(self, n: int, since: int, until: int) -> Columns:
        return await self._read(questions.columns, n, since, until)

    async def fixes(self, wanted: list[tuple[int, int, int]]) -> list[Columns]:
        return await self._read(lean.fixes, wanted) if wanted else []

    async def heard(self, numbers: Sequence[int], since: int, until: int) -> list[Heard]:
        return await self._read(heard.heard, list(numbers), since, until) if numbers else []

    async def excerpts(self, wanted: list[tuple[int, int, int]], look: Look) -> list[Excerpt]:
        return await self._read(excerpts, wanted, look) if wanted else []

    async def tracks(
        self, shares: Sequence[Sequence[int]], since: int, until: int, look: Callable[[int, Tracks], T]
    ) -> AsyncGenerator[T, None]:
        recent = await self._read(tracks.recent, [n for share in shares for n in share], since, until)

        def read(connection: sqlite3.Connection, at: int) -> T:
            return look(at, tracks.tracks(connection, shares[at], since, until, recent))

        async with contextlib.aclosing(ahead(lambda at: self._read(read, at), range(len(shares)))) as found:
            async for made in found:
                yield made

    async def spells(
        self, shares: Sequence[Sequence[int]], since: int, until: int, silent_ms: int, look: Callable[[int, Spells], T]
    ) -> AsyncGenerator[T, None]:
        recent = await self._read(tracks.recent, [n for share in shares for n in share], since, until)

        def read(connection: sqlite3.Connection, at: int) -> T:
            return look(at, spells.spells(connection, shares[at], since, until, silent_ms, recent))

        async with contextlib.aclosing(ahead(lambda at: self._read(read, at), range(len(shares)))) as found:
            async for made in found:
                yield made

    async def arrivals(
        self,
        since: int,
        until: int,
        numbers: frozenset[int] | None,
        after_row: int,
        limit: int,
        fixes: tuple[int, int] = ANY_TIME,
    ) -> list[tuple[int, StoredPing, str]]:
        return await self._read(questions.arrivals, since, until, numbers, after_row, limit, fixes)

    async def pings_since(self, received_at: int, after_row: int, limit: int) -> list[tuple[int, StoredPing, str]]:
        return await self._read(questions.pings_since, received_at, after_row, limit)

    async def passed(self, box: Box, received_at: int, most: int) -> set[int]:
        return await self._read(questions.passed, box, received_at, most)

    async def near(self, boxes: list[Box], since: int, until: int) -> dict[int, list[tuple[int, int]]]:
        return await self._read(near, boxes, since, until)

    def _waiting_events(self, _connection: sqlite3.Connection) -> dict[str, Event]:
        """Those that `events` may not have yet."""
        return dict(self._happened)

    async def events(self, query: EventQuery) -> list[Event]:
        return await self._read(reads.events, query, self._waiting_events)

    async def event(self, id: str) -> Event | None:
        return await self._read(reads.event, id, self._waiting_events)

    async def last_seq(self) -> int:
        return await self._read(reads.last_seq)

    async def first_seq(self) -> int:
        return await self._read(reads.first_seq)

    async def acknowledged(self, since: int, after: int, limit: int) -> list[tuple[Acked, Event]]:
        return await self._read(reads.acknowledged, since, after, limit)

    async def number(self, vehicle: str) -> int | None:
        return await self._read(reads.number, vehicle)

    async def numbers(self) -> dict[str, int]:
        return await self._read(reads.numbers)

    async def region_version(self, id: str, version: int) -> SavedRegion | None:
        found = await self._read(reads.region_versions, id, version)
        return found[0] if found else None

    async def region_versions(self, id: str) -> list[SavedRegion]:
        return await self._read(reads.region_versions, id)

    async def region_log(self, after: tuple[int, str, int], limit: int) -> list[SavedRegion]:
        return await self._read(reads.region_log, after, limit)

    async def regions_then(
        self, since: int, until: int, ids: list[str] | None, after: tuple[str, int], limit: int
    ) -> list[tuple[SavedRegion, int | None]]:
        return await self._read(reads.regions_then, since, until, ids, after, limit)

    async def versions_of(self, id: str) -> list[tuple[int, int, bool]]:
        return await self._read(reads.versions_of, id)

    async def newest_versions(self, ids: list[str]) -> dict[str, int]:
        return await self._read(reads.newest_versions, ids) if ids else {}

    async def audit(self, query: AuditQuery) -> list[Audit]:
        return await self._read(reads.audit, query)

    async def record_versions(self, kind: str, key: str) -> list[Record]:
        return await self._read(reads.record_versions, kind, key)

    async def ping(self) -> None:
        await self._on(self._write_thread, self._ping)

    def _ping(self) -> None:
        connection = self._connection()
        self._check_presence()
        if self._damage is not None:
            raise self._damage
        if self._failed is None and not is_full(self.path):
            connection.execute("SELECT 1").fetchone()
            return
        if isinstance(self._failed, StoreFull) and is_full(self.path):
            raise self._failed
        try:
            rewrite_version(connection)  # only a write tells if writing works
            self._failed = None
        finally:
            self._presence.grown()

    def statistics(self) -> Statistics:
        size, log_size = (os.path.getsize(path) if path.exists() else 0 for path in (self.path, self._log))
        try:
            disk = os.statvfs(self.folder)
        except OSError:  # it is gone, and the metrics go on
            return Statistics(size, log_size, 0, True)
        return Statistics(size, log_size, disk.f_bavail * disk.f_frsize, self._gone is not None)

    async def backup(self, path: str) -> None:
        await self._on(self._read_threads, copy, self.path, Path(path))

    async def _read(self, question: Callable[..., T], *values: Any) -> T:
        return await self._on(self._read_threads, self._ask, question, values)

    def _ask(self, question: Callable[..., T], values: tuple[Any, ...]) -> T:
        self._calm.wait()
        reader: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = self._local.reader = self._spare.pop()
        return question(reader, *values)

    def _reader(self) -> sqlite3.Connection:
        """Opened with the store, down to its log: what is under these names later may be something else."""
        reader = connect(self.path)
        self._readers.append(reader)
        reads.last_seq(reader)
        return reader

    async def _on(self, threads: ThreadPoolExecutor, call: Callable[..., T], *values: Any) -> T:
        if self._closed:
            raise StoreError("The store is closed.", "stopping")
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, call, *values)
        except (sqlite3.Error, OSError, msgspec.MsgspecError) as error:
            fault = meaning(error, self.path)
            if fault.code == "store_damaged":
                self._damage = fault
            raise fault from error
