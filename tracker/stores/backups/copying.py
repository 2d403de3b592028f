"""Between a schema and one file of the embedded store: a backup is such a file, so it can be put back into either.

Rows are carried over as they are: the log and the segments are the same bytes in both. One moment of the schema is
copied, in pages; into an empty one, in one transaction.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from tracker.errors import Invalid, StoreError, StoreLocked
from tracker.model.columns import TYPES
from tracker.model.events import Event
from tracker.model.records import ENDED_BY_RESTORE
from tracker.stores.arrived import Arrived, Asked
from tracker.stores.logged import CODEC, NUMBER, RECORD, extras_of
from tracker.stores.packing import HOURS
from tracker.stores.postgres import reads
from tracker.stores.postgres.faults import meaning
from tracker.stores.postgres.packing import SEGMENT, add, put
from tracker.stores.postgres.schema import migrate, nodes_of, version_of
from tracker.stores.postgres.store import connect, take_lock
from tracker.stores.postgres.url import Place, quoted
from tracker.stores.sqlite import happened, states
from tracker.stores.sqlite.files import copy, examine, sync
from tracker.stores.sqlite.past import hot
from tracker.stores.sqlite.schema import MIGRATIONS, check, create
from tracker.stores.sqlite.schema import connect as connect_file
from tracker.stores.sqlite.schema import migrate as migrate_file

if TYPE_CHECKING:
    from asyncpg import Connection
    from asyncpg import Record as Row

PAGE = 250  #: rows carried over at once: a body may be a few hundred kilobytes
HOT = 1 << 12  #: pings of a row of the log that is made of what 0.1.0 stored


class Table(NamedTuple):
    """The same columns on both sides, in the order of a key."""

    name: str
    columns: str
    key: str


TABLES = (
    Table("registered", "vehicle, body", "vehicle"),
    Table("regions", "id, version, updated_at, feature", "id, version"),
    Table("meta", "key, value", "key"),
    Table("records", "kind, key, version, body", "kind, key, version"),
    Table("audit", "seq, at, who, address, what, target, before, after", "seq"),
    Table("thinned", "n, day, pings", "n, day"),
    Table("gone", "day, pings", "day"),
)
#: from which on each sequence goes on
LAST = (
    ("audit_seq_seq", "seq", "audit"),
    ("segment_ids", "id", "segments"),
    ("log_rows", "row", "(SELECT first + pings - 1 AS row FROM log UNION ALL SELECT below - 1 FROM lease) AS told"),
)
#: in their order; what is durable only gets its number where it is put
EVENTS = (
    f"SELECT {reads.EVENT} FROM events WHERE seq IS NOT NULL ORDER BY seq",
    """SELECT (SELECT coalesce(max(seq), 0) FROM events) + row_number() OVER (ORDER BY xid, place) AS seq,
        body, acked_by, acked FROM events WHERE seq IS NULL ORDER BY 1""",
)


# ------------------------------------------------------------------------------------------------ into a file


async def to_file(place: Place, file: str) -> None:
    """`file` appears when it is whole. Raises Invalid where there is nothing, StoreError."""
    target = Path(file)
    part = target.with_name(target.name + ".part")
    try:
        connection = await connect(place)
        try:
            if await version_of(connection, place) is None:
                raise Invalid("no_data", f"There is no data in {place}: nothing to back up.")
            await asyncio.to_thread(part.unlink, missing_ok=True)
            made = await asyncio.to_thread(_new_file, part)
            with closing(made):
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    await _fill_file(connection, made)
        finally:
            await connection.close()
        await asyncio.to_thread(_put_in_place, part, target)
    except Invalid:
        raise
    except Exception as error:
        raise meaning(error, place) from error
    finally:
        await asyncio.to_thread(part.unlink, missing_ok=True)


def _new_file(path: Path) -> sqlite3.Connection:
    create(path)
    connection = connect_file(path, write=True)
    migrate_file(connection, path)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("BEGIN")
    return connection


def _put_in_place(part: Path, target: Path) -> None:
    sync(part)
    os.replace(part, target)
    sync(target.parent)


async def _fill_file(source: Connection, target: sqlite3.Connection) -> None:
    def fill(table: str, count: int, rows: Sequence[Sequence[Any]]) -> None:
        target.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * count)})", rows)

    for table in TABLES:
        columns = table.columns.split(", ")
        sql = f"INSERT INTO {table.name}({table.columns}) VALUES ({', '.join('?' * len(columns))})"
        async for rows in _pages(source, f"SELECT {table.columns} FROM {table.name} ORDER BY {table.key}"):
            await asyncio.to_thread(target.executemany, sql, [tuple(row) for row in rows])
    async for rows in _pages(source, "SELECT n, id, state FROM vehicles ORDER BY n"):
        fill("vehicles", 3, [(n, f"\0{n}" if id is None else id, state) for n, id, state in rows])
    for sql in EVENTS:
        async for rows in _pages(source, sql):
            told = [(row["seq"], msgspec.json.encode(reads.event_of(*row)).decode(), row["acked"]) for row in rows]
            await asyncio.to_thread(target.executemany, "INSERT INTO events(seq, body, acked) VALUES (?, ?, ?)", told)
    log = "SELECT first, pings, r0, r1, t0, t1, numbers, body, extra FROM log ORDER BY first"
    async for rows in _pages(source, log):
        fill("log", 9, [(*row[:6], np.array(row[6], NUMBER).tobytes(), *row[7:]) for row in map(tuple, rows)])
    async for rows in _pages(source, f"SELECT {SEGMENT} FROM segments ORDER BY id"):
        for *head, boxes, body, extra, outline in map(tuple, rows):
            fill("segments", 17, [(*head, sum(1 << which for which, *_ in boxes), body, extra)])
            fill("boxes", 7, [(head[0] << HOURS | which, *box) for which, *box in boxes])
            fill("outlines", 2, [] if outline is None else [(head[0], outline)])
    border = await source.fetchval("SELECT below FROM lease")
    target.execute("UPDATE compacted SET below = ?", (border,))
    target.execute("COMMIT")


async def _pages(source: Connection, sql: str) -> AsyncIterator[list[Row]]:
    cursor = await source.cursor(sql)
    while rows := await cursor.fetch(PAGE):
        yield rows


# ------------------------------------------------------------------------------------------------ from a file


async def restore(place: Place, file: str) -> str | None:
    """See `restore_store`: what was there is kept as a schema beside it."""
    backup = Path(file)
    if not await asyncio.to_thread(backup.is_file):
        raise Invalid("backup_missing", f"{backup} does not exist.")
    await asyncio.to_thread(examine, backup)
    try:
        connection = await connect(place)
        try:
            if not await take_lock(connection, place):
                raise StoreLocked(f"A server uses {place}. Stop it first.")
            if await nodes_of(connection, place):
                raise StoreLocked(f"Several nodes share {place}. Stop them first.")
            async with connection.transaction():
                kept = await _set_aside(connection, place)
                await migrate(connection, place)
                with _up_to_date(backup) as source:
                    await _fill(connection, source)
            return kept
        finally:
            await connection.close()
    except (Invalid, StoreError):
        raise
    except Exception as error:
        raise meaning(error, place) from error


@contextmanager
def _up_to_date(backup: Path) -> Iterator[sqlite3.Connection]:
    """The file; where an older program wrote it a copy, with the tables of today."""
    with closing(connect_file(backup)) as source:
        if check(source, backup) == len(MIGRATIONS):
            yield source
            return
    with tempfile.TemporaryDirectory(prefix="tracker-restore-") as folder:
        file = Path(folder) / "tracker.db"
        copy(backup, file)
        with closing(connect_file(file, write=True)) as source:
            migrate_file(source, file)
            yield source


async def _set_aside(connection: Connection, place: Place) -> str | None:
    if await version_of(connection, place) is None:
        return None
    number = 1
    while await connection.fetchval("SELECT to_regnamespace($1)", quoted(f"{place.schema}-replaced{number}")):
        number += 1
    kept = f"{place.schema}-replaced{number}"
    await connection.execute(f"ALTER SCHEMA {place.quoted} RENAME TO {quoted(kept)}")
    return f"schema {kept}"


async def _fill(target: Connection, source: sqlite3.Connection) -> None:
    for table in TABLES:
        where = f"WHERE kind NOT IN {ENDED_BY_RESTORE}" if table.name == "records" else ""
        for rows in _file_pages(source, f"SELECT {table.columns} FROM {table.name} {where} ORDER BY {table.key}"):
            await put(target, table.name, table.columns, rows)
    saved = {one.n: one for one in states.waiting(source).values()}
    for rows in _file_pages(source, "SELECT n, id, state FROM vehicles ORDER BY n"):
        newest = [(n, id, saved[n].state if n in saved else state) for n, id, state in rows]
        told = [(n, None if id.startswith("\0") else id, state) for n, id, state in newest]
        await put(target, "vehicles", "n, id, state", told)
    columns = "seq, place, id, kind, vehicle, region, time, body, acked_by, acked"
    for rows in _file_pages(
        source,
        """SELECT seq, 0, id, kind, vehicle, region, time, json_remove(body, '$.seq', '$.ack'), body ->> '$.ack.by',
            acked FROM events ORDER BY seq""",
    ):
        await put(target, "events", columns, rows)
    await put(target, "events", columns, [_event_row(event) for event in happened.waiting(source).values()])
    border = source.execute("SELECT below FROM compacted").fetchone()[0]
    for rows in (*_old(source, border), *_file_pages(source, "SELECT * FROM log ORDER BY row")):
        told = [(*row[:6], np.frombuffer(row[6], NUMBER).tolist(), *row[7:]) for row in rows]
        await put(target, "log", "first, pings, r0, r1, t0, t1, numbers, body, extra", told)
    columns = SEGMENT.replace("outline", "(SELECT body FROM outlines WHERE outlines.id = segments.id)")
    for rows in _file_pages(source, f"SELECT {columns} FROM segments"):
        told = [
            (*head, _boxes(source, head[0], which), body, extra, outline) for *head, which, body, extra, outline in rows
        ]
        await add(target, told)
    await target.execute("UPDATE lease SET below = $1", border)
    for sequence, last, rows_of in LAST:
        await target.execute(f"SELECT setval('{sequence}', max({last})) FROM {rows_of} HAVING max({last}) > 0")


def _boxes(source: sqlite3.Connection, segment: int, bits: int) -> list[list[int]]:
    """Each with which of its segment's it is."""
    found: list[list[int]] = []
    for at in range(1 << HOURS):
        if bits >> at & 1:
            sql = "SELECT west, east, south, north, since, until FROM boxes WHERE id = ?"
            found += [[at, *box] for box in source.execute(sql, (segment << HOURS | at,))]
    return found


