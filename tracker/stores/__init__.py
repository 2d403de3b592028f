"""Store: what must survive. One port, one engine a file, one contract suite for all (tests/contract)."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

import msgspec

from tracker.config import SettingsError, without_password
from tracker.errors import Invalid, StoreError
from tracker.model.change import Acked
from tracker.model.commit import Commit, Loaded, SavedRegion, SavedVehicle, SharedDeed, StoredPing
from tracker.model.events import Event
from tracker.model.records import Audit, Record
from tracker.turns.jobs import Job

if TYPE_CHECKING:
    from tracker.model.columns import Columns, Heard, Tracks
    from tracker.model.outline import Excerpt, Look, Spells

T = TypeVar("T")
Box = tuple[float, float, float, float]  # west, south, east, north
ANY_TIME = (-(1 << 62), 1 << 62)  #: ms, half-open
RULES = "retention"  #: in `meta`: the rules that are in force, and since when


class EventQuery(msgspec.Struct, frozen=True):
    after: int | None = None  # seq, exclusive, ascending
    before: int | None = None  # seq, exclusive, descending
    since: int | None = None  # time >= (half-open with until)
    until: int | None = None  # time <
    regions: frozenset[str] | None = None
    roaming: bool = False  # with `regions`: the events of no region as well, of vehicles that were ever in one of them
    inside: frozenset[str] = frozenset()  # with `roaming`: vehicles of which that is known already
    vehicles: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    limit: int = 100


class StoredDay(NamedTuple):
    """What is kept of one vehicle and day (UTC), where it is packed already."""

    n: int
    vehicle: str
    day: int  # when it began, ms
    pings: int
    bytes: int
    is_thinned: bool


class Finding(NamedTuple):
    """What was looked at, whether it keeps a tracker from running well, and what to do about it."""

    name: str
    fault: bool
    detail: str


class AuditQuery(msgspec.Struct, frozen=True):
    """The newest first."""

    before: int | None = None  # seq, exclusive
    since: int | None = None  # at >= (half-open with until)
    until: int | None = None
    who: str | None = None
    what: str | None = None
    limit: int = 100


class Store(Protocol):
    """Guarantees every engine gives:

    - two verbs: `commit` makes durable, `number_events` makes visible. A power cut loses nothing of what was committed.
      An event is in no answer, count or log before it has its `seq`: gapless, in the order they become visible.
      Where one engine does both in one transaction `commit` returns the events with their `seq`, and
      `number_events` has nothing to do; elsewhere it returns them without one (0), and `number_events` tells them,
      those of a run before, too.
    - an event whose `id` is stored already, numbered or not, is not stored twice: `commit` leaves it out.
    - a failed `commit` raises StoreError (StoreFull: no room) and has changed nothing.
    - a commit does not return when what it wrote would not be found by a restart (a file that was deleted, renamed or
      replaced beneath it): that is StoreUnusable, for it and all that follow.
    - reads see every commit that returned before they began, and never wait for a commit. Where several nodes write
      what has an order is told (`arrivals`, `pings_since`) and packed once nothing that runs can come before it.
    """

    days_at_once: int  #: of vehicles, that go in one transaction at most

    async def open(self) -> Loaded:
        """Raises StoreLocked when another server uses this store, StoreUnusable when a person has to look first."""
        ...

    async def load(self) -> Loaded:
        """What `open` answered, as it is now."""
        ...

    async def close(self) -> None: ...

    def jobs(self) -> list[Job]:
        """What has to be done now and then while it is open."""
        ...

    async def does_chores(self) -> bool:
        """Whether what has to be done once for all is done here: of several nodes one."""
        ...

    async def commit(self, commit: Commit) -> list[Event]:
        """The events that are new, each with its `seq` if it is visible as well."""
        ...

    async def number_events(self) -> list[Event]:
        """Wait until events that are durable may be numbered, number them, and answer them as they are now visible:
        ascending, none left out. Asked by one task at a time; it may wait for ever, and be cancelled."""
        ...

    async def reload(self, vehicles: list[str]) -> list[SavedVehicle]:
        """The committed state of these vehicles: what the fleet goes back to after a failed commit."""
        ...

    async def fixes_at(self, wanted: list[tuple[int, int]]) -> dict[tuple[int, int], tuple[float, float]]:
        """(n, fix time) → (lat, lon) of those that are stored: of fixes the first, NOWHERE where there was only a
        message without a place. What else is APART is not looked at."""
        ...

    async def track(self, n: int, since: int, until: int, after: int | None, limit: int) -> list[StoredPing]:
        """One vehicle's pings in fix order, since <= time < until and time > after; each once, none that is APART."""
        ...

    async def columns(self, n: int, since: int, until: int) -> Columns:
        """The same as arrays, since <= time < until: what history is computed from."""
        ...

    async def fixes(self, wanted: list[tuple[int, int, int]]) -> list[Columns]:
        """Of each (number, since, until) the `columns`; but `row`, `heading`, `altitude`, `received` and `extra` need
        say nothing."""
        ...

    async def excerpts(self, wanted: list[tuple[int, int, int]], look: Look) -> list[Excerpt]:
        """The same, without what makes no difference, says `look`, which is asked where it is read; or all of it."""
        ...

    async def heard(self, numbers: Sequence[int], since: int, until: int) -> list[Heard]:
        """All fixes of each of these with since <= time < until, in the order they came; none that is APART."""
        ...

    def tracks(
        self, shares: Sequence[Sequence[int]], since: int, until: int, look: Callable[[int, Tracks], T]
    ) -> AsyncGenerator[T, None]:
        """What `look` makes, where they are read, of each share of vehicles (its place in the list, and their tracks,
        since <= time < until): numbers, each vehicle once. All as of one moment. Of each there are also fixes of the
        day before `since`: the newest of them, unless one is of `since`."""
        ...

    def spells(
        self, shares: Sequence[Sequence[int]], since: int, until: int, silent_ms: int, look: Callable[[int, Spells], T]
    ) -> AsyncGenerator[T, None]:
        """As `tracks`, but only when each told something, and roughly how far it was about then: a spell of up to a day
        without a silence longer than that. Where there were such silences the places may be those of more spells."""
        ...

    async def arrivals(
        self,
        since: int,
        until: int,
        numbers: frozenset[int] | None,
        after_row: int,
        limit: int,
        fixes: tuple[int, int] = ANY_TIME,
    ) -> list[tuple[int, StoredPing, str]]:
        """(row, ping, vehicle) in the order they came, since <= received < until, whatever was made of them: also
        what was HELD or is APART; of these vehicles, or of all; with fix times in the half-open span `fixes`. `limit`
        may be large: a page costs a look at each vehicle's day."""
        ...

    async def pings_since(self, received_at: int, after_row: int, limit: int) -> list[tuple[int, StoredPing, str]]:
        """(row, ping, vehicle) in the order they came, none that is APART: what preview replays."""
        ...

    async def passed(self, box: Box, received_at: int, most: int) -> set[int]:
        """The numbers of vehicles whose fixes, among the first `most` received since, do not all lie to one side of a
        box of degrees (west, south, east, north), or lie on both sides of the antimeridian."""
        ...

    async def near(self, boxes: list[Box], since: int, until: int) -> dict[int, list[tuple[int, int]]]:
        """Number of a vehicle → spans of fix time, since <= time < until (both ends in it, ascending, apart), in which
        it may have been in one of the boxes, or on its way through from one fix to the next within five minutes. It
        may say too much, never too little; what is APART is not looked at."""
        ...

    async def compact(self, now: int) -> None:
        """Pack what came before the quarter of an hour that lasts; nothing anybody may ask for changes by it."""
        ...

    async def days(self) -> list[StoredDay]:
        """What is packed, in no order."""
        ...

    async def waiting(self) -> int:
        """Pings that are not packed yet."""
        ...

    async def gone(self) -> dict[int, int]:
        """Day (ms) → how many pings there were of it that are not kept any more."""
        ...

    async def rules_known(self) -> tuple[list[str], int]:
        """The rules of retention that were in force last, and since when."""
        ...

    async def note_rules(self, rules: list[str], now: int) -> None:
        """These are in force since `now`."""
        ...

    async def thin_day(self, n: int, day: int, stays: Callable[[Columns], Columns]) -> int:
        """Keep only what `stays`, which is asked in a thread, of a day that is packed; how many pings went."""
        ...

    async def drop_days(self, days: list[tuple[int, int]]) -> int:
        """Keep nothing of these (n, day) but how many pings they had: it is answered. Vehicles and events stay. No more
        than `days_at_once`."""
        ...

    async def events(self, query: EventQuery) -> list[Event]: ...

    async def event(self, id: str) -> Event | None: ...

    async def last_seq(self) -> int: ...

    async def first_seq(self) -> int:
        """Of the oldest event there is; one more than the newest ever when there is none."""
        ...

    async def acknowledged(self, since: int, after: int, limit: int) -> list[tuple[Acked, Event]]:
        """Events with `seq` > after whose acknowledgement was given or taken back at `since` or later, ascending."""
        ...

    async def number(self, vehicle: str) -> int | None:
        """The number under which a vehicle's history is kept, removed from the live fleet or not."""
        ...

    async def numbers(self) -> dict[str, int]:
        """All of them, by vehicle."""
        ...

    async def region_version(self, id: str, version: int) -> SavedRegion | None: ...

    async def region_versions(self, id: str) -> list[SavedRegion]: ...

    async def region_log(self, after: tuple[int, str, int], limit: int) -> list[SavedRegion]:
        """Every version of every region, deletions too, by (updated_at, id, version), from the one after that on."""
        ...

    async def regions_then(
        self, since: int, until: int, ids: list[str] | None, after: tuple[str, int], limit: int
    ) -> list[tuple[SavedRegion, int | None]]:
        """Every version (of these regions, or of all) that was in force at some moment of since <= time < until, and
        until when it was, by (id, version), from the one after that on. Deletions are none."""
        ...

    async def versions_of(self, id: str) -> list[tuple[int, int, bool]]:
        """(version, updated_at, whether it is a deletion) of each, without the Features, which may be large."""
        ...

    async def newest_versions(self, ids: list[str]) -> dict[str, int]:
        """The highest version each of these ever had, deleted ones too; absent: never seen."""
        ...

    async def record_versions(self, kind: str, key: str) -> list[Record]:
        """All that are kept, the oldest first."""
        ...

    async def audit(self, query: AuditQuery) -> list[Audit]:
        """What was changed, with `seq`; the newest first."""
        ...

    async def ping(self) -> None:
        """Raise StoreError when the writer or the disk is not well."""
        ...

    async def backup(self, path: str) -> None:
        """A complete copy of what is committed now, while work goes on; `path` appears when it is whole."""
        ...


