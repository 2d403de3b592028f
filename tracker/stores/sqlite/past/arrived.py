"""What a question about the past asks of one place that holds pings (hot, log), and how that answers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tracker.model.columns import TYPES, Columns
from tracker.model.commit import StoredPing

EVER = 1 << 62  #: ms, or a row: after all there are


class Asked(NamedTuple):
    """Spans are half-open. Without anything said it is all there is."""

    since: int = -EVER  # of the fix, ms
    until: int = EVER
    came_since: int = -EVER  # of the receipt
    came_until: int = EVER
    after: int = 0  # of the row, exclusive
    below: int = EVER  # exclusive
    numbers: frozenset[int] | None = None
    fixes: frozenset[tuple[int, int]] | None = None  # only these, (n, fix time): what else is asked has to allow them
    apart: bool = True  # also what is APART
    limit: int = EVER


class Arrived(NamedTuple):
    """In the order they came. An erased ping (of nobody: n = 0) is never among them."""

    n: npt.NDArray[np.int64]
    columns: Columns

    def take(self, which: npt.NDArray[np.bool_] | slice) -> Arrived:
        return Arrived(self.n[which], self.columns.take(which))

    def pings(self, names: dict[int, str]) -> list[tuple[int, StoredPing, str]]:
        """(row, ping, vehicle) of those that have a name."""
        named = np.fromiter((n in names for n in self.n.tolist()), bool, len(self.n))
        n, columns = self if named.all() else self.take(named)
        vehicles = [names[one] for one in n.tolist()]
        return list(zip(columns.row.tolist(), columns.pings_of(vehicles, n.tolist()), vehicles, strict=True))


def joined(parts: Iterable[Arrived]) -> Arrived:
    """One after the other."""
    some = [part for part in parts if len(part.n)]
    if len(some) == 1:
        return some[0]
    if not some:
        return Arrived(np.empty(0, np.int64), Columns.empty())
    extra: dict[int, bytes] = {}
    begin = 0
    for part in some:
        extra |= {begin + at: one for at, one in part.columns.extra.items()}
        begin += len(part.n)
    arrays: list[Any] = [np.concatenate([getattr(part.columns, name) for part in some]) for name in TYPES]
    return Arrived(np.concatenate([part.n for part in some]), Columns.from_arrays(arrays, extra))


@contextmanager
def picture(connection: sqlite3.Connection) -> Iterator[None]:
    """Everything in it is read as of one moment."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")
