"""What people do at one node is done at all of them, in one order, and by nobody twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.company import T0, Company, Node, depot, ping
from tests.support.lists import HeldStore
from tests.support.waiting import until
from tracker.buses import Gap, open_bus
from tracker.errors import Conflict, NotFound, StoreError
from tracker.fleet.fleet import Fleet
from tracker.model.change import Registered
from tracker.model.picture import Picture
from tracker.model.records import Audit, Record
from tracker.pipeline.intake import MOST_TRIES
from tracker.pipeline.pipeline import Pipeline
from tracker.stores import EventQuery


async def two(company: Company, a: Node, b: Node) -> tuple[str, str]:
    """A vehicle of each, in the place of the depot to come."""
    names = company.vehicle_of(a), company.vehicle_of(b)
    await a.pipeline.submit([ping(name) for name in names])
    return names


def told(node: Node) -> list[tuple[str, str, str | None]]:
    return [(event.kind, event.vehicle, event.reason) for event in node.events]


async def test_a_region_saved_at_one_node_is_in_force_at_all(company: Company, a: Node, b: Node) -> None:
    ours, theirs = await two(company, a, b)
    ((feature, created),) = await company.do(a.pipeline.save_regions([depot()]))
    assert created and feature["properties"]["version"] == 1
    assert b.picture.regions == a.picture.regions != {}
    assert b.fleet.regions.regions.keys() == {"depot"}
    assert theirs in b.fleet.vehicles and list(b.fleet.vehicles[theirs].visits) == ["depot"], "when it was answered"
    await company.until(lambda: len(a.events) == len(b.events) == 2)
    assert sorted(told(a)) == sorted([("enter", ours, "region_created"), ("enter", theirs, "region_created")])
    assert a.events == b.events, "in one order"
    assert [event.seq for event in a.events] == [1, 2]


async def test_nodes_tell_the_events_one_alone_would_tell(company: Company, a: Node, b: Node) -> None:
    names = [company.vehicle_of(a), company.vehicle_of(b), company.vehicle_of(a, 1), company.vehicle_of(b, 1)]

    async def lives(first: Pipeline, second: Pipeline) -> None:
        await first.submit([ping(name, 0, 60.0 + at * 0.01) for at, name in enumerate(names)])
        await second.save_regions([depot(rules={"speed_limit_mps": 10})])
        await first.submit([ping(name, 60, 60.001 + at * 0.01) for at, name in enumerate(names)])
        await second.submit([ping(name, 240, 60.05 + at * 0.01) for at, name in enumerate(names)])
        await first.submit([ping(name, 480, 60.0, battery_pct=10) for at, name in enumerate(names)])
        await first.delete_region("depot")
        await second.save_regions([depot(), depot("yard", radius_m=2000)])
        await second.remove_vehicle(names[1])
        await first.submit([ping(name, 900, 60.03) for name in (names[0], names[3])])

    await lives(a.pipeline, b.pipeline)
    alone, fleet = Picture(), Fleet()
    store = HeldStore("held:nobody-shares-this")
    pipeline = Pipeline(fleet, store, open_bus("memory:"), alone, clock=lambda: company.place.now)
    await pipeline.start()
    await lives(pipeline, pipeline)
    await company.until(lambda: alone.last_seq >= len(company.place.kept.events) > 0)
    events = await store.events(EventQuery(limit=1000))
    await pipeline.stop()
    assert len(events) > 20
    await company.until(lambda: len(a.events) == len(events))
    same = {event.id: (event.kind, event.vehicle, event.region, event.reason, event.time // 1000) for event in events}
    assert {e.id: (e.kind, e.vehicle, e.region, e.reason, e.time // 1000) for e in a.events} == same
    assert a.events == b.events
    assert a.picture.vehicles.keys() == b.picture.vehicles.keys() == alone.vehicles.keys()


async def test_an_edit_is_answered_when_the_vehicles_of_every_node_have_seen_it(
    company: Company, a: Node, b: Node
) -> None:
    await two(company, a, b)
    b.store.gate.clear()  # what its vehicles make of it cannot be stored
    saving = asyncio.create_task(a.pipeline.save_regions([depot()]))
    await company.until(lambda: "depot" in a.picture.regions)
    await company.until(lambda: "depot" in b.fleet.regions.regions)
    for _ in range(5):
        await company.go_on()
    assert not saving.done()
    b.store.gate.set()
    await company.do(saving_of(saving))
    assert min(company.place.marks) == 1


async def saving_of(task: asyncio.Task[Any]) -> Any:
    return await task


async def test_an_edit_that_not_everybody_sees_in_time_is_stored_and_says_so(
    company: Company, a: Node, b: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.pipeline.shared.following.SEEN_S", 0.05)
    await two(company, a, b)
    b.store.gate.clear()
    with pytest.raises(StoreError, match="It is stored, and takes effect everywhere when every node has seen it"):
        await company.do(a.pipeline.save_regions([depot()]))
    assert "depot" in a.picture.regions
    b.store.gate.set()
    await company.until(lambda: len(b.events) == 2)


async def test_two_edits_at_once_at_two_nodes_both_hold(company: Company, a: Node, b: Node) -> None:
    await two(company, a, b)

    async def both() -> Any:
        saves = [a.pipeline.save_regions([depot("north")]), b.pipeline.save_regions([depot("south")])]
        return await asyncio.gather(*saves)

    await company.do(both())
    assert a.fleet.regions.regions.keys() == b.fleet.regions.regions.keys() == {"north", "south"}
    assert a.picture.regions.keys() == b.picture.regions.keys() == {"north", "south"}
    await company.until(lambda: len(a.events) == len(b.events) == 4)
    assert len(company.place.journal) == 2


async def test_versions_of_a_region_go_on_whoever_saves_it(company: Company, a: Node, b: Node) -> None:
    async def together() -> Any:
        return await asyncio.gather(
            *(node.pipeline.save_regions([depot(radius_m=radius)]) for radius in (300, 400) for node in (a, b))
        )

    saved = await company.do(together())
    assert sorted(feature["properties"]["version"] for ((feature, _),) in saved) == [1, 2, 3, 4]
    versions = company.place.kept.regions
    assert sorted(versions) == [("depot", version) for version in (1, 2, 3, 4)]
    assert a.picture.regions == b.picture.regions
    newest = max(saved, key=lambda one: one[0][0]["properties"]["version"])[0][0]
    assert a.picture.regions["depot"]["properties"]["radius_m"] == newest["properties"]["radius_m"]


async def test_who_expected_the_version_that_another_node_replaced_is_told_so(
    company: Company, a: Node, b: Node
) -> None:
    await company.do(a.pipeline.save_regions([depot()]))

    async def both() -> Any:
        saves = (node.pipeline.save_regions([depot(radius_m=100)], expect={"depot": 1}) for node in (a, b))
        return await asyncio.gather(*saves, return_exceptions=True)

    told = await company.do(both())
    assert sum(isinstance(one, Conflict) for one in told) == 1
    assert len(company.place.kept.regions) == 2


async def test_a_deleted_region_is_left_at_every_node(company: Company, a: Node, b: Node) -> None:
    ours, theirs = await two(company, a, b)
    await company.do(a.pipeline.save_regions([depot()]))
    await company.do(b.pipeline.delete_region("depot"))
    assert not a.picture.regions and not b.picture.regions and not a.fleet.regions.regions
    await company.until(lambda: len(a.events) == 4)
    assert sorted(told(a)[2:]) == sorted([("exit", ours, "region_deleted"), ("exit", theirs, "region_deleted")])
    with pytest.raises(NotFound):
        await company.do(a.pipeline.delete_region("depot"))


async def test_a_vehicle_is_removed_by_any_node(company: Company, a: Node, b: Node) -> None:
    _, theirs = await two(company, a, b)
    await company.do(a.pipeline.save_regions([depot()]))
    await company.do(a.pipeline.remove_vehicle(theirs))
    assert theirs not in b.fleet.vehicles, "when it was answered"
    assert company.place.kept.vehicles[theirs].state is None, "and stored"
    assert theirs not in a.picture.vehicles and theirs not in b.picture.vehicles
    await company.until(lambda: len(a.events) == 3)
    assert told(a)[2] == ("exit", theirs, "vehicle_removed")
    with pytest.raises(NotFound):
        await company.do(a.pipeline.remove_vehicle(theirs))
    n = company.place.kept.vehicles[theirs].n
    await a.pipeline.submit([ping(theirs, 300)])
    assert company.place.kept.vehicles[theirs].n == n, "its number stays its own"
    assert theirs in a.picture.vehicles and theirs in b.picture.vehicles


async def test_a_vehicle_that_only_its_owner_heard_of_is_removed_by_any_node(
    company: Company, a: Node, b: Node
) -> None:
    a.bus.deaf = True
    name = company.vehicle_of(b)
    await b.pipeline.submit([ping(name)])
    assert name not in a.picture.vehicles
    removing = asyncio.create_task(a.pipeline.remove_vehicle(name))
    await company.until(removing.done)
    assert not removing.exception()
    assert company.place.kept.vehicles[name].state is None and not b.fleet.vehicles


async def test_what_is_erased_at_any_node_is_another_vehicle_from_then_on(company: Company, a: Node, b: Node) -> None:
    _, theirs = await two(company, a, b)
    n = company.place.kept.vehicles[theirs].n
    await company.do(a.pipeline.remove_vehicle(theirs, history=True))
    assert not [one for one in company.place.kept.pings if one and one.ping.vehicle == theirs]
    assert (await a.pipeline.submit([ping(theirs)])).accepted == 1
    assert company.place.kept.vehicles[theirs].n != n


async def test_what_an_owner_told_that_never_heard_whom_others_erased_goes_when_another_takes_over(
    company: Company, a: Node, b: Node
) -> None:
    _, theirs = await two(company, a, b)
    await company.do(a.pipeline.save_regions([depot()]))
    await company.until(lambda: len(a.events) == 2)
    b.bus.deaf = b.hangs = True
    erasing = asyncio.create_task(a.pipeline.remove_vehicle(theirs, history=True))
    await until(lambda: len(company.place.journal) == 2, "it is committed")
    for second in range(2):
        await b.pipeline.submit([ping(theirs, 200 + second, lat=61)])
    kept = company.place.kept

    def names() -> list[str]:
        return [event.vehicle for event in (*kept.events, *kept.unnumbered)]

    assert theirs in names(), "b told of an exit"
    company.kill(b)
    await company.until(erasing.done, seconds=20)
    await erasing
    assert theirs not in names()
    assert theirs not in a.picture.vehicles
    assert (await a.pipeline.submit([ping(theirs, 300)])).accepted == 1


async def test_acks_entries_and_records_reach_all(company: Company, a: Node, b: Node) -> None:
    await two(company, a, b)
    await company.do(a.pipeline.save_regions([depot()]))
    await company.until(lambda: len(b.events) == 2)
    id = b.events[0].id
    assert (await b.pipeline.ack(id, "ann")).ack is not None
    await company.until(lambda: any(change.acked for change in a.told))
    assert (await a.pipeline.ack(id, "bob")).ack == (await b.pipeline.ack(id, "bob")).ack, "the first one stands"
    await b.pipeline.register(Registered("van", plate="X 1"))
    await company.until(lambda: "van" in a.picture.register)
    assert a.fleet.register_entries == b.fleet.register_entries
    await a.pipeline.keep_records(
        lambda: ([Record("token", "t", 1, {"name": "gate"})], [Audit(T0, "ann", "", "x", "t")])
    )
    await company.until(lambda: any(change.records for change in b.told))
    assert [record.key for change in b.told for record in change.records] == ["t"]


async def test_what_is_decided_comes_after_what_others_did(company: Company, a: Node, b: Node) -> None:
    """A record planned at another node is known where the next is planned, though the bus is silent."""
    a.bus.deaf = b.bus.deaf = True
    for at in range(6):
        node = (a, b)[at % 2]

        def plan(node: Node = node) -> tuple[list[Record], list[Audit]]:
            known = [record.version for change in node.told for record in change.records]
            return [Record("counter", "one", max(known, default=0) + 1, {})], []

        await node.pipeline.keep_records(plan)
    assert [record.version for record in company.place.kept.records["counter", "one"]] == [1, 2, 3, 4, 5, 6]


async def test_without_a_bus_a_round_tells_of_deeds_and_events(company: Company, a: Node, b: Node) -> None:
    a.bus.deaf = b.bus.deaf = True
    await two(company, a, b)
    await company.do(a.pipeline.save_regions([depot()]))
    await company.until(lambda: len(a.events) == len(b.events) == 2)
    assert b.picture.regions == a.picture.regions


async def test_who_joins_later_has_all_that_was_done(company: Company, a: Node, b: Node) -> None:
    ours, theirs = await two(company, a, b)
    await company.do(a.pipeline.save_regions([depot()]))
    await a.pipeline.register(Registered("van", plate="X 1"))
    c = await company.join("c")
    assert c.picture.regions == a.picture.regions and c.picture.register == a.picture.register
    assert c.picture.vehicles == a.picture.vehicles and c.picture.vehicles.keys() == {ours, theirs}
    await company.do(c.pipeline.delete_region("depot"))
    assert not a.picture.regions


async def test_a_deed_that_is_outrun_again_and_again_fails_kindly(
    company: Company, a: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    async def outrun(_commit: Any) -> Any:
        nonlocal tries
        tries += 1
        raise StoreError("another deed came first", "outrun")

    monkeypatch.setattr(a.store, "commit", outrun)
    with pytest.raises(StoreError) as fault:
        await company.do(a.pipeline.register(Registered("van")))
    assert fault.value.code == "outrun"
    assert tries == MOST_TRIES + 1
    monkeypatch.undo()
    assert "van" not in a.fleet.register_entries
    await a.pipeline.register(Registered("van"))
    assert "van" in a.picture.register


async def test_a_deed_that_is_outrun_and_cannot_be_read_again_fails(a: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    a.store.fails["commit"] = 1
    a.store.fault = StoreError("another deed came first", "outrun")
    real, asked = a.store.load, 0

    async def load() -> Any:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise StoreError("the database is away")
        return await real()

    monkeypatch.setattr(a.store, "load", load)
    with pytest.raises(StoreError):
        await a.pipeline.register(Registered("van"))
    await a.pipeline.register(Registered("van"))
    assert a.fleet.register_entries.keys() == {"van"}


async def test_what_cannot_be_followed_now_is_followed_later(company: Company, a: Node, b: Node) -> None:
    await two(company, a, b)
    b.store.fails["deeds_after"] = 3
    b.store.fails["commit"] = 1
    await company.do(a.pipeline.save_regions([depot()]))
    assert b.picture.regions == a.picture.regions
    await company.until(lambda: len(b.events) == 2)


async def test_what_was_done_while_a_node_could_not_commit_is_shown_by_it_all_the_same(
    company: Company, a: Node, b: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.pipeline.intake.PAUSE_S", 3600.0)  # what it does by itself waits
    await two(company, a, b)
    b.bus.deaf = True
    b.store.fails["commit"] = 1
    with pytest.raises(StoreError):
        await b.pipeline.register(Registered("lost"))
    await a.pipeline.register(Registered("van", plate="X 1"))
    await b.pipeline.register(Registered("bus", plate="X 2"))
    assert b.picture.register.keys() == {"van", "bus"}
    assert b.fleet.register_entries.keys() == {"van", "bus"}


async def test_nobody_decides_by_a_journal_that_cannot_be_read(a: Node, b: Node) -> None:
    b.bus.deaf = True
    await a.pipeline.register(Registered("van", plate="X 1"))
    b.store.fails["deeds_after"] = 2
    with pytest.raises(StoreError):
        await b.pipeline.register(Registered("lost"))
    with pytest.raises(StoreError):
        await b.pipeline.register(Registered("bus"))
    await b.pipeline.register(Registered("bus"))
    assert b.picture.register.keys() == {"van", "bus"}


async def test_an_edit_waits_for_the_vehicles_of_a_node_that_died_and_holds_up_nobody(
    company: Company, a: Node, b: Node
) -> None:
    names = await two(company, a, b)
    b.store.gate.clear()  # it does not see the first
    first = asyncio.create_task(a.pipeline.save_regions([depot()]))
    await company.until(lambda: "depot" in a.picture.regions)
    second = asyncio.create_task(a.pipeline.remove_vehicle(names[0]))  # waits until all have seen it
    await company.go_on()
    company.kill(b)
    await company.until(lambda: first.done() and second.done())
    assert not first.exception() and not second.exception()
    assert names[0] not in a.picture.vehicles
    assert list(a.fleet.vehicles[names[1]].visits) == ["depot"]
    assert (await a.pipeline.submit([ping(names[1], 60)])).accepted == 1


async def test_what_was_followed_is_shown_though_the_store_is_away_just_then(
    company: Company, a: Node, b: Node
) -> None:
    b.store.fails["ping"] = 1  # nothing of it is to be stored there
    await a.pipeline.register(Registered("van", plate="X 1"))
    await company.until(lambda: "van" in b.fleet.register_entries and not b.store.fails["ping"])
    await company.until(lambda: "van" in b.picture.register)


async def test_what_is_said_of_a_vehicle_since_it_was_removed_stands(company: Company, a: Node, b: Node) -> None:
    name = company.vehicle_of(b)
    await a.pipeline.submit([ping(name)])
    b.store.gate.clear()
    removing = asyncio.create_task(a.pipeline.remove_vehicle(name))
    await company.until(lambda: name not in a.picture.vehicles)
    await a.pipeline.register(Registered(name, plate="NEW 1"))
    company.kill(b)
    await company.do(saving_of(removing))
    assert name not in a.fleet.vehicles and company.place.kept.vehicles[name].state is None
    for entries in (a.fleet.register_entries, a.picture.register, company.place.kept.register):
        assert entries.keys() == {name}


async def test_what_somebody_did_is_known_at_every_node_when_it_is_answered(
    a: Node, b: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may go on at another one: with a session, a token, a group they have just made."""
    b.bus.deaf = True
    await a.pipeline.register(Registered("van", plate="1"))
    assert b.picture.register.keys() == {"van"}
    await a.pipeline.keep_records(lambda: ([Record("session", "s", 1, {})], []))
    assert [record.key for change in b.told for record in change.records] == ["s"]

    monkeypatch.setattr("tracker.pipeline.shared.sharing.KNOWN_S", 0.01)
    b.store.fails["deeds_after"] = 1000
    await a.pipeline.register(Registered("van", plate="2"))
    assert b.picture.register["van"].plate == "1", "who hangs is not waited for"
    monkeypatch.setattr(a.asking, "away", "NATS is away", raising=False)
    monkeypatch.setattr(a.asking, "ask", None)
    await a.pipeline.register(Registered("van", plate="3"))
    assert a.picture.register["van"].plate == "3"
    b.store.fails.clear()


