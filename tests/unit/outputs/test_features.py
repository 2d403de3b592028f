from __future__ import annotations

from tracker.model.change import Registered, VehicleState
from tracker.model.ping import Ping
from tracker.outputs.features import feature

STATE = VehicleState(1, Ping("van-7", 1_795_690_470_000, 60.1712, 24.944), 1_795_690_471_000, regions={"yard": 5})


def test_what_nobody_said_of_a_place_is_left_out_and_of_a_vehicle_null() -> None:
    assert feature(STATE, None) == {
        "type": "Feature",
        "id": "van-7",
        "geometry": {"type": "Point", "coordinates": [24.944, 60.1712]},
        "properties": {
            "vehicle": "van-7", "name": None, "plate": None, "group": None, "kind": None, "state": "unknown",
            "state_since": None, "time": "2026-11-26T10:54:30.000Z", "received_at": "2026-11-26T10:54:31.000Z",
            "regions": ["yard"], "attributes": {}, "said": {},
        },
    }  # fmt: skip


def test_a_key_in_the_register_is_told_to_nobody() -> None:
    entry = Registered("van-7", attributes={"owntracks_secret": "blue-horse", "route_id": "18"})
    assert feature(STATE, entry)["properties"]["attributes"] == {"owntracks_secret": True, "route_id": "18"}
