"""Logs of receivers and feeds: each line one outcome, each fix what its sentences say together."""

from __future__ import annotations

import io
from collections import Counter
from functools import reduce
from typing import Any

import pytest

from tracker.formats import Point, Reading, Skip, Unreadable, find_format
from tracker.times import rfc3339


def read(name: str, content: bytes) -> list[Point | Skip]:
    found = find_format(name, content[:8192].decode("utf-8", "replace"))
    return list(found.read(io.BytesIO(content), Reading(name, "van")))


def sentence(body: str) -> str:
    return f"${body}*{reduce(lambda total, char: total ^ ord(char), body, 0):02X}\r\n"


def log(*bodies: str) -> bytes:
    return "".join(map(sentence, bodies)).encode()


def fixes(outcomes: list[Point | Skip]) -> list[tuple[str, Any]]:
    return [(rfc3339(one.time), one.position) for one in outcomes if isinstance(one, Point)]


def skips(outcomes: list[Point | Skip]) -> Counter[str]:
    return Counter(one.reason for one in outcomes if isinstance(one, Skip))


def test_the_sentences_of_one_second_are_one_fix() -> None:
    outcomes = read(
        "drive.log",
        log(
            "GPGGA,095255.50,2712.6404,S,15303.1201,E,1,08,0.8,12.5,M,42.2,M,,",
            "GPRMC,095255.50,A,2712.6404,S,15303.1201,E,10.0,270.5,080426,,,A",
            "GPVTG,270.5,T,,M,10.0,N,18.5,K,A",
            "GPGSV,3,3,12,24,58,220,,26,17,053,,29,20,063,,30,60,311,44",
            "GNRMC,095256.50,V,2712.6404,S,15303.1201,E,,,080426,,,N",
        ),
    )
    assert fixes(outcomes) == [
        (
            "2026-04-08T09:52:55.500Z",
            {
                "vehicle": "van",
                "lat": -27.2106733,
                "lon": 153.0520017,
                "speed_mps": 5.144,
                "heading": 270.5,
                "altitude_m": 12.5,
                "accuracy_m": 4.0,
            },
        )
    ]
    assert skips(outcomes) == {"supplement": 2, "not_a_position": 1, "no_fix": 1}
    assert len(outcomes) == 5


def test_a_log_without_rmc_takes_its_date_from_zda_and_goes_past_midnight() -> None:
    outcomes = read(
        "ship.nmea",
        log(
            "GPGGA,235957,6000.0000,N,02500.0000,W,1,08,,,M,,M,,",
            "GPZDA,235958,31,12,2025,00,00",
            "GPGGA,235959,6000.0000,N,02500.0000,W,1,08,,,M,,M,,",
            "GPGLL,6000.6000,N,02500.0000,W,000001,A,A",
        ),
    )
    assert [when for when, _ in fixes(outcomes)] == [
        "2025-12-31T23:59:57.000Z",
        "2025-12-31T23:59:59.000Z",
        "2026-01-01T00:00:01.000Z",
    ]
    assert fixes(outcomes)[-1][1]["lat"] == 60.01
    assert fixes(outcomes)[-1][1]["lon"] == -25.0


def test_a_damaged_sentence_is_named_and_costs_only_itself() -> None:
    good = log("GPRMC,095255,A,6000.0,N,02500.0,E,,,080426,,,A")
    outcomes = read("a.log", good + good.replace(b"6000.0", b"6010.0") + b"noise\n# a comment\n\n" + good)
    assert skips(outcomes) == {"bad_checksum": 1, "not_a_position": 1}
    assert len(fixes(outcomes)) == 2


@pytest.mark.parametrize(
    ("cell", "degrees"), [("6012.0", 60.2), ("0000.6", 0.01), ("60.2", "60.2"), ("", ""), ("north", "north")]
)
def test_a_place_is_degrees_and_minutes_or_left_for_the_gate_to_refuse(cell: str, degrees: Any) -> None:
    [outcome] = read("a.log", log(f"GPRMC,095255,A,{cell},N,02500.0,E,,,080426,,,A"))
    assert isinstance(outcome, Point) and isinstance(outcome.position, dict)
    assert outcome.position["lat"] == degrees


# -- AIS -------------------------------------------------------------------------------------------------------------


def armour(*fields: tuple[int, int]) -> str:
    """(value, bits) … as the six-bit characters of a VDM payload."""
    bits = "".join(f"{value & (1 << size) - 1:0{size}b}" for value, size in fields)
    bits += "0" * (-len(bits) % 6)
    values = [int(bits[at : at + 6], 2) for at in range(0, len(bits), 6)]
    return "".join(chr(value + 48 if value < 40 else value + 56) for value in values)


def class_a(lat: float, lon: float, *, second: int = 58, knots: float = 12.3, course: float = 181.5) -> str:
    return armour(
        *((1, 6), (0, 2), (230_123_456, 30), (0, 4), (0, 8), (round(knots * 10), 10), (1, 1)),
        *((round(lon * 600_000), 28), (round(lat * 600_000), 27), (round(course * 10), 12), (511, 9), (second, 6)),
        (0, 25),
    )


