"""Reach: whom an edit may concern. Of 100,000 vehicles most are far from what was drawn: it is enough to tell them so.

An edit concerns who is in its shapes, who visits or touches its regions, and whose schedules turned meanwhile. Whole
arrays of places are asked at once: boxes first, then the shapes themselves. The answer may be yes without need, never
no with need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import shapely

from tracker.fleet.edits import Edit
from tracker.fleet.vehicle import Vehicle
from tracker.fleet.windows import by_our_clock
from tracker.geometry.area import Floats
from tracker.geometry.shape import Shape
from tracker.model.ping import Ping
from tracker.regions.book import RegionBook

TWICE = (180.0, -180.0)  #: a place there has two names


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


class Near:
    """Shapes, asked of many places at once."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self._stretches = [(key, shape, i) for key, shape in shapes.items() for i in range(len(shape.stretches))]
        boxes = [(box, k) for k, (_, shape, i) in enumerate(self._stretches) for box in shape.stretches[i]]
        self._owners = np.array([k for _, k in boxes], np.int64)
        self._tree = shapely.STRtree(shapely.box(*np.array([box for box, _ in boxes]).T)) if boxes else None

    def at(self, lats: Floats, lons: Floats) -> dict[int, list[str]]:
        """By the number of each place, none of them at ±180, the shapes that may cover it."""
        found: dict[int, list[str]] = {}
        if self._tree is None:
            return found
        places, boxes = self._tree.query(shapely.points(lons, lats))
        owners = self._owners[boxes]
        order = np.argsort(owners, kind="stable")
        places, owners = places[order], owners[order]
        for part in np.split(np.arange(len(owners)), np.flatnonzero(np.diff(owners)) + 1) if len(owners) else ():
            key, shape, i = self._stretches[owners[part[0]]]
            asked = np.unique(places[part])  # once, however many of its boxes hold it
            for place in asked[shape.may_cover(lats[asked], lons[asked], i)].tolist():
                keys = found.setdefault(place, [])
                if key not in keys[-1:]:
                    keys.append(key)
        return found
