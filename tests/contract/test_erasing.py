"""A vehicle is erased by a node that does not own it, while its owner commits what it tells: nothing of that stays."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.committing import T0, asked, entered, told, under_way
from tests.support.waiting import until
from tracker.model.commit import LATE, Commit, SavedVehicle, StoredPing
from tracker.model.ping import Ping
from tracker.stores import EventQuery
from tracker.stores.postgres.shared import SharedStore

NEVER = 1 << 60
LATER = T0 + 86_400_000
ERASED = Commit(erased=["van-1"])

Between = Callable[[SharedStore, SharedStore], Awaitable[None]]


async def hears(owner: SharedStore) -> None:
    """It follows what the other did."""
    await owner.commit(Commit(vehicles=[SavedVehicle(1, "van-1", None)], erased=["van-1"], leases={0: 1}))


async def of_van_1(store: SharedStore) -> dict[str, Any]:
    """All there is of it, wherever that is."""
    tables = {
        "log": "1 = ANY(numbers) OR extra LIKE '%Ann%'",
        "segments": "n = 1",
        "vehicles": "id = 'van-1' OR n = 1 AND state IS NOT NULL",
        "events": "vehicle <> 'van-2' AND kind <> 'erased' OR body LIKE '%van-1%'",
    }
    found = {name: await asked(store, f"SELECT count(*) FROM {name} WHERE {where}") for name, where in tables.items()}
    found["track"] = len(await store.track(1, 0, NEVER, None, 100))
    return {name: count for name, count in found.items() if count}


async def commits(owner: SharedStore, _other: SharedStore) -> None:
    await owner.commit(told(1, 2, events=[entered(1, 2)], leases={0: 1}))


async def commits_what_is_late(owner: SharedStore, _other: SharedStore) -> None:
    """No state changes by it."""
    late = StoredPing(1, Ping("van-1", T0 - 9000, 60.1, 24.9, driver="Ann"), T0 + 2000, LATE)
    await owner.commit(Commit(pings=[late], leases={0: 1}))


async def commits_and_all_is_packed(owner: SharedStore, other: SharedStore) -> None:
    await commits(owner, other)
    await other.compact(LATER)


@pytest.mark.parametrize("between", [commits, commits_what_is_late, commits_and_all_is_packed])
async def test_what_an_owner_commits_before_it_hears_of_it_goes_when_it_does(nodes: Any, between: Between) -> None:
    owner, other = await nodes(2)
    await owner.commit(told(1, 1, events=[entered(1, 1)], leases={0: 1}))
    await other.commit(told(2, 1, events=[entered(2, 1)], leases={1: 1}))
    await other.commit(ERASED)
    assert await of_van_1(other) == {}
    await between(owner, other)
    await hears(owner)
    assert await of_van_1(other) == {}
    await owner.compact(LATER)
    assert await of_van_1(other) == {}
    assert len(await owner.track(2, 0, NEVER, None, 10)) == 1
    assert {one.vehicle for one in await owner.events(EventQuery())} <= {"", "van-2"}
    await owner.commit(Commit(vehicles=[SavedVehicle(3, "van-1", b"new")], leases={0: 1}))
    assert await owner.numbers() == {"van-1": 3, "van-2": 2}, "who reports under this name is another vehicle"


async def test_what_an_owner_has_under_way_when_another_erases_goes_with_it(nodes: Any) -> None:
    owner, other = await nodes(2)
    async with under_way(owner, 0, told(1, 1, leases={0: 1})):
        await other.commit(ERASED)  # it is a new one: nobody knows of it yet
    assert await of_van_1(other) == {"log": 1, "vehicles": 1, "track": 1}
    owner._commits = 1
    await hears(owner)
    assert await of_van_1(other) == {}
    await owner.commit(told(2, 1, leases={0: 1}))
    async with under_way(owner, 0, told(2, 2, leases={0: 1}), 9):
        erasing = asyncio.create_task(other.commit(Commit(erased=["van-2"])))
        await until(lambda: asked(other, "SELECT count(*) FROM pg_locks WHERE NOT granted"), "it waits")
    await erasing
    assert await asked(other, "SELECT count(*) FROM log WHERE 2 = ANY(numbers)") == 0


async def test_what_an_owner_committed_that_never_heard_of_it_is_nowhere_once_it_is_packed(nodes: Any) -> None:
    """It was killed, and whoever has its vehicles now has none of that name."""
    owner, other = await nodes(2)
    await owner.commit(told(1, 1, leases={0: 1}))
    await other.commit(ERASED)
    await owner.commit(told(1, 2, leases={0: 1}))
    await other.commit(told(2, 2, leases={1: 1}))
    assert await other.load_partitions(list(range(other.partitions))) == [SavedVehicle(2, "van-2", b"state")]
    assert [vehicle for _, _, vehicle in await other.arrivals(0, NEVER, None, 0, 100)] == ["van-2"]
    await other.compact(LATER)
    assert (await of_van_1(other), await other.waiting()) == ({}, 0)
