"""Coarse: places told as cells of about so many metres, for whoever need not know them better.

The cells lie in bands of one height, each cut into as many as make them about as wide as high; a place is told as the
middle of its cell, always the same. What else a fix says of where it was made is left out.
"""

from __future__ import annotations

from functools import lru_cache
from math import cos, floor, pi, radians
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from tracker.model.columns import NO_ALTITUDE, NOT_SAID, Columns
from tracker.model.extra import without_place
from tracker.model.ping import Ping, has_place

Whole = npt.NDArray[np.int64]

FINEST_M, COARSEST_M = 10.0, 50_000.0
EARTH_M = 6_371_008.8
MOST_KEPT = 10_000  #: bands of one height


def middle(lat: float, lon: float, cell_m: float) -> tuple[float, float]:
    """Of the cell in which a place lies."""
    lat_e6, lon_e6 = middle_e6(lat, lon, cell_m)
    return lat_e6 / 1e6, lon_e6 / 1e6


def middle_e6(lat: float, lon: float, cell_m: float) -> tuple[int, int]:
    """The same in millionths of a degree. Each move of each vehicle asks for it, and round() takes as long again."""
    bands, known = _bands(cell_m)
    band = floor((lat + 90) * bands / 180)
    lat_e6, cells = known.get(band) or _band(band, cell_m)
    return lat_e6, floor((floor((lon + 180) * cells / 360) % cells + 0.5) * 360e6 / cells - 179999999.5)


def middles(lat: Whole, lon: Whole, cell_m: float) -> tuple[Whole, Whole]:
    """The same for arrays of 1e-7 degrees."""
    lats, lons = lat / 1e7, lon / 1e7
    bands = np.floor((lats + 90) * _bands(cell_m)[0] / 180).astype(np.int64)
    known, which = np.unique(bands, return_inverse=True)
    told = np.array([_bands(cell_m)[1].get(band) or _band(band, cell_m) for band in known.tolist()], np.int64)
    lat_e6, cells = told.reshape(-1, 2).T[:, which.reshape(-1)]
    lon_e6 = np.floor((np.floor((lons + 180) * cells / 360) % cells + 0.5) * 360e6 / cells - 179999999.5)
    return lat_e6 * 10, lon_e6.astype(np.int64) * 10


@lru_cache(maxsize=100)
def _bands(cell_m: float) -> tuple[int, dict[int, tuple[int, int]]]:
    """How many there are, and those that were asked for."""
    return max(1, round(pi * EARTH_M / cell_m)), {}


def _band(band: int, cell_m: float) -> tuple[int, int]:
    """The middle of a band, and how many cells it has."""
    bands, known = _bands(cell_m)
    lat = (min(band, bands - 1) + 0.5) / bands * 180 - 90
    if len(known) > MOST_KEPT:
        known.clear()
    known[band] = round(lat * 1e6), max(1, round(2 * pi * EARTH_M * cos(radians(lat)) / cell_m))
    return known[band]


def coarsened(ping: Ping, cell_m: float) -> Ping:
    """Without what tells the place better than its cell does; who, when, how fast and what was said of it stay."""
    lat, lon = middle(ping.lat, ping.lon, cell_m) if has_place(ping) else (ping.lat, ping.lon)
    return msgspec.structs.replace(
        ping,
        lat=lat,
        lon=lon,
        heading=None,
        altitude_m=None,
        accuracy_m=max(ping.accuracy_m or 0.0, cell_m),
        odometer_m=None,
        attributes=None,
    )


def coarsened_places(
    lat: npt.NDArray[Any], lon: npt.NDArray[Any], cells_m: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Places of 1e-7 degrees, each as its cells say; 0: as it is."""
    lat, lon = lat.copy(), lon.copy()
    for cell_m in np.unique(cells_m[cells_m > 0]).tolist():
        which = cells_m == cell_m
        lat[which], lon[which] = middles(lat[which], lon[which], cell_m)
    return lat, lon


def coarsened_columns(fixes: Columns, cells_m: npt.NDArray[np.float64]) -> Columns:
    """The same for arrays; 0: as it is."""
    told = fixes.take(np.arange(len(fixes)))
    coarse = cells_m > 0
    told.lat, told.lon = coarsened_places(told.lat, told.lon, np.where((told.lat != 0) | (told.lon != 0), cells_m, 0))
    told.heading[coarse], told.altitude[coarse] = NOT_SAID, NO_ALTITUDE
    told.accuracy = np.where(coarse, np.maximum(told.accuracy, np.rint(cells_m * 100)), told.accuracy).astype(np.int32)
    kept = {i: without_place(extra) if coarse[i] else extra for i, extra in told.extra.items()}
    told.extra = {i: extra for i, extra in kept.items() if extra is not None}
    return told
