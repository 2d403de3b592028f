"""What a grant shows of one vehicle and one event."""

from __future__ import annotations

import pytest

from tracker.access.grants import EDIT_REGIONS, EVERYTHING, MAY, WATCH, Grant
from tracker.errors import NotFound
from tracker.model.change import VehicleState
from tracker.model.events import Event
from tracker.model.ping import Ping

OURS = Grant(regions=frozenset({"ours", "ours-too"}))
NEAR, FAR, HELD = Ping("van", 1000, 60.0, 24.0), Ping("van", 2000, 60.1, 24.1), Ping("van", 3000, 61.0, 25.0)


def state(*regions: str, ping: Ping = NEAR, **more: object) -> VehicleState:
    return VehicleState(7, ping, 5, regions=dict.fromkeys(regions, 900), **more)  # type: ignore[arg-type]


def event(kind: str, region: str | None = "ours", **detail: object) -> Event:
    return Event("e", kind, "van", 1000, 1000, "moved", 60.0, 24.0, region, detail=detail)


def test_everything_shows_things_as_they_are() -> None:
    whole = state("ours", "theirs", ping=FAR, held=HELD, decided=NEAR, beyond=("ours",))
    assert EVERYTHING.shown(whole) is whole
    told = event("enter", "theirs", why={"to": {}, "from": {}})
    assert EVERYTHING.shown_event(told) is told
    assert EVERYTHING.sees_event(told, ())
    assert EVERYTHING.sees_region("theirs")


def test_a_grant_of_nothing_shows_nothing() -> None:
    assert Grant().shown(state("ours")) is None
    assert not Grant().sees_region("ours")
    assert not Grant().sees_event(event("alarm", None), {"ours"})


@pytest.mark.parametrize("regions", [(), ("theirs",)])
def test_a_vehicle_in_no_granted_region_is_not_shown(regions: tuple[str, ...]) -> None:
    assert OURS.shown(state(*regions)) is None


def test_a_vehicle_is_shown_with_the_granted_regions_only() -> None:
    shown = OURS.shown(state("ours", "theirs", held=HELD))
    assert shown == state("ours")


def test_no_place_far_outside_that_did_not_decide_is_shown() -> None:
    shown = OURS.shown(state("ours", "theirs", ping=FAR, decided=NEAR, beyond=("ours",)))
    assert shown == state("ours")


def test_a_place_that_is_near_one_granted_region_is_shown() -> None:
    shown = OURS.shown(state("ours", "ours-too", ping=FAR, decided=NEAR, beyond=("ours",)))
    assert shown == state("ours", "ours-too", ping=FAR)
    shown = OURS.shown(state("ours", ping=FAR, decided=NEAR, beyond=("theirs",)))
    assert shown == state("ours", ping=FAR)


def test_an_event_is_its_regions_and_without_one_that_of_where_its_vehicle_was() -> None:
    assert OURS.sees_event(event("exit", "ours"), ())
    assert not OURS.sees_event(event("exit", "theirs"), {"ours"})
    assert OURS.sees_event(event("alarm", None), {"ours", "theirs"})
    assert not OURS.sees_event(event("alarm", None), {"theirs"})


@pytest.mark.parametrize(("kind", "told"), [("enter", False), ("dwell", False), ("cross", False), ("exit", True)])
def test_an_event_says_where_its_vehicle_came_from_only_when_that_was_in_the_region(kind: str, told: bool) -> None:
    shown = OURS.shown_event(event(kind, why={"to": {"lat": 1}, "from": {"lat": 2}, "enter_m": 3}, speed=4))
    assert ("from" in shown.detail["why"]) == told
    assert shown.detail["why"]["to"] == {"lat": 1}
    assert (shown.detail["why"]["enter_m"], shown.detail["speed"]) == (3, 4)


def test_an_overspeed_that_began_outside_does_not_say_where() -> None:
    far, near = ({"lat": 2, "edge_m": edge} for edge in (9544.3, -20.0))
    for kind in ("overspeed_start", "overspeed_end", "exit"):
        assert "from" not in OURS.shown_event(event(kind, why={"to": {"lat": 1}, "from": far})).detail["why"]
        assert "from" in OURS.shown_event(event(kind, why={"to": {"lat": 1}, "from": near})).detail["why"]


def test_an_alarm_from_elsewhere_is_told_without_its_place() -> None:
    told = event("alarm", None, apart=True, alarm="sos")
    shown = OURS.shown_event(told)
    assert (shown.lat, shown.lon, shown.detail["placed"], shown.detail["alarm"]) == (0, 0, False, "sos")
    assert EVERYTHING.shown_event(told) is told


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


def test_two_grants_that_show_other_things_have_other_keys() -> None:
    grants = [EVERYTHING, Grant(), OURS, Grant(regions=frozenset({"ours"})), Grant(regions=frozenset({"everything"}))]
    assert len({grant.key() for grant in grants}) == len(grants)
