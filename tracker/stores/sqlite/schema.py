"""What is in tracker.db: the tables, how they came to be (numbered migrations), and the one statement that writes."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from tracker.errors import StoreFull, StoreUnusable
from tracker.stores.sqlite.faults import room
from tracker.stores.sqlite.past.compaction import INCREMENTAL

APPLICATION_ID = 0x74726B72  #: "trkr": tells a tracker's file from any other SQLite file
SYNCHRONOUS = "FULL"  #: acknowledged means durable; the durability test turns it off to see itself fail
BUSY_MS = 10_000  #: how long to wait for a lock that somebody else's program holds
SMALL_BYTES = 64 << 20  #: a file that holds this much is written anew within half a second
CACHE_KIB = 32 << 10  #: of the writer, at most: what puts thousands of events in place writes each page once
LOG_BYTES = 4 << 20  #: what stays of a log that was longer

#: One script a schema version, never edited once released. `PRAGMA user_version` counts those that ran.
MIGRATIONS: tuple[str, ...] = (
    """
    -- Every ping, in the order it came. Appended only and without an index: a table clustered by vehicle and
    -- time costs 50 times the disk writes. Integers: t and received in ms, lat and lon in 1e-7 degrees, speed
    -- in mm/s, heading, altitude and accuracy in hundredths. `taken` is LIVE, LATE or HELD.
    CREATE TABLE hot(
        row INTEGER PRIMARY KEY, n INTEGER NOT NULL, t INTEGER NOT NULL, lat INTEGER NOT NULL, lon INTEGER NOT NULL,
        speed INTEGER, heading INTEGER, altitude INTEGER, accuracy INTEGER,
        received INTEGER NOT NULL, taken INTEGER NOT NULL, extra TEXT);

    -- Which fix times a full block of `hot` holds: of everything, and of each vehicle. Derived, appended once a block.
    CREATE TABLE blocks(
        block INTEGER PRIMARY KEY, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, received INTEGER NOT NULL);
    CREATE TABLE zones(
        block INTEGER, n INTEGER, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, PRIMARY KEY (block, n)) WITHOUT ROWID;

    -- n is given once and never again: history outlives a removed vehicle, whose state is NULL.
    CREATE TABLE vehicles(n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, state BLOB);
    CREATE TABLE registered(vehicle TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;

    -- Every version of every region; a NULL feature says: deleted in this version.
    CREATE TABLE regions(
        id TEXT, version INTEGER, updated_at INTEGER NOT NULL, feature TEXT, PRIMARY KEY (id, version)) WITHOUT ROWID;

    -- The event itself is `body`; the other columns repeat what is searched by. An index ends with the row's
    -- seq, so each of the first two also gives a region's or a vehicle's events in order.
    CREATE TABLE events(
        seq INTEGER PRIMARY KEY, body TEXT NOT NULL,
        id TEXT NOT NULL AS (body ->> 'id') STORED UNIQUE,
        kind TEXT NOT NULL AS (body ->> 'kind') STORED,
        vehicle TEXT NOT NULL AS (body ->> 'vehicle') STORED,
        region TEXT AS (body ->> 'region') STORED,
        time INTEGER NOT NULL AS (body ->> 'time') STORED);
    CREATE INDEX events_by_region ON events(region);
    CREATE INDEX events_by_vehicle ON events(vehicle);
    CREATE INDEX events_by_time ON events(time);

    CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    """,
    """
    -- When an event was acknowledged, or that taken back: what somebody who was away has to be told.
    ALTER TABLE events ADD COLUMN acked INTEGER;
    UPDATE events SET acked = body ->> '$.ack.at' WHERE body ->> '$.ack.at' IS NOT NULL;
    CREATE INDEX events_by_acked ON events(acked) WHERE acked IS NOT NULL;
    """,
    """
    -- Who may come in: users, groups, sessions, tokens. A NULL body says: gone in this version.
    CREATE TABLE records(
        kind TEXT, key TEXT, version INTEGER, body TEXT, PRIMARY KEY (kind, key, version)) WITHOUT ROWID;

    -- What somebody changed. Appended only.
    CREATE TABLE audit(
        seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, address TEXT NOT NULL, what TEXT NOT NULL,
        target TEXT NOT NULL, before TEXT, after TEXT);
    CREATE INDEX audit_by_time ON audit(at);

    -- Whether a vehicle was ever in a region: as soon found where it was not as where there is no such vehicle.
    CREATE INDEX events_by_visit ON events(vehicle, region);
    """,
    """
    -- The pings of a commit: one row, whose number is that of its first ping. Appended only, without an index; what is
    -- searched by stands before what is long. r and t: span of receipts and of fixes, ms. The bodies: see log.py.
    CREATE TABLE log(
        row INTEGER PRIMARY KEY, count INTEGER NOT NULL, r0 INTEGER NOT NULL, r1 INTEGER NOT NULL,
        t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, numbers BLOB NOT NULL, body BLOB NOT NULL, extra TEXT);

    -- States that commits changed since they were last put into `vehicles`: the rows of the two highest turns, those
    -- of a later one the newer. A turn writes over the rows of the last but one, which costs less than to delete them.
    CREATE TABLE states(row INTEGER PRIMARY KEY, turn INTEGER NOT NULL, body BLOB NOT NULL);

    -- From here on nothing is added to `hot`: all of it is in a block.
    INSERT INTO zones SELECT row >> 15, n, min(t), max(t) FROM hot
        WHERE row >= (SELECT coalesce(max(block) + 1, 0) << 15 FROM blocks) GROUP BY row >> 15, n;
    INSERT INTO blocks SELECT row >> 15, min(t), max(t), max(received) FROM hot
        WHERE row >= (SELECT coalesce(max(block) + 1, 0) << 15 FROM blocks) GROUP BY row >> 15;
    """,
    """
    -- Pings that were compacted: of one vehicle and day, or a part of it. t, r and c: span of fix times, rows and
    -- receipts; the place of the first and the last fix; which boxes it has, as bits. The bodies: see docs/storage.md.
    CREATE TABLE segments(
        id INTEGER PRIMARY KEY, n INTEGER NOT NULL, day INTEGER NOT NULL, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL,
        r0 INTEGER NOT NULL, r1 INTEGER NOT NULL, c0 INTEGER NOT NULL, c1 INTEGER NOT NULL, count INTEGER NOT NULL,
        lat0 INTEGER NOT NULL, lon0 INTEGER NOT NULL, lat1 INTEGER NOT NULL, lon1 INTEGER NOT NULL,
        boxes INTEGER NOT NULL, body BLOB NOT NULL, extra BLOB);
    CREATE INDEX segments_by_day ON segments(n, day);
    CREATE INDEX segments_by_receipt ON segments(c1, c0);

    -- Where a vehicle was in an hour: 1e-7 degrees, minutes. The id is that of its segment << 6, and which of them.
    CREATE VIRTUAL TABLE boxes USING rtree_i32(id, west, east, south, north, since, until);

    -- Rows below are in segments.
    CREATE TABLE compacted(below INTEGER NOT NULL);
    INSERT INTO compacted VALUES (1);
    """,
    """
    -- How many pings are not kept any more: of a vehicle's day that was thinned, and of days that went.
    CREATE TABLE thinned(n INTEGER, day INTEGER, pings INTEGER NOT NULL, PRIMARY KEY (n, day)) WITHOUT ROWID;
    CREATE TABLE gone(day INTEGER PRIMARY KEY, pings INTEGER NOT NULL);
    """,
    """
    -- Of each 512 fixes of a segment, whose id it has: where, when, how much is believed. See docs/storage.md.
    CREATE TABLE outlines(id INTEGER PRIMARY KEY, body BLOB NOT NULL);
    """,
    """
    -- The events of a commit: one row, whose number is that of the last; the body is a JSON list. Now and then they are
    -- put into `events`, many at once. See happened.py.
    CREATE TABLE happened(seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
    """,
)

# A commit is one INSERT into this view: a single sqlite3_step, without the GIL, in its own transaction. With a
# BEGIN, a statement a table and a COMMIT the writer would ask for the GIL six times, and wait up to 5 ms each
# time beside a busy event loop: measured at 29 ms a commit of 100 pings instead of 9.
_WRITE = """
CREATE TEMP VIEW tx AS SELECT
    NULL AS row, NULL AS count, NULL AS r0, NULL AS r1, NULL AS t0, NULL AS t1, NULL AS numbers, NULL AS body,
    NULL AS extra, NULL AS vehicles, NULL AS states_row, NULL AS turn, NULL AS states, NULL AS seq, NULL AS events,
    NULL AS regions, NULL AS registered, NULL AS unregistered, NULL AS acked, NULL AS meta,
    NULL AS erased, NULL AS records, NULL AS audit;
CREATE TEMP TRIGGER tx_insert INSTEAD OF INSERT ON tx BEGIN
    INSERT INTO log SELECT NEW.row, NEW.count, NEW.r0, NEW.r1, NEW.t0, NEW.t1, NEW.numbers, NEW.body, NEW.extra
        WHERE NEW.row IS NOT NULL;
    INSERT INTO vehicles(n, id) SELECT value ->> 0, value ->> 1 FROM json_each(NEW.vehicles)
        WHERE true ON CONFLICT(n) DO NOTHING;
    INSERT OR REPLACE INTO states SELECT NEW.states_row, NEW.turn, NEW.states WHERE NEW.states IS NOT NULL;
    INSERT INTO happened SELECT NEW.seq, NEW.events WHERE NEW.seq IS NOT NULL;
    INSERT INTO regions(id, version, updated_at, feature)
        SELECT value ->> 0, value ->> 1, value ->> 2, nullif(value -> 3, 'null') FROM json_each(NEW.regions);
    INSERT INTO registered(vehicle, body) SELECT value ->> 'vehicle', value FROM json_each(NEW.registered)
        WHERE true ON CONFLICT(vehicle) DO UPDATE SET body = excluded.body;
    DELETE FROM registered WHERE vehicle IN (SELECT value FROM json_each(NEW.unregistered));
    UPDATE events SET body = CASE WHEN acks.by IS NULL THEN json_remove(body, '$.ack')
            ELSE json_set(body, '$.ack', json_object('by', acks.by, 'at', acks.at)) END,
            acked = acks.at
        FROM (SELECT value ->> 'id' AS id, value ->> 'by' AS by, value ->> 'at' AS at FROM json_each(NEW.acked)) AS acks
        WHERE events.id = acks.id;
    INSERT INTO meta(key, value) SELECT key, value FROM json_each(NEW.meta)
        WHERE true ON CONFLICT(key) DO UPDATE SET value = excluded.value;

    -- Erasing: a row stays where it is and tells of nobody; a number is never given again.
    UPDATE events SET acked = NULL, body = json_object('seq', seq, 'id', id, 'kind', 'erased', 'vehicle', '',
            'time', time, 'received_at', time, 'reason', 'erased', 'lat', 0.0, 'lon', 0.0)
        WHERE vehicle IN (SELECT value FROM json_each(NEW.erased));
    UPDATE vehicles SET id = char(0) || n, state = NULL WHERE id IN (SELECT value FROM json_each(NEW.erased));
END;
CREATE TEMP TRIGGER tx_people INSTEAD OF INSERT ON tx  -- apart: most commits have none of it
WHEN NEW.records IS NOT NULL OR NEW.audit IS NOT NULL BEGIN
    DELETE FROM records WHERE (kind, key) IN (
        SELECT value ->> 0, value ->> 1 FROM json_each(NEW.records) WHERE NOT value ->> 4);
    INSERT INTO records(kind, key, version, body)
        SELECT value ->> 0, value ->> 1, value ->> 2, nullif(value -> 3, 'null') FROM json_each(NEW.records)
        WHERE value ->> 4 OR value ->> 3 IS NOT NULL;
    INSERT INTO audit(at, who, address, what, target, before, after)
        SELECT value ->> 'at', value ->> 'who', value ->> 'address', value ->> 'what', value ->> 'target',
            nullif(value -> 'before', 'null'), nullif(value -> 'after', 'null') FROM json_each(NEW.audit);
END;
"""


def create(path: Path) -> None:
    """An empty file, where there is none, that no other user of the machine may read; its log gets what it has."""
    with contextlib.suppress(OSError):  # who opens it says it better
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def connect(path: Path, *, write: bool = False) -> sqlite3.Connection:
    """Open the file: as the one writer, or to read only. Transactions are single statements (autocommit)."""
    mode = "rwc" if write else "ro"
    if write:
        create(path)
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_MS / 1000,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        if write:
            if not path.stat().st_size:
                connection.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
            connection.execute("PRAGMA secure_delete = 1")  # what is deleted is zeros, also in pages that are free
            connection.execute("PRAGMA wal_autocheckpoint = 0")  # the writer does it between two commits, not in one
            connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        else:
            connection.execute("PRAGMA query_only = 1")
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(connection: sqlite3.Connection) -> None:
    """Give the writer's connection its one statement (see `_WRITE`)."""
    connection.executescript(_WRITE)


def rewrite_version(connection: sqlite3.Connection) -> None:
    """The smallest commit there is: it changes nothing, and tells whether writing works."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.execute(f"PRAGMA user_version = {version}")


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the file to this program's schema; a copy of it is kept beside it before anything is changed."""
    version = check(connection, path)
    if version == len(MIGRATIONS):
        return
    if version:
        copy = path.with_name(f"{path.stem}-schema{version}{path.suffix}")
        copy.unlink(missing_ok=True)
        if (needed := _used(connection)) > (free := room(path)):
            raise StoreFull(
                f"No room to copy {path} before it is brought up to date: {needed:,} bytes are needed, {free:,} are "
                "free. Nothing was changed; free some space and start again."
            )
        connection.execute("VACUUM INTO ?", (str(copy),))
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        try:
            ours = f"PRAGMA user_version = {number};PRAGMA application_id = {APPLICATION_ID}"
            connection.executescript(f"BEGIN IMMEDIATE;{script};{ours};COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _used(connection: sqlite3.Connection) -> int:
    """Bytes of its pages that hold something."""
    pages, free, size = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def make_shrinkable(connection: sqlite3.Connection, path: Path) -> None:
    """A file of before segments gives nothing back: it is written anew, once it holds little and where that fits."""
    if connection.execute("PRAGMA auto_vacuum").fetchone()[0] == INCREMENTAL:
        return
    used = _used(connection)
    if used <= SMALL_BYTES and 3 * used < room(path):
        connection.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")
        connection.execute("VACUUM")


def check(connection: sqlite3.Connection, path: Path) -> int:
    """The schema version of a file this program can use; StoreUnusable says what is wrong with any other."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    if version > len(MIGRATIONS):
        raise StoreUnusable(
            f"{path} was written by a newer tracker (schema {version}; this one knows {len(MIGRATIONS)}). "
            "Install that version again, or restore a backup made with this one.",
            "store_newer",
        )
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if (version and application != APPLICATION_ID) or (not version and tables):
        raise StoreUnusable(f"{path} is not a tracker's data file.", "store_foreign")
    return version