class Shares(NamedTuple):
    """How everything is in a store that nodes share: what `nodes.leases.View` is made of."""

    living: frozenset[str]
    rows: list[tuple[str | None, int]]  # owner and epoch, by partition
    deed: int  # place of the newest
    clock: int  # of the store, UTC ms, when it answered


class SharedStore(Store, Protocol):
    """One that several nodes share. A commit names its partitions and their epochs, and one that is not this node's is
    refused (`fenced`); so is a deed that was not decided on the newest one before it, or comes before every vehicle has
    seen the last that has to be seen (`outrun`)."""

    node: str  #: a name that no other run of a node has
    partitions: int
    deed: int  #: the newest there was when `number_events` answered: what it told came after no later one

    async def lease_round(
        self,
        lease_ms: int,
        gives: Sequence[tuple[int, int]] = (),
        takes: Sequence[tuple[int, int]] = (),
        *,
        leaves: bool = False,
    ) -> Shares:
        """What a round asks (see `nodes.leases.Round`). It waits for no commit."""
        ...

    async def load_partitions(self, some: list[int]) -> list[SavedVehicle]:
        """The vehicles in them, also those that are removed. What is read once a lease began is as it stays."""
        ...

    async def removed_unseen(self, some: list[int]) -> list[tuple[str, bool]]:
        """Vehicles that were removed, of which nobody said yet that these partitions have seen it; whether erased."""
        ...

    async def number_vehicles(self, count: int) -> range:
        """Numbers for vehicles to come, which nobody else has."""
        ...

    async def deeds_after(self, after: int) -> list[tuple[int, SharedDeed]]:
        """What was done after that, in order, by whichever node: the place of each."""
        ...

    async def mark(self, leases: dict[int, int], place: int) -> None:
        """All vehicles of these partitions have seen what was done up to there, and what it made of them is stored."""
        ...

    async def marked(self) -> int:
        """Up to where every partition has."""
        ...

    def look_for_events(self) -> None:
        """Another node may have committed some, or given them their numbers."""
        ...


