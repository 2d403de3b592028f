"""Questions about the past: what was compacted comes first, then the log: one order of arrival.

A statement finds the rows that may hold some of what is asked, a thread unpacks them and takes exactly that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from tracker.model.columns import SILENT_MS, Columns, Heard, Part, Tracks
from tracker.model.commit import StoredPing
from tracker.model.outline import Spells
from tracker.stores import Box
from tracker.stores.arrived import EVER, Arrived, Asked, chosen, extents, in_order, joined, passing
from tracker.stores.logged import CODEC, RECORD, columns_of, extras_in
from tracker.stores.packing import DAY_MS, MINUTE_MS
from tracker.stores.segments import decode, decode_extra

if TYPE_CHECKING:
    from asyncpg import Connection
    from asyncpg import Record as Row

WINDOW = 1 << 16  #: rows looked for at once, where only some are asked for
LIST = 1 << 9  #: rows of the log read at once
LAST = (1 << 31) - 1  #: day that the database can say
#: Rows of the log that none will come before any more: where several nodes write, one that is under way has its number.
SETTLED = "((SELECT partitions FROM lease) = 0 OR xid < pg_snapshot_xmin(pg_current_snapshot()))"
TRACK_DAYS = 1  #: read first for a page of a track; four times as many each time they hold too few


async def below(connection: Connection) -> int:
    """Rows of the log under this one are in segments."""
    return int(await connection.fetchval("SELECT below FROM lease"))


async def arrived(connection: Connection, asked: Asked, *, settled: bool = False) -> Arrived:
    """Within a transaction that sees one moment. `settled`: nothing will come before any of it."""
    border = await below(connection)
    packed = asked._replace(below=min(asked.below, border))
    later = asked._replace(after=max(asked.after, border - 1))
    parts: list[Arrived] = []
    left = asked.limit
    for place in (_packed(connection, packed), _logged(connection, later, settled)):
        async with aclosing(place):
            async for piece in place:
                parts.append(piece)
                left -= len(piece.n)
                if left <= 0:
                    break
    found = await asyncio.to_thread(joined, parts)
    return found.take(slice(asked.limit)) if left < 0 else found


# ------------------------------------------------------------------------------------------------ where it may be


async def _packed(connection: Connection, asked: Asked) -> AsyncGenerator[Arrived, None]:
    """A window of rows at a time, where a limit is set: for a few of many days those need not all be read."""
    where, values = _segments(asked)
    sql = f"SELECT id, n, body, extra FROM segments WHERE {where} ORDER BY id"
    if asked.limit == EVER:
        yield await asyncio.to_thread(_unpacked, await connection.fetch(sql, *values), asked)
        return
    nearest = f"SELECT min(greatest(r0, $1 + 1)) FROM segments WHERE {where}"
    window = max(WINDOW, min(2 * asked.limit, 8 * WINDOW))
    while (first := await connection.fetchval(nearest, *values)) is not None:
        some = asked._replace(after=first - 1, below=min(asked.below, first + window))
        yield await asyncio.to_thread(_unpacked, await connection.fetch(sql, *_segments(some)[1]), some)
        values[0] = some.below - 1


def _unpacked(rows: Sequence[Row], asked: Asked) -> Arrived:
    return in_order(chosen(segment(row), asked) for row in rows)


def _segments(asked: Asked) -> tuple[str, list[Any]]:
    """Which may hold some of it; the first value is the row after which it begins."""
    tests = ["r1 > $1 AND r0 < $2 AND t1 >= $3 AND t0 < $4 AND c1 >= $5 AND c0 < $6 AND day BETWEEN $7 AND $8"]
    values: list[Any] = [asked.after, asked.below, asked.since, asked.until, asked.came_since, asked.came_until]
    values += days_of(asked.since, asked.until)
    if asked.numbers is not None:
        tests.append(f"n = ANY(${len(values) + 1}::int[])")
        values.append(list(asked.numbers))
    if asked.fixes is not None:
        days = sorted({(n, time // DAY_MS) for n, time in asked.fixes})
        tests.append(f"(n, day) IN (SELECT * FROM unnest(${len(values) + 1}::int[], ${len(values) + 2}::int[]))")
        values += [[n for n, _ in days], [day for _, day in days]]
    return " AND ".join(tests), values


def days_of(since: int, until: int) -> tuple[int, int]:
    """The first and the last of them, as the database counts."""
    return max(since // DAY_MS, -LAST), min((until - 1) // DAY_MS, LAST)


async def _logged(connection: Connection, asked: Asked, settled: bool) -> AsyncGenerator[Arrived, None]:
    """Some rows at a time, where a limit is set: a page needs few of those that there may be."""
    tests = ["first >= coalesce((SELECT max(first) FROM log WHERE first <= $1), 0) AND first < $2"]
    tests.append("t1 >= $3 AND t0 < $4 AND r1 >= $5 AND r0 < $6")
    if settled:
        tests.append(SETTLED)
    values: list[Any] = [asked.after + 1, asked.below]
    values += [asked.since, asked.until, asked.came_since, asked.came_until]
    if asked.numbers is not None:
        tests.append(f"numbers && ${len(values) + 1}::int[]")
        values.append(list(asked.numbers))
    sql = f"SELECT first, pings, numbers, body, extra FROM log WHERE {' AND '.join(tests)} ORDER BY first"
    cursor = await connection.cursor(sql, *values)
    while rows := await cursor.fetch(LIST):
        yield await asyncio.to_thread(lambda rows: joined(chosen(log_row(row), asked) for row in rows), rows)


# ------------------------------------------------------------------------------------------------ what is in it


def segment(row: Row) -> Arrived:
    columns = decode(row["body"])
    columns.extra = decode_extra(row["extra"])
    return Arrived(np.full(len(columns), row["n"], np.int64), columns)


def log_row(row: Row) -> Arrived:
    n, body, first = np.array(row["numbers"], np.int64), row["body"], row["first"]
    records = np.frombuffer(body, RECORD, offset=1)
    if body[:1] != CODEC or len(n) != len(records):
        raise msgspec.MsgspecError(f"row {first} of the log is not as it was written")
    return Arrived(n, columns_of(np.arange(first, first + len(n)), records, dict(extras_in(row["extra"]))))


# ------------------------------------------------------------------------------------------------ the questions


async def columns(connection: Connection, n: int, since: int, until: int) -> Columns:
    found = await arrived(connection, Asked(since, until, numbers=frozenset((n,))))
    return found.columns.in_order().once()


async def track(
    connection: Connection, n: int, since: int, until: int, after: int | None, limit: int
) -> list[StoredPing]:
    begin, days = since if after is None else max(since, after + 1), TRACK_DAYS
    while True:
        end = await _end_of(connection, n, begin, until, days)
        found = (await columns(connection, n, begin, end)).take(slice(limit))
        if len(found) == limit or end == until:
            break
        days *= 4
    names = await names_of(connection, [n])
    return found.pings(names.get(n, ""), n)


async def _end_of(connection: Connection, n: int, since: int, until: int, days: int) -> int:
    """When so many of the days are over that there are of a vehicle from then on; `until` when there are no more."""
    sql = "SELECT DISTINCT day FROM segments WHERE n = $1 AND day >= $2 ORDER BY day LIMIT 1 OFFSET $3"
    day = await connection.fetchval(sql, n, since // DAY_MS, days - 1)
    return until if day is None else min(until, (int(day) + 1) * DAY_MS)


async def named(connection: Connection, asked: Asked) -> list[tuple[int, StoredPing, str]]:
    """A page: the next one begins after its last row."""
    found = await arrived(connection, asked, settled=True)
    return found.pings(await names_of(connection, np.unique(found.n).tolist()))


async def names_of(connection: Connection, numbers: list[int]) -> dict[int, str]:
    sql = "SELECT n, id FROM vehicles WHERE n = ANY($1::int[]) AND id IS NOT NULL"
    return dict(await connection.fetch(sql, numbers))


async def fixes_at(connection: Connection, wanted: list[tuple[int, int]]) -> dict[tuple[int, int], tuple[float, float]]:
    times, numbers = [time for _, time in wanted], frozenset(n for n, _ in wanted)
    asked = Asked(min(times), max(times) + 1, numbers=numbers, fixes=frozenset(wanted))
    return await asyncio.to_thread((await arrived(connection, asked)).places)


async def heard(connection: Connection, numbers: Sequence[int], since: int, until: int) -> list[Heard]:
    found = await arrived(connection, Asked(since, until, numbers=frozenset(numbers), apart=False))
    each = await asyncio.to_thread(found.of_each)
    return [Heard.from_columns(each.get(n, Columns.empty())) for n in numbers]


async def passed(connection: Connection, box: Box, received_at: int, most: int) -> set[int]:
    sides = [round(degrees * 1e7) for degrees in box]
    n, c = await arrived(connection, Asked(came_since=received_at, apart=False, limit=most))
    return await asyncio.to_thread(lambda: passing(extents(n, c.lat, c.lat, c.lon, c.lon), *sides) if len(n) else set())


async def tracks(connection: Connection, numbers: Sequence[int], since: int, until: int) -> Tracks:
    asked = Asked(since - SILENT_MS, until, numbers=frozenset(numbers))
    return await asyncio.to_thread(_tracks, await arrived(connection, asked), numbers)


def _tracks(found: Arrived, numbers: Sequence[int]) -> Tracks:
    each = found.of_each()
    parts: list[Part] = []
    for which, n in enumerate(numbers):
        if n in each:
            mine = each[n].in_order().once()
            parts.append(Part.stored(which, mine.time, mine.taken, mine.lat, mine.lon))
    return Tracks.joined(len(numbers), parts)


def spells(tracks: Tracks, since: int, silent_ms: int) -> Spells:
    fixes = tracks.kept(tracks.time >= since)
    lat, lon = fixes.lat.astype(np.int64), fixes.lon.astype(np.int64)
    if not len(fixes.time):
        return Spells(*[np.empty(0, np.int64)] * 6)
    return Spells.between(fixes.which(), fixes.time, lat, lon, silent_ms)


async def near(connection: Connection, boxes: list[Box], since: int, until: int) -> dict[int, list[tuple[int, int]]]:
    """By the boxes of segments, and of the log by all that a vehicle told."""
    border = await below(connection)
    spans: dict[int, list[tuple[int, int]]] = {}
    sides = [[round(box[side] * 1e7) for box in boxes] for side in range(4)]
    rows = await connection.fetch(
        """SELECT DISTINCT n, greatest(t0, box.since * 60000), least(t1, box.until * 60000 + 59999)
            FROM segments, generate_subscripts(boxes, 1) AS at, LATERAL (SELECT boxes[at][2] AS west,
                boxes[at][3] AS east, boxes[at][4] AS south, boxes[at][5] AS north, boxes[at][6]::bigint AS since,
                boxes[at][7]::bigint AS until) AS box
            JOIN unnest($1::int[], $2::int[], $3::int[], $4::int[]) AS asked(west, south, east, north)
                ON box.west <= asked.east AND box.east >= asked.west
                AND box.south <= asked.north AND box.north >= asked.south
            WHERE box.until >= $5 AND box.since <= $6 AND r0 < $7 AND day BETWEEN $8 AND $9""",
        *sides, (since - 300_000) // MINUTE_MS, until // MINUTE_MS + 5, border,
        *days_of(since - 300_000, until + 300_000),
    )  # fmt: skip
    for n, begin, end in rows:
        spans.setdefault(n, []).append((begin, end))
    asked = Asked(since - 300_000, until + 300_000, after=border - 1, apart=False)
    found = await arrived(connection, asked)
    for n, told in (await asyncio.to_thread(found.of_each)).items():
        spans.setdefault(n, []).append((int(told.time.min()), int(told.time.max())))
    return {n: merged for n, some_spans in spans.items() if (merged := _apart(some_spans, since, until))}


def _apart(spans: Iterable[tuple[int, int]], since: int, until: int) -> list[tuple[int, int]]:
    """Ascending, and apart: within the span that is asked for, from where a line may begin to where it may end."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted((max(begin - 300_000, since), min(end + 300_000, until - 1)) for begin, end in spans):
        if end < begin:
            continue
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((begin, end))
    return found
