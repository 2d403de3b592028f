"""Outline: of each few hundred fixes of a vehicle a line: where they were, when, and how much of it is to be believed.

So most of a track need not be read: what was far away, and what was inside of a shape all the time.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from tracker.model.columns import Columns, concatenate
from tracker.model.commit import APART, HELD

BLOCK = 512  #: fixes of a line
METRE = 100  #: in units of accuracy
MOST = 255  #: metres: this, or more; or what is not to be believed, whoever asks

#: 1e-7 degrees; ms; metres. The first fix of the next line is in it, since the vehicle was on its way there: so `gap`
#: is the longest time from one to the next. Of the accuracies `most` is that of all, rounded up; `least`, rounded down,
#: that of those that surely count.
LINE = np.dtype(
    [
        *((side, "<i4") for side in ("south", "west", "north", "east")),
        *(("since", "<i8"), ("gap", "<u4"), ("least", "u1"), ("most", "u1")),
    ]
)

Outline = npt.NDArray[Any]  # of LINE
Mask = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]


def outline_of(columns: Columns) -> Outline:
    """`columns`: at least one, in fix order. Boxes are of those that may count; of none they are inside out."""
    begins = np.arange(0, len(columns), BLOCK)
    lines = np.zeros(len(begins), LINE)
    counts = (columns.taken != HELD) & (columns.taken != APART) & ((columns.lat != 0) | (columns.lon != 0))
    limits = np.iinfo(np.int32)
    for places, low, high in ((columns.lat, "south", "north"), (columns.lon, "west", "east")):
        lines[low] = _reduced(np.minimum, np.where(counts, places, limits.max), begins)
        lines[high] = _reduced(np.maximum, np.where(counts, places, limits.min), begins)
    steps = np.diff(columns.time)
    later = steps > 0
    sure = counts & np.append(later, True) & np.append(True, later)
    told = np.clip(columns.accuracy, 0, MOST * METRE)
    lines["since"] = columns.time[begins]
    lines["gap"] = np.minimum(np.maximum.reduceat(np.append(steps, 0), begins), np.iinfo(np.uint32).max)
    lines["least"] = np.minimum.reduceat(np.where(sure, told // METRE, MOST), begins)
    lines["most"] = _reduced(np.maximum, np.where(sure, -(-told // METRE), MOST), begins)
    return lines


def _reduced(how: np.ufunc, values: npt.NDArray[Any], begins: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
    """Of each block, and the first of the next."""
    found = how.reduceat(values, begins)
    found[:-1] = how(found[:-1], values[begins[1:]])
    return np.asarray(found)


class Spells(NamedTuple):
    """When vehicles told something, and how far apart the places were that they told then; in no order."""

    which: Whole  # of the vehicles asked for
    since: Whole  # fix time, ms
    last: Whole  # the same, of the last
    north: Whole  # 1e-7 degrees, from the southernmost to the northernmost
    east: Whole
    lat: Whole  # the southernmost

    @classmethod
    def between(cls, which: Whole, time: Whole, lat: Whole, lon: Whole, silent_ms: int) -> Spells:
        """Those between the silences of fixes, which are by vehicle and time; one at least."""
        is_new = (np.diff(which) != 0) | (np.diff(time) > silent_ms)
        begins = np.flatnonzero(np.append(True, is_new))
        sides = [(np.minimum.reduceat(one, begins), np.maximum.reduceat(one, begins)) for one in (lat, lon)]
        (south, north), (west, east) = sides
        last = time[np.append(begins[1:], len(time)) - 1]
        return cls(which[begins], time[begins], last, north - south, round_world(east - west), south)

    def plus(self, more: Spells) -> Spells:
        return Spells(*(np.concatenate(both) for both in zip(self, more, strict=True)))


def round_world(east: Whole) -> Whole:
    """How far it is; of who crossed the antimeridian, about."""
    return np.minimum(east, 3_600_000_000 - east)


class Excerpt(NamedTuple):
    """Fixes of a vehicle of which some were left out, since they make no difference to what is asked.

    Where `left` rises from one fix to the next, so many are left out between them; in these `silent` is the longest
    time from one to the next (ms, told with the fix after)."""

    fixes: Columns
    left: Whole
    silent: Whole

    @classmethod
    def whole(cls, fixes: Columns) -> Excerpt:
        nothing = np.zeros(len(fixes), np.int64)
        return cls(fixes, nothing, nothing)

    def only(self, which: Any) -> Excerpt:
        return Excerpt(self.fixes.take(which), self.left[which], self.silent[which])

    def then(self, fixes: Columns) -> Excerpt:
        """With those that come after."""
        if not len(fixes):
            return self
        left = np.append(self.left, np.full(len(fixes), self.left[-1] if len(self.left) else 0))
        return Excerpt(concatenate([self.fixes, fixes]), left, np.append(self.silent, np.zeros(len(fixes), np.int64)))


class Choice(NamedTuple):
    """Of the blocks of some tracks, one after the other."""

    met: Mask  # a line that begins in it makes a difference, or may
    sure: Mask  # of these: it does
    skipped: Mask  # left out all the same, with what is beside them being read


class Look(Protocol):
    """Who says what makes a difference."""

    def choose(self, lines: Outline, whose: Whole, last: Mask) -> Choice:
        """`whose`: of which track a line is; `last`: of these after which the next place is not in the box."""
        ...

    def met(self, lats: Places, lons: Places) -> Mask:
        """Does a line from one to the next of a row make a difference?"""
        ...

    def around(self, met: Mask, lines: Outline, whose: Whole) -> Mask:
        """These, and where a line ends that begins in one of them."""
        ...
