"""Several nodes share a store: whose a part of the fleet is, the database knows, and refuses everybody else."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from tests.support.committing import LEASE_MS, PARTS, T0, asked, by_hand, entered, told
from tests.support.leasing import Database
from tests.support.waiting import until
from tracker.errors import StoreError, StoreLocked, StoreUnusable
from tracker.model.commit import Commit, SavedVehicle
from tracker.nodes.leases import Round, Row
from tracker.nodes.partitions import partition_of
from tracker.stores.postgres import schema, shared
from tracker.stores.postgres.leases import lease_round
from tracker.stores.postgres.shared import SharedStore
from tracker.stores.postgres.store import PostgresStore, connect


@pytest.fixture
def node(url_of: Callable[[str], str]) -> Callable[[str], Any]:
    """A node by its name, that owns what it is told to."""
    url = url_of("postgresql")

    @asynccontextmanager
    async def made(name: str, *parts: int) -> AsyncIterator[SharedStore]:
        store = SharedStore(url, name, PARTS)
        await store.open()
        await store.lease_round(LEASE_MS, takes=[(part, 0) for part in parts])
        yield store
        await store.close()

    return made


# ---------------------------------------------------------------------------------------------------- rounds


@pytest.mark.parametrize("seed", range(3))
async def test_rounds_are_answered_as_the_nodes_expect(node: Any, seed: int) -> None:
    chance = random.Random(seed)
    names = ("one", "two", "three")
    model = Database(PARTS, LEASE_MS)

    def some(rows: Sequence[Row]) -> list[tuple[int, int]]:
        """Parts by their epoch, or one that is not theirs any more."""
        return [(at, rows[at].epoch - (chance.random() < 0.1)) for at in chance.sample(range(PARTS), 3)]

    async with node("anybody") as store:
        connection = await connect(store.place)
        await connection.execute("DELETE FROM nodes")
        for step in range(80):
            name = chance.choice(names)
            gives = some(model.rows) if chance.random() < 0.3 else []
            takes = some(model.rows) if chance.random() < 0.7 else []
            ask = Round(name, step, gives, takes, leaves=chance.random() < 0.1)
            if chance.random() < 0.1:  # somebody's lease is over
                gone = chance.choice(names)
                model.until[gone] = 0
                await connection.execute("UPDATE nodes SET until = now() WHERE node = $1", gone)
            view = await lease_round(connection, ask.node, 1, LEASE_MS, ask.gives, ask.takes, leaves=ask.leaves)
            assert view[:2] == (model.take_round(ask, 1).living, model.rows), ask
        await connection.close()


async def test_a_round_waits_for_no_commit_and_takes_nothing_that_one_holds(node: Any) -> None:
    async with node("one", 1, 2) as one, node("two") as two:
        held = await connect(one.place)
        async with held.transaction():
            await by_hand(held, "one", 1, [1], [1], told(1, 1))
            await asked(one, "UPDATE nodes SET until = now() WHERE node = 'one'")
            view = await two.lease_round(LEASE_MS, takes=[(1, 1), (2, 1)])
            assert view.rows[1:3] == [("one", 1), ("two", 2)]
        assert (await two.lease_round(LEASE_MS, takes=[(1, 1)])).rows[1] == ("two", 2)
        await held.close()


# --------------------------------------------------------------------------------------------------- fencing


@pytest.mark.parametrize(
    ("name", "parts", "epochs"),
    [
        ("one", [1], [0]),
        ("one", [1], [2]),
        ("one", [1], [None]),
        ("one", [1], []),
        ("one", [], []),
        ("one", [1, 2], [1, 0]),
        ("one", [1, 3], [1, 1]),
        ("one", [1, 4], [1, 0]),
        ("one", [1, PARTS], [1, 1]),
        ("two", [1], [1]),
        ("late", [5], [1]),
    ],
)
async def test_a_commit_by_an_epoch_that_is_not_its_node_s_is_refused_in_the_database(
    node: Any, name: str, parts: list[int], epochs: list[int | None]
) -> None:
    """1 and 2 are one's, 3 another's, 4 nobody's, and the lease of who has 5 is over."""
    async with node("one", 1, 2) as one, node("two", 3), node("late", 5):
        connection = await connect(one.place)
        await connection.execute("UPDATE nodes SET until = now() WHERE node = 'late'")
        with pytest.raises(asyncpg.PostgresError, match="lease") as refused:
            await by_hand(connection, name, 1, parts, epochs, told(1, 1, events=[entered(1, 1)]))
        assert refused.value.sqlstate == "TR002"
        for table in ("log", "events", "vehicles"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0
        assert await by_hand(connection, "one", 1, [1, 2], [1, 1], told(1, 1, events=[entered(1, 1)])) == [1]
        await connection.close()


async def test_a_node_that_was_paused_is_told_that_its_vehicles_are_another_s(node: Any) -> None:
    async with node("one", 1) as one, node("two") as two:
        await one.commit(told(1, 1, leases={1: 1}))
        await asked(one, "UPDATE nodes SET until = now() WHERE node = 'one'")
        await two.lease_round(LEASE_MS, takes=[(1, 1)])
        for _ in range(2):
            with pytest.raises(StoreError) as refused:
                await one.commit(told(1, 2, leases={1: 1}))
            assert refused.value.code == "fenced"
            await one.lease_round(LEASE_MS)  # it lives again, and does not know more
        await two.commit(told(1, 3, leases={1: 2}))
        await one.lease_round(LEASE_MS, takes=[(2, 0)])
        await one.commit(told(2, 1, leases={2: 1}))  # its others go on
        assert [one.ping.time for one in await two.track(1, 0, 1 << 60, None, 10)] == [T0 + 1000, T0 + 3000]


async def test_a_commit_that_waited_while_its_partition_was_taken_is_refused(node: Any) -> None:
    async with node("one", 1) as one:
        taking, committing = await connect(one.place), await connect(one.place)
        begun = taking.transaction()
        await begun.start()
        await taking.execute("UPDATE leases SET owner = 'two', epoch = epoch + 1 WHERE partition = 1")
        commit = asyncio.create_task(by_hand(committing, "one", 1, [1], [1], told(1, 1)))
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = $1"
        await until(lambda: taking.fetchval(waits, committing.get_server_pid()), "it waits")
        await begun.commit()
        with pytest.raises(asyncpg.PostgresError, match="lease of this node is over"):
            await commit
        await taking.close()
        await committing.close()


async def test_what_was_given_up_nobody_commits(node: Any) -> None:
    async with node("one", 1, 2) as one:
        await one.lease_round(LEASE_MS, gives=[(1, 1)])
        with pytest.raises(StoreError, match="takes these vehicles over"):
            await one.commit(told(1, 1, leases={1: 1, 2: 1}))
        await one.commit(told(1, 1, leases={2: 1}))
        await one.lease_round(LEASE_MS, leaves=True)
        with pytest.raises(StoreError, match="takes these vehicles over"):
            await one.commit(told(1, 2, leases={2: 1}))


async def test_of_a_shared_store_no_server_takes_the_whole(url_of: Callable[[str], str], node: Any) -> None:
    alone = PostgresStore(url_of("postgresql"))
    await alone.open()
    await alone.commit(told(7, 1))
    async with node("one", 1) as one:
        with pytest.raises(StoreUnusable, match="Another server has taken"):
            await alone.commit(told(7, 2))
        await alone.close()
        again = PostgresStore(one.url)
        with pytest.raises(StoreLocked, match="Several nodes share"):
            await again.open()
        assert (await one.number_vehicles(2), one.partitions) == (range(8, 10), PARTS)
    other = SharedStore(one.url, "other", 4 * PARTS)
    await other.open()
    assert other.partitions == PARTS, "as it was made"
    await other.close()


async def test_one_server_takes_the_whole_once_no_node_lives_and_nodes_share_it_again(node: Any) -> None:
    async with node("one", 1) as one:
        await one.commit(told(1, 1, leases={1: 1}))
        alone = PostgresStore(one.url)
        with pytest.raises(StoreLocked, match="Several nodes share"):
            await alone.open()
        await alone.close()
        await one.lease_round(LEASE_MS, leaves=True)
        await asked(one, "UPDATE head SET lasting = 1")
        alone = PostgresStore(one.url)
        with pytest.raises(StoreLocked, match="something was begun and is not done"):
            await alone.open()
        await alone.close()
        await asked(one, "UPDATE head SET lasting = 0")
        alone = PostgresStore(one.url)
        assert [vehicle.vehicle for vehicle in (await alone.open()).vehicles] == ["van-1"]
        await alone.commit(told(7, 1))
        with pytest.raises(StoreError, match="takes these vehicles over"):
            await one.commit(told(1, 2, leases={1: 1}))
        await alone.close()
    async with node("two") as two:
        shares = await two.lease_round(LEASE_MS, takes=[(1, 2)])
        assert (shares.rows[1], two.partitions) == (("two", 3), PARTS), "no epoch comes again"
        assert await two.number_vehicles(1) == range(8, 9)
        await two.commit(told(1, 2, leases={1: 3}))


async def test_the_tables_are_not_changed_beneath_older_nodes(node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with node("old", 1) as old:
        monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "SELECT 1"))
        monkeypatch.setattr(shared, "MIGRATIONS", schema.MIGRATIONS)
        new = SharedStore(old.url, "new", PARTS)
        with pytest.raises(StoreLocked, match=r"Older nodes share .* stop them first"):
            await new.open()
        await new.close()
        await old.lease_round(LEASE_MS, leaves=True)
        new = SharedStore(old.url, "new", PARTS)
        await new.open()
        assert await asked(new, "SELECT version FROM lease") == len(schema.MIGRATIONS)
        await new.lease_round(LEASE_MS)
        await new.close()
        monkeypatch.setattr(shared, "MIGRATIONS", schema.MIGRATIONS[:-1])
        with pytest.raises(StoreUnusable, match="written by a newer tracker meanwhile"):
            await old.lease_round(LEASE_MS, takes=[(1, 1)])  # it was paused, and wakes up
        assert await asked(old, "SELECT count(*) FROM nodes WHERE node = 'old'") == 0


