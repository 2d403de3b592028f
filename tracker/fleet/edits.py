"""Edits: what a new, changed or deleted region does to whom.

Every live vehicle is evaluated once per edit, some now and some later; each remembers the last edit it saw (`rev`).
There is one edit at a time: a new one waits until the last is done, so the regions in force are always enough.

Of 100,000 vehicles most are far from what was drawn: it is enough to tell them so. An edit concerns who is in its
shapes, who visits or touches its regions, and whose schedules turned meanwhile. Whole arrays of places are asked at
once: the answer may be yes without need, never no with need.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from tracker.fleet.cause import Occasion
from tracker.fleet.vehicle import Vehicle
from tracker.fleet.windows import by_our_clock, follow
from tracker.geometry.near import TWICE, Near
from tracker.model.events import Event
from tracker.model.ping import Ping
from tracker.regions.book import RegionBook
from tracker.regions.region import Region

LOOK = 2000  #: vehicles asked at once whether an edit concerns them: a few ms
FIRST_LOOK, PAIRS = 16, 5000  #: so many at first; fewer when they are in more of its regions than that together


class Edit(msgspec.Struct, frozen=True, omit_defaults=True):
    """One instant at which regions changed."""

    rev: int
    at: int
    changed: dict[str, str] = {}  # region id → reason: who is inside is decided anew
    kept: list[str] = []  # only names or rules changed: who is inside stays
    deleted: dict[str, dict[str, Any]] = {}  # region id → its last Feature
    versions: dict[str, int] = {}  # of the deletions
    read: dict[str, Any] = {}  # the deleted ones as Regions; not written

    def as_json(self) -> str:
        return msgspec.json.encode(msgspec.structs.replace(self, read={})).decode()

    @classmethod
    def from_json(cls, text: str) -> Edit:
        return msgspec.json.decode(text, type=cls)

    def deleted_region(self, id: str) -> Region:
        """The region as it was: events of its end name its last shape."""
        region: Region | None = self.read.get(id)
        if region is None:  # after a restart
            feature = self.deleted[id]
            region = Region.read_feature(feature, id=id, version=feature["properties"]["version"], now=self.at)
            self.read[id] = region
        return region


def evaluate(book: RegionBook, vehicle: Vehicle, edit: Edit, inside: Sequence[str] | None = None) -> list[Event]:
    """Bring one vehicle up to date with an edit. Events are those of the edit's instant, whenever this is called.

    `inside`: of the changed regions, those that may cover it, as `Reach` found out; otherwise the book is asked.
    """
    vehicle.rev = edit.rev
    events: list[Event] = []
    if by_our_clock(vehicle):
        events = follow(book, vehicle, edit.at, edit.at, vehicle.delayed, passing=edit.changed)
    ping, visits = vehicle.decided, vehicle.visits
    if ping is None:
        return events
    if inside is None:
        vehicle.raw = raw = book.covering(ping.lat, ping.lon, vehicle.clock)
    else:  # what else covers it costs a cell that nobody may drive into again: the next fix asks
        vehicle.raw, raw = None, [key for key in inside if _covers(book.regions[key], ping, vehicle.clock)]
    concerned = {key for key in (*visits, *vehicle.touches) if key in edit.changed or key in edit.deleted}
    if vehicle.doubt is not None:
        concerned |= vehicle.doubt.named().intersection(edit.changed)
    concerned |= {key for key in raw if key in edit.changed}
    for key in concerned:
        vehicle.touches.pop(key, None)
        if vehicle.doubt is not None:
            vehicle.doubt.drop(key)
    gone = sorted(key for key in concerned if key in visits and key not in raw)
    new = sorted(key for key in concerned if key in raw and key not in visits)
    if gone or new:
        vehicle.write_peak()
    for key in gone:
        if key in edit.deleted:
            region, version, reason = edit.deleted_region(key), edit.versions[key], "region_deleted"
        else:
            region, version, reason = book.regions[key], book.regions[key].version, "region_changed"
        occasion = _occasion(reason, edit.at, version, edit.at, vehicle).by_our_clock()
        occasion.leave_region(region, visits.pop(key))
        events += occasion.events
    for key in new:
        region = book.regions[key]
        occasion = _occasion(edit.changed[key], edit.at, region.version, edit.at, vehicle).by_our_clock()
        visits[key] = occasion.enter(region)
        events += occasion.events
    for key, visit in visits.items():
        if visit.over_told and book.regions[key].rules.speed_limit_mps is None:
            occasion = _occasion("region_changed", edit.at, book.regions[key].version, edit.at, vehicle).by_our_clock()
            occasion.overspeed_end(book.regions[key], visit)
            events += occasion.events
    return events


def _covers(region: Region, ping: Ping, clock: int) -> bool:
    """Of one that `Reach` found."""
    shape = region.shape
    return region.open_at(clock) and (shape.certain or shape.covers(ping.lat, ping.lon))


def _occasion(reason: str, at: int, cause: str | int, now: int, vehicle: Vehicle) -> Occasion:
    return Occasion(reason, at, cause, now, vehicle.delayed, vehicle.decided or vehicle.ping)


class Concerned(NamedTuple):
    """Somebody to be evaluated, as seen from the edit."""

    vehicle: str
    fix: Ping | None  # what decided where it is when it was looked at
    inside: Sequence[str] | None  # the edit's regions that may cover it, areas for certain; None: ask the book


class Reach:
    def __init__(self, book: RegionBook, edit: Edit) -> None:
        self._book = book
        self._edit = edit
        self._keys = {*edit.changed, *edit.kept, *edit.deleted}
        self._drawn = Near({key: book.regions[key].shape for key in sorted(edit.changed) if key in book.regions})
        self._scheduled = Near({key: book.regions[key].shape for key in sorted(book.scheduled)})

    def concerned(self, vehicles: Sequence[Vehicle]) -> list[Concerned]:
        """Those an evaluation may change; each of the others is told that it has seen the edit."""
        if not vehicles:
            return []
        fixes = [vehicle.decided or vehicle.ping for vehicle in vehicles]
        lats, lons = np.array([fix.lat for fix in fixes]), np.array([fix.lon for fix in fixes])
        drawn, turning = self._drawn.at(lats, lons), self._scheduled.at(lats, lons)
        at, rev, scheduled = self._edit.at, self._edit.rev, bool(self._book.scheduled)
        found = []
        for i, vehicle in enumerate(vehicles):
            if fixes[i].lon in TWICE:
                found.append(Concerned(vehicle.ping.vehicle, vehicle.decided, None))
                continue
            concerned = i in drawn
            if not concerned and (vehicle.visits or vehicle.touches or vehicle.doubt is not None):
                concerned = self._has_part(vehicle) or (scheduled and self._turns(vehicle))
            if concerned or (i in turning and self._turns(vehicle)):
                found.append(Concerned(vehicle.ping.vehicle, vehicle.decided, drawn.get(i, ())))
                continue
            vehicle.rev = rev
            if vehicle.clock < at and by_our_clock(vehicle):
                vehicle.clock = at
        return found

    def _has_part(self, vehicle: Vehicle) -> bool:
        """Does it visit or touch one of the edit's regions, or wait to?"""
        keys = self._keys
        return (
            not keys.isdisjoint(vehicle.visits)
            or not keys.isdisjoint(vehicle.touches)
            or (vehicle.doubt is not None and not keys.isdisjoint(vehicle.doubt.named()))
        )

    def _turns(self, vehicle: Vehicle) -> bool:
        """May a schedule have opened or closed a region for it since it was last asked?"""
        clock, at = vehicle.clock, self._edit.at
        return clock < at and by_our_clock(vehicle) and not self._book.is_quiet(clock, at)


