"""What one node takes, serves and gives up, by what it is answered."""

from __future__ import annotations

import pytest

from tests.support.leasing import Database
from tracker.nodes.leases import Leases, Row, Terms, Turn, View, counted, free_for, shares

TERMS = Terms(lease_ms=1000, drift=0.01, pause_ms=90)  # safe for 900 ms, a round every 200
QUIET = Turn([], [], [])


class Node:
    """One that loads and drains at once, and asks the database without anything lost."""

    def __init__(self, name: str, database: Database) -> None:
        self.leases = Leases(name, TERMS)
        self.database = database

    def go(self, now: float) -> Turn:
        asked = self.leases.ask(now)
        turn = self.leases.take_view(asked, self.database.take_round(asked, now))
        for place, epoch in turn.gained:
            self.leases.ready(place, epoch)
        for place in turn.stops:
            self.leases.drained(place)
        return turn

    def serves(self, now: float) -> set[int]:
        return {place for place in range(64) if self.leases.epoch_of(place, now) is not None}


@pytest.fixture
def database() -> Database:
    return Database(64, TERMS.lease_ms)


@pytest.fixture
def alone(database: Database) -> Node:
    """One node that owns everything, as of 0."""
    node = Node("a", database)
    node.go(-1)
    node.go(0)
    return node


def test_a_node_that_heard_nothing_owns_nothing_and_asks_at_once() -> None:
    leases = Leases("a", TERMS)
    assert leases.due == float("-inf")
    assert (leases.epoch_of(0, 0), leases.owner_of(0, 0)) == (None, None)
    assert leases.take_view(leases.ask(0), View(frozenset({"a"}), [Row(None, 3)])) == QUIET
    assert leases.due == 0, "something is free"


def test_a_node_alone_takes_everything_in_its_second_round(database: Database) -> None:
    node = Node("a", database)
    assert node.go(0) == QUIET
    turn = node.go(1)
    assert turn.gained == [(place, 1) for place in range(64)]
    assert len(node.serves(2)) == 64
    assert node.leases.due == 1 + TERMS.round_ms, "nothing is free any more"
    assert node.leases.owner_of(5, 2) == "a"


def test_a_partition_is_served_when_its_vehicles_are_loaded_not_before() -> None:
    leases = Leases("a", TERMS)
    leases.take_view(leases.ask(0), View(frozenset({"a"}), [Row("a", 4)]))
    assert leases.epoch_of(0, 1) is None
    assert leases.owner_of(0, 1) is None
    leases.ready(0, 3)  # of what was before
    leases.ready(7, 4)
    assert leases.epoch_of(0, 1) is None
    leases.ready(0, 4)
    assert leases.epoch_of(0, 1) == 4


def test_a_node_that_is_not_answered_stops_before_its_lease_ends(alone: Node) -> None:
    alone.leases.ask(500)  # its answer is lost
    assert len(alone.serves(899.9)) == 64
    assert alone.serves(900) == set()
    assert alone.leases.owner_of(0, 900) is None
    assert alone.leases.due == 700, "it goes on asking"
    asked = alone.leases.ask(950)
    view = alone.database.take_round(asked, 1200)
    assert alone.leases.take_view(asked, view) == QUIET, "nobody has taken anything: it goes on as it was"
    assert alone.leases.epoch_of(0, 1849) == 1
    assert alone.leases.epoch_of(0, 1850) is None, "counted from when it asked, not from the answer"


def test_a_lease_lasts_from_the_round_that_was_answered_not_from_the_newest(alone: Node) -> None:
    first = alone.leases.ask(100)
    alone.leases.ask(300)
    alone.leases.take_view(first, alone.database.take_round(first, 150))
    assert alone.leases.epoch_of(0, 999) == 1
    assert alone.leases.epoch_of(0, 1000) is None


def test_an_answer_after_a_newer_one_is_not_listened_to(alone: Node) -> None:
    early, late = alone.leases.ask(300), alone.leases.ask(400)
    view = alone.database.take_round(late, 400)
    alone.leases.take_view(late, view)
    assert alone.leases.take_view(early, View(frozenset(), [Row(None, 9)] * 64)) == QUIET
    assert alone.leases.epoch_of(0, 1299) == 1


