"""Outside: vehicles, positions and regions as everybody is shown them."""

from __future__ import annotations

from typing import Any

from tests.support.scenario import START
from tracker.model import outside
from tracker.model.change import Change, Registered, VehicleState
from tracker.model.commit import APART, HELD, LATE, LIVE, StoredPing
from tracker.model.picture import Picture
from tracker.model.ping import Ping

NINE, LATER = "2026-11-23T09:00:00.000Z", "2026-11-23T09:00:02.500Z"
PING = Ping("van", START, 60.5, 24.5, 0.0, ignition=False, alarm="sos", attributes={"doors": 2})
PLACE = {"lat": 60.5, "lon": 24.5}
SAID = {"time": NINE, **PLACE, "speed_mps": 0.0, "ignition": False, "alarm": "sos", "attributes": {"doors": 2}}


def region(id: str, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "id": id, "geometry": None, "properties": properties}


def picture() -> Picture:
    known = Picture()
    entry = Registered("van", "Big van", "AB-1", "north", "truck", {"seats": 3, "door_secret": "1234"})
    known.apply(Change(registered=[entry], regions=[region("r1", name="Yard"), region("r2")]))
    return known


def test_a_position_says_what_was_said_and_leaves_out_the_rest() -> None:
    assert outside.position(PING) == SAID  # standing still and switched off is something said
    assert outside.position(PING, START + 2500) == SAID | {"received_at": LATER}


def test_a_stored_position_says_how_it_was_taken_where_that_is_not_as_usual() -> None:
    told = [outside.stored(StoredPing(1, PING, START + 2500, taken)) for taken in (LIVE, LATE, HELD, APART)]
    plain = SAID | {"received_at": LATER}
    assert told == [plain, plain | {"late": True}, plain | {"held": True}, plain]


def test_a_vehicle_that_was_never_heard_is_what_people_say_of_it() -> None:
    assert outside.vehicle("van", picture(), None) == {
        "vehicle": "van",
        "name": "Big van",
        "plate": "AB-1",
        "group": "north",
        "kind": "truck",
        "attributes": {"seats": 3, "door_secret": True},
        "position": None,
        "state": "unknown",
        "state_since": None,
        "regions": [],
        "held": None,
    }


def test_a_vehicle_that_is_heard_says_where_it_is_and_since_when() -> None:
    held = Ping("van", START + 2500, 61.5, 25.5)
    inside = {"r1": START, "r2": START + 2500, "gone": START}
    told = outside.vehicle("van", picture(), VehicleState(1, PING, START + 2500, 3, START, inside, held))
    assert told["position"] == SAID | {"received_at": LATER}
    assert (told["name"], told["state"], told["state_since"]) == ("Big van", "parked", NINE)
    assert told["regions"] == [
        {"id": "r1", "name": "Yard", "entered_at": NINE},
        {"id": "r2", "name": None, "entered_at": LATER},
        {"id": "gone", "name": None, "entered_at": NINE},
    ]
    assert told["held"] == {"time": LATER, "lat": 61.5, "lon": 25.5}


def test_a_vehicle_nobody_registered_has_no_name_and_no_since_before_it_has_a_state() -> None:
    told = outside.vehicle("stray", picture(), VehicleState(2, PING, START))
    assert (told["name"], told["group"], told["attributes"]) == (None, None, {})
    assert (told["state"], told["state_since"], told["regions"], told["held"]) == ("unknown", None, [], None)


def test_a_region_says_how_many_are_inside_and_stays_as_it_was() -> None:
    feature = region("r1", name="Yard")
    assert outside.region(feature, 4) == region("r1", name="Yard", inside_count=4)
    assert feature == region("r1", name="Yard")
