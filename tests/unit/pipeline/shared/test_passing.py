"""Passing: which nodes are passed what moves here, once and as it is by then, whatever fails on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection

import msgspec
import pytest

from tests.support.company import T0, ping
from tests.support.waiting import deadline, until
from tracker.buses import Answer, Failed, NoAnswer, NotAsked
from tracker.errors import Overloaded
from tracker.geometry.earth import tile
from tracker.model.change import Change, Registered, VehicleState
from tracker.model.picture import Picture
from tracker.nodes.interest import ALL, NOTHING, Needs
from tracker.pipeline.shared import passing as module
from tracker.pipeline.shared.passing import Passing
from tracker.pipeline.shared.questions import Moved, Wanted, decode, encode, state_of

HERE, THERE = 60.0, 10.0  # latitudes


def cell(lat: float) -> Needs:
    return Needs(cells=frozenset({(8, *tile(lat, 25.0, 8))}))


def vehicles(*names: str) -> Needs:
    return Needs(vehicles=frozenset(names))


def state(vehicle: str, second: int = 0, lat: float = HERE, **more: object) -> VehicleState:
    made = VehicleState(1, ping(vehicle, second, lat), T0 + second * 1000)
    return msgspec.structs.replace(made, **more)


class Line:
    """By it other nodes are asked: what they were passed, and how they answer."""

    away: str = ""

    def __init__(self) -> None:
        self.passed: dict[str, list[list[VehicleState]]] = {}  # by node: of each question it took
        self.early: set[str] = set()  # vehicles
        self.fault: Exception | None = None
        self.tried = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def open(self, answer: Answer) -> None: ...

    async def close(self) -> None: ...

    async def ask(self, node: str, question: bytes, seconds: float) -> bytes:
        assert seconds > 0
        self.tried += 1
        await self.gate.wait()
        if self.fault:
            raise self.fault
        moved = decode(question)
        assert isinstance(moved, Moved)
        states = [state_of(one) for one in moved.states]
        self.passed.setdefault(node, []).append(states)
        return encode([one.ping.vehicle for one in states if one.ping.vehicle in self.early])


class Ours:
    """A node whose every vehicle is its own, but for those of `theirs`."""

    def __init__(self) -> None:
        self.picture, self.line, self.theirs = Picture(), Line(), set[str]()
        self.passing = Passing(self.line, self.picture, lambda name: name not in self.theirs, lambda name: len(name))

    async def needs(
        self,
        node: str,
        needs: Needs,
        version: int = 1,
        known: list[str] | None = [],  # noqa: B006
    ) -> list[str]:
        """Another node says what it needs; answers what it was passed before that was answered."""
        before = len(self.names(node))
        await asyncio.wait_for(self.passing.take_needs(Wanted(node, version, needs, known)), deadline(10))
        return sorted(self.names(node)[before:])

    def move(self, *moved: VehicleState, befell: Collection[str] = ()) -> list[VehicleState]:
        """As a commit does; answers what all are told."""
        picked = self.passing.pick(list(moved), befell)
        self.picture.apply(Change(moved=picked.told + picked.passed))
        self.passing.put_picked(picked)
        return picked.told

    def states(self, node: str) -> list[VehicleState]:
        return [one for question in self.line.passed.get(node, []) for one in question]

    def names(self, node: str) -> list[str]:
        return [one.ping.vehicle for one in self.states(node)]

    async def quiet(self) -> None:
        """All that was put down is passed."""
        await asyncio.wait_for(asyncio.gather(*(one.arrival() for one in self.passing._targets.values())), deadline(10))


@pytest.fixture
async def ours(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ours]:
    monkeypatch.setattr(module, "AGAIN_S", 0.001)
    monkeypatch.setattr(module, "FLUSH_S", 0.01)
    ours = Ours()
    ours.passing.set_others({"b", "c"})
    yield ours
    await ours.passing.stop()


# -- what is told to all, and what is passed ---------------------------------------------------------------------------


async def test_what_nobody_needs_is_passed_to_nobody_and_counted(ours: Ours) -> None:
    ours.move(state("van"))
    assert ours.move(state("van", 1)) == []
    await ours.quiet()
    assert (ours.line.passed, ours.passing.passed, ours.passing.spared) == ({}, 0, 2)


async def test_what_all_need_is_told_to_all(ours: Ours) -> None:
    await ours.needs("b", cell(HERE))
    await ours.needs("c", vehicles("van"))
    ours.move(state("van"))
    assert ours.move(state("van", 1)) == [state("van", 1)]
    await ours.quiet()
    assert (ours.line.passed, ours.passing.spared) == ({}, 0)


async def test_what_some_need_is_passed_to_them(ours: Ours) -> None:
    await ours.needs("c", cell(HERE))
    ours.move(state("van"), state("bus", lat=THERE))
    assert ours.move(state("van", 1), state("bus", 1, THERE)) == []
    await ours.quiet()
    assert ours.line.passed == {"c": [[state("van", 1)]]}
    assert (ours.passing.passed, ours.passing.spared) == (1, 3)


async def test_the_first_of_a_vehicle_what_befell_it_and_where_it_is_a_member_is_told_to_all(ours: Ours) -> None:
    first, stays = state("van"), state("van", 1)
    enters = state("van", 2, regions={"depot": T0})
    assert ours.move(first) == [first]
    assert ours.move(stays, befell={"van"}) == [stays]
    assert ours.move(enters) == [enters]
    assert ours.move(state("van", 3, regions={"depot": T0})) == []
    outside = state("van", 4, regions={"depot": T0}, beyond=("depot",))
    assert ours.move(outside) == [outside]


async def test_alone_a_node_tells_all_and_passes_nothing(ours: Ours) -> None:
    ours.passing.set_others(set())
    ours.move(state("van"))
    assert ours.move(state("van", 1)) == [state("van", 1)]
    assert ours.passing.spared == 0


async def test_who_leaves_what_is_needed_is_passed_once_more_and_then_no_more(ours: Ours) -> None:
    await ours.needs("b", cell(HERE))
    ours.move(state("van"))
    for second in (1, 2, 3):
        ours.move(state("van", second, THERE))
        await ours.quiet()
    assert ours.line.passed == {"b": [[state("van", 1, THERE)]]}


async def test_who_comes_to_need_a_vehicle_by_its_group_is_passed_it(ours: Ours) -> None:
    await ours.needs("b", Needs(groups=frozenset({"vans"})))
    ours.theirs = {"other"}
    for name in ("van", "bus", "other"):
        ours.move(state(name))
        ours.move(state(name, 1))
    ours.picture.apply(Change(registered=[Registered(name, group="vans") for name in ("van", "other", "unseen")]))
    ours.passing.put_picked(ours.passing.pick([], ()), ["van", "bus", "other", "unseen"])
    await ours.quiet()
    assert ours.line.passed == {"b": [[state("van", 1)]]}


# -- on the way --------------------------------------------------------------------------------------------------------


async def test_who_is_slow_is_passed_the_newest_alone(ours: Ours) -> None:
    await ours.needs("b", ALL)
    ours.line.gate.clear()
    ours.move(state("van"), state("bus"))
    ours.move(state("van", 1))
    await until(lambda: ours.line.tried)
    for second in range(2, 10):
        ours.move(state("van", second), state("bus", second))
    ours.line.gate.set()
    await ours.quiet()
    assert ours.line.passed == {"b": [[state("van", 1)], [state("van", 9), state("bus", 9)]]}


@pytest.mark.parametrize("fault", [NotAsked("no way"), NoAnswer("lost"), Failed("too much to do")])
async def test_who_cannot_be_asked_hears_of_it_later_as_it_is_then(ours: Ours, fault: Exception) -> None:
    await ours.needs("b", ALL)
    ours.move(state("van"), state("bus"))
    ours.line.fault = fault
    ours.move(state("van", 1), state("bus", 1))
    await until(lambda: ours.line.tried > 2)
    assert ours.passing.passed == 0
    ours.move(state("van", 2))
    ours.line.fault = None
    await ours.quiet()
    assert ours.states("b") == [state("van", 2), state("bus", 1)]
    assert ours.passing.passed == 2


async def test_what_comes_too_early_is_passed_again_and_arrives_when_it_is_taken(ours: Ours) -> None:
    ours.move(state("van"), state("bus"))
    ours.line.early = {"van"}
    told = asyncio.create_task(ours.needs("b", ALL))
    await until(lambda: ours.names("b").count("van") > 2)
    assert not told.done()
    assert (ours.passing.passed, ours.names("b").count("bus")) == (1, 1)
    ours.line.early = set()
    await told
    assert ours.passing.passed == 2


async def test_more_than_fits_into_one_question_is_passed_in_several(
    ours: Ours, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    names = [f"van-{number}" for number in range(10)]
    ours.move(*map(state, names))
    assert await ours.needs("b", ALL) == names
    assert len(ours.line.passed["b"]) > 2


async def test_what_was_passed_before_a_question_failed_is_not_passed_again(
    ours: Ours, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 1)
    ours.move(*map(state, ("van", "bus", "car")))
    ask = ours.line.ask

    async def ask_twice(node: str, question: bytes, seconds: float) -> bytes:
        ours.line.fault = NoAnswer("lost") if ours.line.tried == 1 else None
        return await ask(node, question, seconds)

    monkeypatch.setattr(ours.line, "ask", ask_twice)
    assert await ours.needs("b", ALL) == ["bus", "car", "van"]
    assert ours.line.tried == 4


async def test_while_nobody_can_be_asked_nothing_is_tried(ours: Ours) -> None:
    await ours.needs("b", ALL)
    ours.move(state("van"))
    ours.line.away = "the bus is away"
    ours.move(state("van", 1))
    for _ in range(10):
        await asyncio.sleep(0)
    assert ours.line.tried == 0
    ours.line.away = ""
    await ours.quiet()
    assert ours.states("b") == [state("van", 1)]


async def test_who_is_in_a_cell_is_asked_of_whoever_knows(ours: Ours) -> None:
    ours.move(state("van"), state("bus"))
    ours.passing.within = lambda _cells: ["van"]
    assert await ours.needs("b", cell(HERE)) == ["van"]


async def test_of_a_vehicle_that_is_gone_nothing_is_passed(ours: Ours) -> None:
    await ours.needs("b", ALL)
    ours.move(state("van"))
    ours.move(state("van", 1))
    ours.picture.apply(Change(removed=["van"]))
    await ours.quiet()
    assert (ours.line.passed, ours.line.tried) == ({}, 0)


# -- what others need --------------------------------------------------------------------------------------------------


async def test_who_begins_to_need_has_all_of_it_when_that_is_answered(ours: Ours) -> None:
    ours.theirs = {"other"}
    ours.move(state("van"), state("bus", lat=THERE), state("other"), state("car", regions={"depot": T0}))
    assert await ours.needs("b", cell(HERE)) == ["car", "van"]
    assert await ours.needs("b", cell(HERE) | vehicles("bus", "nobody"), 2) == ["bus"]
    assert await ours.needs("c", Needs(regions=frozenset({"depot"}))) == ["car"]
    assert await ours.needs("c", ALL, 2) == ["bus", "van"]


async def test_vehicles_believed_to_be_elsewhere_are_passed_where_they_are(ours: Ours) -> None:
    ours.theirs = {"other"}
    ours.move(*(state(name, lat=THERE) for name in ("van", "bus", "other")))
    assert await ours.needs("b", cell(HERE), known=["van", "other", "gone"]) == ["van"]
    assert await ours.needs("b", cell(HERE), 2, known=None) == ["bus", "van"], "too many to name"


async def test_what_is_needed_no_more_is_passed_no_more(ours: Ours) -> None:
    ours.move(state("van"))
    await ours.needs("b", cell(HERE))
    assert await ours.needs("b", NOTHING, 2) == []
    ours.move(state("van", 1))
    await ours.quiet()
    assert ours.names("b") == ["van"]


async def test_an_older_word_of_what_a_node_needs_changes_nothing(ours: Ours) -> None:
    await ours.needs("b", NOTHING, 2)
    await ours.needs("b", ALL, 1)
    ours.move(state("van"))
    assert ours.move(state("van", 1)) == []
    await ours.quiet()
    assert ours.names("b") == []


async def test_of_a_node_that_is_not_known_to_live_nothing_is_taken(ours: Ours) -> None:
    with pytest.raises(Overloaded):
        await ours.needs("d", ALL)


async def test_a_node_that_is_gone_needs_nothing(ours: Ours) -> None:
    await ours.needs("b", ALL)
    ours.passing.set_others({"c"})
    await ours.needs("c", ALL)
    ours.move(state("van"))
    assert ours.move(state("van", 1)) == [state("van", 1)], "all of those that are left need it"
    assert not ours.names("b")


async def test_a_node_that_comes_back_is_passed_what_it_needed_for_it_may_not_know_that_it_was_gone(ours: Ours) -> None:
    """As when PostgreSQL forgets in a crash who lives: by its own clock its lease never ended."""
    await ours.needs("b", cell(HERE))
    ours.move(state("van"), state("bus", lat=THERE), state("lorry"))
    ours.theirs = {"lorry"}
    ours.passing.set_others({"c"})
    ours.move(state("van", 1))
    ours.passing.set_others({"b", "c"})
    await ours.quiet()
    assert ours.states("b") == [state("van", 1)]
    ours.move(state("van", 2), state("bus", 2, THERE))
    await ours.quiet()
    assert ours.states("b") == [state("van", 1), state("van", 2)]
    assert await ours.needs("b", vehicles("bus"), 1) == [], "older than what it said before it was gone"
    assert await ours.needs("b", vehicles("bus"), 2) == ["bus"]


async def test_of_many_nodes_that_went_the_last_are_remembered(ours: Ours, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_GONE", 1)
    await ours.needs("b", ALL)
    await ours.needs("c", ALL)
    ours.move(state("van"))
    ours.passing.set_others({"c"})
    ours.passing.set_others(set())
    ours.passing.set_others({"b", "c"})
    await ours.quiet()
    assert ours.line.passed == {"c": [[state("van")]]}


async def test_whoever_waits_for_a_node_that_is_gone_waits_no_more(ours: Ours) -> None:
    ours.move(state("van"))
    ours.line.gate.clear()
    first = asyncio.create_task(ours.needs("b", ALL))
    await until(lambda: ours.line.tried)
    second = asyncio.create_task(ours.needs("b", ALL))
    await until(lambda: len(ours.passing._targets["b"].waiting) == 2)
    ours.passing.set_others({"c"})
    await asyncio.wait({first, second}, timeout=deadline(5))
    assert (first.cancelled(), second.cancelled()) == (True, True)


async def test_whoever_waits_no_more_is_not_answered_and_all_is_passed(ours: Ours) -> None:
    ours.move(state("van"))
    ours.line.gate.clear()
    told = asyncio.create_task(ours.passing.take_needs(Wanted("b", 1, ALL)))
    await until(lambda: ours.line.tried)
    told.cancel()
    ours.line.gate.set()
    await ours.quiet()
    assert ours.names("b") == ["van"]


async def test_nodes_that_go_on_living_are_not_met_anew(ours: Ours) -> None:
    await ours.needs("b", ALL)
    ours.passing.set_others({"c", "b"})
    ours.move(state("van"))
    ours.move(state("van", 1))
    await ours.quiet()
    assert ours.names("b") == ["van"]


async def test_a_node_that_goes_while_it_is_found_what_it_needs_is_waited_for_no_more(
    ours: Ours, monkeypatch: pytest.MonkeyPatch
) -> None:
    def has(_vehicle: str) -> bool:
        ours.passing.set_others({"c"})
        return True

    monkeypatch.setattr(ours.passing, "_has", has)
    ours.move(state("van"))
    told = asyncio.create_task(ours.needs("b", ALL))
    await asyncio.wait({told}, timeout=deadline(5))
    assert told.cancelled()


async def test_who_is_answered_while_nodes_come_and_go_misses_nothing(ours: Ours) -> None:
    """All are told something first, and meanwhile who there is changes."""
    ours.passing.set_others({"b", "c", "d"})
    await ours.needs("b", ALL)
    await ours.needs("c", ALL)
    ours.move(state("van"))
    picked = ours.passing.pick([state("van", 1)], ())
    ours.passing.set_others({"c", "d"})
    ours.picture.apply(Change(moved=picked.passed))
    ours.passing.put_picked(picked)
    await ours.quiet()
    assert ours.line.passed == {"c": [[state("van", 1)]]}


async def test_who_begins_to_need_it_while_all_are_told_something_misses_nothing(ours: Ours) -> None:
    ours.move(state("van", lat=THERE))
    picked = ours.passing.pick([state("van", 1)], ())
    assert await ours.needs("b", cell(HERE)) == []
    ours.picture.apply(Change(moved=picked.passed))
    ours.passing.put_picked(picked)
    await ours.quiet()
    assert ours.line.passed == {"b": [[state("van", 1)]]}


async def test_who_asks_once_more_is_not_answered_before_all_is_found(
    ours: Ours, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROWS", 1)
    names = [f"van-{number}" for number in range(20)]
    ours.move(*map(state, names))
    lost = asyncio.create_task(ours.needs("b", ALL))
    await asyncio.sleep(0)
    await ours.needs("b", ALL)
    assert sorted(set(ours.names("b"))) == sorted(names)
    await lost


async def test_what_was_another_nodes_is_passed_on_to_who_needs_it(ours: Ours) -> None:
    """Its last owner may have told nobody of it."""
    ours.move(state("van"), state("lorry"), state("bus", lat=THERE))
    await ours.needs("b", cell(HERE))
    before = len(ours.states("b"))
    ours.passing.adopted([3])
    await ours.quiet()
    assert (ours.names("b")[before:], ours.names("c")) == (["van"], [])


# -- the end -----------------------------------------------------------------------------------------------------------


async def test_what_is_put_down_is_passed_before_the_end(ours: Ours) -> None:
    await ours.needs("b", ALL)
    ours.move(state("van"))
    ours.move(state("van", 1))
    await ours.passing.stop()
    assert ours.states("b") == [state("van", 1)]
    await ours.passing.flush()


async def test_the_end_waits_for_nobody_for_long(ours: Ours) -> None:
    await ours.needs("b", ALL)
    ours.line.gate.clear()
    ours.move(state("van"))
    ours.move(state("van", 1))
    await asyncio.wait_for(ours.passing.stop(), deadline(5))
    assert ours.states("b") == []
