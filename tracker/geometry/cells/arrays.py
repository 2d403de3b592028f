"""CellArrays: the cell index for whole arrays of places, as preview and replay need it.

The answers are those of `CellIndex.at`, from the same cells, laid out one after another in arrays. A place in a cell
without boundary is a look-up; where boundaries pass, the edges of all slabs are tried against all their places at once.
What rounding could decide there goes to `covers`, one by one; so does what is round.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from tracker.geometry.cells.index import CellIndex, Key
from tracker.geometry.earth import CELL, CELLS_PER_DEGREE, ROW_BITS
from tracker.geometry.slabs import Slabs

K = TypeVar("K", bound=Key)
Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]

NEAR = 1e-9  #: of half a cell's height: a place so near to the end of an edge is decided singly


class Lists:
    """Many short lists in one array: list i is items[starts[i]:starts[i + 1]]."""

    def __init__(self, width: int = 1, kind: type = np.int64) -> None:
        self.starts: Ints = np.zeros(1, np.int64)
        self.items: Any = np.empty((0, width), kind)

    def add_lists(self, lists: Sequence[Sequence[Any]]) -> None:
        ends = np.cumsum([len(items) for items in lists], dtype=np.int64)
        self.starts = np.concatenate([self.starts, self.starts[-1] + ends])
        flat = [item for items in lists for item in items]
        if flat:
            new = np.array(flat, self.items.dtype).reshape(len(flat), -1)
            self.items = np.concatenate([self.items, new])

    def of(self, which: Ints) -> tuple[Ints, Any]:
        """(position in `which`, item) of every item of these lists."""
        counts = self.starts[which + 1] - self.starts[which]
        owner = np.repeat(np.arange(len(which)), counts)
        before = np.repeat(np.cumsum(counts) - counts, counts)
        return owner, self.items[self.starts[which[owner]] + np.arange(len(owner)) - before]


class CellArrays(Generic[K]):
    """Follows its index: after an edit it starts anew. `keys` are the index's keys, sorted."""

    def __init__(self, index: CellIndex[K]) -> None:
        self._index = index
        self._forget()

    def _forget(self) -> None:
        self._edits = self._index.edits
        self.keys: list[K] = sorted(self._index.shapes)
        self._number = {key: i for i, key in enumerate(self.keys)}
        self._cells: Ints = np.empty(0, np.int64)  # keys of the cells taken over so far, sorted …
        self._places: Ints = np.empty(0, np.int64)  # … and which list is theirs
        self._whole, self._partial = Lists(), Lists()  # of cells: shapes that cover them; numbers of their pieces
        self._pieces: list[Any] = []
        self._piece_shape: Ints = np.empty(0, np.int64)
        self._single: Any = np.empty(0, bool)  # pieces that have no slabs
        self._south: Floats = np.empty(0)
        self._levels: Floats = np.empty(0)  # of all pieces: number of the piece + how far up the cell, 0 … ½
        self._odd: Any = np.empty(0, bool)  # of all slabs; piece i has one more slab than levels
        self._edges = Lists(5, np.float64)  # of slabs

    def contains_many(self, lats: Any, lons: Any) -> tuple[Ints, Ints]:
        """(places, shapes): which of the places is covered by which of `keys`, by number; sorted by place, then key."""
        if self._edits != self._index.edits:
            self._forget()
        lat, lon = np.asarray(lats, float), np.asarray(lons, float)
        lon = np.where(lon == -180, 180.0, lon)
        columns = ((lon + 180) * CELLS_PER_DEGREE).astype(np.int64)
        wanted = columns << ROW_BITS | ((lat + 90) * CELLS_PER_DEGREE).astype(np.int64)
        cells = self._lists_of(wanted)
        place, shape = self._whole.of(cells)
        partial_place, piece = self._partial.of(cells)
        piece = piece[:, 0]
        covered = self._covers(piece, lat[partial_place], lon[partial_place])
        count = max(len(self.keys), 1)
        pairs = np.concatenate(
            [
                place * count + shape[:, 0],
                partial_place[covered] * count + self._piece_shape[piece[covered]],
            ]
        )
        pairs.sort()
        return pairs // count, pairs % count

    def _lists_of(self, wanted: Ints) -> Ints:
        if len(self._cells):
            at = np.minimum(np.searchsorted(self._cells, wanted), len(self._cells) - 1)
            missing = wanted[self._cells[at] != wanted]
            if not len(missing):
                return np.asarray(self._places[at])
        else:
            missing = wanted
        if len(missing):
            self._take(np.unique(missing).tolist())
        return np.asarray(self._places[np.searchsorted(self._cells, wanted)])

    def _take(self, keys: list[int]) -> None:
        """Take these cells of the index over."""
        number, first_piece = self._number, len(self._pieces)
        found = [self._index.cell(key) for key in keys]
        self._whole.add_lists([[number[k] for k in whole] for whole, _, _ in found])
        souths = [(key & (1 << ROW_BITS) - 1) * CELL - 90 for key in keys]
        pieces = [
            (number[k], piece, south)
            for (_, met, _), south in zip(found, souths, strict=True)
            for k, _, _, piece in met
        ]
        counts = [len(met) for _, met, _ in found]
        ends = np.cumsum(counts) + first_piece
        self._partial.add_lists([range(end - count, end) for count, end in zip(counts, ends.tolist(), strict=True)])
        self._pieces += [piece for _, piece, _ in pieces]
        self._piece_shape = np.concatenate([self._piece_shape, np.array([k for k, _, _ in pieces], np.int64)])
        self._south = np.concatenate([self._south, np.array([south for _, _, south in pieces])])
        self._single = np.concatenate([self._single, _bools(not isinstance(piece, Slabs) for _, piece, _ in pieces)])
        laid = [piece if isinstance(piece, Slabs) else _EMPTY for _, piece, _ in pieces]
        owners = np.repeat(np.arange(first_piece, len(self._pieces)), [len(piece.levels) for piece in laid])
        levels = np.array([lat for piece in laid for lat in piece.levels], float)
        self._levels = np.concatenate([self._levels, owners + self._height(levels, owners)])
        slabs = [slab for piece in laid for slab in piece.slabs]
        self._odd = np.concatenate([self._odd, _bools(odd for odd, _ in slabs)])
        self._edges.add_lists([edges for _, edges in slabs])
        taken = len(self._places)
        all_cells = np.concatenate([self._cells, np.array(keys, np.int64)])
        order = np.argsort(all_cells, kind="stable")
        self._cells = all_cells[order]
        self._places = np.concatenate([self._places, np.arange(taken, taken + len(keys))])[order]

    def _height(self, lats: Floats, pieces: Ints) -> Floats:
        """How far up the cell, as ¼ … ¾: what the levels of all pieces are searched by."""
        return 0.25 + (lats - self._south[pieces]) * (0.5 * CELLS_PER_DEGREE)

    def _covers(self, pieces: Ints, lats: Floats, lons: Floats) -> Any:
        """Whether each of these pieces covers the place beside it."""
        heights = pieces + self._height(lats, pieces)
        above = np.searchsorted(self._levels, heights, "right")
        slabs = above + pieces
        singly = self._single[pieces]
        if len(self._levels):
            singly |= np.abs(self._levels[np.maximum(above - 1, 0)] - heights) < NEAR
            singly |= np.abs(self._levels[np.minimum(above, len(self._levels) - 1)] - heights) < NEAR
        owner, edges = self._edges.of(slabs)
        ax, ay, bx, by, err = edges.T
        turn = (bx - ax) * (lats[owner] - ay) - (by - ay) * (lons[owner] - ax)
        crossed = np.bincount(owner[turn > err], minlength=len(pieces))
        covered = self._odd[slabs] ^ (crossed & 1).astype(bool)
        singly[owner[np.abs(turn) <= err]] = True
        for i in np.flatnonzero(singly).tolist():
            covered[i] = self._pieces[pieces[i]].covers(float(lats[i]), float(lons[i]))
        return covered


_EMPTY = Slabs((), ((False, ()),), ())


def _bools(values: Iterable[bool]) -> Any:
    return np.fromiter(values, bool)
