"""Places: which of many a shape covers, asked of all at once, and exactly as `covers` answers for one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tracker.geometry.near import TWICE
from tracker.geometry.shape import Box, Floats, Shape

Mask = npt.NDArray[np.bool_]


def covered(shape: Shape, lats: Floats, lons: Floats) -> Mask:
    found = np.zeros(len(lats), np.bool_)
    twice = np.isin(lons, TWICE)
    for stretch, boxes in enumerate(shape.stretches):
        asked = np.flatnonzero(in_boxes(boxes, lats, lons) & ~twice & ~found)
        if not len(asked):
            continue
        some = asked[shape.may_cover(lats[asked], lons[asked], stretch)]
        if shape.certain:
            found[some] = True
            continue
        sure = shape.must_cover(lats[some], lons[some], stretch)
        found[some[sure]] = True
        for place in some[~sure].tolist():
            found[place] = shape.covers(float(lats[place]), float(lons[place]))
    for place in np.flatnonzero(twice).tolist():
        found[place] = shape.covers(float(lats[place]), float(lons[place]))
    return found


def within(shape: Shape, lats: Floats, lons: Floats, reach_m: float) -> Mask:
    """Which of them lie in it, or at most so far outside."""
    found = covered(shape, lats, lons)
    for place in np.flatnonzero(~found).tolist():
        found[place] = shape.signed_distance_m(float(lats[place]), float(lons[place])) <= reach_m
    return found


def in_boxes(boxes: tuple[Box, ...], lats: Floats, lons: Floats) -> Mask:
    found = np.zeros(len(lats), np.bool_)
    for west, south, east, north in boxes:
        found |= (lats >= south) & (lats <= north) & (lons >= west) & (lons <= east)
    return found


def touching(shape: Shape, lats: Floats, lons: Floats) -> Mask:
    """Of the lines from each place to the next, the short way round: False only for those that do not touch."""
    east = np.diff(lons)
    over = np.abs(east) > 180  # the line crosses the antimeridian
    found = over.copy()
    west_end, east_end = np.minimum(lons[:-1], lons[1:]), np.maximum(lons[:-1], lons[1:])
    south_end, north_end = np.minimum(lats[:-1], lats[1:]), np.maximum(lats[:-1], lats[1:])
    for west, south, east_side, north in shape.boxes:
        found |= (south_end <= north) & (north_end >= south) & (west_end <= east_side) & (east_end >= west)
    some = np.flatnonzero(found & ~over)
    if len(some):
        found[some] = shape.may_touch(lats[some], lons[some], lats[some + 1], lons[some + 1])
    return found
