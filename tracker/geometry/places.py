"""Places: which of many a shape covers, and which lines between them it may touch, asked of all at once.

They are those of a track, so that some that follow each other lie near each other: most of them are decided by one box.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from tracker.geometry.near import TWICE
from tracker.geometry.shape import Box, Floats, Shape

RUN = 4096  #: places that one box is asked about

Mask = npt.NDArray[np.bool_]


def covered(shape: Shape, lats: Floats, lons: Floats) -> Mask:
    """Exactly as `covers` answers for one."""
    found = np.zeros(len(lats), np.bool_)
    for run, box in _runs(shape, lats, lons, 0):
        plain = box[0] > -180 and box[2] < 180
        whole = plain and shape.meet(box) is True
        found[run] = whole or _covered(shape, lats[run], lons[run])
    return found


def touching(shape: Shape, lats: Floats, lons: Floats, asked: Mask) -> npt.NDArray[np.intp]:
    """Of the lines from each place to the next, the short way round, those of `asked` that may touch it."""
    found = [np.empty(0, np.intp)]
    for run, _ in _runs(shape, lats, lons, 1):
        lines = run.start + np.flatnonzero(asked[run.start : run.stop - 1])
        if not len(lines):
            continue
        lat1, lon1, lat2, lon2 = lats[lines], lons[lines], lats[lines + 1], lons[lines + 1]
        over = np.abs(lon2 - lon1) > 180  # it crosses the antimeridian
        beside = np.zeros(len(lines), np.bool_)
        for west, south, east, north in shape.boxes:
            beside |= (
                (np.minimum(lat1, lat2) <= north)
                & (np.maximum(lat1, lat2) >= south)
                & (np.minimum(lon1, lon2) <= east)
                & (np.maximum(lon1, lon2) >= west)
            )
        some = np.flatnonzero(beside & ~over)
        if len(some):
            some = some[shape.may_touch(lat1[some], lon1[some], lat2[some], lon2[some])]
        found.append(lines[np.union1d(some, np.flatnonzero(over))])
    return np.concatenate(found)


def within(shape: Shape, lats: Floats, lons: Floats, reach_m: float) -> Mask:
    """Which of them lie in it, or at most so far outside."""
    found = covered(shape, lats, lons)
    for place in np.flatnonzero(~found).tolist():
        found[place] = shape.signed_distance_m(float(lats[place]), float(lons[place])) <= reach_m
    return found


def _runs(shape: Shape, lats: Floats, lons: Floats, more: int) -> Iterator[tuple[slice, Box]]:
    """Some places at a time, and `more` of the next, with the box around them: those that may have to do with it."""
    for begin in range(0, len(lats) - more, RUN):
        run = slice(begin, min(begin + RUN + more, len(lats)))
        some_lats, some_lons = lats[run], lons[run]
        box = float(some_lons.min()), float(some_lats.min()), float(some_lons.max()), float(some_lats.max())
        west, south, east, north = box
        if (
            east - west > 180
            or west in TWICE
            or east in TWICE
            or any(w <= east and e >= west and s <= north and n >= south for w, s, e, n in shape.boxes)
        ):
            yield run, box


def _covered(shape: Shape, lats: Floats, lons: Floats) -> Mask:
    found = np.zeros(len(lats), np.bool_)
    twice = np.isin(lons, TWICE)
    for stretch, boxes in enumerate(shape.stretches):
        asked = np.flatnonzero(_in_boxes(boxes, lats, lons) & ~twice & ~found)
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


def _in_boxes(boxes: tuple[Box, ...], lats: Floats, lons: Floats) -> Mask:
    found = np.zeros(len(lats), np.bool_)
    for west, south, east, north in boxes:
        found |= (lats >= south) & (lats <= north) & (lons >= west) & (lons <= east)
    return found
