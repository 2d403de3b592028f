"""Slabs: an area within one box, made so that a place in it is decided by very few of the area's edges."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tracker.geometry.plane import ROUNDING, TINY, exact_side, side

Box = tuple[float, float, float, float]

Edge = tuple[float, float, float, float, float]  # ax, ay, bx, by (ay <= by) and the rounding error `side` may have

DENSE = 64  #: a cell with more edges of one area does not list them: the whole area is asked


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


def slabs_in(edges: Iterable[Sequence[float]], box: Box, most: float) -> bool | Slabs | None:
    """What of an area is in a box: False nothing, True the box lies in it, otherwise its slabs; None: of more edges.

    `edges`: at least those that reach the box or lie east of it: ax, ay, bx, by (ay <= by), west and east end.
    """
    west, south, east, north = box
    near: list[Edge] = []
    flips: set[float] = set()  # latitudes within the box at which the edges beyond become odd or even
    odd = False  # just below the box
    for ax, ay, bx, by, left, right in edges:
        if by < south or ay > north or right < west:
            continue
        dx, dy = bx - ax, by - ay
        # `side` of the box's corners farthest right and left of the edge, and what rounding may do to it
        low, high = (south, north) if dx > 0 else (north, south)
        err = 2 * ROUNDING * (
            abs(dx) * max(abs(south - ay), abs(north - ay)) + dy * max(abs(west - ax), abs(east - ax))
        ) + TINY  # fmt: skip
        if left > east or dx * (low - ay) - dy * (east - ax) > err:
            if dy > 0:
                if ay < south:
                    odd = not odd  # always a bool, whatever kind of number the box is of
                for lat in (ay, by):
                    if south <= lat <= north:
                        flips ^= {lat}
        elif dx * (high - ay) - dy * (west - ax) >= -err:
            near.append((ax, ay, bx, by, err))
    if not near:
        return odd
    return slabs_of(near, flips, south, north, odd) if len(near) <= most else None


def slabs_of(near: Sequence[Edge], flips: set[float], south: float, north: float, odd: bool) -> Slabs:
    """From the edges near a box, and the latitudes at which those beyond it become odd or even, first `odd`."""
    levels = sorted(flips.union([lat for edge in near for lat in (edge[1], edge[3]) if south <= lat <= north]))
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
