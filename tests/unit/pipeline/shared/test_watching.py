"""Watching: what a node tells the others that it needs, whom it waits for, and when it needs something no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.company import T0, ping
from tests.support.waiting import deadline, until
from tracker.buses import Answer, Failed, NoAnswer, NotAsked
from tracker.geometry.earth import tile
from tracker.model.change import Change, VehicleState
from tracker.model.picture import Picture
from tracker.nodes.interest import ALL, NOTHING, Needs
from tracker.pipeline.shared import watching as module
from tracker.pipeline.shared.questions import Wanted, decode
from tracker.pipeline.shared.watching import Watching, nothing

HERE = Needs(cells=frozenset({(8, *tile(60.0, 25.0, 8))}))
VAN, BUS = (Needs(vehicles=frozenset({name})) for name in ("van", "bus"))
SOME, MORE = frozenset({1, 2}), frozenset({1, 2, 3})


class Line:
    """By it other nodes are told: what, and how they answer."""

    def __init__(self) -> None:
        self.away = ""
        self.asked: list[Wanted] = []
        self.answered = 0
        self.fault: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def open(self, answer: Answer) -> None: ...

    async def close(self) -> None: ...

    async def ask(self, node: str, question: bytes, seconds: float) -> bytes:
        assert node in ("b", "c") and seconds > 0
        wanted = decode(question)
        assert isinstance(wanted, Wanted)
        self.asked.append(wanted)
        await self.gate.wait()
        if self.fault:
            raise self.fault
        self.answered += 1
        return b""

    def needs(self) -> list[Needs]:
        return [wanted.needs for wanted in self.asked]


class Ours:
    """A node that looks at what b (or c) decides about."""

    def __init__(self) -> None:
        self.picture, self.line = Picture(), Line()
        self.owners: dict[str, str] = {}
        self.is_settled = True
        self.read = 0  # what is stored, so often
        self.watching = Watching("a", self.line, self.picture, self.owners.get, lambda: self.is_settled)
        self.watching.read_stored = self._read

    async def _read(self) -> None:
        self.read += 1

    async def hear_of(self, needs: Needs, *, once: bool = False) -> None:
        await asyncio.wait_for(self.watching.hear_of(needs, once=once), deadline(10))

    async def met(self) -> None:
        """All were told, and answered."""
        others = self.watching._others
        await until(lambda: self.line.asked and all(one.knows == self.watching._needs for one in others.values()))

    def place(self, *vehicles: str) -> None:
        self.picture.apply(Change(moved=[VehicleState(1, ping(name), T0) for name in vehicles]))


@pytest.fixture
async def ours(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ours]:
    """Nobody is given up in the time of a test."""
    monkeypatch.setattr(module, "AGAIN_S", 0.001)
    monkeypatch.setattr(module, "HEAR_S", 1000)
    ours = Ours()
    ours.watching.set_others({"b": SOME})
    await ours.met()
    yield ours
    await ours.watching.stop()


# -- hearing -----------------------------------------------------------------------------------------------------------


async def test_who_looks_is_answered_when_the_others_have_passed_all_of_it(ours: Ours) -> None:
    ours.watching.set_others({"b": SOME, "c": MORE})
    await until(lambda: ours.line.answered == 2)
    ours.line.gate.clear()
    hears = asyncio.create_task(ours.hear_of(VAN))
    await until(lambda: ours.line.needs().count(VAN) == 2)
    assert not hears.done() and not ours.watching.hears(VAN) and ours.watching.hears(NOTHING)
    ours.line.gate.set()
    await hears
    assert ours.watching.hears(VAN) and not ours.watching.hears(BUS) and ours.read == 0


async def test_they_are_told_who_needs_what_and_whose_they_are_said_to_be(ours: Ours) -> None:
    await ours.hear_of(VAN)
    assert ours.line.asked[-1] == Wanted("a", 1, VAN, [], [1, 2])
    await ours.hear_of(BUS)
    assert ours.line.asked[-1] == Wanted("a", 2, VAN | BUS, [], [1, 2])


async def test_what_is_looked_at_already_is_answered_at_once(ours: Ours) -> None:
    await ours.hear_of(VAN | BUS)
    asked = len(ours.line.asked)
    ours.line.gate.clear()
    await ours.hear_of(BUS)
    assert len(ours.line.asked) == asked


async def test_a_node_alone_knows_everything(ours: Ours) -> None:
    ours.watching.set_others({})
    await ours.hear_of(ALL)
    assert (ours.line.needs(), ours.read) == ([NOTHING], 0)


async def test_where_vehicles_have_no_owner_nobody_knows_how_they_are(ours: Ours) -> None:
    await ours.hear_of(VAN)
    ours.is_settled = False
    hears = asyncio.create_task(ours.hear_of(VAN))
    await asyncio.sleep(0)
    assert not hears.done()
    ours.is_settled = True
    ours.watching.set_others({"b": SOME})
    await hears
    assert ours.read == 0


async def test_who_missed_something_does_not_know_how_anything_is(ours: Ours) -> None:
    await ours.hear_of(VAN)
    ours.watching.is_behind = lambda: True
    assert not ours.watching.hears(VAN)
    hears = asyncio.create_task(ours.hear_of(VAN))
    await asyncio.sleep(0)
    assert not hears.done()
    ours.watching.is_behind = lambda: False
    ours.watching.wake()
    await hears


async def test_whoever_waits_for_a_node_that_is_gone_waits_no_more(ours: Ours) -> None:
    ours.line.gate.clear()
    hears = asyncio.create_task(ours.hear_of(VAN))
    await until(lambda: ours.line.asked)
    ours.watching.set_others({})
    await hears
    assert ours.read == 0


@pytest.mark.parametrize("fault", [NotAsked("no way"), NoAnswer("lost"), Failed("not known")])
async def test_who_cannot_be_told_is_told_again(ours: Ours, fault: Exception) -> None:
    ours.line.fault = fault
    hears = asyncio.create_task(ours.hear_of(VAN))
    await until(lambda: ours.line.needs().count(VAN) > 2)
    assert not hears.done()
    ours.line.fault = None
    await hears
    assert {wanted.version for wanted in ours.line.asked if wanted.needs == VAN} == {1}


async def test_who_looks_waits_for_no_node_for_long_and_what_is_stored_is_read(
    ours: Ours, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEAR_S", 0.001)
    ours.line.gate.clear()
    await ours.hear_of(VAN)
    assert ours.read == 1


async def test_where_nobody_can_be_asked_what_is_stored_is_read_at_once(ours: Ours) -> None:
    ours.line.away, ours.line.fault = "NATS is away", NotAsked("no way")
    await ours.hear_of(VAN)
    assert ours.read == 1
    ours.line.away, ours.line.fault = "", None
    await ours.hear_of(VAN)
    assert ours.read == 1


async def test_without_a_store_to_read_there_is_nothing_to_do() -> None:
    await nothing()


async def test_who_needs_very_much_needs_all(ours: Ours, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    await ours.hear_of(VAN | HERE)
    assert ours.line.needs()[-1] == VAN | HERE
    await ours.hear_of(BUS)
    assert ours.line.needs()[-1] == ALL
    assert ours.watching.hears(Needs(groups=frozenset({"vans"})))


# -- where vehicles are believed to be ---------------------------------------------------------------------------------


async def test_vehicles_believed_to_be_in_a_cell_are_named_to_their_owner(ours: Ours) -> None:
    ours.watching.set_others({"b": SOME, "c": SOME})
    ours.place("van", "bus", "tram", "ours", "nobodys")
    ours.owners |= {"van": "b", "bus": "c", "tram": "b", "ours": "a"}
    await ours.hear_of(HERE)
    named = sorted(sorted(wanted.known or ()) for wanted in ours.line.asked if wanted.needs == HERE)
    assert named == [["bus", "nobodys"], ["nobodys", "tram", "van"]]
    await ours.hear_of(BUS)
    assert ours.line.asked[-1].known == [], "those that are there are heard of since"
    await ours.hear_of(ALL)
    assert ours.line.asked[-1].known == []


async def test_of_whom_it_is_known_where_they_are_members_nobody_is_named(ours: Ours) -> None:
    ours.place("van")
    ours.owners["van"] = "b"
    await ours.hear_of(VAN | Needs(regions=frozenset({"depot"}), groups=frozenset({"vans"})))
    assert ours.line.asked[-1].known == []


async def test_too_many_in_a_cell_are_not_named(ours: Ours, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KNOWN", 1)
    ours.place("van")
    await ours.hear_of(HERE)
    assert ours.line.asked[-1].known == ["van"]
    ours.place("bus")
    ours.watching.look_again()
    await ours.watching.keep_needs()
    await ours.met()
    await ours.hear_of(HERE)
    assert ours.line.asked[-1].known is None


# -- what is looked at no more -----------------------------------------------------------------------------------------


async def test_what_nobody_looks_at_any_more_is_needed_no_more(ours: Ours) -> None:
    ours.watching.viewers = lambda: [VAN, BUS]
    await ours.hear_of(VAN | BUS)
    ours.watching.viewers = lambda: [BUS]
    ours.watching.look_again()
    await ours.watching.keep_needs()
    await ours.met()
    assert ours.line.needs()[-1] == BUS
    assert not ours.watching.hears(VAN) and ours.watching.hears(BUS)
    assert ours.line.asked[-1].version == 2


async def test_from_when_others_may_pass_less_less_is_known(ours: Ours) -> None:
    await ours.hear_of(VAN | BUS)
    ours.line.gate.clear()
    asked = len(ours.line.asked)
    ours.watching.look_again()
    await ours.watching.keep_needs()
    await until(lambda: len(ours.line.asked) > asked)
    assert not ours.watching.hears(VAN)


async def test_it_is_found_out_now_and_then(ours: Ours, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEEP_S", 0.001)
    await ours.hear_of(VAN)
    await ours.watching.keep_needs()
    await ours.met()
    assert ours.line.needs()[-1] == NOTHING
    asked = len(ours.line.asked)
    await ours.watching.keep_needs()
    await ours.met()
    assert len(ours.line.asked) == asked, "nothing is said of what stays so"


async def test_what_was_read_once_is_heard_of_for_a_while(ours: Ours, monkeypatch: pytest.MonkeyPatch) -> None:
    await ours.hear_of(VAN, once=True)
    for _ in range(3):
        ours.watching.look_again()
        await ours.watching.keep_needs()
        assert ours.watching.hears(VAN)
    monkeypatch.setattr(module, "READ_S", 0)  # it is over
    await ours.hear_of(BUS, once=True)
    ours.watching.look_again()
    await ours.watching.keep_needs()
    await ours.met()
    assert ours.line.needs()[-1] == BUS
    ours.watching.look_again()
    await ours.watching.keep_needs()
    await ours.met()
    assert ours.line.needs()[-1] == NOTHING


async def test_what_is_read_again_is_heard_of_longer(ours: Ours, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_S", 0)
    for _ in range(5):
        await ours.hear_of(VAN, once=True)
        ours.watching.look_again()
        await ours.watching.keep_needs()
    await ours.met()
    assert {wanted.version for wanted in ours.line.asked} <= {0, 1}


# -- who else there is -------------------------------------------------------------------------------------------------


async def test_a_node_that_joins_is_told_and_waited_for(ours: Ours) -> None:
    await ours.hear_of(VAN)
    ours.watching.set_others({"b": SOME, "c": frozenset({7})})
    assert not ours.watching.hears(VAN)
    await ours.hear_of(VAN)
    assert ours.line.asked[-1].partitions == [7]


async def test_a_node_that_owns_nothing_yet_is_told_too(ours: Ours) -> None:
    await ours.hear_of(VAN)
    ours.watching.set_others({"b": SOME, "c": frozenset()})
    await ours.hear_of(VAN)
    assert ours.read == 0


async def test_who_takes_vehicles_over_is_asked_again_who_gives_some_away_is_not(ours: Ours) -> None:
    await ours.hear_of(VAN)
    ours.watching.set_others({"b": MORE})
    assert not ours.watching.hears(VAN)
    await ours.hear_of(VAN)
    assert (ours.line.asked[-1].version, ours.line.asked[-1].partitions) == (1, [1, 2, 3])
    asked = len(ours.line.asked)
    ours.watching.set_others({"b": SOME})
    assert ours.watching.hears(VAN)
    ours.watching.set_others({"b": MORE})
    assert not ours.watching.hears(VAN), "somebody else may have decided about them meanwhile"
    await ours.hear_of(VAN)
    assert len(ours.line.asked) == asked + 1


async def test_an_answer_that_knew_of_fewer_vehicles_does_not_count(ours: Ours) -> None:
    ours.line.gate.clear()
    hears = asyncio.create_task(ours.hear_of(VAN))
    await until(lambda: VAN in ours.line.needs())
    ours.watching.set_others({"b": MORE})
    ours.line.gate.set()
    await hears
    assert ours.line.asked[-1].partitions == [1, 2, 3]


async def test_a_node_that_others_may_have_forgotten_says_again_what_it_needs(ours: Ours) -> None:
    await ours.hear_of(VAN)
    ours.watching.tell_again()
    assert not ours.watching.hears(VAN)
    await ours.hear_of(VAN)
    assert (ours.line.needs()[-2:], ours.read) == ([VAN, VAN], 0)
