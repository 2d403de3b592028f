"""Compaction and keeping: pings of closed quarter hours go from the log into segments, days are thinned or go.

What is packed is read and computed beside the writer, and written in one transaction, in which the border
(`lease.below`) moves: so it may end anywhere, and is begun again. One that wrote all the while would hold back the
numbers of events as long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from tracker.model.columns import Columns, gather
from tracker.stores import RULES, StoredDay, packing
from tracker.stores.arrived import EVER, Arrived, joined
from tracker.stores.logged import RECORD, extras_of
from tracker.stores.packing import DAY_MS, HOUR_MS, QUARTER_MS, Days, Packed, by_day
from tracker.stores.postgres import past

if TYPE_CHECKING:
    from asyncpg import Connection
    from asyncpg import Record as Row

#: rows that become segments together: they are in memory at once, and a commit waits while they are written
SLICE = 1 << 17
MERGED = 1 << 21  #: pings of older parts that are packed again with them at most, or of days made one: packed, 10 MB
TIDIED = 48  #: days made one at once
ERASURES = "SELECT erasures FROM lease"
SEGMENT = "id, n, day, t0, t1, r0, r1, c0, c1, count, lat0, lon0, lat1, lon1, boxes, body, extra, outline"

Day = tuple[int, int]  # n, day
Key = tuple[int, int, int]  # n, day, id
Parts = dict[Day, "list[Row]"]  # what is in its segments


class Change(NamedTuple):
    """These segments in the place of those; and rows of the log below are in segments after it. Of vehicles that were
    erased since then it may tell: it is made anew then."""

    erasures: int
    gone: list[Key]
    fresh: list[Packed]
    below: int | None = None


async def closed(connection: Connection, now: int) -> int:
    """Rows below this one came before the quarter of an hour that lasts, and there will be no others: it is the end of
    the last of them, for one that is under way may have its number between that and the next."""
    return int(
        await connection.fetchval(
            f"""SELECT coalesce(max(first + pings), 1) FROM log WHERE first < coalesce((
                SELECT min(first) FROM log WHERE (r1 >= $1 OR NOT {past.SETTLED})
                    AND first >= (SELECT below FROM lease)), $2)""",
            now // QUARTER_MS * QUARTER_MS, EVER,
        )
    )  # fmt: skip


async def plan(connection: Connection, until: int) -> Change | None:
    """The next rows of the log, packed with the parts of their days that are worth it; None: there are none."""
    border, erasures = await connection.fetchrow("SELECT below, erasures FROM lease")
    if border >= until:
        return None
    rows = await connection.fetch(
        """SELECT first, pings, numbers, body, extra FROM log WHERE first >= $1
            AND first < least($2, (SELECT min(first) FROM log WHERE first >= $1) + $3) ORDER BY first""",
        border, until, SLICE,
    )  # fmt: skip
    fresh = await _of_somebody(connection, await asyncio.to_thread(_by_day, rows))
    parts = await _parts(connection, list(fresh))
    room = MERGED
    chosen: dict[Day, list[int]] = {}
    for day, columns in fresh.items():
        ids, count = packing.worth_it(parts.get(day, []), len(columns))
        if count <= room:
            chosen[day] = ids
            room -= count
    made = await asyncio.to_thread(_pack_all, fresh, await _bodies(connection, chosen))
    end = rows[-1]["first"] + rows[-1]["pings"] if rows else until
    return Change(erasures, _keys(chosen), made, end)


async def loose(connection: Connection, now: int, since: int) -> list[list[Day]]:
    """Days that are over and in several parts, one of which has something that came `since`: those to be made one at
    once."""
    rows = await connection.fetch(
        """SELECT n, day, sum(count)::bigint FROM segments
            JOIN (SELECT DISTINCT n, day FROM segments WHERE day < $1 AND c1 >= $2) AS touched USING (n, day)
            GROUP BY n, day HAVING count(*) > 1 ORDER BY day, n""",
        (now - HOUR_MS) // DAY_MS, since,
    )  # fmt: skip
    together: list[list[Day]] = []
    room = 0
    for n, day, count in rows:
        if not together or count > room or len(together[-1]) == TIDIED:
            together.append([])
            room = MERGED
        together[-1].append((n, day))
        room -= count
    return together


async def tidying(connection: Connection, days: list[Day]) -> Change | None:
    """The parts of these days, made one each; None: there are none any more."""
    chosen = {day: [id for id, _ in parts] for day, parts in (await _parts(connection, days)).items() if len(parts) > 1}
    if not chosen:
        return None
    whole = dict.fromkeys(chosen, Columns.empty())
    made = await asyncio.to_thread(_pack_all, whole, await _bodies(connection, chosen))
    return Change(await connection.fetchval(ERASURES), _keys(chosen), made)


async def _of_somebody(connection: Connection, days: Days) -> Days:
    """Without what a node stored of a vehicle that another one had erased, before it heard of that."""
    sql = "SELECT n FROM vehicles WHERE n = ANY($1::int[]) AND id IS NULL"
    erased = {n for (n,) in await connection.fetch(sql, sorted({n for n, _ in days}))}
    return {day: columns for day, columns in days.items() if day[0] not in erased}


def _by_day(rows: Sequence[Row]) -> Days:
    found = joined(past.log_row(row) for row in rows)
    return by_day(found.take(found.n != 0))


async def _parts(connection: Connection, days: list[Day]) -> dict[Day, list[tuple[int, int]]]:
    """(id, pings) of the segments of each, the smallest first."""
    rows = await connection.fetch(
        """SELECT n, day, id, count FROM segments JOIN unnest($1::int[], $2::int[]) AS asked(n, day) USING (n, day)
            ORDER BY count, id""",
        [n for n, _ in days], [day for _, day in days],
    )  # fmt: skip
    found: dict[Day, list[tuple[int, int]]] = {}
    for n, day, id, count in rows:
        found.setdefault((n, day), []).append((id, count))
    return found


async def _bodies(connection: Connection, chosen: dict[Day, list[int]]) -> Parts:
    found: Parts = {}
    sql = f"SELECT n, day, body, extra FROM segments WHERE {THESE}"
    for row in await connection.fetch(sql, *_lists(_keys(chosen))):
        found.setdefault((row["n"], row["day"]), []).append(row)
    return found


def _keys(chosen: dict[Day, list[int]]) -> list[Key]:
    return [(*day, id) for day, ids in chosen.items() for id in ids]


#: by their key; the day is said by itself, so that only its table is looked at
THESE = """day = ANY($2::int[])
    AND (n, day, id) IN (SELECT * FROM unnest($1::int[], $2::int[], $3::bigint[]))"""


def _lists(keys: list[Key]) -> tuple[list[int], list[int], list[int]]:
    return [n for n, _, _ in keys], [day for _, day, _ in keys], [id for _, _, id in keys]


def _pack_all(fresh: Days, old: Parts) -> list[Packed]:
    """Each unpacked by itself: all of a fleet's day would be gigabytes at once."""
    made = []
    for day, columns in fresh.items():
        whole = gather([*(past.segment(row).columns for row in old.get(day, [])), columns])
        if len(whole):
            made.append(packing.pack(*day, whole))
    return made


