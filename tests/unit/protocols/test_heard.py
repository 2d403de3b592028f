"""What phones say: nulls, units and clocks as each of them means them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.model.ping import MAX_ATTRIBUTES, Unfit, read_ping
from tracker.protocols import Reading
from tracker.protocols.heard import battery, flag, number, read_heard, read_time, scalar, speed

NOW = 1_795_424_430_000  # 2026-11-23T09:00:30Z
FIX = {"vehicle": "van-7", "time": 1_795_424_400, "lat": 60.17, "lon": 24.94}


def heard(**said: Any) -> Any:
    return read_heard(FIX | said, NOW, [])[0]


@pytest.mark.parametrize(
    "time",
    [
        *(1_795_424_400, 1_795_424_400.0, "1795424400", 1_795_424_400_000, 1_795_424_400_000_000, 1.7954244e18),
        *("2026-11-23T09:00:00Z", "2026-11-23T11:00:00+02:00", "2026-11-23T11:00:00 02:00", "2026-11-23T01:00:00-0800"),
        *("2026-11-23 09:00:00", "2026-11-23T09:00:00.000", " 1795424400 "),
    ],
)
def test_a_time_is_read_however_it_is_written(time: Any) -> None:
    assert read_time(time, NOW) == (1_795_424_400_000, "")


@pytest.mark.parametrize(
    ("said", "meant", "name"),
    [
        (1_795_424_400 - 619_315_200, 1_795_424_400_000, "week_rollover"),
        (1_068_138_065, 1_687_453_265_000, "week_rollover"),  # as owntracks/android#1431 has it
        ("2007-04-09T09:00:00Z", 1_795_424_400_000, "week_rollover"),
        (1_795_424_400 - 978_307_200, 1_795_424_400_000, "epoch_2001"),
        (1_483_228_800, 1_483_228_800_000, ""),  # of 2017, a recording: 1,024 weeks later is not yet
    ],
)
def test_a_clock_with_a_known_fault_is_put_right_and_what_it_said_is_kept(said: Any, meant: int, name: str) -> None:
    ping, repair = read_heard(FIX | {"time": said}, NOW, [])
    assert (ping.time, repair) == (meant, name)
    assert ping.attributes == ({"time_repaired": name, "time_said": said} if name else None)


@pytest.mark.parametrize("time", [0, 1, 315_964_800, "1980-01-06T00:00:00Z", "1995-11-29T00:00:00Z", -5, 1e25, "soon"])
def test_a_receiver_without_a_date_is_not_taken_for_a_clock_that_is_wrong(time: Any) -> None:
    with pytest.raises(Unfit, match="time"):
        read_heard(FIX | {"time": time}, NOW, [])


def test_repairs_are_counted_by_name() -> None:
    reading = Reading()
    for seconds in (1_176_109_200, 1_176_109_201, 817_117_200):
        reading.hear(FIX | {"time": seconds}, NOW)
    assert reading.repairs == {"week_rollover": 2, "epoch_2001": 1}


def test_below_zero_is_how_a_client_says_that_it_does_not_know() -> None:
    ping = heard(speed_mps=-1, heading="-1", accuracy_m=-1.0, battery_pct=-100, altitude_m=-12)
    assert (ping.speed_mps, ping.heading, ping.accuracy_m, ping.battery_pct) == (None, None, None, None)
    assert ping.altitude_m == -12


def test_what_cannot_be_right_costs_itself_and_not_the_fix() -> None:
    ignored: list[str] = []
    many = {f"a{number}": number for number in range(80)} | {"deep": {"a": 1}}
    said = {"speed_mps": "fast", "heading": "nan", "battery_pct": 400, "driver": "é" * 900, "alarm": "\ud800"}
    ping, _ = read_heard(FIX | said | {"attributes": many}, NOW, ignored)
    assert (ping.lat, ping.speed_mps, ping.heading, ping.battery_pct) == (60.17, None, None, None)
    assert ping.driver == "é" * 256 and ping.alarm == "?"
    assert ping.attributes and len(ping.attributes) == MAX_ATTRIBUTES
    assert {"speed_mps", "heading", "battery_pct", "deep"} <= set(ignored)


def test_a_heading_is_below_360() -> None:
    assert [heard(heading=text).heading for text in ("359.999", 360, 450, "-1", 721)] == [0, 0, 90, None, None]


def test_without_a_place_it_is_a_heartbeat_or_an_alarm_and_half_a_place_is_none() -> None:
    beat, _ = read_heard({"vehicle": "van-7", "battery_pct": 40}, NOW, [])
    assert (beat.time, beat.lat, beat.lon, beat.battery_pct) == (NOW, 0, 0, 40)
    alarm, _ = read_heard({"vehicle": "van-7", "alarm": "sos"}, NOW, [])
    assert (alarm.alarm, alarm.lat) == ("sos", 0)
    with pytest.raises(Unfit, match="lon"):
        read_heard({"vehicle": "van-7", "lat": 60}, NOW, [])
    with pytest.raises(Unfit) as fault:
        heard(lat=0, lon="0.0")
    assert fault.value.code == "no_fix"


def test_texts_stand_for_numbers_flags_and_themselves() -> None:
    assert [number(text) for text in ("12.5", " 7 ", "1e3", "0x10", "1_000", "nan", "", True, None)] == [
        *(12.5, 7, 1000),
        *([None] * 6),
    ]
    assert [flag(text) for text in ("true", "1", "On", "false", "0", "maybe", 1, None)] == [
        *(True, True, True, False, False, None, True, None)
    ]
    assert [scalar(text) for text in ("12", "-1.5", "true", "van", "358240051111110358", "", "1-2")] == [
        *(12, -1.5, True, "van", "358240051111110358", "", "1-2")
    ]


def test_speeds_and_batteries_have_the_unit_of_their_client() -> None:
    assert speed("10", "kn") == pytest.approx(5.144, abs=1e-3)
    assert speed(36, "kmh") == pytest.approx(10)
    assert speed(-1, "mps") is None and speed("", "mps") is None
    assert (battery(0.8, fraction=True), battery(1, fraction=True), battery(80, fraction=True)) == (80, 100, 80)
    assert battery(1, fraction=False) == 1


def near(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high) | st.integers(int(low), int(high))


@given(
    lat=near(-90, 90), lon=near(-180, 180), speed=near(0, 1100), heading=near(0, 360), altitude=near(-13_000, 110_000),
    accuracy=near(0, 1e8), battery=near(0, 110), odometer=near(0, 1e11), alarm=st.none() | st.just("sos"),
    attributes=st.dictionaries(st.sampled_from("aäx"), st.booleans() | st.integers() | st.floats() | st.text(min_size=1)),
)  # fmt: skip
def test_what_needs_no_lenience_reads_as_our_own_json_does(attributes: dict[str, Any], **fields: Any) -> None:
    names = ("speed", "altitude", "accuracy", "battery", "odometer")
    units = dict(zip(names, ("mps", "m", "m", "pct", "m"), strict=True))
    said = {f"{name}_{units[name]}" if name in units else name: value for name, value in fields.items()}
    said |= {"vehicle": "van-7", "time": NOW, "attributes": attributes}
    ignored: list[list[str]] = [[], []]
    try:
        careful = read_ping(said, NOW, ignored[0])
    except Unfit as fault:
        with pytest.raises(Unfit, match=re.escape(fault.message)):
            read_heard(said, NOW, ignored[1])
        return
    assert read_heard(said, NOW, ignored[1])[0] == careful
    assert sorted(ignored[0]) == sorted(ignored[1])


@given(
    st.dictionaries(
        st.sampled_from(["vehicle", "time", "lat", "lon", "speed_mps", "heading", "driver", "alarm", "ignition", "x"]),
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers(), max_size=2)),
    )
)
def test_whatever_is_said_is_a_ping_or_a_fault_with_a_name(said: dict[str, Any]) -> None:
    reading = Reading()
    reading.hear(said, NOW)
    assert len(reading.pings) + reading.rejected == reading.items == 1


def test_a_token_that_an_app_sends_along_is_kept_nowhere() -> None:
    key, ignored = "trk_" + "a1B2-c3D4_e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u", list[str]()
    ping = read_heard(FIX | {"driver": key, "attributes": {"password": key, "sat": 9}}, NOW, ignored)[0]
    assert (ping.driver, ping.attributes) == (None, {"sat": 9})
    assert sorted(ignored) == ["driver", "password"]
