"""What a grant shows of one vehicle and one event, and what it lets one do with them."""

from __future__ import annotations

import msgspec
import pytest

from tests.support.grants import limited, of_all
from tracker.access.grants import (
    ACKNOWLEDGE,
    EDIT_REGIONS,
    EDIT_VEHICLES,
    EVERYTHING,
    MAY,
    WATCH,
    Grant,
)
from tracker.errors import NotFound
from tracker.model.change import VehicleState
from tracker.model.coarse import coarsened, middle
from tracker.model.events import Event
from tracker.model.ping import Ping

OURS = limited("ours", "ours-too")
NORTH = frozenset({"north"})
NEAR, FAR, HELD = Ping("van", 1000, 60.0, 24.0), Ping("van", 2000, 60.1, 24.1), Ping("van", 3000, 61.0, 25.0)
EDIT = frozenset({WATCH, EDIT_REGIONS, EDIT_VEHICLES, ACKNOWLEDGE})


def state(*regions: str, ping: Ping = NEAR, **more: object) -> VehicleState:
    return VehicleState(7, ping, 5, regions=dict.fromkeys(regions, 900), **more)  # type: ignore[arg-type]


def event(kind: str, region: str | None = "ours", **detail: object) -> Event:
    return Event("e", kind, "van", 1000, 1000, "moved", 60.0, 24.0, region, detail=detail)


def shown(grant: Grant, told: Event, *inside: str, group: str | None = None, near_to: str = "ours") -> Event:
    return grant.shown_event(told, inside, group, lambda region, _lat, _lon: region == near_to)


def test_everything_shows_things_as_they_are() -> None:
    whole = state("ours", "theirs", ping=FAR, held=HELD, decided=NEAR, beyond=("ours",))
    assert EVERYTHING.shown(whole, None) is whole
    told = event("enter", "theirs", why={"to": {}, "from": {}})
    assert shown(EVERYTHING, told) is told
    assert EVERYTHING.sees_event(told, (), None)
    assert EVERYTHING.sees_region("theirs")


def test_a_grant_of_nothing_shows_nothing() -> None:
    assert Grant().shown(state("ours"), None) is None
    assert not Grant().sees_region("ours")
    assert not Grant().sees_event(event("alarm", None), {"ours"}, None)


@pytest.mark.parametrize("regions", [(), ("theirs",)])
def test_a_vehicle_in_no_granted_region_is_not_shown(regions: tuple[str, ...]) -> None:
    assert OURS.shown(state(*regions), None) is None


def test_a_vehicle_is_shown_with_the_granted_regions_only() -> None:
    assert OURS.shown(state("ours", "theirs", held=HELD), None) == state("ours")


def test_no_place_far_outside_that_did_not_decide_is_shown() -> None:
    assert OURS.shown(state("ours", "theirs", ping=FAR, decided=NEAR, beyond=("ours",)), None) == state("ours")


def test_a_place_that_is_near_one_granted_region_is_shown() -> None:
    seen = OURS.shown(state("ours", "ours-too", ping=FAR, decided=NEAR, beyond=("ours",)), None)
    assert seen == state("ours", "ours-too", ping=FAR)
    seen = OURS.shown(state("ours", ping=FAR, decided=NEAR, beyond=("theirs",)), None)
    assert seen == state("ours", ping=FAR)


def test_a_part_shows_vehicles_of_its_groups_in_its_regions() -> None:
    grant = of_all(limited("a", vehicles=NORTH), limited("b"))
    for group, inside, seen in (
        ("north", ("a", "b", "c"), ("a", "b")),
        ("south", ("a", "b", "c"), ("b",)),
        (None, ("a", "b"), ("b",)),
        ("north", ("a",), ("a",)),
    ):
        told = grant.shown(state(*inside), group)
        assert told is not None
        assert tuple(told.regions) == seen
    assert grant.shown(state("a"), "south") is None
    assert grant.shown(state("a"), None) is None
    assert not grant.sees_event(event("enter", "a"), {"a", "b"}, "south")
    assert grant.sees_event(event("alarm", None), {"a", "b"}, "south")
    assert not grant.sees_event(event("alarm", None), {"a"}, "south")


def test_a_part_of_all_regions_shows_its_vehicles_anywhere() -> None:
    grant = limited(anywhere=True, vehicles=NORTH)
    whole = state("theirs", ping=FAR, held=HELD, decided=NEAR, beyond=("theirs",))
    assert grant.shown(whole, "north") == msgspec.structs.replace(whole, decided=None, beyond=())
    assert grant.shown(state(), "north") is not None
    assert grant.shown(whole, "south") is None
    assert grant.sees_region("any")
    told = event("cross", "theirs", why={"to": {"edge_m": 900.0}, "from": {"edge_m": 900.0}})
    assert shown(grant, told, group="north") == told


