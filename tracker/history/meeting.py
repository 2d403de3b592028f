"""Meeting: what of a track has to do with a shape, told by outlines: where its blocks were, and what lies between.

A block is read that has an end of a line which meets one of the shape's boxes, however long it took: so whoever is
inside keeps the fixes before and after, and between two that are left out nobody was here. Of blocks that follow each
other inside only the first and the last are read: of those between a count and the longest silence is all there is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from tracker.geometry.shape import Shape
from tracker.history.inside import SILENT_MS, Limits
from tracker.model.outline import MOST, Choice, Mask, Outline, Places, Whole

HALF = 1_800_000_000  #: of the way round, in 1e-7 degrees
SIDES = (("south", np.minimum), ("west", np.minimum), ("north", np.maximum), ("east", np.maximum))

At = npt.NDArray[np.intp]
Sides = dict[str, npt.NDArray[np.int64]]


class Meeting:
    """`Look`s for a shape, since <= time < until."""

    def __init__(self, shape: Shape, since: int, until: int, limits: Limits) -> None:
        self._shape, self._since, self._until, self._accuracy_m = shape, since, until, limits.max_accuracy_m
        self._boxes = [(*map(_down, box[:2]), *map(_up, box[2:])) for box in shape.boxes]

    def choose(self, lines: Outline, whose: Whole, last: Mask) -> Choice:
        doubted = (lines["most"] > self._accuracy_m) | (lines["most"] == MOST)
        reach = self._reach(lines, whose, doubted | last)
        wild = (reach["east"] - reach["west"] >= HALF) | (reach["east"] == HALF) | (reach["west"] == -HALF)
        met = np.zeros(len(lines), np.bool_)
        for west, south, east, north in self._boxes:
            beside = wild | ((reach["east"] >= west) & (reach["west"] <= east))
            met |= beside & (reach["north"] >= south) & (reach["south"] <= north)
        inside = self._inside(lines, whose, met & ~doubted & ~wild)
        skipped = inside.copy()
        for beside in (1, -1):
            skipped &= np.roll(inside, beside) & (np.roll(whose, beside) == whose)
        if len(lines):
            skipped[[0, -1]] = False
        return Choice(met, met & (doubted | last | wild | inside), skipped)

    def met(self, lats: Places, lons: Places) -> Mask:
        """Is the box around the line to the next beside one of the shape's?"""
        found = np.zeros(len(lats), np.bool_)
        south_of, north_of = np.minimum(lats[:, 1:], lats[:, :-1]), np.maximum(lats[:, 1:], lats[:, :-1])
        for west, south, east, north in self._boxes:
            row, at = np.nonzero((south_of <= north) & (north_of >= south))
            one, other = lons[row, at], lons[row, at + 1]
            found[row[(np.minimum(one, other) <= east) & (np.maximum(one, other) >= west)]] = True
        return found

    def around(self, met: Mask, lines: Outline, whose: Whole) -> Mask:
        found = met.copy()
        begins, ends = self._ends(met, lines, whose)
        found[ends] = True
        for begin, end in _far(begins, ends):
            found[begin:end] = True
        return found

    def _reach(self, lines: Outline, whose: Whole, beyond: Mask) -> Sides:
        """The box around each, with those of the blocks in which a line of it may end."""
        reach = {side: lines[side].astype(np.int64) for side, _ in SIDES}
        begins, ends = self._ends(beyond, lines, whose)
        for side, which in SIDES:
            reach[side][begins] = which(lines[side][begins], lines[side][ends])
            for begin, end in _far(begins, ends):
                reach[side][begin] = which.reduce(lines[side][begin : end + 1])
        return reach

    def _ends(self, begins: Mask, lines: Outline, whose: Whole) -> tuple[At, At]:
        """Where lines end that begin in these: in the next block of which anything is believed."""
        nothing = (lines["least"] == MOST) | (lines["least"] + 1.0 > self._accuracy_m)
        something = np.append(np.flatnonzero(~nothing), len(lines))
        tracks = np.append(np.flatnonzero(np.diff(whose)) + 1, len(lines))
        some = np.flatnonzero(begins)
        ends = something[np.searchsorted(something, some + 1)]
        return some, np.minimum(ends, tracks[np.searchsorted(tracks, some, "right")] - 1)

    def _inside(self, lines: Outline, whose: Whole, asked: Mask) -> Mask:
        """Those that surely lie in the shape, all on one side of the ends of the range, with no long silence."""
        begins, ends = lines["since"][:-1], lines["since"][1:]
        whole = (ends < self._since) | ((begins >= self._since) & (ends < self._until)) | (begins >= self._until)
        within = np.zeros(len(lines), np.bool_)
        for west, south, east, north in self._boxes:
            within |= (
                (lines["west"] >= west)
                & (lines["south"] >= south)
                & (lines["east"] <= east)
                & (lines["north"] <= north)
            )
        asked = asked & within & np.append(whole & (whose[1:] == whose[:-1]), False) & (lines["gap"] <= SILENT_MS)
        found = np.zeros(len(lines), np.bool_)
        fresh = np.flatnonzero(np.diff(np.where(asked, whose, -1), prepend=-1, append=-1))
        runs = [run for run in zip(fresh[:-1].tolist(), fresh[1:].tolist(), strict=True) if asked[run[0]]]
        while runs:
            begin, end = runs.pop()
            around = {side: int(which.reduce(lines[side][begin:end])) / 1e7 for side, which in SIDES}
            meets = self._shape.meet((around["west"], around["south"], around["east"], around["north"]))
            if meets is True:
                found[begin:end] = True
            elif meets is not False and end - begin > 1:
                middle = (begin + end) // 2
                runs += [(begin, middle), (middle, end)]
        return found


def _far(begins: At, ends: At) -> Iterator[tuple[int, int]]:
    far = ends > begins + 1
    yield from zip(begins[far].tolist(), ends[far].tolist(), strict=True)


def _down(degrees: float) -> int:
    return max(math.floor(degrees * 1e7) - 1, -HALF)


def _up(degrees: float) -> int:
    return min(math.ceil(degrees * 1e7) + 1, HALF)
