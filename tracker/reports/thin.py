"""Thin: the few fixes of a track by which a line goes where the vehicle went, and is there when it was."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from tracker.model.columns import Columns

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Span = tuple[int, int]

LATE_M = 50.0  #: a place read off the line at a time is at most so far from the fix of that time
ROUNDS = 8  #: of looking for fixes the line is late at
GAP_S, GAP_M = 300, 200.0  #: nothing heard for longer, and elsewhere afterwards: nobody knows the way between
DEGREE_M = 111_194.93


def unrolled(lon: npt.NDArray[Any]) -> Floats:
    """Longitudes that go on beyond 180° where a track does: degrees, the first within ±180."""
    degrees = np.asarray(lon, np.float64)
    if len(degrees) < 2:
        return degrees
    turns = np.cumsum(np.round(np.diff(degrees) / 360.0))
    return np.concatenate((degrees[:1], degrees[1:] - 360.0 * turns))


def metres(lat: Floats, lon: Floats) -> tuple[Floats, Floats]:
    """East and north of the first place, each step as long as it is at its own latitude."""
    if len(lat) < 2:
        return np.zeros(len(lat)), np.zeros(len(lat))
    # one frame for all of it, or the line would tear: of a day it is right to a few percent
    east = (lon - lon[0]) * (DEGREE_M * float(np.cos(np.radians(np.median(lat)))))
    return east, (lat - lat[0]) * DEGREE_M


def gaps(time: Ints, east: Floats, north: Floats) -> npt.NDArray[np.bool_]:
    """Of each fix but the first: was nothing heard on the way to it?"""
    if len(time) < 2:
        return np.zeros(0, bool)
    far = np.hypot(np.diff(east), np.diff(north)) > GAP_M
    return (np.diff(time) > GAP_S * 1000) & far


def kept(columns: Columns, tolerance_m: float, still: Iterable[Span] = ()) -> Ints:
    """Places of the fixes that make the line: it passes within the tolerance of every other, and near it in time.

    `still`: when it stood, from fix to fix: then it is drawn as standing, however its receiver wandered."""
    awake, ends = _awake(columns.time, still)
    lat, lon = columns.lat[awake] / 1e7, unrolled(columns.lon[awake] / 1e7)
    time, count = columns.time[awake], len(awake)
    if count < 3:
        return awake
    east, north = metres(lat, lon)
    breaks = np.flatnonzero(gaps(time, east, north)) + 1
    chosen = np.isin(awake, ends)
    chosen[[0, -1]] = True
    chosen[breaks] = chosen[breaks - 1] = True
    pieces = np.flatnonzero(chosen)
    for first, last in zip(pieces[:-1].tolist(), pieces[1:].tolist(), strict=True):
        if last - first > 1:
            chosen[first + _simple(east[first : last + 1], north[first : last + 1], tolerance_m)] = True
    return awake[_in_time(time, east, north, chosen, max(LATE_M, 2 * tolerance_m))]


def _awake(time: Ints, still: Iterable[Span]) -> tuple[Ints, list[int]]:
    """Places of all fixes but those between the first and the last of a stop, and of these."""
    awake = np.ones(len(time), bool)
    ends: list[int] = []
    for since, until in still:
        first, after = int(np.searchsorted(time, since)), int(np.searchsorted(time, until, "right"))
        if after - first > 1:
            awake[first + 1 : after - 1] = False
            ends += [first, after - 1]
    return np.flatnonzero(awake), ends


def _simple(east: Floats, north: Floats, tolerance_m: float) -> Ints:
    """Places of the points that Douglas and Peucker keep."""
    points = np.column_stack((east, north, np.arange(len(east), dtype=float)))
    line = shapely.simplify(shapely.linestrings(points), tolerance_m, preserve_topology=False)
    return np.asarray(shapely.get_coordinates(line, include_z=True)[:, 2], np.int64)


def _in_time(time: Ints, east: Floats, north: Floats, chosen: npt.NDArray[np.bool_], most_m: float) -> Ints:
    """Those chosen, and of each piece between two the worst fix as long as the line is too far from it in time."""
    seconds = (time - time[0]) / 1000.0
    for _ in range(ROUNDS):
        at = np.flatnonzero(chosen)
        off = np.hypot(
            np.interp(seconds, seconds[at], east[at]) - east, np.interp(seconds, seconds[at], north[at]) - north
        )
        worst = np.maximum.reduceat(off, at)
        piece = np.cumsum(chosen) - 1
        late = (off > most_m) & (off >= worst[piece])
        if not late.any():
            break
        chosen[late] = True
    return np.flatnonzero(chosen)
