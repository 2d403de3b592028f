"""Every question but those about the past: a statement each. Bodies are JSON in text, which msgspec reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from tracker.errors import StoreUnusable
from tracker.model.change import Acked, Registered
from tracker.model.commit import Loaded, SavedRegion, SavedVehicle, SharedDeed
from tracker.model.events import Ack, Event
from tracker.model.records import Audit, Record
from tracker.stores import AuditQuery, EventQuery

if TYPE_CHECKING:
    from asyncpg import Connection
    from asyncpg import Record as Row

_event = msgspec.json.Decoder(Event).decode
_registered = msgspec.json.Decoder(Registered).decode
_feature = msgspec.json.Decoder(dict[str, Any] | None).decode
_any = msgspec.json.decode
_deed = msgspec.json.Decoder(SharedDeed).decode

EVENT = "seq, body, acked_by, acked"
REGION = "id, version, updated_at, feature"
RECORD = "kind, key, version, body"
#: of no region, by a vehicle that was ever in one of some: $1 those, $2 regions
_ROAMING = """(region IS NULL AND (vehicle = ANY({inside}::text[]) OR EXISTS (
    SELECT 1 FROM events AS been
    WHERE been.vehicle = events.vehicle AND been.region = ANY({regions}::text[]) AND been.seq IS NOT NULL)))"""


async def load(connection: Connection) -> Loaded:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return Loaded(
            vehicles=saved(await connection.fetch("SELECT n, id, state FROM vehicles WHERE id IS NOT NULL")),
            regions=regions(
                await connection.fetch(
                    f"""SELECT {REGION} FROM (SELECT DISTINCT ON (id) {REGION} FROM regions ORDER BY id, version DESC)
                        AS newest WHERE feature IS NOT NULL"""
                )
            ),
            registered=[_registered(one["body"]) for one in await connection.fetch("SELECT body FROM registered")],
            meta=dict(await connection.fetch("SELECT key, value FROM meta")),
            last_seq=await last_seq(connection),
            last_n=await connection.fetchval("SELECT coalesce(max(n), 0) FROM vehicles"),
            records=records(
                await connection.fetch(
                    f"SELECT DISTINCT ON (kind, key) {RECORD} FROM records ORDER BY kind, key, version DESC"
                )
            ),
            deed=await connection.fetchval("SELECT place FROM head"),
        )


def saved(rows: Iterable[Row]) -> list[SavedVehicle]:
    return [SavedVehicle(n, id, state) for n, id, state in rows]


def regions(rows: Iterable[Row]) -> list[SavedRegion]:
    return [_region(*row) for row in rows]


def _region(id: str, version: int, updated_at: int, feature: str | None) -> SavedRegion:
    return SavedRegion(id, version, updated_at, None if feature is None else _feature(feature))


def records(rows: Iterable[Row]) -> list[Record]:
    return [Record(kind, key, version, _json(body)) for kind, key, version, body in rows]


async def vehicles(connection: Connection, ids: list[str]) -> list[SavedVehicle]:
    return saved(await connection.fetch("SELECT n, id, state FROM vehicles WHERE id = ANY($1::text[])", ids))


async def vehicles_in(connection: Connection, partitions: int, some: list[int]) -> list[SavedVehicle]:
    sql = f"SELECT n, id, state FROM vehicles WHERE partition_of(id, {partitions}) = ANY($1::int[])"
    return saved(await connection.fetch(sql, some))


async def is_shared(connection: Connection) -> bool:
    if await connection.fetchval("SELECT to_regclass('lease')") is None:
        return False
    return bool(await connection.fetchval("SELECT partitions > 0 FROM lease"))


async def deeds(connection: Connection, after: int, limit: int) -> list[tuple[int, SharedDeed]]:
    """Within a transaction that sees one moment. Raises StoreUnusable where the next of them is not kept any more."""
    rows = await connection.fetch(
        "SELECT place, body FROM journal WHERE place > $1 ORDER BY place LIMIT $2", after, limit
    )
    if after < (rows[0]["place"] - 1 if rows else await connection.fetchval("SELECT place FROM head")):
        raise StoreUnusable("For over a day this node followed nothing that others did: start it again.", "store_gone")
    return [(place, _deed(body)) for place, body in rows]


async def removed_unseen(connection: Connection, some: list[int]) -> list[tuple[str, bool]]:
    sql = """SELECT name, coalesce(body::jsonb->'erased' ? name, false)
        FROM journal, jsonb_array_elements_text(body::jsonb->'removed') AS name
        WHERE place > (SELECT min(place) FROM marks WHERE partition = ANY($1::int[])) ORDER BY place"""
    return [(name, is_erased) for name, is_erased in await connection.fetch(sql, some)]


async def marked(connection: Connection) -> int:
    return int(await connection.fetchval("SELECT min(place) FROM marks"))


async def last_seq(connection: Connection) -> int:
    return int(await connection.fetchval("SELECT coalesce(max(seq), 0) FROM events"))


async def first_seq(connection: Connection) -> int:
    return int(await connection.fetchval("SELECT coalesce(min(seq), 1) FROM events"))


async def size(connection: Connection) -> int:
    """Bytes of all there is in the schema."""
    return int(
        await connection.fetchval(
            """SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
                WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"""
        )
    )


async def number(connection: Connection, vehicle: str) -> int | None:
    n: int | None = await connection.fetchval("SELECT n FROM vehicles WHERE id = $1", vehicle)
    return n


async def numbers(connection: Connection) -> dict[str, int]:
    return dict(await connection.fetch("SELECT id, n FROM vehicles WHERE id IS NOT NULL"))


# ------------------------------------------------------------------------------------------------- events


def event_of(seq: int, body: str, acked_by: str | None = None, acked: int | None = None) -> Event:
    ack = None if acked_by is None or acked is None else Ack(acked_by, acked)
    return msgspec.structs.replace(_event(body), seq=seq, ack=ack)


async def events(connection: Connection, query: EventQuery) -> list[Event]:
    """In order of `seq`: ascending, or with only `before` the newest of them, descending."""
    values: list[Any] = []

    def value(one: Any) -> str:
        values.append(one)
        return f"${len(values)}"

    tests = ["seq IS NOT NULL"]
    for test, bound in (
        ("seq >", query.after), ("seq <", query.before), ("time >=", query.since), ("time <", query.until),
    ):  # fmt: skip
        if bound is not None:
            tests.append(f"{test} {value(bound)}")
    if query.regions is not None:
        listed = value(list(query.regions))
        test = f"region = ANY({listed}::text[])"
        if query.roaming:
            test = f"({test} OR {_ROAMING.format(inside=value(list(query.inside)), regions=listed)})"
        tests.append(test)
    for name, some in (("vehicle", query.vehicles), ("kind", query.kinds)):
        if some is not None:
            tests.append(f"{name} = ANY({value(list(some))}::text[])")
    order = "DESC" if query.before is not None and query.after is None else "ASC"
    where = " AND ".join(tests)
    sql = f"SELECT {EVENT} FROM events WHERE {where} ORDER BY seq {order} LIMIT {value(query.limit)}"
    return [event_of(*row) for row in await connection.fetch(sql, *values)]


async def event(connection: Connection, id: str) -> Event | None:
    """Where there is none the newest is read in its place: that one is hidden is not told by the time it takes."""
    row = await connection.fetchrow(
        f"""(SELECT {EVENT} FROM events WHERE id = $1 AND seq IS NOT NULL)
            UNION ALL (SELECT {EVENT} FROM events WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1) LIMIT 1""",
        id,
    )
    found = None if row is None else event_of(*row)
    return found if found is not None and found.id == id else None


async def acknowledged(connection: Connection, since: int, after: int, limit: int) -> list[tuple[Acked, Event]]:
    rows = await connection.fetch(
        f"SELECT {EVENT} FROM events WHERE acked >= $1 AND seq > $2 ORDER BY seq LIMIT $3", since, after, limit
    )
    found = [(event_of(*row), row["acked"]) for row in rows]
    return [(Acked(event.id, event.ack.by if event.ack else None, at), event) for event, at in found]


# ------------------------------------------------------------------------------------------------ regions


async def region_versions(connection: Connection, id: str, version: int | None = None) -> list[SavedRegion]:
    sql = f"SELECT {REGION} FROM regions WHERE id = $1 AND ($2::int IS NULL OR version = $2) ORDER BY version"
    return regions(await connection.fetch(sql, id, version))


async def region_log(connection: Connection, after: tuple[int, str, int], limit: int) -> list[SavedRegion]:
    sql = f"""SELECT {REGION} FROM regions WHERE (updated_at, id COLLATE "C", version) > ($1, $2, $3)
        ORDER BY updated_at, id COLLATE "C", version LIMIT $4"""
    return regions(await connection.fetch(sql, *after, limit))


async def regions_then(
    connection: Connection, since: int, until: int, ids: list[str] | None, after: tuple[str, int], limit: int
) -> list[tuple[SavedRegion, int | None]]:
    sql = f"""SELECT {REGION}, ended FROM (
            SELECT {REGION}, lead(updated_at) OVER (PARTITION BY id ORDER BY version) AS ended
            FROM regions WHERE $3::text[] IS NULL OR id = ANY($3)) AS held
        WHERE updated_at < $2 AND (ended IS NULL OR ended > greatest($1, updated_at)) AND feature IS NOT NULL
            AND (id COLLATE "C", version) > ($4, $5) ORDER BY id COLLATE "C", version LIMIT $6"""
    rows = await connection.fetch(sql, since, until, ids, *after, limit)
    return [(_region(*row[:4]), row[4]) for row in rows]


async def versions_of(connection: Connection, id: str) -> list[tuple[int, int, bool]]:
    sql = "SELECT version, updated_at, feature IS NULL FROM regions WHERE id = $1 ORDER BY version"
    return [tuple(row) for row in await connection.fetch(sql, id)]


async def newest_versions(connection: Connection, ids: list[str]) -> dict[str, int]:
    sql = "SELECT id, max(version) FROM regions WHERE id = ANY($1::text[]) GROUP BY id"
    return dict(await connection.fetch(sql, ids))


# ------------------------------------------------------------------------------------------------ records


async def record_versions(connection: Connection, kind: str, key: str) -> list[Record]:
    sql = f"SELECT {RECORD} FROM records WHERE kind = $1 AND key = $2 ORDER BY version"
    return records(await connection.fetch(sql, kind, key))


async def audit(connection: Connection, query: AuditQuery) -> list[Audit]:
    sql = """SELECT at, who, address, what, target, before, after, seq FROM audit
        WHERE ($1::bigint IS NULL OR seq < $1) AND ($2::bigint IS NULL OR at >= $2) AND ($3::bigint IS NULL OR at < $3)
            AND ($4::text IS NULL OR who = $4) AND ($5::text IS NULL OR what = $5) ORDER BY seq DESC LIMIT $6"""
    rows = await connection.fetch(sql, query.before, query.since, query.until, query.who, query.what, query.limit)
    return [
        Audit(at, who, address, what, target, _json(before), _json(after), seq)
        for at, who, address, what, target, before, after, seq in rows
    ]


def _json(text: str | None) -> Any:
    return None if text is None else _any(text)
