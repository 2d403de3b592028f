"""What nodes say to each other: where vehicles are, and that there is something. What comes late is no news."""

from __future__ import annotations

import asyncio
from typing import cast

import msgspec
import pytest

from tests.support.company import T0, Company, Node, ping
from tests.support.waiting import deadline
from tracker.buses import Gap
from tracker.buses.memory import MemoryBus
from tracker.buses.memory_asking import MemoryAsking
from tracker.model.change import Acked, Change, Registered, VehicleState
from tracker.model.events import Event
from tracker.model.picture import Picture
from tracker.pipeline.relay import Relay
from tracker.pipeline.shared.passing import Passing
from tracker.pipeline.shared.telling import Telling
from tracker.stores import Store
from tracker.turns.lanes import Lane


def state(vehicle: str, received_at: int, lat: float = 60.0) -> VehicleState:
    return VehicleState(1, ping(vehicle, lat=lat), received_at)


EVENT = Event("e1", "enter", "van", T0, T0, "moved", 60.0, 25.0)


def alone(picture: Picture) -> Passing:
    """There are no other nodes."""
    return Passing(MemoryAsking("me", {}), picture, lambda _vehicle: True, lambda _vehicle: 0)


class Told:
    def __init__(self) -> None:
        self.picture = Picture()
        self.deeds: list[int] = []
        self.events = 0
        self.telling = Telling(self.picture, alone(self.picture), self.deeds.append, self._look)

    def _look(self) -> None:
        self.events += 1

    def hear(self, *moved: VehicleState, after: int = 0) -> list[VehicleState]:
        change = Change(moved=list(moved), after=after)
        self.telling.hear_change(change)
        return change.moved


def test_others_are_told_positions_and_that_there_is_something() -> None:
    change = Change(moved=[state("van", T0)], unnumbered=[EVENT], deed=7)
    assert Told().telling.parts(change)[:3] == (None, True, change)


def test_what_others_follow_by_themselves_is_told_here_alone_and_first() -> None:
    moved = [state("van", T0)]
    here = Change(
        regions=[{"id": "depot"}], registered=[Registered("van")], acked=[Acked("e1", "ann", T0)], events=[EVENT]
    )
    change = Change(
        moved=moved, deed=3, regions=here.regions, registered=here.registered, acked=here.acked, events=here.events
    )
    assert Told().telling.parts(change)[:3] == (here, True, Change(moved=moved, deed=3))


def test_a_vehicle_that_goes_is_told_before_it_is_gone_here() -> None:
    change = Change(moved=[state("van", T0)], removed=["van"], deed=3)
    here, first, told, *_ = Told().telling.parts(change)
    assert (here, first, told) == (Change(removed=["van"]), False, Change(moved=change.moved, deed=3))


def test_nothing_is_said_of_nothing() -> None:
    assert Told().telling.parts(Change())[:3] == (None, True, None)


def test_a_deed_and_events_wake_whoever_follows_them() -> None:
    told = Told()
    told.telling.hear_change(Change(unnumbered=[EVENT], deed=4))
    told.telling.hear_change(Change(moved=[state("van", T0)]))
    assert (told.deeds, told.events) == ([4], 1)


def test_a_node_that_was_overtaken_and_speaks_late_is_not_believed() -> None:
    told = Told()
    told.picture.apply(Change(moved=[state("van", T0 + 5)]))
    old, same, new = state("van", T0 + 4, 61.0), state("van", T0 + 5, 62.0), state("van", T0 + 6, 63.0)
    assert told.hear(old) == []
    assert told.hear(same, state("bus", T0)) == [same, state("bus", T0)]
    assert told.hear(old, new) == [new]


def test_what_is_passed_is_not_believed_before_all_is_known_that_everybody_is_told() -> None:
    """That a vehicle is there, and in which regions: else an event would meet a membership from after it."""
    told = Told()
    passed = msgspec.structs.replace(state("van", T0 + 6), regions={"depot": T0})
    assert told.telling.hear_passed([passed]) == ([], ["van"]), "nobody said yet that there is one"
    told.picture.apply(Change(moved=[state("van", T0 + 4)]))
    assert told.telling.hear_passed([passed]) == ([], ["van"]), "nor that it is there"
    told.picture.apply(Change(moved=[msgspec.structs.replace(passed, received_at=T0 + 5)]))
    assert told.telling.hear_passed([passed]) == ([passed], [])
    told.picture.apply(Change(moved=[passed]))
    assert told.telling.hear_passed([passed, state("van", T0 + 5)]) == ([], []), "it is known, or older"


