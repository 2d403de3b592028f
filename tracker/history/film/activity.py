"""Activity: how many vehicles told something in each step of a range, and how many moved; what a timeline draws.

A vehicle told something in a step where a fix of it is, or through which the line between two fixes leads that are at
most five minutes apart. It moved where its fixes of the step, and the one before them, are further apart than noise is,
or where such a line goes on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tracker.fleet.states import MOVING_MPS
from tracker.geometry.earth import MEAN_RADIUS
from tracker.history.film.frames import FULL, LINE_MS, Grid, Told
from tracker.model.columns import SILENT_MS, Array, Tracks, Whole
from tracker.model.outline import Spells

NEAREST_M, FARTHEST_M = 25.0, 150.0  #: who went no further may have stood; so far one moved, however long it took

Flags = npt.NDArray[np.bool_]


class Counts(NamedTuple):
    """Of vehicles, in each step."""

    known: Whole
    moving: Whole

    @classmethod
    def none(cls, grid: Grid) -> Counts:
        return cls(np.zeros(grid.instants, np.int64), np.zeros(grid.instants, np.int64))

    def plus(self, more: Counts) -> Counts:
        return Counts(self.known + more.known, self.moving + more.moving)


def far_m(step_ms: int) -> float:
    """Further than that one moved, in a step."""
    return min(FARTHEST_M, max(NEAREST_M, MOVING_MPS * step_ms / 1000))


def activity_about(spells: Spells, count: int, grid: Grid) -> Counts:
    """Of so many vehicles: known in each step that a spell reaches into, and moving if they were far about in it."""
    begins = np.clip((spells.since - grid.since) // grid.step, 0, grid.instants)
    ends = np.clip((spells.last - grid.since) // grid.step + 1, begins, grid.instants)
    far = np.flatnonzero(_metres(spells.north, spells.east, spells.lat) > far_m(grid.step))
    shape = count, grid.instants
    known = _covered(spells.which, begins, ends, shape)
    return Counts(known.sum(0), _covered(spells.which[far], begins[far], ends[far], shape).sum(0))


def activity(tracks: Tracks, grid: Grid, told: Told | None = None) -> Counts:
    if not len(tracks.time):
        return Counts.none(grid)
    whose, step = tracks.which(), (tracks.time - grid.since) // grid.step
    gap = np.diff(tracks.time)
    follows = (np.diff(whose) == 0) & (gap <= SILENT_MS)  # from each fix to the next: of the same vehicle, and visit
    if told is not None:
        follows &= np.diff(told.lasts) == 0
    places = tracks.lat.astype(np.int64), _unwrapped(tracks.lon)
    shape = len(tracks.begins) - 1, grid.instants
    known, moving = _lines(tracks, grid, places, whose, step, follows & (gap <= LINE_MS))
    starts = np.flatnonzero(np.concatenate(([True], (np.diff(whose) != 0) | (np.diff(step) != 0))))
    moved = _extents_m(places, starts, np.concatenate(([False], follows))[starts]) > far_m(grid.step)
    whose, step = whose[starts], step[starts]
    within = (step >= 0) & (step < grid.instants)
    for flags, which in ((known, within), (moving, within & moved)):
        flags |= np.bincount(whose[which] * shape[1] + step[which], minlength=shape[0] * shape[1]).reshape(shape) > 0
    return Counts(known.sum(0), moving.sum(0))


def _lines(
    tracks: Tracks, grid: Grid, places: tuple[Whole, Whole], whose: Whole, step: Whole, is_line: Flags
) -> tuple[Flags, Flags]:
    """Of each vehicle and step: does a line lead through it, and does it go on there?"""
    begins, ends = np.maximum(step[:-1] + 1, 0), np.minimum(step[1:], grid.instants)
    through = np.flatnonzero(is_line & (begins < ends))
    north, east = (one[through + 1] - one[through] for one in places)
    gap = (tracks.time[through + 1] - tracks.time[through]) / grid.step
    goes = _metres(north, east, tracks.lat[through]) / gap > far_m(grid.step)
    return tuple(  # type: ignore[return-value]
        _covered(whose[which], begins[which], ends[which], (len(tracks.begins) - 1, grid.instants))
        for which in (through, through[goes])
    )


def _covered(rows: Whole, begins: Whole, ends: Whole, shape: tuple[int, int]) -> Flags:
    """begin <= column < end, of each row."""
    width = shape[1] + 1
    steps = np.bincount(rows * width + begins, minlength=shape[0] * width)
    steps = steps - np.bincount(rows * width + ends, minlength=shape[0] * width)
    covered: Flags = np.cumsum(steps.reshape(shape[0], width)[:, :-1], 1) > 0
    return covered


def _extents_m(places: tuple[Whole, Whole], starts: Whole, with_before: Flags) -> Array:
    """How far apart the fixes from each start to the next are, and the one before where it counts."""
    before = np.where(with_before, starts - 1, starts)
    north, east = (
        np.maximum(np.maximum.reduceat(one, starts), one[before])
        - np.minimum(np.minimum.reduceat(one, starts), one[before])
        for one in places
    )
    return _metres(north, east, places[0][starts])


def _unwrapped(lon: Array) -> Whole:
    """Going on where the antimeridian is crossed."""
    there: Whole = lon.astype(np.int64)
    steps = (there[1:] - there[:-1] + FULL // 2) % FULL - FULL // 2
    return np.concatenate(([0], np.cumsum(steps)))


def _metres(north: Whole, east: Whole, lat: Array) -> Array:
    """Of 1e-7 degrees."""
    metres: Array = np.radians(np.hypot(north, east * np.cos(np.radians(lat / 1e7))) / 1e7) * MEAN_RADIUS
    return metres
