"""Rehearsal: what a region would have done to recorded pings. The same fleet, with only this region in it.

Most vehicles never come near a region. Their pings are compared with its box and passed over; only when the line from
the last ping to this one could matter does the fleet decide; otherwise it only learns how the vehicle moves. Nothing
else is different from the real thing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from tracker.fleet.fleet import Fleet, FleetSettings
from tracker.fleet.membership import CLEAR_M, WORST_M
from tracker.fleet.vehicle import Vehicle
from tracker.fleet.windows import by_our_clock
from tracker.geometry.earth import frame
from tracker.geometry.near import TWICE, Near
from tracker.geometry.shape import Shape
from tracker.model.events import Event
from tracker.model.ping import Ping
from tracker.pipeline.entries.journal import ClockSet, Messages, RegionsSaved, decide
from tracker.regions.region import Region
from tracker.stores import Box

LISTED = 1000  #: events, and vehicles inside, that are named; the others are counted
MARGIN_M = max(CLEAR_M, 2 * WORST_M)  #: nobody further out than this is a member
DEGREE_M = 110_500.0  #: no degree of latitude is shorter
TIMERS = 20  #: that go off in one step


class Rehearsal:
    """Give it pings in the order they were received, then read what came of them.

    All work is done in short steps: whoever goes through them may let others have their turn in between.
    """

    def __init__(self, region: Region, settings: FleetSettings, since: int) -> None:
        self.region = region
        self.counts: Counter[str] = Counter()
        self.events: list[Event] = []
        self._now = since
        self._fleet = Fleet(settings, kept=False)
        decide(self._fleet, RegionsSaved(since, [region]))
        self._jump = settings.jump_mps / 1000 / 111_700  # degrees in a millisecond
        self._boxes = _grown(region.shape)
        self._near = Near({region.id: region.shape})

    @property
    def box(self) -> Box:
        """Vehicles whose fixes all lie to one side of it, and that never cross the antimeridian, do nothing here."""
        west, south, east, north = zip(*self._boxes, strict=True)
        return min(west), min(south), max(east), max(north)

    def take_pings(self, pings: Iterable[tuple[Ping, int]]) -> Iterator[None]:
        """(ping, received at), each at or after the one before."""
        vehicles, poor_m = self._fleet.vehicles, self._fleet.settings.max_accuracy_m
        for ping, received_at in pings:
            yield
            if ping.accuracy_m is not None and ping.accuracy_m > poor_m:
                continue  # decides nothing
            vehicle = vehicles.get(ping.vehicle)
            if vehicle is not None:
                before = vehicle.ping
                if ping.time <= before.time:
                    continue  # late: no event of a region
                if (
                    not (vehicle.visits or vehicle.touches or vehicle.held or vehicle.doubt)
                    and self._is_plain(before, ping)
                    and self._is_far(before, ping)
                ):
                    yield from self._fire(received_at)
                    self._fleet.glance(vehicle, ping, received_at)
                    continue
            yield from self._fire(received_at)
            self._note(decide(self._fleet, Messages(received_at, [ping])).change.events)

    def finish(self, now: int) -> Iterator[None]:
        """Let the timers run until now."""
        yield from self._fire(now)

    def forget_vehicles(self) -> Iterator[None]:
        """Give the vehicles back, little by little."""
        vehicles = self._fleet.vehicles
        while vehicles:
            vehicles.popitem()
            yield

    def holds(
        self, vehicles: Sequence[Vehicle], now: int, place: Callable[[str, Ping], Ping | None] | None = None
    ) -> list[str]:
        """Which of these of a live fleet would the region have at this moment? `place`: where they are to be taken to
        be, from where they are."""
        placed = [(one.ping.vehicle, one.decided, now if by_our_clock(one) else one.clock) for one in vehicles]
        found = [(name, fix and place(name, fix) if place else fix, clock) for name, fix, clock in placed]
        asked = [(name, fix, clock) for name, fix, clock in found if fix is not None]
        lats, lons = (np.array([getattr(fix, name) for _, fix, _ in asked]) for name in ("lat", "lon"))
        near, region, sure = self._near.at(lats, lons), self.region, self.region.shape.certain
        return [
            name
            for i, (name, fix, clock) in enumerate(asked)
            if (i in near or fix.lon in TWICE)
            and region.open_at(clock)
            and ((sure and i in near) or region.shape.covers(fix.lat, fix.lon))
        ]

    def _fire(self, now: int) -> Iterator[None]:
        if now < self._now:  # somebody set the clock back meanwhile
            decide(self._fleet, ClockSet(self._now, now - self._now))
        self._now = now
        while (due := self._fleet.due_at()) is not None and due <= now:
            if step := self._fleet.fire(now, TIMERS):
                self._note(step.change.events)
            yield

    def _note(self, events: Iterable[Event]) -> None:
        for event in events:
            if event.region == self.region.id:
                self.counts[event.kind] += 1
                if len(self.events) < LISTED:
                    self.events.append(event)

    def _is_plain(self, before: Ping, ping: Ping) -> bool:
        """Surely no jump?"""
        reach = self._jump * max(ping.time - before.time, 1000)
        return abs(ping.lat - before.lat) + abs(ping.lon - before.lon) <= reach

    def _is_far(self, before: Ping, ping: Ping) -> bool:
        """Are both so far to one side of the region that the line between them cannot matter?"""
        for west, south, east, north in self._boxes:
            if not (
                (before.lat < south and ping.lat < south)
                or (before.lat > north and ping.lat > north)
                or (before.lon < west and ping.lon < west)
                or (before.lon > east and ping.lon > east)
            ):
                return False
        return True


def _grown(shape: Shape) -> list[Box]:
    """The boxes of a shape with the margin around them, where they lie and across the antimeridian."""
    boxes: list[Box] = []
    up = MARGIN_M / DEGREE_M
    for west, south, east, north in shape.boxes:
        widest = min(max(abs(south - up), abs(north + up)), 89.0)
        side = MARGIN_M / frame(widest)[0]
        turns = [0, *([360] if west - side < -180 else []), *([-360] if east + side > 180 else [])]
        boxes += [(west - side + turn, south - up, east + side + turn, north + up) for turn in turns]
    return boxes
