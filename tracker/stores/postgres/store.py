"""The store in a PostgreSQL database: a commit is one call of one function there, a few connections read."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec

from tracker.errors import StoreError, StoreLocked, StoreUnusable, TrackerError
from tracker.model.change import Acked
from tracker.model.columns import Columns, Heard, Tracks
from tracker.model.commit import Commit, Loaded, SavedRegion, SavedVehicle, StoredPing
from tracker.model.events import Event, erased
from tracker.model.outline import Excerpt, Look, Spells
from tracker.model.records import Audit, Record
from tracker.stores import ANY_TIME, AuditQuery, Box, EventQuery, StoredDay, backup_store, logged
from tracker.stores.arrived import Asked
from tracker.stores.packing import DAY_MS
from tracker.stores.postgres import packing, past, reads
from tracker.stores.postgres.faults import is_cut, meaning, shared, taken
from tracker.stores.postgres.schema import migrate
from tracker.stores.postgres.url import Place, place_of
from tracker.turns.jobs import Job
from tracker.turns.slices import batched

if TYPE_CHECKING:
    from asyncpg import Connection, Pool

READERS = 4
CONNECT_S = 10
STATEMENT_S = 30  #: a statement that takes longer has met a fault
IDLE_S = 30  #: a transaction of ours that says nothing for so long holds back numbers and vacuum: it is ended
COMPACT_S = 60  #: how often somebody looks whether a quarter of an hour is over
TIDY_MS = 2 * DAY_MS  #: how long ago the parts of a day came that is just over, at most
ROWS = 32  #: days of vehicles that go in one transaction, where their tables stay
NUMBERED = 1000  #: events that get their numbers at once
SOON_S, LATER_S = 0.005, 0.2  #: how long until events are looked for again that another transaction may precede

#: What returned is on the disk, whatever is usual there; who waits for a standby as well goes on doing so.
DURABLE = """SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"""

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode


class Statistics(NamedTuple):
    bytes: int  # as of a minute ago at most
    gone: bool  # another server has taken it
    numbering_s: float  # since when events have been waiting for their numbers

    @property
    def log_bytes(self) -> int:
        """It is the whole cluster's."""
        return 0

    @property
    def free_bytes(self) -> None:
        """Its disk is another machine's."""


async def connect(place: Place, **more: str) -> Connection:
    import asyncpg

    settings = {
        "application_name": "tracker",
        "search_path": place.quoted,
        "timezone": "UTC",
        "statement_timeout": f"{STATEMENT_S}s",
        "idle_in_transaction_session_timeout": f"{IDLE_S}s",
        **more,
    }
    made = await asyncpg.connect(place.dsn, timeout=CONNECT_S, command_timeout=STATEMENT_S, server_settings=settings)
    await made.execute(DURABLE)
    return made


async def take_lock(connection: Connection, place: Place) -> bool:
    """For as long as the connection lasts."""
    sql = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
    return bool(await connection.fetchval(sql, f"{place.schema} server"))


