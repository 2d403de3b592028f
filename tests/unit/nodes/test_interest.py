"""What a node has to hear, and how the others come to know it."""

from __future__ import annotations

import random
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.support.grants import limited, of_all
from tracker.access.grants import EVERYTHING, Grant
from tracker.geometry.earth import tile
from tracker.live.viewer import Wish
from tracker.model.change import Acked, Change, Registered, VehicleState
from tracker.model.events import Event
from tracker.model.picture import Picture
from tracker.model.ping import Ping
from tracker.nodes.interest import ALL, NOTHING, Needs, News, Others, Own, joining, needed, news_for

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
    return list(news_for(needs, change, known))


def alarm(vehicle: str) -> Event:
    return Event("e", "alarm", vehicle, 0, 0, "reported", *THERE, seq=1)


def test_a_vehicle_is_needed_for_its_place_a_region_itself_or_its_group() -> None:
    assert CELL.wants(state(place=HERE), None)
    assert not CELL.wants(state(place=THERE), None)
    assert Needs(cells=CELL.cells | {(3, *tile(*THERE, 3))}).wants(state(place=THERE), None)
    assert YARD.wants(state("v", THERE, "other", "yard"), None)
    assert not YARD.wants(state("v", THERE, "other"), "yard")
    assert Needs(vehicles=frozenset({"v"})).wants(state(), None)
    assert Needs(groups=frozenset({"vans"})).wants(state(), "vans")
    assert not Needs(groups=frozenset({"vans"})).wants(state(), None)
    assert ALL.wants(state(), None)
    assert not NOTHING.wants(state(), None)


def test_who_sees_everything_needs_what_they_follow() -> None:
    assert needed(Wish(all=True, vehicles=frozenset({"v"})), EVERYTHING) == ALL
    wish = Wish(False, frozenset({"yard"}), frozenset({"v"}), CELL.cells)
    assert needed(wish, EVERYTHING) == Needs(False, CELL.cells, frozenset({"yard"}), frozenset({"v"}))


def test_who_sees_a_part_needs_all_of_it_whatever_they_follow() -> None:
    wish = Wish(cells=CELL.cells)
    assert needed(wish, limited("yard", "gate")) == Needs(regions=frozenset({"yard", "gate"}))
    vans = limited(anywhere=True, vehicles=frozenset({"vans"}))
    assert needed(wish, of_all(limited("yard", vehicles=frozenset({"lorries"})), vans)) == YARD | Needs(
        groups=frozenset({"vans"})
    )
    assert needed(wish, of_all(limited("yard"), limited(anywhere=True, coarse_m=5000))) == ALL
    assert needed(wish, Grant()) == NOTHING


def test_a_move_is_heard_where_it_begins_or_ends_and_nowhere_else() -> None:
    known = picture(state("a", HERE), state("b"), state("c", THERE, "yard"))
    change = Change(moved=[state("a"), state("b", HERE), state("c")], acked=[Acked("e", None, 0)])
    assert heard(CELL, change, known) == [msgspec.structs.replace(change, moved=change.moved[:2])]
    assert heard(YARD, change, known) == [msgspec.structs.replace(change, moved=change.moved[2:])]
    assert heard(ALL, change, known)[0] is change
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
    vehicles = known.vehicles
    assert joining(known, YARD, YARD | CELL) == [vehicles["b"]]
    assert joining(known, NOTHING, Needs(groups=frozenset({"vans"}))) == [vehicles["c"]]
    assert joining(known, YARD, ALL) == [vehicles["b"], vehicles["c"]]
    assert joining(known, CELL, CELL | YARD | Needs(vehicles=frozenset("cx"))) == [vehicles["c"]]
    assert joining(known, NOTHING, YARD | Needs(regions=frozenset({"nobody's"}))) == [vehicles["a"]]
    assert joining(known, ALL, YARD) == joining(known, YARD, YARD) == []


# -- told from node to node ------------------------------------------------------------------------------------------


def test_needs_are_told_as_what_changed() -> None:
    own = Own("a")
    assert own.change([]) is None
    assert own.change([CELL, YARD]) == News("a", 2, 1, CELL | YARD)
    assert own.change([YARD, CELL, YARD]) is None
    assert own.change([ALL, YARD]) == News("a", 3, 2, ALL, CELL)
    assert own.change([YARD]) == News("a", 4, 3, NOTHING, ALL)
    assert own.whole() == News("a", 4, 0, YARD)


def test_a_node_that_is_not_known_wholly_is_told_everything() -> None:
    own, others = Own("a"), Others()
    assert others.of("a") == ALL
    assert not others.hear(News("a", 2, 1, YARD)), "a change to what?"
    assert others.of("a") == ALL
    own.change([YARD])
    assert others.hear(own.whole())
    assert others.of("a") == YARD
    own.change([YARD, CELL])  # this one is lost
    lost = own.whole()
    news = own.change([CELL])
    assert news is not None
    assert not others.hear(news)
    assert others.of("a") == ALL
    assert not others.hear(lost), "older than what it was told there is"
    assert others.of("a") == ALL
    assert others.hear(own.whole())
    assert others.of("a") == CELL
    others.forget("a")
    assert others.of("a") == ALL


def test_a_node_with_nobody_watching_is_told_nothing_once_it_says_so() -> None:
    others = Others()
    assert others.hear(Own("a").whole())
    assert others.of("a") == NOTHING


def test_what_is_heard_again_or_late_changes_nothing() -> None:
    own, others = Own("a"), Others()
    first, before = own.change([YARD]), own.whole()
    second = own.change([CELL])
    assert first is not None and second is not None
    others.hear(before)
    assert all(map(others.hear, [second, second, first, before]))
    assert others.of("a") == CELL


@given(st.integers(0, 10_000))
def test_however_news_come_nothing_that_is_needed_is_left_out(seed: int) -> None:
    """Lost, late, twice; whoever is told to ask for the whole does, sooner or later. They cross the wire as JSON."""
    dice = random.Random(seed)
    own, others, way, asks = Own("a"), Others(), list[News](), False
    newest = 0  # of all that was heard
    history: dict[int, Needs] = {1: NOTHING}
    parts = [CELL, YARD, ALL, Needs(vehicles=frozenset("v")), Needs(groups=frozenset("g"))]
    for _ in range(60):
        match dice.randrange(6):
            case 0 | 1:
                if news := own.change(dice.sample(parts, dice.randrange(3))):
                    way.append(news)
                history[own.version] = own.needs
            case 2 if way:
                way.pop(dice.randrange(len(way)))
            case 3 if asks:
                way.append(own.whole())
            case _ if way:
                news = dice.choice(way)
                newest = max(newest, news.version)
                if not (asks := not others.hear(msgspec.json.decode(msgspec.json.encode(news), type=News))):
                    assert others.of("a") == history[newest]
        assert others.of("a") in (ALL, history.get(newest, ALL))
    others.hear(own.whole())
    assert others.of("a") == own.needs


def parted(needs: Needs) -> dict[str, Any]:
    return {name: getattr(needs, name) for name in Needs.__struct_fields__}


def test_needs_are_added_and_taken_away_field_by_field() -> None:
    full = Needs(True, CELL.cells, frozenset("r"), frozenset("v"), frozenset("g"))
    assert parted(NOTHING | full) == parted(full | NOTHING) == parted(full)
    assert full - NOTHING == full
    assert full - full == NOTHING
    assert full - ALL == Needs(False, CELL.cells, frozenset("r"), frozenset("v"), frozenset("g"))