def test_a_place_is_told_as_its_cell_and_nothing_tells_it_better() -> None:
    ping = Ping("van", 1, 60.0, 24.0, 9.0, 45.0, 77.0, 5.0, True, 50.0, 1234.0, "Anna", "sos", {"street": "Elm"})
    grant = of_all(limited("ours", coarse_m=500), limited("ours-too", coarse_m=5000))
    seen = grant.shown(state("ours-too", ping=ping), None)
    assert seen is not None
    lat, lon = middle(60.0, 24.0, 5000)
    assert seen.ping == Ping(
        "van", 1, lat, lon, 9.0, accuracy_m=5000, ignition=True, battery_pct=50.0, driver="Anna", alarm="sos"
    )
    seen = grant.shown(state("ours-too", "ours", ping=ping), None)
    assert seen is not None
    assert seen.ping == coarsened(ping, 500), "the finest that shows it"
    assert of_all(grant, limited("ours")).shown(state("ours-too", "ours", ping=ping), None) == state(
        "ours-too", "ours", ping=ping
    )


def test_an_event_of_a_coarse_part_tells_no_better_place() -> None:
    grant = limited("ours", coarse_m=500)
    told = shown(grant, event("exit", why={"to": {"lat": 60.0, "edge_m": 3}}, chord_m=12.0, duration_s=4))
    assert ((told.lat, told.lon), told.detail) == (middle(60.0, 24.0, 500), {"duration_s": 4})
    told = shown(grant, event("alarm", None, alarm="sos"), "ours")
    assert (told.lat, told.lon) == middle(60.0, 24.0, 500)


def test_an_event_is_its_regions_and_without_one_that_of_where_its_vehicle_was() -> None:
    assert OURS.sees_event(event("exit", "ours"), (), None)
    assert not OURS.sees_event(event("exit", "theirs"), {"ours"}, None)
    assert OURS.sees_event(event("alarm", None), {"ours", "theirs"}, None)
    assert not OURS.sees_event(event("alarm", None), {"theirs"}, None)


@pytest.mark.parametrize(("kind", "told"), [("enter", False), ("dwell", False), ("cross", False), ("exit", True)])
def test_an_event_says_where_its_vehicle_came_from_only_when_that_was_in_the_region(kind: str, told: bool) -> None:
    seen = shown(OURS, event(kind, why={"to": {"lat": 1}, "from": {"lat": 2, "edge_m": -3.0}, "enter_m": 3}, speed=4))
    assert ("from" in seen.detail["why"]) == told
    assert seen.detail["why"]["to"] == {"lat": 1}
    assert (seen.detail["why"]["enter_m"], seen.detail["speed"]) == (3, 4)


def test_who_was_too_fast_as_it_came_in_is_not_said_to_come_from_outside() -> None:
    far, near = ({"lat": 2, "edge_m": edge_m} for edge_m in (9544.3, -20.0))
    for kind in ("overspeed_start", "overspeed_end", "exit"):
        assert "from" not in shown(OURS, event(kind, why={"to": {"lat": 1}, "from": far})).detail["why"]
        assert "from" in shown(OURS, event(kind, why={"to": {"lat": 1}, "from": near})).detail["why"]


@pytest.mark.parametrize(("edge_m", "placed"), [(20.0, True), (100.0, True), (101.0, False), (None, True)])
def test_who_only_crossed_a_region_is_not_shown_where_it_went(edge_m: float | None, placed: bool) -> None:
    told = shown(OURS, event("cross", why={"to": {"lat": 60.0, "edge_m": edge_m}}, chord_m=5))
    assert ((told.lat, told.lon) != (0, 0)) == placed == ("why" in told.detail) == ("placed" not in told.detail)
    assert told.detail["chord_m"] == 5


def test_an_alarm_pressed_elsewhere_is_told_without_its_place() -> None:
    alarm = event("alarm", None, alarm="sos")
    assert shown(OURS, alarm, "ours", "theirs") == alarm
    for inside, near_to in ((("ours",), "theirs"), (("ours", "theirs"), "theirs"), (("ours-too",), "ours")):
        told = shown(OURS, alarm, *inside, near_to=near_to)
        assert (told.lat, told.lon, told.detail) == (0, 0, {"alarm": "sos", "placed": False})
    apart = event("alarm", None, apart=True, alarm="sos")
    assert shown(OURS, apart, "ours").detail["placed"] is False
    assert shown(EVERYTHING, apart) is apart
    assert shown(limited(anywhere=True), apart) == apart
    grant = of_all(limited("ours"), limited("theirs", coarse_m=500))
    told = shown(grant, alarm, "ours", "theirs", near_to="theirs")
    assert (told.lat, told.lon) == middle(60.0, 24.0, 500), "as exactly as the part that shows the place"


