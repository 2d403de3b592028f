"""Area: what a Polygon or MultiPolygon covers. Membership is exact and equals shapely's `covers` on its `parts`.

Everything here lives in the plane of longitude and latitude, where RFC 7946 draws straight edges, cut at ±180.
The work is done on one array of edges, each pointing up (south end first): its rows are
ax, ay, bx, by, and west and east end.
"""

from __future__ import annotations

from functools import cached_property
from math import inf
from typing import Any

import numpy as np
import shapely

from tracker.geometry import earth as geo
from tracker.geometry.antimeridian import Box, join_boxes, wrap
from tracker.geometry.boundary import Rim
from tracker.geometry.plane import meeting
from tracker.geometry.slabs import DENSE, Slabs, slabs_in

Floats = np.ndarray[Any, np.dtype[np.float64]]

BAND_EDGES = 256  #: an area with more edges keeps them by latitude bands, so that a cell looks at few
STEP = 0.09  #: degrees of an edge that is short enough to be measured
TOLD = 8  #: distances remembered of each area


class Area:
    """Made by `shapes.read_shape` from rings that are closed, unwrapped and valid."""

    certain = True

    def __init__(
        self,
        geometry: dict[str, Any],
        rings: list[Floats],
        ring_counts: list[int],
        edges: Floats,
        down: Any,
        boxes: list[Box],
        area_m2: float,
        perimeter_m: float,
    ) -> None:
        """`rings` in their normal order, as many for each part as `ring_counts` says, and what was measured of them."""
        self.kind = geometry["type"].lower()
        self.radius_m = self.buffer_m = None
        self._geometry = geometry
        self._rings, self._ring_counts = rings, ring_counts
        self.edges, self._down = edges, down
        self.boxes = tuple(boxes)
        self.stretches = (self.boxes,)  # what `may_cover` can be asked of, by its boxes
        self._told: dict[tuple[float, float], float] = {}  # the last answers of signed_distance_m
        self.area_m2, self.perimeter_m = area_m2, perimeter_m

    @classmethod
    def from_parts(cls, geometry: dict[str, Any], parts: list[shapely.Polygon]) -> Area:
        ordered = shapely.normalize(shapely.remove_repeated_points(parts))
        if len(parts) > 1:
            ordered = shapely.get_parts(shapely.normalize(shapely.multipolygons(ordered)))
        # shells clockwise, holes not, all in one order: however it was drawn
        rings, counts = _rings_of(ordered)
        edges, down = upward(
            np.concatenate([ring[:-1] for ring in rings]), np.concatenate([ring[1:] for ring in rings])
        )
        boxes: list[Box] = list(map(tuple, shapely.bounds(ordered).tolist()))
        area = cls(geometry, rings, counts, edges, down, boxes, _area_m2(rings), 0.0)
        area.perimeter_m = _length_m(edges[:4, area._is_rim])
        return area

    @property
    def bounds(self) -> Box:
        """West, south, east, north; west > east where it lies across the antimeridian (RFC 7946 §5.2)."""
        return join_boxes(self.boxes)

    @cached_property
    def parts(self) -> shapely.MultiPolygon:
        """The very geometry that decides, cut at ±180."""
        rings = iter(self._rings)
        groups = [[next(rings) for _ in range(count)] for count in self._ring_counts]
        whole = shapely.MultiPolygon([(group[0], group[1:]) for group in groups])
        shapely.prepare(whole)
        return whole

    def parameters(self) -> dict[str, float]:
        return {}

    def geojson(self) -> dict[str, Any]:
        return self._geometry

    def decides_like(self, other: object) -> bool:
        """Is it the same shape, however it was drawn?"""
        return isinstance(other, Area) and np.array_equal(self.edges, other.edges) and self.area_m2 == other.area_m2

    # -- membership ---------------------------------------------------------------------------------------------

    def covers(self, lat: float, lon: float) -> bool:
        """Whether the place is inside or on the boundary. Exact."""
        if lon in (180.0, -180.0):
            return self._covers(lat, 180.0) or self._covers(lat, -180.0)
        return self._covers(lat, lon)

    def _covers(self, lat: float, lon: float) -> bool:
        met = self.meet((lon, lat, lon, lat), dense=inf)
        return met.covers(lat, lon) if isinstance(met, Slabs) else met is True

    def may_cover(self, lats: Floats, lons: Floats, _stretch: int) -> Any:
        """For many places at once, none at ±180. Exact."""
        return shapely.intersects_xy(self.parts, lons, lats)

    def must_cover(self, lats: Floats, lons: Floats, stretch: int) -> Any:
        """`may_cover` is exact."""
        return self.may_cover(lats, lons, stretch)

    def may_touch(self, lats1: Floats, lons1: Floats, lats2: Floats, lons2: Floats) -> Any:
        """Exact for lines within ±180."""
        over = (np.abs(lons1) >= 180) | (np.abs(lons2) >= 180)
        ends = np.stack([np.column_stack([lons1, lats1]), np.column_stack([lons2, lats2])], axis=1)
        return over | shapely.intersects(self.parts, shapely.linestrings(ends))

    def meet(self, box: Box, dense: float = DENSE) -> bool | Slabs | Area:
        """What of this area is in a box: False nothing, True the box lies in it, otherwise who can tell."""
        west, south, _, north = box
        edges = self._between(south, north)
        edges = edges[:, (edges[1] <= north) & (edges[3] >= south) & (edges[5] >= west)]
        met = slabs_in(edges.T.tolist(), box, dense)
        return self if met is None else met

    def _between(self, south: float, north: float) -> Floats:
        """The edges that may reach these latitudes: for an area with many, those of one band, listed at first use."""
        edges = self.edges
        if edges.shape[1] <= BAND_EDGES or north - south > 2 * geo.CELL:
            return edges
        k = int((south - self._south) // self._band)
        if k not in self._bands:
            low = self._south + k * self._band - 1e-9
            high = low + self._band + 2 * geo.CELL + 2e-9
            self._bands[k] = edges[:, (edges[1] <= high) & (edges[3] >= low)]
        return self._bands[k]

    @cached_property
    def _south(self) -> float:
        return float(self.edges[1].min())

    @cached_property
    def _band(self) -> float:
        return max((float(self.edges[3].max()) - self._south) / 512, 4 * geo.CELL)

    @cached_property
    def _bands(self) -> dict[int, Floats]:
        return {}

    # -- the line between two pings -----------------------------------------------------------------------------

    def crossing(self, lat1: float, lon1: float, lat2: float, lon2: float) -> tuple[float, float] | None:
        """Where along the straight line (0 … 1) it first and last touches; None: nowhere. Exact as `covers` is.

        The longitudes may be unwrapped beyond ±180 to say which way round the line goes.
        """
        found: list[float] = []
        for turns in (-360.0, 0.0, 360.0):
            x1, x2 = lon1 + turns, lon2 + turns
            if max(x1, x2) >= -180 and min(x1, x2) <= 180:
                e = self.edges
                reach = (e[1] <= max(lat1, lat2)) & (e[3] >= min(lat1, lat2))
                reach &= (e[4] <= max(x1, x2)) & (e[5] >= min(x1, x2))
                for ax, ay, bx, by in e[:4, reach].T.tolist():
                    found += meeting(x1, lat1, x2, lat2, ax, ay, bx, by) or ()
        if self.covers(lat1, wrap(lon1)):
            found.append(0.0)
        if self.covers(lat2, wrap(lon2)):
            found.append(1.0)
        return (min(found), max(found)) if found else None

    # -- metres -------------------------------------------------------------------------------------------------

    @cached_property
    def _is_rim(self) -> Any:
        """The edges people would call its boundary: not the cuts at ±180 and the lines along the poles."""
        ax, ay, bx, by = self.edges[:4]
        drop = (ay == by) & (np.abs(ay) == 90)
        for i in np.flatnonzero((ax == bx) & (np.abs(ax) == 180)):
            middle = float(ay[i] + by[i]) / 2
            drop[i] = self._covers(middle, 180 - 1e-9) and self._covers(middle, -180 + 1e-9)
        return ~drop

    @cached_property
    def _rim(self) -> Rim | None:
        is_rim = self._is_rim
        # as drawn the inside lies right of every edge, so left of those that had to be turned to point up
        return Rim(self.edges[:4, is_rim], self._down[is_rim]) if is_rim.any() else None

    def signed_distance_m(self, lat: float, lon: float) -> float:
        """Metres to the boundary, negative inside; infinite where there is no boundary: the whole world."""
        metres = self._told.get((lat, lon))
        if metres is None:  # a fix is asked for thrice: to decide, to explain, and as the one before the next
            metres, inside = self._rim.nearest(lat, lon) if self._rim else (inf, None)
            if inside is None:
                inside = self._surrounds(lat, lon) if metres > 0.001 else self.covers(lat, lon)
            if inside:
                metres = -metres
            if len(self._told) >= TOLD:
                self._told.clear()
            self._told[lat, lon] = metres
        return metres

    def _surrounds(self, lat: float, lon: float) -> bool:
        """`covers`, quicker, for a place that is not on the boundary."""
        if lon in (180.0, -180.0) or abs(lat) == 90:  # on a cut, or on the line that a pole is drawn as
            return self.covers(lat, lon)
        edges = self._between(lat, lat)
        odd = False
        for ax, ay, bx, by in edges[:4, (edges[1] <= lat) & (edges[3] > lat)].T.tolist():
            odd ^= (bx - ax) * (lat - ay) > (by - ay) * (lon - ax)
        return odd


def _rings_of(polygons: Any) -> tuple[list[Floats], list[int]]:
    """The corners of each ring of an array of polygons, and how many rings each polygon has."""
    if len(polygons) == 1 and not shapely.get_num_interior_rings(polygons[0]):  # nearly always
        return [shapely.get_coordinates(polygons)], [1]
    drawn, of_part = shapely.get_rings(polygons, return_index=True)
    places, of_ring = shapely.get_coordinates(drawn, return_index=True)
    return np.split(places, np.flatnonzero(np.diff(of_ring)) + 1), np.bincount(of_part).tolist()


def upward(starts: Floats, ends: Floats) -> tuple[Floats, Any]:
    """Lines between positions as edges, and which had to be turned to point up."""
    down = starts[:, 1] > ends[:, 1]
    edges: Floats = np.empty((6, len(down)))
    edges[:2], edges[2:4] = starts.T, ends.T
    edges[:2, down], edges[2:4, down] = ends[down].T, starts[down].T
    np.minimum(edges[0], edges[2], out=edges[4])
    np.maximum(edges[0], edges[2], out=edges[5])
    return edges, down


def _area_m2(rings: list[Floats]) -> float:
    """The ellipsoid's area between edges straight in longitude and latitude, by the equal-area cylinder.

    Positive for a ring that runs clockwise: a hole takes away what it encloses.
    """
    total = 0.0
    for ring in rings:
        dense = densify(ring)
        total += float(area_terms(dense, np.array([len(dense)])).sum())
    return total


def area_terms(points: Floats, counts: Any) -> Floats:
    """What each short line from one to the next adds to the area, for rings one after the other of so many points."""
    lon, lat = points.T
    heights = _authalic(np.sin(np.radians(np.concatenate([lat, (lat[1:] + lat[:-1]) / 2]))))
    height, middle = heights[: len(lat)], heights[len(lat) :]
    level = np.repeat(height[np.cumsum(counts) - counts], counts)[1:]
    mean = (height[1:] - level + height[:-1] - level + 4 * (middle - level)) / 6  # Simpson: near a pole it bends
    terms: Floats = np.radians(lon[1:] - lon[:-1]) * mean
    return terms


def _authalic(s: Floats) -> Floats:
    """Area north of the equator per radian of longitude, m² (Snyder, "Map projections: a working manual", eq. 3-12)."""
    e = float(np.sqrt(geo.E2))
    return np.asarray(geo.A**2 * (1 - geo.E2) / 2 * (s / (1 - geo.E2 * s * s) + np.arctanh(e * s) / e))


def densify(ring: Floats, step: float = STEP) -> Floats:
    """Corners put into every edge longer than about 10 km: what is straight in lon/lat bends on a map."""
    spans = np.abs(ring[1:] - ring[:-1]).max(axis=1)
    if spans.max() <= step:  # nearly always
        return ring
    counts = np.maximum(np.ceil(spans / step), 1).astype(int)
    first = np.repeat(np.arange(len(counts)), counts)
    t = (np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)) / np.repeat(counts, counts)
    return np.vstack([ring[first] + (ring[first + 1] - ring[first]) * t[:, None], ring[-1:]])


def _length_m(edges: Floats) -> float:
    """Metres along edges straight in longitude and latitude."""
    ax, ay, bx, by = edges
    if not ax.size:
        return 0.0
    pieces = int(min(max(np.ceil(max(np.abs(bx - ax).max(), np.abs(by - ay).max()) / 0.5), 1), 720))
    total = 0.0
    for i in range(pieces):
        total += float(np.sum(length_terms(ax, ay, bx, by, i / pieces, (i + 1) / pieces)))
    return total


def length_terms(ax: Floats, ay: Floats, bx: Floats, by: Floats, low: float = 0.0, high: float = 1.0) -> Floats:
    """How long each edge is, or the part of it from `low` to `high`; short ones."""
    middle = np.radians(ay + (by - ay) * (low + high) / 2)
    w = 1 - geo.E2 * np.sin(middle) ** 2
    n = geo.A / np.sqrt(w)
    dx, dy = np.radians(bx - ax) * (high - low), np.radians(by - ay) * (high - low)
    metres: Floats = np.hypot(dx * n * np.cos(middle), dy * n * (1 - geo.E2) / w)
    return metres