def test_a_vehicle_that_was_removed_does_not_come_back_by_a_late_word() -> None:
    told = Told()
    told.telling.parts(Change(removed=["van"], after=6, deed=7))
    assert told.hear(state("van", T0), after=6) == []
    assert told.hear(state("bus", T0), after=6) == [state("bus", T0)]
    again = state("van", T0)
    assert told.hear(again, after=7) == [again], "by who had removed it: it was heard of since, whatever its time"


def test_a_vehicle_that_came_again_before_it_was_removed_here_is_told_once_more() -> None:
    told = Told()
    told.telling.place = lambda: 6
    for name, after in (("van", 7), ("bus", 6), ("car", 8)):
        told.picture.apply(Change(moved=told.hear(state(name, T0), after=after)))
    removal = Change(removed=["van", "bus", "car", "cab"], after=6)
    assert [one.ping.vehicle for one in told.telling.parts(removal).anew] == ["van", "car"], (
        "not the bus: that was before"
    )
    told.telling.place = lambda: 7
    assert told.hear(state("tug", T0), after=7) and told.telling._ahead == {"car": 8}
    told.picture.apply(Change(removed=["car"]))
    assert told.telling.parts(Change(removed=["car"], after=7)).anew == [], "it is not known here"


def test_who_is_another_vehicle_by_now_takes_the_place_of_the_one_that_was_erased() -> None:
    told = Told()
    changes: list[Change] = []

    def take(change: Change) -> None:
        changes.append(change)
        told.picture.apply(change)

    relay = Relay(MemoryBus(), take, take, Lane("relay"), told.telling)
    old, late = state("van", T0), state("van", T0 + 1)
    new = msgspec.structs.replace(state("van", T0 + 2), n=2)
    assert told.telling.hear_passed([new]) == ([], ["van"])
    relay.make_up(Change(moved=[old]))
    assert told.telling.hear_passed([new]) == ([], ["van"]), "that there is another comes on another way"
    relay.make_up(Change(moved=[new, state("bus", T0)]))
    assert changes[1:] == [Change(removed=["van"]), Change(moved=[new, state("bus", T0)])]
    relay.make_up(Change(moved=[late]))
    assert told.picture.vehicles["van"] == new, "nor is it the old one again"


def test_of_so_many_vehicles_a_late_word_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.pipeline.shared.telling.MOST", 2)
    told = Told()
    told.telling.parts(Change(removed=["van", "bus", "car"], after=1))
    assert told.telling._removed == {"bus": 2, "car": 2}


def inside(vehicle: str, received_at: int, *regions: str) -> VehicleState:
    return msgspec.structs.replace(state(vehicle, received_at), regions=dict.fromkeys(regions, T0))


def test_what_is_passed_is_news_or_older_or_comes_too_early() -> None:
    told = Told()
    known = inside("van", T0 + 5, "depot")
    told.picture.apply(Change(moved=[known]))
    older, newer = inside("van", T0 + 4, "depot"), inside("van", T0 + 6, "depot")
    assert told.telling.hear_passed([newer]) == ([newer], [])
    assert told.telling.hear_passed([older]) == ([], [])
    assert told.telling.hear_passed([known]) == ([], []), "that is known"
    assert told.telling.hear_passed([state("bus", T0), newer]) == ([newer], ["bus"]), "nobody has said there is one"
    left, entered = inside("van", T0 + 7), inside("van", T0 + 7, "depot", "yard")
    assert told.telling.hear_passed([left]) == ([], ["van"])
    assert told.telling.hear_passed([entered]) == ([], ["van"])


