"""Which nodes need a vehicle, and what they hear of a change."""

from __future__ import annotations

import msgspec

from tracker.geometry.earth import tile
from tracker.model.change import Acked, Change, Registered, VehicleState
from tracker.model.events import Event
from tracker.model.picture import Picture
from tracker.model.ping import Ping
from tracker.nodes.audience import Audience, joining, news_for
from tracker.nodes.interest import ALL, NOTHING, Needs

HERE, THERE = (60.0, 24.0), (60.4, 25.0)
CELL = Needs(cells=frozenset({(10, *tile(*HERE, 10))}))
YARD = Needs(regions=frozenset({"yard"}))


def state(vehicle: str = "v", place: tuple[float, float] = THERE, *regions: str) -> VehicleState:
    return VehicleState(1, Ping(vehicle, 1000, *place), 0, regions=dict.fromkeys(regions, 0))


def picture(*states: VehicleState, **groups: str) -> Picture:
    known = Picture()
    known.apply(Change(moved=list(states), registered=[Registered(one, group=groups[one]) for one in groups]))
    return known


def heard(needs: Needs, change: Change, known: Picture) -> list[Change]:
    """By a node with these needs, beside others."""
    audience = Audience({"all": ALL, "it": needs, "none": NOTHING})
    told = news_for(audience, change, known)
    assert told["all"] == [change]
    return told.get("it", [])


def alarm(vehicle: str) -> Event:
    return Event("e", "alarm", vehicle, 0, 0, "reported", *THERE, seq=1)


def wants(needs: Needs, state: VehicleState, group: str | None) -> bool:
    audience = Audience({"none": NOTHING, "it": needs})
    bits = audience.who(state, group)
    assert audience.who(state, group) == bits, "the second time it is known"
    assert list(audience.named(bits)) == ["it"][: bits.bit_count()]
    return bool(bits)


def test_a_vehicle_is_needed_for_its_place_a_region_itself_or_its_group() -> None:
    assert wants(CELL, state(place=HERE), None)
    assert not wants(CELL, state(place=THERE), None)
    assert wants(Needs(cells=CELL.cells | {(3, *tile(*THERE, 3))}), state(place=THERE), None)
    assert wants(YARD, state("v", THERE, "other", "yard"), None)
    assert not wants(YARD, state("v", THERE, "other"), "yard")
    assert wants(Needs(vehicles=frozenset({"v"})), state(), None)
    assert wants(Needs(groups=frozenset({"vans"})), state(), "vans")
    assert not wants(Needs(groups=frozenset({"vans"})), state(), None)
    assert wants(ALL, state(), None)
    assert not wants(NOTHING, state(), None)


def test_a_move_is_heard_where_it_begins_or_ends_and_nowhere_else() -> None:
    known = picture(state("a", HERE), state("b"), state("c", THERE, "yard"))
    change = Change(moved=[state("a"), state("b", HERE), state("c")], acked=[Acked("e", None, 0)])
    assert heard(CELL, change, known) == [msgspec.structs.replace(change, moved=change.moved[:2])]
    assert heard(YARD, change, known) == [msgspec.structs.replace(change, moved=change.moved[2:])]
    assert heard(ALL, change, known) == [change]
    assert heard(NOTHING, Change(moved=change.moved), known) == []


def test_the_first_state_of_a_vehicle_and_what_is_rare_is_heard_everywhere() -> None:
    change = Change(moved=[state("new")], removed=["b"], erased=["c"], regions_deleted=["yard"], regions=[{"id": "x"}])
    assert heard(NOTHING, change, picture(state("b"))) == [change]


def test_of_whom_something_befell_it_is_heard_first_where_they_were() -> None:
    known = picture(state("v", HERE, "yard"), state("w"))
    for change in (Change(events=[alarm("v")]), Change(unnumbered=[alarm("v")]), Change(registered=[Registered("v")])):
        assert heard(NOTHING, change, known) == [Change(moved=[known.vehicles["v"]]), change]
        assert heard(YARD, change, known) == [change], "that is known there"
    moving = Change(moved=[state("v", THERE), state("w", HERE)], events=[alarm("v")])
    told, then = heard(NOTHING, moving, known)
    assert told.moved == [known.vehicles["v"]]
    assert then.moved == moving.moved[:1]
    assert heard(NOTHING, Change(events=[alarm("gone")]), known) == [Change(events=[alarm("gone")])]


def test_a_move_of_a_group_that_is_needed_is_heard_by_the_group_the_vehicle_is_in() -> None:
    known = picture(state("v"), state("w"), v="vans", w="lorries")
    change = Change(moved=[state("v", HERE), state("w", HERE)])
    [news] = heard(Needs(groups=frozenset({"vans"})), change, known)
    assert news.moved == change.moved[:1]


def test_what_begins_to_be_needed_is_told_once() -> None:
    known = picture(state("a", HERE, "yard"), state("b", HERE), state("c"), c="vans")

    def names(before: Needs, now: Needs) -> set[str]:
        return {state.ping.vehicle for state in joining(known, before, now)}

    assert names(YARD, YARD | CELL) == {"b"}
    assert names(NOTHING, Needs(groups=frozenset({"vans"}))) == {"c"}
    assert names(YARD, ALL) == {"b", "c"}
    assert names(CELL, CELL | YARD | Needs(vehicles=frozenset("cx"))) == {"c"}
    assert names(NOTHING, YARD | Needs(regions=frozenset({"nobody's"}))) == {"a"}
    assert names(ALL, YARD) == names(YARD, YARD) == set()


def test_nodes_that_need_everything_or_nothing_are_told_so() -> None:
    known = picture(state("v"))
    change = Change(moved=[state("v", HERE)])
    assert news_for(Audience({"a": ALL, "b": ALL}), change, known) == {"a": [change], "b": [change]}
    assert news_for(Audience({"a": NOTHING}), change, known) == {}
    assert news_for(Audience({}), change, known) == {}
