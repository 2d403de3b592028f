"""Ground: all legs laid end to end, and how each of their fixes lies to the shape: inside or not, across it or not.

When a shape changes a little, only what lies at the change is asked again, and only legs are told that decide otherwise
by it: those with a fix in what changed, or so near to it that its accuracy counts, and those with a line across it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import shapely

from tracker.fleet.membership import CLEAR_M, WORST_M
from tracker.fleet.states import NO_ACCURACY_M
from tracker.geometry.earth import frame
from tracker.geometry.places import covered, touching
from tracker.geometry.shape import Shape
from tracker.regions.region import INNER_M, Region
from tracker.replay.rehearsing.line import Array, Leg, Line, Mask, widened

SLACK_M = 1.0  #: a picture of a shape is that near to it
BENT = 0.03  #: of a distance: so much is a metre of a plane wrong at the ends of a large shape
FEW = 16  #: pieces of a change, each with a box of its own
LARGE = 1.5  #: degrees: of larger shapes everything is decided anew
ROUND = 0.05  #: of a radius: so near is the picture of a circle


class Ground:
    def __init__(self, legs: Sequence[tuple[Line, Leg]]) -> None:
        parts = [slice(leg.first, leg.last + 1) for _, leg in legs]
        self._bounds = np.cumsum([0, *(part.stop - part.start for part in parts)])
        self._firsts = [part.start for part in parts]

        def whole(name: str, kind: type) -> Any:
            some = [getattr(line, name)[part] for (line, _), part in zip(legs, parts, strict=True)]
            return np.concatenate([np.empty(0, kind), *some]) if some else np.empty(0, kind)

        self._lat, self._lon = whole("lat", np.float64), whole("lon", np.float64)
        self._odd, self._speed = whole("odd", np.bool_).astype(np.bool_), whole("speed", np.int32)
        self._accuracy = whole("accuracy", np.int32) / 100
        self._leg = np.repeat(np.arange(len(legs)), np.diff(self._bounds))
        last = np.zeros(len(self._lat), np.bool_)
        last[self._bounds[1:] - 1] = True
        self._lines = np.flatnonzero(~last[:-1]) if len(last) else np.empty(0, np.int64)  # to the next
        lon, on = self._lon[self._lines], self._lon[self._lines + 1]
        self._over = np.abs(on - lon) > 180
        self._west, self._east = np.minimum(lon, on), np.maximum(lon, on)
        lat, on = self._lat[self._lines], self._lat[self._lines + 1]
        self._south, self._north = np.minimum(lat, on), np.maximum(lat, on)
        #: legs of which it is not known what they depend on
        self._always = {at for at, one in enumerate(legs) if _is_odd(*one)}
        self._inside: Mask = np.empty(0, np.bool_)
        self._across: Mask = np.empty(0, np.bool_)  # of each line
        self._region: Region | None = None

    def lay(self, region: Region) -> list[int]:
        """All legs, for this shape."""
        shape = region.shape
        self._inside = covered(shape, self._lat, self._lon)
        self._across = self._crossing(shape, np.arange(len(self._lines)))
        self._region = region
        return list(range(len(self._firsts)))

    def shift(self, region: Region, crossed: set[int]) -> list[int]:
        """The legs that this shape may concern, other than the last one. `crossed`: those that tell of a cross."""
        last = self._region
        west, south, east, north = region.shape.bounds
        if last is None or north - south > LARGE or east - west > 180 or not _differ_in_shape_alone(last, region):
            return self.lay(region)
        change = last.shape.parts.symmetric_difference(region.shape.parts)
        self._region = region
        if change.is_empty:
            return []
        round_m = ROUND * max([*last.shape.parameters().values(), *region.shape.parameters().values()], default=0.0)
        found = self._fixes_at(change, last, region, SLACK_M + round_m)
        return sorted(found | self._lines_at(change, region.shape, SLACK_M + round_m, crossed) | self._always)

    def stops(self, legs: Sequence[int]) -> list[list[int]]:
        """Of each leg, the fixes of its line that may change something."""
        assert self._region is not None
        stops, limit = self._odd.copy(), self._region.rules.speed_limit_mps
        stops[1:] |= self._inside[1:] != self._inside[:-1]
        stops[self._lines[self._across] + 1] = True
        if limit is not None:
            fast = self._speed > limit * 1000
            stops |= fast
            stops[1:] |= fast[:-1]
        at = np.flatnonzero(stops)
        cuts = np.searchsorted(at, self._bounds).tolist()
        shift = [first - bound for first, bound in zip(self._firsts, self._bounds.tolist(), strict=False)]
        spans = list(pairwise(cuts))
        return [(at[slice(*spans[leg])] + shift[leg]).tolist() for leg in legs]

    def _fixes_at(self, change: Any, last: Region, region: Region, slack_m: float) -> set[int]:
        """Legs with a fix that lies otherwise: in or out, deep enough inside or not, far enough outside or not."""
        wide, narrow = _grown(change, 2 * WORST_M + slack_m), _grown(change, CLEAR_M + slack_m)
        west, south, east, north = wide.bounds
        lat, lon = self._lat, self._lon
        some = np.flatnonzero((lat >= south) & (lat <= north) & (lon >= west) & (lon <= east))
        coarse = self._accuracy[some] > NO_ACCURACY_M
        near = shapely.intersects_xy(narrow, lon[some], lat[some])
        near[coarse] = shapely.intersects_xy(wide, lon[some[coarse]], lat[some[coarse]])
        some = some[near]
        if not len(some):
            return set()
        lat, lon = lat[some], lon[some]
        before, inside = self._inside[some], covered(region.shape, lat, lon)
        self._inside[some] = inside
        deep, clear = self._thresholds(region, some)
        kx, ky = frame(float(lat.mean()))
        places = shapely.points(lon * kx, lat * ky)
        rims = (
            shapely.transform(shapely.boundary(one.shape.parts), lambda corners: corners * (kx, ky))
            for one in (last, region)
        )
        was, now = (
            np.where(side, -1, 1) * shapely.distance(rim, places)
            for rim, side in zip(rims, (before, inside), strict=True)
        )
        moved, doubtful = np.abs(was - now) > 1e-6, np.zeros(len(some), np.bool_)
        for edge in (-deep, clear):
            far_was, far_now = was - edge, now - edge
            near = np.minimum(np.abs(far_was), np.abs(far_now)) < slack_m + BENT * edge
            doubtful |= (far_was * far_now <= 0) | near
        return set(np.unique(self._leg[some[(before != inside) | (moved & doubtful)]]).tolist())

    def _thresholds(self, region: Region, some: Array) -> tuple[Array, Array]:
        """As those of membership."""
        if region.exact:
            return np.zeros(len(some)), np.zeros(len(some))
        accuracy = self._accuracy[some]
        accuracy = np.where(accuracy > 0, np.minimum(accuracy, WORST_M), NO_ACCURACY_M)
        return np.minimum(accuracy, region.inner_m), np.maximum(CLEAR_M, 2 * accuracy)

    def _lines_at(self, change: Any, shape: Shape, slack_m: float, crossed: set[int]) -> set[int]:
        zone = _grown(change, slack_m)
        told = np.zeros(len(self._firsts), np.bool_)
        told[list(crossed)] = True
        begin = self._lines
        asked = ~(self._inside[begin] | self._inside[begin + 1]) | told[self._leg[begin]]
        beside = np.zeros(len(begin), np.bool_)
        for west, south, east, north in shapely.bounds(shapely.get_parts(zone)) if _is_few(zone) else [zone.bounds]:
            beside |= (self._north >= south) & (self._south <= north) & (self._east >= west) & (self._west <= east)
        some = np.flatnonzero(asked & (beside | self._over))
        begin = begin[some]
        places = np.stack([self._lon, self._lat], axis=1)
        ways = shapely.linestrings(np.stack([places[begin], places[begin + 1]], axis=1))
        some = some[shapely.intersects(zone, ways) | self._over[some]]
        self._across[some] = self._crossing(shape, some)
        return set(np.unique(self._leg[self._lines[some]]).tolist())

    def _crossing(self, shape: Shape, lines: Array) -> Mask:
        """Which of these lines may touch it, from outside to outside."""
        begin = self._lines[lines]
        found = np.zeros(len(lines), np.bool_)
        some = np.flatnonzero(~(self._inside[begin] | self._inside[begin + 1]))
        ends = np.stack([begin[some], begin[some] + 1], axis=1).ravel()
        asked = np.zeros(len(ends), np.bool_)
        asked[::2] = True
        found[some[touching(shape, self._lat[ends], self._lon[ends], asked) // 2]] = True
        return found


def _is_odd(line: Line, leg: Leg) -> bool:
    part = slice(leg.first if leg.begins else leg.first + 1, leg.last + 1)
    more = leg.ends and line.fixes[-1] != len(line.heard.time) - 1
    return bool(line.odd[part].any()) or more or bool(line.deeds)


def _differ_in_shape_alone(one: Region, other: Region) -> bool:
    return (
        one.rules == other.rules
        and one.debounce == other.debounce
        and one.name == other.name
        and (one.inner_m == other.inner_m or min(one.inner_m, other.inner_m) >= min(INNER_M, NO_ACCURACY_M))
    )


def _is_few(zone: Any) -> bool:
    return int(shapely.get_num_geometries(zone)) <= FEW


def _grown(change: Any, by_m: float) -> Any:
    [around] = widened([change.bounds], by_m)[:1]
    zone = change.buffer(change.bounds[0] - around[0], quad_segs=4)
    shapely.prepare(zone)
    return zone