def vdm(payload: str, parts: str = "1,1,") -> str:
    return sentence(f"AIVDM,{parts},A,{payload},0").replace("$", "!", 1)


def test_a_vessel_is_its_mmsi_at_its_own_second_of_the_receivers_minute() -> None:
    clock = sentence("GPRMC,095302,A,6000.0,N,02500.0,E,,,080426,,,A")
    content = clock + vdm(class_a(60.123456, -24.5)) + vdm(class_a(91, 181)) + vdm(armour((5, 6), (0, 400)))
    outcomes = read("ais.log", content.encode())
    assert fixes(outcomes)[1] == (
        "2026-04-08T09:52:58.000Z",
        {"vehicle": "230123456", "lat": 60.1234567, "lon": -24.5, "speed_mps": 6.328, "heading": 181.5},
    )
    assert skips(outcomes) == {"no_fix": 1, "not_a_position": 1}


def test_a_message_in_two_sentences_is_read_once_it_is_whole() -> None:
    clock = sentence("GPRMC,095302,A,6000.0,N,02500.0,E,,,080426,,,A")
    payload = class_a(60, 25)
    content = clock + vdm(payload[:14], "2,1,7") + vdm(payload[14:], "2,2,7")
    outcomes = read("ais.log", content.encode())
    assert skips(outcomes) == {"supplement": 1}
    assert len(fixes(outcomes)) == 2


def test_a_report_without_any_clock_has_no_time() -> None:
    assert skips(read("ais.log", vdm(class_a(60, 25)).encode())) == {"no_time": 1}


# -- gpsd ------------------------------------------------------------------------------------------------------------


def test_gpsd_reports_are_fixes_where_they_have_a_place_and_a_time() -> None:
    lines = [
        b'{"class":"VERSION","release":"3.25"}',
        b'{"class":"TPV","mode":1}',
        b'{"class":"TPV","mode":3,"lat":60.1,"lon":24.9}',
        b'{"class":"TPV","mode":3,"time":"2026-04-08T09:52:58.250Z","lat":60.1,"lon":24.9,"altMSL":5.5,"speed":2.5,"track":90,"epx":3,"epy":4}',
        b"$GPGSA,A,3,11",
        b'{"class":"TPV",',
    ]
    outcomes = read("gpsd.log", b"\n".join(lines))
    assert skips(outcomes) == {"not_a_position": 2, "no_fix": 1, "no_time": 1, "not_json": 1}
    assert fixes(outcomes) == [
        (
            "2026-04-08T09:52:58.250Z",
            {
                "vehicle": "van",
                "lat": 60.1,
                "lon": 24.9,
                "speed_mps": 2.5,
                "heading": 90,
                "altitude_m": 5.5,
                "accuracy_m": 4,
            },
        )
    ]


# -- GTFS-realtime, SIRI, FIT ----------------------------------------------------------------------------------------


def feed() -> Any:
    from google.transit import gtfs_realtime_pb2

    feed = gtfs_realtime_pb2.FeedMessage()
    feed.header.gtfs_realtime_version = "2.0"
    feed.header.timestamp = 1_795_424_400
    for number in range(4):
        entity = feed.entity.add()
        entity.id = f"e{number}"
        if number == 3:
            entity.alert.cause = 1
            continue
        entity.vehicle.vehicle.id = f"bus-{number}"
        entity.vehicle.position.latitude, entity.vehicle.position.longitude = 60.5, 24.5
        entity.vehicle.timestamp = 0 if number == 1 else 1_795_424_390
        entity.is_deleted = number == 2
    return feed


def written(kind: str) -> bytes:
    from google.protobuf import json_format, text_format

    if kind == "pb":
        whole: bytes = feed().SerializeToString()
        return whole
    text: str = text_format.MessageToString(feed()) if kind == "txtpb" else json_format.MessageToJson(feed())
    return text.encode()


@pytest.mark.parametrize("kind", ["pb", "txtpb", "json"])
def test_a_feed_says_the_same_in_each_of_its_spellings(kind: str) -> None:
    outcomes = read(f"feed.{kind}", written(kind))
    assert fixes(outcomes) == [
        ("2026-11-23T08:59:50.000Z", {"vehicle": "bus-0", "lat": 60.5, "lon": 24.5}),
        ("2026-11-23T09:00:00.000Z", {"vehicle": "bus-1", "lat": 60.5, "lon": 24.5}),
    ]
    assert skips(outcomes) == {"deleted": 1, "not_a_position": 1}


def test_a_damaged_feed_is_refused_in_a_sentence() -> None:
    with pytest.raises(Unreadable, match="not a GTFS-realtime feed"):
        read("feed.pb", written("pb")[:40])