def test_what_another_took_is_lost_and_not_served(alone: Node) -> None:
    other = Node("b", alone.database)
    other.go(5000)
    assert len(other.go(5001).gained) == 64
    turn = alone.go(5100)
    assert turn.lost == list(range(64))
    assert alone.serves(5100) == set()
    assert alone.leases.owner_of(0, 5100) == "b"
    assert not alone.database.commits("a", 0, 1)


def test_what_was_lost_and_taken_again_is_loaded_again(alone: Node) -> None:
    rows = [Row("a", 3 if place == 7 else 1) for place in range(64)]
    turn = alone.leases.take_view(alone.leases.ask(100), View(frozenset({"a"}), rows))
    assert (turn.lost, turn.gained) == ([7], [(7, 3)])
    assert alone.leases.epoch_of(7, 101) is None


def test_one_that_joins_is_given_its_share_by_those_that_have_too_much(alone: Node) -> None:
    other = Node("b", alone.database)
    other.go(100)
    stops = alone.go(101).stops
    assert sorted(stops) == list(range(32, 64))
    assert alone.leases.due == 101, "what is given up is given up at once"
    assert alone.leases.epoch_of(40, 102) is None
    assert sorted(alone.go(102).lost) == list(range(32, 64))
    other.go(103)
    assert [place for place, _ in other.go(104).gained] == list(range(32, 64))
    assert other.leases.epoch_of(40, 105) == 2
    assert (alone.go(106), other.go(107)) == (QUIET, QUIET)


def test_what_is_not_drained_is_not_given_up(alone: Node) -> None:
    other = Node("b", alone.database)
    other.go(100)
    asked = alone.leases.ask(101)
    alone.leases.take_view(asked, alone.database.take_round(asked, 101))
    alone.leases.drained(40)
    alone.leases.drained(3)  # nobody wanted it
    alone.leases.drained(99)
    assert alone.leases.ask(102).gives == [(40, 1)]
    again = alone.leases.ask(103)
    assert alone.leases.take_view(again, alone.database.take_round(again, 103)) == Turn([40], [], []), (
        "no more than too many"
    )


def test_what_is_not_loaded_yet_is_given_up_first() -> None:
    leases = Leases("a", TERMS)
    view = View(frozenset({"a", "b"}), [Row("a", 1)] * 8)
    leases.take_view(leases.ask(0), View(frozenset({"a"}), view.rows))
    for place in (0, 2, 3, 5, 7):
        leases.ready(place, 1)
    assert leases.take_view(leases.ask(1), view).stops == [6, 4, 1, 7]


def test_one_that_leaves_goes_when_all_of_it_is_drained_and_in_one_round(alone: Node) -> None:
    turn = alone.leases.give_up()
    assert sorted(turn.stops) == list(range(64))
    assert alone.serves(1) == set()
    for place in turn.stops[1:]:
        alone.leases.drained(place)
    assert not alone.leases.ask(2).leaves
    alone.leases.drained(turn.stops[0])
    asked = alone.leases.ask(3)
    assert asked.leaves
    assert not alone.leases.has_left
    assert len(alone.leases.take_view(asked, alone.database.take_round(asked, 3)).lost) == 64
    assert alone.leases.has_left
    assert alone.leases.due == 3 + TERMS.round_ms
    assert alone.database.rows == [Row(None, 1)] * 64


def test_one_that_leaves_takes_nothing(alone: Node) -> None:
    other = Node("b", alone.database)
    other.go(5000)  # everything is free
    other.leases.give_up()
    assert other.leases.ask(5001).takes == []


def test_what_comes_to_one_that_leaves_goes_with_the_rest() -> None:
    leases = Leases("a", TERMS)
    leases.take_view(leases.ask(0), View(frozenset({"a"}), [Row("a", 1), Row(None, 0)]))
    leases.give_up()
    assert leases.take_view(leases.ask(1), View(frozenset({"a"}), [Row("a", 1), Row("a", 1)])).stops == [1]


def test_a_lease_is_long_enough_for_a_lost_round() -> None:
    with pytest.raises(AssertionError):
        Leases("a", Terms(lease_ms=300, pause_ms=200))
    assert Leases("a").give_up() == QUIET


