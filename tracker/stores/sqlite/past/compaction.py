"""Compaction: pings of closed quarter hours go from the log into segments, a slice of rows at a time.

A slice is the rows of many minutes, so that what becomes of a vehicle is worth a segment, which costs about the same
however short it is. In memory there are the pings of some vehicles at a time, for whom the rows are read again. A piece
of those is packed beside the writer and written in a short transaction: a commit waits for one of them at most. The
last one says that the rows are in segments now (`compacted.below`), and only then they count there and no more in the
log, from which they are deleted after that. So it may end anywhere: what a slice had written is written again.

A day is in parts while it lasts. A part is packed again with what comes new when that is half as much; the parts of a
day that is over are made one, late ones with the next quarter of an hour.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import chain
from operator import itemgetter
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from tracker.model.columns import Columns, gather
from tracker.stores import packing
from tracker.stores.arrived import Arrived, Asked, joined
from tracker.stores.packing import DAY_MS, HOUR_MS, QUARTER_MS, Days, Packed, by_day
from tracker.stores.sqlite.past import hot, log, packed
from tracker.stores.sqlite.past.picture import picture

INCREMENTAL = 2  #: auto_vacuum: free pages can be given back some at a time
SLICE = 1 << 23  #: rows that become segments together
AT_ONCE = 1 << 18  #: pings of them in memory, 15 MB and copies of some: fewer, and the rows are read more often
PIECE = 48  #: segments in one transaction
PIECE_ROWS = 1 << 16  #: about 256 kB packed; a day more may come to them
DROPPED = 1 << 12  #: rows deleted in one transaction
FREED = 256  #: pages given back in one
KEPT = 256  #: free pages that stay for what comes next

_parts = msgspec.json.Decoder(list[tuple[int, int, int, int]])

Counts = npt.NDArray[np.int64]  # of each vehicle, by its number
Parts = dict[tuple[int, int], list[int]]  # (n, day) → its segments


class Portion(NamedTuple):
    """What becomes a piece: these fixes, and of those segments what came before row `first`."""

    fresh: Days
    old: Parts
    first: int


class Piece(NamedTuple):
    """What one transaction writes: these segments in the place of those."""

    gone: list[int]
    fresh: list[Packed]


class Slice(NamedTuple):
    first: int
    below: int  # rows that are in segments after it
    groups: list[frozenset[int]]  # vehicles whose pings are in memory together


def closed(connection: sqlite3.Connection, now: int) -> int:
    """Rows below this one came before the quarter of an hour that lasts."""
    first = "SELECT row FROM log WHERE r1 >= ? AND row + count > (SELECT below FROM compacted) ORDER BY row LIMIT 1"
    found = connection.execute(first, (now // QUARTER_MS * QUARTER_MS,)).fetchone()
    return int(found[0]) if found else log.last_row(connection) + 1


def plan(connection: sqlite3.Connection, until: int) -> Slice | None:
    """The next rows to pack, all of them below `until`; None when there are no more."""
    with picture(connection):
        first = packed.below(connection)
        if first >= until:
            return None
        counts, end = _counted(connection, Asked(after=first - 1, below=min(until, first + SLICE)))
    return Slice(first, end, _groups(counts))


def portions(connection: sqlite3.Connection, part: Slice, group: frozenset[int]) -> list[Portion]:
    """Of what came of these."""
    with picture(connection):
        asked = Asked(after=part.first - 1, below=part.below, numbers=group)
        fresh = by_day(joined(_pieces(connection, asked)))
        return _portions(fresh, *_worth_it(connection, fresh, part.first), part.first)


def tidying(connection: sqlite3.Connection, now: int) -> list[Portion]:
    """Some days that are over, whose parts are to be one each."""
    over = "SELECT n, day FROM segments WHERE day < ? GROUP BY n, day HAVING count(*) > 1 LIMIT ?"
    with picture(connection):
        days = connection.execute(over, ((now - HOUR_MS) // DAY_MS, PIECE)).fetchall()
        parts = {day: packed.heads(connection, "n = :n AND day = :day", {"n": day[0], "day": day[1]}) for day in days}
        old = {day: [head.id for head in heads] for day, heads in parts.items()}
        held = {day: sum(head.pings for head in heads) for day, heads in parts.items()}
        return _portions(dict.fromkeys(days, Columns.empty()), old, held, packed.below(connection))


def pack(connection: sqlite3.Connection, portion: Portion) -> Piece:
    """Read and packed one after the other: of a whole fleet's day that would be gigabytes at once. A segment that is
    gone was erased with its vehicle since the plan was made: nothing of this will be written."""
    fresh, old, first = portion
    gone = [id for ids in old.values() for id in ids]
    with picture(connection):
        listed = {"ids": msgspec.json.encode(gone).decode()}
        heads = packed.heads(connection, "id IN (SELECT value FROM json_each(:ids))", listed)
        held = {head.id: columns.take(columns.row < first) for head, columns in packed.bodies(connection, heads)}
    whole = {day: gather([*(held[id] for id in old[day] if id in held), columns]) for day, columns in fresh.items()}
    return Piece(gone, [packing.pack(*day, columns) for day, columns in whole.items() if len(columns)])


def _pieces(connection: sqlite3.Connection, asked: Asked) -> Iterator[Arrived]:
    return chain(hot.pieces(connection, asked), log.pieces(connection, asked))


def _counted(connection: sqlite3.Connection, asked: Asked) -> tuple[Counts, int]:
    """How many pings there are of each vehicle, and before which row: one alone has no more than can be in memory."""
    counts: Counts = np.zeros(0, np.int64)
    for n, columns in _pieces(connection, asked):
        more = np.bincount(n, minlength=len(counts))
        more[: len(counts)] += counts
        counts = more
        if counts.max(initial=0) >= AT_ONCE:
            return counts, int(columns.row[-1]) + 1
    return counts, asked.below


def _groups(counts: Counts) -> list[frozenset[int]]:
    known = np.flatnonzero(counts)
    which = np.cumsum(counts[known]) // AT_ONCE
    return [frozenset(group.tolist()) for group in np.split(known, np.flatnonzero(np.diff(which)) + 1) if len(group)]


def _worth_it(connection: sqlite3.Connection, fresh: Days, first: int) -> tuple[Parts, dict[tuple[int, int], int]]:
    """The parts of each day that are packed again with what is new (the smallest, and what was left by a slice that
    came to no end), and how many fixes that makes."""
    found = connection.execute(
        """SELECT json_group_array(json_array(n, day, iif(r1 >= ?2, 0, count), segments.id)) FROM json_each(?1)
            CROSS JOIN segments ON n = value ->> 0 AND day = value ->> 1""",
        (msgspec.json.encode(list(fresh)).decode(), first),
    ).fetchone()[0]
    parts: dict[tuple[int, int], list[tuple[int, int]]] = {day: [] for day in fresh}
    for n, day, count, id in sorted(_parts.decode(found), key=itemgetter(2)):
        parts[n, day].append((id, count))
    chosen: Parts = {}
    held: dict[tuple[int, int], int] = {}
    for one, columns in fresh.items():
        chosen[one], more = packing.worth_it(parts[one], len(columns))
        held[one] = len(columns) + more
    return chosen, held


def _portions(fresh: Days, old: Parts, held: dict[tuple[int, int], int], first: int) -> list[Portion]:
    portions: list[Portion] = []
    size = 0
    for day, columns in fresh.items():
        if not portions or size > PIECE_ROWS or len(portions[-1].fresh) == PIECE:
            portions.append(Portion({}, {}, first))
            size = 0
        portions[-1].fresh[day], portions[-1].old[day] = columns, old[day]
        size += held[day]
    return portions


# ---------------------------------------------------------------------------------------------- in a transaction


def write(connection: sqlite3.Connection, piece: Piece) -> None:
    packed.replace(connection, piece.gone, piece.fresh)


def move(connection: sqlite3.Connection, below: int) -> None:
    """From here on the rows below count in segments, and no more in the log."""
    connection.execute("UPDATE compacted SET below = ?", (below,))


def drop(connection: sqlite3.Connection) -> bool:
    """Delete some rows that are in segments; were there any? The newest row of the log stays: numbers go on from it."""
    below = packed.below(connection)
    (first,) = connection.execute("SELECT min(row) FROM hot").fetchone()
    if first is not None and first < below:
        hot.drop(connection, min(below, first + DROPPED))
        return True
    (newest,) = connection.execute("SELECT max(row) FROM log").fetchone()
    below = min(below, newest or 0)
    some = "SELECT row + count FROM log WHERE row < ?1 ORDER BY row LIMIT 1 OFFSET ?2"
    if connection.execute(some, (below, 0)).fetchone() is None:
        return False
    end = connection.execute(some, (below, DROPPED // 16)).fetchone()
    log.drop(connection, min(below, end[0]) if end else below)
    return True


def give_back(connection: sqlite3.Connection) -> bool:
    """Free pages go back to the disk, some at a time, where the file is one that can; were there any?"""
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    if free <= KEPT or connection.execute("PRAGMA auto_vacuum").fetchone()[0] != INCREMENTAL:
        return False
    connection.executescript(f"PRAGMA incremental_vacuum({min(FREED, free - KEPT)})")  # `execute` ends after a page
    return True