# ---------------------------------------------------------------------------------------------- in a transaction


async def write(connection: Connection, change: Change) -> bool:
    """False: it is too old."""
    if await connection.fetchval(ERASURES) != change.erasures:
        return False
    await replace(connection, change.gone, change.fresh)
    if change.below is not None:
        await connection.execute("UPDATE lease SET below = $1", change.below)
        # the newest row stays: numbers go on from it
        below = "first < $1 AND first < (SELECT max(first) FROM log)"
        await connection.execute(f"DELETE FROM log WHERE {below}", change.below)
    return True


async def replace(connection: Connection, gone: list[Key], fresh: list[Packed]) -> None:
    """Segments in the place of others."""
    await connection.execute(f"DELETE FROM segments WHERE {THESE}", *_lists(gone))
    ids = await connection.fetch("SELECT nextval('segment_ids') FROM generate_series(1, $1)", len(fresh))
    await add(connection, [_row(id, one) for (id,), one in zip(ids, fresh, strict=True)])


def _row(id: int, one: Packed) -> tuple[Any, ...]:
    boxes = [[which, *box] for which, box in one.boxes.items()]
    return (id, *one.row[:-1], boxes, one.body, one.extra or None, one.outline)


async def add(connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
    """Rows of SEGMENT."""
    await connection.execute("SELECT make_days($1)", sorted({row[2] for row in rows}))
    await put(connection, "segments", SEGMENT, rows)


async def put(connection: Connection, table: str, columns: str, rows: Sequence[Sequence[Any]]) -> None:
    schema = await connection.fetchval("SELECT current_schema()")
    await connection.copy_records_to_table(table, schema_name=schema, columns=columns.split(", "), records=rows)


# ------------------------------------------------------------------------------------------------ keeping


async def days(connection: Connection) -> list[StoredDay]:
    rows = await connection.fetch(
        """SELECT n, vehicles.id, day, sum(count)::bigint, sum(length(body) + coalesce(length(extra), 0))::bigint,
            EXISTS (SELECT 1 FROM thinned AS t WHERE t.n = segments.n AND t.day = segments.day)
            FROM segments JOIN vehicles USING (n) GROUP BY n, vehicles.id, day"""
    )
    return [StoredDay(n, id or "", day * DAY_MS, pings, size, thin) for n, id, day, pings, size, thin in rows]


async def waiting(connection: Connection) -> int:
    sql = "SELECT coalesce(sum(pings), 0)::bigint FROM log WHERE first >= (SELECT below FROM lease)"
    return int(await connection.fetchval(sql))


async def gone(connection: Connection) -> dict[int, int]:
    """Day (ms) → pings that went: of days that are gone, and of those that were thinned."""
    rows = await connection.fetch(
        """SELECT day, sum(pings)::bigint FROM (SELECT day, pings FROM gone UNION ALL SELECT day, pings FROM thinned)
            AS went GROUP BY day"""
    )
    return {day * DAY_MS: pings for day, pings in rows}


async def thinned(connection: Connection, n: int, day: int, stays: Callable[[Columns], Columns]) -> tuple[Change, int]:
    """What of a day stays, and how many pings go."""
    one = n, day // DAY_MS
    ids = [id for id, _ in (await _parts(connection, [one])).get(one, [])]
    parts = (await _bodies(connection, {one: ids})).get(one, [])

    def packed() -> tuple[list[Packed], int]:
        whole = gather(past.segment(row).columns for row in parts)
        left = stays(whole)
        return [packing.pack(*one, left)] if len(left) else [], len(whole) - len(left)

    fresh, went = await asyncio.to_thread(packed) if parts else ([], 0)
    return Change(await connection.fetchval(ERASURES), _keys({one: ids}), fresh), went


async def thin(connection: Connection, n: int, day: int, change: Change, went: int) -> bool:
    """As `write`, in a transaction."""
    if not await write(connection, change):
        return False
    await connection.execute(
        """INSERT INTO thinned AS t VALUES ($1, $2, $3)
            ON CONFLICT (n, day) DO UPDATE SET pings = t.pings + excluded.pings""", n, day // DAY_MS, went,
    )  # fmt: skip
    return True


async def drop_tables(connection: Connection, asked: list[Day]) -> tuple[int, list[Day]]:
    """Of days (n, day: ms) that are asked for of all who are in them nothing stays but how many pings there were: that,
    and the other days. In a transaction."""
    numbers: dict[int, list[int]] = {}
    for n, day in asked:
        numbers.setdefault(day // DAY_MS, []).append(n)
    went = 0
    left: list[Day] = []
    for day, mine in numbers.items():
        pings = await connection.fetchval("SELECT coalesce(sum(count), 0) FROM segments WHERE day = $1", day)
        if await connection.fetchval("SELECT drop_day($1, $2)", day, mine):
            await _count_for_the_day(connection, "day = $1", day)
            await _add(connection, day, pings)
            went += pings
        else:
            left += [(n, day * DAY_MS) for n in mine]
    for (day,) in await connection.fetch(EMPTY):
        await connection.execute("SELECT drop_day($1, '{}')", day)
    return went, left


#: days whose rows went before their table could
EMPTY = """SELECT day FROM gone WHERE to_regclass(quote_ident(table_of_day(day))) IS NOT NULL
    AND NOT EXISTS (SELECT FROM segments WHERE segments.day = gone.day) LIMIT 3"""


async def drop_days(connection: Connection, asked: Sequence[Day]) -> int:
    """The same row by row."""
    went = 0
    for n, day in asked:
        these = "n = $1 AND day = $2", n, day // DAY_MS
        rows = await connection.fetch("DELETE FROM segments WHERE n = $1 AND day = $2 RETURNING count", *these[1:])
        await _count_for_the_day(connection, *these)
        pings = sum(row["count"] for row in rows)
        await _add(connection, day // DAY_MS, pings)
        went += pings
    return went


async def _count_for_the_day(connection: Connection, where: str, *values: int) -> None:
    """What was thinned away counts for the day alone."""
    for day, pings in await connection.fetch(f"DELETE FROM thinned WHERE {where} RETURNING day, pings", *values):
        await _add(connection, day, pings)


async def _add(connection: Connection, day: int, pings: int) -> None:
    await connection.execute(
        "INSERT INTO gone AS g VALUES ($1, $2) ON CONFLICT (day) DO UPDATE SET pings = g.pings + excluded.pings",
        day, pings,
    )  # fmt: skip


async def rules_known(connection: Connection) -> tuple[list[str], int]:
    known = await connection.fetchval("SELECT value FROM meta WHERE key = $1", RULES)
    return msgspec.json.decode(known, type=tuple[list[str], int]) if known else ([], 0)


async def prune(connection: Connection) -> None:
    """What people did a day ago nobody has to follow any more, unless a part of the fleet has not seen it yet."""
    await connection.execute(
        """DELETE FROM journal WHERE at < now() - interval '1 day' AND place <= (
            SELECT CASE WHEN seen >= lasting THEN head.place ELSE seen END
            FROM head, (SELECT min(place) AS seen FROM marks) AS marked)"""
    )


async def note_rules(connection: Connection, rules: list[str], now: int) -> None:
    await connection.execute(
        "INSERT INTO meta VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        RULES, msgspec.json.encode((rules, now)).decode(),
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------ erasing


async def erase(connection: Connection, numbers: list[int]) -> None:
    """Nothing is left of these vehicles' pings; each row of the log keeps its length and number. In a transaction."""
    rows = await connection.fetch(
        "SELECT first, pings, numbers, body, extra FROM log WHERE numbers && $1::int[] ORDER BY first", numbers
    )
    for row in rows:
        left, body, extra = _without(row, numbers)
        await connection.execute(
            "UPDATE log SET numbers = $2, body = $3, extra = $4 WHERE first = $1", row["first"], left, body, extra
        )
    await connection.execute("DELETE FROM segments WHERE n = ANY($1::int[])", numbers)
    for n in numbers:
        await _count_for_the_day(connection, "n = $1", n)


def _without(row: Row, numbers: list[int]) -> tuple[list[int], bytes, str | None]:
    told: Arrived = past.log_row(row)
    mine = np.isin(told.n, numbers)
    records = np.frombuffer(row["body"], RECORD, offset=1).copy()
    records[mine] = np.zeros(1, RECORD)
    extras = [b"[%d,%b]" % (at, one) for at, one in told.columns.extra.items() if not mine[at]]
    left: list[int] = np.where(mine, 0, told.n).tolist()
    return left, row["body"][:1] + records.tobytes(), extras_of(extras)
