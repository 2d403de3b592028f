from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.model.ping import AHEAD_MS, CODES, Ping, Unfit, check_attributes, read_ping, vehicle_id, vehicle_of

NOW = 1_795_424_400_000
KEY = "trk_" + "a1B2-c3D4_e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u"  #: as a token is
GOOD: dict[str, Any] = {"vehicle": "van-7", "time": NOW, "lat": 60.17, "lon": 24.94}


def fault(**fields: Any) -> tuple[str, str | None]:
    with pytest.raises(Unfit) as caught:
        read_ping(GOOD | fields, NOW)
    assert caught.value.code in CODES
    assert caught.value.message
    return caught.value.code, caught.value.field


def test_a_plain_position_is_read() -> None:
    assert read_ping(GOOD, NOW) == Ping("van-7", NOW, 60.17, 24.94)


def test_every_field_is_read_in_its_unit() -> None:
    ping = read_ping(
        GOOD
        | {
            "speed_kmh": 36,
            "heading": 360,
            "altitude_m": 12.346,
            "accuracy_m": 5,
            "ignition": True,
            "battery_pct": 99.5,
            "odometer_m": 123456.789,
            "driver": "Anna",
            "alarm": "sos",
            "attributes": {"trip": 4},
        },
        NOW,
    )
    assert ping == Ping(
        "van-7", NOW, 60.17, 24.94, 10.0, 0.0, 12.35, 5.0, True, 99.5, 123456.79, "Anna", "sos", {"trip": 4}
    )  # fmt: skip


@pytest.mark.parametrize(("field", "mps"), [("speed_mps", 10.0), ("speed_kmh", 2.778), ("speed_kn", 5.144)])
def test_speeds_become_metres_per_second(field: str, mps: float) -> None:
    assert read_ping(GOOD | {field: 10}, NOW).speed_mps == mps


@pytest.mark.parametrize("field", ["vehicle", "time", "lat", "lon"])
@pytest.mark.parametrize("how", ["absent", "null"])
def test_what_every_position_needs_is_missed_by_name(field: str, how: str) -> None:
    item = GOOD | {field: None}
    if how == "absent":
        del item[field]
    with pytest.raises(Unfit) as caught:
        read_ping(item, NOW)
    assert (caught.value.code, caught.value.field) == ("missing", field)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "vehicle_empty"),
        ("x" * 129, "vehicle_too_long"),
        ("x" * 100_000, "vehicle_too_long"),
        ("a/b", "vehicle_invalid"),
        (".", "vehicle_invalid"),
        ("..", "vehicle_invalid"),
        ("a\n", "vehicle_invalid"),
        ("a\x00b", "vehicle_invalid"),
        ("a\x85b", "vehicle_invalid"),
        ("a\u200b", "vehicle_invalid"),
        ("a\u202eb", "vehicle_invalid"),
        (" a", "vehicle_invalid"),
        ("a\u00a0", "vehicle_invalid"),
        (5, "wrong_type"),
        (True, "wrong_type"),
        ([], "wrong_type"),
    ],
)
def test_an_odd_vehicle_id_is_refused(value: Any, code: str) -> None:
    assert fault(vehicle=value) == (code, "vehicle")


@pytest.mark.parametrize("id", ["x" * 128, "Kuorma-auto 7", "Ö", "日本-1", "a.b:c", "...", ".a", "A%2F", "🚚"])
def test_an_unusual_vehicle_id_is_fine(id: str) -> None:
    assert vehicle_id(id) == id


def test_ids_that_look_the_same_are_the_same() -> None:
    assert vehicle_id("e\u0301") == "\u00e9"


def test_a_lone_surrogate_is_no_text() -> None:
    assert fault(vehicle="\ud800") == ("not_text", "vehicle")
    assert fault(driver="\ud800")[0] == "not_text"
    assert fault(colour="\ud800")[0] == "not_text"


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"lat": 90.1}, "lat_out_of_range", "lat"),
        ({"lat": -91}, "lat_out_of_range", "lat"),
        ({"lon": 180.5}, "lon_out_of_range", "lon"),
        ({"lat": 0, "lon": 0}, "no_fix", "lat"),
        ({"lat": 1e-9, "lon": -1e-9}, "no_fix", "lat"),
        ({"lat": math.nan}, "not_finite", "lat"),
        ({"lon": math.inf}, "not_finite", "lon"),
        ({"lat": 10**400}, "not_finite", "lat"),
        ({"lat": "60.1"}, "wrong_type", "lat"),
        ({"lon": True}, "wrong_type", "lon"),
        ({"time": NOW + AHEAD_MS + 1}, "time_in_future", "time"),
        ({"time": 946_684_799}, "time_too_old", "time"),
        ({"time": -5}, "time_too_old", "time"),
        ({"time": "2026-11-23T09:00:00"}, "time_without_zone", "time"),
        ({"time": "soon"}, "time_invalid", "time"),
        ({"time": 1e20}, "time_invalid", "time"),
        ({"time": math.nan}, "not_finite", "time"),
        ({"time": True}, "wrong_type", "time"),
        ({"time": {}}, "wrong_type", "time"),
        ({"speed_mps": 1, "speed_kmh": 3.6}, "two_speeds", "speed_kmh"),
        ({"speed_kmh": 1, "speed_kn": 1}, "two_speeds", "speed_kn"),
        ({"speed_kmh": "36"}, "wrong_type", "speed_kmh"),
        ({"ignition": 1}, "wrong_type", "ignition"),
        ({"driver": 5}, "wrong_type", "driver"),
        ({"alarm": "x" * 300}, "text_too_long", "alarm"),
        ({"attributes": []}, "wrong_type", "attributes"),
        ({"attributes": {"a": {}}}, "attribute_not_scalar", "a"),
        ({"colour": ["red"]}, "attribute_not_scalar", "colour"),
        ({"attributes": {str(n): n for n in range(65)}}, "attributes_too_large", "attributes"),
        ({"note": "x" * 5000}, "attributes_too_large", "attributes"),
    ],
)
def test_every_wrong_field_has_its_own_code_and_name(fields: dict[str, Any], code: str, field: str) -> None:
    assert fault(**fields) == (code, field)


