"""Columns: the fixes of one vehicle as arrays of integers, in fix order: what history is computed from, and kept as."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from tracker.model.commit import APART, StoredPing
from tracker.model.extra import extra_of, with_extra
from tracker.model.ping import Ping

NOT_SAID = -1  #: no speed, heading, accuracy
NO_ALTITUDE = -(1 << 31)

#: column → its type, in the order that `Columns` has them
TYPES: dict[str, type[np.signedinteger[Any]]] = {
    "row": np.int64,
    "time": np.int64,
    "lat": np.int32,
    "lon": np.int32,
    "speed": np.int32,
    "heading": np.int32,
    "altitude": np.int32,
    "accuracy": np.int32,
    "received": np.int64,
    "taken": np.int8,
}


@dataclass(slots=True, eq=False)
class Columns:
    """What others are given holds each fix time once, none that is APART; what a store keeps holds all (`once`)."""

    row: npt.NDArray[np.int64]  # the order of arrival, over all vehicles of a store
    time: npt.NDArray[np.int64]  # of the fix, ms
    lat: npt.NDArray[np.int32]  # 1e-7 degrees
    lon: npt.NDArray[np.int32]
    speed: npt.NDArray[np.int32]  # mm/s
    heading: npt.NDArray[np.int32]  # 0.01 degree
    altitude: npt.NDArray[np.int32]  # 0.01 m
    accuracy: npt.NDArray[np.int32]  # 0.01 m
    received: npt.NDArray[np.int64]  # ms
    taken: npt.NDArray[np.int8]
    extra: dict[int, bytes]  # place → JSON (see `Extra`), ascending

    def __len__(self) -> int:
        return len(self.time)

    @classmethod
    def empty(cls) -> Columns:
        return cls.from_arrays((np.empty(0, kind) for kind in TYPES.values()), {})

    @classmethod
    def from_arrays(cls, arrays: Iterable[Any], extra: dict[int, bytes]) -> Columns:
        """One array a column, in the order of TYPES."""
        columns: dict[str, Any] = dict(zip(TYPES, arrays, strict=True))
        return cls(**columns, extra=extra)

    @classmethod
    def from_rows(cls, rows: Sequence[Sequence[Any]], extra: dict[int, bytes]) -> Columns:
        """Of tuples in the order of TYPES, as integers; in whatever order."""
        if not rows:
            return cls.empty()
        table = np.array(rows, np.int64).T
        arrays = (column.astype(kind) for column, kind in zip(table, TYPES.values(), strict=True))
        return cls.from_arrays(arrays, extra).in_order()

    @classmethod
    def all_of(cls, pings: Iterable[StoredPing], rows: Iterable[int] | None = None) -> Columns:
        """Every one of them, with its row; without rows they are taken to be in the order they came, from 1."""
        told = list(pings)
        numbers = range(1, len(told) + 1) if rows is None else rows
        extra = {at: one for at, stored in enumerate(told) if (one := extra_of(stored.ping)) is not None}
        table = [
            (
                row,
                stored.ping.time,
                round(stored.ping.lat * 1e7),
                round(stored.ping.lon * 1e7),
                _steps(stored.ping.speed_mps, 1e3),
                _steps(stored.ping.heading, 1e2),
                _steps(stored.ping.altitude_m, 1e2, NO_ALTITUDE),
                _steps(stored.ping.accuracy_m, 1e2),
                stored.received_at,
                stored.taken,
            )
            for row, stored in zip(numbers, told, strict=True)
        ]
        return cls.from_rows(table, extra)

    @classmethod
    def from_pings(cls, pings: Iterable[StoredPing], rows: Iterable[int] | None = None) -> Columns:
        """As `all_of`, each fix time once."""
        return cls.all_of(pings, rows).once()

    def pings(self, vehicle: str, n: int) -> list[StoredPing]:
        return self.pings_of(repeat(vehicle), repeat(n))

    def pings_of(self, vehicles: Iterable[str], numbers: Iterable[int]) -> list[StoredPing]:
        """Each with its vehicle: a store's row may be of many."""
        told = []
        arrays = (getattr(self, name).tolist() for name in TYPES)
        for at, (vehicle, n, one) in enumerate(zip(vehicles, numbers, zip(*arrays, strict=True), strict=False)):
            _, time, lat, lon, speed, heading, altitude, accuracy, received, taken = one
            ping = Ping(
                vehicle,
                time,
                lat / 1e7,
                lon / 1e7,
                None if speed == NOT_SAID else speed / 1e3,
                None if heading == NOT_SAID else heading / 1e2,
                None if altitude == NO_ALTITUDE else altitude / 1e2,
                None if accuracy == NOT_SAID else accuracy / 1e2,
            )
            if (extra := self.extra.get(at)) is not None:
                ping = with_extra(ping, extra)
            told.append(StoredPing(n, ping, received, taken))
        return told

    def take(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.intp] | slice) -> Columns:
        """Those of a mask, of indices (in their order) or of a slice."""
        arrays = (getattr(self, name)[which] for name in TYPES)
        extra: dict[int, bytes] = {}
        if self.extra:
            places = np.arange(len(self))[which]
            had = np.isin(places, np.fromiter(self.extra, np.int64, len(self.extra)))
            extra = {int(at): self.extra[int(places[at])] for at in np.flatnonzero(had)}
        return Columns.from_arrays(arrays, extra)

    def cut(self, since: int, until: int) -> Columns:
        """Those with since <= time < until."""
        first, end = np.searchsorted(self.time, (since, until))
        return self if (first, end) == (0, len(self)) else self.take(slice(int(first), int(end)))

    def in_order(self) -> Columns:
        """By fix time; of those of one time, by row."""
        later, same = self.time[1:] > self.time[:-1], self.time[1:] == self.time[:-1]
        if (later | (same & (self.row[1:] >= self.row[:-1]))).all():
            return self
        return self.take(np.lexsort((self.row, self.time)))

    def once(self) -> Columns:
        """Of each fix time what came first; nothing that is APART. They have to be in order."""
        whole = self.take(self.taken != APART) if (self.taken == APART).any() else self
        fresh = whole.time[1:] != whole.time[:-1]
        return whole if fresh.all() else whole.take(np.concatenate(([True], fresh)))


def gather(parts: Iterable[Columns]) -> Columns:
    """All that are in the parts, in order; of one vehicle."""
    some = [part for part in parts if len(part)]
    if len(some) < 2:
        return some[0] if some else Columns.empty()
    begins = np.cumsum([0, *(len(part) for part in some)]).tolist()
    extra = {begin + at: one for begin, part in zip(begins, some, strict=False) for at, one in part.extra.items()}
    arrays = (np.concatenate([getattr(part, name) for part in some]) for name in TYPES)
    return Columns.from_arrays(arrays, extra).in_order()


def concatenate(parts: Iterable[Columns]) -> Columns:
    """As `gather`, each fix time once."""
    return gather(parts).once()


def _steps(value: float | None, steps: float, none: int = NOT_SAID) -> int:
    return none if value is None else round(value * steps)


assert [*TYPES, "extra"] == [field.name for field in fields(Columns)]
