"""Connecting a device: what whoever does it is told of what the device sends."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.house import House
from tests.support.servers import Answer, now

FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}
OWNTRACKS = {
    "_type": "location",
    "lat": 60.17,
    "lon": 24.94,
    "tst": int(time.time()),
    "batt": 61,
    "acc": 8,
    "tid": "a1",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    server = House(tmp_path_factory.mktemp("connect") / "data")
    server.settings["unknown_vehicles"] = "quarantine"
    server.start()
    server.furnish()
    yield server
    server.kill()


class Device:
    """One that is being connected."""

    def __init__(self, house: House, *vehicles: str) -> None:
        self.house = house
        made = house.do("POST", "/api/v1/tokens", {"name": "phone", "vehicles": vehicles}).json()
        self.id, self.token = made["id"], made["token"]

    def send(self, method: str, path: str, body: Any = b"", headers: Any = JSON) -> Answer:
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        return self.house.request(method, path.replace("TOKEN", self.token), text, headers)

    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = self.house.do("GET", f"/api/v1/tokens/{self.id}", None).json()
        return found

    def heard(self) -> dict[str, Any]:
        found: dict[str, Any] | None = self.told()["heard"]
        assert found is not None, "nothing was heard of it"
        return found


def test_the_first_position_is_told_with_its_vehicle_battery_and_accuracy(house: House) -> None:
    device = Device(house, "phone-1")
    assert (device.told()["heard"], device.told()["seen"]) == (None, None)
    sent = OWNTRACKS | {"tst": int(time.time())}
    assert device.send("POST", "/ingest/owntracks/TOKEN", sent).status == 200
    told = device.told()
    assert told["heard"]["counts"] == {
        "items": 1, "discarded": 0, "rejected": 0, "accepted": 1, "held": 0, "duplicates": 0,
    }  # fmt: skip
    assert (told["heard"]["protocol"], told["heard"]["scheme"], told["heard"]["code"]) == ("owntracks", "http", None)
    assert (told["seen"]["vehicle"], told["seen"]["name"]) == ("phone-1", "phone-1")
    position = told["seen"]["position"]
    assert (position["lat"], position["battery_pct"], position["accuracy_m"]) == (60.17, 61, 8)
    # what is wrong later is told beside it
    device.send("POST", "/ingest/owntracks/TOKEN", sent | {"lat": 95, "tst": int(time.time()) + 1})
    told = device.told()
    assert told["heard"]["code"] == "lat_out_of_range"
    assert told["seen"]["position"]["lat"] == 60.17


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "code"),
    [
        ("POST", "/ingest/osmand/TOKEN", "lat=0&lon=0", FORM, "no_fix"),
        ("POST", "/ingest/osmand/TOKEN", "lat=60&lon=240", FORM, "lon_out_of_range"),
        ("POST", "/ingest/osmand/TOKEN", f"lat=60&lon=24&timestamp={int(time.time()) + 7200}", FORM,
         "time_in_future"),
        ("GET", "/ingest/owntracks/TOKEN", b"", {}, "method_not_allowed"),
        ("POST", "/ingest/own-tracks/TOKEN", OWNTRACKS, JSON, "unknown_protocol"),
        ("POST", "/ingest/TOKEN", OWNTRACKS, JSON, "unknown_protocol"),
        ("POST", "/ingest/overland/TOKEN", OWNTRACKS, JSON, "other_protocol"),
        ("POST", "/ingest/owntracks/TOKEN?id=7&lat=60&lon=24", b"", FORM, None),
        ("POST", "/ingest/owntracks/TOKEN", {"locations": []}, JSON, None),
        ("POST", "/ingest/overland/TOKEN", "{", JSON, "not_json"),
        ("POST", "/ingest/osmand/TOKEN", "battery=60", FORM, None),
        ("POST", "/api/v1/positions?token=TOKEN", {"vehicle": "other", "time": 1, "lat": 1, "lon": 1}, JSON,
         "time_too_old"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_its_code(
    house: House, method: str, path: str, body: Any, headers: Any, code: str | None
) -> None:
    device = Device(house, "phone-2")
    device.send(method, path, body, headers)
    heard = device.heard()
    assert heard["code"] == code
    assert device.token not in json.dumps(heard)


def test_a_sign_of_life_has_no_place(house: House) -> None:
    device = Device(house, "phone-5")
    device.send("POST", "/ingest/osmand/TOKEN", "battery=60", FORM)
    assert device.heard()["waiting"] == []
    position = device.told()["seen"]["position"]
    assert (position["lat"], position["battery_pct"]) == (None, 60)


def test_a_vehicle_that_waits_or_was_turned_away_or_is_anothers_is_told(house: House) -> None:
    device = Device(house, "new-*")
    sent = {"vehicle": "new-9", "time": now(), "lat": 60.0, "lon": 25.0}
    device.send("POST", "/ingest/json/TOKEN", sent)
    assert (device.heard()["waiting"], device.told()["seen"]) == (["new-9"], None)
    device.send("POST", "/ingest/json/TOKEN", sent)
    assert (device.heard()["waiting"], device.told()["seen"]) == (["new-9"], None)
    house.do("POST", "/api/v1/quarantine/new-9/admit", {})
    device.send("POST", "/ingest/json/TOKEN", sent | {"time": now(-1)})
    assert (device.heard()["waiting"], device.told()["seen"]["vehicle"]) == ([], "new-9")
    device.send("POST", "/ingest/json/TOKEN", sent | {"vehicle": "old-1"})
    assert device.heard()["code"] == "not_your_vehicle"
    device.send("POST", "/ingest/json/TOKEN", sent | {"vehicle": "new-8"})
    house.do("DELETE", "/api/v1/quarantine/new-8", None)
    device.send("POST", "/ingest/json/TOKEN", sent | {"vehicle": "new-8"})
    assert device.heard()["code"] == "vehicle_refused"


def test_a_wrong_token_is_told_by_where_it_came_from_and_to(house: House) -> None:
    house.request("POST", "/ingest/owntracks/trk_wrong", json.dumps(OWNTRACKS), JSON)
    without = house.do("GET", "/api/v1/tokens?limit=1", None).json()["without"]
    assert without[0]["asked"] == "POST /ingest/owntracks"


def test_a_code_is_asked_for_by_post_and_kept_by_nobody(house: House) -> None:
    text = "overland://setup?url=https%3A%2F%2Fmap.example.com&token=trk_x&device_id=van%207"
    drawn = house.do("POST", "/api/v1/connect/qr", {"text": text})
    assert (drawn.headers["content-type"], drawn.headers["cache-control"]) == ("image/svg+xml", "no-store")
    assert drawn.body.startswith(b"<svg") and b"trk_x" not in drawn.body
    for wrong in ({}, {"text": ""}, {"text": "x" * 2001}, {"text": 5}, ["x"], {"text": "a\nb"}):
        refused = house.send("POST", "/api/v1/connect/qr", wrong, cookie=house.cookie)
        assert refused.status == 422, wrong
    assert house.send("POST", "/api/v1/connect/qr", {"text": "x" * 2000}, cookie=house.cookie).status == 200


def test_where_it_can_be_reached_is_told(house: House) -> None:
    told = house.do("GET", "/api/v1/connect", None).json()
    assert told == {"addresses": [], "port": house.port, "scheme": "http", "alone": True,
                    "unknown_vehicles": "quarantine"}  # fmt: skip


def test_of_a_token_that_is_revoked_nothing_is_told(house: House) -> None:
    device = Device(house, "phone-3")
    device.send("POST", "/ingest/osmand/TOKEN", "lat=60&lon=24", FORM)
    assert device.heard()["counts"]["accepted"] == 1
    house.do("DELETE", f"/api/v1/tokens/{device.id}", None)
    assert house.send("GET", f"/api/v1/tokens/{device.id}", None, cookie=house.cookie).status == 404
