"""The page and OsmAnd share an address; both ways of naming who sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import BadRequest
from tracker.protocols import Payload
from tracker.protocols.osmand import claims, read

NOW = 1_795_424_430_000


@pytest.mark.parametrize(
    ("method", "query", "ours"),
    [
        *(("GET", "id=1&lat=60&lon=24", True), ("GET", "lon=24&lat=60&deviceid=1", True), ("GET", "", False)),
        *(("GET", "id=1", False), ("GET", "lat=60&lon=24", False), ("GET", "vehicle=van-7&zoom=9", False)),
        *(
            ("GET", "grid=1&flat=2", False),
            ("POST", "", True),
            ("GET", "id=1&location=60,24", True),
            ("HEAD", "", False),
            ("GET", "%69d=1&L%61t=60&lon=24", True),
            ("GET", "next=%26id%3D1%26lat%3D60", False),
        ),
    ],
)
def test_the_page_keeps_its_address_but_for_who_says_id_and_place(method: str, query: str, ours: bool) -> None:
    assert claims(method, query) is ours


def test_a_token_of_one_vehicle_says_who_it_is_whatever_the_app_calls_itself() -> None:
    (ping,) = read(Payload(query="id=883&lat=60&lon=24", device="van-7"), NOW).pings
    assert (ping.vehicle, ping.attributes) == ("van-7", {"device": "883"})
    (ping,) = read(Payload(query="lat=60&lon=24", device="van-7"), NOW).pings
    assert (ping.vehicle, ping.attributes) == ("van-7", None)


def test_a_number_of_traccars_own_does_not_name_the_vehicle() -> None:
    (ping,) = read(Payload(b"", "deviceId=7&uniqueId=van-7&latitude=-3&longitude=-60"), NOW).pings
    assert ping.vehicle == "van-7"


def test_secrets_and_options_in_an_address_become_no_attributes() -> None:
    query = "id=1&lat=60&lon=24&token=trk_x&ticket=y&speed_unit=mps&speed=3&notificationToken=z"
    query += "&password=p&refresh_token=r&webhook_secret=s&apikey=k"
    (ping,) = read(Payload(query=query), NOW).pings
    assert (ping.speed_mps, ping.attributes) == (3, None)


@pytest.mark.parametrize("payload", [Payload(b"garbage=1"), Payload(b"\xff\x00"), Payload(b"x=1", device="van-7")])
def test_what_says_nothing_we_know_is_refused_and_not_taken_for_a_heartbeat(payload: Payload) -> None:
    with pytest.raises(BadRequest):
        read(payload, NOW)
    assert read(Payload(query="id=van-7"), NOW).pings[0].vehicle == "van-7"


def test_leading_zeros_of_an_id_are_kept() -> None:
    assert read(Payload(query="id=007&lat=60&lon=24"), NOW).pings[0].vehicle == "007"


@given(st.binary(max_size=300), st.sampled_from(["", "id=1", "id=1&lat=60&lon=24", "%ff=%", "gprmc=$GPRMC,,,,,,,,,"]))
def test_any_bytes_are_pings_or_a_named_error(body: bytes, query: str) -> None:
    for kind in (b"", b"application/json", b"multipart/form-data; boundary=x"):
        try:
            reading = read(Payload(body, query, {b"content-type": kind}), NOW)
        except BadRequest:
            continue
        assert len(reading.pings) + reading.discarded + reading.rejected == reading.items


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "location", "coords", "battery", "level", "lat", "gps", "extras", "speed", "timestamp"]), inner, max_size=4), max_leaves=12))  # fmt: skip
def test_any_json_is_pings_or_a_named_error(document: object) -> None:
    import json

    try:
        reading = read(Payload(json.dumps([document]).encode(), "id=1"), NOW)
    except BadRequest:
        return
    assert len(reading.pings) + reading.discarded + reading.rejected == reading.items
