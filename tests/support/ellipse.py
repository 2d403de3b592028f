"""An ellipse as a region, in tests only: a shape is one file, and one row of `geojson.FORMS`.

Worked out in metres around its centre: small ones, away from the poles and the antimeridian.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import cos, hypot, pi, radians, sin, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from tracker.geometry.earth import frame
from tracker.geometry.geojson import Form, read_centre
from tracker.geometry.shape import Box, Floats
from tracker.geometry.validation import read_metres

NAMES = ("semi_major_m", "semi_minor_m", "bearing_deg")


class Ellipse:
    kind = "ellipse"
    certain = True
    edges = None

    def __init__(self, drawn: dict[str, Any], parameters: Mapping[str, Any]) -> None:
        self._drawn = drawn
        self.lat, self.lon = read_centre(drawn["coordinates"])
        self.a = read_metres(parameters.get("semi_major_m"), "semi_major_m", 10_000)
        self.b = read_metres(parameters.get("semi_minor_m"), "semi_minor_m", self.a)
        self.bearing = float(parameters.get("bearing_deg") or 0.0)
        self._kx, self._ky = frame(self.lat)
        east, north = self.a / self._kx * 1.01, self.a / self._ky * 1.01
        self.boxes: tuple[Box, ...] = ((self.lon - east, self.lat - north, self.lon + east, self.lat + north),)
        self.stretches = (self.boxes,)
        self.bounds = self.boxes[0]
        self.area_m2 = pi * self.a * self.b
        h = ((self.a - self.b) / (self.a + self.b)) ** 2
        self.perimeter_m = pi * (self.a + self.b) * (1 + 3 * h / (10 + sqrt(4 - 3 * h)))  # Ramanujan, 1914

    @property
    def parts(self) -> shapely.MultiPolygon:
        turn, corners = radians(self.bearing), []
        for angle in np.linspace(0, 2 * pi, 128, endpoint=False):
            along, across = self.a * cos(angle), self.b * sin(angle)
            x, y = along * sin(turn) + across * cos(turn), along * cos(turn) - across * sin(turn)
            corners.append((self.lon + x / self._kx, self.lat + y / self._ky))
        return shapely.MultiPolygon([shapely.Polygon(corners)])

    def _turned(self, lat: Any, lon: Any) -> tuple[Any, Any]:
        """Where a place is along and across, the half-axes as units: a circle of radius one."""
        x, y, turn = (lon - self.lon) * self._kx, (lat - self.lat) * self._ky, radians(self.bearing)
        return (x * sin(turn) + y * cos(turn)) / self.a, (x * cos(turn) - y * sin(turn)) / self.b

    def covers(self, lat: float, lon: float) -> bool:
        return hypot(*self._turned(lat, lon)) <= 1

    def signed_distance_m(self, lat: float, lon: float) -> float:
        """Along the ray from the centre: near enough for an example, and zero where it must be."""
        reach = hypot(*self._turned(lat, lon))
        away = hypot((lon - self.lon) * self._kx, (lat - self.lat) * self._ky)
        return away - away / reach if reach else -self.b

    def crossing(self, lat1: float, lon1: float, lat2: float, lon2: float) -> tuple[float, float] | None:
        (x1, y1), (x2, y2) = self._turned(lat1, lon1), self._turned(lat2, lon2)
        dx, dy = x2 - x1, y2 - y1
        square, half, rest = dx * dx + dy * dy, x1 * dx + y1 * dy, x1 * x1 + y1 * y1 - 1
        if not square or half * half < square * rest:
            return (0.0, 1.0) if rest <= 0 else None
        root = sqrt(half * half - square * rest)
        first, last = max(0.0, (-half - root) / square), min(1.0, (-half + root) / square)
        return (first, last) if first <= last else None

    def may_cover(self, lats: Floats, lons: Floats, stretch: int) -> npt.NDArray[np.bool_]:
        assert stretch == 0
        return np.asarray(np.hypot(*self._turned(lats, lons)) <= 1)

    def must_cover(self, lats: Floats, lons: Floats, stretch: int) -> npt.NDArray[np.bool_]:
        return self.may_cover(lats, lons, stretch)

    def may_touch(self, lats1: Floats, lons1: Floats, lats2: Floats, lons2: Floats) -> npt.NDArray[np.bool_]:
        lines = zip(*(ends.tolist() for ends in (lats1, lons1, lats2, lons2)), strict=True)
        return np.array([self.crossing(*line) is not None for line in lines], np.bool_)

    def meet(self, box: Box) -> bool | Ellipse:
        west, south, east, north = self.boxes[0]
        return self if box[0] <= east and box[2] >= west and box[1] <= north and box[3] >= south else False

    def decides_like(self, other: object) -> bool:
        return isinstance(other, Ellipse) and (self._drawn, self.parameters()) == (other._drawn, other.parameters())

    def geojson(self) -> dict[str, Any]:
        return self._drawn

    def parameters(self) -> dict[str, float]:
        return dict(zip(NAMES, (self.a, self.b, self.bearing), strict=True))


ROW = Form("Point", NAMES, Ellipse)
