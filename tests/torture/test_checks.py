"""Each check of the torture run says nothing of what is right, and something of what is wrong in its own way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from tests.torture.checks.acked import check_acked
from tests.torture.checks.alike import Place, Places, check_alike
from tests.torture.checks.edited import check_edited
from tests.torture.checks.numbered import check_numbered
from tests.torture.checks.ordered import check_ordered
from tests.torture.checks.owned import Held, check_owned
from tests.torture.checks.reread import Read, Spans, check_reread
from tests.torture.checks.seen import check_seen
from tests.torture.checks.stored import Fix, check_stored
from tests.torture.follows import FOLLOWS, Follow, hears, view, wanted
from tests.torture.routes import EDGE, LAT

A, B, C, D = (1, 60.0, 25.0), (2, 60.0, 25.1), (3, 60.0, 25.2), (4, 60.0, 25.3)


def says(faults: Iterator[str], *words: str) -> None:
    """As many faults, each with its word."""
    found = list(faults)
    assert len(found) == len(words), found
    assert all(word in fault for word, fault in zip(words, found, strict=True)), found


# ------------------------------------------------------------------------------------------------------- stored


def stored(*fixes: Fix, sent: Sequence[Fix] = (A, B, C), acknowledged: int = 2) -> Iterator[str]:
    return check_stored({"van": sent}, {"van": acknowledged}, {"van": fixes})


@pytest.mark.parametrize("fixes", [(A, B), (A, B, C)])
def test_what_was_not_acknowledged_may_be_stored_or_not(fixes: Sequence[Fix]) -> None:
    says(stored(*fixes))


def test_a_ping_that_was_acknowledged_and_is_not_there_is_lost() -> None:
    says(stored(A), "1 of 2 acknowledged pings are lost")
    says(check_stored({"van": [A]}, {"van": 1}, {}), "are lost")


def test_a_ping_that_is_there_twice_is_doubled() -> None:
    says(stored(A, B, B), "stored twice")


def test_a_ping_that_nobody_sent_is_strange() -> None:
    says(stored(A, B, D), "never sent")
    says(check_stored({}, {}, {"car": [A]}), "nobody sent")


def test_a_track_has_its_order() -> None:
    says(stored(B, A), "another order")


# ----------------------------------------------------------------------------------------------------- numbered


def test_numbers_that_follow_each_other_are_right() -> None:
    says(check_numbered([]))
    says(check_numbered([(1, "a"), (2, "b")]))


@pytest.mark.parametrize("seqs", [(2, 3), (1, 3), (1, 1), (2, 1)])
def test_a_number_that_is_missing_doubled_or_out_of_order_is_found(seqs: tuple[int, int]) -> None:
    says(check_numbered(list(zip(seqs, "ab", strict=True))), "in place")


def test_an_event_that_has_two_numbers_is_found() -> None:
    says(check_numbered([(1, "a"), (2, "a")]), "there twice")


def test_numbers_are_in_the_order_of_transactions() -> None:
    says(check_ordered([(1, 7, 1), (3, 9, 1), (2, 7, 2)]))


def test_a_number_that_was_given_while_an_earlier_transaction_ran_is_found() -> None:
    says(check_ordered([(1, 9, 1), (2, 7, 1)]), "transaction 7")
    says(check_ordered([(1, 7, 2), (2, 7, 1)]), "transaction 7")


# -------------------------------------------------------------------------------------------------------- owned


def test_a_partition_goes_from_one_run_to_the_next_with_an_epoch() -> None:
    says(check_owned([Held(1, "n0", 7, 1, "x"), Held(2, "n0", 7, 1, "x"), Held(3, "n1", 7, 2, "y")]))
    says(check_owned([Held(1, "n0", 7, 1, "x"), Held(2, "n1", 8, 1, "y")]))


def test_two_runs_that_commit_in_one_epoch_are_found() -> None:
    """A lease that is taken over without a new epoch."""
    says(check_owned([Held(1, "n0", 7, 1, "x"), Held(2, "n1", 7, 1, "y")]), "epoch 1: n0, n1")


def test_a_run_that_commits_what_another_one_owns_is_found() -> None:
    """Fencing is off: as it commits the lease is of another node, and of that one's epoch."""
    late = [Held(1, "n0", 7, 1, "x"), Held(2, "n1", 7, 2, "y"), Held(3, "n0", 7, 2, "y")]
    says(check_owned(late), "epoch 2: n0, n1", "y is the name of n0, n1")


