"""A pipeline that is one of several: how it begins, ends, and goes on when the store fails."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from tests.support.company import T0, Company, Node, depot, ping
from tracker.errors import StoreError, StoreUnusable
from tracker.model.change import Registered
from tracker.pipeline.shared.sharing import BLOCK

HOUR_MS = 3_600_000


async def test_a_node_whose_clock_is_an_hour_wrong_decides_as_the_others(company: Company, a: Node) -> None:
    b = await company.join("b", ahead_ms=HOUR_MS)
    name = company.vehicle_of(b)
    await a.pipeline.submit([ping(name)])
    assert b.clock() == a.clock() == company.place.now
    assert a.picture.vehicles[name].received_at == company.place.now
    assert not a.picture.vehicles[name].delayed


async def test_a_node_waits_for_the_others_when_it_begins(company: Company, a: Node) -> None:
    await company.do(a.pipeline.wait_for_owners())
    assert a.sharing.ownership.is_settled


async def test_a_node_begins_though_some_vehicles_have_no_owner_yet(
    company: Company, a: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.pipeline.shared.sharing.SETTLE_S", 0.01)
    a.hangs = True
    a.store.fails["lease_round"] = 1_000_000
    company.place.now += 1000
    await a.pipeline.wait_for_owners()
    assert not a.sharing.ownership.is_settled


async def test_a_stop_does_not_wait_for_ever_to_hand_over(
    company: Company, a: Node, b: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.pipeline.shared.sharing.LEAVE_S", 0.01)
    b.store.fails["lease_round"] = 1_000_000
    await b.pipeline.stop()
    company.nodes.remove(b)
    await company.until(lambda: len(a.serves) == 64)


async def test_a_node_that_cannot_ask_for_its_share_does_not_begin(company: Company, a: Node) -> None:
    node = Node(company, "c", 0)
    node.store.fails["lease_round"] = 1
    with pytest.raises(StoreError):
        await node.pipeline.start()
    assert not node.store._open
    assert "c" not in company.answering
    company.buses.remove(node.bus)
    assert len(a.serves) == 64


async def test_numbers_that_cannot_be_had_are_asked_for_again(company: Company, a: Node) -> None:
    a.store.fails["number_vehicles"] = 1
    with pytest.raises(StoreError):
        await a.pipeline.submit([ping("van")])
    assert not company.place.kept.pings
    assert (await a.pipeline.submit([ping("van")])).accepted == 1
    assert a.fleet.numbers_ahead == BLOCK - 1


async def test_more_new_vehicles_than_a_block_are_numbered_too(a: Node) -> None:
    names = [f"van-{number}" for number in range(BLOCK * 2)]
    assert (await a.pipeline.submit([ping(name) for name in names])).accepted == BLOCK * 2
    assert {vehicle.n for vehicle in a.fleet.vehicles.values()} == set(range(1, BLOCK * 2 + 1))


async def test_a_commit_that_fails_takes_nothing_of_another_node_into_memory(
    company: Company, a: Node, b: Node
) -> None:
    names = [company.vehicle_of(node) for node in (a, b)]
    await a.pipeline.submit([ping(name) for name in names])
    a.store.fails["commit"] = 1
    with pytest.raises(StoreError):
        await a.pipeline.register(Registered("lost"))
    assert a.fleet.vehicles.keys() == {names[0]} and not a.fleet.register_entries
    a.store.fails["commit"] = 1
    with pytest.raises(StoreError):
        await a.pipeline.submit([ping(names[0], 60)])
    assert (await a.pipeline.submit([ping(names[0], 60)])).accepted == 1


@pytest.mark.parametrize("code", ["store", "fenced"])
async def test_a_mark_that_cannot_be_set_is_set_later(company: Company, a: Node, b: Node, code: str) -> None:
    await a.pipeline.submit([ping(company.vehicle_of(b))])
    b.store.fault = StoreError("not now", code)
    b.store.fails["mark"] = 2
    saving = asyncio.create_task(a.pipeline.save_regions([depot()]))
    await company.until(lambda: min(company.place.marks) == 1)
    await company.until(saving.done)
    assert not saving.exception()
    assert not b.store.fails["mark"]


async def test_whether_all_have_seen_it_is_asked_again_when_the_store_fails(company: Company, a: Node, b: Node) -> None:
    ours, theirs = company.vehicle_of(a), company.vehicle_of(b)
    await a.pipeline.submit([ping(ours), ping(theirs)])
    b.store.gate.clear()
    first = asyncio.create_task(a.pipeline.remove_vehicle(theirs))
    await company.until(lambda: theirs not in a.picture.vehicles)
    second = asyncio.create_task(a.pipeline.remove_vehicle(ours))
    await company.go_on()
    assert ours in a.picture.vehicles, "it waits until the one before has reached every vehicle"
    a.store.fails["marked"] = 1
    await asyncio.wait([first, second], timeout=0.02)
    b.store.gate.set()
    await company.until(second.done)
    second.result()
    assert ours not in a.picture.vehicles and not a.fleet.vehicles and not b.fleet.vehicles
    await asyncio.wait([first])
    if fault := first.exception():
        assert isinstance(fault, StoreError)


async def test_what_the_store_could_not_commit_by_itself_is_made_up_for(company: Company, a: Node, b: Node) -> None:
    """Timers and slices of edits: nobody sends them again."""
    names = [company.vehicle_of(node) for node in (a, b)]
    await a.pipeline.submit([ping(name) for name in names])
    await company.do(a.pipeline.save_regions([depot(rules={"dwell_s": 60})]))
    await company.until(lambda: len(a.events) == 2)
    a.store.fails["commit"] = b.store.fails["commit"] = 3
    await company.until(lambda: len(a.events) == 4)
    assert sorted(event.kind for event in a.events) == ["dwell", "dwell", "enter", "enter"]
    assert not a.store.fails["commit"] and not b.store.fails["commit"]


def _has_version(node: Node, version: int) -> bool:
    return bool(node.picture.regions["depot"]["properties"]["version"] == version)


async def test_everything_that_fails_now_and_then_loses_nothing(
    company: Company, a: Node, b: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call of each store, in every third round."""
    monkeypatch.setattr("tracker.pipeline.shared.forwarding.PATIENCE_S", 0.05)
    monkeypatch.setattr("tracker.pipeline.shared.following.SEEN_S", 0.1)
    monkeypatch.setattr("tracker.turns.lanes.PAUSE_S", 0.001)
    names = [company.vehicle_of(node, at) for node in (a, b) for at in range(4)]
    stored: set[tuple[str, int]] = set()
    saved: list[int] = []

    async def sends(node: Node, second: int) -> None:
        pings = [ping(name, second) for name in names]
        while True:
            try:
                await node.pipeline.submit(pings)
                stored.update((one.vehicle, one.time) for one in pings)
                return
            except Exception:
                await asyncio.sleep(0.001)

    async def edits(node: Node) -> None:
        while True:
            try:
                ((feature, _),) = await node.pipeline.save_regions([depot(name=node.name)])
                saved.append(feature["properties"]["version"])
                return
            except StoreError:
                await asyncio.sleep(0.001)

    def fail() -> None:
        for node in company.nodes:
            for what in ("commit", "reload", "load", "deeds_after", "mark", "marked", "number_vehicles", "lease_round"):
                node.store.fails[what] = int((company.place.now // 140 + len(what)) % 3 == 0)

    for second in range(6):
        work = asyncio.gather(
            sends((a, b)[second % 2], second * 10), *([edits(a), edits(b)] if second % 3 == 0 else [])
        )
        while not work.done():
            fail()
            await company.go_on()
        work.result()
    for node in company.nodes:
        node.store.fails.clear()
    await company.until(company.is_fair)
    kept = [(one.ping.vehicle, one.ping.time) for one in company.place.kept.pings if one]
    assert set(kept) == stored and len(kept) == len(stored) == 48
    assert len(set(saved)) == len(saved) == 4, "no version is given twice"
    newest = max(version for _, version in company.place.kept.regions)
    for node in (a, b):
        await company.until(partial(_has_version, node, newest))
    await company.until(lambda: len(a.events) == len(b.events) == len(company.place.kept.events))
    assert a.events == b.events
    await company.watch()
    assert a.picture.vehicles == b.picture.vehicles
    assert a.clock() >= T0


async def test_what_is_stored_and_cannot_be_read_ends_the_start(
    company: Company, a: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    await company.do(a.pipeline.save_regions([depot()]))
    (feature,) = (saved.feature for saved in company.place.kept.regions.values())
    assert feature is not None
    monkeypatch.setitem(feature, "geometry", {"type": "Point", "coordinates": ["x"]})
    node = Node(company, "c", 0)
    with pytest.raises(StoreUnusable):
        await node.pipeline.start()
    company.buses.remove(node.bus)
    company.answering.pop("c", None)


async def test_an_edit_that_is_stored_is_not_refused_because_the_store_is_away_for_a_moment(
    company: Company, a: Node, b: Node
) -> None:
    await a.pipeline.submit([ping(company.vehicle_of(b))])
    a.store.fails["marked"] = 3
    saving = asyncio.create_task(a.pipeline.save_regions([depot()]))
    await company.until(saving.done)
    assert not saving.exception(), "who is refused says it again"
    assert not a.store.fails["marked"]