class PostgresStore:
    days_at_once = 1 << 17  #: all of a fleet's: they go with their table

    def __init__(self, url: str) -> None:
        self.url = url
        self.place = place_of(url)
        self._keeper: Connection | None = None  # holds the lock for as long as it lasts
        self._writer: Connection | None = None
        self._readers: Pool | None = None
        self._epoch = 0
        self._commits = 0  # of this epoch
        self._closed = False
        self._gone: StoreUnusable | None = None
        self._one_commit = asyncio.Lock()  # at a time, in the order they were asked for
        self._packing = asyncio.Lock()  # what is read to be packed is not erased meanwhile
        self._unnumbered = asyncio.Event()  # there may be events that are durable only
        self._heard = 0  # the newest number that was told
        self.deed = 0  # the newest there was then, where several nodes write
        self._held_since: float | None = None  # steady: a transaction may come before those that wait
        self._bytes = 0
        self._tidy = 0  # days of which nothing came since then are in one part, as far as they can be (ms)

    # ------------------------------------------------------------------------------------------ open, close

    async def open(self) -> Loaded:
        try:
            return await self._begin()
        except BaseException as error:
            await self._end()
            if isinstance(error, Exception):
                raise meaning(error, self.place) from error
            raise

    async def _begin(self) -> Loaded:
        await self._take()
        await self._open_readers()
        loaded = await self._read(reads.load)
        self._heard = loaded.last_seq
        self._unnumbered.set()  # of a run before
        return loaded

    async def _take(self) -> None:
        """The lock, the newest tables, and an epoch of our own. Raises StoreLocked."""
        self._keeper = await connect(self.place)
        if not await take_lock(self._keeper, self.place):
            if await reads.is_shared(self._keeper):
                raise shared(self.place)
            raise StoreLocked(
                f"Another server uses {self.place}. Stop it first, or choose another with --store "
                "(with a --bus they would share it)."
            )
        await migrate(self._keeper, self.place)
        self._epoch = await self._keeper.fetchval("SELECT take_store()")
        await self._keeper.execute("SELECT adopt_rows()")

    async def _keep(self) -> None:
        """The lock ends with its connection. While it is not held another server may begin: then our epoch is over."""
        if self._keeper is not None and self._keeper.is_closed():
            keeper = await connect(self.place)
            if not await take_lock(keeper, self.place):
                keeper.terminate()
                raise taken(self.place)
            self._keeper = keeper

    async def _open_readers(self) -> None:
        import asyncpg

        self._readers = asyncpg.create_pool(
            min_size=1,
            max_size=READERS,
            # planned for the days that are asked for: of all others the tables are not looked at
            connect=lambda *_args, **_more: connect(self.place, plan_cache_mode="force_custom_plan"),
            command_timeout=STATEMENT_S,
        )
        await self._readers

    async def load(self) -> Loaded:
        return await self._read(reads.load)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        async with self._one_commit, self._packing:
            await self._end()

    async def _end(self) -> None:
        for connection in (self._writer, self._keeper):
            if connection is not None:
                with contextlib.suppress(Exception):
                    await connection.close(timeout=1)
        self._writer = self._keeper = None
        if self._readers is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._readers.close(), 5)
            self._readers = None

    def jobs(self) -> list[Job]:
        return [
            Job("compact", COMPACT_S, self.compact, at_once=True),
            Job("measure the store", COMPACT_S, self._measure, at_once=True),
        ]

    async def does_chores(self) -> bool:
        return True

    async def _measure(self, _now: int) -> None:
        self._bytes = await self._read(reads.size)

    def statistics(self) -> Statistics:
        held_s = 0.0 if self._held_since is None else time.monotonic() - self._held_since
        return Statistics(self._bytes, self._gone is not None, held_s)

    # ---------------------------------------------------------------------------------------------- writing

    @contextlib.asynccontextmanager
    async def _writing(self) -> AsyncIterator[Connection]:
        """The writer's connection, opened again after it failed; it is not trusted after anything that did."""
        async with self._one_commit:
            self._check()
            try:
                await self._keep()
                if self._writer is None or self._writer.is_closed():
                    self._writer = await connect(self.place)
                yield self._writer
            except BaseException as error:
                fault: TrackerError = meaning(error, self.place)
                if isinstance(fault, StoreUnusable) and fault.code == "store_gone":
                    fault = self._lose(fault)
                broken, self._writer = self._writer, None
                if broken is not None:
                    broken.terminate()
                if isinstance(error, Exception):
                    raise fault from error
                raise

    def _lose(self, fault: StoreUnusable) -> TrackerError:
        self._gone = fault
        return fault

    def _check(self) -> None:
        if self._gone is not None:
            raise self._gone
        if self._closed:
            raise StoreError("The store is closed.", "stopping")

    async def commit(self, commit: Commit) -> list[Event]:
        assert not any(event.seq for event in commit.events), "numbers are given later"
        if commit.erased:
            async with self._packing:
                return await self._commit(commit)
        return await self._commit(commit)

    async def _commit(self, commit: Commit) -> list[Event]:
        async with self._writing() as connection:
            self._commits += 1
            try:
                fresh = await self._call(connection, commit)
            except Exception as error:
                if not is_cut(error, connection):
                    raise
                found = await self._found_out(self._commits)
                if found is None:
                    raise
                fresh = found
                self._writer = None
                connection.terminate()
        events = [commit.events[place - 1] for place in fresh]
        if events:
            self._unnumbered.set()
        gone = set(commit.erased)
        return [erased(event) if event.vehicle in gone else event for event in events]

    async def _call(self, connection: Connection, commit: Commit) -> list[int]:
        """Which of its events are new, by their place from 1."""
        values = (self._name, self._commits, *self._epochs(commit), *_values(commit))
        if not commit.erased:
            fresh: list[int] = await connection.fetchval(COMMIT, *values)
            return fresh
        async with connection.transaction():
            # what came after somebody else erased them is under numbers that are nobody's
            numbers = {saved.n for saved in commit.vehicles if saved.vehicle in commit.erased}
            numbers |= await self._numbers_of(connection, commit.erased)
            fresh = await connection.fetchval(COMMIT, *values)
            numbers |= await self._numbers_of(connection, commit.erased)
            await packing.erase(connection, sorted(numbers))
        return fresh

    @property
    def _name(self) -> str:
        """What its commits are counted under."""
        return str(self._epoch)

    def _epochs(self, _commit: Commit) -> tuple[list[int] | None, list[int]]:
        """Of which parts, and of each the epoch; None: of the whole."""
        return None, [self._epoch]

    async def _found_out(self, number: int) -> list[int] | None:
        """What the answer to a commit was that did not arrive; None: it was not committed, and will not be."""
        until = time.monotonic() + CONNECT_S
        while True:
            try:
                connection = await connect(self.place)
                break
            except Exception:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(LATER_S)
        try:
            fresh: list[int] | None = await connection.fetchval(ANSWER, self._name, number)
            return fresh
        finally:
            connection.terminate()

    async def number_events(self) -> list[Event]:
        pause = SOON_S
        while True:
            await self._unnumbered.wait()
            async with self._writing() as connection:
                self._unnumbered.clear()
                try:
                    rows = await connection.fetch("SELECT * FROM number_events($1, $2)", NUMBERED, self._heard)
                    self.deed, left = await connection.fetchrow(LEFT)
                except BaseException:
                    self._unnumbered.set()
                    raise
            if left or len(rows) == NUMBERED:
                self._unnumbered.set()
            if rows or not left:
                self._held_since = None
            elif self._held_since is None:
                self._held_since = time.monotonic()
            if rows:
                self._heard = rows[-1]["number"]
                return [reads.event_of(*row) for row in rows]
            if left:  # a transaction runs that may come before them
                await asyncio.sleep(pause)
                pause = min(2 * pause, LATER_S)

    # ------------------------------------------------------------------------------------------- compaction

    async def _change(self, change: Callable[..., Awaitable[T]], *values: Any) -> T:
        """A transaction that is no commit. Only who holds the lease makes one."""
        async with self._writing() as connection, connection.transaction():
            await connection.execute("SELECT hold_lease($1)", self._epoch)
            return await change(connection, *values)

    async def compact(self, now: int) -> None:
        async with self._packing:
            until = await self._read(packing.closed, now)
            while change := await self._picture(packing.plan, until):
                await self._change(packing.write, change)
            for days in await self._read(packing.loose, now, self._tidy):
                while change := await self._picture(packing.tidying, days):
                    await self._change(packing.write, change)
            self._tidy = now - TIDY_MS

    async def thin_day(self, n: int, day: int, stays: Callable[[Columns], Columns]) -> int:
        async with self._packing:
            while True:
                change, went = await self._picture(packing.thinned, n, day, stays)
                if not change.gone or await self._change(packing.thin, n, day, change, went):
                    return went

    async def drop_days(self, days: list[tuple[int, int]]) -> int:
        async with self._packing:
            went, left = await self._change(packing.drop_tables, days)
            for some in batched(left, ROWS):
                went += await self._change(packing.drop_days, some)
        return went

    async def note_rules(self, rules: list[str], now: int) -> None:
        await self._change(packing.note_rules, rules, now)

    async def rules_known(self) -> tuple[list[str], int]:
        return await self._read(packing.rules_known)

    async def days(self) -> list[StoredDay]:
        return await self._read(packing.days)

    async def waiting(self) -> int:
        return await self._read(packing.waiting)

    async def gone(self) -> dict[int, int]:
        return await self._read(packing.gone)

    # ---------------------------------------------------------------------------------------------- reading

    async def _read(self, question: Callable[..., Awaitable[T]], *values: Any) -> T:
        self._check_open()
        assert self._readers is not None
        try:
            async with self._readers.acquire(timeout=CONNECT_S) as connection:
                return await question(connection, *values)
        except Exception as error:
            raise meaning(error, self.place) from error

    async def _picture(self, question: Callable[..., Awaitable[T]], *values: Any) -> T:
        """Everything in it is read as of one moment."""

        async def within(connection: Connection) -> T:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return await question(connection, *values)

        return await self._read(within)

    def _check_open(self) -> None:
        if self._closed or self._readers is None:
            raise StoreError("The store is closed.", "stopping")

    async def _numbers_of(self, connection: Connection, vehicles: list[str]) -> set[int]:
        rows = await connection.fetch("SELECT n FROM vehicles WHERE id = ANY($1::text[])", vehicles)
        return {row["n"] for row in rows}

    async def reload(self, vehicles: list[str]) -> list[SavedVehicle]:
        return await self._read(reads.vehicles, vehicles)

    async def fixes_at(self, wanted: list[tuple[int, int]]) -> dict[tuple[int, int], tuple[float, float]]:
        return await self._picture(past.fixes_at, wanted) if wanted else {}

    async def track(self, n: int, since: int, until: int, after: int | None, limit: int) -> list[StoredPing]:
        return await self._picture(past.track, n, since, until, after, limit)

    async def columns(self, n: int, since: int, until: int) -> Columns:
        return await self._picture(past.columns, n, since, until)

    async def fixes(self, wanted: list[tuple[int, int, int]]) -> list[Columns]:
        async def each(connection: Connection) -> list[Columns]:
            return [await past.columns(connection, *one) for one in wanted]

        return await self._picture(each) if wanted else []

    async def excerpts(self, wanted: list[tuple[int, int, int]], look: Look) -> list[Excerpt]:  # noqa: ARG002
        """All of it: it may say so."""
        return [Excerpt.whole(one) for one in await self.fixes(wanted)]

    async def heard(self, numbers: Sequence[int], since: int, until: int) -> list[Heard]:
        return await self._picture(past.heard, list(numbers), since, until) if numbers else []

    async def tracks(
        self, shares: Sequence[Sequence[int]], since: int, until: int, look: Callable[[int, Tracks], T]
    ) -> AsyncGenerator[T, None]:
        async def each(connection: Connection, share: Sequence[int]) -> Tracks:
            return await past.tracks(connection, share, since, until)

        for at, share in enumerate(shares):
            yield await asyncio.to_thread(look, at, await self._picture(each, share))

    async def spells(
        self, shares: Sequence[Sequence[int]], since: int, until: int, silent_ms: int, look: Callable[[int, Spells], T]
    ) -> AsyncGenerator[T, None]:
        def told(at: int, tracks: Tracks) -> T:
            return look(at, past.spells(tracks, since, silent_ms))

        async for made in self.tracks(shares, since, until, told):
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
        asked = Asked(*fixes, came_since=since, came_until=until, after=after_row, numbers=numbers, limit=limit)
        return await self._picture(past.named, asked)

    async def pings_since(self, received_at: int, after_row: int, limit: int) -> list[tuple[int, StoredPing, str]]:
        return await self._picture(past.named, Asked(came_since=received_at, after=after_row, apart=False, limit=limit))

    async def passed(self, box: Box, received_at: int, most: int) -> set[int]:
        return await self._picture(past.passed, box, received_at, most)

    async def near(self, boxes: list[Box], since: int, until: int) -> dict[int, list[tuple[int, int]]]:
        return await self._picture(past.near, boxes, since, until)

    async def events(self, query: EventQuery) -> list[Event]:
        return await self._read(reads.events, query)

    async def event(self, id: str) -> Event | None:
        return await self._read(reads.event, id)

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

    async def record_versions(self, kind: str, key: str) -> list[Record]:
        return await self._read(reads.record_versions, kind, key)

    async def audit(self, query: AuditQuery) -> list[Audit]:
        return await self._read(reads.audit, query)

    async def ping(self) -> None:
        """The smallest transaction there is: it changes nothing, and tells whether writing works."""
        async with self._writing() as connection:
            await connection.execute("SELECT hold_lease($1)", self._epoch)

    async def backup(self, path: str) -> None:
        self._check_open()
        await asyncio.to_thread(backup_store, self.url, path)


