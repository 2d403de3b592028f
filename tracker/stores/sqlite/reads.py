"""Every question the store answers, each one statement that gives one value.

One value, because sqlite3 asks for the GIL again after every row it fetches, and waits up to 5 ms for it beside
a busy event loop: a page of 1,000 rows would take seconds. So SQL builds JSON and msgspec reads it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from typing import Any, TypeAlias, TypeVar

import msgspec

from tracker.model.change import Acked, Registered
from tracker.model.commit import Loaded, SavedRegion, SavedVehicle
from tracker.model.events import Event
from tracker.model.records import Audit, Record
from tracker.stores import AuditQuery, EventQuery
from tracker.stores.sqlite import happened, states
from tracker.stores.sqlite.past.picture import picture
from tracker.stores.sqlite.rows import text

_events = msgspec.json.Decoder(list[Event])
_acked = msgspec.json.Decoder(list[tuple[int, Event]])
_vehicles = msgspec.json.Decoder(list[tuple[int, str, str | None]])
_regions_then = msgspec.json.Decoder(list[tuple[SavedRegion, int | None]])
_regions = msgspec.json.Decoder(list[SavedRegion])
_versions = msgspec.json.Decoder(list[tuple[int, int, bool]])
_registered = msgspec.json.Decoder(list[Registered])
_strings = msgspec.json.Decoder(dict[str, str])
_ids = msgspec.json.Decoder(list[str])
_records = msgspec.json.Decoder(list[Record])
_audits = msgspec.json.Decoder(list[Audit])
_by_vehicle = msgspec.json.Decoder(dict[str, int])

T = TypeVar("T")

MERGED = 100  #: regions whose events are read each by its index; of more, all that happened is looked through

Waiting: TypeAlias = Callable[[sqlite3.Connection], dict[str, Event]]  # events that are not in `events` yet, by id
Found: TypeAlias = tuple[str, list[Any]]  # a condition, and its values

_REGION = """json_object('id', id, 'version', version, 'updated_at', updated_at, 'feature', json(feature))"""
_RECORD = "json_object('kind', kind, 'key', key, 'version', version, 'body', json(body))"


def one(connection: sqlite3.Connection, sql: str, *parameters: Any) -> Any:
    """The first value of the first row."""
    row = connection.execute(sql, parameters).fetchone()
    return row[0] if row else None


def load(connection: sqlite3.Connection) -> Loaded:
    with picture(connection):
        return Loaded(
            vehicles=_saved(connection, "true"),
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


def vehicles(connection: sqlite3.Connection, ids: list[str]) -> list[SavedVehicle]:
    with picture(connection):
        return _saved(connection, "id IN (SELECT value FROM json_each(?))", text(ids))


def _saved(connection: sqlite3.Connection, where: str, *parameters: Any) -> list[SavedVehicle]:
    rows = one(
        connection,
        f"SELECT json_group_array(json_array(n, id, hex(state))) FROM (SELECT * FROM vehicles WHERE {where})",
        *parameters,
    )
    newer = states.waiting(connection)
    return [
        newer.get(n) or SavedVehicle(n, id, bytes.fromhex(state) if state else None)
        for n, id, state in _vehicles.decode(rows)
    ]


def last_seq(connection: sqlite3.Connection) -> int:
    return int(one(connection, "SELECT coalesce((SELECT max(seq) FROM happened), (SELECT max(seq) FROM events), 0)"))


def first_seq(connection: sqlite3.Connection) -> int:
    stored = one(connection, "SELECT min(seq) FROM events")
    return int(stored or next((event.seq for event in happened.waiting(connection).values()), 1))


def number(connection: sqlite3.Connection, vehicle: str) -> int | None:
    n: int | None = one(connection, "SELECT n FROM vehicles WHERE id = ?", vehicle)
    return n


def numbers(connection: sqlite3.Connection) -> dict[str, int]:
    return _by_vehicle.decode(one(connection, "SELECT json_group_object(id, n) FROM vehicles WHERE unicode(id) > 0"))


def numbers_of(connection: sqlite3.Connection, vehicles: list[str]) -> list[int]:
    """Of those that are known."""
    sql = "SELECT json_group_array(n) FROM vehicles WHERE id IN (SELECT value FROM json_each(?))"
    return msgspec.json.decode(one(connection, sql, text(vehicles)), type=list[int])


def known_ids(connection: sqlite3.Connection, ids: list[str]) -> set[str]:
    """Which of these events are stored already."""
    sql = "SELECT json_group_array(id) FROM events WHERE id IN (SELECT value FROM json_each(?))"
    return set(_ids.decode(one(connection, sql, text(ids))))


# ------------------------------------------------------------------------------------------------- events


def events(connection: sqlite3.Connection, query: EventQuery, waiting: Waiting = happened.waiting) -> list[Event]:
    """In order of `seq`: ascending, or with only `before` the newest of them, descending. Those that wait to be put
    with the others are asked first: some may be put meanwhile, and are found twice."""
    fresh = waiting(connection).values()
    newest = happened.asked_for(connection, fresh, query) if fresh else []
    if query.roaming and fresh:
        query = msgspec.structs.replace(query, inside=query.inside | happened.visitors(fresh, query))
    found = _stored(connection, query)
    if newest:
        both = {event.seq: event for event in (*found, *newest)}
        found = [both[seq] for seq in sorted(both, reverse=_is_descending(query))[: query.limit]]
    return found


def _is_descending(query: EventQuery) -> bool:
    return query.before is not None and query.after is None


def _stored(connection: sqlite3.Connection, query: EventQuery) -> list[Event]:
    order = "DESC" if _is_descending(query) else "ASC"
    if query.vehicles == frozenset() or (span := _span(connection, query)) is None:
        return []  # of nobody, or of no time: else all events would be asked, one after the other
    if query.regions is not None and query.vehicles is None and len(query.regions) <= MERGED:
        found, values = _merged(query, span, order)
    else:
        found, values = _one_by_one(query, span, order)
    rows = f"SELECT json_group_array(json(body)) FROM (SELECT body FROM events {found} LIMIT ?)"
    told = _events.decode(one(connection, rows, *values, query.limit))
    told.sort(key=lambda event: event.seq, reverse=_is_descending(query))
    return told


def _span(connection: sqlite3.Connection, query: EventQuery) -> Found | None:
    """When, and of which kinds."""
    tests: list[str] = []
    values: list[Any] = []
    after, before = query.after, query.before
    if query.since is not None or query.until is not None:
        # Times nearly follow seq, so the span of times is turned into a span of seq: one look into its index.
        since = -(2**62) if query.since is None else query.since
        until = 2**62 if query.until is None else query.until
        low, high = connection.execute(
            "SELECT min(seq), max(seq) FROM events WHERE time >= ? AND time < ?", (since, until)
        ).fetchone()
        if low is None:
            return None
        after = low - 1 if after is None else max(after, low - 1)
        before = high + 1 if before is None else min(before, high + 1)
        tests.append("+time >= ? AND +time < ?")
        values += [since, until]
    for test, bound in (("seq > ?", after), ("seq < ?", before)):
        if bound is not None:
            tests.append(test)
            values.append(bound)
    if query.kinds is not None:
        tests.append("+kind IN (SELECT value FROM json_each(?))")
        values.append(_names(query.kinds))
    return " AND ".join(tests) or "true", values


def _one_by_one(query: EventQuery, span: Found, order: str) -> Found:
    """By the vehicles where some are asked for, else in their order."""
    tests, values = [span[0]], [*span[1]]
    if (vehicles := query.vehicles) is not None:
        tests.append("vehicle = ?" if len(vehicles) == 1 else "vehicle IN (SELECT value FROM json_each(?))")
        values.append(next(iter(vehicles)) if len(vehicles) == 1 else _names(vehicles))
    if query.regions is not None:
        # of some vehicles, those of no region are found by the vehicles: there may be many more alarms than that
        region = "region" if vehicles is not None and not query.roaming else "+region"
        tests.append(f"({region} IN (SELECT value FROM json_each(?)){f' OR {_ROAMING}' if query.roaming else ''})")
        values += [_names(query.regions), *(_roaming(query) if query.roaming else ())]
    one_in_regions = query.regions is not None and not query.roaming and len(vehicles or ()) == 1
    by = "+seq" if one_in_regions else "seq"  # with `+` events_by_visit is taken, not an index for its order
    return f"WHERE {' AND '.join(tests)} ORDER BY {by} {order}", values


def _merged(query: EventQuery, span: Found, order: str) -> Found:
    """Of each region as many as are asked for, in the order of its index: nothing is read that is not near."""
    test, values = span
    found = f"""SELECT one.seq FROM json_each(?) AS wanted CROSS JOIN events AS one ON one.seq IN (
        SELECT seq FROM events WHERE region = wanted.value AND {test} ORDER BY seq {order} LIMIT ?)"""
    asked = [_names(query.regions or ()), *values, query.limit]
    if query.roaming:
        found += f"""
            UNION ALL SELECT * FROM (SELECT seq FROM events WHERE {_ROAMING} AND {test} ORDER BY seq {order} LIMIT ?)"""
        asked += [*_roaming(query), *values, query.limit]
    return f"WHERE seq IN ({found}) ORDER BY seq {order}", asked


#: of no region, by a vehicle that was ever in one of some
_ROAMING = """(region IS NULL AND (+vehicle IN (SELECT value FROM json_each(?)) OR EXISTS (
    SELECT 1 FROM events AS been
    WHERE been.vehicle = events.vehicle AND been.region IN (SELECT value FROM json_each(?)))))"""


def _roaming(query: EventQuery) -> list[str]:
    return [_names(query.inside), _names(query.regions or ())]


def _names(some: Collection[str]) -> str:
    return msgspec.json.encode(sorted(some)).decode()


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


def event(connection: sqlite3.Connection, id: str, waiting: Waiting = happened.waiting) -> Event | None:
    """Where there is none the newest is read in its place: that one is hidden is not told by the time it takes."""
    fresh = waiting(connection).get(id)
    body = one(
        connection,
        """SELECT body FROM (SELECT body FROM events WHERE id = ?
            UNION ALL SELECT * FROM (SELECT body FROM events ORDER BY seq DESC LIMIT 1)) LIMIT 1""",
        id,
    )
    found = None if body is None else msgspec.json.decode(body, type=Event)
    return found if found is not None and found.id == id else fresh


# ------------------------------------------------------------------------------------------------ regions


def region_versions(connection: sqlite3.Connection, id: str, version: int | None = None) -> list[SavedRegion]:
    sql = f"""SELECT json_group_array({_REGION}) FROM (
        SELECT * FROM regions WHERE id = ?1 AND (?2 IS NULL OR version = ?2) ORDER BY version)"""
    return _regions.decode(one(connection, sql, id, version))


def region_log(connection: sqlite3.Connection, after: tuple[int, str, int], limit: int) -> list[SavedRegion]:
    sql = f"""SELECT json_group_array({_REGION}) FROM (
        SELECT * FROM regions WHERE (updated_at, id, version) > (?, ?, ?) ORDER BY updated_at, id, version LIMIT ?)"""
    return _regions.decode(one(connection, sql, *after, limit))


def regions_then(
    connection: sqlite3.Connection, since: int, until: int, ids: list[str] | None, after: tuple[str, int], limit: int
) -> list[tuple[SavedRegion, int | None]]:
    sql = f"""WITH held AS (SELECT id, version, lead(updated_at) OVER (PARTITION BY id ORDER BY version) AS ended
            FROM regions WHERE ?3 IS NULL OR id IN (SELECT value FROM json_each(?3)))
        SELECT json_group_array(json_array({_REGION}, ended)) FROM (
            SELECT regions.*, ended FROM held JOIN regions USING (id, version)
            WHERE updated_at < ?2 AND (ended IS NULL OR ended > max(?1, updated_at)) AND feature IS NOT NULL
                AND (id, version) > (?4, ?5) ORDER BY id, version LIMIT ?6)"""
    listed = None if ids is None else msgspec.json.encode(ids).decode()
    return _regions_then.decode(one(connection, sql, since, until, listed, *after, limit))


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