def test_an_epoch_that_commits_after_a_later_one_is_found() -> None:
    says(check_owned([Held(1, "n1", 7, 2, "y"), Held(2, "n0", 7, 1, "x")]), "epoch 1 commits after 2")


# --------------------------------------------------------------------------------------------------------- seen

ALL: Mapping[tuple[int, str], bool | None] = {(1, "a"): True, (2, "b"): True, (3, "c"): True}
SOME: Mapping[tuple[int, str], bool | None] = {(1, "a"): False, (2, "b"): True, (3, "c"): None}


def seen(*events: tuple[int, str], of: Mapping[tuple[int, str], bool | None] = ALL) -> Iterator[str]:
    return check_seen("eve", events, of)


def test_who_heard_each_event_it_may_see_once_and_in_order_heard_well() -> None:
    says(seen((1, "a"), (2, "b"), (3, "c")))
    says(seen((2, "b"), of=SOME))
    says(seen((2, "b"), (3, "c"), of=SOME))


def test_an_event_that_a_viewer_did_not_hear_is_missed() -> None:
    says(seen((1, "a"), (3, "c")), "missed 1")
    says(seen((3, "c"), of=SOME), "missed 1")


def test_an_event_that_a_viewer_heard_again_is_doubled() -> None:
    """As of an own echo that is applied twice."""
    says(seen((1, "a"), (2, "b"), (2, "b"), (3, "c")), "twice")


def test_an_event_that_a_viewer_may_not_see_or_that_is_not_there_is_strange() -> None:
    says(seen((1, "a"), (2, "b"), of=SOME), "not for it")
    says(seen((1, "a"), (2, "b"), (3, "c"), (4, "d")), "not there")


def test_an_event_that_comes_after_a_newer_one_is_out_of_order() -> None:
    says(seen((2, "b"), (1, "a"), (3, "c")), "heard (1, 'a') after (2, 'b')")


# ------------------------------------------------------------------------------------------------ edits and acks


def test_an_edit_of_which_nobody_knows_may_be_there_or_not() -> None:
    says(check_edited("gate", {0: 1, 1: None, 2: 2}, [(1, 0), (2, 2)]))
    says(check_edited("gate", {0: 1, 1: None}, [(1, 0), (2, 1)]))


def test_an_edit_that_was_answered_and_is_not_there_is_lost() -> None:
    says(check_edited("gate", {0: 1, 1: 2}, [(1, 0)]), "answered as version 2 and is None")


def test_an_edit_under_another_version_than_was_answered_is_found() -> None:
    says(check_edited("gate", {0: 1, 1: 3, 2: None}, [(1, 0), (2, 1)]), "answered as version 3 and is 2")


def test_an_edit_that_was_done_twice_is_found() -> None:
    says(check_edited("gate", {0: None}, [(1, 0), (2, 0)]), "done 2 times")


def test_an_edit_that_nobody_asked_for_and_a_version_that_is_missing_are_found() -> None:
    says(check_edited("gate", {0: 1}, [(1, 0), (3, 5)]), "versions are [1, 3]", "nobody asked for edit 5")


def test_the_first_acknowledgement_stands_and_is_kept() -> None:
    says(check_acked([("a", "eve"), ("a", "eve")], {"a": "eve", "b": None}))
    says(check_acked([("a", "eve"), ("a", "bob")], {"a": "eve"}), "bob was answered")
    says(check_acked([("a", "eve")], {"a": None}), "that of None is kept")


# -------------------------------------------------------------------------------------------------------- alike


VAN, OLD, ELSEWHERE = (
    Place(2, 60.0, 25.0, frozenset({"gate"})),
    Place(1, 60.0, 25.0, frozenset({"gate"})),
    Place(2, 60, 25),
)
CAR = Place(2, 60.0, 25.1)


@pytest.mark.parametrize("known", [{"van": OLD}, {"van": ELSEWHERE}, {}, {"van": VAN, "car": CAR}])
def test_whoever_knows_another_place_or_region_of_a_vehicle_is_found(known: Places) -> None:
    says(check_alike("eve", {"van": VAN}, {"van": VAN}))
    says(check_alike("eve", known, {"van": VAN}), "wrong of 1")