COMMIT = f"SELECT commit_all({', '.join(f'${at}' for at in range(1, 23))})"
ANSWER = "SELECT answer_to($1, $2)"

#: the newest deed, and are there events without a number?
LEFT = "SELECT place, EXISTS (SELECT FROM events WHERE seq IS NULL) FROM head"


def _values(commit: Commit) -> tuple[Any, ...]:
    """What the function takes after who commits (see schema.py)."""
    if commit.pings:
        count, r0, r1, t0, t1, _, body, extra = logged.pack(commit.pings)
        pings = (count, r0, r1, t0, t1, [stored.n for stored in commit.pings], body, extra)
    else:
        pings = (0, 0, 0, 0, 0, [], b"", None)
    newest = {saved.n: saved for saved in commit.vehicles}.values()
    vehicles = ([v.n for v in newest], [v.vehicle for v in newest], [v.state for v in newest])
    events = commit.events
    told = (
        [e.id for e in events], [e.kind for e in events], [e.vehicle for e in events], [e.region for e in events],
        [e.time for e in events], [_encode(e).decode() for e in events],
    )  # fmt: skip
    return (*pings, *vehicles, *told, _more(commit))


def _more(commit: Commit) -> str | None:
    if not (
        commit.regions or commit.registered or commit.unregistered or commit.acked or commit.meta or commit.erased
        or commit.records or commit.audit or commit.deed
    ):  # fmt: skip
        return None
    written = {}
    if (deed := commit.deed) is not None:
        body = _encode(msgspec.structs.replace(deed, after=0)).decode()
        written = {"deed": body, "place": deed.after, "lasting": deed.lasts}
    return _encode(
        written
        | {
            "regions": [(one.id, one.version, one.updated_at, _json(one.feature)) for one in commit.regions],
            "registered": [(one.vehicle, _json(one)) for one in commit.registered],
            "unregistered": commit.unregistered,
            "acked": [(one.id, one.by, one.at) for one in commit.acked],
            "meta": list(commit.meta.items()),
            "erased": commit.erased,
            "records": [(one.kind, one.key, one.version, _json(one.body), one.lasting) for one in commit.records],
            "audit": [
                (one.at, one.who, one.address, one.what, one.target, _json(one.before), _json(one.after))
                for one in commit.audit
            ],
        }
    ).decode()


def _json(value: Any) -> str | None:
    """As text, in which it is kept; nothing for nothing."""
    return None if value is None else _encode(value).decode()