class Round:
    """The way of an edit round all vehicles."""

    def __init__(self, book: RegionBook, edit: Edit, vehicles: list[str]) -> None:
        """`vehicles`: who may not have seen it, the next one last."""
        self.edit = edit
        self._reach = Reach(book, edit)
        self._todo = vehicles  # of whom nobody has asked yet whether it concerns them
        self._near: list[Concerned] = []  # it does: still to be evaluated, the next one last
        self._sight = FIRST_LOOK  # how many are asked next

    @property
    def goes_on(self) -> bool:
        """Is somebody left who may not have seen it?"""
        return bool(self._todo or self._near)

    def add_vehicles(self, vehicles: list[str]) -> None:
        """These are again as they were before."""
        self._todo += vehicles

    def next(self, limit: int, vehicles: Mapping[str, Vehicle]) -> Iterator[Concerned]:
        """Whom it concerns, so many at most; when nobody is known, it looks for more of them."""
        if not self._near:
            self._look(vehicles)
        for _ in range(min(limit, len(self._near))):
            yield self._near.pop()

    def _look(self, vehicles: Mapping[str, Vehicle]) -> None:
        count = min(self._sight, LOOK)
        names = self._todo[-count:]
        del self._todo[-count:]
        asked = [vehicle for name in names if (vehicle := vehicles.get(name)) and vehicle.rev < self.edit.rev]
        self._near = self._reach.concerned(asked)
        pairs = sum(len(one.inside or ()) for one in self._near)
        self._sight = max(count // 2, 1) if pairs > PAIRS else min(count * 2, LOOK)
