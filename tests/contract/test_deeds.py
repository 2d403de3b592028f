"""What people do at several nodes is one journal: in one order, each deed decided on the one before it, none unseen."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from tests.support.committing import LEASE_MS, T0, asked, cut_once, entered, told
from tests.support.waiting import until
from tracker.errors import StoreError, StoreUnusable
from tracker.model.change import Acked, Registered
from tracker.model.commit import Commit, SavedRegion, SharedDeed
from tracker.model.records import Audit, Record
from tracker.stores import AuditQuery
from tracker.stores.postgres.shared import SharedStore
from tracker.stores.postgres.store import connect

LATER = T0 + 86_400_000


def did(after: int, **what: Any) -> Commit:
    """A deed that was decided on what there was after that place."""
    said = {"unregistered": what["removed"]} if "removed" in what else {}
    stored = {name: value for name, value in what.items() if name not in ("removed", "edit")} | said
    return Commit(**stored, deed=SharedDeed(T0, after=after, **what))


def registered(name: str) -> dict[str, Any]:
    return {"registered": [Registered("van-1", name)]}


async def refusal(store: SharedStore, commit: Commit) -> str:
    """Nothing when it is taken."""
    try:
        await store.commit(commit)
    except StoreError as error:
        return error.code
    return ""


async def all_parts(store: SharedStore) -> dict[int, int]:
    """What is nobody's is this node's from now on, too; its partitions and epochs."""
    rows = (await store.lease_round(LEASE_MS)).rows
    takes = [(part, epoch) for part, (owner, epoch) in enumerate(rows) if owner is None]
    rows = (await store.lease_round(LEASE_MS, takes=takes)).rows
    return {part: epoch for part, (owner, epoch) in enumerate(rows) if owner == store.node}


async def places(store: SharedStore, after: int = 0) -> list[int]:
    return [place for place, _ in await store.deeds_after(after)]


# ------------------------------------------------------------------------------------------------------ one order


async def test_deeds_of_several_nodes_have_one_order_and_no_gaps(nodes: Any) -> None:
    stores = await nodes(3)
    each = 15

    async def act(store: SharedStore) -> tuple[list[str], int]:
        """Who is overtaken follows, and tries again."""
        place, overtaken, names = 0, 0, [f"{store.node} {at}" for at in range(each)]
        for name in names:
            while code := await refusal(store, did(place, **registered(name))):
                assert code == "outrun"
                overtaken += 1
                place = (await store.deeds_after(place))[-1][0]
            place += 1
        return names, overtaken

    acted = await asyncio.gather(*(act(store) for store in stores))
    followed = [await store.deeds_after(0) for store in stores]
    assert followed[0] == followed[1] == followed[2]
    assert [place for place, _ in followed[0]] == list(range(1, 3 * each + 1))
    done = [deed.registered[0].name for _, deed in followed[0]]
    for names, _ in acted:
        assert [one for one in done if one in names] == names
    assert sum(overtaken for _, overtaken in acted) > 0, "they were in each other's way"
    assert [one.name for one in (await stores[0].load()).registered] == [done[-1]]


async def test_a_deed_that_was_decided_on_what_is_not_so_any_more_is_refused_and_changes_nothing(nodes: Any) -> None:
    one, two = await nodes(2)
    await one.commit(did(0, **registered("first")))
    commit = told(
        2, 1,
        events=[entered(2, 1)], leases={1: 1}, audit=[Audit(T0, "ana", "", "x", "y", None, None)], meta={"edit": "{}"},
        regions=[SavedRegion("depot", 1, T0, {"type": "Feature"})], records=[Record("user", "ana", 1, {})],
        unregistered=["van-2"], **registered("second"),
    )  # fmt: skip
    before = await two.load()
    for place in (0, 2, -1):
        commit.deed = SharedDeed(T0, after=place)
        assert await refusal(two, commit) == "outrun"
        assert (await two.load(), await two.audit(AuditQuery())) == (before, [])
        counts = [await asked(two, f"SELECT count(*) FROM {table}") for table in ("log", "events", "journal")]
        assert counts == [0, 0, 1]
    commit.deed = SharedDeed(T0, after=1)
    assert len(await two.commit(commit)) == 1
    loaded = await one.load()
    assert (loaded.deed, [one.name for one in loaded.registered], len(loaded.regions)) == (2, ["second"], 1)


async def test_a_deed_waits_for_the_one_under_way_and_is_refused_when_that_is_there(nodes: Any) -> None:
    one, two = await nodes(2)
    connection = await connect(one.place)
    begun = connection.transaction()
    await begun.start()
    await connection.execute("SELECT write_deed('node-9', 0, false, '{\"at\":1}')")
    deed = asyncio.create_task(refusal(two, did(0, **registered("later"))))
    await until(lambda: asked(one, "SELECT count(*) FROM pg_locks WHERE NOT granted"), "it waits")
    await one.commit(told(1, 1, leases={0: 1}))  # what vehicles tell waits for no deed
    assert await places(one) == []
    await begun.commit()
    await connection.close()
    assert await deed == "outrun"
    assert await places(two) == [1]


async def test_a_deed_whose_answer_did_not_arrive_is_known_to_be_done_or_not_to_be(
    nodes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = await nodes(2)
    for before in (True, False):
        with monkeypatch.context() as patched:
            cut_once(patched, before=before)
            assert bool(await refusal(one, did(0, removed=["van-9"]))) == before
        assert await places(two) == ([] if before else [1])
    assert await refusal(two, did(0, **registered("Van"))) == "outrun"
    await one.commit(did(1, **registered("Van")))


async def test_a_round_tells_where_the_journal_is_and_when(nodes: Any) -> None:
    one, two = await nodes(2)
    assert (await two.lease_round(LEASE_MS)).deed == 0
    await one.commit(did(0, **registered("Van")))
    told = await two.lease_round(LEASE_MS)
    now = await asked(two, "SELECT (extract(epoch FROM now()) * 1000)::bigint")
    assert told.deed == 1
    assert 0 <= now - told.clock < 60_000


# ----------------------------------------------------------------------------------------------- what is followed

REGION = SavedRegion("depot", 1, T0, {"type": "Feature", "properties": {"name": "Zoë \u2028 🚚"}, "n": [1, 1.5, None]})
KINDS: dict[str, dict[str, Any]] = {
    "regions saved": {"regions": [REGION], "edit": '{"at": 1, "regions": ["depot"]}'},
    "regions deleted": {"regions": [SavedRegion("depot", 2, T0, None)], "edit": '{"at": 2, "deleted": ["depot"]}'},
    "registered": {"registered": [Registered("van-1", "Van één", "AB-12", "north", "van", {"axles": 2})]},
    "removed": {"removed": ["van-1"]},
    "erased": {"removed": ["van-1"], "erased": ["van-1"], "records": [Record("trip", "t", 2, None)]},
    "acknowledged": {"acked": [Acked("e", "Ann", T0)]},
    "taken back": {"acked": [Acked("e", None, T0)]},
    "records": {"records": [Record("user", "ana", 1, {"name": "Zoë"}), Record("session", "s", 1, {"at": 1}, False)]},
    "gone records": {"records": [Record("session", "s", 2, None, lasting=False)]},
}


@pytest.mark.parametrize("kind", KINDS)
async def test_what_other_nodes_follow_is_what_was_done(nodes: Any, kind: str) -> None:
    one, two = await nodes(2)
    commit = did(0, **KINDS[kind])
    await one.commit(commit)
    assert commit.deed is not None
    assert await two.deeds_after(0) == [(1, msgspec.structs.replace(commit.deed, after=0))]
    assert await two.deeds_after(1) == []
    assert (await two.load()).deed == 1
    assert commit.deed.lasts == (kind.split()[0] in ("regions", "removed", "erased"))


async def test_what_is_no_deed_is_in_no_journal(nodes: Any) -> None:
    one, two = await nodes(2)
    await one.commit(told(1, 1, events=[entered(1, 1)], leases={0: 1}))
    await one.commit(Commit(registered=[Registered("van-1", "Van")]))
    assert (await two.deeds_after(0), (await two.load()).deed) == ([], 0)


async def test_a_page_of_deeds_is_followed_by_the_next(nodes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.stores.postgres.shared.DEEDS", 2)
    (one,) = await nodes(1)
    for place in range(5):
        await one.commit(did(place, **registered("Van")))
    assert [await places(one, after) for after in (0, 2, 4, 5)] == [[1, 2], [3, 4], [5], []]


# ------------------------------------------------------------------------------------------------- until all have seen it


async def test_a_lasting_deed_waits_until_every_part_has_seen_the_one_before(nodes: Any) -> None:
    one, two = await nodes(2)
    mine = await all_parts(one)
    await one.commit(did(0, removed=["van-8"]))
    assert await refusal(two, did(1, removed=["van-9"])) == "outrun"
    await two.commit(did(1, **registered("others go on")))
    await one.mark(mine, 2)
    assert await two.marked() == 0, "two has not"
    assert await refusal(one, did(2, edit="{}")) == "outrun"
    await two.mark({1: 1}, 1)
    assert await two.marked() == 1
    await two.commit(did(2, edit="{}"))
    assert await refusal(one, did(3, edit="{}")) == "outrun"


async def test_only_who_owns_a_part_marks_it_and_no_mark_goes_back(nodes: Any) -> None:
    one, two = await nodes(2)
    mine = await all_parts(one)
    await one.commit(did(0, **registered("Van")))
    await one.mark(mine, 1)
    for store, parts in ((one, {1: 1}), (one, {0: 1, 1: 1}), (two, {1: 0}), (two, {1: 2}), (two, {0: 1, 1: 1})):
        with pytest.raises(StoreError) as error:
            await store.mark(parts, 1)
        assert (error.value.code, await two.marked()) == ("fenced", 0)
    await two.mark({1: 1}, 1)
    await one.mark(mine, 0)
    assert await two.marked() == 1
    await asked(one, "UPDATE nodes SET until = now() WHERE node = 'node-1'")
    with pytest.raises(StoreError, match="takes these vehicles over"):
        await two.mark({1: 1}, 2)


UNSEEN = [("van-8", False), ("van-9", True)]


async def test_who_takes_a_part_over_is_told_whose_removal_was_not_seen_there(nodes: Any) -> None:
    one, two = await nodes(2)
    mine = await all_parts(one)
    await one.commit(did(0, removed=["van-7"]))
    await one.mark(mine, 1)
    await two.mark({1: 1}, 1)
    await one.commit(did(1, removed=["van-8", "van-9"], erased=["van-9"]))
    await one.commit(did(2, **registered("Van")))
    await one.mark(mine, 3)
    assert await one.removed_unseen([1]) == await one.removed_unseen([0, 1]) == UNSEEN
    assert await one.removed_unseen([0, 2]) == []


# --------------------------------------------------------------------------------------------------- what is kept


async def kept(store: SharedStore) -> list[int]:
    places: list[int] = await asked(store, "SELECT array_agg(place ORDER BY place) FROM journal")
    return places


async def test_what_was_done_a_day_ago_goes_once_every_part_has_seen_it(nodes: Any) -> None:
    one, two = await nodes(2)
    mine = await all_parts(one)
    await one.commit(did(0, **registered("Van")))
    await one.commit(did(1, removed=["van-9"]))
    await one.commit(did(2, **registered("Van")))
    await asked(one, "UPDATE journal SET at = now() - interval '25 hours'")
    await one.commit(did(3, **registered("Van")))
    await one.mark(mine, 4)
    await one.compact(LATER)
    assert await kept(two) == [1, 2, 3, 4], "two has seen none"
    await two.mark({1: 1}, 1)
    await two.compact(LATER)  # has nothing to do with it: one does the chores
    assert await kept(two) == [1, 2, 3, 4]
    await one.compact(LATER)
    assert await kept(two) == [2, 3, 4]
    assert await one.removed_unseen([1]) == [("van-9", False)]
    await two.mark({1: 1}, 2)
    await one.compact(LATER)
    assert await kept(two) == [4], "what is younger stays, and what nobody has to have seen goes"
    assert (await two.load()).deed == 4


async def test_a_node_that_missed_what_went_meanwhile_does_nothing_more(nodes: Any) -> None:
    one, two = await nodes(2)
    for place in range(3):
        await one.commit(did(place, **registered("Van")))
        if place == 1:
            await asked(one, "UPDATE journal SET at = now() - interval '25 hours'")
    await one.compact(LATER)
    assert await places(one, 2) == [3]
    with pytest.raises(StoreUnusable, match="start it again"):
        await two.deeds_after(1)
    with pytest.raises(StoreUnusable, match="start it again"):
        await two.commit(told(2, 1, leases={1: 1}))
    await asked(one, "UPDATE journal SET at = now() - interval '25 hours'")
    await one.compact(LATER)
    assert await places(one, 3) == []
    with pytest.raises(StoreUnusable, match="start it again"):
        await one.deeds_after(2)
