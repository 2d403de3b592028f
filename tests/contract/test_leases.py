"""One server writes: what another one says is refused by the database, whatever it believes itself. Numbers are told
whatever becomes of the way there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from tests.support.committing import cut_once
from tests.support.waiting import deadline
from tracker.errors import StoreError, StoreUnusable
from tracker.model.change import Registered
from tracker.model.commit import Commit, SavedRegion
from tracker.model.events import Event, event_id
from tracker.stores import read_store
from tracker.stores.postgres.store import COMMIT, PostgresStore, _values, connect


def entered(number: int) -> Event:
    id = event_id("enter", "van-1", "depot", number)
    return Event(id, "enter", "van-1", number, number, "moved", 60.1, 24.9, region="depot", version=1)


async def soon(answer: Awaitable[list[Event]]) -> list[Event]:
    task = asyncio.ensure_future(answer)
    done, _ = await asyncio.wait({task}, timeout=deadline(10))
    assert done, "it is answered"
    return task.result()


VAN = Commit(registered=[Registered("van-1", "Van 1")])


@pytest.fixture
async def store(url_of: Callable[[str], str]) -> AsyncIterator[PostgresStore]:
    """Of a server."""
    one = PostgresStore(url_of("postgresql"))
    await one.open()
    yield one
    await one.close()


@pytest.fixture
async def paused(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> PostgresStore:
    """It was paused, and does not notice that its lock is gone with its connections."""
    cut = await connect(store.place)
    await cut.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
    )
    await cut.close()

    async def notice() -> None: ...

    monkeypatch.setattr(store, "_keep", notice)
    return store


async def test_what_a_server_commits_whose_place_was_taken_is_refused(paused: PostgresStore) -> None:
    other = PostgresStore(paused.url)
    await other.open()
    for _ in range(2):
        with pytest.raises(StoreUnusable, match="Another server has taken"):
            await paused.commit(VAN)
    assert (await other.load()).registered == []
    await other.commit(VAN)
    await other.close()


async def test_an_old_epoch_is_refused_by_the_database_itself(store: PostgresStore) -> None:
    other = await connect(store.place)
    await other.execute("SELECT hold_lease(epoch) FROM lease")
    for wrong in ("epoch - 1", "epoch + 1"):
        with pytest.raises(asyncpg.PostgresError, match="another server has taken this store"):
            await other.execute(f"SELECT hold_lease({wrong}) FROM lease")
    await other.close()


async def test_a_commit_by_an_old_epoch_is_refused_by_the_database_itself(url_of: Callable[[str], str]) -> None:
    store = PostgresStore(url_of("postgresql"))
    await store.open()
    other = await connect(store.place)
    with pytest.raises(asyncpg.PostgresError, match="another server has taken this store"):
        await other.fetchval(COMMIT, str(store._epoch), 1, None, [store._epoch - 1], *_values(VAN))
    await other.close()
    await store.close()


async def test_what_it_packs_is_refused(paused: PostgresStore) -> None:
    other = PostgresStore(paused.url)
    await other.open()
    with pytest.raises(StoreUnusable, match="Another server has taken"):
        await paused.note_rules(["*:1/2"], 0)
    assert await other.rules_known() == ([], 0)
    await other.close()


async def test_what_was_numbered_when_the_answer_did_not_arrive_is_told(store: PostgresStore) -> None:
    await store.commit(Commit(events=[entered(1), entered(2)]))
    other = await connect(store.place)
    await other.execute("SELECT number_events(1000, 0)")
    await other.close()
    await store.commit(Commit(events=[entered(3)]))
    assert [event.seq for event in await soon(store.number_events())] == [1, 2, 3]


async def test_numbers_are_asked_for_again_after_a_fault(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    await store.commit(Commit(events=[entered(1)]))
    with monkeypatch.context() as patched:
        patched.setattr("tracker.stores.postgres.store.NUMBERED", "many")
        with pytest.raises(StoreError):
            await soon(store.number_events())
    assert [event.seq for event in await soon(store.number_events())] == [1]


async def test_a_commit_whose_answer_did_not_arrive_is_known_to_be_one(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.commit(Commit(events=[entered(1)]))
    cut_once(monkeypatch, before=False)
    region = SavedRegion("depot", 1, 0, {"type": "Feature"})
    try:
        fresh = await store.commit(Commit(events=[entered(1), entered(2)], regions=[region]))
    except StoreError as error:
        pytest.fail(f"it was committed, and is said not to be: {error}")
    assert [event.time for event in fresh] == [2]
    assert await store.commit(Commit(regions=[SavedRegion("depot", 2, 1, None)])) == []


async def test_a_commit_that_did_not_arrive_is_known_to_be_none(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.commit(Commit(events=[entered(1)]))
    cut_once(monkeypatch, before=True)
    with pytest.raises(StoreError):
        await store.commit(Commit(events=[entered(2)]))
    assert len(await store.commit(Commit(events=[entered(2)]))) == 1


async def test_while_nobody_else_took_it_a_lost_lock_is_taken_again(store: PostgresStore) -> None:
    assert store._keeper is not None
    await store._keeper.close()
    await store.commit(VAN)
    reader = read_store(store.url)
    assert len((await reader.open()).registered) == 1
    await reader.close()
