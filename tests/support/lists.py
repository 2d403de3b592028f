"""Stores of Python lists, that the port says all there is to say of a store: `lists:NAME`, and `held:NAME`, which
numbers events only when it is told to, as one does whose numbers are given elsewhere.

What is committed is kept in PLACES for as long as the process runs, as a file would keep it.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
import pickle
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from tracker.config.retention import DAY_MS
from tracker.errors import StoreError, StoreLocked
from tracker.model.change import Acked, Registered
from tracker.model.columns import SILENT_MS, Columns, Heard, Part, Tracks
from tracker.model.commit import APART, Commit, Loaded, SavedRegion, SavedVehicle, StoredPing
from tracker.model.events import Ack, Event, erased
from tracker.model.outline import Excerpt, Look, Spells
from tracker.model.ping import has_place
from tracker.model.records import ENDED_BY_RESTORE, Audit, Record
from tracker.stores import ANY_TIME, ENGINES, AuditQuery, Box, EventQuery, Finding, Store, StoredDay
from tracker.turns.jobs import Job

QUARTER_MS = 900_000
T = TypeVar("T")


@dataclass
class Kept:
    pings: list[StoredPing | None] = field(default_factory=list)  # erased ones leave their row empty
    events: list[Event] = field(default_factory=list)
    unnumbered: list[Event] = field(default_factory=list)  # durable, not visible yet
    acked: dict[str, int] = field(default_factory=dict)  # event id → when it was acknowledged or that was taken back
    vehicles: dict[str, SavedVehicle] = field(default_factory=dict)
    regions: dict[tuple[str, int], SavedRegion] = field(default_factory=dict)
    register: dict[str, Registered] = field(default_factory=dict)
    meta: dict[str, str] = field(default_factory=dict)
    last_n: int = 0
    records: dict[tuple[str, str], list[Record]] = field(default_factory=dict)
    audit: list[Audit] = field(default_factory=list)
    packed: int = 0  # how many of the pings are
    thinned: dict[tuple[int, int], int] = field(default_factory=dict)  # (n, day) → pings that went
    gone: dict[int, int] = field(default_factory=dict)
    rules: tuple[list[str], int] = ([], 0)


PLACES: dict[str, Kept] = {}
USED: set[str] = set()


class ListStore:
    days_at_once = 2
    at_once = True  # a commit makes visible, too

    def __init__(self, url: str) -> None:
        self._url = url
        self._open = False

    @property
    def _kept(self) -> Kept:
        if not self._open:
            raise StoreError("the store is closed", "stopping")
        return PLACES[self._url]

    async def open(self) -> Loaded:
        if self._url in USED:
            raise StoreLocked("another server uses this store. Stop it first, or choose another")
        USED.add(self._url)
        self._open = True
        PLACES.setdefault(self._url, Kept())
        return await self.load()

    async def does_chores(self) -> bool:
        return True

    def jobs(self) -> list[Job]:
        return []

    async def load(self) -> Loaded:
        kept = self._kept
        newest = dict(sorted(kept.regions))
        regions = [kept.regions[one] for one in newest.items() if kept.regions[one].feature is not None]
        return Loaded(
            list(kept.vehicles.values()),
            regions,
            list(kept.register.values()),
            dict(kept.meta),
            len(kept.events),
            kept.last_n,
            [versions[-1] for versions in kept.records.values() if versions],
        )

    async def close(self) -> None:
        if self._open:
            USED.discard(self._url)
        self._open = False

    async def commit(self, commit: Commit) -> list[Event]:
        await asyncio.sleep(0)
        return self._write(commit)

    def _write(self, commit: Commit) -> list[Event]:
        kept = self._kept
        if any((region.id, region.version) in kept.regions for region in commit.regions):
            raise StoreError("a version is stored once", "store")
        if len({(region.id, region.version) for region in commit.regions}) < len(commit.regions):
            raise StoreError("a version is stored once", "store")
        for record in commit.records:
            if any(one.version == record.version for one in kept.records.get((record.kind, record.key), [])):
                raise StoreError("a version is stored once", "store")
        known = {event.id for event in (*kept.events, *kept.unnumbered)}
        fresh: list[Event] = []
        for event in commit.events:
            if event.id not in known:
                known.add(event.id)
                fresh.append(event)
        kept.pings += commit.pings
        kept.unnumbered += fresh
        if self.at_once:
            fresh = self._number()
        kept.vehicles |= {vehicle.vehicle: vehicle for vehicle in commit.vehicles}
        kept.last_n = max([kept.last_n, *(vehicle.n for vehicle in commit.vehicles)])
        kept.regions |= {(region.id, region.version): region for region in commit.regions}
        kept.register |= {entry.vehicle: entry for entry in commit.registered}
        for vehicle in commit.unregistered:
            kept.register.pop(vehicle, None)
        kept.meta |= commit.meta
        for record in commit.records:
            versions = kept.records.setdefault((record.kind, record.key), [])
            kept_one = (
                [msgspec.structs.replace(record, lasting=True)] if record.lasting or record.body is not None else []
            )
            versions[:] = [*(versions if record.lasting else []), *kept_one]
        for entry in commit.audit:
            kept.audit.append(msgspec.structs.replace(entry, seq=len(kept.audit) + 1))
        for ack in commit.acked:
            self._acknowledge(ack)
        for vehicle in commit.erased:
            self._erase(vehicle)
        gone = set(commit.erased)
        return [erased(event) if event.vehicle in gone else event for event in fresh]

    def _number(self) -> list[Event]:
        kept = self._kept
        first = len(kept.events) + 1
        numbered = [msgspec.structs.replace(event, seq=seq) for seq, event in enumerate(kept.unnumbered, first)]
        kept.events += numbered
        kept.unnumbered.clear()
        return numbered

    async def number_events(self) -> list[Event]:
        nothing: asyncio.Future[list[Event]] = asyncio.get_running_loop().create_future()
        return await nothing

    def _acknowledge(self, ack: Acked) -> None:
        for place, event in enumerate(self._kept.events):
            if event.id == ack.id:
                self._kept.acked[ack.id] = ack.at
                given = None if ack.by is None else Ack(ack.by, ack.at)
                self._kept.events[place] = msgspec.structs.replace(event, ack=given)

    def _erase(self, vehicle: str) -> None:
        kept = self._kept
        kept.pings = [None if one and one.ping.vehicle == vehicle else one for one in kept.pings]
        for place, event in enumerate(kept.events):
            if event.vehicle == vehicle:
                kept.acked.pop(event.id, None)
                kept.events[place] = erased(event)
        kept.unnumbered = [erased(event) if event.vehicle == vehicle else event for event in kept.unnumbered]
        kept.vehicles.pop(vehicle, None)

    def _track(self, n: int) -> list[StoredPing]:
        first: dict[int, StoredPing] = {}
        for one in self._kept.pings:
            if one and one.n == n and one.taken != APART:
                first.setdefault(one.ping.time, one)
        return [first[time] for time in sorted(first)]

    async def reload(self, vehicles: list[str]) -> list[SavedVehicle]:
        return [self._kept.vehicles[name] for name in vehicles if name in self._kept.vehicles]

    async def record_versions(self, kind: str, key: str) -> list[Record]:
        return list(self._kept.records.get((kind, key), []))

    async def audit(self, query: AuditQuery) -> list[Audit]:
        found = [
            one
            for one in reversed(self._kept.audit)
            if (query.before is None or one.seq < query.before)
            and (query.since is None or one.at >= query.since)
            and (query.until is None or one.at < query.until)
            and query.who in (None, one.who)
            and query.what in (None, one.what)
        ]
        return found[: query.limit]

    async def fixes_at(self, wanted: list[tuple[int, int]]) -> dict[tuple[int, int], tuple[float, float]]:
        asked, found = set(wanted), {}
        kept = [one for one in self._kept.pings if one and (one.n, one.ping.time) in asked]
        placeless = [one for one in kept if not has_place(one.ping)]
        for one in (*placeless, *(one for one in reversed(kept) if one.taken != APART)):
            found[one.n, one.ping.time] = (one.ping.lat, one.ping.lon)
        return found

    async def track(self, n: int, since: int, until: int, after: int | None, limit: int) -> list[StoredPing]:
        since = since if after is None else max(since, after + 1)
        return [one for one in self._track(n) if since <= one.ping.time < until][:limit]

    async def columns(self, n: int, since: int, until: int) -> Columns:
        told = [(row, one) for row, one in enumerate(self._kept.pings, 1) if one and one.n == n]
        kept = [(row, one) for row, one in told if since <= one.ping.time < until]
        return Columns.from_pings([one for _, one in kept], [row for row, _ in kept])

    async def heard(self, numbers: Sequence[int], since: int, until: int) -> list[Heard]:
        found = []
        for n in numbers:
            told = [one for one in self._kept.pings if one and one.n == n and one.taken != APART]
            columns = Columns.all_of(one for one in told if since <= one.ping.time < until)
            found.append(Heard.from_columns(columns.take(columns.row.argsort())))
        return found

    async def arrivals(
        self,
        since: int,
        until: int,
        numbers: frozenset[int] | None,
        after_row: int,
        limit: int,
        fixes: tuple[int, int] = ANY_TIME,
    ) -> list[tuple[int, StoredPing, str]]:
        told = (
            (row, one, one.ping.vehicle)
            for row, one in enumerate(self._kept.pings, 1)
            if one and since <= one.received_at < until and row > after_row and (numbers is None or one.n in numbers)
            if fixes[0] <= one.ping.time < fixes[1]
        )
        return list(itertools.islice(told, limit))

    async def pings_since(self, received_at: int, after_row: int, limit: int) -> list[tuple[int, StoredPing, str]]:
        rows = enumerate(self._kept.pings, 1)
        told = (
            (row, one, one.ping.vehicle)
            for row, one in rows
            if one and one.received_at >= received_at and row > after_row and one.taken != APART
        )
        return list(itertools.islice(told, limit))

    async def passed(self, box: Box, received_at: int, most: int) -> set[int]:
        places: dict[int, list[tuple[float, float]]] = {}
        for _, one, _ in await self.pings_since(received_at, 0, most):
            places.setdefault(one.n, []).append((one.ping.lat, one.ping.lon))
        west, south, east, north = box
        found = set()
        for n, fixes in places.items():
            lats, lons = zip(*fixes, strict=True)
            beside = max(lats) < south or min(lats) > north or max(lons) < west or min(lons) > east
            if not beside or max(lons) - min(lons) > 180:
                found.add(n)
        return found

    async def fixes(self, wanted: list[tuple[int, int, int]]) -> list[Columns]:
        return [await self.columns(*one) for one in wanted]

    async def excerpts(self, wanted: list[tuple[int, int, int]], _look: Look) -> list[Excerpt]:
        return [Excerpt.whole(one) for one in await self.fixes(wanted)]

    async def tracks(
        self, shares: Sequence[Sequence[int]], since: int, until: int, look: Callable[[int, Tracks], T]
    ) -> AsyncGenerator[T, None]:
        for place, share in enumerate(shares):
            parts = []
            for at, n in enumerate(share):
                one = await self.columns(n, since - SILENT_MS, until)
                parts.append(Part.stored(at, one.time, one.taken, one.lat, one.lon))
            yield look(place, Tracks.joined(len(share), parts))

    async def spells(
        self, shares: Sequence[Sequence[int]], since: int, until: int, silent_ms: int, look: Callable[[int, Spells], T]
    ) -> AsyncGenerator[T, None]:
        def told(at: int, tracks: Tracks) -> T:
            fixes = tracks.kept(tracks.time >= since)
            nothing = np.empty(0, np.int64)
            empty = Spells(nothing, nothing, nothing, nothing, nothing, nothing)
            lat, lon = fixes.lat.astype(np.int64), fixes.lon.astype(np.int64)
            return look(
                at, Spells.between(fixes.which(), fixes.time, lat, lon, silent_ms) if len(fixes.time) else empty
            )

        async for made in self.tracks(shares, since, until, told):
            yield made

    async def near(self, _boxes: list[Box], since: int, until: int) -> dict[int, list[tuple[int, int]]]:
        """All that has been anywhere."""
        numbers = {one.n for one in self._kept.pings if one}
        tracks = {n: await self.columns(n, since, until) for n in sorted(numbers)}
        return {n: [(int(told.time[0]), int(told.time[-1]))] for n, told in tracks.items() if len(told)}

    async def compact(self, now: int) -> None:
        closed = now // QUARTER_MS * QUARTER_MS
        while self._kept.packed < len(self._kept.pings):
            one = self._kept.pings[self._kept.packed]
            if one and one.received_at >= closed:
                break
            self._kept.packed += 1

    def _packed(self) -> dict[tuple[int, int], list[int]]:
        """(n, day) → places of its pings."""
        days: dict[tuple[int, int], list[int]] = {}
        for place, one in enumerate(self._kept.pings[: self._kept.packed]):
            if one:
                days.setdefault((one.n, one.ping.time // DAY_MS * DAY_MS), []).append(place)
        return days

    async def days(self) -> list[StoredDay]:
        names = {saved.n: vehicle for vehicle, saved in self._kept.vehicles.items()}
        return [
            StoredDay(n, names.get(n, ""), day, len(places), 6 * len(places), (n, day) in self._kept.thinned)
            for (n, day), places in self._packed().items()
        ]

    async def waiting(self) -> int:
        return sum(one is not None for one in self._kept.pings[self._kept.packed :])

    async def gone(self) -> dict[int, int]:
        told = Counter(self._kept.gone)
        for (_, day), pings in self._kept.thinned.items():
            told[day] += pings
        return dict(told)

    async def rules_known(self) -> tuple[list[str], int]:
        return self._kept.rules

    async def note_rules(self, rules: list[str], now: int) -> None:
        self._kept.rules = rules, now

    async def thin_day(self, n: int, day: int, stays: Callable[[Columns], Columns]) -> int:
        places = self._packed()[n, day]
        held = [one for place in places if (one := self._kept.pings[place])]
        left = set(stays(Columns.all_of(held, [place + 1 for place in places])).row.tolist())
        went = [place for place in places if place + 1 not in left]
        for place in went:
            self._kept.pings[place] = None
        self._kept.thinned[n, day] = self._kept.thinned.get((n, day), 0) + len(went)
        return len(went)

    async def drop_days(self, days: list[tuple[int, int]]) -> int:
        packed, pings = self._packed(), 0
        for n, day in days:
            for place in packed[n, day]:
                self._kept.pings[place] = None
            before = self._kept.thinned.pop((n, day), 0)
            self._kept.gone[day] = self._kept.gone.get(day, 0) + len(packed[n, day]) + before
            pings += len(packed[n, day])
        return pings

    async def events(self, query: EventQuery) -> list[Event]:
        been = _been(self._kept.events, query)
        found = [event for event in self._kept.events if _matches(event, query, been)]
        if query.before is not None and query.after is None:
            found.reverse()
        return found[: query.limit]

    async def event(self, id: str) -> Event | None:
        return next((event for event in self._kept.events if event.id == id), None)

    async def last_seq(self) -> int:
        return len(self._kept.events)

    async def first_seq(self) -> int:
        return 1

    async def acknowledged(self, since: int, after: int, limit: int) -> list[tuple[Acked, Event]]:
        found = []
        for event in self._kept.events:
            at = self._kept.acked.get(event.id)
            if at is not None and at >= since and event.seq > after:
                found.append((Acked(event.id, event.ack.by if event.ack else None, at), event))
        return found[:limit]

    async def number(self, vehicle: str) -> int | None:
        saved = self._kept.vehicles.get(vehicle)
        return saved.n if saved else None

    async def numbers(self) -> dict[str, int]:
        return {vehicle: saved.n for vehicle, saved in self._kept.vehicles.items()}

    async def region_version(self, id: str, version: int) -> SavedRegion | None:
        return self._kept.regions.get((id, version))

    async def region_versions(self, id: str) -> list[SavedRegion]:
        return [self._kept.regions[one] for one in sorted(self._kept.regions) if one[0] == id]

    async def region_log(self, after: tuple[int, str, int], limit: int) -> list[SavedRegion]:
        versions = {(one.updated_at, one.id, one.version): one for one in self._kept.regions.values()}
        return [versions[at] for at in sorted(versions) if at > after][:limit]

    async def regions_then(
        self, since: int, until: int, ids: list[str] | None, after: tuple[str, int], limit: int
    ) -> list[tuple[SavedRegion, int | None]]:
        found: list[tuple[SavedRegion, int | None]] = []
        for id, version in sorted(self._kept.regions):
            one, next = self._kept.regions[id, version], self._kept.regions.get((id, version + 1))
            ended = next.updated_at if next else None
            held = one.updated_at < until and (ended is None or ended > max(since, one.updated_at))
            if held and one.feature is not None and (ids is None or id in ids) and (id, version) > after:
                found.append((one, ended))
        return found[:limit]

    async def versions_of(self, id: str) -> list[tuple[int, int, bool]]:
        return [(one.version, one.updated_at, one.feature is None) for one in await self.region_versions(id)]

    async def newest_versions(self, ids: list[str]) -> dict[str, int]:
        return {id: version for id, version in sorted(self._kept.regions) if id in ids}

    async def ping(self) -> None:
        _ = self._kept

    async def backup(self, path: str) -> None:
        await asyncio.to_thread(Path(path).write_bytes, pickle.dumps(self._kept))


#: store by URL → set when it may number what it holds; those not named here may
MAY_NUMBER: dict[str, asyncio.Event] = {}


class HeldStore(ListStore):
    at_once = False

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._some = asyncio.Event()  # events that are durable only

    async def load(self) -> Loaded:
        self._look()  # there may be some of a run before
        return await super().load()

    async def commit(self, commit: Commit) -> list[Event]:
        events = await super().commit(commit)
        self._look()
        return events

    def _look(self) -> None:
        if self._kept.unnumbered:
            self._some.set()

    async def number_events(self) -> list[Event]:
        await self._some.wait()
        if gate := MAY_NUMBER.get(self._url):
            await gate.wait()
        self._some.clear()
        return self._number()


class ReadList(ListStore):
    async def open(self) -> Loaded:
        if self._url not in PLACES:
            raise StoreError("there is no data", "no_data")
        self._open = True
        return await self.load()

    async def close(self) -> None:
        self._open = False

    async def commit(self, commit: Commit) -> list[Event]:  # noqa: ARG002
        raise AssertionError("it was opened to be read only")


def _been(events: list[Event], query: EventQuery) -> set[str]:
    """Of whom the events of no region are asked for."""
    wanted = query.regions or ()
    return {event.vehicle for event in events if event.region in wanted} | query.inside if query.roaming else set()


def _matches(event: Event, query: EventQuery, been: set[str]) -> bool:
    return (
        (query.after is None or event.seq > query.after)
        and (query.before is None or event.seq < query.before)
        and (query.since is None or event.time >= query.since)
        and (query.until is None or event.time < query.until)
        and (query.regions is None or event.region in query.regions or (event.region is None and event.vehicle in been))
        and (query.vehicles is None or event.vehicle in query.vehicles)
        and (query.kinds is None or event.kind in query.kinds)
    )


class Lists:
    """The engine."""

    def open_store(self, url: str, _accept_loss: bool) -> Store:
        return ListStore(url)

    def read_store(self, url: str) -> Store:
        return ReadList(url)

    def restore_store(self, url: str, file: str) -> str | None:
        if url in USED:
            raise StoreLocked("a server uses this store. Stop it first, or choose another")
        before = PLACES.get(url)
        PLACES[url] = place = pickle.loads(Path(file).read_bytes())
        place.records = {key: kept for key, kept in place.records.items() if key[0] not in ENDED_BY_RESTORE}
        if before is None:
            return None
        kept = f"{url}-replaced{sum(name.startswith(url) for name in PLACES)}"
        PLACES[kept] = before
        return kept

    def backup_store(self, url: str, file: str) -> None:
        Path(file).write_bytes(pickle.dumps(copy.copy(PLACES[url])))

    def examine_store(self, _url: str) -> list[Finding]:
        return []


class HeldLists(Lists):
    def open_store(self, url: str, _accept_loss: bool) -> Store:
        return HeldStore(url)


ENGINES["lists"] = Lists
ENGINES["held"] = HeldLists
