"""Every question the store answers, each one statement that gives one value.

One value, because sqlite3 asks for the GIL again after every row it fetches, and waits up to 5 ms for it beside
a busy event loop: a page of 1,000 rows would take seconds. So SQL builds JSON and msgspec reads it.
"""

from __future__ import annotations

import sqlite3
from typing import Any, TypeVar

import msgspec

from tracker.model.change import Acked, Registered
from tracker.model.columns import NO_ALTITUDE, Columns
from tracker.model.commit import APART, Loaded, SavedRegion, SavedVehicle, StoredPing
from tracker.model.events import Event
from tracker.model.ping import NOWHERE
from tracker.model.records import Audit, Record
from tracker.stores import AuditQuery, Box, EventQuery
from tracker.stores.sqlite.rows import HOT, HotRow, stored_ping, text
from tracker.stores.sqlite.schema import BLOCK_BITS

_hot_rows = msgspec.json.Decoder(list[HotRow])
_hot_rows_named = msgspec.json.Decoder(list[tuple[str, HotRow]])
_fixes = msgspec.json.Decoder(list[tuple[int, int, int, int]])
_events = msgspec.json.Decoder(list[Event])
_acked = msgspec.json.Decoder(list[tuple[int, Event]])
_vehicles = msgspec.json.Decoder(list[tuple[int, str, str | None]])
_regions = msgspec.json.Decoder(list[SavedRegion])
_versions = msgspec.json.Decoder(list[tuple[int, int, bool]])
_registered = msgspec.json.Decoder(list[Registered])
_strings = msgspec.json.Decoder(dict[str, str])
_ids = msgspec.json.Decoder(list[str])
_records = msgspec.json.Decoder(list[Record])
_audits = msgspec.json.Decoder(list[Audit])
_by_vehicle = msgspec.json.Decoder(dict[str, int])
_numbers = msgspec.json.Decoder(set[int])

T = TypeVar("T")

#: The rows of `hot` that can hold a vehicle's fixes of a time span: its blocks, and what no block covers yet
_TAIL = f"(SELECT coalesce(max(block) + 1, 0) << {BLOCK_BITS} FROM blocks)"
_PLACES = f"""WITH places AS MATERIALIZED (
    SELECT zones.block << {BLOCK_BITS} AS first, (zones.block + 1) << {BLOCK_BITS} AS last
    FROM blocks CROSS JOIN zones ON zones.block = blocks.block AND zones.n = ?1
    WHERE blocks.t1 >= ?2 AND blocks.t0 < ?3 AND zones.t1 >= ?2 AND zones.t0 < ?3
    UNION ALL SELECT {_TAIL}, 1 << 62)"""
_REGION = """json_object('id', id, 'version', version, 'updated_at', updated_at, 'feature', json(feature))"""
_RECORD = "json_object('kind', kind, 'key', key, 'version', version, 'body', json(body))"


def one(connection: sqlite3.Connection, sql: str, *parameters: Any) -> Any:
    """The first value of the first row."""
    row = connection.execute(sql, parameters).fetchone()
    return row[0] if row else None


def load(connection: sqlite3.Connection) -> Loaded:
    connection.execute("BEGIN")  # one picture of everything, whatever is committed meanwhile
    try:
        return Loaded(
            vehicles=_saved(
                one(connection, "SELECT json_group_array(json_array(n, id, hex(state))) FROM (SELECT * FROM vehicles)")
            ),
            regions=_regions.decode(
                one(
                    connection,
                    f"""SELECT json_group_array({_REGION}) FROM (SELECT id, max(version) AS version, updated_at, feature
                        FROM regions GROUP BY id) WHERE feature IS NOT NULL""",
                )
            ),
            registered=_registered.decode(one(connection, "SELECT json_group_array(json(body)) FROM registered")),
            meta=_strings.decode(one(connection, "SELECT json_group_object(key, value) FROM meta")),
            last_seq=last_seq(connection),
            last_n=one(connection, "SELECT coalesce(max(n), 0) FROM vehicles"),
            records=_records.decode(
                one(
                    connection,
                    f"""SELECT json_group_array({_RECORD}) FROM (SELECT kind, key, max(version) AS version, body
                        FROM records GROUP BY kind, key)""",
                )
            ),
        )
    finally:
        connection.execute("COMMIT")


def vehicles(connection: sqlite3.Connection, ids: list[str]) -> list[SavedVehicle]:
    return _saved(
        one(
            connection,
            """SELECT json_group_array(json_array(n, id, hex(state))) FROM vehicles
               WHERE id IN (SELECT value FROM json_each(?))""",
            text(ids),
        )
    )


