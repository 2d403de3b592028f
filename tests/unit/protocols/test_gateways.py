"""What holds of batches and gateways alike; their messages are in fixtures/payloads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tracker.errors import BadRequest
from tracker.protocols import Payload, Reading, flespi, homeassistant, overland, traccar
from tracker.protocols.items import read_items
from tracker.protocols.pieces import PIECE

NOW = 1_795_424_430_000


def feature(n: int, **properties: Any) -> dict[str, Any]:
    said = {"timestamp": 1_795_420_000 + n, "device_id": "van-7"} | properties
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [24.9, 60.1]}, "properties": said}


def read(protocol: Any, document: Any, **payload: Any) -> Reading:
    reading: Reading = protocol.read(Payload(json.dumps(document).encode(), **payload), NOW)
    return reading


@pytest.mark.parametrize("filling", ["", "x" * 200])
def test_a_backlog_of_any_size_is_read_whole(filling: str) -> None:
    """Large bodies are decoded in pieces; what stands around their items is read all the same."""
    features = [feature(n, note=filling) for n in range(3000)]
    assert (len(json.dumps(features)) > PIECE) is True
    reading = read(overland, {"locations": features, "current": feature(3001), "trip": {}})
    assert [ping.time for ping in reading.pings] == [(1_795_420_000 + n) * 1000 for n in (*range(3000), 3001)]
    assert (reading.items, reading.discarded) == (3002, 1)
    messages = [{"ident": "1", "timestamp": 1_795_420_000 + n, "custom.note": filling * 2} for n in range(3000)]
    assert len(read(flespi, messages).pings) == 3000


def test_items_of_a_small_and_of_a_large_body_are_the_same() -> None:
    for size in (10, PIECE // 2):
        document = {"a": 1, "locations": [1, "x" * size, {"b": [2]}, "y" * size, "z" * size]}
        around, items = read_items(json.dumps(document).encode(), "locations")
        assert list(items) == document["locations"] and around["a"] == 1


@pytest.mark.parametrize("body", [b"", b"  ", b"\xef\xbb\xbf", b"nonsense", b"\xff", b'"x"', b"5", b"null"])
def test_what_nobody_can_read_is_an_error_with_a_name(body: bytes) -> None:
    for protocol in (overland, flespi, traccar, homeassistant):
        with pytest.raises(BadRequest):
            protocol.read(Payload(body), NOW)


def test_one_bad_item_holds_up_nothing() -> None:
    good = feature(0)
    bad: list[Any] = [
        None,
        5,
        [],
        {},
        feature(1, timestamp="soon"),
        feature(2) | {"geometry": {"coordinates": [1, 99]}},
    ]
    reading = read(overland, {"locations": [*bad, good]})
    assert [ping.time for ping in reading.pings] == [1_795_420_000_000]
    assert reading.items == len(reading.pings) + reading.discarded + reading.rejected == 7


def test_a_batch_in_which_some_lack_a_name_is_taken_and_one_in_which_all_do_is_told() -> None:
    """Else a driver who forgot it loses every fix and never hears why."""
    nameless = feature(1, device_id="")
    for features, taken in (([feature(0), nameless], 1), ([nameless, nameless], "no_vehicle")):
        try:
            became: Any = len(read(overland, {"locations": features}).pings)
        except BadRequest as told:
            became = told.code
        assert became == taken


def test_the_newest_fix_of_a_backlog_is_the_same_fix_when_its_batch_comes() -> None:
    first = read(overland, {"locations": [feature(0)], "current": feature(9)})
    second = read(overland, {"locations": [feature(9)]})
    assert first.pings[-1] == second.pings[0]


def test_a_battery_is_a_share_or_a_percentage() -> None:
    for level, percent in ((0.5, 50), (1, 100), (0, 0), (80, 80), (-1, None), (None, None), ("0.25", 25), ("x", None)):
        (ping,) = read(overland, {"locations": [feature(0, battery_level=level)]}).pings
        assert ping.battery_pct == percent, level


@pytest.mark.parametrize(("name", "alarm"), [
    ("alarm.event", "alarm"),
    ("alarm.event.trigger", "alarm"),
    ("sos.alarm.event", "sos"),
    ("towing.alarm.status", "towing"),
    ("crash.event", "crash"),
    ("alarm.mode.status", None),
    ("movement.status", None),
])  # fmt: skip
def test_an_alarm_of_flespi_is_what_says_so_and_is_true(name: str, alarm: str | None) -> None:
    message = {"ident": "1", "timestamp": 1_795_424_400}
    assert read(flespi, [message | {name: True}]).pings[0].alarm == alarm
    assert read(flespi, [message | {name: False}]).pings[0].alarm is None


def test_speeds_are_in_the_unit_of_their_sender() -> None:
    (ping,) = read(flespi, [{"ident": "1", "timestamp": NOW, "position.latitude": 1, "position.longitude": 1,
                             "position.speed": 36}]).pings  # fmt: skip
    assert ping.speed_mps == 10
    position = {"latitude": 1, "longitude": 1, "speed": 10, "fixTime": "2026-11-23T09:00:00.000+00:00"}
    (ping,) = read(traccar, {"position": position, "device": {"uniqueId": "1"}}).pings
    assert ping.speed_mps == pytest.approx(5.144)
    (ping,) = read(homeassistant, {"type": "update_location", "data": {"gps": [1, 1], "speed": 10}}, rest="1").pings
    assert ping.speed_mps == 10
    (ping,) = read(overland, {"locations": [feature(0, speed=10)]}).pings
    assert ping.speed_mps == 10


def test_a_time_of_half_a_pair_is_no_time() -> None:
    """Nobody can write it, but JSON can."""
    try:
        became: str = read(flespi, [{"ident": "1", "timestamp": "\ud800"}]).errors[0]["code"]
    except UnicodeEncodeError as fault:
        became = str(fault)
    assert became == "time_invalid"
