"""What is read and packed in PostgreSQL is a part of what there is at a time, and nobody sees that."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tracker.model.commit import Commit, SavedVehicle, StoredPing
from tracker.model.ping import Ping
from tracker.stores.packing import HOUR_MS, QUARTER_MS
from tracker.stores.postgres import packing, past
from tracker.stores.postgres.store import PostgresStore, connect

DAY_MS = 86_400_000
T0 = 1_790_000_000_000 // DAY_MS * DAY_MS
NEVER = 1 << 60


def fix(n: int, at: int) -> StoredPing:
    return StoredPing(n, Ping(f"van-{n}", at, 60.1 + n / 100, 24.9), at)


@pytest.mark.parametrize("numbers", [None, frozenset((1,)), frozenset((2, 3))])
async def test_pages_are_what_there_is_in_one(
    numbers: frozenset[int] | None, url_of: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PostgresStore(url_of("postgresql"))
    await store.open()
    await store.commit(Commit(vehicles=[SavedVehicle(n, f"van-{n}", None) for n in (1, 2, 3)]))
    for day in range(4):
        pings = [fix(n, T0 + day * DAY_MS + at) for at in range(0, 9000, 1000) for n in (1, 2, 3) if n < 3 or day == 3]
        for begin in range(0, len(pings), 5):
            await store.commit(Commit(pings=pings[begin : begin + 5]))
        if day < 3:
            await store.compact(T0 + (day + 1) * DAY_MS)
    whole = await store.arrivals(T0, NEVER, numbers, 0, 10_000)
    monkeypatch.setattr(past, "WINDOW", 4)
    monkeypatch.setattr(past, "LIST", 1)
    pages = []
    after = 0
    while page := await store.arrivals(T0, NEVER, numbers, after, 4):
        pages += page
        after = page[-1][0]
        assert len(page) == 4 or len(pages) == len(whole)
    assert pages == whole
    assert len(whole) == {None: 81, frozenset((1,)): 36, frozenset((2, 3)): 45}[numbers]
    await store.close()


async def test_older_parts_are_left_where_they_are_too_much_at_once_and_one_when_their_day_is_over(
    url_of: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MERGED", 0)
    store = PostgresStore(url_of("postgresql"))
    await store.open()
    await store.commit(Commit(vehicles=[SavedVehicle(n, f"van-{n}", None) for n in (1, 2)]))
    for quarter in range(3):
        await store.commit(Commit(pings=[fix(n, T0 + quarter * QUARTER_MS) for n in (1, 2)]))
        await store.compact(T0 + (quarter + 1) * QUARTER_MS)
    connection = await connect(store.place)
    parts = "SELECT n, count(*) FROM segments GROUP BY n ORDER BY n"
    assert dict(await connection.fetch(parts)) == {1: 3, 2: 3}
    await store.compact(T0 + 2 * DAY_MS)
    assert dict(await connection.fetch(parts)) == {1: 1, 2: 1}
    await connection.close()
    assert [len(await store.track(n, 0, NEVER, None, 10)) for n in (1, 2)] == [3, 3]
    await store.close()


async def nothing(*_asked: object) -> list[list[packing.Day]]:
    return []


async def test_only_days_of_which_something_came_lately_are_made_one(
    url_of: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MERGED", 0)
    store = PostgresStore(url_of("postgresql"))
    await store.open()
    await store.commit(Commit(vehicles=[SavedVehicle(n, f"van-{n}", None) for n in (1, 2, 3)]))
    for n, day, parts in ((1, 0, 2), (1, 3, 2), (2, 3, 3), (3, 3, 1), (3, 4, 2)):
        for part in range(parts):
            at = T0 + day * DAY_MS + part * QUARTER_MS
            await store.commit(Commit(pings=[fix(n, at)]))
            with monkeypatch.context() as patched:
                patched.setattr(packing, "loose", nothing)
                await store.compact(at + QUARTER_MS)
    connection = await connect(store.place)
    now = T0 + 4 * DAY_MS + 2 * HOUR_MS
    day = T0 // DAY_MS
    assert await packing.loose(connection, now, 0) == [[(1, day)], [(1, day + 3)], [(2, day + 3)]]
    assert await packing.loose(connection, now, T0 + DAY_MS) == [[(1, day + 3)], [(2, day + 3)]]
    monkeypatch.setattr(packing, "MERGED", 5)
    assert await packing.loose(connection, now, 0) == [[(1, day), (1, day + 3)], [(2, day + 3)]]
    monkeypatch.setattr(packing, "TIDIED", 1)
    assert len(await packing.loose(connection, now, 0)) == 3
    for _ in range(2):
        await store.compact(now)
        assert await packing.loose(connection, now, T0 + DAY_MS) == []
    assert await packing.loose(connection, now, 0) == [[(1, day)]], "it is looked at only at a start"
    await store.close()
    store = PostgresStore(store.url)
    await store.open()
    await store.compact(now)
    assert await packing.loose(connection, now, 0) == []
    assert [len(await store.track(n, 0, NEVER, None, 10)) for n in (1, 2, 3)] == [4, 3, 3]
    await store.compact(now + DAY_MS)
    assert await packing.loose(connection, now + DAY_MS, 0) == [], "a day that was not over is made one when it is"
    await connection.close()
    await store.close()
