"""In PostgreSQL a day is a table of its own, and goes with it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tracker.model.commit import Commit, SavedVehicle, StoredPing
from tracker.model.ping import Ping
from tracker.stores.arrived import Asked
from tracker.stores.packing import DAY_MS
from tracker.stores.postgres import past
from tracker.stores.postgres.store import PostgresStore, connect

TODAY = int(time.time() * 1000) // DAY_MS
NOW = (TODAY + 1) * DAY_MS
NEVER = 1 << 60
FIRST = TODAY - 40  #: of three days
ANCIENT = 11_000  #: in 2000


def ping(n: int, day: int, at: int = 0) -> StoredPing:
    return StoredPing(n, Ping(f"van-{n}", day * DAY_MS + at, 60.1, 24.9), day * DAY_MS + at)


@pytest.fixture
async def store(url_of: Callable[[str], str]) -> AsyncIterator[PostgresStore]:
    """Two vehicles on three days."""
    store = PostgresStore(url_of("postgresql"))
    await store.open()
    await store.commit(Commit(vehicles=[SavedVehicle(n, f"van-{n}", None) for n in (1, 2)]))
    pings = [ping(n, FIRST + day, at) for day in range(3) for n in (1, 2) for at in (0, 1000)]
    await store.commit(Commit(pings=pings))
    await store.compact(NOW)
    yield store
    await store.close()


async def ask(store: PostgresStore, sql: str, *values: Any) -> list[Any]:
    connection = await connect(store.place)
    try:
        return [one for (one,) in await connection.fetch(sql, *values)]
    finally:
        await connection.close()


async def tables(store: PostgresStore) -> list[int]:
    """Days (of those from FIRST on) that have one."""
    sql = "SELECT day FROM generate_series($1::int, $1 + 2) AS day WHERE to_regclass(table_of_day(day)) IS NOT NULL"
    return [day - FIRST for day in await ask(store, sql, FIRST)]


async def kept(store: PostgresStore, n: int) -> list[int]:
    """Days of which something of a vehicle is there, as often as there are fixes of it."""
    return [one.ping.time // DAY_MS - FIRST for one in await store.track(n, 0, NEVER, None, 100)]


async def test_a_day_that_goes_for_all_goes_with_its_table(store: PostgresStore) -> None:
    days = [(n, (FIRST + day) * DAY_MS) for n in (1, 2) for day in (0, 1)]
    assert await store.drop_days(days) == 8
    assert await tables(store) == [2]
    assert await kept(store, 1) == await kept(store, 2) == [2, 2]
    assert await store.gone() == {FIRST * DAY_MS: 4, (FIRST + 1) * DAY_MS: 4}


async def test_a_fix_of_a_day_that_is_gone_is_kept_as_any_other(store: PostgresStore) -> None:
    await store.drop_days([(n, FIRST * DAY_MS) for n in (1, 2)])
    await store.commit(Commit(pings=[ping(2, FIRST, 5000)]))
    await store.compact(NOW + DAY_MS)
    assert await tables(store) == [0, 1, 2]
    assert await kept(store, 2) == [0, 1, 1, 2, 2]


async def test_of_a_day_that_goes_for_one_the_others_stay(store: PostgresStore) -> None:
    assert await store.drop_days([(1, FIRST * DAY_MS)]) == 2
    assert await tables(store) == [0, 1, 2]
    assert (await kept(store, 1), await kept(store, 2)) == ([1, 1, 2, 2], [0, 0, 1, 1, 2, 2])


async def test_while_somebody_reads_a_day_goes_nevertheless_and_its_table_later(store: PostgresStore) -> None:
    reader = await connect(store.place)
    async with reader.transaction():
        await reader.execute("SELECT FROM segments LIMIT 1")
        assert await store.drop_days([(n, FIRST * DAY_MS) for n in (1, 2)]) == 4
    await reader.close()
    assert await kept(store, 1) == [1, 1, 2, 2]
    assert await tables(store) == [0, 1, 2]
    await store.drop_days([(n, (FIRST + 2) * DAY_MS) for n in (1, 2)])
    assert await tables(store) == [1]


async def test_days_long_ago_make_no_tables_whatever_a_device_says(store: PostgresStore) -> None:
    count = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'segments'::regclass"
    before = await ask(store, count)
    await store.commit(Commit(pings=[ping(1, ANCIENT + day) for day in range(9)]))
    await store.compact(NOW + DAY_MS)
    assert await ask(store, count) == before
    assert len(await kept(store, 1)) == 6 + 9
    assert await store.drop_days([(1, ANCIENT * DAY_MS)]) == 1
    assert len(await kept(store, 1)) == 6 + 8


async def test_a_question_about_a_day_looks_at_its_table_only(store: PostgresStore) -> None:
    where, values = past._segments(Asked((FIRST + 1) * DAY_MS, (FIRST + 2) * DAY_MS, numbers=frozenset((1,))))
    plan = "\n".join(await ask(store, f"EXPLAIN SELECT body FROM segments WHERE {where}", *values))
    (mine,) = await ask(store, "SELECT table_of_day($1)", FIRST + 1)
    assert mine in plan and plan.count("segments_2") == plan.count(mine) and "segments_before" not in plan
