"""Shape: what cells, fleet and page may ask of a region's shape, whatever it was drawn as.

A new one is a class with these answers and a row in `geojson.FORMS`. Places are degrees on WGS84, latitude first; boxes
are (west, south, east, north). A shape never changes.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import shapely

Box = tuple[float, float, float, float]
Floats = npt.NDArray[np.float64]


class Decider(Protocol):
    """Who can tell of places in one box whether they are in the shape: the shape, or less of it."""

    def covers(self, lat: float, lon: float) -> bool: ...


class Shape(Protocol):
    @property
    def kind(self) -> str:
        """What people call it."""
        ...

    @property
    def edges(self) -> Floats | None:
        """Rows ax, ay, bx, by (ay <= by), west and east end: the boundary, straight in degrees and closed, within ±180;
        inside is where a ray crosses an odd number of them. None: it has no such edges, and `meet` is asked."""
        ...

    @property
    def stretches(self) -> tuple[tuple[Box, ...], ...]:
        """The boxes of its parts: `may_cover` is asked of one part at a time."""
        ...

    @property
    def certain(self) -> bool:
        """What `may_cover` says of a place is so; otherwise `covers` decides."""
        ...

    @property
    def boxes(self) -> tuple[Box, ...]:
        """All of them: outside of these nothing is covered. None crosses the antimeridian."""
        ...

    @property
    def bounds(self) -> Box: ...

    @property
    def area_m2(self) -> float: ...

    @property
    def perimeter_m(self) -> float: ...

    @property
    def parts(self) -> shapely.MultiPolygon:
        """To draw and to compare with; of a circle it decides nothing. Longitudes first, cut at the antimeridian."""
        ...

    def covers(self, lat: float, lon: float) -> bool:
        """Exact, its boundary included."""
        ...

    def signed_distance_m(self, lat: float, lon: float) -> float:
        """Metres to the boundary, negative inside."""
        ...

    def crossing(self, lat1: float, lon1: float, lat2: float, lon2: float) -> tuple[float, float] | None:
        """Where along the line straight in degrees (0 … 1) it first and last touches; None: nowhere."""
        ...

    def may_cover(self, lats: Floats, lons: Floats, stretch: int) -> npt.NDArray[np.bool_]:
        """For many places at once, none at ±180: False only for those that this stretch does not cover."""
        ...

    def must_cover(self, lats: Floats, lons: Floats, stretch: int) -> npt.NDArray[np.bool_]:
        """Of places that this stretch may cover: True only for those that it does."""
        ...

    def may_touch(self, lats1: Floats, lons1: Floats, lats2: Floats, lons2: Floats) -> npt.NDArray[np.bool_]:
        """For many lines as `crossing` takes them: False only for those that do not touch."""
        ...

    def meet(self, box: Box) -> bool | Decider:
        """What of it is in a box: False nothing, True the box lies in it, otherwise who can tell."""
        ...

    def decides_like(self, other: object) -> bool:
        """Is it the same shape, however it was drawn?"""
        ...

    def geojson(self) -> dict[str, Any]:
        """The geometry as it was drawn; with `parameters` it is read back as this shape."""
        ...

    def parameters(self) -> dict[str, float]:
        """The numbers among a region's properties that complete the geometry: `{"radius_m": 150.0}`."""
        ...