def test_what_may_not_be_done_is_refused_by_its_name() -> None:
    EVERYTHING.check(EDIT_REGIONS)
    OURS.check(WATCH)
    with pytest.raises(NotFound):
        OURS.check(EDIT_REGIONS)  # what nobody granted
    with pytest.raises(NotFound, match="may not edit regions") as caught:
        Grant(may=MAY - {EDIT_REGIONS}).check(EDIT_REGIONS)
    assert caught.value.code == "may_not"
    with pytest.raises(NotFound):
        Grant(may=frozenset()).check(WATCH)


def test_what_one_group_allows_is_not_allowed_where_another_only_shows() -> None:
    grant = of_all(
        limited("ours", may=EDIT, groups=frozenset({"depots"})), limited("theirs", groups=frozenset({"yards"}))
    )
    grant.check_vehicle(ACKNOWLEDGE, {"ours", "theirs"}, None)
    grant.check_region("depots")
    assert grant.draws() == frozenset({"depots"})
    with pytest.raises(NotFound):
        grant.check_vehicle(ACKNOWLEDGE, {"theirs"}, None)
    for group in ("yards", None):
        with pytest.raises(NotFound):
            grant.check_region(group)
    EVERYTHING.check_vehicle(EDIT_VEHICLES, (), None)
    assert EVERYTHING.draws() is limited(anywhere=True, may=EDIT).draws() is None


def test_a_vehicle_is_moved_to_no_group_of_which_one_sees_less_or_more() -> None:
    both = limited("a", vehicles=frozenset({"north", "south"}), may=EDIT)
    assert both.may_regroup({"a"}, "south", "north")
    assert not both.may_regroup({"a"}, "south", "west")
    assert not both.may_regroup({"a"}, "south", None)
    assert limited("a", may=EDIT).may_regroup({"a"}, "south", None)
    everywhere = of_all(limited("a", may=EDIT), limited(anywhere=True, vehicles=NORTH))
    assert not everywhere.may_regroup({"a"}, "south", "north"), "it would be seen where it was not"
    assert everywhere.may_regroup({"a"}, "south", "west")
    assert not everywhere.may_regroup((), "north", "west"), "there it may only be watched"


def test_two_grants_that_show_other_things_have_other_keys() -> None:
    grants = [
        EVERYTHING, Grant(), OURS, limited("ours"), limited("everything"), limited("ours", vehicles=NORTH),
        limited("ours", vehicles=frozenset()), limited("ours", coarse_m=500), limited(anywhere=True, vehicles=NORTH),
        limited("all"), of_all(limited("ours"), limited("ours-too", coarse_m=9)),
    ]  # fmt: skip
    assert len({grant.key() for grant in grants}) == len(grants)
    assert of_all(OURS, limited("x")).key() == of_all(limited("x"), OURS).key()


def test_a_part_of_everything_is_limited_to_it() -> None:
    part = EVERYTHING.within(NORTH, frozenset({"vans"}))
    assert (part.everything, part.regions, part.sees({"north"}, "vans")) == (False, NORTH, True)
    assert not part.sees({"north"}, "lorries") and not part.sees({"ours"}, "vans")
    assert EVERYTHING.within(None, None) is EVERYTHING


def test_a_part_of_a_grant_is_what_both_have() -> None:
    both = OURS.within(frozenset({"ours", "theirs"}), None)
    assert both.regions == frozenset({"ours"})
    assert (
        limited("ours", vehicles=frozenset({"vans", "cars"})).within(None, frozenset({"vans"})).sees({"ours"}, "vans")
    )
    assert not both.within(NORTH, None).regions


def test_a_grant_keeps_what_was_allowed_when_only_regions_came_and_went() -> None:
    assert OURS.keeps(limited("ours"))
    assert EVERYTHING.keeps(OURS)
    assert not OURS.keeps(EVERYTHING)
    assert not OURS.keeps(limited("ours", vehicles=frozenset({"vans"})))
    assert not OURS.keeps(limited("ours", may=EDIT))


def test_a_vehicle_is_moved_only_to_groups_of_which_one_sees_neither_less_nor_more() -> None:
    vans, all_of_them = frozenset({"vans"}), frozenset({"vans", "cars"})
    some = of_all(limited("ours", vehicles=all_of_them, may=EDIT), limited("north", vehicles=vans))
    assert EVERYTHING.may_regroup((), "vans", "cars")
    assert some.may_regroup({"ours"}, "vans", "cars")
    assert not some.may_regroup({"ours"}, "cars", "vans")  # it would be seen in the north as well
    assert not some.may_regroup({"ours"}, "vans", "lorries")
    assert not some.may_regroup({"north"}, "vans", "vans")


def test_only_who_may_edit_everywhere_and_sees_exactly_edits_the_past() -> None:
    assert limited(anywhere=True, may=EDIT).edits_everywhere(None)
    assert not limited("ours", may=EDIT).edits_everywhere(None)
    assert not limited(anywhere=True, may=EDIT, coarse_m=500).edits_everywhere(None)
    assert not limited(anywhere=True, may=EDIT, vehicles=frozenset({"vans"})).edits_everywhere("cars")