class Engine(Protocol):
    """What one kind of store offers to the functions below: a module with functions of these names."""

    def open_store(self, url: str, accept_loss: bool) -> Store: ...

    def read_store(self, url: str) -> Store: ...

    def restore_store(self, url: str, file: str) -> str | None: ...

    def backup_store(self, url: str, file: str) -> None: ...

    def examine_store(self, url: str) -> list[Finding]: ...


def _sqlite() -> Engine:
    from tracker.stores.sqlite import engine

    return engine


def _postgres() -> Engine:
    from tracker.stores.backups import postgres

    return postgres


#: scheme of a store's URL → what speaks it; the contract suite and docs/storage.md go through them
ENGINES: dict[str, Callable[[], Engine]] = {"sqlite": _sqlite, "postgresql": _postgres}


def _engine(url: str) -> Engine:
    """A bare path is `sqlite:`. Raises SettingsError."""
    scheme = re.match(r"([a-z][a-z0-9+]+):", url)
    name = scheme[1] if scheme else "sqlite"
    if name not in ENGINES:
        known = ", ".join(f"{one}:" for one in ENGINES)
        raise SettingsError(f"no store speaks {name}: (store = {without_password(url)!r}); there is {known}")
    return ENGINES[name]()


def open_store(url: str, *, accept_loss: bool = False) -> Store:
    """`sqlite:path/to/folder`, or the bare folder. Imports the engine only here. Raises SettingsError.

    `accept_loss`: `open` goes on without stored data that is missing, where it would raise StoreUnusable.
    """
    return _engine(url).open_store(url, accept_loss)


