"""Slabs: an area within one box, made so that a place in it is decided by very few of the area's edges."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from tracker.geometry.plane import exact_side, side

Edge = tuple[float, float, float, float, float]  # ax, ay, bx, by (ay <= by) and the rounding error `side` may have


class Slabs(NamedTuple):
    """Horizontal slabs between the ends of the area's edges in the box.

    A ray east from a place in a slab crosses the slab's edges that lie east of it, and those beyond the box, whose
    number is odd or even throughout the slab: `slabs[i]` = (odd beyond the box, edges crossing the slab), for
    levels[i-1] <= lat < levels[i].
    """

    levels: tuple[float, ...]
    slabs: tuple[tuple[bool, tuple[Edge, ...]], ...]
    edges: tuple[Edge, ...]  # all of them, flat ones too

    def covers(self, lat: float, lon: float) -> bool:
        """Whether the area covers this place of the box, its boundary included. Exact."""
        k = bisect_right(self.levels, lat)
        inside, edges = self.slabs[k]
        for ax, ay, bx, by, err in edges:
            turn = (bx - ax) * (lat - ay) - (by - ay) * (lon - ax)
            if turn > err:
                inside = not inside
            elif turn >= -err:
                turn = exact_side(ax, ay, bx, by, lon, lat)
                if turn == 0:
                    return True
                if turn > 0:
                    inside = not inside
        return inside or (k > 0 and lat == self.levels[k - 1] and self._on_end(lat, lon))

    def _on_end(self, lat: float, lon: float) -> bool:
        """Whether a place at exactly a level lies on an edge that ends there or runs along it."""
        for ax, ay, bx, by, _ in self.edges:
            if ay <= lat <= by and (ax <= lon <= bx or bx <= lon <= ax) and side(ax, ay, bx, by, lon, lat) == 0:
                return True
        return False


def slabs_of(near: Sequence[Edge], beyond: Sequence[float], south: float, north: float, odd: bool) -> Slabs:
    """From the edges near a box, and the latitudes at which those beyond it end; `odd`: just below the box."""
    flips = {lat for lat, count in Counter(beyond).items() if count & 1 and south <= lat <= north}
    ends = {lat for _, low, _, high, _ in near for lat in (low, high) if south <= lat <= north}
    levels = sorted(flips | ends)
    place = {lat: k for k, lat in enumerate(levels, 1)}
    crossing: list[list[Edge]] = [[] for _ in range(len(levels) + 1)]
    for edge in near:
        if edge[1] < edge[3]:  # a flat edge crosses no slab
            for k in range(place.get(edge[1], 0), place.get(edge[3], len(crossing))):
                crossing[k].append(edge)
    slabs = [(odd, tuple(crossing[0]))]
    for lat, k in place.items():
        odd ^= lat in flips
        slabs.append((odd, tuple(crossing[k])))
    return Slabs(tuple(levels), tuple(slabs), tuple(near))
