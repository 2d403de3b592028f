"""Writers: a track in each format, as somebody else's reader reads it."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.support.scenario import START
from tracker.formats import own
from tracker.history.writers import FORMATS
from tracker.model.commit import HELD, LATE, LIVE, StoredPing
from tracker.model.ping import Ping

FIRST = Ping("Van & <co>", START, 60.1, 24.9, 12.5, 90.25, altitude_m=31.5, driver="=Ann & <Bo>", attributes={"a": 1})
SECOND = Ping("Van & <co>", START + 1500, 60.1000001, -24.95)
THIRD = Ping("Van & <co>", START + 3000, 60.2, 25.0)
ROWS = [StoredPing(1, FIRST, START + 250), StoredPing(1, SECOND, START + 9000, LATE), StoredPing(1, THIRD, START, HELD)]
TIMES = ["2026-11-23T09:00:00.000Z", "2026-11-23T09:00:01.500Z", "2026-11-23T09:00:03.000Z"]
SAID = {"speed_mps": 12.5, "heading": 90.25, "altitude_m": 31.5, "driver": "=Ann & <Bo>", "attributes": {"a": 1}}


def told(format: str, rows: list[StoredPing], cursor: str | None = None) -> bytes:
    writer = FORMATS[format][1]("Van & <co>")
    return b"".join([writer.begin(), *map(writer.write, rows), *writer.end(cursor)])


def tags(document: bytes, name: str) -> list[ElementTree.Element]:
    return [one for one in ElementTree.fromstring(document).iter() if one.tag.rpartition("}")[2] == name]


def test_json_says_of_each_fix_when_it_came_and_how_it_was_taken() -> None:
    document = json.loads(told("json", ROWS, "after"))
    assert (document["vehicle"], document["next"]) == ("Van & <co>", "after")
    assert document["positions"] == [
        {"time": TIMES[0], "lat": 60.1, "lon": 24.9, **SAID, "received_at": "2026-11-23T09:00:00.250Z"},
        {"time": TIMES[1], "lat": 60.1000001, "lon": -24.95, "received_at": "2026-11-23T09:00:09.000Z", "late": True},
        {"time": TIMES[2], "lat": 60.2, "lon": 25.0, "received_at": TIMES[0], "held": True},
    ]
    assert json.loads(told("json", [])) == {"vehicle": "Van & <co>", "positions": [], "next": None}


@pytest.mark.parametrize(
    "count, geometry",
    [
        (0, None),
        (1, {"type": "Point", "coordinates": [24.9, 60.1]}),
        (2, {"type": "LineString", "coordinates": [[24.9, 60.1], [-24.95, 60.1000001]]}),
        (3, {"type": "LineString", "coordinates": [[24.9, 60.1], [-24.95, 60.1000001], [25.0, 60.2]]}),
    ],
)
def test_geojson_is_a_line_of_two_points_or_more_and_says_the_rest_beside_it(count: int, geometry: Any) -> None:
    assert json.loads(told("geojson", ROWS[:count], "after")) == {
        "type": "Feature",
        "geometry": geometry,
        "properties": {
            "vehicle": "Van & <co>",
            "times": TIMES[:count],
            "positions": [SAID, None, None][:count],
            "next": "after",
        },
    }


def test_gpx_has_each_fix_with_its_height_and_whatever_else_it_says() -> None:
    document = told("gpx", ROWS)
    assert [one.text for one in tags(document, "name")] == ["Van & <co>"]
    assert [one.attrib for one in tags(document, "trkpt")] == [
        {"lat": "60.1000000", "lon": "24.9000000"},
        {"lat": "60.1000001", "lon": "-24.9500000"},
        {"lat": "60.2000000", "lon": "25.0000000"},
    ]
    assert [one.text for one in tags(document, "time")] == TIMES
    assert [one.text for one in tags(document, "ele")] == ["31.50"]  # a height nobody said is none
    positions = tags(document, "position")
    assert {one.tag for one in positions} == {f"{{{own.NAMESPACE}}}position"}
    assert [json.loads(one.text or "") for one in positions] == [
        {**SAID, "vehicle": "Van & <co>"},
        {"vehicle": "Van & <co>"},
        {"vehicle": "Van & <co>"},
    ]


def test_kml_has_each_time_with_its_place() -> None:
    document = told("kml", ROWS)
    assert [one.text for one in tags(document, "name")] == ["Van & <co>"]
    assert [one.text for one in tags(document, "when")] == TIMES
    assert [one.text for one in tags(document, "coord")] == [
        "24.9000000 60.1000000 31.50",
        "-24.9500000 60.1000001 0.00",
        "25.0000000 60.2000000 0.00",
    ]


def test_csv_is_read_back_to_what_was_said_and_holds_no_formula() -> None:
    header, first, *others = csv.reader(io.StringIO(told("csv", ROWS).decode()))
    assert header == list(own.COLUMNS)
    assert first[header.index("driver")] == "'=Ann & <Bo>"
    assert own.position_of(first) == (TIMES[0], {"vehicle": "Van & <co>", "lat": 60.1, "lon": 24.9, **SAID})
    assert [row[:4] for row in others] == [
        ["Van & <co>", TIMES[1], "60.1000001", "-24.95"],
        ["Van & <co>", TIMES[2], "60.2", "25.0"],
    ]
    assert told("csv", []).decode() == ",".join(own.COLUMNS) + "\n"


def test_what_a_long_track_says_beside_its_line_is_all_there() -> None:
    rows = [StoredPing(1, Ping("van", START + k, 1.0, 2.0, driver=f"driver {k}"), START, LIVE) for k in range(5000)]
    properties = json.loads(told("geojson", rows))["properties"]
    assert [one["driver"] for one in properties["positions"]] == [f"driver {k}" for k in range(5000)]
    assert (len(properties["times"]), properties["times"][-1]) == (5000, "2026-11-23T09:00:04.999Z")
