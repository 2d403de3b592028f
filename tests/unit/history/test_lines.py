"""Lines: trips and stops as files of maps."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

from tests.support.scenario import START
from tracker.history.lines import Line, Point, as_geojson, as_gpx, as_kml

NINE, TEN = "2026-11-23T09:00:00.000Z", "2026-11-23T10:01:00.000Z"
TRIP: dict[str, Any] = {"from": NINE, "until": TEN, "distance_m": 12_345.6, "duration_s": 3660.0}
STOP: dict[str, Any] = {
    "from": NINE,
    "until": TEN,
    "lat": 60.5,
    "lon": 24.5,
    "duration_s": 1800.0,
    "regions": [{"id": "r1", "name": "Yard & <shed>"}],
}
HOME = Line("A & <B>", TRIP, [START, START + 1500], [(60.0, 24.0), (60.25, 24.125)])
EAST = Line("van", TRIP, [START, START + 1500], [(10.0, 179.0), (12.0, -179.0)])
WEST = Line("van", TRIP, [START, START + 1500], [(10.0, -179.5), (14.0, 178.5)])
POINT = Point("A & <B>", STOP)


def features(lines: list[Line], points: list[Point]) -> list[Any]:
    document = json.loads(as_geojson(lines, points))
    assert document["type"] == "FeatureCollection"
    return list(document["features"])


def texts(document: bytes, name: str) -> list[str | None]:
    return [one.text for one in elements(document, name)]


def elements(document: bytes, name: str) -> list[ElementTree.Element]:
    return [one for one in ElementTree.fromstring(document).iter() if one.tag.rpartition("}")[2] == name]


def test_geojson_tells_a_trip_as_a_line_with_its_times_and_a_stop_as_a_point() -> None:
    trip, stop = features([HOME], [POINT])
    assert trip == {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": [[24.0, 60.0], [24.125, 60.25]]},
        "properties": {"kind": "trip", "vehicle": "A & <B>", **TRIP, "times": [NINE, "2026-11-23T09:00:01.500Z"]},
    }
    assert stop["geometry"] == {"type": "Point", "coordinates": [24.5, 60.5]}
    assert stop["properties"] == {
        "kind": "stop",
        "vehicle": "A & <B>",
        "from": NINE,
        "until": TEN,
        "duration_s": 1800.0,
        "regions": [{"id": "r1", "name": "Yard & <shed>"}],
    }
    assert "lat" in STOP  # what it was told from is left as it was


def test_a_line_over_the_antimeridian_is_cut_where_it_crosses_it() -> None:
    east, west = (one["geometry"] for one in features([EAST, WEST], []))
    assert east == {
        "type": "MultiLineString",
        "coordinates": [[[179.0, 10.0], [180.0, 11.0]], [[-180.0, 11.0], [-179.0, 12.0]]],
    }
    assert west == {
        "type": "MultiLineString",
        "coordinates": [[[-179.5, 10.0], [-180.0, 11.0]], [[180.0, 11.0], [178.5, 14.0]]],
    }


def test_who_stays_on_the_antimeridian_is_cut_halfway() -> None:
    [there] = features([Line("van", TRIP, [START, START + 1], [(10.0, 180.0), (12.0, -180.0)])], [])
    assert there["geometry"]["coordinates"] == [[[180.0, 10.0], [180.0, 11.0]], [[-180.0, 11.0], [-180.0, 12.0]]]


def test_gpx_tells_a_stop_as_a_waypoint_and_a_trip_as_a_track() -> None:
    document = as_gpx([HOME], [POINT])
    assert texts(document, "name") == ["A & <B>", "A & <B>"]
    assert texts(document, "desc") == ["30 min, Yard & <shed>", "12.3 km in 1 h 1 min"]
    assert texts(document, "type") == ["stop", "trip"]
    assert texts(document, "time") == [NINE, NINE, "2026-11-23T09:00:01.500Z"]
    assert [one.attrib for name in ("wpt", "trkpt") for one in elements(document, name)] == [
        {"lat": "60.5000000", "lon": "24.5000000"},
        {"lat": "60.0000000", "lon": "24.0000000"},
        {"lat": "60.2500000", "lon": "24.1250000"},
    ]


def test_kml_tells_each_with_its_span_and_its_numbers() -> None:
    document = as_kml([HOME, EAST], [POINT])
    assert texts(document, "description") == ["12.3 km in 1 h 1 min", "12.3 km in 1 h 1 min", "30 min, Yard & <shed>"]
    assert (texts(document, "begin"), texts(document, "end")) == ([NINE] * 3, [TEN] * 3)
    assert texts(document, "coordinates") == [
        "24.0000000,60.0000000 24.1250000,60.2500000",
        "179.0000000,10.0000000 180.0000000,11.0000000",
        "-180.0000000,11.0000000 -179.0000000,12.0000000",
        "24.5000000,60.5000000",
    ]
    assert len(elements(document, "MultiGeometry")) == 1  # only what is cut
    first = next(one for one in elements(document, "ExtendedData"))
    assert [(one.get("name"), one[0].text) for one in first] == [("distance_m", "12345.6"), ("duration_s", "3660.0")]


def test_a_map_of_nothing_is_a_file_all_the_same() -> None:
    assert features([], []) == []
    assert elements(as_gpx([], []), "trk") == [] == elements(as_kml([], []), "Placemark")
