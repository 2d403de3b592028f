"""Buffer: everything within so many metres of a point (circle) or of a line (corridor).

Membership is by true distance, not by a polygon drawn around: right to a millionth at every latitude, across the
antimeridian and beside the poles. A corridor's middle line is straight in longitude and latitude like every edge; it is
cut into pieces of about a kilometre and searched on the chords between them, in the frame of the whole Earth (`ecef`).
The piece found decides by its distance along the ellipsoid.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from itertools import pairwise
from math import asin, ceil, cos, hypot, pi, radians, sin, sqrt, tan
from typing import Any

import numpy as np
import shapely

from tracker.geometry import earth as geo
from tracker.geometry.antimeridian import Box, join_boxes, lerp, split_box, wrap
from tracker.geometry.area import Area, Floats
from tracker.geometry.earth import distance_m, frame
from tracker.geometry.outline import outline
from tracker.geometry.plane import TINY

STEP_M = 1000.0  #: between the corners of a corridor's chords
SLACK_M = 0.5  #: chords lie this near to the line they stand for, along the ground and below it
RUN = 32  #: chords in one box of a corridor
ARC_M = 1_000_000.0  #: beyond, the arc is not told by its chord
BEND_M2 = 20 * 6_335_000.0**2  #: an arc is longer than its chord by this share of its square (24 and more, of a circle)
FRAME, FRAME_M, FLAT = 0.5, 20_000.0, 70.0  #: degrees about, metres and degrees of latitude within which …
FRAME_BENDS_M = 3_000_000.0  #: … one metre frame is as true as its reach is short
ROOT_M = 1e-9  #: this near to the edge a line is at it
DEGREE_M = 111_700.0  # no degree anywhere is longer


class Round:
    """Made by `geojson.read_shape`. `points` are (lat, lon), one for a circle; longitudes unwrapped."""

    certain = False
    edges = None

    def __init__(self, geometry: dict[str, Any], points: list[tuple[float, float]], reach_m: float) -> None:
        self.kind = "circle" if len(points) == 1 else "corridor"
        self.reach_m = reach_m
        self._geometry = geometry
        self.points = points if len(points) == 1 else _stepped(points)
        self.stretches = tuple(  # what `may_cover` can be asked of, by its boxes
            tuple(_reach_boxes(self.points[i : i + RUN + 1], reach_m))
            for i in range(0, max(len(self.points) - 1, 1), RUN)
        )
        self.boxes: tuple[Box, ...] = tuple(box for boxes in self.stretches for box in boxes)

    @property
    def bounds(self) -> Box:
        return join_boxes(self.boxes)

    @cached_property
    def _corners(self) -> Floats:
        """The points in `ecef`, once they are asked for: of a small circle nobody does, and an import has thousands."""
        lats, lons = np.array(self.points).T
        return _ecef(lats, lons)

    def geojson(self) -> dict[str, Any]:
        return self._geometry

    def parameters(self) -> dict[str, float]:
        return {"radius_m" if self.kind == "circle" else "buffer_m": self.reach_m}

    def decides_like(self, other: object) -> bool:
        """Is it the same shape, however it was drawn?"""
        return isinstance(other, Round) and (self.points, self.reach_m) == (other.points, other.reach_m)

    @cached_property
    def outline(self) -> Area:
        """A polygon to draw and to measure by; it decides nothing."""
        return outline(self.points, self.reach_m)

    @property
    def parts(self) -> shapely.MultiPolygon:
        return self.outline.parts

    @property
    def area_m2(self) -> float:
        if self.kind == "corridor":
            return self.outline.area_m2
        return 2 * pi * geo.MEAN_RADIUS**2 * (1 - cos(self.reach_m / geo.MEAN_RADIUS))

    @property
    def perimeter_m(self) -> float:
        if self.kind == "corridor":
            return self.outline.perimeter_m
        return 2 * pi * geo.MEAN_RADIUS * sin(self.reach_m / geo.MEAN_RADIUS)

    # -- membership ---------------------------------------------------------------------------------------------

    def covers(self, lat: float, lon: float) -> bool:
        return self.signed_distance_m(lat, lon) <= 0

    def signed_distance_m(self, lat: float, lon: float) -> float:
        """Metres to the boundary, negative inside. Inside the bend of a corridor the true distance may be longer."""
        if len(self.points) == 1:
            return distance_m(lat, lon, *self.points[0]) - self.reach_m
        return self._near(self._chord_distances(lat, lon)).signed_distance_m(lat, lon)

    def may_cover(self, lats: Floats, lons: Floats, stretch: int) -> Any:
        """For many places at once: is one so near to these chords that the arcs could be within reach?"""
        if self._frames(lats, lons):
            return self._frame_m(lats, lons) <= self.reach_m + SLACK_M
        return self._chords_m2(lats, lons, stretch) <= (self.reach_m + SLACK_M) ** 2

    def must_cover(self, lats: Floats, lons: Floats, stretch: int) -> Any:
        """Is one so near to these chords that the arcs must be?"""
        if self.reach_m > ARC_M:
            return np.zeros(len(lats), np.bool_)
        if self._frames(lats, lons):
            return self._frame_m(lats, lons) < self.reach_m - SLACK_M
        chord2 = self._chords_m2(lats, lons, stretch)
        return np.sqrt(chord2) * (1 + chord2 / BEND_M2) + 2 * SLACK_M < self.reach_m

    def _frames(self, lats: Floats, lons: Floats) -> bool:
        """Is it a small circle, and do they lie about it?"""
        if len(self.points) > 1 or self.reach_m > FRAME_M or abs(self.points[0][0]) > FLAT:
            return False
        return all(
            np.abs(some - at).max(initial=0) < FRAME for some, at in zip((lats, lons), self.points[0], strict=True)
        )

    def _frame_m(self, lats: Floats, lons: Floats) -> Floats:
        """How far they are from the centre of such a circle: within SLACK_M, in the metre frames between."""
        lat, lon = self.points[0]
        middle = np.radians((lats + lat) / 2)
        s, c = np.sin(middle), np.cos(middle)
        w = 1 - geo.E2 * s * s
        metres: Floats = radians(geo.A) / np.sqrt(w) * np.hypot((lons - lon) * c, (lats - lat) * (1 - geo.E2) / w)
        return metres

    def _chords_m2(self, lats: Floats, lons: Floats, stretch: int) -> Any:
        corners = self._corners[:, stretch * RUN : stretch * RUN + RUN + 1, None]
        a = corners[:, :-1] if corners.shape[1] > 1 else corners
        d = corners[:, 1:] - a if corners.shape[1] > 1 else np.zeros_like(a)
        w = _ecef(lats, lons)[:, None, :] - a
        w -= d * np.clip((w * d).sum(axis=0) / np.maximum((d * d).sum(axis=0), TINY), 0, 1)
        return (w * w).sum(axis=0).min(axis=0)

    def _chord_distances(self, lat: float, lon: float) -> Floats:
        a = self._corners[:, :-1]
        d = self._corners[:, 1:] - a
        w = np.array(geo.ecef(lat, lon))[:, None] - a
        along = np.clip((w * d).sum(axis=0) / np.maximum((d * d).sum(axis=0), TINY), 0, 1)
        w -= d * along
        return np.asarray(np.sqrt((w * w).sum(axis=0)))

    def _near(self, distances: Floats, spread: float = 0.0) -> Lines:
        """The lines that may be nearest to the place these distances are from, or to one `spread` metres away."""
        nearest = float(distances.min())
        return self._lines(np.flatnonzero(distances <= nearest + 2 * spread + SLACK_M))

    def _lines(self, indexes: Any) -> Lines:
        return Lines(self.reach_m, tuple((*self.points[i], *self.points[i + 1]) for i in indexes.tolist()))

    def meet(self, box: Box) -> bool | Round | Lines:
        """What of it is in a box: False nothing, True the box lies in it, otherwise who can tell."""
        west, south, east, north = box
        lat, lon = max(-90.0, min(90.0, (south + north) / 2)), (west + east) / 2  # the last row lies beyond the pole
        widest = cos(radians(min(abs(south), abs(north)))) if south * north > 0 else 1.0
        half = hypot((north - south) * DEGREE_M, (east - west) * DEGREE_M * widest) / 2
        if len(self.points) == 1:
            away = distance_m(lat, lon, *self.points[0])
            if away + half < self.reach_m * (1 - 1e-6):
                return True
            return self if away - half <= self.reach_m * (1 + 1e-6) else False
        distances = self._chord_distances(lat, lon)
        slack = SLACK_M + self.reach_m * 1e-4  # from chord to arc
        nearest = float(distances.min())
        if nearest + half + slack < self.reach_m:
            return True
        if nearest - half - slack > self.reach_m:
            return False
        return self._lines(np.flatnonzero(distances <= self.reach_m + half + slack))

    # -- the line between two pings -----------------------------------------------------------------------------

    def may_touch(self, lats1: Floats, lons1: Floats, lats2: Floats, lons2: Floats) -> Any:
        """For lines about a small circle: measured in the metre frame of its centre, then by how far their ends are."""
        lat, lon = self.points[0]
        near = (abs(lats1 - lat) < FRAME) & (abs(lats2 - lat) < FRAME)
        near &= (abs(lons1 - lon) < FRAME) & (abs(lons2 - lon) < FRAME)
        if len(self.points) > 1 or self.reach_m > FRAME_M or abs(lat) > FLAT:
            return np.ones(len(lats1), np.bool_)
        kx, ky = frame(lat)
        start = (lons1 - lon) * kx + (lats1 - lat) * (1j * ky)
        run = (lons2 - lons1) * kx + (lats2 - lats1) * (1j * ky)
        along = np.clip(-(start * run.conj()).real / np.maximum(np.abs(run) ** 2, TINY), 0, 1)
        bent = 1 + (1 + tan(radians(abs(lat)))) * (self.reach_m + 1000) / FRAME_BENDS_M
        may = ~near | (np.abs(start + along * run) <= self.reach_m * bent + SLACK_M)
        some = np.flatnonzero(may & near)
        ends = self._frame_m(lats1[some], lons1[some]) + self._frame_m(lats2[some], lons2[some])
        may[some] = ends - 2 * self.reach_m <= np.hypot(run.real[some], run.imag[some]) * bent + 2 * SLACK_M
        return may

    def crossing(self, lat1: float, lon1: float, lat2: float, lon2: float) -> tuple[float, float] | None:
        """Where along the line straight in lon/lat (0 … 1) it first and last touches; None: nowhere."""
        middle = (lat1 + lat2) / 2, (lon1 + lon2) / 2
        kx, ky = frame(0.0)[0], DEGREE_M
        half = hypot((lat2 - lat1) * ky, (lon2 - lon1) * kx) / 2
        if len(self.points) == 1:
            lines: tuple[Line, ...] = ((*self.points[0], *self.points[0]),)
        else:
            distances = self._chord_distances(middle[0], wrap(middle[1]))
            lines = self._lines(np.flatnonzero(distances <= self.reach_m * (1 + 1e-4) + half + SLACK_M)).lines
        return _crossing(lines, self.reach_m, lat1, lon1, lat2, lon2)


Line = tuple[float, float, float, float]  # lat, lon of one end, of the other


class Lines:
    """A few pieces of a corridor's middle line: the ones that can decide within a box."""

    __slots__ = ("lines", "reach_m")

    def __init__(self, reach_m: float, lines: tuple[Line, ...]) -> None:
        self.reach_m = reach_m
        self.lines = lines

    def covers(self, lat: float, lon: float) -> bool:
        return any(_line_distance_m(line, lat, lon) <= self.reach_m for line in self.lines)

    def signed_distance_m(self, lat: float, lon: float) -> float:
        return min(_line_distance_m(line, lat, lon) for line in self.lines) - self.reach_m


