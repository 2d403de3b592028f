"""What we write is read back by the library of the specification."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import text_format
from google.transit import gtfs_realtime_pb2
from hypothesis import given
from hypothesis import strategies as st

from tracker.model.change import Registered
from tracker.model.ping import Ping
from tracker.outputs import gtfs_realtime, protobuf

NOW = 1_795_690_470_000
VAN = Ping("van-7", NOW - 2000, 60.1712, 24.944, speed_mps=8.889, heading=90.0, odometer_m=1_234_567.5)


def read(*entities: dict[str, Any]) -> Any:
    feed = gtfs_realtime_pb2.FeedMessage()
    feed.ParseFromString(protobuf.encode(gtfs_realtime.FEED, gtfs_realtime.feed(entities, NOW)))
    return feed


def of(ping: Ping, entry: Registered | None = None) -> Any:
    [entity] = read(gtfs_realtime.entity(ping, entry, NOW)).entity
    return entity.vehicle


def test_a_feed_is_a_whole_data_set_of_now() -> None:
    header = read().header
    assert (header.gtfs_realtime_version, header.incrementality, header.timestamp) == ("2.0", 0, NOW // 1000)
    assert header.HasField("incrementality")


def test_a_vehicle_is_read_back_as_it_was() -> None:
    entry = Registered("van-7", name="Anna's van, “7”", plate="ABC-123")
    vehicle = of(VAN, entry)
    assert (vehicle.vehicle.id, vehicle.vehicle.label, vehicle.vehicle.license_plate) == (
        "van-7", "Anna's van, “7”", "ABC-123",
    )  # fmt: skip
    assert (vehicle.position.latitude, vehicle.position.longitude) == pytest.approx((60.1712, 24.944), abs=2e-6)
    assert (vehicle.position.bearing, vehicle.position.odometer) == (90.0, 1_234_567.5)
    assert vehicle.position.speed == pytest.approx(8.889)
    assert vehicle.timestamp == NOW // 1000 - 2


def test_what_nobody_said_is_left_out() -> None:
    vehicle = of(Ping("van-7", NOW, 60.0, 24.0))
    assert [field.name for field, _ in vehicle.position.ListFields()] == ["latitude", "longitude"]
    assert [field.name for field, _ in vehicle.ListFields()] == ["position", "timestamp", "vehicle"]
    assert vehicle.vehicle.label == "van-7", "what people call it, or else its id"


def test_a_standing_vehicle_on_the_equator_says_so() -> None:
    position = of(Ping("van-7", NOW, 0.0, 24.0, speed_mps=0.0, heading=0.0)).position
    assert all(position.HasField(name) for name in ("latitude", "speed", "bearing"))


def test_the_journey_is_what_the_fix_says_or_else_the_register() -> None:
    entry = Registered("van-7", attributes={"trip_id": "of old", "route_id": 5, "start_date": "2026-11-26"})
    said: dict[str, Any] = {
        "trip_id": "T-1",
        "direction_id": 0,
        "start_time": "25:10:00",
        "current_status": "STOPPED_AT",
    }
    said |= {"stop_id": "1020101", "current_stop_sequence": 7}
    vehicle = of(Ping("van-7", NOW, 60.0, 24.0, attributes=said), entry)
    trip = vehicle.trip
    assert (trip.trip_id, trip.route_id, trip.direction_id) == ("T-1", "5", 0)
    assert trip.HasField("direction_id")
    assert (trip.start_time, trip.start_date) == ("25:10:00", "20261126")
    assert (vehicle.current_status, vehicle.stop_id, vehicle.current_stop_sequence) == (1, "1020101", 7)


@pytest.mark.parametrize(
    "said",
    [
        {"direction_id": 2, "start_time": "noon", "start_date": "26.11.2026", "trip_id": ""},
        {"current_status": "LATE", "current_stop_sequence": -1, "stop_id": "a\nb", "route_id": True},
    ],
)
def test_an_attribute_that_cannot_be_meant_is_left_out(said: dict[str, Any]) -> None:
    vehicle = of(Ping("van-7", NOW, 60.0, 24.0), Registered("van-7", attributes=said))
    assert [field.name for field, _ in vehicle.ListFields()] == ["position", "timestamp", "vehicle"]


def test_a_clock_ahead_of_ours_puts_no_vehicle_after_its_feed() -> None:
    assert of(Ping("van-7", NOW + 30_000, 60.0, 24.0)).timestamp == NOW // 1000


def test_a_position_is_of_the_present_for_90_seconds() -> None:
    for age_s, fresh in ((90, True), (91, False)):
        ping = Ping("van-7", NOW - age_s * 1000, 60.0, 24.0)
        assert gtfs_realtime.is_fresh(ping, NOW, gtfs_realtime.FRESH_S) is fresh
        assert gtfs_realtime.is_fresh(ping, NOW, 0)


names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=300)


@given(st.lists(st.tuples(names, st.floats(-90, 90), st.floats(0, 1e10), st.integers(10**11, 2**42)), max_size=5))
def test_the_text_form_says_what_the_bytes_say(fixes: list[tuple[str, float, float, int]]) -> None:
    pings = [Ping(name, time, lat, lat * 2, odometer_m=far) for name, lat, far, time in fixes]
    feed = gtfs_realtime.feed([gtfs_realtime.entity(ping, None, NOW) for ping in pings], NOW)
    written = gtfs_realtime_pb2.FeedMessage()
    written.ParseFromString(protobuf.encode(gtfs_realtime.FEED, feed))
    assert text_format.Parse(protobuf.text(gtfs_realtime.FEED, feed), gtfs_realtime_pb2.FeedMessage()) == written
    assert [one.id for one in written.entity] == [ping.vehicle for ping in pings]
    assert [one.vehicle.position.odometer for one in written.entity] == [ping.odometer_m for ping in pings]
