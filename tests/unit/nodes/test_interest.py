"""What viewers need of the vehicles of other nodes, and how those come to know it."""

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
from tracker.nodes.interest import ALL, NOTHING, Needs, News, Others, Own, needed

CELL = Needs(cells=frozenset({(10, *tile(60.0, 24.0, 10))}))
YARD = Needs(regions=frozenset({"yard"}))


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


def test_a_cell_is_needed_no_finer_than_a_tile_that_is_looked_up() -> None:
    fine, coarse = {(14, *tile(60.0, 24.0, 14)), (13, *tile(60.0, 24.0, 13))}, {(12, *tile(60.0, 24.0, 12)), (3, 4, 2)}
    assert needed(Wish(cells=frozenset(fine | {(3, 4, 2)})), EVERYTHING) == Needs(cells=frozenset(coarse))


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
    assert others.needs_of("a") == ALL
    assert not others.take_news(News("a", 2, 1, YARD)), "a change to what?"
    assert others.needs_of("a") == ALL
    own.change([YARD])
    assert others.take_news(own.whole())
    assert others.needs_of("a") == YARD
    own.change([YARD, CELL])  # this one is lost
    lost = own.whole()
    news = own.change([CELL])
    assert news is not None
    assert not others.take_news(news)
    assert others.needs_of("a") == ALL
    assert not others.take_news(lost), "older than what it was told there is"
    assert others.needs_of("a") == ALL
    assert others.take_news(own.whole())
    assert others.needs_of("a") == CELL
    others.forget("a")
    assert others.needs_of("a") == ALL


def test_a_node_with_nobody_watching_is_told_nothing_once_it_says_so() -> None:
    others = Others()
    assert others.take_news(Own("a").whole())
    assert others.needs_of("a") == NOTHING


def test_what_is_heard_again_or_late_changes_nothing() -> None:
    own, others = Own("a"), Others()
    first, before = own.change([YARD]), own.whole()
    second = own.change([CELL])
    assert first is not None and second is not None
    others.take_news(before)
    assert all(map(others.take_news, [second, second, first, before]))
    assert others.needs_of("a") == CELL


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
                if not (asks := not others.take_news(msgspec.json.decode(msgspec.json.encode(news), type=News))):
                    assert others.needs_of("a") == history[newest]
        assert others.needs_of("a") in (ALL, history.get(newest, ALL))
    others.take_news(own.whole())
    assert others.needs_of("a") == own.needs


def parted(needs: Needs) -> dict[str, Any]:
    return {name: getattr(needs, name) for name in Needs.__struct_fields__}


def test_needs_are_added_and_taken_away_field_by_field() -> None:
    full = Needs(True, CELL.cells, frozenset("r"), frozenset("v"), frozenset("g"))
    assert parted(NOTHING | full) == parted(full | NOTHING) == parted(full)
    assert full - NOTHING == full
    assert full - full == NOTHING
    assert full - ALL == Needs(False, CELL.cells, frozenset("r"), frozenset("v"), frozenset("g"))