def _saved(rows: str) -> list[SavedVehicle]:
    return [SavedVehicle(n, id, bytes.fromhex(state) if state else None) for n, id, state in _vehicles.decode(rows)]


def last_seq(connection: sqlite3.Connection) -> int:
    return int(one(connection, "SELECT coalesce(max(seq), 0) FROM events"))


def first_seq(connection: sqlite3.Connection) -> int:
    return int(one(connection, "SELECT coalesce(min(seq), 1) FROM events"))


def number(connection: sqlite3.Connection, vehicle: str) -> int | None:
    n: int | None = one(connection, "SELECT n FROM vehicles WHERE id = ?", vehicle)
    return n


def numbers(connection: sqlite3.Connection) -> dict[str, int]:
    return _by_vehicle.decode(one(connection, "SELECT json_group_object(id, n) FROM vehicles WHERE unicode(id) > 0"))


def rows_and_blocks(connection: sqlite3.Connection) -> tuple[int, int]:
    """The last row of `hot`, and how many of its blocks are closed."""
    rows, blocks = connection.execute(
        "SELECT (SELECT coalesce(max(row), 0) FROM hot), (SELECT coalesce(max(block) + 1, 0) FROM blocks)"
    ).fetchone()
    return rows, blocks


def known_ids(connection: sqlite3.Connection, ids: list[str]) -> set[str]:
    """Which of these events are stored already."""
    sql = "SELECT json_group_array(id) FROM events WHERE id IN (SELECT value FROM json_each(?))"
    return set(_ids.decode(one(connection, sql, text(ids))))


# ------------------------------------------------------------------------------------------------ history


def fixes_at(
    connection: sqlite3.Connection, wanted: list[tuple[int, int]]
) -> dict[tuple[int, int], tuple[float, float]]:
    rows = one(
        connection,
        f"""WITH wanted AS MATERIALIZED (SELECT value ->> 0 AS n, value ->> 1 AS t FROM json_each(?1)),
        spans AS MATERIALIZED (SELECT n, min(t) AS t0, max(t) AS t1 FROM wanted GROUP BY n),
        places AS MATERIALIZED (
            SELECT DISTINCT zones.block << {BLOCK_BITS} AS first, (zones.block + 1) << {BLOCK_BITS} AS last
            FROM blocks CROSS JOIN spans ON spans.t1 >= blocks.t0 AND spans.t0 <= blocks.t1
            CROSS JOIN zones ON zones.block = blocks.block AND zones.n = spans.n
                AND spans.t1 >= zones.t0 AND spans.t0 <= zones.t1
            UNION ALL SELECT {_TAIL}, 1 << 62)
        SELECT json_group_array(json_array(hot.n, hot.t, lat, lon)) FROM places
            CROSS JOIN hot ON hot.row >= first AND hot.row < last
            WHERE (hot.n, hot.t) IN (SELECT n, t FROM wanted) AND (taken <> {APART} OR (lat = 0 AND lon = 0))""",
        text(wanted),
    )
    found: dict[tuple[int, int], tuple[float, float]] = {}
    for n, t, lat, lon in _fixes.decode(rows):
        place = lat / 1e7, lon / 1e7
        if found.setdefault((n, t), place) == NOWHERE:
            found[n, t] = place
    return found


def track(
    connection: sqlite3.Connection, n: int, since: int, until: int, after: int | None, limit: int
) -> list[StoredPing]:
    if after is not None:
        since = max(since, after + 1)
    rows = one(
        connection,
        f"""{_PLACES}
        SELECT json_group_array({HOT}) FROM (
            SELECT min(row) AS row, n, t, lat, lon, speed, heading, altitude, accuracy, received, taken, extra
            FROM places CROSS JOIN hot ON hot.row >= first AND hot.row < last
            WHERE +n = ?1 AND t >= ?2 AND t < ?3 AND taken <> {APART} GROUP BY t ORDER BY t LIMIT ?4)""",
        n,
        since,
        until,
        limit,
    )
    vehicle = one(connection, "SELECT id FROM vehicles WHERE n = ?", n)
    return [stored_ping(row, vehicle) for row in _hot_rows.decode(rows)]


def columns(connection: sqlite3.Connection, n: int, since: int, until: int) -> Columns:
    rows = connection.execute(
        f"""{_PLACES} SELECT row, t, lat, lon, coalesce(speed, -1), coalesce(heading, -1),
            coalesce(altitude, {NO_ALTITUDE}), coalesce(accuracy, -1), received, taken, extra
            FROM places CROSS JOIN hot ON hot.row >= first AND hot.row < last
            WHERE +n = ?1 AND t >= ?2 AND t < ?3""",
        (n, since, until),
    ).fetchall()
    extra = {at: row[10].encode() for at, row in enumerate(rows) if row[10] is not None}
    return Columns.from_rows([row[:10] for row in rows], extra).once()