def test_of_what_was_received_at_once_the_newer_fix_counts() -> None:
    told = Told()
    known = state("van", T0)
    told.picture.apply(Change(moved=[known]))
    older, newer = (
        msgspec.structs.replace(known, ping=msgspec.structs.replace(known.ping, time=known.ping.time + ms, lat=61.0))
        for ms in (-1, 1)
    )
    assert told.telling.hear_passed([older]) == ([], []) and told.hear(older) == []
    assert told.telling.hear_passed([newer]) == ([newer], []) and told.hear(newer) == [newer]


def test_it_is_known_of_so_many_events_where_their_vehicles_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.pipeline.shared.telling.MOST", 2)
    told = Told()
    told.telling.hear_change(Change(unnumbered=[msgspec.structs.replace(EVENT, id=id) for id in "abc"]))
    assert list(told.telling._placed) == ["b", "c"]


async def test_an_event_that_has_its_number_waits_a_moment_for_the_word_of_where_its_vehicle_was() -> None:
    telling = Telling(Picture(), alone(Picture()), lambda _place: None, lambda: None)
    waits = asyncio.create_task(telling.placed([EVENT]))
    await asyncio.sleep(0)
    assert not waits.done()
    telling.hear_change(Change(unnumbered=[EVENT]))
    await asyncio.wait_for(waits, deadline(10))
    await telling.placed([EVENT])
    await telling.placed([msgspec.structs.replace(EVENT, id="other")])  # nobody told of it: it is not waited for


class Numbered:
    """A store in which an event has got its number."""

    async def number_events(self) -> list[Event]:
        return [msgspec.structs.replace(EVENT, seq=1)]


async def test_an_event_is_not_told_before_the_word_of_where_its_vehicle_was() -> None:
    told: list[Change] = []
    telling = Telling(Picture(), alone(Picture()), lambda _place: None, lambda: None)
    relay = Relay(MemoryBus(), told.append, told.append, Lane("relay"), telling)
    numbers = asyncio.create_task(relay.number(cast(Store, Numbered())))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not told
    telling.hear_change(Change(unnumbered=[EVENT]))
    await asyncio.wait_for(numbers, deadline(10))
    assert [event.seq for change in told for event in change.events] == [1]


class Away(MemoryBus):
    away = "it is away"


async def test_while_the_bus_is_away_no_word_is_waited_for() -> None:
    told: list[Change] = []
    telling = Telling(Picture(), alone(Picture()), lambda _place: None, lambda: None)
    telling.placed = None  # type: ignore[assignment, method-assign]
    await Relay(Away(), told.append, told.append, Lane("relay"), telling).number(cast(Store, Numbered()))
    assert [event.seq for change in told for event in change.events] == [1]


async def test_after_a_gap_a_node_knows_where_all_vehicles_are(company: Company, a: Node, b: Node) -> None:
    ours, theirs = company.vehicle_of(a), company.vehicle_of(b)
    await a.pipeline.submit([ping(ours)])
    b.bus.deaf = True
    await a.pipeline.submit([ping(ours, 60, 60.01), ping(theirs)])
    assert b.picture.vehicles[ours].ping.lat == 60.0
    b.bus.deaf = False
    b.bus._listeners.miss(Gap(0))
    await company.until(lambda: b.picture.vehicles[ours].ping.lat == 60.01)
    assert b.picture.vehicles == a.picture.vehicles


async def test_a_gap_brings_no_vehicle_back_that_was_removed_meanwhile(company: Company, a: Node, b: Node) -> None:
    """Its owner has not stored yet that it is gone."""
    removed, lives = company.vehicle_of(a), company.vehicle_of(b)
    await a.pipeline.submit([ping(removed), ping(lives)])
    a.store.gate.clear()
    removing = asyncio.create_task(b.pipeline.remove_vehicle(removed))
    await company.until(lambda: removed not in b.picture.vehicles)
    b.bus.deaf = True
    b.picture.vehicles.pop(lives)  # as if nobody had said so
    b.bus._listeners.miss(Gap(0))
    await company.until(lambda: lives in b.picture.vehicles)
    assert removed not in b.picture.vehicles
    a.store.gate.set()
    await company.until(removing.done)
    removing.result()
    assert removed not in b.picture.vehicles