def share_store(url: str) -> SharedStore:
    """One in PostgreSQL as one of several nodes that share it; from then on nobody has it alone."""
    from tracker.stores.backups import postgres

    return postgres.share_store(url)


def read_store(url: str) -> Store:
    """The same to be read only, while a server uses it or not: nothing of it is locked or written.

    Its `open` raises StoreError where there is nothing, or an older program's file.
    """
    return _engine(url).read_store(url)


def restore_store(url: str, file: str) -> str | None:
    """Put a backup in the place of what a stopped server's store holds; answers where the old data was kept.

    Whoever was signed in when it was made is not, and its one-time links open nothing.

    Raises StoreLocked while a server uses it, Invalid when `file` is not a whole backup, StoreError when it is
    a newer program's.
    """
    return _engine(url).restore_store(url, file)


def copy_store(source: str, target: str) -> None:
    """All that one store holds into another of any kind, which is empty, while no server uses either.

    Every ping, event (its id and `seq`), version of a region and person comes over; who was signed in signs in again.
    Raises StoreLocked, StoreError (no_data, not_empty) and Invalid.
    """
    asyncio.run(_copy(source, target))


async def _copy(source: str, target: str) -> None:
    try:
        there = read_store(target)
        await there.open()
    except StoreError as error:
        if error.code != "no_data":
            raise
    else:
        await there.close()
        raise Invalid("not_empty", f"There is data in {without_password(target)} already. Name an empty place.")
    reader = read_store(source)
    await reader.open()  # there is something
    await reader.close()
    kept = open_store(source)  # nothing is added to it meanwhile
    await kept.open()
    try:
        with tempfile.TemporaryDirectory(prefix="tracker-copy-") as folder:
            file = f"{folder}/tracker.db"
            await kept.backup(file)
            await asyncio.to_thread(restore_store, target, file)
    finally:
        await kept.close()


def backup_store(url: str, file: str) -> None:
    """Copy a store into one file, while a server uses it or not. Raises Invalid when there is nothing to copy."""
    _engine(url).backup_store(url, file)


def examine_store(url: str) -> list[Finding]:
    """Looked at from beside, nothing is changed. Of a folder nothing is said: its files are looked at elsewhere."""
    return _engine(url).examine_store(url)
