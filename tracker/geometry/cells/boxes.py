"""Boxes: which of them may reach a cell. Adding, removing and asking take a few steps, however many boxes there are.

A box is kept at the level whose cells are just as large as the box (each level's cells are twice as wide as those
of the level below), so it lies in at most four of them; a block of cells asks one bucket on each level. No level is
finer than a block.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

from tracker.geometry.earth import CELLS_PER_DEGREE

Box = tuple[float, float, float, float]  # west, south, east, north
K = TypeVar("K", bound=Hashable)

BLOCK = 4  #: the level of blocks: 16 by 16 cells of the grid
REACH = 2e-9  #: degrees by which boxes are kept too large, so that rounding loses none


class Pyramid(Generic[K]):
    def __init__(self) -> None:
        self._levels: dict[int, dict[tuple[int, int], dict[K, None]]] = {}

    def add_box(self, key: K, box: Box) -> None:
        for level, place in _places(box):
            self._levels.setdefault(level, {}).setdefault(place, {})[key] = None

    def remove(self, key: K, box: Box) -> None:
        for level, place in _places(box):
            bucket = self._levels.get(level, {}).get(place)
            if bucket is None:
                continue  # two boxes of one key lay in one cell
            bucket.pop(key, None)
            if not bucket:
                del self._levels[level][place]
                if not self._levels[level]:
                    del self._levels[level]

    def near_cell(self, column: int, row: int) -> Iterator[K]:
        """Every key with a box that reaches the block of this cell of the grid, and others from around."""
        for level, buckets in self._levels.items():
            bucket = buckets.get((column >> level, row >> level))
            if bucket:
                yield from bucket

    def near_box(self, box: Box) -> set[K]:
        """The same for a box of any size."""
        west, south, east, north = _columns(box)
        found: set[K] = set()
        for level, buckets in self._levels.items():
            columns, rows = range(west >> level, (east >> level) + 1), range(south >> level, (north >> level) + 1)
            if len(columns) * len(rows) < len(buckets):
                for place in ((x, y) for x in columns for y in rows):
                    found.update(buckets.get(place, ()))
            else:
                for (x, y), bucket in buckets.items():
                    if x in columns and y in rows:
                        found.update(bucket)
        return found


def _columns(box: Box) -> tuple[int, int, int, int]:
    west, south, east, north = box
    return (
        int((west + 180 - REACH) * CELLS_PER_DEGREE),
        int((south + 90 - REACH) * CELLS_PER_DEGREE),
        int((east + 180 + REACH) * CELLS_PER_DEGREE),
        int((north + 90 + REACH) * CELLS_PER_DEGREE),
    )


def _places(box: Box) -> list[tuple[int, tuple[int, int]]]:
    west, south, east, north = _columns(box)
    level = max((east - west).bit_length(), (north - south).bit_length(), BLOCK)
    return [
        (level, (x, y))
        for x in range(west >> level, (east >> level) + 1)
        for y in range(south >> level, (north >> level) + 1)
    ]
