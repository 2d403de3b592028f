"""Several nodes commit at once, and one of them has been at it for long: what has an order keeps it, nothing is passed
over, and nothing is told twice."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from tests.support.committing import T0, asked, by_hand, entered, told, under_way
from tests.support.waiting import deadline
from tracker.errors import InTheWay, StoreError
from tracker.model.commit import Commit
from tracker.stores.postgres import packing
from tracker.stores.postgres.shared import SharedStore
from tracker.stores.postgres.store import connect

NEVER = 1 << 60
LATER = T0 + 86_400_000


async def arrivals(store: SharedStore, after: int = 0) -> list[tuple[int, int, int]]:
    """(row, vehicle, seconds) of all that may be told in order."""
    page = await store.arrivals(0, NEVER, None, after, 1000)
    return [(row, told.n, (told.ping.time - T0) // 1000) for row, told, _ in page]


async def seconds(store: SharedStore, n: int) -> list[int]:
    return [(one.ping.time - T0) // 1000 for one in await store.track(n, 0, NEVER, None, 1000)]


async def test_a_cursor_passes_no_row_that_a_commit_under_way_has(nodes: Any) -> None:
    one, two = await nodes(2)
    await one.commit(told(1, 1, leases={0: 1}))
    async with under_way(two, 1, told(2, 1, 2)):
        await one.commit(told(1, 2, leases={0: 1}))
        assert await seconds(one, 1) == [1, 2], "whoever asks where it was is told at once"
        for ask in (one.arrivals(0, NEVER, None, 0, 100), one.pings_since(0, 0, 100)):
            assert [row for row, _, _ in await ask] == [1]
    assert await arrivals(one, 1) == [(2, 2, 1), (3, 2, 2), (4, 1, 2)]


async def test_what_a_commit_under_way_has_is_not_passed_by_what_is_packed(nodes: Any) -> None:
    one, two = await nodes(2)
    await one.commit(told(1, 1, leases={0: 1}))
    async with under_way(two, 1, told(2, 1, 2)):
        await one.commit(told(1, 2, leases={0: 1}))
        await one.compact(LATER)
        assert (await one.waiting(), await seconds(one, 1)) == (1, [1, 2])
    await one.compact(LATER)
    assert (await one.waiting(), await seconds(one, 1), await seconds(one, 2)) == (0, [1, 2], [1, 2])
    assert await arrivals(one) == [(1, 1, 1), (2, 2, 1), (3, 2, 2), (4, 1, 2)]


async def test_what_is_packed_passes_no_row_behind_numbers_that_nobody_has(
    nodes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each commit that fails leaves some."""
    monkeypatch.setattr("tracker.stores.postgres.packing.SLICE", 4)
    (one,) = await nodes(1)
    for at in (0, 3):
        for _ in range(2):
            with pytest.raises(StoreError, match="takes these vehicles over"):
                await one.commit(told(1, at, at + 1, at + 2, leases={1: 1}))
        await one.commit(told(1, at, at + 1, at + 2, leases={0: 1}))
    await one.compact(LATER)
    assert [row for row, _, _ in await arrivals(one)] == [7, 8, 9, 16, 17, 18]
    assert await one.waiting() == 0


async def test_a_commit_that_is_not_first_in_its_transaction_has_no_row(nodes: Any) -> None:
    """Its number would come later than it."""
    (one,) = await nodes(1)
    connection = await connect(one.place)
    await connection.execute("BEGIN; UPDATE nodes SET until = until")
    with pytest.raises(asyncpg.PostgresError, match="comes first in its transaction"):
        await by_hand(connection, "node-0", 1, [0], [1], told(1, 1))
    await connection.close()


async def test_one_node_packs_and_another_does_when_that_is_gone(nodes: Any) -> None:
    one, two = await nodes(2)
    await one.commit(told(1, 1, leases={0: 1}))
    await one.compact(LATER)
    await one.commit(told(1, 2, leases={0: 1}))
    await two.compact(LATER)
    assert await two.waiting() == 1, "not its turn"
    assert one._keeper is not None and one._epoch
    await one._keeper.close()
    await two.compact(LATER)
    assert await two.waiting() == 0
    for ask in (one.note_rules([], 0), one.drop_days([(1, 0)])):
        with pytest.raises(InTheWay, match="another node does this"):
            await ask
    assert await two.does_chores() and not await one.does_chores()
    await one.commit(told(1, 3, leases={0: 1}))  # it has lost no more than that