def _event_row(event: Event) -> tuple[Any, ...]:
    body = msgspec.json.encode(msgspec.structs.replace(event, seq=0)).decode()
    return event.seq, 0, event.id, event.kind, event.vehicle, event.region, event.time, body, None, None


def _file_pages(source: sqlite3.Connection, sql: str) -> Iterator[list[tuple[Any, ...]]]:
    cursor = source.execute(sql)
    while rows := list(islice(cursor, PAGE)):
        yield rows


def _old(source: sqlite3.Connection, border: int) -> Iterator[list[tuple[Any, ...]]]:
    """What 0.1.0 stored and is in no segment, as rows of the log."""
    after = border - 1
    while len((found := hot.read(source, Asked(after=after, limit=HOT))).n):
        row = found.columns.row
        gaps = np.flatnonzero(np.diff(row) != 1)
        count = int(gaps[0]) + 1 if len(gaps) else len(row)
        yield [_log_row(found.take(slice(count)))]
        after = int(row[count - 1])


def _log_row(some: Arrived) -> tuple[Any, ...]:
    c = some.columns
    records = np.zeros(len(some.n), RECORD)
    for name in RECORD.names or ():
        records[name] = getattr(c, name)
    spans = (int(c.received.min()), int(c.received.max()), int(c.time.min()), int(c.time.max()))
    told = (
        some.n.astype(NUMBER).tobytes(),
        CODEC + records.tobytes(),
        extras_of([b"[%d,%b]" % one for one in c.extra.items()]),
    )
    return int(c.row[0]), len(some.n), *spans, *told


assert set(RECORD.names or ()) <= set(TYPES)
