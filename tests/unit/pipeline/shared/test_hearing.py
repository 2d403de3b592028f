"""Nodes hear where vehicles are as far as somebody looks at them there: all of it once that is answered, and on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from functools import partial

import pytest
from msgspec import Raw
from msgspec.structs import replace

from tests.support.company import Company, Node, depot, ping
from tests.support.waiting import deadline, until
from tracker.buses import Gap
from tracker.errors import Overloaded
from tracker.geometry.earth import tile
from tracker.live.viewer import Cell
from tracker.model.change import Change, Registered, VehicleState
from tracker.nodes.interest import ALL, NOTHING, Needs
from tracker.pipeline.shared.questions import Moved, Wanted, encode

HERE, NEAR, THERE = 60.0, 60.0001, 10.0  # latitudes; the first two in one cell, and in the depot


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.pipeline.shared.passing.AGAIN_S", 0.005)
    monkeypatch.setattr("tracker.pipeline.shared.watching.AGAIN_S", 0.005)
    monkeypatch.setattr("tracker.pipeline.shared.watching.EVERY_S", 0)
    monkeypatch.setattr("tracker.pipeline.shared.watching.HEAR_S", 1000)  # nobody is given up


def cell(lat: float) -> Needs:
    return Needs(cells=frozenset({(8, *tile(lat, 25.0, 8))}))


def one(vehicle: str) -> Needs:
    return Needs(vehicles=frozenset({vehicle}))


def within(node: Node, cells: Collection[Cell]) -> list[str]:
    """As a hub says it."""
    found = ((name, state.ping) for name, state in node.picture.vehicles.items())
    return [
        name for name, ping in found if any((cell[0], *tile(ping.lat, ping.lon, cell[0])) == cell for cell in cells)
    ]


async def look(company: Company, node: Node, *needs: Needs) -> None:
    """They look at this, and at nothing else."""
    node.pipeline.on_look(lambda: needs, partial(within, node))()
    for each in needs:
        await company.do(node.pipeline.hear_of(each))


async def move(node: Node, vehicle: str, second: float, lat: float) -> None:
    assert (await node.pipeline.submit([ping(vehicle, second, lat)])).accepted == 1


def lat(node: Node, vehicle: str) -> float:
    return node.picture.vehicles[vehicle].ping.lat


async def lets_go(company: Company, node: Node) -> None:
    """Nobody there looks at anything, and the others know."""
    node.sharing.watching.viewers = list
    node.sharing.watching.look_again()
    await company.until(lambda: node.sharing.watching._needs == NOTHING and node.pipeline.hears(NOTHING))
    others = [one.sharing.passing._targets[node.name] for one in company.nodes if one is not node]
    await company.until(lambda: all(one.needs == NOTHING for one in others))


# -- what reaches whom -------------------------------------------------------------------------------------------------


async def test_what_nobody_looks_at_elsewhere_stays_here_but_for_what_all_have_to_know(
    company: Company, a: Node, b: Node
) -> None:
    name = company.vehicle_of(a)
    await move(a, name, 0, THERE)
    assert lat(b, name) == THERE, "there it is"
    await move(a, name, 60, THERE + 0.001)
    assert (lat(a, name), lat(b, name)) == (THERE + 0.001, THERE)
    assert (a.sharing.passing.spared, a.sharing.passing.passed) == (1, 0)
    await company.do(b.pipeline.save_regions([depot()]))
    for second in (3600, 3660, 3720):
        await move(a, name, second, HERE)
    await company.until(lambda: b.events)
    assert a.picture.inside["depot"] == b.picture.inside["depot"] == {name}
    assert lat(b, name) == HERE


async def test_what_all_look_at_is_told_to_all_at_once(company: Company, a: Node, b: Node) -> None:
    name = company.vehicle_of(a)
    await move(a, name, 0, HERE)
    await look(company, b, cell(HERE))
    passed = a.sharing.passing.passed
    await move(a, name, 60, NEAR)
    assert lat(b, name) == NEAR, "it went over the bus"
    assert (a.sharing.passing.passed, a.sharing.passing.spared) == (passed, 0)


@pytest.mark.parametrize(
    "needs",
    [
        lambda _name: cell(HERE),
        lambda _name: Needs(regions=frozenset({"depot"})),
        one,
        lambda _name: Needs(groups=frozenset({"vans"})),
        lambda _name: ALL,
    ],
    ids=["cell", "region", "vehicle", "group", "all"],
)
async def test_who_begins_to_look_knows_where_they_are_when_that_is_answered(
    company: Company, a: Node, b: Node, needs: Callable[[str], Needs]
) -> None:
    name, other = company.vehicle_of(a), company.vehicle_of(a, 1)
    await company.do(a.pipeline.save_regions([depot()]))
    await company.do(a.pipeline.register(Registered(name, group="vans")))
    for vehicle, where in ((name, HERE), (other, THERE)):
        await move(a, vehicle, 0, where)
        await move(a, vehicle, 60, where + 0.0001)
    assert lat(b, name) == HERE
    await look(company, b, needs(name))
    assert lat(b, name) == NEAR
    assert lat(b, other) == (THERE + 0.0001 if needs(name) == ALL else THERE)
    await move(a, name, 120, 60.0002)
    await company.until(lambda: lat(b, name) == 60.0002, "and goes on hearing of it")


@pytest.mark.parametrize("most", [0, 5000])
async def test_who_left_unheard_is_not_shown_where_it_was(
    company: Company, a: Node, b: Node, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Also where those who are believed to be there are too many to name."""
    monkeypatch.setattr("tracker.pipeline.shared.watching.MOST_KNOWN", most)
    name = company.vehicle_of(a)
    await move(a, name, 0, HERE)
    await move(a, name, 3600, THERE)
    assert lat(b, name) == HERE
    await look(company, b, cell(HERE))
    assert lat(b, name) == THERE


