"""Visits: when a vehicle was in some regions, read back from what is stored: what a limited grant shows of the past.

Of the fixes of a visit only those count that are at most as far outside as a member may be: a jump, a late fix or one
of poor accuracy says where the vehicle was otherwise.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from tracker.access.grants import Grant, Part
from tracker.fleet.membership import BEYOND_M, is_near
from tracker.geometry.places import within
from tracker.model.change import VehicleState
from tracker.model.coarse import coarsened, coarsened_columns
from tracker.model.columns import Columns
from tracker.model.events import Event
from tracker.model.picture import Picture
from tracker.model.ping import Ping
from tracker.regions.book import RegionBook
from tracker.stores import EventQuery, Store

PAGE = 1000  #: exits read at once
MOST = 10_000  #: crossings since an event that are looked at
NEVER = 2**62  #: ms, after every time
EDITED = ("region_changed", "region_deleted", "vehicle_removed")  #: reasons of exits that no fix decided

Array = npt.NDArray[Any]
Span = tuple[int, int]  # since <= fix time <= until


class Visits:
    """When the parts of a grant show a vehicle of one group, and how exactly."""

    def __init__(self, spans: dict[str, list[Span]], parts: Sequence[Part], book: RegionBook) -> None:
        self._spans = {region: sorted(each) for region, each in spans.items()}
        self._book = book
        self._coarse = {
            region: min((part.coarse_m for part in parts if part.sees_region(region)), default=0.0) for region in spans
        }
        anywhere = [part.coarse_m for part in parts if part.regions is None]
        self._anywhere = min(anywhere) if anywhere else None

    def __bool__(self) -> bool:
        return bool(self._spans) or self._anywhere is not None

    @property
    def whole(self) -> bool:
        """Is everything told, as it was?"""
        return self._anywhere == 0

    def spans(self) -> list[Span]:
        """All of them, in order; those that overlap are one."""
        if self._anywhere is not None:
            return [(-NEVER, NEVER)]
        whole: list[Span] = []
        for since, until in sorted(span for spans in self._spans.values() for span in spans):
            if whole and since <= whole[-1][1]:
                whole[-1] = (whole[-1][0], max(whole[-1][1], until))
            else:
                whole.append((since, until))
        return whole

    def shown(self, ping: Ping) -> Ping | None:
        """This fix as it may be told; None when it was made in none of them."""
        coarse = [] if self._anywhere is None else [self._anywhere]
        if self._anywhere != 0:
            coarse += [
                self._coarse[region]
                for region, spans in self._spans.items()
                if self._lasts(spans, ping.time) and is_near(self._book, region, ping.lat, ping.lon)
            ]
        if not coarse:
            return None
        return coarsened(ping, best) if (best := min(coarse)) else ping

    def cut(self, since: int, until: int) -> list[Span]:
        """What of the spans lies in since <= time < until, each half-open like it."""
        cut = [(max(since, first), min(until, last + 1)) for first, last in self.spans()]
        return [span for span in cut if span[0] < span[1]]

    def admit(self, fixes: Columns) -> Columns:
        """Those of many fixes that may be told, as they may: `shown` for arrays."""
        best = self.cells(fixes.time, fixes.lat, fixes.lon)
        told, best = fixes.take(np.isfinite(best)), best[np.isfinite(best)]
        return coarsened_columns(told, best) if best.any() else told

    def lasts(self, time: Array) -> Array:
        """Of fixes that may be told, until when the vehicle was seen there."""
        starts, ends = np.array(self.spans() or [(0, 0)], np.int64).T
        until: Array = ends[np.searchsorted(starts, time, "right") - 1]
        return until

    def cells(self, time: Array, lat: Array, lon: Array) -> Array:
        """How coarsely each fix (1e-7 degrees) may be told, in metres; infinite: not at all."""
        best = np.full(len(time), np.inf if self._anywhere is None else self._anywhere)
        lats, lons = lat / 1e7, lon / 1e7
        for region, spans in self._spans.items() if self._anywhere != 0 else ():
            drawn, coarse_m = self._book.regions.get(region), self._coarse[region]
            starts, ends = np.array(spans, np.int64).T
            at = np.searchsorted(starts, time, "right") - 1
            asked = np.flatnonzero((at >= 0) & (time <= ends[at]) & (best > coarse_m))
            if drawn is not None:
                best[asked[within(drawn.shape, lats[asked], lons[asked], BEYOND_M)]] = coarse_m
        return best

    def _lasts(self, spans: list[Span], time: int) -> bool:
        at = bisect_right(spans, (time, NEVER)) - 1
        return at >= 0 and time <= spans[at][1]


async def visits(
    store: Store, book: RegionBook, vehicle: str, state: VehicleState | None, group: str | None, grant: Grant
) -> Visits:
    """Every visit of a vehicle of this group to regions in which it is shown, the one that lasts too."""
    parts = [part for part in grant.parts if part.takes(group)]
    spans: dict[str, list[Span]] = {}
    if any(part.regions is None and not part.coarse_m for part in parts):
        return Visits(spans, parts, book)
    seen = frozenset[str]().union(*(part.regions or () for part in parts))
    _add_lasting(spans, state, seen)
    # who is of no group that is seen is looked for all the same: nobody shall learn from the time it takes
    query = EventQuery(vehicles=frozenset({vehicle}), regions=grant.regions or seen, kinds=frozenset({"exit"}))
    after = 0
    while True:
        exits = await store.events(msgspec.structs.replace(query, after=after, limit=PAGE))
        for exit in (exit for exit in exits if exit.region in seen):
            spans.setdefault(str(exit.region), []).append(_visit(exit))
        if len(exits) < PAGE:
            return Visits(spans, parts, book)
        after = exits[-1].seq


async def all_visits(
    store: Store, book: RegionBook, picture: Picture, grant: Grant, since: int
) -> Callable[[str, str | None], Visits]:
    """Of a vehicle and its group the `visits`, but for those that were over by `since`; asked once for all of them."""
    seen = frozenset[str]().union(*(part.regions or () for part in grant.parts))
    left: dict[str, dict[str, list[Span]]] = {}
    query = EventQuery(regions=seen, kinds=frozenset({"exit"}), since=since, after=0, limit=MOST)
    while exits := await store.events(query) if seen else []:
        for exit in exits:
            left.setdefault(exit.vehicle, {}).setdefault(str(exit.region), []).append(_visit(exit))
        query = msgspec.structs.replace(query, after=exits[-1].seq)

    def of(vehicle: str, group: str | None) -> Visits:
        parts = [part for part in grant.parts if part.takes(group)]
        if any(part.regions is None and not part.coarse_m for part in parts):
            return Visits({}, parts, book)
        mine = frozenset[str]().union(*(part.regions or () for part in parts))
        spans = {region: list(some) for region, some in left.get(vehicle, {}).items() if region in mine}
        _add_lasting(spans, picture.vehicles.get(vehicle), mine)
        return Visits(spans, parts, book)

    return of


def _add_lasting(spans: dict[str, list[Span]], state: VehicleState | None, seen: frozenset[str]) -> None:
    for region, entered_at in state.regions.items() if state else ():
        if region in seen:
            spans.setdefault(region, []).append((entered_at, NEVER))


def _visit(exit: Event) -> Span:
    return exit.detail.get("entered_at", exit.time), _last(exit)


def _last(exit: Event) -> int:
    """The last fix time of a visit. One that an edit ended saw no fix that came later, however old that was."""
    why = exit.detail.get("why") if exit.reason in EDITED else None
    return min(exit.time, int(why["to"]["time"])) if why else exit.time  # none was kept once


async def inside_then(
    store: Store, picture: Picture, event: Event, regions: frozenset[str] | None = None
) -> frozenset[str]:
    """In which (of these) regions an event's vehicle was as it happened: the first enter or exit since tells."""
    state = picture.vehicles.get(event.vehicle)
    inside = frozenset(state.regions) if state else frozenset()
    inside = inside if regions is None else inside & regions
    query = EventQuery(vehicles=frozenset({event.vehicle}), regions=regions, kinds=frozenset({"enter", "exit"}))
    first: dict[str, str] = {}
    for crossing in await store.events(msgspec.structs.replace(query, after=event.seq, limit=MOST)):
        first.setdefault(str(crossing.region), crossing.kind)
    return frozenset(region for region in inside if region not in first) | {
        region for region, kind in first.items() if kind == "exit"
    }


