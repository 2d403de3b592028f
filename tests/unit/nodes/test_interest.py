"""What viewers need of the vehicles of other nodes."""

from __future__ import annotations

import msgspec
import pytest

from tests.support.grants import limited, of_all
from tracker.access.grants import EVERYTHING, Grant
from tracker.geometry.earth import tile
from tracker.live.viewer import Wish
from tracker.nodes.interest import ALL, NOTHING, Needs, needed, united

CELL = Needs(cells=frozenset({(10, *tile(60.0, 24.0, 10))}))
YARD = Needs(regions=frozenset({"yard"}))
VAN = Needs(vehicles=frozenset({"v"}))
VANS = Needs(groups=frozenset({"vans"}))
KINDS = [CELL, YARD, VAN, VANS]


def test_who_sees_everything_needs_what_they_follow() -> None:
    assert needed(Wish(all=True, vehicles=frozenset({"v"})), EVERYTHING) == ALL
    wish = Wish(False, frozenset({"yard"}), frozenset({"v"}), CELL.cells)
    assert needed(wish, EVERYTHING) == Needs(False, CELL.cells, frozenset({"yard"}), frozenset({"v"}))


def test_who_sees_a_part_needs_all_of_it_whatever_they_follow() -> None:
    wish = Wish(cells=CELL.cells)
    assert needed(wish, limited("yard", "gate")) == Needs(regions=frozenset({"yard", "gate"}))
    vans = limited(anywhere=True, vehicles=frozenset({"vans"}))
    assert needed(wish, of_all(limited("yard", vehicles=frozenset({"lorries"})), vans)) == YARD | VANS
    assert needed(wish, of_all(limited("yard"), limited(anywhere=True, coarse_m=5000))) == ALL
    assert needed(wish, Grant()) == NOTHING


def test_a_cell_is_needed_no_finer_than_a_tile_that_is_looked_up() -> None:
    fine, coarse = {(14, *tile(60.0, 24.0, 14)), (13, *tile(60.0, 24.0, 13))}, {(10, *tile(60.0, 24.0, 10)), (3, 4, 2)}
    assert needed(Wish(cells=frozenset(fine | {(3, 4, 2)})), EVERYTHING) == Needs(cells=frozenset(coarse))


def test_what_several_need_is_what_any_of_them_needs() -> None:
    assert united([]) == NOTHING
    whole = united(one for one in (*KINDS, YARD))
    assert whole == Needs(False, CELL.cells, YARD.regions, VAN.vehicles, VANS.groups)
    assert YARD | Needs(regions=frozenset({"gate"})) == Needs(regions=frozenset({"yard", "gate"}))
    assert YARD | ALL == ALL | CELL == ALL, "whoever needs everything tells no names"


@pytest.mark.parametrize("one", KINDS)
def test_needs_cover_those_that_are_part_of_them(one: Needs) -> None:
    rest = united(kind for kind in KINDS if kind is not one)
    whole = rest | one
    assert whole.covers(one) and whole.covers(rest) and whole.covers(whole) and whole.covers(NOTHING)
    assert not rest.covers(one) and not rest.covers(whole) and not NOTHING.covers(one)
    assert ALL.covers(whole) and ALL.covers(ALL) and not whole.covers(ALL)


def test_a_cell_in_a_coarser_one_counts_as_another() -> None:
    assert not Needs(cells=frozenset({(0, 0, 0)})).covers(CELL)


@pytest.mark.parametrize("needs", [ALL, NOTHING, *KINDS, united(KINDS)])
def test_needs_cross_the_wire_as_they_are(needs: Needs) -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(needs), type=Needs) == needs