async def test_who_leaves_what_is_looked_at_is_seen_leaving_and_then_no_more(
    company: Company, a: Node, b: Node
) -> None:
    await company.join("c")  # who looks at nothing
    name = company.vehicle_of(a)
    await move(a, name, 0, HERE)
    await look(company, b, cell(HERE))
    passed = a.sharing.passing.passed
    await move(a, name, 3600, THERE)
    await company.until(lambda: lat(b, name) == THERE)
    await move(a, name, 3660, THERE + 0.0001)
    await look(company, b, cell(HERE), Needs(regions=frozenset({"nowhere"})))  # all that was put down is there
    assert lat(b, name) == THERE
    assert a.sharing.passing.passed == passed + 1


async def test_nobody_who_looks_at_it_no_more_hears_of_it_and_who_looks_again_does(
    company: Company, a: Node, b: Node
) -> None:
    name = company.vehicle_of(a)
    await move(a, name, 0, HERE)
    await look(company, b, cell(HERE))
    await lets_go(company, b)
    await move(a, name, 60, NEAR)
    assert lat(b, name) == HERE
    await look(company, b, cell(HERE))
    assert lat(b, name) == NEAR


async def test_who_comes_to_a_group_that_is_looked_at_is_heard_of(company: Company, a: Node, b: Node) -> None:
    name = company.vehicle_of(a)
    await look(company, b, Needs(groups=frozenset({"vans"})))
    await move(a, name, 0, HERE)
    await move(a, name, 60, NEAR)
    assert lat(b, name) == HERE
    await company.do(b.pipeline.register(Registered(name, group="vans")))
    await until(lambda: lat(b, name) == NEAR)  # no time passes, in which it would be told how it is for another reason


async def test_what_comes_before_what_all_are_told_is_asked_for_again(company: Company, a: Node, b: Node) -> None:
    """The bus and the questions are two ways: here what comes by the one was lost."""
    name = company.vehicle_of(a)
    b.bus.deaf = True
    await move(a, name, 0, HERE)
    hears = asyncio.create_task(b.pipeline.hear_of(one(name)))
    told = a.sharing.passing._targets["b"]
    await company.until(lambda: told.needs == one(name) and told.vehicles)
    assert not hears.done() and name not in b.picture.vehicles
    b.bus.deaf = False
    a.bus._nodes[1]._listeners.overhear(a.told[-1], 0, ())  # type: ignore[arg-type]
    await company.until(hears.done)
    assert lat(b, name) == HERE


async def test_what_was_missed_of_what_all_are_told_is_read_before_who_looks_is_answered(
    company: Company, a: Node, b: Node
) -> None:
    name, other = company.vehicle_of(a), company.vehicle_of(a, 1)
    for vehicle in (name, other):
        await move(a, vehicle, 0, HERE)
    await look(company, b, one(name))
    b.bus.deaf = True
    await move(a, name, 60, NEAR)
    b.bus.deaf = False
    b.store.fails["load"] = 1
    b.bus._listeners.miss(Gap(0))
    await company.until(lambda: b.store.asked["load"] and not b.pipeline.hears(one(name)), "the gap is heard of")
    b.sharing.ownership.on_view = lambda: None  # what a round says wakes nobody
    await company.do(b.pipeline.hear_of(one(name) | one(other)))
    assert lat(b, name) == NEAR
    assert b.pipeline.hears(one(name))


