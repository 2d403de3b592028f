"""Which nodes need a vehicle, what every node hears of it, and what begins to be needed."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import pytest

from tracker.geometry.earth import tile
from tracker.model.change import Change, Registered, VehicleState
from tracker.model.picture import Picture
from tracker.model.ping import Ping
from tracker.nodes import audience
from tracker.nodes.audience import Audience, is_rare, joining
from tracker.nodes.interest import ALL, NOTHING, Needs

HERE, THERE = (60.0, 24.0), (60.4, 25.0)
CELL = Needs(cells=frozenset({(10, *tile(*HERE, 10))}))
YARD = Needs(regions=frozenset({"yard"}))
VANS = Needs(groups=frozenset({"vans"}))


def state(vehicle: str = "v", place: tuple[float, float] = THERE, *regions: str) -> VehicleState:
    return VehicleState(1, Ping(vehicle, 1000, *place), 0, regions=dict.fromkeys(regions, 0))


def picture(*states: VehicleState, **groups: str) -> Picture:
    known = Picture()
    known.apply(Change(moved=list(states), registered=[Registered(one, group=groups[one]) for one in groups]))
    return known


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
    assert wants(VANS, state(), "vans")
    assert not wants(VANS, state(), "lorries")
    assert not wants(VANS, state(), None)
    assert wants(ALL, state(), None)
    assert not wants(NOTHING, state(), None)


def test_all_nodes_that_need_a_vehicle_are_named_in_their_order() -> None:
    some = Audience({"a": CELL, "b": YARD, "c": NOTHING, "d": CELL | YARD, "e": ALL})
    assert some.nodes == list("abcde")
    assert list(some.named(some.all)) == list("abcde")
    assert "".join(some.named(some.who(state(place=HERE), None))) == "ade"
    assert "".join(some.named(some.who(state("v", THERE, "yard"), None))) == "bde"
    assert "".join(some.named(some.who(state("v", HERE, "yard"), None))) == "abde"


def test_where_all_need_everything_all_need_any_vehicle() -> None:
    both = Audience({"a": ALL, "b": ALL})
    assert both.who(state(), None) == both.all == 0b11
    nobody = Audience({})
    assert nobody.who(state(), None) == nobody.all == 0


def test_who_needs_a_tile_is_remembered_of_so_many_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "MOST_TILES", 3)
    one = Audience({"it": CELL})
    for _ in range(2):
        for step in range(10):
            assert not one.who(state(place=(0.0, float(step))), None)
            assert one.who(state(place=HERE), None)
            assert len(one._tiles) <= 3


def test_the_first_state_and_another_membership_are_rare_and_a_move_is_not() -> None:
    last = VehicleState(1, Ping("v", 1000, *HERE), 0, regions={"yard": 5})
    assert is_rare(None, last)
    moved = msgspec.structs.replace(last, ping=Ping("v", 2000, *THERE), received_at=2000, state=1, since=2000)
    assert not is_rare(last, moved), "the same regions"
    assert not is_rare(last, msgspec.structs.replace(moved, regions={"yard": 5})), "equal ones, read from the bus"
    for regions in ({}, {"gate": 5}, {"yard": 5, "gate": 5}, {"yard": 6}):
        assert is_rare(last, msgspec.structs.replace(moved, regions=regions))
    assert is_rare(last, msgspec.structs.replace(moved, beyond=("yard",)))


def test_what_begins_to_be_needed_joins_once() -> None:
    known = picture(state("a", HERE, "yard"), state("b", HERE), state("c"), c="vans")

    def names(before: Needs, now: Needs) -> list[str]:
        return sorted(filter(None, joining(known, before, now)))

    assert names(YARD, YARD | CELL) == ["b"]
    assert names(NOTHING, VANS) == ["c"]
    assert names(YARD, ALL) == ["b", "c"]
    assert names(NOTHING, ALL) == ["a", "b", "c"]
    assert names(CELL, CELL | YARD | Needs(vehicles=frozenset("cx"))) == ["c"], "a is there already, nobody knows x"
    assert names(NOTHING, YARD | Needs(regions=frozenset({"nobody's"}), vehicles=frozenset("a"))) == ["a"]
    assert names(CELL, YARD | VANS) == ["c"], "what is needed no more does not join"
    assert names(ALL, YARD) == names(YARD, YARD) == names(YARD, NOTHING) == []


def test_who_is_in_a_cell_is_asked_of_whoever_knows() -> None:
    """Then not all are looked at, and what it says is looked at once more."""
    known = picture(state("a", HERE, "yard"), state("b", HERE), state("c"), state("d", HERE), c="vans")
    asked: list[set[tuple[int, int, int]]] = []

    def within(cells: Collection[tuple[int, int, int]]) -> list[str]:
        asked.append(set(cells))
        return ["b", "c", "gone"]

    def found(before: Needs, now: Needs) -> list[str | None]:
        return sorted(joining(known, before, now, within), key=str)

    assert found(NOTHING, CELL) == [None, None, "b"]
    assert found(CELL, CELL | YARD) == [None], "a is there already"
    assert found(NOTHING, YARD) == ["a"]
    assert asked == [set(CELL.cells)]
    assert found(NOTHING, VANS | CELL) == ["a", "b", "c", "d"], "by their groups all are looked at"
    assert found(NOTHING, ALL) == ["a", "b", "c", "d"]
    assert len(asked) == 1
