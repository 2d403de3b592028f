"""Columns: the fixes of one vehicle as arrays of integers, in fix order: what history is computed from, and kept as.

Tracks: where many vehicles were and when, and nothing else, as flat arrays, one vehicle after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise, repeat
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tracker.model.commit import APART, HELD, StoredPing
from tracker.model.extra import extra_of, with_extra
from tracker.model.ping import Ping

NOT_SAID = -1  #: no speed, heading, accuracy
NO_ALTITUDE = -(1 << 31)
SILENT_MS = 86_400_000  #: so long a vehicle that says nothing is taken to be where it was

Whole = npt.NDArray[np.int64]
Array = npt.NDArray[Any]

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
        return Columns.from_arrays(arrays, self.extra_at(np.arange(len(self))[which]) if self.extra else {})

    def extra_at(self, places: npt.NDArray[np.int64]) -> dict[int, bytes]:
        """`extra` of those that would be taken from there."""
        had = np.isin(places, np.fromiter(self.extra, np.int64, len(self.extra)))
        return {int(at): self.extra[int(places[at])] for at in np.flatnonzero(had)}

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


class Heard(NamedTuple):
    """What a fleet is told again: all fixes of vehicles in the order they came, those that were HELD, too."""

    time: Whole  # ms
    received: Whole
    lat: Array  # 1e-7 degrees
    lon: Array
    speed: Array  # mm/s
    accuracy: Array  # 0.01 m

    @classmethod
    def from_columns(cls, columns: Columns) -> Heard:
        return cls(*(getattr(columns, name) for name in cls._fields))

    @classmethod
    def joined(cls, parts: Sequence[Heard]) -> Heard:
        """One after the other; there has to be one."""
        return cls(*map(np.concatenate, zip(*parts, strict=True)))

    def take(self, which: Array | slice) -> Heard:
        return Heard(*(column[which] for column in self))


def gather(parts: Iterable[Columns]) -> Columns:
    """All that are in the parts, in order; of one vehicle."""
    some = [part for part in parts if len(part)]
    if len(some) < 2:
        return some[0] if some else Columns.empty()
    return joined(some).in_order()


def joined(parts: Sequence[Columns]) -> Columns:
    """One after the other; there has to be one."""
    begins = np.cumsum([0, *map(len, parts)]).tolist()
    extra = {begin + at: one for begin, part in zip(begins, parts, strict=False) for at, one in part.extra.items()}
    return Columns.from_arrays((np.concatenate([getattr(part, name) for part in parts]) for name in TYPES), extra)


def concatenate(parts: Iterable[Columns]) -> Columns:
    """As `gather`, each fix time once."""
    return gather(parts).once()


class Part(NamedTuple):
    """Some fixes of one vehicle in order: all but what is APART."""

    which: int  # of the vehicles it is
    time: Array
    lat: Array
    lon: Array
    told: npt.NDArray[np.bool_]  # is it a place of the track? Of a fix time only what came first is

    @classmethod
    def stored(cls, which: int, time: Array, taken: Array, lat: Array, lon: Array) -> Part:
        """Of all that is stored."""
        whole = cls(which, time, lat, lon, (taken != HELD) & ((lat != 0) | (lon != 0)))
        apart = taken == APART
        return whole.kept(~apart) if apart.any() else whole

    def kept(self, some: npt.NDArray[np.bool_] | slice) -> Part:
        return Part(self.which, self.time[some], self.lat[some], self.lon[some], self.told[some])

    def cut(self, since: int, until: int) -> Part:
        """Of since <= time < until."""
        if not len(self.time) or (self.time[0] >= since and self.time[-1] < until):
            return self
        return self.kept(slice(*np.searchsorted(self.time, (since, until)).tolist()))


@dataclass(slots=True, eq=False)
class Tracks:
    """Each fix time of a vehicle once, in order; nothing that was HELD, is APART or has no place."""

    begins: Whole  # where each vehicle begins, and where the last one ends
    time: Whole  # ms
    lat: Array  # 1e-7 degrees
    lon: Array

    @classmethod
    def joined(cls, count: int, parts: Iterable[Part]) -> Tracks:
        """Of so many vehicles: in order of arrival, where two are of one vehicle."""
        some = sorted((part for part in parts if len(part.time)), key=lambda part: part.which)
        if not some:
            nothing = np.empty(0, np.int64)
            return cls(np.zeros(count + 1, np.int64), nothing, nothing, nothing)
        which = np.repeat([part.which for part in some], [len(part.time) for part in some])
        time, lat, lon, told = (np.concatenate(one) for one in list(zip(*some, strict=True))[1:])
        same = which[1:] == which[:-1]
        if (same & (time[1:] <= time[:-1])).any():  # late ones, or what came twice
            order = np.lexsort((time, which))
            which, time, lat, lon, told = (one[order] for one in (which, time, lat, lon, told))
            told[1:] &= (which[1:] != which[:-1]) | (time[1:] != time[:-1])
        tracks = cls(np.searchsorted(which, np.arange(count + 1)), time.astype(np.int64, copy=False), lat, lon)
        return tracks if told.all() else tracks.kept(told)

    def which(self) -> Whole:
        """Of each fix, whose it is."""
        return np.repeat(np.arange(len(self.begins) - 1), np.diff(self.begins))

    def kept(self, which: npt.NDArray[np.bool_]) -> Tracks:
        begins = np.concatenate(([0], np.cumsum(which)))[self.begins]
        return Tracks(begins, self.time[which], self.lat[which], self.lon[which])

    def each(self) -> Iterator[slice]:
        """The fixes of each vehicle."""
        return (slice(begin, end) for begin, end in pairwise(self.begins.tolist()))


def _steps(value: float | None, steps: float, none: int = NOT_SAID) -> int:
    return none if value is None else round(value * steps)


assert [*TYPES, "extra"] == [field.name for field in fields(Columns)]