def _line_distance_m(line: Line, lat: float, lon: float) -> float:
    """To a point or a short line: the nearest place on it is found in the metre frame between, then measured truly."""
    lat1, lon1, lat2, lon2 = line
    if lat1 == lat2 and lon1 == lon2:
        return distance_m(lat, lon, lat1, lon1)
    x1, x2 = geo.turn(lon1 - lon), lon2 - lon1
    t = 0.5
    for _ in range(3):
        at, _ = lerp(lat1, lon1, lat2, lon2, t)
        kx, ky = frame((at + lat) / 2)
        x, y, dx, dy = x1 * kx, (lat1 - lat) * ky, x2 * kx, (lat2 - lat1) * ky
        before, t = t, max(0.0, min(1.0, -(x * dx + y * dy) / max(dx * dx + dy * dy, TINY)))
        if abs(t - before) < 1e-6:
            break
    at, east = lerp(lat1, lon1, lat2, lon2, t)
    return distance_m(lat, lon, at, east)


def _crossing(
    lines: tuple[Line, ...], reach_m: float, lat1: float, lon1: float, lat2: float, lon2: float
) -> tuple[float, float] | None:
    pieces = max(1, ceil(max(abs(lat2 - lat1), abs(lon2 - lon1)) / 0.25))
    widest = cos(radians(min(abs(lat1), abs(lat2)))) if lat1 * lat2 > 0 else 1.0
    steep = hypot((lat2 - lat1) * DEGREE_M, (lon2 - lon1) * DEGREE_M * widest)  # metres it is long, at most
    first, last = 2.0, -1.0
    for line in lines:

        def beyond(t: float, line: Line = line) -> float:
            return _line_distance_m(line, *lerp(lat1, lon1, lat2, lon2, t)) - reach_m

        for i in range(pieces):
            touched = _touch(beyond, i / pieces, (i + 1) / pieces, steep)
            if touched:
                first, last = min(first, touched[0]), max(last, touched[1])
    return (first, last) if first <= last else None


