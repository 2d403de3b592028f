"""Line: all that one vehicle told, in the order it came, and where a fleet that has seen nothing else may begin.

The place of a vehicle in a region is decided by its fixes one after the other. But a fix that drives beyond doubt, far
from a region, leaves nothing behind of what was before it: there the line may be cut. What lies between two such cuts
and comes near is a leg, and legs are decided apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tracker.fleet.doubts import SURE_MPS
from tracker.fleet.jumps import DEGREE_M
from tracker.fleet.states import MOVING_MPS, NO_ACCURACY_M, STRAY_M
from tracker.geometry.earth import frame
from tracker.model.columns import Heard
from tracker.model.ping import Ping
from tracker.pipeline.entries.journal import Entry
from tracker.stores import Box

QUIET = 4  #: fixes since anything odd: no jump is undecided any more
STRIDES = 4  #: without a speed, so many long hops in a row are a drive

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


class Leg(NamedTuple):
    """From one fix to another, both of those that decide."""

    first: int
    last: int
    begins: bool  # with the line: it is no cut
    ends: bool  # with the line


class Line:
    def __init__(self, vehicle: str, heard: Heard, deeds: Sequence[Entry], jump_mps: float, poor_m: float) -> None:
        """`deeds`: what happened to it beside messages. Of all limits there were the lowest."""
        self.vehicle = vehicle
        self.heard = heard
        self.deeds = deeds
        time, accuracy = heard.time, heard.accuracy
        newest = np.maximum.accumulate(np.concatenate(([np.int64(-(1 << 62))], time)))[:-1]
        #: the fixes that decide, where nothing is odd
        self.fixes: Array = np.flatnonzero((time > newest) & (accuracy <= poor_m * 100))
        at = self.fixes
        self.time, self.received = time[at], heard.received[at]
        self.lat, self.lon = heard.lat[at] / 1e7, heard.lon[at] / 1e7
        self.speed = heard.speed[at]
        self.accuracy = heard.accuracy[at]
        gap = np.diff(self.time, prepend=self.time[:1])
        hop_lat, hop_lon = (np.abs(np.diff(one, prepend=one[:1])) for one in (self.lat, self.lon))
        far = (hop_lat + hop_lon) * DEGREE_M > jump_mps / 1000 * np.maximum(gap, 1000)
        #: never passed over: a jump perhaps, or something other than a fix came before it
        self.odd: Mask = far | (np.diff(at, prepend=-1) != 1)
        for deed in deeds:
            self.odd[np.searchsorted(self.received, deed.now) :][:1] = True
        self.odd |= np.diff(self.received, prepend=self.received[:1]) < 0
        calm = np.ones(len(at), np.bool_)
        for back in range(QUIET + 1):
            calm[back:] &= ~self.odd[: max(0, len(at) - back)]
        drives = (self.speed >= SURE_MPS * 1000) | self._strides(heard.accuracy[at])
        #: it moves beyond doubt, whatever was before
        self.drives: Mask = drives & calm
        places = np.arange(len(at))
        #: when it last did
        self.drove: Array = np.maximum.accumulate(np.where(self.drives, places, -1))
        rests = self._rests() & ~self.odd & (self.drove >= 0)
        unknown = np.maximum.accumulate(np.where(rests | self.drives, -1, places))
        #: the last fix at which it is known how it moves: it drives, or has stood since it did
        self.known: Array = np.maximum.accumulate(np.where(self.drove > unknown, places, -1))
        self._pings: dict[int, Ping] = {}

    def _strides(self, accuracy: Array) -> Mask:
        """Who says no speed drives when it goes on and on, and not back."""
        count = len(self.time)
        slack = 4 * np.maximum(accuracy / 100, NO_ACCURACY_M)
        slack[1:] = np.maximum(slack[1:], slack[:-1])
        strides = self.speed < 0
        for step in (1, 2):
            hop = np.zeros(count, np.bool_)
            dlat = (self.lat[step:] - self.lat[:-step]) * 110_500
            dlon = (self.lon[step:] - self.lon[:-step]) * 110_500 * np.cos(np.radians(self.lat[step:]))
            hop[step:] = np.hypot(dlat, dlon) > slack[step:] + slack[:-step]
            for back in range(STRIDES + 1 - step):
                strides[back:] &= hop[: max(0, count - back)]
                strides[:back] = False
        return strides

    def _rests(self) -> Mask:
        """Who was last seen driving there stands now, whatever a receiver's noise says."""
        stray = np.where(self.speed < 0, 2 * NO_ACCURACY_M, STRAY_M) * 0.9
        from_lat, from_lon = self.lat[self.drove], self.lon[self.drove]
        dlat = (self.lat - from_lat) * DEGREE_M
        dlon = (self.lon - from_lon) * DEGREE_M * np.cos(np.radians(self.lat))
        rests: Mask = (np.hypot(dlat, dlon) < stray) & (self.speed < MOVING_MPS * 1000 - 1)
        return rests

    def near(self, boxes: Sequence[Box]) -> Mask:
        """Of each of its fixes: does it, or what was told since the one before, come near one of them?"""
        heard = self.heard
        lat, lon = heard.lat / 1e7, heard.lon / 1e7
        every = _beside(lat, lon, boxes)
        found: Mask = np.logical_or.reduceat(every, np.concatenate(([0], self.fixes[:-1] + 1)))
        return found | _beside(self.lat, self.lon, boxes)

    def legs(self, boxes: Sequence[Box]) -> list[Leg]:
        """Those that come near one of the boxes."""
        if not len(self.fixes):
            return []
        near = self.near(boxes)
        some, cuts = np.flatnonzero(near), np.flatnonzero(self.drives & ~near)
        before, after = np.searchsorted(cuts, some), np.searchsorted(cuts, some, "right")
        _, fresh = np.unique(before, return_index=True)
        last, legs = len(self.fixes) - 1, []
        for begin, end in zip(before[fresh].tolist(), after[fresh].tolist(), strict=True):
            begins, ends = begin == 0, end == len(cuts)
            first = 0 if begins else int(cuts[begin - 1])
            legs.append(Leg(first, last if ends else int(cuts[end]), begins, ends))
        return legs

    def ping(self, at: int) -> Ping:
        """Of all that was heard."""
        if (made := self._pings.get(at)) is None:
            heard = self.heard
            speed, accuracy = int(heard.speed[at]), int(heard.accuracy[at])
            made = self._pings[at] = Ping(
                self.vehicle,
                int(heard.time[at]),
                int(heard.lat[at]) / 1e7,
                int(heard.lon[at]) / 1e7,
                None if speed < 0 else speed / 1e3,
                None,
                None,
                None if accuracy < 0 else accuracy / 1e2,
            )
        return made


