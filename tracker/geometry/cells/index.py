"""CellIndex: which of many shapes cover a place, in about a microsecond.

The world is a grid of cells of 0.002° (about 220 m × 150 m). What a cell holds is found when somebody first drives into
it: the shapes that cover all of it, and those whose boundary passes through it, each with only what is needed to decide
inside the cell (`Slabs`, `Lines`). Most cells have no boundary: there the answer is one dictionary look-up, and always
the same tuple, so callers may compare by identity. Shapes nobody drives into cost a few dictionary entries.

Answers are exact: those of `Shape.covers`, which are shapely's, boundary included; circles and corridors by true
distance. Keys must be hashable and sort among themselves; every answer is in their order.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Hashable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from tracker.geometry.cells.blocks import GROW, Block, block_box
from tracker.geometry.cells.boxes import BLOCK, Pyramid
from tracker.geometry.cells.lines import Piece, meet, walk
from tracker.geometry.earth import CELLS_PER_DEGREE, ROW_BITS
from tracker.geometry.shape import Decider, Shape
from tracker.geometry.slabs import Slabs


class Key(Hashable, Protocol):
    def __lt__(self, other: Any, /) -> bool: ...


K = TypeVar("K", bound=Key)

MAX_CELLS = 200_000  #: remembered at once; then all are forgotten and found again as they are driven into
CELLS_A_BLOCK = 200  #: for so many of them a block may be remembered, which takes about 15 kB

_LAST = 360 * CELLS_PER_DEGREE  # the column of the antimeridian itself
_ROWS = (1 << ROW_BITS) - 1
_NEXT = frozenset({1, -1, 1 << ROW_BITS, -1 << ROW_BITS})  # from a cell to the four beside it

#: from a cell to another, as a short line goes: from the first to all others that lie between their corners
_BETWEEN: dict[int, tuple[int, ...]] = {
    (x << ROW_BITS) + y: tuple(
        (column << ROW_BITS) + row
        for column in range(min(x, 0), max(x, 0) + 1)
        for row in range(min(y, 0), max(y, 0) + 1)
        if (column, row) not in ((0, 0), (x, y))
    )
    for x in range(-2, 3)
    for y in range(-2, 3)
    if abs(x * y) < 4
}


#: (keys of the shapes that cover all of it, sorted; those whose boundary passes through; the answers, by which of these
#: cover the place: bit 0 for the first …). Plain tuples: they are the quickest to unpack.
Cell = tuple[tuple[Any, ...], tuple[Piece, ...], tuple[tuple[Any, ...], ...]]


class CellIndex(Generic[K]):
    def __init__(self, max_cells: int = MAX_CELLS) -> None:
        self.shapes: dict[K, Shape] = {}
        self.max_cells = max_cells
        self.edits = 0  # counts them, for who keeps something made from the shapes
        self._boxes: Pyramid[K] = Pyramid()
        self._cells: dict[int, Cell] = {}
        self._blocks: dict[tuple[int, int], Block[K]] = {}
        self._dropped: list[dict[int, Cell]] = []  # forgotten cells, given back little by little
        self._answers: dict[tuple[K, ...], tuple[K, ...]] = {}  # one object for equal answers
        self._plain: dict[tuple[K, ...], Cell] = {}  # by what covers them whole

    def __len__(self) -> int:
        return len(self.shapes)

    @property
    def cells(self) -> int:
        """How many cells are remembered."""
        return len(self._cells)

    # -- edits --------------------------------------------------------------------------------------------------

    def add_shape(self, key: K, shape: Shape) -> None:
        """Put a shape in, or another in its place. Only the cells it may reach are forgotten."""
        if key in self.shapes:
            self.remove(key)
        self.shapes[key] = shape
        self.edits += 1
        for box in shape.boxes:
            self._boxes.add_box(key, box)
        self._forget(shape)

    def remove(self, key: K) -> None:
        """KeyError for an unknown key."""
        shape = self.shapes.pop(key)
        self.edits += 1
        for box in set(shape.boxes):
            self._boxes.remove(key, box)
        self._forget(shape)

    def update(self, changes: Mapping[K, Shape | None]) -> None:
        """Many at once; None removes."""
        if len(changes) > 100:
            self.forget_cells()
        for key, shape in changes.items():
            if shape is None:
                self.remove(key)
            else:
                self.add_shape(key, shape)

    def _forget(self, shape: Shape) -> None:
        cells = self._cells
        if not (cells or self._blocks):
            return
        spans = []
        for west, south, east, north in shape.boxes:
            columns = range(int((west + 180 - GROW) * 500), int((east + 180 + GROW) * 500) + 1)
            rows = range(max(int((south + 90 - GROW) * 500), 0), int((north + 90 + GROW) * 500) + 1)
            spans.append((columns, rows))
        if sum(len(columns) * len(rows) for columns, rows in spans) > 8_192:
            self.forget_cells()
            return
        for columns, rows in spans:
            for column in columns:
                for row in rows:
                    cells.pop(column << ROW_BITS | row, None)
            for x in range(columns.start >> BLOCK, (columns.stop - 1 >> BLOCK) + 1):
                for y in range(rows.start >> BLOCK, (rows.stop - 1 >> BLOCK) + 1):
                    self._blocks.pop((x, y), None)
            if columns.start <= 0:
                for row in rows:
                    cells.pop(_LAST << ROW_BITS | row, None)

    def forget_cells(self) -> None:
        """Find every cell anew: quicker than asking of each, before many shapes change."""
        self._dropped.append(self._cells)
        self._cells = {}
        self._blocks = {}
        self._answers = {}
        self._plain = {}

    # -- a place ------------------------------------------------------------------------------------------------

    def at(self, lat: float, lon: float) -> tuple[K, ...]:
        """The keys of the shapes that cover this place, sorted."""
        if not self.shapes:
            return ()
        if lon == -180.0:
            lon = 180.0
        key = int((lon + 180.0) * 500.0) << 20 | int((lat + 90.0) * 500.0)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._find(key)
        whole, pieces, answers = cell
        if not pieces:
            return whole
        mask, bit = 0, 1
        for _, levels, slabs, piece in pieces:
            if levels is not None:  # what Slabs.covers does, without the call
                k = bisect_right(levels, lat)
                inside, edges = slabs[k]
                for ax, ay, bx, by, err in edges:
                    turn = (bx - ax) * (lat - ay) - (by - ay) * (lon - ax)
                    if turn > err:
                        inside = not inside
                    elif turn >= -err:
                        inside = piece.covers(lat, lon)
                        break
                else:
                    if not inside and k and lat == levels[k - 1]:
                        inside = piece.covers(lat, lon)
            else:
                inside = piece.covers(lat, lon)
            if inside:
                mask |= bit
            bit <<= 1
        if answers:
            return answers[mask]
        return self._one(_chosen(whole, pieces, mask))

    def held(self, lat1: float, lon1: float, lat2: float, lon2: float) -> tuple[K, ...] | None:
        """The keys of the shapes that cover both places, when the line between them surely touches no boundary.

        None: ask `at` and `crossed`, which say it of any line in about four times as long.
        """
        if lon1 == -180.0 or lon2 == -180.0:
            return None
        cells = self._cells
        first = int((lon1 + 180.0) * 500.0) << 20 | int((lat1 + 90.0) * 500.0)
        last = int((lon2 + 180.0) * 500.0) << 20 | int((lat2 + 90.0) * 500.0)
        cell = cells.get(last)
        if cell is None:
            return None
        whole, pieces, answers = cell
        if first != last:
            between = _BETWEEN.get(last - first)
            if between is None or pieces or cells.get(first) is not cell:
                return None
            for step in between:
                if cells.get(first + step) is not cell:
                    return None
            return whole
        mask, bit = 0, 1
        for _, levels, slabs, _ in pieces:
            if levels is None:
                return None
            k = bisect_right(levels, lat2)
            if k != bisect_right(levels, lat1) or (k and (lat1 == levels[k - 1] or lat2 == levels[k - 1])):
                return None
            inside, edges = slabs[k]  # both ends lie strictly between its levels, where only these edges are
            for ax, ay, bx, by, err in edges:
                dx, dy = bx - ax, by - ay
                turn = dx * (lat2 - ay) - dy * (lon2 - ax)
                if turn > err:
                    if dx * (lat1 - ay) - dy * (lon1 - ax) <= err:
                        return None
                    inside = not inside
                elif turn >= -err or dx * (lat1 - ay) - dy * (lon1 - ax) >= -err:
                    return None
            if inside:
                mask |= bit
            bit <<= 1
        if not pieces:
            return whole
        return answers[mask] if answers else None

    def cell(self, key: int) -> Cell:
        """What the cell of this key (`geo.cell`) holds."""
        return self._cells.get(key) or self._find(key)

    def _find(self, key: int) -> Cell:
        """What the cell holds: found once, then remembered."""
        column, row = key >> ROW_BITS, key & _ROWS
        if column == _LAST:  # the antimeridian itself belongs to both its sides: ask the shapes
            near = {*self._boxes.near_cell(_LAST - 1, row), *self._boxes.near_cell(_LAST, row)}
            near.update(self._boxes.near_cell(0, row))
            met: list[tuple[K, bool | Decider]] = [(k, self.shapes[k]) for k in sorted(near)]
        else:
            met = self._block(column >> BLOCK, row >> BLOCK).cell(column, row)
        whole = self._one(tuple(k for k, piece in met if piece is True))
        pieces = tuple(
            (k, piece.levels, piece.slabs, piece) if isinstance(piece, Slabs) else (k, None, None, piece)
            for k, piece in met
            if piece is not True
        )
        answers: tuple[tuple[K, ...], ...] = ()
        if len(pieces) <= 3:
            answers = tuple(self._one(_chosen(whole, pieces, mask)) for mask in range(1 << len(pieces)))
        if len(self._cells) >= self.max_cells:
            self.forget_cells()
        self._sweep()
        # of cells that no boundary passes there are many and few differ: one object for equal ones is never far away
        cell = (whole, pieces, answers) if pieces else self._plain.setdefault(whole, (whole, (), answers))
        self._cells[key] = cell
        return cell

    def _block(self, x: int, y: int) -> Block[K]:
        block = self._blocks.get((x, y))
        if block is None:
            column, row = x << BLOCK, y << BLOCK
            west, south, east, north = block_box(column, row)
            keys = sorted(
                k
                for k in dict.fromkeys(self._boxes.near_cell(column, row))
                if any(b[0] <= east and b[2] >= west and b[1] <= north and b[3] >= south for b in self.shapes[k].boxes)
            )
            if len(self._blocks) * CELLS_A_BLOCK >= self.max_cells:
                self._blocks = {}
            block = self._blocks[x, y] = Block(keys, [self.shapes[k] for k in keys], column, row)
        return block

    def _one(self, answer: tuple[K, ...]) -> tuple[K, ...]:
        if len(self._answers) > self.max_cells:
            self._answers = {}
            self._plain = {}
        return self._answers.setdefault(answer, answer)

    def _sweep(self) -> None:
        """Give a few forgotten cells back: to free 200,000 at once would stop everything for a moment."""
        if self._dropped:
            old = self._dropped[-1]
            for _ in range(min(50, len(old))):
                old.popitem()
            if not old:
                self._dropped.pop()

    # -- the line between two pings -----------------------------------------------------------------------------

    def crossed(
        self, lat1: float, lon1: float, lat2: float, lon2: float, skip: Container[K] = ()
    ) -> list[tuple[K, float, float]]:
        """The shapes that the straight line between two places touches, but those in `skip`.

        For each: where along it (0 … 1) it first and last touches. The line is straight in longitude and latitude and
        goes the short way round. Whether it touches is exact as `at` is.
        """
        if not self.shapes:
            return []
        if lon2 - lon1 > 180:
            lon1 += 360
        elif lon1 - lon2 > 180:
            lon2 += 360
        if not (-180 < lon1 < 180 and -180 < lon2 < 180):
            return self._along(lat1, lon1, lat2, lon2, skip)
        cells = self._cells
        first = int((lon1 + 180.0) * 500.0) << 20 | int((lat1 + 90.0) * 500.0)
        last = int((lon2 + 180.0) * 500.0) << 20 | int((lat2 + 90.0) * 500.0)
        keys: Sequence[int] | None
        if first == last:
            keys = (first,)
        elif last - first in _NEXT:
            keys = (first, last)
        else:
            keys = walk(lat1, lon1, lat2, lon2, first, last)
            if keys is None:
                return self._along(lat1, lon1, lat2, lon2, skip)
        met: list[tuple[int, Piece]] = []
        start: tuple[K, ...] = ()
        end: tuple[K, ...] = ()
        for key in keys:
            cell = cells.get(key)
            if cell is None:
                cell = self._find(key)
            if key == first:
                start = cell[0]
            if key == last:
                end = cell[0]
            for piece in cell[1]:
                if piece[0] not in skip:
                    met.append((key, piece))
        if not (met or start or end):
            return []
        found: dict[K, list[float]] = {}
        if met:
            meet(self.shapes, (lat1, lon1, lat2, lon2), first, last, met, found)
        for k in start:
            if k not in skip:
                found.setdefault(k, []).append(0.0)
        for k in end:
            if k not in skip:
                found.setdefault(k, []).append(1.0)
        if not found:
            return []
        return [(k, min(ts), max(ts)) for k, ts in sorted(found.items())]

    def _along(
        self, lat1: float, lon1: float, lat2: float, lon2: float, skip: Container[K]
    ) -> list[tuple[K, float, float]]:
        """The same by asking every shape whose box the line's box meets."""
        south, north = min(lat1, lat2), max(lat1, lat2)
        west, east = min(lon1, lon2), max(lon1, lon2)
        near: set[K] = set()
        for turns in (-360, 0, 360):
            if east + turns >= -180 and west + turns <= 180:
                near |= self._boxes.near_box((max(west + turns, -180), south, min(east + turns, 180), north))
        found = []
        for k in sorted(k for k in near if k not in skip):
            touched = self.shapes[k].crossing(lat1, lon1, lat2, lon2)
            if touched:
                found.append((k, *touched))
        return found


def _chosen(whole: tuple[Any, ...], pieces: tuple[Piece, ...], mask: int) -> tuple[Any, ...]:
    if not mask:
        return whole
    return tuple(sorted([*whole, *(piece[0] for i, piece in enumerate(pieces) if mask >> i & 1)]))
