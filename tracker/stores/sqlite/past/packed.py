"""Pings that were compacted: a row of `segments` is some of one vehicle and day, `boxes` says where it was and when,
its row of `outlines` the same more finely.

What counts of a segment are its rows below `compacted.below`: what is above is still in the log (see compaction.py).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np

from tracker.model.columns import Columns
from tracker.model.commit import APART
from tracker.stores.arrived import EVER, Arrived, Asked, in_order, joined
from tracker.stores.packing import DAY_MS, HOURS, Packed
from tracker.stores.segments import decode, decode_extra

PAGE_BYTES = 4 << 20  #: of segments fetched at once
WINDOW = 1 << 16  #: rows looked for at once, where only some are asked for
HELD = 1 << 19  #: rows kept meanwhile of segments that reach on, 32 MB: what is more is read again

_heads = msgspec.json.Decoder(list[tuple[int, int, int, int, int, int]])
_lengths = msgspec.json.Decoder(list[tuple[int, int, int]])
_encode = msgspec.json.encode


class Head(NamedTuple):
    """A segment, without its body."""

    id: int
    n: int
    r0: int
    r1: int
    pings: int
    size: int


def below(connection: sqlite3.Connection) -> int:
    """Rows under this one are in segments, those from it on in the log."""
    return int(connection.execute("SELECT below FROM compacted").fetchone()[0])


# ------------------------------------------------------------------------------------------------ reading


def read(connection: sqlite3.Connection, asked: Asked) -> Arrived:
    """In the order they came. `asked.below` is no more than `below` says."""
    return joined(pieces(connection, asked))


def pieces(connection: sqlite3.Connection, asked: Asked) -> Iterator[Arrived]:
    """The same a window of rows at a time, where a limit is set: for a few of many days those need not all be read."""
    heads = _found(connection, asked)
    if not heads:
        return
    left, end = asked.limit, min(asked.below, max(head.r1 for head in heads) + 1)
    if sum(head.pings for head in heads) <= max(left, WINDOW):
        found = in_order(part for _, part in _segments(connection, heads, asked))
        yield found.take(slice(left)) if len(found.n) > left else found
        return
    first = max(asked.after + 1, min(head.r0 for head in heads))
    window = max(WINDOW, 2 * min(left, WINDOW * 8))
    held: dict[int, Arrived] = {}  # id → what comes later of a segment that was read
    while left and first < end:
        below = min(first + window, end)
        some = {head.id: held.pop(head.id) for head in heads if head.id in held}
        fresh = [head for head in heads if head.r0 < below and head.id not in some]
        some |= {head.id: part for head, part in _segments(connection, fresh, asked._replace(after=first - 1))}
        now: list[Arrived] = []
        room = HELD
        for id, part in some.items():
            comes = part.columns.row < below
            now.append(part.take(comes))
            room -= len(part.n)
            if room >= 0:
                held[id] = part.take(~comes)
        found = in_order(now)
        if len(found.n) > left:
            found = found.take(slice(left))
        yield found
        left -= len(found.n)
        heads = [head for head in heads if (len(held[head.id].n) if head.id in held else head.r1 >= below)]
        first = max(below, min((_next(head, held.get(head.id)) for head in heads), default=end))


def _next(head: Head, rest: Arrived | None) -> int:
    return head.r0 if rest is None else int(rest.columns.row.min())


def end_of(connection: sqlite3.Connection, n: int, since: int, until: int, days: int) -> int:
    """When so many of the days are over that there are of a vehicle from then on; `until` when there are no more."""
    found = connection.execute(
        "SELECT DISTINCT day FROM segments WHERE n = ? AND day >= ? ORDER BY day LIMIT 1 OFFSET ?",
        (n, since // DAY_MS, days - 1),
    ).fetchone()
    return until if found is None else min(until, (int(found[0]) + 1) * DAY_MS)


def columns_of(connection: sqlite3.Connection, n: int, since: int, until: int) -> Columns:
    """All of one vehicle."""
    return read(connection, Asked(since, until, below=below(connection), numbers=frozenset((n,)))).columns


def _found(connection: sqlite3.Connection, asked: Asked) -> list[Head]:
    """Those that may hold some of it, found by whose and which days they are, or by when they came."""
    values: dict[str, Any] = {**asked._asdict(), "numbers": None, "fixes": None}
    values |= {"first": asked.since // DAY_MS, "last": (asked.until - 1) // DAY_MS}
    where = "day BETWEEN :first AND :last AND +c1 >= :came_since"
    if asked.fixes is not None:
        places = "json_each(:days) CROSS JOIN segments ON n = value ->> 0 AND day = value ->> 1"
        values["days"] = _encode(sorted({(n, time // DAY_MS) for n, time in asked.fixes})).decode()
    elif asked.numbers is not None:
        places = "json_each(:numbers) CROSS JOIN segments ON n = value"
        values["numbers"] = _encode(sorted(asked.numbers)).decode()
    elif (asked.since, asked.until) != (-EVER, EVER):
        places = "vehicles CROSS JOIN segments USING (n)"
    else:
        places, where = "segments", "c1 >= :came_since"
    spans = "r1 > :after AND r0 < :below AND t1 >= :since AND t0 < :until AND c0 < :came_until"
    return heads(connection, f"{where} AND {spans}", values, places)


def heads(connection: sqlite3.Connection, where: str, values: dict[str, Any], places: str = "segments") -> list[Head]:
    row = "json_array(segments.id, n, r0, r1, count, length(body) + coalesce(length(extra), 0))"
    found = connection.execute(f"SELECT json_group_array({row}) FROM {places} WHERE {where}", values).fetchone()[0]
    return [Head(*one) for one in _heads.decode(found)]


def _segments(connection: sqlite3.Connection, heads: Iterable[Head], asked: Asked) -> Iterator[tuple[Head, Arrived]]:
    for head, columns in bodies(connection, heads):
        yield head, _chosen(Arrived(np.full(len(columns), head.n, np.int64), columns), asked)


def bodies(connection: sqlite3.Connection, heads: Iterable[Head]) -> Iterator[tuple[Head, Columns]]:
    """As hex in one value: a row at a time would ask for the GIL as often, JSON carries no bytes."""
    page: dict[int, Head] = {}
    size = 0
    for head in heads:
        page[head.id] = head
        size += head.size
        if size >= PAGE_BYTES:
            yield from _page(connection, page)
            page, size = {}, 0
    if page:
        yield from _page(connection, page)


def _page(connection: sqlite3.Connection, heads: dict[int, Head]) -> Iterator[tuple[Head, Columns]]:
    told, bodies, extras = connection.execute(
        """SELECT json_group_array(json_array(id, length(body), coalesce(length(extra), 0))),
            group_concat(hex(body), ''), group_concat(hex(extra), '')
            FROM (SELECT id, body, extra FROM segments WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id)""",
        (_encode(sorted(heads)).decode(),),
    ).fetchone()
    body, extra = bytes.fromhex(bodies or ""), bytes.fromhex(extras or "")
    at = beside = 0
    for id, length, more in _lengths.decode(told):
        columns = decode(body[at : at + length])
        columns.extra = decode_extra(extra[beside : beside + more] or None)
        at, beside = at + length, beside + more
        yield heads[id], columns


def _chosen(arrived: Arrived, asked: Asked) -> Arrived:
    """Exactly those that are asked for."""
    n, columns = arrived
    wanted = (columns.row > asked.after) & (columns.row < asked.below)
    wanted &= (columns.time >= asked.since) & (columns.time < asked.until)
    wanted &= (columns.received >= asked.came_since) & (columns.received < asked.came_until)
    if not asked.apart:
        wanted &= columns.taken != APART
    if asked.fixes is not None and len(n):
        times = np.fromiter((time for one, time in asked.fixes if one == n[0]), np.int64)
        wanted &= np.isin(columns.time, times)
    return arrived if wanted.all() else arrived.take(wanted)


# ------------------------------------------------------------------------------------------------ in a transaction


def replace(connection: sqlite3.Connection, gone: Iterable[int], fresh: Iterable[Packed]) -> None:
    """Segments in the place of others, with their boxes."""
    forget(connection, gone)
    (newest,) = connection.execute("SELECT coalesce(max(id), 0) FROM segments").fetchone()
    rows, bodies, extras, boxes, outlines, lines = [], [], [], [], [], []
    at = beside = line = 1
    for id, one in enumerate(fresh, newest + 1):
        rows.append((id, *one.row, at, len(one.body), beside, len(one.extra)))
        bodies.append(one.body)
        extras.append(one.extra)
        at, beside = at + len(one.body), beside + len(one.extra)
        boxes += [(id << HOURS | which, *box) for which, box in one.boxes.items()]
        outlines.append((id, line, len(one.outline)))
        lines.append(one.outline)
        line += len(one.outline)
    values = ", ".join(f"value ->> {place}" for place in range(15))
    connection.execute(
        f"""INSERT INTO segments SELECT {values}, substr(?2, value ->> 15, value ->> 16),
            iif(value ->> 18, substr(?3, value ->> 17, value ->> 18), NULL) FROM json_each(?1)""",
        (_encode(rows).decode(), b"".join(bodies), b"".join(extras)),
    )
    values = ", ".join(f"value ->> {place}" for place in range(7))
    connection.execute(f"INSERT INTO boxes SELECT {values} FROM json_each(?)", (_encode(boxes).decode(),))
    connection.execute(
        "INSERT INTO outlines SELECT value ->> 0, substr(?2, value ->> 1, value ->> 2) FROM json_each(?1)",
        (_encode(outlines).decode(), b"".join(lines)),
    )


def forget(connection: sqlite3.Connection, ids: Iterable[int]) -> None:
    listed = _encode(sorted(ids)).decode()
    connection.execute(
        f"""WITH RECURSIVE which(at) AS (VALUES (0) UNION ALL SELECT at + 1 FROM which WHERE at < 63)
        DELETE FROM boxes WHERE id IN (SELECT segments.id << {HOURS} | at FROM json_each(?) CROSS JOIN segments
            ON segments.id = value CROSS JOIN which WHERE boxes >> at & 1)""",
        (listed,),
    )
    for table in ("outlines", "segments"):
        connection.execute(f"DELETE FROM {table} WHERE id IN (SELECT value FROM json_each(?))", (listed,))


def erase(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    listed = _encode(sorted(numbers)).decode()
    mine = "SELECT id FROM segments WHERE n IN (SELECT value FROM json_each(?))"
    forget(connection, [id for (id,) in connection.execute(mine, (listed,))])
