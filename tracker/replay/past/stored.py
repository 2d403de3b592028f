"""Stored: all that a store has of a stretch of time, in the order in which a fleet is to live through it again."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple, Protocol

import msgspec

from tracker.fleet.fleet import FleetSettings, settings_kept
from tracker.model.change import Registered
from tracker.model.columns import Heard
from tracker.model.commit import SavedRegion, StoredPing
from tracker.model.events import ERASED, TOLD, Event
from tracker.model.records import Audit
from tracker.pipeline.entries.journal import (
    ClockSet,
    Entry,
    RegionsDeleted,
    RegionsSaved,
    SettingsChanged,
    VehicleRemoved,
)
from tracker.regions.region import Region
from tracker.stores import AuditQuery, Box, EventQuery, read_store

NEVER = 1 << 62
PAGE = 20_000  #: messages read at once, about 20 MB
SOME = 2_000  #: events, or versions of regions, read at once
LAST = 20  #: messages that tell where somebody is who has been quiet since

Settings = list[tuple[int, FleetSettings]]  # from when on, the oldest first


class Known(NamedTuple):
    """Of the vehicles there ever were, their numbers; and what is registered."""

    numbers: dict[str, int]
    registered: list[Registered]


class Source(Protocol):
    """What there is to be read, of a store or through a server."""

    name: str
    settings: Settings
    known: Known
    gone: dict[int, int]  # day (ms) → how many positions of it are not kept any more

    def deeds(self, edits: bool = True) -> Iterator[Entry]:
        """What changed beside messages, by its time; `edits`: regions, too."""
        ...

    def audits(self) -> Iterable[Audit]:
        """Of these, what the record has, by its time."""
        ...

    def region_log(self) -> Iterator[SavedRegion]:
        """Every version, by the time it came into force."""
        ...

    def arrivals_within(self, since: int, until: int, numbers: frozenset[int] | None) -> Iterator[StoredPing]:
        """Messages of fixes with since <= time < until, in the order they came; others may be among them."""
        ...

    def last_before(self, at: int, names: Iterable[str]) -> Iterator[list[StoredPing]]:
        """The last messages of each of these whose fixes are before an instant, in the order they came."""
        ...

    def events_within(self, since: int, until: int) -> Iterator[Event]:
        """Those there are with since <= time < until."""
        ...

    def end(self) -> int:
        """Up to when the clock is known to have gone on, by what was heard last."""
        ...

    def close(self) -> None: ...


class Stored:
    """A store, beside its server or without one."""

    def __init__(self, url: str, now: int | None = None) -> None:
        """`now`: what is received later is left for later. Raises StoreError, StoreUnusable, SettingsError."""
        self.name = url
        self._runner = asyncio.Runner()
        self._store = read_store(url)
        try:
            loaded = self._run(self._store.open())
        except BaseException:
            self._runner.close()
            raise
        self.settings = settings_kept(loaded.meta)
        self.gone = self._run(self._store.gone())
        self.known = Known({one.vehicle: one.n for one in loaded.vehicles}, loaded.registered)
        self._upto = max(time.time_ns() // 1_000_000 if now is None else now, self._last_event(NEVER))

    def deeds(self, edits: bool = True) -> Iterator[Entry]:
        return in_order(self.region_log() if edits else (), self.audits(), self.settings)

    def audits(self) -> Iterable[Audit]:
        return heapq.merge(*map(self._audits, ("vehicle.remove", "vehicle.erase", "clock.set")), key=attrgetter("at"))

    def region_log(self) -> Iterator[SavedRegion]:
        after = (-NEVER, "", 0)
        while found := self._run(self._store.region_log(after, SOME)):
            yield from found
            after = (found[-1].updated_at, found[-1].id, found[-1].version)

    def _audits(self, what: str) -> Iterable[Audit]:
        found: list[Audit] = []
        before: int | None = None
        while page := self._run(self._store.audit(AuditQuery(before=before, what=what, limit=SOME))):
            found += page
            before = page[-1].seq
        return reversed(found)

    def arrivals_within(self, since: int, until: int, numbers: frozenset[int] | None) -> Iterator[StoredPing]:
        row = 0
        while page := self._run(self._store.arrivals(-NEVER, self._upto + 1, numbers, row, PAGE, (since, until))):
            for row, one, _ in page:  # noqa: B007 - where the next page begins
                yield one

    def near(self, boxes: list[Box], since: int, until: int) -> list[int]:
        """Of whom it is not sure that they were in none of the boxes, and passed none."""
        return sorted(self._run(self._store.near(boxes, since, until)))

    def heard(self, numbers: list[int], since: int, until: int) -> list[Heard]:
        """All fixes of each of them, as arrays, in the order they came."""
        found: list[Heard] = self._run(self._store.heard(numbers, since, until))
        return [one.take(one.received <= self._upto) for one in found]

    def events_of(self, region: str, since: int, until: int) -> list[Event]:
        """Those of one region."""
        asked = EventQuery(regions=frozenset({region}), since=since, until=until, limit=SOME)
        found: list[Event] = []
        while page := self._run(
            self._store.events(msgspec.structs.replace(asked, after=found[-1].seq if found else 0))
        ):
            found += page
        return [one for one in found if one.kind not in (ERASED, TOLD)]

    def last_before(self, at: int, names: Iterable[str]) -> Iterator[list[StoredPing]]:
        for name in names:
            n = self.known.numbers[name]
            for days in (8, 64, None):
                since = -NEVER if days is None else at - days * 86_400_000
                columns = self._run(self._store.columns(n, since, at))
                if len(columns):
                    last = columns.take(slice(-LAST, None))
                    yield last.take(last.row.argsort()).pings(name, n)
                    break

    def events_within(self, since: int, until: int) -> Iterator[Event]:
        seq = 0
        while page := self._run(self._store.events(EventQuery(after=seq, since=since, until=until, limit=SOME))):
            yield from (one for one in page if one.kind != ERASED and one.received_at <= self._upto)
            seq = page[-1].seq

    def end(self) -> int:
        return self._last_event(self._upto)

    def _last_event(self, upto: int) -> int:
        newest = self._run(self._store.events(EventQuery(before=NEVER, limit=SOME)))
        return next((one.received_at for one in newest if one.kind != ERASED and one.received_at <= upto), 0)

    def close(self) -> None:
        self._run(self._store.close())
        self._runner.close()

    def _run(self, asked: Any) -> Any:
        return self._runner.run(asked)


def in_order(regions: Iterable[SavedRegion], audits: Iterable[Audit], settings: Settings) -> Iterator[Entry]:
    """All that changed beside messages."""
    others: list[Any] = [*filter(None, map(_deed_of, audits)), *(SettingsChanged(at, one) for at, one in settings[1:])]
    others.sort(key=attrgetter("now"))
    return heapq.merge(edits(regions), others, key=attrgetter("now"))


def edits(versions: Iterable[SavedRegion]) -> Iterator[RegionsSaved | RegionsDeleted]:
    """What changed at one instant is one edit, unless it names a region twice."""
    for at, together in groupby(versions, key=attrgetter("updated_at")):
        saved: list[Region] = []
        for one in together:
            if saved and (one.feature is None or any(region.id == one.id for region in saved)):
                yield RegionsSaved(at, saved)
                saved = []
            if one.feature is None:
                yield RegionsDeleted(at, [one.id])
            else:
                saved.append(read_region(one))
        if saved:
            yield RegionsSaved(at, saved)


def read_region(saved: SavedRegion) -> Region:
    """As it decided when it was stored."""
    assert saved.feature is not None
    region = Region.read_feature(saved.feature, id=saved.id, version=saved.version, now=saved.updated_at)
    return region.as_decided(saved.feature)


def regions_at(versions: Iterable[SavedRegion], at: int) -> list[Region]:
    """Those in force at an instant."""
    newest: dict[str, SavedRegion] = {}
    for one in versions:
        if one.updated_at <= at and (one.id not in newest or one.version > newest[one.id].version):
            newest[one.id] = one
    return [read_region(one) for _, one in sorted(newest.items()) if one.feature is not None]


def _deed_of(audit: Audit) -> Entry | None:
    if audit.what == "clock.set":
        by = round(float(audit.target) * 1000)
        return ClockSet(audit.at, by) if by > 0 else None  # that it went back, what is received afterwards shows
    return VehicleRemoved(audit.at, audit.target)


def numbers_of(known: Known, takes: Callable[[str], bool]) -> frozenset[int] | None:
    """None: all of them."""
    chosen = frozenset(n for name, n in known.numbers.items() if takes(name))
    return None if len(chosen) == len(known.numbers) else chosen
