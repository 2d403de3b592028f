from __future__ import annotations

from tests.support.grants import limited
from tracker.access.grants import EVERYTHING, Grant
from tracker.model.change import Change, Registered, VehicleState
from tracker.model.picture import Picture
from tracker.model.ping import Ping
from tracker.outputs.sight import Places


def seen_by(grant: Grant) -> Places:
    """A van of ours in the yard, one of theirs in it, one of ours elsewhere, and one that was never heard."""
    picture = Picture()
    groups = {"ours-1": "ours", "theirs": "theirs", "ours-2": "ours", "silent": "ours"}
    inside: dict[str, dict[str, int]] = {"ours-1": {"yard": 1}, "theirs": {"yard": 1}, "ours-2": {}}
    moved = [VehicleState(n, Ping(id, 1, 60.0, 24.0), 1, regions=inside[id]) for n, id in enumerate(inside)]
    picture.apply(Change(moved=moved, registered=[Registered(id, group=group) for id, group in groups.items()]))
    return Places(picture, grant)


ALL = {"ours-1", "theirs", "ours-2", "silent"}


def test_whoever_sees_everything_is_told_of_all_there_are() -> None:
    sight = seen_by(EVERYTHING)
    assert (set(sight.candidates()), sight.names(), sight.inside("yard")) == (ALL, None, 2)
    assert all(sight.knows_vehicle(id) for id in ALL)


def test_whoever_sees_a_region_is_told_of_who_is_in_it() -> None:
    sight = seen_by(limited("yard"))
    assert (set(sight.candidates()), sight.names(), sight.inside("yard")) == ({"ours-1", "theirs"}, None, 2)
    assert {id for id in ALL if sight.knows_vehicle(id)} == {"ours-1", "theirs"}
    assert {id for id in ALL if sight.sees(id)} == {"ours-1", "theirs"}
    assert sight.vehicle("ours-2") is None and sight.vehicle("silent") is None


def test_whoever_sees_a_group_of_vehicles_is_told_of_no_others() -> None:
    sight = seen_by(limited("yard", vehicles=frozenset({"ours"})))
    assert (sight.names(), sight.inside("yard")) == (frozenset({"ours-1", "ours-2", "silent"}), 1)
    assert [id for id in ALL if sight.vehicle(id)] == ["ours-1"]


def test_a_vehicle_that_was_never_heard_is_known_to_who_sees_its_group_anywhere() -> None:
    sight = seen_by(limited(anywhere=True, vehicles=frozenset({"ours"})))
    assert {id for id in ALL if sight.knows_vehicle(id)} == {"ours-1", "ours-2", "silent"}
    assert not sight.knows_vehicle("nobody")