def test_shares_are_fair_and_whoever_has_more_keeps_it() -> None:
    assert shares({"a": 30, "b": 34, "c": 0}, 64) == {"a": 22, "b": 21, "c": 21}
    assert shares({"a": 22, "b": 34, "c": 0}, 64) == {"a": 22, "b": 21, "c": 21}, "it stays so on the way there"
    assert shares({"a": 21, "b": 21, "c": 22}, 64) == {"a": 21, "b": 21, "c": 22}
    assert shares({"a": 0}, 64) == {"a": 64}
    assert shares({}, 64) == {}


def test_a_free_partition_is_one_nodes_to_take() -> None:
    rows = [Row("gone", 2), Row("b", 1), Row(None, 0), Row("b", 1), Row("b", 1), Row(None, 5)]
    view = View(frozenset({"a", "b", "c"}), rows)
    counts = counted(view)
    assert counts == {"a": 0, "b": 3, "c": 0}
    share = shares(counts, 6)
    found = {node: free_for(node, view, counts, share) for node in "abcd"}
    assert found == {"a": [0, 2], "b": [], "c": [5], "d": []}


def test_what_was_taken_may_be_committed_until_the_lease_ends_loaded_or_to_be_given_up() -> None:
    leases = Leases("a", TERMS)
    assert leases.may_commit(0, 0) is None, "nothing is its own yet"
    leases.take_view(leases.ask(0), View(frozenset({"a"}), [Row("a", 4)]))
    assert (leases.may_commit(0, 1), leases.epoch_of(0, 1)) == (4, None), "it is being loaded"
    leases.ready(0, 4)
    leases.give_up()
    assert (leases.may_commit(0, 1), leases.epoch_of(0, 1)) == (4, None), "what is under way may end"
    assert leases.may_commit(0, 899) == 4
    assert leases.may_commit(0, 900) is None
    assert leases.may_commit(1, 1) is None


def test_of_what_is_owned_only_what_is_in_memory_is_ready() -> None:
    leases = Leases("a", TERMS)
    leases.take_view(leases.ask(0), View(frozenset({"a", "b"}), [Row("a", 4), Row("b", 7), Row("a", 2)]))
    assert leases.owned() == {0: 4, 2: 2}
    assert leases.owned(ready=True) == {}
    leases.ready(0, 4)
    leases.ready(2, 2)
    assert leases.owned(ready=True) == {0: 4, 2: 2}
    leases.give_up()
    assert leases.owned(ready=True) == {0: 4, 2: 2}, "until they are dropped"
    assert leases.drained(2)
    assert leases.owned(ready=True) == {0: 4}
    assert leases.owned() == {0: 4, 2: 2}, "until somebody else may have it"


def test_who_lives_is_what_the_newest_answer_said() -> None:
    leases = Leases("a", TERMS)
    assert leases.living == frozenset()
    leases.take_view(leases.ask(0), View(frozenset({"a", "b"}), [Row(None, 0)]))
    assert leases.living == {"a", "b"}


def test_only_what_stops_is_drained(alone: Node) -> None:
    assert not alone.leases.drained(3), "it is served"
    assert not alone.leases.drained(70), "there is none"
    alone.leases.give_up()
    assert alone.leases.drained(3)


def test_how_vehicles_are_nobody_knows_better_until_another_may_have_them() -> None:
    leases = Leases("a", TERMS)
    leases.take_view(leases.ask(0), View(frozenset({"a"}), [Row("a", 4), Row(None, 0)]))
    assert not leases.is_known(0), "they are not in memory yet"
    leases.ready(0, 4)
    assert leases.is_known(0) and not leases.is_known(1)
    leases.give_up()
    leases.drained(0)
    assert leases.is_known(0) and not leases.is_loaded(0)
    leases.take_view(leases.ask(1), View(frozenset({"a"}), [Row(None, 4), Row(None, 0)]))
    assert not leases.is_known(0)


def test_each_node_that_lives_owns_what_the_newest_answer_said() -> None:
    leases = Leases("a", TERMS)
    assert leases.owned_by() == {}
    leases.take_view(leases.ask(0), View(frozenset("abc"), [Row("a", 4), Row("b", 7), Row("dead", 2), Row("a", 1)]))
    assert leases.owned_by() == {"a": frozenset({0, 3}), "b": frozenset({1}), "c": frozenset()}
    assert leases.owned_by() is leases.owned_by()
    leases.take_view(leases.ask(1), View(frozenset("a"), [Row("a", 4), Row("b", 7), Row(None, 2), Row("a", 1)]))
    assert leases.owned_by() == {"a": frozenset({0, 3})}