def arrivals(
    connection: sqlite3.Connection, since: int, until: int, numbers: frozenset[int] | None, after_row: int, limit: int
) -> list[tuple[int, StoredPing, str]]:
    rows = one(
        connection,
        f"""SELECT json_group_array(json_array(id, {HOT})) FROM (
            SELECT hot.*, vehicles.id FROM hot CROSS JOIN vehicles USING (n)
            WHERE row > ?3 AND received >= ?1 AND received < ?2
                AND (?4 IS NULL OR n IN (SELECT value FROM json_each(?4)))
                AND row >= coalesce((SELECT min(block) << {BLOCK_BITS} FROM blocks WHERE received >= ?1), {_TAIL})
            ORDER BY row LIMIT ?5)""",
        since,
        until,
        after_row,
        None if numbers is None else msgspec.json.encode(sorted(numbers)).decode(),
        limit,
    )
    return [(row[0], stored_ping(row, vehicle), vehicle) for vehicle, row in _hot_rows_named.decode(rows)]


def pings_since(
    connection: sqlite3.Connection, received_at: int, after_row: int, limit: int
) -> list[tuple[int, StoredPing, str]]:
    rows = one(
        connection,
        f"""SELECT json_group_array(json_array(id, {HOT})) FROM (
            SELECT hot.*, vehicles.id FROM hot CROSS JOIN vehicles USING (n)
            WHERE row > ?2 AND received >= ?1 AND taken <> {APART}
                AND row >= coalesce((SELECT min(block) << {BLOCK_BITS} FROM blocks WHERE received >= ?1), {_TAIL})
            ORDER BY row LIMIT ?3)""",
        received_at,
        after_row,
        limit,
    )
    return [(row[0], stored_ping(row, vehicle), vehicle) for vehicle, row in _hot_rows_named.decode(rows)]


def passed(connection: sqlite3.Connection, box: Box, received_at: int, most: int) -> set[int]:
    west, south, east, north = (round(degrees * 1e7) for degrees in box)
    rows = one(
        connection,
        f"""WITH some AS (SELECT n, lat, lon FROM hot WHERE received >= ?5 AND taken <> {APART}
                AND row >= coalesce((SELECT min(block) << {BLOCK_BITS} FROM blocks WHERE received >= ?5), {_TAIL})
            ORDER BY row LIMIT ?6)
        SELECT json_group_array(n) FROM (SELECT n FROM some GROUP BY n HAVING
            (max(lat) >= ?2 AND min(lat) <= ?4 AND max(lon) >= ?1 AND min(lon) <= ?3)
            OR max(lon) - min(lon) > 1800000000)""",
        west,
        south,
        east,
        north,
        received_at,
        most,
    )
    return _numbers.decode(rows)


# ------------------------------------------------------------------------------------------------- events


def events(connection: sqlite3.Connection, query: EventQuery) -> list[Event]:
    """In order of `seq`: ascending, or with only `before` the newest of them, descending."""
    where, values = _conditions(connection, query)
    order = "DESC" if query.before is not None and query.after is None else "ASC"
    one_in_regions = query.regions is not None and not query.roaming and len(query.vehicles or ()) == 1
    by = "+seq" if one_in_regions else "seq"  # with `+` events_by_visit is taken, not an index for its order
    body = one(
        connection,
        f"""SELECT json_group_array(json(body))
            FROM (SELECT body FROM events {where} ORDER BY {by} {order} LIMIT ?)""",
        *values,
        query.limit,
    )
    found = _events.decode(body)
    found.sort(key=lambda event: event.seq, reverse=order == "DESC")
    return found


def _conditions(connection: sqlite3.Connection, query: EventQuery) -> tuple[str, list[Any]]:
    tests: list[str] = []
    values: list[Any] = []
    if query.vehicles == frozenset():  # else all events are asked, one after the other, whether they are of nobody
        return "WHERE false", []
    after, before = query.after, query.before
    if query.since is not None or query.until is not None:
        # Times nearly follow seq, so the span of times is turned into a span of seq: one look into its index.
        since = -(2**62) if query.since is None else query.since
        until = 2**62 if query.until is None else query.until
        low, high = connection.execute(
            "SELECT min(seq), max(seq) FROM events WHERE time >= ? AND time < ?", (since, until)
        ).fetchone()
        if low is None:
            return "WHERE false", []
        after = low - 1 if after is None else max(after, low - 1)
        before = high + 1 if before is None else min(before, high + 1)
        tests.append("+time >= ? AND +time < ?")
        values += [since, until]
    for test, bound in (("seq > ?", after), ("seq < ?", before)):
        if bound is not None:
            tests.append(test)
            values.append(bound)
    # of some vehicles, those of no region are found by the vehicles: there may be many more alarms than that
    region = "+region" if query.roaming and query.vehicles is not None else "region"
    for column, wanted in ((region, query.regions), ("vehicle", query.vehicles), ("+kind", query.kinds)):
        if wanted is not None and len(wanted) == 1:
            tests.append(f"{column} = ?")
            values += wanted
        elif wanted is not None:
            tests.append(f"{column} IN (SELECT value FROM json_each(?))")
            values.append(msgspec.json.encode(sorted(wanted)).decode())
        if column == region and wanted is not None and query.roaming:
            tests[-1] = f"({tests[-1]} OR {region} IS NULL)"
    return ("WHERE " + " AND ".join(tests) if tests else ""), values