# --------------------------------------------------------------------------------------------------- answers


async def test_a_commit_that_was_given_up_is_refused_when_it_comes_after_all(node: Any) -> None:
    async with node("one", 1) as one:
        connection = await connect(one.place)
        commit = told(1, 1, events=[entered(1, 1)])
        assert await connection.fetchval("SELECT answer_to('one', 3)") is None
        with pytest.raises(asyncpg.PostgresError, match="given up"):
            await by_hand(connection, "one", 3, [1], [1], commit)
        assert await by_hand(connection, "one", 4, [1], [1], commit) == [1]
        assert [await connection.fetchval("SELECT answer_to('one', $1)", n) for n in (3, 4, 4)] == [None, [1], [1]]
        await connection.close()


async def test_who_asks_for_an_answer_waits_for_the_commit_under_way(node: Any) -> None:
    async with node("one", 1) as one:
        under_way, asking = await connect(one.place), await connect(one.place)
        begun = under_way.transaction()
        await begun.start()
        assert await by_hand(under_way, "one", 1, [1], [1], told(1, 1, events=[entered(1, 1)])) == [1]
        with pytest.raises(asyncpg.LockNotAvailableError):
            await asking.execute("SET lock_timeout = '50ms'; SELECT answer_to('one', 1)")
        await begun.commit()
        assert await asking.fetchval("SELECT answer_to('one', 1)") == [1]
        await under_way.close()
        await asking.close()


