"""Meeting: which days of a vehicle have to do with a shape, told by its boxes; the others are left out.

A day stays that has an end of a line which meets one of the boxes, however long it took: so whoever is inside keeps
the fixes before and after, and between two days that are left out nobody was here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from tracker.geometry.shape import Box
from tracker.history.inside import Limits, believed
from tracker.model.columns import Columns
from tracker.model.commit import APART

HALF = 1_800_000_000  #: of the way round, in 1e-7 degrees

Steps = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


def meeting(parts: list[Columns], boxes: Iterable[Box], limits: Limits) -> list[Columns]:
    """Of a vehicle's days, none of them empty. All, where they overlap, or it may have gone round the back."""
    asked = [(*map(_down, box[:2]), *map(_up, box[2:])) for box in boxes]
    parts = sorted(parts, key=lambda part: int(part.time[0]))
    meets = [False] * len(parts)
    before, last = -1, -math.inf
    lat = lon = np.empty(0, np.int32)  # of the fix before
    for at, part in enumerate(parts):
        if part.time[0] <= last or (part.time[1:] <= part.time[:-1]).any() or (part.taken == APART).any():
            return parts
        last = part.time[-1]
        fixes = believed(part, limits)
        if not len(fixes):
            continue
        begins = before >= 0
        lats = np.concatenate((lat if begins else fixes.lat[:1], fixes.lat))
        lons = np.concatenate((lon if begins else fixes.lon[:1], fixes.lon))
        if int(lons.max()) - int(lons.min()) >= HALF or lons.max() == HALF or lons.min() == -HALF:
            return parts
        lines = _lines(asked, lats, lons)
        meets[at] = bool(lines.any())
        if begins and lines[0]:
            meets[before] = True
        before, lat, lon = at, lats[-1:], lons[-1:]
    return [part for part, does in zip(parts, meets, strict=True) if does]


def _lines(boxes: list[tuple[int, ...]], lats: Steps, lons: Steps) -> Mask:
    """Is the box around the line to the next beside one of these?"""
    found = np.zeros(len(lats) - 1, np.bool_)
    south_of, north_of = np.minimum(lats[1:], lats[:-1]), np.maximum(lats[1:], lats[:-1])
    for west, south, east, north in boxes:
        some = np.flatnonzero((south_of <= north) & (north_of >= south))
        one, other = lons[some], lons[some + 1]
        found[some] |= (np.minimum(one, other) <= east) & (np.maximum(one, other) >= west)
    return found


def _down(degrees: float) -> int:
    return max(math.floor(degrees * 1e7) - 1, -HALF)


def _up(degrees: float) -> int:
    return min(math.ceil(degrees * 1e7) + 1, HALF)