async def test_who_would_pack_waits_for_nobody_who_still_does(nodes: Any) -> None:
    """It has its rounds to ask for meanwhile."""
    (one,) = await nodes(1)
    packing = await connect(one.place)
    async with packing.transaction():
        await packing.execute("SELECT hold_lease(epoch) FROM lease")
        does = asyncio.create_task(one.does_chores())
        done, _ = await asyncio.wait({does}, timeout=deadline(10))
        assert done and not does.result()
    assert await one.does_chores()
    await packing.close()


async def test_what_one_node_packs_of_a_vehicle_that_another_erases_meanwhile_is_nowhere(
    nodes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = await nodes(2)
    await one.commit(told(1, 1, leases={0: 1}))
    await two.commit(told(2, 1, leases={1: 1}))
    erased = [Commit(erased=["van-1"], leases={0: 1})]
    plan = packing.plan

    async def read_early(connection: Any, until: int) -> packing.Change | None:
        change = await plan(connection, until)
        while erased:
            await one.commit(erased.pop())
        return change

    monkeypatch.setattr(packing, "plan", read_early)
    await two.compact(LATER)
    assert await asked(one, "SELECT array_agg(n) FROM segments") == [2]
    assert (await seconds(one, 1), await seconds(one, 2), await two.waiting()) == ([], [1], 0)


# ------------------------------------------------------------------------------------------- all of it at once

FIRST, THEN = range(1, 21), range(21, 41)  #: commits of each node
EACH = 2  #: events of a commit


async def feed(store: SharedStore, part: int, numbers: range) -> None:
    for number in numbers:
        events = [entered(part + 1, number * EACH + one) for one in range(EACH)]
        await store.commit(told(part + 1, number, events=events, leases={part: 1}))


async def hear(store: SharedStore, count: int, others: list[SharedStore]) -> list[tuple[int, str]]:
    """Events, as this node is told of them; it tells others that there are some."""
    heard: list[tuple[int, str]] = []
    while len(heard) < count:
        heard += [(event.seq, event.id) for event in await store.number_events()]
        for other in others:
            other.look_for_events()
    return heard


async def follow(store: SharedStore, done: asyncio.Event) -> list[tuple[int, int, int]]:
    """All rows, by a cursor, packed meanwhile or not."""
    followed: list[tuple[int, int, int]] = []
    while True:
        last = done.is_set()
        page = await arrivals(store, followed[-1][0] if followed else 0)
        followed += page
        await store.compact(LATER)
        if last and not page:
            return followed


async def kill_one_that_numbers(store: SharedStore) -> None:
    """It has given numbers, and ends before that is so; then there is another one."""
    for _ in range(5):
        connection = await connect(store.place)
        await connection.execute("BEGIN")
        await connection.fetch("SELECT * FROM number_events(1000, 0)")
        killer = await connect(store.place)
        await killer.fetchval("SELECT pg_terminate_backend($1)", connection.get_server_pid())
        await killer.close()
        connection.terminate()


async def test_three_nodes_commit_while_one_is_paused_and_whoever_numbers_is_killed(nodes: Any) -> None:
    stores = await nodes(4)
    done = asyncio.Event()
    count = 3 * len([*FIRST, *THEN]) * EACH + 1
    async with asyncio.timeout(deadline(60)):
        hearing = [asyncio.create_task(hear(store, count, stores)) for store in stores]
        following = asyncio.create_task(follow(stores[0], done))
        feeding = [feed(store, part, FIRST) for part, store in enumerate(stores[:3])]
        await asyncio.gather(*feeding, kill_one_that_numbers(stores[0]))
        async with under_way(stores[3], 3, told(4, 1, events=[entered(4, 1)])):
            await asyncio.gather(*(feed(store, part, THEN) for part, store in enumerate(stores[:3])))
            assert await stores[1].last_seq() <= 3 * len(FIRST) * EACH, "the others come after it"
            assert await seconds(stores[1], 1) == [*FIRST, *THEN]
        stores[0].look_for_events()  # as who committed it would say
        heard = await asyncio.gather(*hearing)
        done.set()
        followed = await following
    assert [heard_by == heard[0] for heard_by in heard] == [True] * 4
    assert [seq for seq, _ in heard[0]] == list(range(1, count + 1)), "gapless and in order, to everybody"
    ids = [id for _, id in heard[0]]
    for n in (1, 2, 3):
        mine = [entered(n, EACH + at).id for at in range(len([*FIRST, *THEN]) * EACH)]
        assert [id for id in ids if id in set(mine)] == mine, "of a vehicle in the order they happened"
    rows = [row for row, _, _ in followed]
    assert rows == sorted(set(rows))
    expected = {(n, at) for n in (1, 2, 3) for at in (*FIRST, *THEN)} | {(4, 1)}
    assert sorted((n, at) for _, n, at in followed) == sorted(expected), "each of them once"
    assert await arrivals(stores[1]) == followed
