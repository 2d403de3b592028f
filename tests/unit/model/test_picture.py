from __future__ import annotations

from typing import Any

from tracker.model.change import Change, Registered, VehicleState
from tracker.model.events import Event
from tracker.model.picture import Picture
from tracker.model.ping import Ping


def state(vehicle: str, time: int, **regions: int) -> VehicleState:
    return VehicleState(1, Ping(vehicle, time, 52.5, 13.4), time, regions=regions)


def happened(seq: int) -> Event:
    return Event("id", "enter", "van", 1, 1, "moved", 0, 0, seq=seq)


def region(id: str) -> dict[str, Any]:
    return {"type": "Feature", "id": id}


def test_a_vehicle_is_where_it_was_last() -> None:
    picture = Picture()
    picture.apply(Change(moved=[state("van", 1)]))
    picture.apply(Change(moved=[state("van", 2)]))
    assert picture.vehicles["van"].ping.time == 2


def test_who_is_inside_follows_the_vehicles() -> None:
    picture = Picture()
    picture.apply(Change(moved=[state("a", 1, yard=1), state("b", 1, yard=1, stop=1)]))
    assert picture.inside == {"yard": {"a", "b"}, "stop": {"b"}}
    picture.apply(Change(moved=[state("b", 2, stop=1)]))
    assert picture.inside == {"yard": {"a"}, "stop": {"b"}}


def test_the_same_membership_costs_nothing() -> None:
    picture = Picture()
    first = state("a", 1, yard=1)
    picture.apply(Change(moved=[first]))
    picture.inside["yard"].clear()
    picture.apply(Change(moved=[VehicleState(1, first.ping, 2, regions=first.regions)]))
    assert picture.inside["yard"] == set()


def test_a_deleted_region_is_gone() -> None:
    picture = Picture()
    picture.apply(Change(regions=[region("yard")], moved=[state("a", 1, yard=1)]))
    picture.apply(Change(regions_deleted=["yard", "unknown"]))
    assert not picture.regions
    assert not picture.inside
    picture.apply(Change(moved=[state("a", 2)]))


def test_a_removed_vehicle_is_gone_from_everything() -> None:
    picture = Picture()
    picture.apply(Change(registered=[Registered("a", name="A")], moved=[state("a", 1, yard=1)]))
    picture.apply(Change(removed=["a", "unknown"]))
    assert not picture.vehicles
    assert not picture.register
    assert picture.inside == {"yard": set()}


def test_the_register_keeps_the_newest_entry() -> None:
    picture = Picture()
    picture.apply(Change(registered=[Registered("a", name="A"), Registered("a", name="B")]))
    assert picture.register["a"].name == "B"


def test_the_newest_seq_is_remembered() -> None:
    picture = Picture()
    picture.apply(Change(events=[happened(3), happened(4)]))
    picture.apply(Change(events=[happened(2)]))
    picture.apply(Change())
    assert picture.last_seq == 4
