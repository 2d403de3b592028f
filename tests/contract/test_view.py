"""Positions for who asks in SQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import asyncpg
import pytest

from tracker.model.commit import LATE, Commit, SavedVehicle, StoredPing
from tracker.model.ping import Ping
from tracker.stores.postgres.store import PostgresStore, connect
from tracker.stores.postgres.url import quoted

T0 = 1_790_000_000_250


async def test_the_view_tells_in_sql_what_was_stored(url_of: Callable[[str], str]) -> None:
    store = PostgresStore(url_of("postgresql"))
    await store.open()
    full = Ping("van-1", T0, 60.1234567, -24.5, speed_mps=1.25, heading=359.5, altitude_m=-3.5, accuracy_m=4.0)
    pings = [StoredPing(1, full, T0 + 1000), StoredPing(2, Ping("van-2", T0, -60.0, 24.5), T0, LATE)]
    await store.commit(Commit(pings=pings, vehicles=[SavedVehicle(1, "van-1", None), SavedVehicle(2, "van-2", None)]))
    connection = await connect(store.place)
    told = [tuple(row) for row in await connection.fetch("SELECT * FROM pings ORDER BY row")]
    await connection.close()
    await store.close()
    then = datetime(2026, 9, 21, 14, 13, 20, 250_000, UTC)
    assert told == [
        (1, "van-1", then, then.replace(second=21), "live", 60.1234567, -24.5, 1.25, 359.5, -3.5, 4.0),
        (2, "van-2", then, then, "late", -60.0, 24.5, None, None, None, None),
    ]


async def test_who_was_given_the_views_reads_them_and_nothing_else(url_of: Callable[[str], str]) -> None:
    store = PostgresStore(url_of("postgresql"))
    await store.open()
    ping = StoredPing(1, Ping("van-1", T0, 60.1, 24.5), T0)
    await store.commit(Commit(pings=[ping], vehicles=[SavedVehicle(1, "van-1", None)]))
    connection, schema, reader = await connect(store.place), store.place.quoted, quoted(f"{store.place.schema} reader")
    try:
        await connection.execute(
            f"""CREATE ROLE {reader};
            GRANT USAGE ON SCHEMA {schema} TO {reader};
            GRANT SELECT ON {schema}.pings, {schema}.boxes, {schema}.vehicles TO {reader};
            SET ROLE {reader};
            SET search_path TO public"""  # as a connection of theirs begins
        )
        told = await connection.fetch(f"SELECT vehicle, extract(epoch FROM time) * 1000 FROM {schema}.pings")
        assert [tuple(row) for row in told] == [("van-1", T0)]
        assert await connection.fetch(f"SELECT * FROM {schema}.boxes") == []
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch(f"SELECT * FROM {schema}.events")
        await connection.execute(f"RESET ROLE; DROP OWNED BY {reader}; DROP ROLE {reader}")
    finally:
        await connection.close()
        await store.close()


async def test_of_what_is_packed_a_view_tells_where_a_vehicle_was_and_when(url_of: Callable[[str], str]) -> None:
    store = PostgresStore(url_of("postgresql"))
    await store.open()
    told = ((0, 60.1, 24.5), (1, 60.2, 24.4), (7, -10.25, 25.5))
    times = [T0 + hour * 3_600_000 for hour, _, _ in told]
    pings = [StoredPing(1, Ping("van-1", at, lat, lon), at) for at, (_, lat, lon) in zip(times, told, strict=True)]
    await store.commit(Commit(pings=pings, vehicles=[SavedVehicle(1, "van-1", None)]))
    connection = await connect(store.place)
    sql = "SELECT * FROM boxes ORDER BY since"
    assert await connection.fetch(sql) == []
    await store.compact(T0 + 86_400_000)
    boxes = [tuple(row) for row in await connection.fetch(sql)]
    assert await connection.fetch("SELECT * FROM pings") == [], "what is packed is not told twice"
    await connection.close()
    await store.close()
    begin = datetime(2026, 9, 21, 14, 13, tzinfo=UTC)
    assert boxes == [("van-1", begin, begin.replace(hour=21, minute=14), 24.4, -10.25, 25.5, 60.2)]