async def test_where_no_node_can_be_asked_what_is_stored_is_shown_and_read_now_and_then(
    company: Company, a: Node, b: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.pipeline.missed.LATELY_S", 1_000_000)
    name = company.vehicle_of(a)
    await move(a, name, 0, HERE)
    await move(a, name, 60, NEAR)
    b.asking.away = "it is away"
    await company.do(b.pipeline.hear_of(one(name)))
    assert lat(b, name) == NEAR
    read = b.store.asked["load"]
    await move(a, name, 120, HERE)
    await company.do(b.pipeline.hear_of(one(name)))
    assert (lat(b, name), b.store.asked["load"]) == (NEAR, read), "it was read lately"
    b.asking.away = ""
    await company.do(b.pipeline.hear_of(one(name)))
    assert lat(b, name) == HERE


# -- when vehicles change owners ---------------------------------------------------------------------------------------


async def test_who_looks_hears_of_whoever_owns_them_by_then(company: Company, a: Node, b: Node) -> None:
    names = [company.vehicle_of(node, at) for node in (a, b) for at in range(6)]
    for name in names:
        await move(a, name, 0, HERE)
    await look(company, a, cell(HERE))
    second = 0

    async def all_move(*by: Node) -> None:
        nonlocal second
        second += 60
        for node in company.nodes:
            if node is not a:
                await company.do(node.pipeline.submit([ping(name, second, HERE + second / 1e6) for name in names]))
        await company.until(lambda: {lat(a, name) for name in names} == {HERE + second / 1e6}, f"moves by {by}")

    await all_move(b)
    c = await company.join("c")
    assert any(name in c.fleet.vehicles for name in names)
    await all_move(b, c)
    d = await company.join("d")
    await company.leave(b)
    await company.until(company.is_fair)
    await all_move(c, d)
    company.kill(c)
    await company.until(company.is_fair)
    await all_move(d)
    assert a.sharing.watching._version <= 2, "they looked once"


@pytest.mark.parametrize("heir", ["a", "c"])
async def test_what_a_dead_node_told_nobody_is_heard_by_who_looks(
    company: Company, a: Node, b: Node, heir: str
) -> None:
    if heir == "c":
        await company.join("c")
    names = [company.vehicle_of(b, at) for at in range(8)]
    await look(company, a, cell(HERE))
    for name in names:
        await move(b, name, 0, HERE)
    b.asking._nodes = {}  # it can ask nobody
    b.bus._nodes = []
    for name in names:
        await move(b, name, 60, NEAR)
    assert {lat(a, name) for name in names} == {HERE}
    for node in company.nodes:
        node.store.fails["load_partitions"] = 2
    company.kill(b)
    await company.until(lambda: "b" not in a.sharing.ownership.others())
    await company.do(a.pipeline.hear_of(cell(HERE)))
    assert {lat(a, name) for name in names} == {NEAR}, "when it is answered that all is heard"


async def test_what_a_dead_node_told_its_heir_alone_is_heard_by_who_looks(company: Company, a: Node, b: Node) -> None:
    c = await company.join("c")
    await company.join("d")  # who looks at nothing
    names = [company.vehicle_of(b, at) for at in range(8)]
    for name in names:
        await move(b, name, 0, HERE)
    await look(company, a, Needs(vehicles=frozenset(names)))
    await look(company, c, ALL)
    b.asking._nodes = {name: one for name, one in b.asking._nodes.items() if name != "a"}
    for name in names:
        await move(b, name, 60, NEAR)
    await company.until(lambda: {lat(c, name) for name in names} == {NEAR})
    assert {lat(a, name) for name in names} == {HERE}
    company.kill(b)
    await company.until(lambda: "b" not in a.sharing.ownership.others())
    await company.do(a.pipeline.hear_of(Needs(vehicles=frozenset(names))))
    assert any(name in c.fleet.vehicles for name in names)
    assert {lat(a, name) for name in names} == {NEAR}


async def test_what_this_node_took_over_is_not_known_before_it_is_loaded(company: Company, a: Node, b: Node) -> None:
    name = company.vehicle_of(b)
    await move(b, name, 0, HERE)
    await move(b, name, 60, NEAR)
    a.store.fails["load_partitions"] = 1_000_000
    company.kill(b)
    await company.until(lambda: len(a.sharing.ownership._leases.owned()) == 64)
    assert not a.pipeline.hears(one(name))
    hears = asyncio.create_task(a.pipeline.hear_of(one(name)))
    a.store.fails["load_partitions"] = 0
    await company.until(hears.done)
    assert lat(a, name) == NEAR


async def test_who_was_not_heard_of_for_a_while_and_lost_nothing_says_again_what_it_needs(
    company: Company, a: Node, b: Node
) -> None:
    """The others forgot it, and what it needs."""
    name = company.vehicle_of(a)
    await move(a, name, 0, HERE)
    await look(company, b, one(name))
    served = b.serves
    company.place.now += 5000
    await a.sharing.ownership.ask_store()
    assert a.sharing.ownership.others() == {}
    for node in (b, a):
        company.place.now += 1
        await node.sharing.ownership.ask_store()
    assert b.serves == served
    await until(lambda: a.sharing.passing._targets["b"].needs == one(name))
    await until(lambda: b.pipeline.hears(one(name)))
    await company.join("c")  # so that not all need it
    await move(a, name, 60, NEAR)
    await until(lambda: lat(b, name) == NEAR)


async def test_who_left_while_a_node_was_forgotten_is_not_believed_to_be_there(
    company: Company, a: Node, b: Node
) -> None:
    """What it needed is passed to it by itself, but nobody passes who is not there any more: it has to ask."""
    name = company.vehicle_of(a)
    await move(a, name, 0, HERE)
    await look(company, b, cell(HERE))
    company.place.now += 5000
    await a.sharing.ownership.ask_store()
    assert a.sharing.ownership.others() == {}
    a.pipeline._relay.take(Change(moved=[state_at(a, name, THERE)]))
    for node in (b, a):
        company.place.now += 1
        await node.sharing.ownership.ask_store()
    await until(lambda: lat(b, name) == THERE)


def state_at(node: Node, name: str, lat: float) -> VehicleState:
    """A minute later."""
    state = node.picture.vehicles[name]
    moved = replace(state.ping, lat=lat, time=state.ping.time + 60_000)
    return replace(state, ping=moved, received_at=state.received_at + 60_000)


async def test_a_node_says_nothing_of_what_is_not_its_own(company: Company, a: Node, b: Node) -> None:
    """Who asks has an older view: it asks again."""
    theirs = sorted(b.serves)
    asks = asyncio.create_task(a.sharing.reply(encode(Wanted("b", 9, ALL, [], theirs))))
    await company.until(asks.done)
    with pytest.raises(Overloaded, match="does not own"):
        asks.result()
    assert a.sharing.passing._targets["b"].version < 9


async def test_what_is_given_up_is_told_until_another_has_it(company: Company, a: Node, b: Node) -> None:
    name = company.vehicle_of(a)
    await move(a, name, 0, HERE)
    await move(a, name, 60, NEAR)
    ours = sorted(a.serves)
    a.store.fails["lease_round"] = b.store.fails["lease_round"] = 1_000_000  # and it stays so
    a.sharing.ownership.give_up()
    await company.until(lambda: not any(map(a.sharing.ownership._leases.is_loaded, ours)))
    version = b.sharing.watching._version + 1
    await asyncio.wait_for(a.sharing.reply(encode(Wanted("b", version, one(name), [], ours))), deadline(5))
    assert lat(b, name) == NEAR


async def test_an_owner_that_cannot_load_what_it_took_says_so(
    company: Company, a: Node, b: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.pipeline.shared.ownership.LOADED_S", 0.001)
    a.store.fails["load_partitions"] = 1_000_000
    company.kill(b)
    await company.until(lambda: len(a.sharing.ownership._leases.owned()) == 64)
    with pytest.raises(Overloaded, match="not loaded"):
        await a.sharing.reply(encode(Wanted("b", 1, ALL, [], list(range(64)))))
    a.store.fails["load_partitions"] = 0
    await company.until(company.is_fair)


# -- what is passed twice ----------------------------------------------------------------------------------------------


async def test_nothing_that_is_passed_is_told_twice(company: Company, a: Node, b: Node) -> None:
    name = company.vehicle_of(a)
    await move(a, name, 0, HERE)
    told = len(b.told)
    assert await b.sharing.reply(encode(Moved([Raw(encode(a.picture.vehicles[name]))]))) == encode([])
    assert len(b.told) == told