def _beside(lat: Array, lon: Array, boxes: Sequence[Box]) -> Mask:
    """Which places, and lines to them from the place before, do not lie wholly to one side of every box."""
    lat0, lon0 = np.concatenate((lat[:1], lat[:-1])), np.concatenate((lon[:1], lon[:-1]))
    found: Mask = np.abs(lon - lon0) > 180
    south, north, west, east = (
        np.minimum(lat, lat0),
        np.maximum(lat, lat0),
        np.minimum(lon, lon0),
        np.maximum(lon, lon0),
    )
    for box in boxes:
        found |= (north >= box[1]) & (south <= box[3]) & (east >= box[0]) & (west <= box[2])
    return found


def widened(boxes: Sequence[Box], by_m: float) -> list[Box]:
    """Each with so much around it, where it lies and across the antimeridian."""
    found: list[Box] = []
    up = by_m / 110_500.0  # no degree of latitude is shorter
    for west, south, east, north in boxes:
        side = by_m / frame(min(max(abs(south - up), abs(north + up)), 89.0))[0]
        turns = [0, *([360] if west - side < -180 else []), *([-360] if east + side > 180 else [])]
        found += [(west - side + turn, south - up, east + side + turn, north + up) for turn in turns]
    return found


def lie_in(boxes: Sequence[Box], zone: Sequence[Box]) -> bool:
    """Each of them wholly in one of the zone's."""
    return all(any(z[0] <= w and z[1] <= s and z[2] >= e and z[3] >= n for z in zone) for w, s, e, n in boxes)
