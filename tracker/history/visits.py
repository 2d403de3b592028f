"""Visits: when a vehicle was in some regions, read back from what is stored: what a limited grant shows of the past.

Of the fixes of a visit only those count that are at most as far outside as a member may be: a jump, a late fix or one
of poor accuracy says where the vehicle was otherwise.
"""

from __future__ import annotations

from bisect import bisect_right

import msgspec

from tracker.access.grants import Grant
from tracker.fleet.membership import BEYOND_M
from tracker.model.change import VehicleState
from tracker.model.events import Event
from tracker.model.picture import Picture
from tracker.model.ping import Ping
from tracker.regions.book import RegionBook
from tracker.stores import EventQuery, Store

PAGE = 1000  #: exits read at once
MOST = 10_000  #: crossings since an event that are looked at
NEVER = 2**62  #: ms, after every time

Span = tuple[int, int]  # since <= fix time <= until


class Visits:
    def __init__(self, spans: dict[str, list[Span]], book: RegionBook) -> None:
        self._spans = {region: sorted(each) for region, each in spans.items()}
        self._book = book

    def __bool__(self) -> bool:
        return bool(self._spans)

    def spans(self) -> list[Span]:
        """All of them, in order; those that overlap are one."""
        whole: list[Span] = []
        for since, until in sorted(span for spans in self._spans.values() for span in spans):
            if whole and since <= whole[-1][1]:
                whole[-1] = (whole[-1][0], max(whole[-1][1], until))
            else:
                whole.append((since, until))
        return whole

    def admit(self, ping: Ping) -> bool:
        """Whether this fix was made in one of them."""
        return any(
            self._lasts(spans, ping.time) and self._is_near(region, ping) for region, spans in self._spans.items()
        )

    def _lasts(self, spans: list[Span], time: int) -> bool:
        at = bisect_right(spans, (time, NEVER)) - 1
        return at >= 0 and time <= spans[at][1]

    def _is_near(self, region: str, ping: Ping) -> bool:
        drawn = self._book.regions.get(region)
        return drawn is not None and drawn.shape.signed_distance_m(ping.lat, ping.lon) <= BEYOND_M


async def visits(
    store: Store, book: RegionBook, vehicle: str, state: VehicleState | None, regions: frozenset[str]
) -> Visits:
    """Every visit of a vehicle to these regions, the one that lasts too."""
    spans: dict[str, list[Span]] = {}
    for region, entered_at in state.regions.items() if state else ():
        if region in regions:
            spans.setdefault(region, []).append((entered_at, NEVER))
    query = EventQuery(vehicles=frozenset({vehicle}), regions=regions, kinds=frozenset({"exit"}))
    after = 0
    while True:
        exits = await store.events(msgspec.structs.replace(query, after=after, limit=PAGE))
        for exit in exits:
            spans.setdefault(str(exit.region), []).append((exit.detail.get("entered_at", exit.time), exit.time))
        if len(exits) < PAGE:
            return Visits(spans, book)
        after = exits[-1].seq


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

    def sees(self, vehicle: str) -> bool:
        state = self._picture.vehicles.get(vehicle)
        return state is not None and self._grant.shown(state) is not None

    async def fixes(self, told: list[tuple[Ping, int]]) -> list[tuple[Ping, int]]:
        """Those of (ping, received at) that may be told."""
        return [one for one in told if (await self._of(one[0].vehicle)).admit(one[0])]

    async def _of(self, vehicle: str) -> Visits:
        if vehicle not in self._visits:
            state = self._picture.vehicles.get(vehicle)
            self._visits[vehicle] = await visits(self._store, self._book, vehicle, state, self._grant.regions)
        return self._visits[vehicle]