def acknowledged(connection: sqlite3.Connection, since: int, after: int, limit: int) -> list[tuple[Acked, Event]]:
    rows = one(
        connection,
        """SELECT json_group_array(json_array(acked, json(body))) FROM (
            SELECT acked, body FROM events WHERE acked >= ? AND seq > ? ORDER BY seq LIMIT ?)""",
        since,
        after,
        limit,
    )
    found = _acked.decode(rows)
    return [(Acked(event.id, event.ack.by if event.ack else None, at), event) for at, event in found]


def event(connection: sqlite3.Connection, id: str) -> Event | None:
    """Where there is none the newest is read in its place: that one is hidden is not told by the time it takes."""
    body = one(
        connection,
        """SELECT body FROM (SELECT body FROM events WHERE id = ?
            UNION ALL SELECT * FROM (SELECT body FROM events ORDER BY seq DESC LIMIT 1)) LIMIT 1""",
        id,
    )
    found = None if body is None else msgspec.json.decode(body, type=Event)
    return found if found is not None and found.id == id else None


# ------------------------------------------------------------------------------------------------ regions


def region_versions(connection: sqlite3.Connection, id: str, version: int | None = None) -> list[SavedRegion]:
    sql = f"""SELECT json_group_array({_REGION}) FROM (
        SELECT * FROM regions WHERE id = ?1 AND (?2 IS NULL OR version = ?2) ORDER BY version)"""
    return _regions.decode(one(connection, sql, id, version))


def region_log(connection: sqlite3.Connection, after: tuple[int, str, int], limit: int) -> list[SavedRegion]:
    sql = f"""SELECT json_group_array({_REGION}) FROM (
        SELECT * FROM regions WHERE (updated_at, id, version) > (?, ?, ?) ORDER BY updated_at, id, version LIMIT ?)"""
    return _regions.decode(one(connection, sql, *after, limit))


def versions_of(connection: sqlite3.Connection, id: str) -> list[tuple[int, int, bool]]:
    sql = """SELECT json_group_array(json_array(version, updated_at, json(iif(feature IS NULL, 'true', 'false'))))
        FROM (SELECT version, updated_at, feature FROM regions WHERE id = ? ORDER BY version)"""
    return _versions.decode(one(connection, sql, id))


def newest_versions(connection: sqlite3.Connection, ids: list[str]) -> dict[str, int]:
    sql = """SELECT json_group_object(id, version) FROM (
        SELECT id, max(version) AS version FROM regions WHERE id IN (SELECT value FROM json_each(?)) GROUP BY id)"""
    return msgspec.json.decode(one(connection, sql, text(ids)), type=dict[str, int])


def record_versions(connection: sqlite3.Connection, kind: str, key: str) -> list[Record]:
    rows = "SELECT * FROM records WHERE kind = ? AND key = ? ORDER BY version"
    return _records.decode(one(connection, f"SELECT json_group_array({_RECORD}) FROM ({rows})", kind, key))


def audit(connection: sqlite3.Connection, query: AuditQuery) -> list[Audit]:
    conditions: dict[str, Any] = {
        "seq < ?": query.before,
        "at >= ?": query.since,
        "at < ?": query.until,
        "who = ?": query.who,
        "what = ?": query.what,
    }
    asked = {condition: value for condition, value in conditions.items() if value is not None}
    where = " AND ".join(asked) or "true"
    rows = f"SELECT * FROM audit WHERE {where} ORDER BY seq DESC LIMIT ?"
    entry = """json_object('seq', seq, 'at', at, 'who', who, 'address', address, 'what', what, 'target', target,
        'before', json(before), 'after', json(after))"""
    return _audits.decode(
        one(connection, f"SELECT json_group_array({entry}) FROM ({rows})", *asked.values(), query.limit)
    )
