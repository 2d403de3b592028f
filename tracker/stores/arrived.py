"""What a question about the past asks of one place that holds pings (the log, segments), and how that answers."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tracker.model.columns import TYPES, Columns
from tracker.model.commit import APART, StoredPing
from tracker.model.ping import NOWHERE

EVER = 1 << 62  #: ms, or a row: after all there are
HALF = 1_800_000_000  #: of the way round, in 1e-7 degrees

Array = npt.NDArray[Any]


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

    def of_each(self) -> dict[int, Columns]:
        """By vehicle, in the order they came."""
        order = np.argsort(self.n, kind="stable")
        n, columns = self.n[order], self.columns.take(order)
        begins = [*np.flatnonzero(np.diff(n, prepend=-1)).tolist(), len(n)]
        return {int(n[begin]): columns.take(slice(begin, end)) for begin, end in pairwise(begins)}

    def places(self) -> dict[tuple[int, int], tuple[float, float]]:
        """(n, fix time) → (lat, lon): of fixes the first, NOWHERE where there was only a message without a place."""
        n, some = self
        found: dict[tuple[int, int], tuple[float, float]] = {}
        told = zip(
            n.tolist(), some.time.tolist(), some.lat.tolist(), some.lon.tolist(), some.taken.tolist(), strict=True
        )
        for one, time, lat, lon, taken in told:
            place = lat / 1e7, lon / 1e7
            if (taken != APART or place == NOWHERE) and found.setdefault((one, time), place) == NOWHERE:
                found[one, time] = place
        return found

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


def in_order(parts: Iterable[Arrived]) -> Arrived:
    found = joined(parts)
    rows = found.columns.row
    return found if (rows[1:] > rows[:-1]).all() else found.take(np.argsort(rows, kind="stable"))  # type: ignore[arg-type]


def chosen(arrived: Arrived, asked: Asked) -> Arrived:
    """Exactly those that are asked for."""
    n, columns = arrived
    wanted = (n != 0) & (columns.row > asked.after) & (columns.row < asked.below)
    wanted &= (columns.time >= asked.since) & (columns.time < asked.until)
    wanted &= (columns.received >= asked.came_since) & (columns.received < asked.came_until)
    if not asked.apart:
        wanted &= columns.taken != APART
    if asked.numbers is not None:
        wanted &= np.isin(n, np.fromiter(asked.numbers, np.int64, len(asked.numbers)))
    if asked.fixes is not None:
        for at in np.flatnonzero(wanted).tolist():
            wanted[at] = (int(n[at]), int(columns.time[at])) in asked.fixes
    return arrived if wanted.all() else arrived.take(wanted)


def extents(n: Array, south: Array, north: Array, west: Array, east: Array) -> Array:
    """[n, south, north, west, east] of each vehicle once."""
    order = np.argsort(n, kind="stable")
    n = n[order]
    begins = np.flatnonzero(np.concatenate(([True], n[1:] != n[:-1])))
    lowest, highest = np.minimum.reduceat, np.maximum.reduceat
    sides = (lowest(south[order], begins), highest(north[order], begins))
    return np.stack((n[begins], *sides, lowest(west[order], begins), highest(east[order], begins)), 1).astype(np.int64)


def passing(sides: Array, west: int, south: int, east: int, north: int) -> set[int]:
    """Whose `extents` (of parts, maybe) are not all to one side of a box, or on both sides of the antimeridian."""
    if not sides.size:
        return set()
    n, low, high, left, right = extents(*sides.T).T
    crossing = (high >= south) & (low <= north) & (right >= west) & (left <= east)
    return set(n[crossing | (right - left > HALF)].tolist())