def test_siri_activities_are_fixes() -> None:
    activity = (
        "<VehicleActivity><RecordedAtTime>{}</RecordedAtTime><MonitoredVehicleJourney><LineRef>5</LineRef>{}"
        "<Bearing>90</Bearing><VehicleRef>4711</VehicleRef></MonitoredVehicleJourney></VehicleActivity>"
    )
    place = "<VehicleLocation><Longitude>24.5</Longitude><Latitude>60.5</Latitude></VehicleLocation>"
    body = activity.format("2026-04-08T09:52:58+03:00", place) + activity.format("2026-04-08T09:52:59+03:00", "")
    content = f"<Siri xmlns='http://www.siri.org.uk/siri'><VehicleMonitoringDelivery>{body}</VehicleMonitoringDelivery></Siri>"
    outcomes = read("siri.xml", content.encode())
    assert fixes(outcomes) == [
        (
            "2026-04-08T06:52:58.000Z",
            {"vehicle": "4711", "lat": 60.5, "lon": 24.5, "heading": 90.0, "attributes": {"line": "5"}},
        )
    ]
    assert skips(outcomes) == {"no_position": 1}


def test_what_only_begins_like_a_fit_file_is_refused_in_a_sentence() -> None:
    with pytest.raises(Unreadable, match="FIT"):
        read("ride.fit", b"\x0e\x10\xd9\x07\x20\x00\x00\x00.FIT\x00\x00" + bytes(40))


def test_lines_of_the_owntracks_recorder_are_read() -> None:
    from tracker.formats import Reading, owntracks

    lines = (
        '2026-11-23T09:00:01Z\t*                 \t{"_type":"location","tid":"JJ","tst":1795424400,"lat":60.1,"lon":24.9,'
        '"vel":36,"cog":90,"alt":12,"acc":8,"batt":1,"t":"u"}\n'
        '2026-11-23T09:00:02Z\t*                 \t{"_type":"location","topic":"owntracks/jane/phone","lat":60,"lon":24}\n'
        '2026-11-23T09:00:03Z\tlwt               \t{"_type":"lwt","tst":1795424400}\n'
        '2026-11-23T09:00:04Z\t*                 \t{"_type":"locat\n'
    )
    assert owntracks.recognises("2026-11.rec", lines)
    first, second, *others = owntracks.read(io.BytesIO(lines.encode()), Reading("2026-11.rec", "2026-11"))
    assert isinstance(first, Point)
    assert first.time == 1795424400_000
    assert first.position == {
        "vehicle": "JJ", "lat": 60.1, "lon": 24.9, "speed_mps": 10.0, "heading": 90, "altitude_m": 12, "accuracy_m": 8,
        "battery_pct": 1, "attributes": {"t": "u"},
    }  # fmt: skip
    assert isinstance(second, Point)
    assert (second.vehicle, second.time) == ("jane-phone", 1795424402_000)
    assert others == [Skip("not_a_position", 3), Skip("not_json", 4)]


@pytest.mark.parametrize(
    "before",
    [
        "[12:00:0%d] ",
        "[2026-11-20T12:00:0%d.123Z] ",
        "[INFO] [1436509052.%d]: ",
        "2026-11-20 12:00:0%d ",
        "2026-11-20T12:00:0%dZ: ",
        "(1436509052.24971%d) can0 ",
        "Nov 20 12:00:0%d host gpsd[12]: ",
        "143650905%d,",
        "12:00:0%d\t<- ",
    ],
)
@pytest.mark.parametrize("name", ["drive.log", "drive.txt", "drive"])
def test_what_a_logger_writes_before_a_sentence_hides_no_fix(before: str, name: str) -> None:
    bodies = [f"GPRMC,12000{i},A,6010.1234,N,02456.7890,E,10.0,90.0,201126,,,A" for i in range(3)]
    content = "".join(before % i + sentence(body) for i, body in enumerate(bodies))
    assert find_format(name, content).NAME == "nmea"
    assert [time for time, _ in fixes(read(name, content.encode()))] == [
        f"2026-11-20T12:00:0{i}.000Z" for i in range(3)
    ]


@pytest.mark.parametrize(
    ("before", "clock", "expected"),
    [
        ("[2026-11-20 12:00:01] ", "120001", "2026-11-20T12:00:01.000Z"),
        ("2026-11-21T01:30:00+02:00 ", "233000", "2026-11-20T23:30:00.000Z"),
        ("2026-11-20 19:30:00 ", "033000", "2026-11-21T03:30:00.000Z"),
        ("(1795435201.2497) can0 ", "120001.00", "2026-11-23T12:00:01.000Z"),
    ],
)
def test_the_day_of_a_log_that_tells_only_times_is_that_before_its_sentences(
    before: str, clock: str, expected: str
) -> None:
    body = f"GPGGA,{clock},6010.1234,N,02456.7890,E,1,08,0.8,12.5,M,42.2,M,,"
    [(time, _)] = fixes(read("drive.log", (before + sentence(body)).encode()))
    assert time == expected
    assert skips(read("drive.log", sentence(body).encode())) == {"no_time": 1}
    assert skips(read("drive.log", ("[2026-13-45 12:00:01] " + sentence(body)).encode())) == {"no_time": 1}


@pytest.mark.parametrize("text", ['[{"time": 1}]', "[]", "[\n", '["$GPRMC"]', "[ {"])
def test_a_list_is_no_stamp_of_a_logger(text: str) -> None:
    assert find_format("day.txt", text).NAME == "json"