def _touch(beyond: Callable[[float], float], low: float, high: float, steep: float) -> tuple[float, float] | None:
    """Where a distance that falls, then rises, is not positive: from, to. It never changes faster than `steep`."""
    a, b = low, high
    f_low, f_high = beyond(low), beyond(high)
    if f_low <= 0 and f_high <= 0:
        return low, high
    if f_low + f_high > steep * (b - a):  # too far from both ends to be near between
        return None
    ratio = (sqrt(5) - 1) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = beyond(c), beyond(d)
    for _ in range(60):
        if fc <= 0 or fd <= 0 or b - a < 1e-12:
            break
        if min(fc, fd) > steep * (c - a):  # no place between `a` and `b` is further from one of these
            return None
        if fc < fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = beyond(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = beyond(d)
    inside = min((f_low, low), (f_high, high), (fc, c), (fd, d))
    if inside[0] > 0:
        return None
    return (
        low if f_low <= 0 else _root(beyond, inside, (f_low, low)),
        high if f_high <= 0 else _root(beyond, inside, (f_high, high)),
    )


def _root(beyond: Callable[[float], float], inside: tuple[float, float], outside: tuple[float, float]) -> float:
    """Where the distance becomes positive between two (distance, place): the last place found where it is not.

    Regula falsi, the Illinois way: an end that stays once more counts half, so that both ends close in.
    """
    (f_in, t_in), (f_out, t_out) = inside, outside
    weight_in, weight_out, before = f_in, f_out, 0.0
    for _ in range(60):
        if f_in > -ROOT_M or abs(t_out - t_in) < 1e-13:
            break
        t = t_in + (t_out - t_in) * weight_in / (weight_in - weight_out)
        f = beyond(t)
        if f <= 0:
            t_in, f_in, weight_in = t, f, f
            weight_out /= 2 if before < 0 else 1
        else:
            t_out, weight_out = t, f
            weight_in /= 2 if before > 0 else 1
        before = f
    return t_in


def _stepped(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """With corners between, dense enough that a chord stands for its line (SLACK_M); near a pole lines bend more."""
    on = points[:1]
    for (lat1, lon1), (lat2, lon2) in pairwise(points):
        steepest = min(max(abs(lat1), abs(lat2)), 89.9)
        length = hypot((lat2 - lat1) * DEGREE_M, (lon2 - lon1) * frame(min(abs(lat1), abs(lat2)))[0])
        count = max(1, ceil(length * sqrt(max(1.0, tan(radians(steepest)))) / STEP_M))
        on += [lerp(lat1, lon1, lat2, lon2, i / count) for i in range(1, count)]
        on.append((lat2, lon2))
    return on


def _ecef(lats: Floats, lons: Floats) -> Floats:
    s, c = np.sin(np.radians(lats)), np.cos(np.radians(lats))
    n = geo.A / np.sqrt(1 - geo.E2 * s * s)
    return np.vstack([n * c * np.cos(np.radians(lons)), n * c * np.sin(np.radians(lons)), n * (1 - geo.E2) * s])


def _reach_boxes(points: list[tuple[float, float]], reach_m: float) -> list[Box]:
    """Boxes that hold every place within reach of the points and the lines between: one, or two across ±180."""
    reach = reach_m / 6_335_000  # no radius of curvature is shorter, so no angle is larger
    up = reach * 180 / pi
    lats, lons = [lat for lat, _ in points], [lon for _, lon in points]
    south, north = min(lats) - up, max(lats) + up
    if south <= -90 or north >= 90:
        return [(-180.0, max(south, -90.0), 180.0, min(north, 90.0))]
    flattest = radians(max(abs(south + up), abs(north - up)))
    sideways = asin(min(1.0, sin(min(reach, 1.57)) / cos(flattest))) * 180 / pi * 1.01 + 1e-9
    return split_box((min(lons) - sideways, south, max(lons) + sideways, north))
