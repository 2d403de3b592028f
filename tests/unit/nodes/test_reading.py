from __future__ import annotations

from tests.support.grants import limited
from tracker.access.grants import EVERYTHING, Grant
from tracker.nodes.interest import ALL, NOTHING, Needs
from tracker.nodes.reading import needs_of, needs_of_vehicle


def test_an_answer_needs_what_the_grant_of_its_asker_shows() -> None:
    vans = limited(anywhere=True, vehicles=frozenset({"vans"}))
    assert (needs_of(EVERYTHING), needs_of(Grant())) == (ALL, NOTHING)
    assert needs_of(limited("yard", "gate")) == Needs(regions=frozenset({"yard", "gate"}))
    assert needs_of(vans) == Needs(groups=frozenset({"vans"}))


def test_an_answer_to_a_filter_needs_no_more_than_that_lets_through() -> None:
    yard, vans = frozenset({"yard"}), frozenset({"vans"})
    assert needs_of(EVERYTHING.within(yard, None)) == Needs(regions=yard)
    assert needs_of(EVERYTHING.within(None, vans)) == Needs(groups=vans)
    assert needs_of(limited("yard", "gate").within(yard, vans)) == Needs(regions=yard)
    assert needs_of(limited("gate").within(yard, None)) == NOTHING


def test_an_answer_of_one_vehicle_needs_that_one() -> None:
    assert needs_of_vehicle("van-7") == Needs(vehicles=frozenset({"van-7"}))
