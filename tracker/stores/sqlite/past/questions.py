"""Every question about the past. What was compacted comes first, then rows that 0.1.0 left, then the log: one
order of arrival."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from tracker.model.columns import Columns
from tracker.model.commit import StoredPing
from tracker.stores import ANY_TIME, Box
from tracker.stores.arrived import Arrived, Asked, extents, joined, passing
from tracker.stores.sqlite.past import hot, log, packed
from tracker.stores.sqlite.past.picture import picture

HALF = 1_800_000_000  #: of the way round, in 1e-7 degrees
Array = npt.NDArray[Any]

_names = msgspec.json.Decoder(list[tuple[int, str]])


def arrived(connection: sqlite3.Connection, asked: Asked) -> Arrived:
    with picture(connection):
        below = packed.below(connection)
        found = [packed.read(connection, asked._replace(below=min(asked.below, below)))]
        later = asked._replace(after=max(asked.after, below - 1))
        for place in (hot, log):
            left = asked.limit - sum(len(one.n) for one in found)
            if left:
                found.append(place.read(connection, later._replace(limit=left)))
        return joined(found)


def columns(connection: sqlite3.Connection, n: int, since: int, until: int) -> Columns:
    asked = Asked(since, until, numbers=frozenset((n,)))
    return arrived(connection, asked).columns.in_order().once()


def track(
    connection: sqlite3.Connection, n: int, since: int, until: int, after: int | None, limit: int
) -> list[StoredPing]:
    """Of few of many days only as many days are read as hold them."""
    begin, days = since if after is None else max(since, after + 1), 1
    with picture(connection):
        while True:
            end = packed.end_of(connection, n, begin, until, days)
            found = columns(connection, n, begin, end).take(slice(limit))
            if len(found) == limit or end == until:
                break
            days *= 4
        names = _names_of(connection, [n])
    return found.pings(names.get(n, ""), n)


def arrivals(
    connection: sqlite3.Connection,
    since: int,
    until: int,
    numbers: frozenset[int] | None,
    after_row: int,
    limit: int,
    fixes: tuple[int, int] = ANY_TIME,
) -> list[tuple[int, StoredPing, str]]:
    asked = Asked(*fixes, came_since=since, came_until=until, after=after_row, numbers=numbers, limit=limit)
    return _named(connection, asked)


def pings_since(
    connection: sqlite3.Connection, received_at: int, after_row: int, limit: int
) -> list[tuple[int, StoredPing, str]]:
    return _named(connection, Asked(came_since=received_at, after=after_row, apart=False, limit=limit))


def _named(connection: sqlite3.Connection, asked: Asked) -> list[tuple[int, StoredPing, str]]:
    with picture(connection):
        found = arrived(connection, asked)
        names = _names_of(connection, np.unique(found.n).tolist())
    return found.pings(names)


def _names_of(connection: sqlite3.Connection, numbers: list[int]) -> dict[int, str]:
    sql = "SELECT json_group_array(json_array(n, id)) FROM vehicles WHERE n IN (SELECT value FROM json_each(?))"
    return dict(_names.decode(connection.execute(sql, (msgspec.json.encode(numbers).decode(),)).fetchone()[0]))


def fixes_at(
    connection: sqlite3.Connection, wanted: list[tuple[int, int]]
) -> dict[tuple[int, int], tuple[float, float]]:
    times = [time for _, time in wanted]
    numbers = frozenset(n for n, _ in wanted)
    asked = Asked(min(times), max(times) + 1, numbers=numbers, fixes=frozenset(wanted))
    return arrived(connection, asked).places()


def passed(connection: sqlite3.Connection, box: Box, received_at: int, most: int) -> set[int]:
    west, south, east, north = (round(degrees * 1e7) for degrees in box)
    with picture(connection):
        below = packed.below(connection)
        asked = Asked(came_since=received_at, below=below, apart=False, limit=most)
        parts: list[Array] = []
        for n, c in (piece for piece in packed.pieces(connection, asked) if len(piece.n)):
            parts.append(extents(n, c.lat, c.lat, c.lon, c.lon))
            most -= len(n)
        if most:
            count, some = hot.extents(connection, received_at, below, most)
            parts.append(np.array(some, np.int64).reshape(-1, 5))
            most -= count
        if most:
            asked = Asked(came_since=received_at, after=below - 1, apart=False, limit=most)
            parts += (extents(n, c.lat, c.lat, c.lon, c.lon) for n, c in log.pieces(connection, asked) if len(n))
    return passing(np.concatenate(parts), west, south, east, north)
