"""Thinning: which fixes of an old day stay, so that its way, its stops and its alarms are still told."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from shapely import get_coordinates, linestrings, simplify

from tracker.model.columns import Columns

EVERY_MS = 60_000  #: of each such stretch of time one fix stays, the first
OFF_M = 15.0  #: the way that is left passes nowhere farther from a fix that is gone
METRES = 111_319.5e-7  #: of a step of latitude


def staying(columns: Columns, stops: Iterable[tuple[int, int]] = ()) -> npt.NDArray[np.bool_]:
    """One fix a minute, the turns, the first and last fix of each stop (from, until: ms), and all alarms.

    Thinning what was thinned takes nothing more away.
    """
    stays = np.zeros(len(columns), np.bool_)
    if not len(columns):
        return stays
    minutes = columns.time // EVERY_MS
    stays[0] = stays[-1] = True
    stays[1:] |= minutes[1:] != minutes[:-1]
    for since, until in stops:
        first, end = np.searchsorted(columns.time, (since, until + 1))
        if first < end:
            stays[[first, end - 1]] = True
    stays[[at for at, said in columns.extra.items() if b'"alarm"' in said]] = True
    stays[_turns(columns, np.flatnonzero(stays))] = True
    return stays


def _turns(columns: Columns, corners: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Douglas and Peucker's choice between two and two of these corners, in metres on a plane that is true enough for
    a vehicle's day.

    The place in the list rides along as the height of each point: simplifying looks at the plane alone.
    """
    if len(corners) < 2:
        return corners
    lon = np.unwrap(columns.lon.astype(np.float64), period=3.6e9)  # over the antimeridian the short way
    north = (columns.lat - columns.lat[0]) * METRES
    east = (lon - lon[0]) * METRES * np.cos(np.radians(columns.lat / 1e7))
    lengths = np.diff(corners) + 1  # a corner ends one part and begins the next
    part = np.repeat(np.arange(len(lengths)), lengths)
    at = np.arange(len(part)) - part
    parts = linestrings(np.column_stack((east[at], north[at], at)), indices=part)
    return get_coordinates(simplify(parts, OFF_M, preserve_topology=False), include_z=True)[:, 2].astype(np.intp)
