"""What vehicles told, in the order it came, lean: millions of fixes at once, for those who live through them again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

import numpy as np

from tracker.model.columns import Heard
from tracker.stores.arrived import Arrived, Asked
from tracker.stores.sqlite.past import hot, log, packed
from tracker.stores.sqlite.past.picture import picture

SHARE = 50  #: vehicles whose segments are laid out at once


def heard(connection: sqlite3.Connection, numbers: Sequence[int], since: int, until: int) -> list[Heard]:
    with picture(connection):
        below = packed.below(connection)
        parts = [(one.n, Heard.from_columns(one.columns)) for one in _pieces(connection, numbers, since, until, below)]
    n, all = np.concatenate([n for n, _ in parts]), Heard.joined([part for _, part in parts])
    parts.clear()
    order = np.argsort(n, kind="stable")
    bounds = np.searchsorted(n[order], numbers), np.searchsorted(n[order], numbers, "right")
    return [all.take(order[begin:end]) for begin, end in zip(*(one.tolist() for one in bounds), strict=True)]


def _pieces(
    connection: sqlite3.Connection, numbers: Sequence[int], since: int, until: int, below: int
) -> Iterator[Arrived]:
    """Those of one vehicle in their order."""
    asked = Asked(since, until, apart=False)
    for begin in range(0, len(numbers), SHARE):
        share = frozenset(numbers[begin : begin + SHARE])
        yield packed.read(connection, asked._replace(below=below, numbers=share))
    later = asked._replace(after=below - 1, numbers=frozenset(numbers))
    yield hot.read(connection, later)
    yield from log.pieces(connection, later)
