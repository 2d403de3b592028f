"""Blocks: for 16 by 16 cells at once, which shapes cover each of them whole, and whose boundary may pass through it.

To find the first cell somebody drives into costs a block (0.2 ms), and each of its others next to nothing. The edges of
all shapes are drawn into the block as a scan converter draws polygons: row by row, from the column where an edge enters
the row to the one where it leaves. A cell that no edge of an area may touch lies in the area if a ray from its middle
to the east crosses an odd number of its edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from tracker.geometry.cells.boxes import BLOCK
from tracker.geometry.earth import CELL, CELLS_PER_DEGREE
from tracker.geometry.plane import TINY
from tracker.geometry.shape import Box, Decider, Floats, Shape
from tracker.geometry.slabs import DENSE, slabs_in

SIDE = 1 << BLOCK
GROW = 1e-9  #: degrees by which a cell is taken too large, so that rounding of its sides decides nothing
SIFTED = 256  #: edges: of an area with more, those beside the block are left out first

NEAR, WHOLE = 1, 2

K = TypeVar("K")
Ints = np.ndarray[Any, np.dtype[np.int64]]


class Block(Generic[K]):
    """The shapes that have to do with a block, a row of codes for each cell (nothing, NEAR or WHOLE), and the edges."""

    __slots__ = ("_codes", "_edges", "_keys", "_shapes", "_starts")

    def __init__(self, keys: Sequence[K], shapes: Sequence[Shape], column: int, row: int) -> None:
        """Of the shapes whose boxes reach it; `column` and `row` of its first cell."""
        edges, owner = _gathered(shapes, column, row)
        codes = np.zeros((len(shapes), SIDE, SIDE), np.uint8)
        _draw(codes, edges, owner, column, row)
        for i, shape in enumerate(shapes):
            if shape.edges is None:
                _mark(codes[i], shape, column, row)
        self._keys, self._shapes = keys, shapes
        self._codes = np.ascontiguousarray(codes.reshape(len(shapes), SIDE * SIDE).T)
        self._edges, self._starts = edges, np.searchsorted(owner, np.arange(len(shapes) + 1)).tolist()

    def cell(self, column: int, row: int) -> list[tuple[K, bool | Decider]]:
        """What covers this cell of it whole (True), and who decides of those whose boundary passes; in order."""
        west, south = column / CELLS_PER_DEGREE - 180 - GROW, row / CELLS_PER_DEGREE - 90 - GROW
        box = west, south, west + (CELL + 2 * GROW), south + (CELL + 2 * GROW)
        met: list[tuple[K, bool | Decider]] = []
        for i, code in enumerate(self._codes[(row % SIDE) * SIDE + column % SIDE].tolist()):
            if code == WHOLE:
                met.append((self._keys[i], True))
            elif code:
                shape = self._shapes[i]
                if shape.edges is None:
                    piece = shape.meet(box)
                else:
                    edges = self._edges[:, self._starts[i] : self._starts[i + 1]].T.tolist()
                    piece = shape if (slabs := slabs_in(edges, box, DENSE)) is None else slabs
                if piece is not False:
                    met.append((self._keys[i], piece))
        return met


def block_box(column: int, row: int) -> Box:
    """Of the block whose first cell this is."""
    west, south = column / CELLS_PER_DEGREE - 180 - GROW, row / CELLS_PER_DEGREE - 90 - GROW
    return west, south, west + SIDE * CELL + 2 * GROW, south + SIDE * CELL + 2 * GROW


def _gathered(shapes: Sequence[Shape], column: int, row: int) -> tuple[Floats, Ints]:
    """The edges that reach the block or lie east of it, and whose each is."""
    west, south, _, north = block_box(column, row)
    parts, owners = [np.empty((6, 0))], [0]
    for i, shape in enumerate(shapes):
        edges = shape.edges
        if edges is not None:
            if edges.shape[1] > SIFTED:
                edges = edges[:, (edges[3] >= south) & (edges[1] <= north)]
            parts.append(edges)
            owners.append(i)
    edges = np.concatenate(parts, axis=1)
    keep = (edges[3] >= south) & (edges[1] <= north) & (edges[5] >= west)
    return edges[:, keep], np.repeat(owners, [part.shape[1] for part in parts])[keep]


def _mark(code: Any, shape: Shape, column: int, row: int) -> None:
    """Of one that has no edges: where its boxes are, it is asked of each cell."""
    met = shape.meet(block_box(column, row))
    if met is True:
        code[:] = WHOLE
    elif met is not False:
        for west, south, east, north in shape.boxes:
            left, right = _number(west + 180 - GROW, column), _number(east + 180 + GROW, column)
            low, high = _number(south + 90 - GROW, row), _number(north + 90 + GROW, row)
            code[max(low, 0) : high + 1, max(left, 0) : right + 1] = NEAR


def _number(degrees: float, first: int) -> int:
    """Of a row or column of the block; -1 and SIDE stand for all before and after."""
    return max(-1, min(SIDE, int(degrees * CELLS_PER_DEGREE) - first))


def _draw(codes: Any, edges: Floats, owner: Ints, column: int, row: int) -> None:
    ax, ay, bx, by = edges[:4]
    low = np.maximum(((ay + 90 - GROW) * CELLS_PER_DEGREE).astype(np.int64) - row, 0)
    high = np.minimum(((by + 90 + GROW) * CELLS_PER_DEGREE).astype(np.int64) - row, SIDE - 1)
    edge, at_row = _spread(low, high)  # each edge once for every row it passes
    owner, ax, ay, bx, by = owner[edge], ax[edge], ay[edge], bx[edge], by[edge]
    dx, dy = bx - ax, np.maximum(by - ay, TINY)
    south = (row + at_row) / CELLS_PER_DEGREE - 90
    enters = ax + np.clip((south - GROW - ay) / dy, 0, 1) * dx
    leaves = ax + np.clip((south + (CELL + GROW) - ay) / dy, 0, 1) * dx
    left = ((np.minimum(enters, leaves) + (180 - GROW)) * CELLS_PER_DEGREE).astype(np.int64) - column
    right = ((np.maximum(enters, leaves) + (180 + GROW)) * CELLS_PER_DEGREE).astype(np.int64) - column
    line, at_column = _spread(np.maximum(left, 0), np.minimum(right, SIDE - 1))
    codes[owner[line], at_row[line], at_column] = NEAR

    middle = south + CELL / 2  # no cell beside a crossing is told by it: the edge is near there
    crosses = (ay <= middle) & (middle < by)
    crossing = ax + np.clip((middle - ay) / dy, 0, 1) * dx
    until = np.clip(((crossing + 180) * CELLS_PER_DEGREE).astype(np.int64) - column, 0, SIDE)[crosses]
    places = (owner[crosses] * SIDE + at_row[crosses]) * (SIDE + 1) + until
    counts = np.bincount(places, minlength=codes.shape[0] * SIDE * (SIDE + 1)).reshape(-1, SIDE, SIDE + 1)
    odd = (counts[:, :, ::-1].cumsum(axis=2)[:, :, ::-1][:, :, 1:] & 1).astype(np.bool_)
    codes[odd & (codes == 0)] = WHOLE


def _spread(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """(which, number) for every number from `first` to `last` of each."""
    counts = np.maximum(last - first + 1, 0)
    which = np.repeat(np.arange(len(counts)), counts)
    return which, first[which] + np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
