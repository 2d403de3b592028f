"""Rim: the boundary of an area, to measure how far a place is from it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tracker.geo import distance_m, frame
from tracker.plane import TINY

SMALL = 0.5  #: degrees: an area no larger than this is measured in one metre frame, laid out once


class Rim:
    """Its edges, each from its south end; in a metre frame complex numbers (east + north), from `start` along `run`."""

    def __init__(self, edges: Any) -> None:
        ax, ay, bx, by = edges
        lon = float(ax[0])
        turns = np.rint(((ax + bx) / 2 - lon) / 360) * 360
        self._x, self._y, self._top, self._dx, self._dy = ax - turns - lon, ay, by, bx - ax, by - ay
        self._lon = lon
        south, north, width = float(ay.min()), float(by.max()), float(np.abs(self._x).max())
        small = max(north - south, width) < SMALL and -80 < south < 80
        self._laid = self._lay((south + north) / 2) if small else None

    def _lay(self, lat: float) -> tuple[float, float, float, Any, Any, Any]:
        kx, ky = frame(lat)
        run = self._dx * kx + self._dy * (1j * ky)
        start = self._x * kx + (self._y - lat) * (1j * ky)
        return lat, kx, ky, start, run, run.conj() / np.maximum((run * run.conj()).real, TINY)

    def signed_distance_m(self, lat: float, lon: float) -> float:
        """Metres to the nearest place of the rim, negative inside. It is found in the metre frame (of the area, or of
        the place if the area is large) and then measured along the ellipsoid. The sign of a millimetre is uncertain."""
        lat0, kx, ky, start, run, pull = self._laid or self._lay(lat)
        east = lon - self._lon
        if not -180 <= east <= 180:
            east = (east + 180) % 360 - 180
        off = complex(east * kx, (lat - lat0) * ky) - start
        turned = off * pull  # how far along the edge, and on which side of it
        # a ray east crosses the edges it lies west of
        odd = np.count_nonzero((self._y <= lat) & (self._top > lat) & (turned.imag > 0)) & 1
        along = turned.real
        np.maximum(along, 0.0, out=along)
        np.minimum(along, 1.0, out=along)
        off -= along * run
        gap = complex(off[np.abs(off).argmin()])
        metres = distance_m(lat, lon, lat - gap.imag / ky, lon - gap.real / kx)
        return -metres if odd else metres
