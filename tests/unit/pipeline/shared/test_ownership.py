"""Whose vehicles are whose: taken, loaded, handed over, and decided by nobody else."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.company import Company, Node, depot, ping
from tests.support.waiting import until
from tracker.errors import Overloaded, StoreError
from tracker.model.records import Record
from tracker.nodes.interest import ALL


async def test_nodes_share_the_fleet_fairly(company: Company, a: Node, b: Node) -> None:
    assert len(a.serves) == len(b.serves) == 32
    assert a.serves.isdisjoint(b.serves)
    c = await company.join("c")
    assert sorted(len(node.serves) for node in (a, b, c)) == [21, 21, 22]
    told = c.sharing.statistics()
    assert (told.owned, told.living, told.taken, told.lost) == (len(c.serves), 3, len(c.serves), 0)


async def test_a_ping_given_to_any_node_is_stored_by_its_owner(company: Company, a: Node, b: Node) -> None:
    name = company.vehicle_of(b)
    answer = await a.pipeline.submit([ping(name)])
    assert answer.accepted == 1
    assert name in b.fleet.vehicles and name not in a.fleet.vehicles
    assert a.picture.vehicles[name] == b.picture.vehicles[name]
    assert (await b.pipeline.submit([ping(name)])).duplicates == 1
    assert (a.sharing.statistics().asked, b.sharing.statistics().answered) == (1, 1)


async def test_vehicles_have_numbers_of_their_own_whoever_meets_them(company: Company, a: Node, b: Node) -> None:
    names = [company.vehicle_of(node, at) for node in (a, b) for at in range(150)]
    await a.pipeline.submit([ping(name) for name in names])
    kept = company.place.kept.vehicles
    assert len({kept[name].n for name in names}) == len(names)
    assert a.store.asked["number_vehicles"] == b.store.asked["number_vehicles"] == 1, "in blocks"


async def test_a_node_that_leaves_hands_over_without_loss(company: Company, a: Node, b: Node) -> None:
    names = [company.vehicle_of(node, at) for node in (a, b) for at in range(3)]
    await a.pipeline.submit([ping(name) for name in names])
    await company.do(a.pipeline.save_regions([depot(rules={"dwell_s": 3600})]))
    told = {name: (b if name in b.fleet.vehicles else a).fleet.vehicles[name].published() for name in names}
    seen = len(a.told)
    await company.leave(b)
    await company.until(company.is_fair)
    assert {name: vehicle.published() for name, vehicle in a.fleet.vehicles.items()} == told
    assert not any(change.moved for change in a.told[seen:]), "nothing is new"
    answer = await a.pipeline.submit([ping(name, 1) for name in names])
    assert answer.accepted == 6
    assert len(company.place.kept.vehicles) == 6 and not b.fleet.vehicles


async def test_pings_that_come_while_a_node_leaves_are_all_stored_once(company: Company, a: Node, b: Node) -> None:
    names = [company.vehicle_of(node, at) for node in (a, b) for at in range(3)]

    async def sends(node: Node) -> int:
        stored = 0
        for second in range(40):
            stored += (await node.pipeline.submit([ping(name, second) for name in names])).accepted
            await asyncio.sleep(0.002)
        return stored

    sending = asyncio.create_task(sends(a))
    await company.go_on()
    await company.leave(b)
    await company.until(sending.done)
    assert sending.result() == 240
    assert sorted((one.ping.vehicle, one.ping.time) for one in company.place.kept.pings if one) == sorted(
        (ping(name).vehicle, ping(name, second).time) for name in names for second in range(40)
    )


async def test_timers_go_off_at_whoever_takes_over(company: Company, a: Node, b: Node) -> None:
    name = company.vehicle_of(b)
    await a.pipeline.submit([ping(name)])
    await company.do(a.pipeline.save_regions([depot(rules={"dwell_s": 60})]))
    await company.until(lambda: len(a.events) == 1)
    company.kill(b)
    await company.until(company.is_fair)
    assert list(a.fleet.vehicles[name].visits) == ["depot"]
    await company.until(lambda: len(a.events) == 2)
    assert [(event.kind, event.vehicle) for event in a.events] == [("enter", name), ("dwell", name)]
    assert a.events[1].time - a.events[0].time == 60_000


async def test_what_a_dead_node_told_nobody_is_told_by_the_next(company: Company, a: Node, b: Node) -> None:
    name = company.vehicle_of(b)
    await b.pipeline.submit([ping(name)])
    a.bus.deaf = True
    await b.pipeline.submit([ping(name, 60, 60.01)])
    assert a.picture.vehicles[name].ping.lat == 60.0
    company.kill(b)
    await company.until(company.is_fair)
    assert a.picture.vehicles[name].ping.lat == 60.01


async def test_an_edit_that_a_dead_node_did_not_see_is_seen_by_the_next(company: Company, a: Node, b: Node) -> None:
    name = company.vehicle_of(b)
    await a.pipeline.submit([ping(name)])
    b.store.gate.clear()
    saving = asyncio.create_task(a.pipeline.save_regions([depot()]))
    await company.until(lambda: "depot" in a.picture.regions)
    company.kill(b)
    await company.until(saving.done)
    saving.result()
    await company.until(lambda: len(a.events) == 1)
    assert (a.events[0].kind, a.events[0].vehicle) == ("enter", name)


async def test_a_node_whose_lease_ended_commits_nothing(company: Company, a: Node, b: Node) -> None:
    name = company.vehicle_of(b)
    await b.pipeline.submit([ping(name)])
    b.hangs = True
    b.store.fails["lease_round"] = 1_000_000
    b.store.gate.clear()
    late = asyncio.create_task(b.pipeline.submit([ping(name, 60)]))
    await company.until(lambda: len(a.serves) == 64)
    b.store.gate.set()
    with pytest.raises(StoreError) as fault:
        await late
    assert fault.value.code == "fenced"
    assert not b.serves
    assert len([one for one in company.place.kept.pings if one]) == 1
    assert (await a.pipeline.submit([ping(name, 60)])).accepted == 1
    b.store.fails.clear()
    b.hangs = False
    await company.until(lambda: len(b.serves) == 32)
    assert (await b.pipeline.submit([ping(name, 120)])).accepted == 1
    assert a.fleet.vehicles.keys() | b.fleet.vehicles.keys() == {name}
    assert len(a.fleet.vehicles) + len(b.fleet.vehicles) == 1, "nobody else has it in memory"


async def test_a_node_that_heard_nothing_for_a_lease_takes_no_ping(
    company: Company, a: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.pipeline.shared.forwarding.PATIENCE_S", 0.02)
    a.hangs = True
    a.store.fails["lease_round"] = 1_000_000
    company.place.now += 600
    with pytest.raises(Overloaded) as fault:
        await a.pipeline.submit([ping("van")])
    assert fault.value.code == "no_owner"
    assert not company.place.kept.pings


async def test_who_was_not_heard_in_time_says_what_it_lost(
    company: Company, a: Node, b: Node, caplog: pytest.LogCaptureFixture
) -> None:
    b.hangs = True
    b.store.fails["lease_round"] = 1_000_000
    await company.until(lambda: len(a.serves) == 64)
    b.store.fails.clear()
    b.hangs = False
    await company.until(company.is_fair)
    assert b.sharing.statistics().lost == 32
    assert a.sharing.statistics().lost == 0, "it gave them up itself"
    assert "this one was not heard in time" in caplog.text


@pytest.mark.parametrize("what", ["load_partitions", "removed_unseen", "ping"])
async def test_vehicles_that_cannot_be_loaded_are_tried_again(company: Company, a: Node, b: Node, what: str) -> None:
    names = [company.vehicle_of(node, at) for node in (a, b) for at in range(3)]
    await a.pipeline.submit([ping(name) for name in names])
    await company.until(lambda: min(company.place.marks) >= 0)
    a.store.fails[what] = 3
    company.kill(b)
    await company.until(company.is_fair)
    assert a.fleet.vehicles.keys() == set(names)
    assert not a.store.fails[what]
    assert (await a.pipeline.submit([ping(name, 60) for name in names])).accepted == 6


async def test_vehicles_that_are_lost_before_they_were_loaded_are_not_loaded(
    company: Company, a: Node, b: Node
) -> None:
    await a.pipeline.submit([ping(company.vehicle_of(b))])
    a.store.fails["load_partitions"] = 1_000_000
    b.hangs = True
    b.store.fails["lease_round"] = 1_000_000
    await company.until(lambda: a.sharing.statistics().owned == 64)
    a.hangs = True
    company.place.now += 1000
    b.hangs, b.store.fails = False, type(b.store.fails)()
    await company.until(lambda: len(b.serves) == 64)
    a.hangs = False
    a.store.fails.clear()
    await company.until(company.is_fair)
    assert len(a.fleet.vehicles) + len(b.fleet.vehicles) == 1


async def test_a_round_that_hangs_is_given_up(company: Company, a: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_args: object, **_more: object) -> None:
        await asyncio.Event().wait()

    company.place.now += 1
    monkeypatch.setattr(a.store, "lease_round", never)
    monkeypatch.setattr(a.sharing.ownership, "_terms", a.sharing.ownership._terms._replace(lease_ms=20))
    with pytest.raises(StoreError, match="did not answer in the time of a lease"):
        await a.sharing.ownership.ask_store()
    monkeypatch.undo()


async def test_vehicles_are_gone_from_memory_before_they_are_given_up(company: Company, a: Node, b: Node) -> None:
    """Whatever fails between the two: what is read again is what is served here."""
    names = [company.vehicle_of(b, at) for at in range(20)]
    await a.pipeline.submit([ping(name) for name in names])
    b.sharing.ownership.give_up()
    await until(lambda: not b.sharing.ownership._tasks)
    b.store.fails["commit"] = 1
    with pytest.raises(StoreError):
        await b.pipeline.keep_records(lambda: ([Record("token", "t", 1, {})], []))
    assert not b.fleet.vehicles
    await company.until(lambda: len(a.serves) == 64)
    assert a.fleet.vehicles.keys() == set(names)


async def test_a_drop_that_comes_late_leaves_what_was_taken_again(company: Company, a: Node) -> None:
    """Even when the lease has just ended: it may go on, and then its vehicles are served from memory."""
    await a.pipeline.submit([ping("van")])
    a.hangs = True
    a.store.fails["lease_round"] = 1_000_000
    company.place.now += 650
    assert not a.serves
    await a.sharing.ownership._give([a.sharing.ownership.partition_of("van")])
    assert a.fleet.vehicles.keys() == {"van"}


def test_partitions_are_remembered_of_so_many_vehicles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.pipeline.shared.ownership.KNOWN", 2)

    async def looks() -> None:
        company = Company()
        node = await company.join("a")
        partition_of = node.sharing.ownership.partition_of
        first = [partition_of(name) for name in ("van", "bus", "car")]
        assert len(node.sharing.ownership._partitions) == 1
        assert [partition_of(name) for name in ("van", "bus", "car")] == first
        await company.end()

    asyncio.run(looks())


async def test_a_node_that_was_not_heard_for_a_lease_says_again_what_it_needs(
    company: Company, a: Node, b: Node
) -> None:
    """The others may have thought that it is gone, and forgotten it."""
    await company.watch()
    a.hangs = True
    await company.until(lambda: b.sharing.statistics().living == 1)
    a.hangs = False
    await a.sharing.ownership.ask_store()
    assert not a.pipeline.hears(ALL), "they have not answered"
    await company.until(lambda: a.pipeline.hears(ALL))