async def test_commits_of_one_node_go_beside_each_other(node: Any) -> None:
    """Its parts are locked for others to take, not for itself."""
    async with node("one", 1, 2) as one:
        first, second = await connect(one.place), await connect(one.place, lock_timeout="5s")
        async with first.transaction():
            await by_hand(first, "one", 1, [1, 2], [1, 1], told(1, 1))
            await by_hand(second, "one", 2, [1, 2], [1, 1], told(2, 1))
        await first.close()
        await second.close()


# ------------------------------------------------------------------------------------------ numbers of vehicles


async def test_no_number_is_given_to_two_vehicles_and_no_vehicle_has_two(node: Any) -> None:
    async with node("one", 1) as one, node("two", 2) as two:
        given = [n for store in (one, two, one) for n in await store.number_vehicles(3)]
        assert given == list(range(1, 10))
        await one.commit(told(1, 1, leases={1: 1}))
        twice = Commit(vehicles=[SavedVehicle(4, "van-1", b"state")], leases={2: 1})
        with pytest.raises(StoreError, match="could not do this"):
            await two.commit(twice)
        assert await two.numbers() == {"van-1": 1}


# ------------------------------------------------------------------------------------------------- partitions


async def test_the_database_knows_which_partition_a_vehicle_is_in_as_nodes_do(node: Any) -> None:
    names = [*(f"van-{number}" for number in range(200)), "Länger", "車", "🚚", "a" * 64, " "]
    async with node("one", *range(PARTS)) as one:
        saved = [SavedVehicle(n, name, b"state") for n, name in enumerate(names, 1)]
        await one.commit(Commit(vehicles=saved, leases=dict.fromkeys(range(PARTS), 1)))
        for some in ([], [3], [0, 5, 7]):
            found = await one.load_partitions(some)
            assert sorted(found, key=lambda one: one.n) == [
                one for one in saved if partition_of(one.vehicle, PARTS) in some
            ]
        await asked(one, "ANALYZE vehicles")
        connection = await connect(one.place, enable_seqscan="off")
        sql = f"EXPLAIN SELECT n FROM vehicles WHERE partition_of(id, {PARTS}) = ANY('{{1,2}}'::int[])"
        plan = [line for (line,) in await connection.fetch(sql)]
        assert any("vehicles_by_partition" in line for line in plan), plan
        await connection.close()
