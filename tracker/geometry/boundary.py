"""Boundary: the rim of an area, to measure how far a place is from it."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from tracker.geometry.earth import distance_m, frame
from tracker.geometry.plane import TINY

FEW = 12  #: edges: for fewer, arrays take longer than a loop
SMALL = 0.5  #: degrees: an area no larger than this is measured in one metre frame, laid out once


class Rim:
    """Its edges, each from its south end; in a metre frame complex numbers (east + north), from `start` along `run`."""

    def __init__(self, edges: Any, inside_left: Any) -> None:
        """`inside_left`: for each edge, whether the area lies left of it, looking along."""
        ax, ay, bx, by = edges
        lon = float(ax[0])
        turns = np.rint(((ax + bx) / 2 - lon) / 360) * 360
        self._x, self._y, self._dx, self._dy = ax - turns - lon, ay, bx - ax, by - ay
        self._lon = lon
        self._left = inside_left
        self._few = list(zip(*(part.tolist() for part in (self._x, ay, self._dx, self._dy, inside_left)), strict=True))
        self._zeros, self._ones = np.zeros(len(ax)), np.ones(len(ax))
        south, north, width = float(ay.min()), float(by.max()), float(np.abs(self._x).max())
        small = max(north - south, width) < SMALL and -80 < south < 80
        self._lat = (south + north) / 2 if small else None
        self._laid = self._lay(self._lat) if self._lat is not None else None

    def _lay(self, lat: float) -> tuple[float, float, float, Any, Any, Any, Any]:
        kx, ky = frame(lat)
        run = self._dx * kx + self._dy * (1j * ky)
        start = self._x * kx + (self._y - lat) * (1j * ky)
        length = np.maximum(np.abs(run), TINY)
        return lat, kx, ky, start, run, length, run.conj() / length**2

    def nearest(self, lat: float, lon: float) -> tuple[float, bool | None]:
        """(metres to the nearest place of the rim, is it inside: None where only a corner is near, or nothing is sure).

        The nearest place is found in a metre frame (of the area, or of the place if the area is large) and then
        measured along the ellipsoid.
        """
        east = lon - self._lon
        if not -180 <= east <= 180:
            east = (east + 180) % 360 - 180
        if len(self._few) <= FEW:
            return self._nearest_of_few(lat, lon, east)
        lat0, kx, ky, start, run, length, pull = self._laid or self._lay(lat)
        place = complex(east * kx, (lat - lat0) * ky)
        seen = (place - start) * pull  # from each edge: how far along it (0 … 1), and how far to its left
        along = np.minimum(np.maximum(seen.real, self._zeros), self._ones)
        seen.real -= along
        away = np.abs(seen)
        away *= length
        i = away.argmin()
        t = float(along[i])
        gap = place - complex(start[i]) - t * complex(run[i])
        metres = distance_m(lat, lon, lat - gap.imag / ky, lon - gap.real / kx)
        if metres < 0.001 or t == 0.0 or t == 1.0:
            return metres, None
        return metres, (float(seen[i].imag) > 0) is bool(self._left[i])

    def _nearest_of_few(self, lat: float, lon: float, east: float) -> tuple[float, bool | None]:
        """The same, edge by edge."""
        lat0 = lat if self._lat is None else self._lat
        kx, ky = frame(lat0)
        px, py = east * kx, (lat - lat0) * ky
        least, at, gap_x, gap_y, inside = inf, 0.0, 0.0, 0.0, False
        for x, y, dx, dy, left in self._few:
            run_x, run_y = dx * kx, dy * ky
            wx, wy = px - x * kx, py - (y - lat0) * ky
            t = min(max((wx * run_x + wy * run_y) / max(run_x * run_x + run_y * run_y, TINY), 0.0), 1.0)
            gx, gy = wx - t * run_x, wy - t * run_y
            if (away := gx * gx + gy * gy) < least:
                least, at, gap_x, gap_y = away, t, gx, gy
                inside = (run_x * wy > run_y * wx) is left
        metres = distance_m(lat, lon, lat - gap_y / ky, lon - gap_x / kx)
        return metres, None if metres < 0.001 or at == 0.0 or at == 1.0 else inside