async def test_what_an_edit_made_is_told_anywhere_once_the_edit_is_known_there(
    company: Company, a: Node, b: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else who may see the new edge, and did not see the old one, would never hear of it."""
    theirs = company.vehicle_of(b)
    await b.pipeline.submit([ping(theirs)])
    a.store.fails["deeds_after"] = 1000
    saving = asyncio.create_task(b.pipeline.save_regions([depot()]))
    await company.until(lambda: b.events, "it is told where it was made")
    assert a.store.deed == 1 and not a.told[-1].events and not a.events
    a.store.fails.clear()
    await company.do(saving_of(saving))
    await company.until(lambda: a.events)
    known = [bool(change.regions) for change in a.told if change.regions or change.events]
    assert known == [True, False] and a.events == b.events

    monkeypatch.setattr("tracker.pipeline.shared.following.SHOWN_S", 0.01)
    a.store.fails["deeds_after"] = 1000
    deleting = asyncio.create_task(b.pipeline.delete_region("depot"))
    await company.until(lambda: len(a.events) == 2, "who cannot follow for long tells it all the same")
    a.store.fails.clear()
    await company.do(saving_of(deleting))


@pytest.mark.parametrize("history", [False, True])
@pytest.mark.parametrize("is_heard_late", [False, True])
async def test_a_vehicle_that_reports_again_while_others_hear_that_it_is_removed_is_there(
    company: Company, a: Node, b: Node, history: bool, is_heard_late: bool
) -> None:
    """What is done comes from the store and where vehicles are over the bus: either may be first."""
    name = company.vehicle_of(b)
    await b.pipeline.submit([ping(name)])
    a.store.fails["deeds_after"] = 0 if is_heard_late else 1000
    removing = asyncio.create_task(b.pipeline.remove_vehicle(name, history=history))
    await company.until(lambda: name not in b.picture.vehicles)
    a.bus.deaf = is_heard_late
    await b.pipeline.submit([ping(name, 60)])
    a.bus.deaf = False
    if is_heard_late:
        await company.until(lambda: name not in a.picture.vehicles)
        a.bus._listeners.miss(Gap(0))
    a.store.fails.clear()
    await company.do(saving_of(removing))
    await company.until(lambda: a.picture.vehicles.keys() == {name}, "it is known here as well")
    assert a.picture.vehicles == b.picture.vehicles
    assert not a.told[-1].removed or name in {state.ping.vehicle for state in a.told[-1].moved}, "told anew, after it"


async def test_vehicles_removed_while_their_node_died_are_removed_by_the_next(
    company: Company, a: Node, b: Node
) -> None:
    names = [company.vehicle_of(b, at) for at in range(3)]
    await a.pipeline.submit([ping(name) for name in names])
    b.store.gate.clear()  # it stores nothing of it
    removing = [asyncio.create_task(a.pipeline.remove_vehicle(name)) for name in names[:2]]
    await company.until(lambda: names[0] not in a.picture.vehicles)
    company.kill(b)
    for one in removing:
        await company.do(saving_of(one))
    assert a.fleet.vehicles.keys() == {names[2]}
    kept = company.place.kept.vehicles
    assert [kept[name].state is None for name in names] == [True, True, False]