class Shown:
    """What a limited grant shows to whoever tries a region on the past: who is seen now, and the fixes of visits."""

    def __init__(self, store: Store, book: RegionBook, picture: Picture, grant: Grant) -> None:
        self._store, self._book, self._picture, self._grant = store, book, picture, grant
        self._visits: dict[str, Visits] = {}
        self._groups: dict[str, str | None] = {}  # of vehicles, as they were looked at

    @property
    def is_over(self) -> bool:
        """Is one of those who were looked at of another group by now, and so perhaps not seen?"""
        return any(self._picture.group_of(vehicle) != group for vehicle, group in self._groups.items())

    @property
    def is_coarse(self) -> bool:
        """Are some places told as cells? Then who was really near is not to be found out."""
        return any(part.coarse_m for part in self._grant.parts)

    def place(self, vehicle: str, decided: Ping) -> Ping | None:
        """Where it is taken to be, whose newest deciding fix this is; None when it is not seen."""
        state = self._picture.vehicles.get(vehicle)
        seen = self._grant.shown(state, self._group_of(vehicle)) if state else None
        if seen is None or state is None:
            return None
        return decided if seen.ping is state.ping or seen.ping is state.decided else seen.ping

    async def fixes(self, told: list[tuple[Ping, int]]) -> list[tuple[Ping, int]]:
        """Those of (ping, received at) that may be told, as they may."""
        seen = [((await self.visits(ping.vehicle)).shown(ping), at) for ping, at in told]
        return [(ping, at) for ping, at in seen if ping is not None]

    async def everybody(self, since: int) -> Callable[[str], Visits]:
        """The visits of each vehicle that were not over by then."""
        of = await all_visits(self._store, self._book, self._picture, self._grant, since)
        return lambda vehicle: of(vehicle, self._group_of(vehicle))

    async def visits(self, vehicle: str) -> Visits:
        if vehicle not in self._visits:
            state = self._picture.vehicles.get(vehicle)
            group = self._group_of(vehicle)
            self._visits[vehicle] = await visits(self._store, self._book, vehicle, state, group, self._grant)
        return self._visits[vehicle]

    def _group_of(self, vehicle: str) -> str | None:
        return self._groups.setdefault(vehicle, self._picture.group_of(vehicle))
