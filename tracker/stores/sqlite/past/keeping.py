"""Keeping: how much there is of each vehicle's day, and taking away what is not to be kept any longer.

What a slice of compaction wrote that came to no end (see compaction.py) does not count: it is in the log still.

A day that was thinned says so in `thinned`, with how many of its pings went; `gone` counts the pings of days that went
altogether, so that it can be told what there once was.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from tracker.model.columns import Columns, gather
from tracker.stores import RULES, StoredDay, packing
from tracker.stores.packing import DAY_MS, Packed
from tracker.stores.sqlite.past import packed
from tracker.stores.sqlite.past.picture import picture

_days = msgspec.json.Decoder(list[tuple[int, str, int, int, int, bool]])
_counts = msgspec.json.Decoder(list[tuple[int, int]])


class Thinned(NamedTuple):
    """A day as it will be: written only while these are its segments."""

    n: int
    day: int
    old: list[int]
    fresh: list[Packed]
    gone: int


def days(connection: sqlite3.Connection) -> list[StoredDay]:
    with picture(connection):
        found = {(one.n, one.day): one for one in _days_of(connection)}
        for id, columns in _unfinished(connection):
            whole = found[id]
            if len(columns) == whole.pings:
                del found[id]
            else:
                found[id] = whole._replace(pings=whole.pings - len(columns))
    return list(found.values())


def _unfinished(
    connection: sqlite3.Connection, where: str = "TRUE", values: Sequence[int] = ()
) -> Iterator[tuple[tuple[int, int], Columns]]:
    """(n, day: ms), and what is in a segment of it and does not count."""
    below = packed.below(connection)
    listed = connection.execute(f"SELECT id FROM segments WHERE r1 >= ? AND {where}", (below, *values)).fetchall()
    if listed:
        ids = msgspec.json.encode([id for (id,) in listed]).decode()
        heads = packed.heads(connection, "id IN (SELECT value FROM json_each(:ids))", {"ids": ids})
        for head, columns in packed.bodies(connection, heads):
            yield (head.n, int(columns.time[0]) // DAY_MS * DAY_MS), columns.take(columns.row >= below)


def _days_of(connection: sqlite3.Connection) -> list[StoredDay]:
    found = connection.execute(
        """SELECT json_group_array(json_array(n, id, day, pings, bytes, json(thin))) FROM (
            SELECT segments.n, vehicles.id, segments.day, sum(count) AS pings,
                sum(length(body) + coalesce(length(extra), 0)) AS bytes,
                iif(EXISTS (SELECT 1 FROM thinned AS t WHERE t.n = segments.n AND t.day = segments.day),
                    'true', 'false') AS thin
            FROM segments CROSS JOIN vehicles ON vehicles.n = segments.n GROUP BY segments.n, segments.day)"""
    ).fetchone()[0]
    return [StoredDay(n, id, day * DAY_MS, pings, size, thin) for n, id, day, pings, size, thin in _days.decode(found)]


def gone(connection: sqlite3.Connection) -> dict[int, int]:
    """Day (ms) → pings that went: of days that are gone, and of those that were thinned."""
    found = connection.execute(
        """SELECT json_group_array(json_array(day, pings)) FROM (SELECT day, sum(pings) AS pings FROM (
            SELECT day, pings FROM gone UNION ALL SELECT day, pings FROM thinned) GROUP BY day)"""
    ).fetchone()[0]
    return {day * DAY_MS: pings for day, pings in _counts.decode(found)}


def waiting(connection: sqlite3.Connection) -> int:
    """Pings that are in no segment yet."""
    (found,) = connection.execute(
        """SELECT coalesce((SELECT sum(count) FROM log WHERE row >= below), 0)
            + (SELECT count(*) FROM hot WHERE row >= below) FROM compacted"""
    ).fetchone()
    return int(found)


def thin(connection: sqlite3.Connection, n: int, day: int, stays: Callable[[Columns], Columns]) -> Thinned:
    """What of a day stays."""
    with picture(connection):
        heads = packed.heads(connection, "n = :n AND day = :day", {"n": n, "day": day // DAY_MS})
        below = packed.below(connection)
        whole = gather(columns.take(columns.row < below) for _, columns in packed.bodies(connection, heads))
    left = stays(whole)
    fresh = [packing.pack(n, day // DAY_MS, left)] if len(left) else []
    return Thinned(n, day // DAY_MS, [head.id for head in heads], fresh, len(whole) - len(left))


def rules_known(connection: sqlite3.Connection) -> tuple[list[str], int]:
    """The rules that were in force last, and since when (ms)."""
    known = connection.execute("SELECT value FROM meta WHERE key = ?", (RULES,)).fetchone()
    return msgspec.json.decode(known[0], type=tuple[list[str], int]) if known else ([], 0)


# ---------------------------------------------------------------------------------------------- in a transaction


def write(connection: sqlite3.Connection, day: Thinned) -> None:
    if not day.old:
        return
    packed.replace(connection, day.old, day.fresh)
    connection.execute(
        """INSERT INTO thinned(n, day, pings) VALUES (?, ?, ?)
            ON CONFLICT(n, day) DO UPDATE SET pings = pings + excluded.pings""",
        (day.n, day.day, day.gone),
    )


def drop(connection: sqlite3.Connection, days: Iterable[tuple[int, int]]) -> int:
    """Of these (n, day: ms) nothing stays but how many pings there were. Answers how many went."""
    went = 0
    for n, day in days:
        heads = packed.heads(connection, "n = :n AND day = :day", {"n": n, "day": day // DAY_MS})
        pings = sum(head.pings for head in heads)
        pings -= sum(len(columns) for _, columns in _unfinished(connection, "n = ? AND day = ?", (n, day // DAY_MS)))
        packed.forget(connection, [head.id for head in heads])
        _count(connection, "n = ? AND day = ?", (n, day // DAY_MS))
        connection.execute(_ADD, (day // DAY_MS, pings))
        went += pings
    return went


def erase(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Of whom what went was is not told any more."""
    for n in numbers:
        _count(connection, "n = ?", (n,))


_ADD = "INSERT INTO gone(day, pings) VALUES (?, ?) ON CONFLICT(day) DO UPDATE SET pings = pings + excluded.pings"


def _count(connection: sqlite3.Connection, where: str, values: tuple[int, ...]) -> None:
    """What was thinned away counts for the day alone."""
    rows = connection.execute(f"DELETE FROM thinned WHERE {where} RETURNING day, pings", values).fetchall()
    connection.executemany(_ADD, rows)


def note_rules(connection: sqlite3.Connection, rules: list[str], now: int) -> None:
    text = msgspec.json.encode((rules, now)).decode()
    connection.execute("INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)", (RULES, text))