@pytest.mark.parametrize("item", [None, 5, "x", [], [GOOD], True])
def test_an_item_that_is_no_object_is_refused_whole(item: Any) -> None:
    with pytest.raises(Unfit) as caught:
        read_ping(item, NOW)
    assert (caught.value.code, caught.value.field) == ("not_an_object", None)


def test_unknown_scalars_are_kept_as_attributes() -> None:
    ping = read_ping(GOOD | {"trip": 4, "colour": "red", "nothing": None, "attributes": {"colour": "blue"}}, NOW)
    assert ping.attributes == {"trip": 4, "colour": "blue"}


def test_null_is_the_same_as_not_said() -> None:
    assert read_ping(GOOD | {"speed_mps": None, "speed_kmh": 36, "heading": None, "attributes": None}, NOW) == Ping(
        "van-7", NOW, 60.17, 24.94, 10.0
    )


@given(
    lat=st.floats(-90, 90),
    lon=st.floats(-180, 180),
    speed=st.none() | st.floats(0, 1000),
    heading=st.none() | st.floats(0, 360),
)
def test_a_ping_read_back_is_the_same_ping(lat: float, lon: float, speed: float | None, heading: float | None) -> None:
    item = {"vehicle": "v", "time": NOW, "lat": lat, "lon": lon, "speed_mps": speed, "heading": heading}
    if abs(lat) < 1e-7 and abs(lon) < 1e-7:
        return  # no fix
    ping = read_ping(item, NOW)
    again = item | {"lat": ping.lat, "lon": ping.lon, "speed_mps": ping.speed_mps, "heading": ping.heading}
    assert read_ping(again, NOW) == ping
    assert round(ping.lat * 1e7) / 1e7 == ping.lat
    assert ping.heading is None or 0 <= ping.heading < 360


def test_an_accuracy_of_nothing_is_not_known() -> None:
    assert read_ping(GOOD | {"accuracy_m": 0}, NOW).accuracy_m is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("speed_mps", -1),
        ("speed_mps", math.nan),
        ("speed_kmh", -0.1),
        ("speed_kn", 5000),
        ("heading", -1),
        ("heading", 360.5),
        ("altitude_m", 1e6),
        ("altitude_m", math.nan),
        ("accuracy_m", -1),
        ("battery_pct", 101),
        ("odometer_m", -1),
        ("odometer_m", 10**400),
        ("rpm", math.inf),
        ("rpm", 2**70),
    ],
)
def test_an_optional_number_that_cannot_be_right_costs_only_itself(name: str, value: float) -> None:
    ignored: list[str] = []
    taken = read_ping({"vehicle": "v", "time": NOW, "lat": 1, "lon": 2, "driver": "Ann", name: value}, NOW, ignored)
    assert taken == Ping("v", NOW, 1, 2, driver="Ann")
    assert ignored == [name]


def test_without_a_place_an_alarm_alone_is_worth_taking() -> None:
    nowhere = GOOD | {"lat": 0, "lon": 0}
    assert read_ping(nowhere | {"alarm": "sos"}, NOW).alarm == "sos"
    with pytest.raises(Unfit, match="without a fix"):
        read_ping(nowhere | {"alarm": ""}, NOW)


def test_an_id_that_no_normalising_could_make_short_enough_is_refused_unread() -> None:
    with pytest.raises(Unfit, match="not 100000"):
        vehicle_id("v" * 100_000)


def test_attributes_without_a_value_are_none_and_numbers_that_are_none_are_told_or_refused() -> None:
    ignored: list[str] = []
    assert check_attributes({"a": None, "b": 1, "c": math.inf}, ignored) == {"b": 1}
    assert ignored == ["c"]
    assert check_attributes({"a": None}) is None
    with pytest.raises(Unfit) as caught:
        check_attributes({"c": math.nan})
    assert caught.value.code == "not_finite"


def test_a_token_that_stands_where_a_name_or_a_remark_belongs_is_kept_nowhere() -> None:
    """Whoever sees the vehicle could send with it."""
    ignored: list[str] = []
    said = {"driver": KEY, "alarm": "sos", "note": f"see https://map/ingest/osmand/{KEY}", "attributes": {"seats": 3}}
    ping = read_ping(GOOD | said, NOW, ignored)
    assert (ping.driver, ping.alarm, ping.attributes) == (None, "sos", {"seats": 3})
    assert sorted(ignored) == ["driver", "note"]
    assert read_ping(GOOD | {"driver": "trk_7", "note": "trk_"}, NOW).driver == "trk_7"
    with pytest.raises(Unfit) as caught:
        vehicle_id(KEY)
    assert caught.value.code == "vehicle_invalid"
    assert KEY not in caught.value.message
    assert vehicle_of(f" {KEY}") == ""
