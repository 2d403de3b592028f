"""Plain outlines read many at once: small polygons of one ring, as nearly all regions of an import are.

numpy and GEOS take some microseconds for a call, however little it does, and a polygon read alone needs fifty of them.
Here they are asked once for all. Every number comes out to the last bit as `geojson.read_shape` has it; what is not
plain, and all that is wrong with any, is left to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import msgspec
import numpy as np
import shapely

from tracker.geometry.area import STEP, Area, Floats, area_terms, length_terms, upward
from tracker.geometry.validation import Position

MOST_CORNERS = 500  #: of one: of more its corners are the work, not the calls
TOGETHER = 4096  #: corners at once: numpy and GEOS keep the GIL for a millisecond


def plain_ring(geometry: Any) -> list[Any] | None:
    """The ring of what looks like a plain outline; None: it is something else."""
    if not isinstance(geometry, dict) or geometry.get("type") != "Polygon":
        return None
    rings = geometry.get("coordinates")
    if not isinstance(rings, list) or len(rings) != 1:
        return None
    ring = rings[0]
    return ring if isinstance(ring, list) and 3 <= len(ring) <= MOST_CORNERS else None


def read_plain(rings: Sequence[list[Any]]) -> list[Area | None]:
    """The areas of rings of positions as JSON has them; None: this one is to be read alone."""
    found: list[Area | None] = [None] * len(rings)
    which, drawn = [], []
    for at, ring in enumerate(rings):
        try:
            positions = msgspec.convert(ring, list[Position])
        except msgspec.ValidationError:
            continue
        if positions[0] != positions[-1]:
            positions.append(positions[0])  # left open: closed kindly
        which.append(at)
        drawn.append(positions)
    counts = np.array([len(positions) for positions in drawn], int)
    points = np.fromiter(chain.from_iterable(chain.from_iterable(drawn)), float, 2 * int(counts.sum())).reshape(-1, 2)
    points += 0.0  # -0 is 0
    numbers = np.array(which)
    plain = _is_plain(points, counts) if drawn else np.zeros(0, bool)
    if not plain.any():
        return found
    points, counts, numbers = points[np.repeat(plain, counts)], counts[plain], numbers[plain]
    polygons = shapely.polygons(shapely.linearrings(points, indices=np.repeat(np.arange(len(counts)), counts)))
    valid = shapely.is_valid(polygons)
    if not valid.any():
        return found
    ordered = shapely.normalize(polygons[valid])
    counts, numbers = counts[valid], numbers[valid]
    points = shapely.get_coordinates(ordered)
    edges, down = upward(points[:-1], points[1:])  # between two rings lies one that is none
    areas = _sums(area_terms(points, counts), counts)
    lengths = _sums(length_terms(*edges[:4]), counts)
    boxes = shapely.bounds(ordered).tolist()
    start = 0
    for i, number in enumerate(numbers.tolist()):
        end = start + int(counts[i])
        if areas[i] > 0:
            geometry = {"type": "Polygon", "coordinates": [rings[number]]}
            lines = slice(start, end - 1)
            found[number] = Area(
                geometry,
                [points[start:end].copy()],
                [1],
                edges[:, lines].copy(),
                down[lines].copy(),
                [tuple(boxes[i])],
                areas[i],
                lengths[i],
            )
        start = end
    return found


def _is_plain(points: Floats, counts: Any) -> Any:
    """Of each ring: is it well within ±180 and ±90, of short edges, and no position twice in a row?"""
    starts = np.cumsum(counts) - counts
    low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    spans = np.abs(points[1:] - points[:-1]).max(axis=1)
    spans[starts[1:] - 1] = STEP / 2  # between two rings
    spans = np.concatenate([[STEP / 2], spans])
    within = (low[:, 0] > -180) & (high[:, 0] < 180) & (low[:, 1] > -90) & (high[:, 1] < 90)
    short = (np.maximum.reduceat(spans, starts) <= STEP) & (np.minimum.reduceat(spans, starts) > 0)
    return within & short & (high[:, 0] - low[:, 0] <= 180) & (counts >= 4)


def _sums(terms: Floats, counts: Any) -> list[float]:
    """Of each ring, of terms between each two neighbours; those between two rings do not count. They begin with 0, as
    `sum` does: so the same is rounded."""
    starts = np.cumsum(counts) - counts
    padded = np.concatenate([[0.0], terms])
    padded[starts] = 0.0
    sums: list[float] = np.add.reduceat(padded, starts).tolist()
    return sums
