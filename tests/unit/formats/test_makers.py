"""JSON of known makers: what their short names mean and which unit their speeds have; and values that are texts."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from tests.support.recordings import play
from tracker.formats import Point, Reading, Unreadable, ndjson
from tracker.formats import json as document

AT = 1795424400


def fixes(content: Any) -> tuple[list[Any], list[str]]:
    """What is read of a document, and what its reader says of it."""
    reading = Reading("day.json", "day")
    outcomes = list(document.read(io.BytesIO(json.dumps(content).encode()), reading))
    return [one.position if isinstance(one, Point) else one for one in outcomes], reading.notes


def one(item: dict[str, Any]) -> dict[str, Any]:
    [fix], _ = fixes([item])
    assert isinstance(fix, dict)
    return fix


def test_messages_of_wialon_are_understood() -> None:
    pos = {"y": 60.1, "x": 24.9, "s": 36, "c": 90, "z": 5, "sc": 9}
    message = {"t": AT, "tp": "ud", "pos": pos, "p": {"pwr_ext": 12.5, "speed": 7}}
    [fix], notes = fixes({"count": 1, "messages": [message]})
    assert fix == {
        "vehicle": "day", "lat": 60.1, "lon": 24.9, "speed_mps": 10.0, "heading": 90, "altitude_m": 5,
        "satellites": 9, "tp": "ud", "attributes": {"pwr_ext": 12.5, "speed": 7},
    }  # fmt: skip
    assert "speed = 'speed', taken for kmh, as Wialon has it" in notes


def test_units_of_wialon_say_when_in_their_place() -> None:
    pos = {"t": AT, "y": 60.1, "x": 24.9, "s": 18}
    [fix], _ = fixes({"items": [{"nm": "Van 7", "id": 7, "pos": pos}]})
    assert (fix["vehicle"], fix["speed_mps"], fix["lat"]) == ("Van 7", 5.0, 60.1)


@pytest.mark.parametrize("wrapped", [lambda gps: [gps], lambda gps: gps])
def test_vehicles_of_samsara_have_one_place_or_many(wrapped: Any) -> None:
    gps = {"time": "2026-11-23T09:00:00Z", "latitude": 60.1, "longitude": 24.9, "headingDegrees": 90,
           "speedMilesPerHour": 30, "reverseGeo": {"formattedLocation": "Quay"}}  # fmt: skip
    [fix], _ = fixes({"data": [{"id": "281", "name": "Van", "gps": wrapped(gps)}], "pagination": {}})
    assert fix == {
        "vehicle": "281", "name": "Van", "lat": 60.1, "lon": 24.9, "speed_mps": 13.411, "heading": 90,
        "reverseGeo": '{"formattedLocation":"Quay"}',
    }  # fmt: skip


def test_every_place_of_a_list_is_an_item_of_the_sum() -> None:
    gps = [{"time": AT + i, "latitude": 60 + i / 100, "longitude": 24.9} for i in range(5)]
    listed = [{"id": "a", "gps": gps}, {"id": "b", "gps": [*gps[:2], {"time": AT}, 7]}]
    for name, content in (
        ("day.json", json.dumps({"data": listed})),
        ("day.ndjson", "\n".join(json.dumps(vehicle) for vehicle in listed)),
    ):
        recording, tally = play(name, content.encode())
        assert (recording.items, tally.accepted, tally.rejected) == (9, 7, 2)
        assert recording.vehicles >= {"a", "b"}


@pytest.mark.parametrize(
    "record",
    [
        {"imei": "86", "timestamp": AT, "gps": {"latitude": 60.1, "longitude": 24.9, "angle": 90, "speed": 36},
         "io": {"239": 1, "66": 12300}},
        {"imei": "86", "ts": AT, "gps": {"lat": 60.1, "lon": 24.9, "angle": 90, "speed": 36},
         "ioElements": [{"id": 239, "value": 1}, {"id": 66, "value": 12300}]},
        {"imei": "86", "state": {"reported": {"ts": AT, "latlng": "60.1,24.9", "ang": "90", "sp": "36", "evt": 0,
                                              "239": 1, "66": 12300}}},
        {"imei": "86", "timestamp": AT, "latitude": 60.1, "longitude": 24.9, "angle": 90, "speed": 36,
         "io": {"239": True, "66": 12300}},
    ],
)  # fmt: skip
def test_records_of_teltonika_have_km_h_and_numbered_elements(record: dict[str, Any]) -> None:
    fix = one(record)
    assert (fix["vehicle"], fix["lat"], fix["lon"]) == ("86", 60.1, 24.9)
    assert (fix["speed_mps"], fix["heading"], fix["ignition"]) == (10.0, 90, True)
    assert {**fix, **fix.get("attributes", {})}["66"] == 12300


def test_records_under_an_imei_are_of_that_device() -> None:
    records = [{"timestamp": AT, "gps": {"latitude": 60.1, "longitude": 24.9, "speed": 36}, "io": {}}]
    [fix], _ = fixes({"imei": "86", "records": records})
    assert (fix["vehicle"], fix["speed_mps"]) == ("86", 10.0)


def test_messages_of_flespi_have_km_h() -> None:
    fix = one({"ident": "86", "timestamp": AT, "position.latitude": 60.1, "position.longitude": 24.9,
               "position.speed": 36})  # fmt: skip
    assert fix == {"vehicle": "86", "lat": 60.1, "lon": 24.9, "speed_mps": 10.0}


def test_a_speed_of_nobody_we_know_is_read_as_asked_and_told() -> None:
    [fix], notes = fixes([{"id": "a", "time": AT, "position": {"lat": 60.1, "lon": 24.9, "speed": 36}}])
    assert fix["speed_mps"] == 36
    assert "speed = 'speed', taken for mps" in notes


def test_an_export_of_dawarich_stands_under_its_user() -> None:
    points = [
        {"lat": "60.1", "lon": "24.9", "batt": 80, "vel": "3", "tst": AT + n, "tid": None, "topic": None}
        for n in (0, 30)
    ]
    read, _ = fixes({"jane@example.com": {"dawarich-export": points}})
    assert [(one["lat"], one["battery_pct"]) for one in read] == [(60.1, 80), (60.1, 80)]
    with pytest.raises(Unreadable, match="no place"):
        fixes({"jane@example.com": {"dawarich-export": [{"a": 1}]}})


def test_the_id_of_a_place_is_not_that_of_its_vehicle() -> None:
    item = {"id": "van", "current_location": {"id": 9, "lat": 60.1, "lon": 24.9, "located_at": AT}}
    assert one(item) == {"vehicle": "van", "lat": 60.1, "lon": 24.9}


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("speed_kmh", "36", "speed_kmh", 36.0),
        ("speed", "36 km/h", "speed_mps", 10.0),
        ("speedKmh", 36, "speed_mps", 10.0),
        ("heading", "90.5", "heading", 90.5),
        ("heading", "NNW", "heading", 337.5),
        ("altitude", "-5", "altitude_m", -5.0),
        ("altitude", "\u22125", "altitude_m", -5.0),
        ("accuracy", "5 m", "accuracy_m", 5.0),
        ("odometer", "1.5 km", "odometer_m", 1500.0),
        ("battery", "80%", "battery_pct", 80.0),
        ("ignition", 1, "ignition", True),
        ("ignition", "off", "ignition", False),
        ("driver", 7, "driver", "7"),
        ("vehicle", {"name": "Van", "uniqueId": "86"}, "vehicle", "86"),
        ("vehicle", {"colour": "red"}, "vehicle", {"colour": "red"}),
        ("alarm", True, "alarm", "alarm"),
        ("alarm", "0", "alarm", "0"),
        ("tags", ["a", {"b": 1}], "tags", '["a",{"b":1}]'),
        ("speed", "fast", "speed", "fast"),
    ],
)
def test_values_of_other_types_are_read(name: str, value: Any, field: str, expected: Any) -> None:
    fix = one({"vehicle": "v", "time": AT, "lat": 60.1, "lon": 24.9, name: value})
    assert fix == {"vehicle": "v", "lat": 60.1, "lon": 24.9} | {field: expected}


@pytest.mark.parametrize(
    ("lat", "lon", "expected"),
    [
        ("60.1", "24.9", (60.1, 24.9)),
        ("60,1", "24,9", (60.1, 24.9)),
        ("60\u00b006'00\"N", "24\u00b054'W", (60.1, -24.9)),
        ("\u221233.8", "\u221270.6", (-33.8, -70.6)),
        ("north", "24.9", ("north", 24.9)),
        ("60.1", "24.9 O", (60.1, "24.9 O")),
    ],
)
def test_degrees_may_be_texts(lat: str, lon: str, expected: tuple[Any, Any]) -> None:
    fix = one({"vehicle": "v", "time": AT, "lat": lat, "lon": lon})
    assert (fix["lat"], fix["lon"]) == expected
    [line] = ndjson.read(io.BytesIO(json.dumps({"time": AT, "lat": lat, "lon": lon}).encode()), Reading("d", "d"))
    assert isinstance(line, Point)
    assert isinstance(line.position, dict)
    assert (line.position["lat"], line.position["lon"]) == expected


def test_a_place_may_lie_in_three_objects_but_a_destination_is_none() -> None:
    assert one({"time": AT, "gps": {"position": {"location": {"lat": 60.1, "lon": 24.9}}}})["lat"] == 60.1
    with pytest.raises(Exception, match="somebody is going"):
        fixes([{"time": AT, "destination": {"lat": 60.1, "lon": 24.9}}])


@pytest.mark.parametrize(
    "item",
    [
        {"lat": 33.8, "latDir": "S", "lon": 70.6, "lonDir": "W"},
        {"latitude": "33.8", "ns": "s", "longitude": 70.6, "ew": "West"},
        {"lat": 33.8, "lat_ref": "S", "lng": 70.6, "lng_ref": "W", "hemisphere": "x"},
    ],
)
def test_a_side_beside_degrees_is_believed(item: dict[str, Any]) -> None:
    fix = one({"time": AT} | item)
    assert fix == {"vehicle": "day", "lat": -33.8, "lon": -70.6} | ({"hemisphere": "x"} if "lng" in item else {})


def test_degrees_that_contradict_the_side_beside_them_are_left_to_the_gate() -> None:
    assert one({"time": AT, "lat": -33.8, "ns": "N", "lon": 70.6, "ew": 5})["lat"] == "-33.8"