def test_whoever_need_not_know_of_a_vehicle_knows_the_newest_of_it_or_nothing() -> None:
    says(check_alike("eve", {}, {}, {"van": VAN}))
    says(check_alike("eve", {"van": VAN}, {}, {"van": VAN}))
    says(check_alike("eve", {"van": OLD}, {}, {"van": VAN}), "wrong of 1")


# ----------------------------------------------------------------------------------------------------- followed

GATE, YARD = frozenset({"gate"}), frozenset({"yard"})
PLACES = {
    "van-0-0": Place(1, LAT, EDGE + 0.001, GATE),
    "van-9-9": Place(1, LAT, EDGE - 0.001, GATE | YARD),
    "bus": Place(1, LAT, EDGE + 0.00001),
    "far": Place(1, LAT, EDGE + 0.1, frozenset({"garage"})),
}


def followed(follow: Follow, may: bool = False) -> list[str]:
    return sorted(wanted(follow, PLACES)[may])


def test_who_follows_everything_knows_everything() -> None:
    assert wanted({"all": True}, PLACES) == (PLACES, {})


def test_who_follows_vehicles_knows_these_and_of_no_region() -> None:
    assert wanted({"vehicles": ["van-0-0", "who"]}, PLACES) == ({"van-0-0": Place(1, LAT, EDGE + 0.001)}, {})


def test_who_follows_regions_knows_exactly_who_is_in_them_and_of_no_other_region() -> None:
    must, may = wanted({"regions": ["yard", "north"]}, PLACES)
    assert (must, may) == ({"van-9-9": Place(1, LAT, EDGE - 0.001, YARD)}, {})
    assert followed({"regions": ["gate"]}) == ["van-0-0", "van-9-9"]


def test_who_follows_a_view_knows_who_is_well_within_it_and_may_know_others() -> None:
    east = view(EDGE, EDGE + 0.008)
    assert followed(east) == ["van-0-0"]
    assert followed(east, may=True) == ["bus", "far", "van-9-9"]


EVENT = {"vehicle": "van", "region": "gate", "lat": LAT, "lon": EDGE + 0.001}


@pytest.mark.parametrize(
    ("follow", "is_its"),
    [
        ({"all": True}, True),
        ({"vehicles": ["van"]}, True),
        ({"vehicles": ["bus"]}, False),
        ({"regions": ["gate"]}, True),
        ({"regions": ["yard"]}, False),
        (view(EDGE, EDGE + 0.008), True),
        (view(EDGE - 0.008, EDGE), None),
    ],
)
def test_an_event_is_of_who_follows_its_vehicle_its_region_or_a_view_of_its_place(follow: Follow, is_its: Any) -> None:
    assert hears(follow, EVENT) is is_its


def test_a_quarter_of_all_viewers_follow_everything() -> None:
    assert sum("all" in follow for follow in FOLLOWS) * 4 == len(FOLLOWS)


# ------------------------------------------------------------------------------------------------------- reread


def reread(status: int, time: int, cut: Spans = ()) -> Iterator[str]:
    """Asked at 10, answered at 11, when the fix of 500 was acknowledged."""
    return check_reread([Read("node0", "van", 10.0, 11.0, 500, status, time)], cut)


@pytest.mark.parametrize(("status", "time"), [(200, 500), (200, 600), (503, 0), (429, 0), (0, 0)])
def test_who_tells_what_was_acknowledged_or_tells_nothing_is_right(status: int, time: int) -> None:
    says(reread(status, time))


@pytest.mark.parametrize(("status", "time"), [(200, 499), (404, 0)])
def test_who_tells_an_older_place_than_was_acknowledged_is_found(status: int, time: int) -> None:
    says(reread(status, time), "1 answers of 1 are older")
    says(reread(status, time, [(5.0, 9.0), (12.0, 20.0)]), "1 answers of 1 are older")


@pytest.mark.parametrize("span", [(10.5, 10.6), (5.0, 10.5), (10.5, 20.0), (5.0, 20.0)])
def test_while_nats_or_postgresql_is_away_older_places_may_be_told(span: tuple[float, float]) -> None:
    says(reread(200, 499, [span]))
