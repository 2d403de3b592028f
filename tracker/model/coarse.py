"""Coarse: places told as cells of about so many metres, for whoever need not know them better.

The cells lie in bands of one height, each cut into as many as make them about as wide as high; a place is told as the
middle of its cell, always the same. What else a fix says of where it was made is left out.
"""

from __future__ import annotations

from functools import lru_cache
from math import cos, floor, pi, radians

import msgspec

from tracker.model.ping import Ping, has_place

FINEST_M, COARSEST_M = 10.0, 50_000.0
EARTH_M = 6_371_008.8
MOST_KEPT = 10_000  #: bands, and middles of cells in one


def middle(lat: float, lon: float, cell_m: float) -> tuple[float, float]:
    """Of the cell in which a place lies."""
    bands = _bands(cell_m)
    lat, cells = _band(min(bands - 1, floor((lat + 90) / 180 * bands)), bands, cell_m)
    return lat, _middle_of(floor((lon + 180) / 360 * cells) % cells, cells)


@lru_cache(maxsize=MOST_KEPT)
def _bands(cell_m: float) -> int:
    return max(1, round(pi * EARTH_M / cell_m))


@lru_cache(maxsize=MOST_KEPT)
def _band(band: int, bands: int, cell_m: float) -> tuple[float, int]:
    """The middle of a band, and how many cells it has."""
    lat = (band + 0.5) / bands * 180 - 90
    return round(lat, 7), max(1, round(2 * pi * EARTH_M * cos(radians(lat)) / cell_m))


@lru_cache(maxsize=MOST_KEPT)
def _middle_of(cell: int, cells: int) -> float:
    return round((cell + 0.5) / cells * 360 - 180, 7)


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
