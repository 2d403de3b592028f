"""Frames: where vehicles were at instants, from their fixes. Nothing is invented.

At an instant a vehicle is where its newest fix of then or before says, and its age counts from that. Where the next
one comes at most five minutes after it, the vehicle is between the two, on the straight line, as far along as the time
is; else it stands there, marked as a gap. What is older than a day says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tracker.history.visits import Visits
from tracker.model.coarse import coarsened_places
from tracker.model.columns import SILENT_MS, Tracks, Whole

LINE_MS = 300_000  #: two fixes further apart say nothing of what lies between them
NOTHING, GAP, BETWEEN = 0, 1, 2  #: what is known at an instant
FULL = 3_600_000_000  #: all the way round, in 1e-7 degrees

Array = npt.NDArray[Any]


class Grid(NamedTuple):
    """Instants, one every so often."""

    since: int
    step: int  # ms
    instants: int

    @classmethod
    def over(cls, since: int, until: int, step: int) -> Grid:
        """As many as are before `until`, one at least."""
        return cls(since, step, max(1, -(-(until - since) // step)))

    @property
    def last(self) -> int:
        return self.since + (self.instants - 1) * self.step

    @property
    def times(self) -> Whole:
        return self.since + np.arange(self.instants, dtype=np.int64) * self.step

    @property
    def needs(self) -> tuple[int, int]:
        """Since when and until when fixes have to be known, but for the one before."""
        return self.since, self.last + LINE_MS + 1


class Told(NamedTuple):
    """Of fixes, what limits them: the last instant of which each may tell something, and how coarsely it is told."""

    lasts: Whole
    cells_m: npt.NDArray[np.float64]


def admitted(tracks: Tracks, visits: Sequence[Visits]) -> tuple[Tracks, Told]:
    """What these visits, one a vehicle, show of tracks."""
    parts = [
        (one.cells(tracks.time[at], tracks.lat[at], tracks.lon[at]), one.lasts(tracks.time[at]))
        for one, at in zip(visits, tracks.each(), strict=True)
    ]
    cells, lasts = (np.concatenate(one) for one in zip(*parts, strict=True))
    seen = np.isfinite(cells)
    told = tracks.kept(seen)
    told.lat, told.lon = coarsened_places(told.lat, told.lon, cells[seen])
    return told, Told(lasts[seen], cells[seen])


class Frames(NamedTuple):
    """A row a vehicle, a column an instant."""

    known: npt.NDArray[np.uint8]
    lat: Whole  # 1e-7 degrees; 0 where nothing is known
    lon: Whole
    age: Whole  # ms

    def rows(self, which: Array | slice) -> Frames:
        """Of these vehicles."""
        return Frames(self.known[which], self.lat[which], self.lon[which], self.age[which])


def sample(tracks: Tracks, grid: Grid, now: int, told: Told | None = None) -> Frames:
    """Nothing is told of instants after `now`."""
    count = len(tracks.begins) - 1
    if not len(tracks.time):
        nothing = np.zeros((count, grid.instants), np.int64)
        return Frames(nothing.astype(np.uint8), nothing, nothing, nothing)
    before = _newest(tracks, grid)
    has = before >= tracks.begins[:-1, None]
    before = np.maximum(before, 0)
    after = np.minimum(before + 1, len(tracks.time) - 1)
    times = grid.times
    began = tracks.time[before]
    age = times - began
    has &= (age <= SILENT_MS) & (times <= now)
    gap = tracks.time[after] - began
    moves = has & (before + 1 < tracks.begins[1:, None]) & (gap <= LINE_MS)
    if told is not None:
        has &= times <= told.lasts[before]
        moves &= has & (told.lasts[before] == told.lasts[after])
    lat, lon = tracks.lat.astype(np.int64), tracks.lon.astype(np.int64)
    gap = np.where(moves, gap, 1)
    went = np.where(moves, age, 0)
    ways = [lat[after] - lat[before], (lon[after] - lon[before] + FULL // 2) % FULL - FULL // 2]
    north, east = ((2 * way * went + gap) // (2 * gap) for way in ways)
    lat, lon = lat[before] + north, lon[before] + east
    lon = np.where(lon > FULL // 2, lon - FULL, np.where(lon < -FULL // 2, lon + FULL, lon))
    known = np.where(moves, BETWEEN, np.where(has, GAP, NOTHING)).astype(np.uint8)
    if told is not None and told.cells_m.any():
        cells = np.where(moves, np.maximum(told.cells_m[before], told.cells_m[after]), told.cells_m[before])
        lat, lon = coarsened_places(lat, lon, cells)
    lat, lon, age = (np.where(has, one, 0) for one in (lat, lon, age))
    return Frames(known, lat, lon, age)


def _newest(tracks: Tracks, grid: Grid) -> Whole:
    """Of each vehicle at each instant the place of its newest fix, or one of another vehicle."""
    whose, rows = tracks.which(), np.arange(len(tracks.begins) - 1)
    from_ = grid.since - SILENT_MS
    room = int(max(tracks.time[-1], tracks.time.max(), grid.last)) - from_ + 1
    keys = whose * room + np.maximum(tracks.time - from_, 0)
    asked = rows[:, None] * room + (grid.times - from_)
    return np.searchsorted(keys, asked.ravel(), "right").reshape(asked.shape) - 1
