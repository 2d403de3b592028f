"""Numbers with a unit or a decimal sign of their own, and reports whose makers have units and names of their own."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from tracker.formats import Point, Reading, Skip, csv, ndjson
from tracker.formats import json as document
from tracker.formats.fields import decimal_of


def one(title: str, *cells: str, lat: str = "60.1", lon: str = "24.9") -> list[dict[str, Any]]:
    rows = "".join(f"v;{1795424400 + i};{lat};{lon};{cell}\n" for i, cell in enumerate(cells))
    outcomes = list(csv.read(io.BytesIO(f"vehicle;time;lat;lon;{title}\n{rows}".encode()), Reading("day.csv", "day")))
    return [dict(one.position) for one in outcomes if isinstance(one, Point) and isinstance(one.position, dict)]


@pytest.mark.parametrize(
    ("title", "cell", "field", "value"),
    [
        ("speed", "45 km/h", "speed_mps", 12.5),
        ("speed", "45km/h", "speed_mps", 12.5),
        ("speed (km/h)", "12 kn", "speed_mps", 6.173),
        ("speed", "10 m/s", "speed_mps", 10.0),
        ("speed", "36 км/ч", "speed_mps", 10.0),
        ("speed", "12,5 km/h", "speed_mps", 3.472),
        ("odometer", "1,2 km", "odometer_m", 1200.0),
        ("odometer", "10 mi", "odometer_m", 16093.44),
        ("altitude", "40 ft", "altitude_m", 12.192),
        ("altitude", "12 m", "altitude_m", 12.0),
        ("accuracy", "5m", "accuracy_m", 5.0),
        ("heading", "90°", "heading", 90.0),
        ("battery", "85 %", "battery_pct", 85.0),
        ("speed", "45 furlongs", "speed_mps", "45 furlongs"),
        ("battery", "12.4V", "battery_pct", "12.4V"),
    ],
)
def test_a_cell_may_name_its_unit_and_one_nobody_knows_is_left_to_the_gate(
    title: str, cell: str, field: str, value: Any
) -> None:
    [fix] = one(title, cell)
    assert fix[field] == value


@pytest.mark.parametrize(
    ("cells", "lat", "speeds"),
    [
        (("12.345", "36.5"), "60,1", [12.345, 36.5]),
        (("0.125", "1.250"), "60,1", [0.125, 1.25]),
        (("12,345", "36,5"), "60.1", [12.345, 36.5]),
        (("1.234", "2.345"), "60,1", [1234.0, 2345.0]),
    ],
)
def test_a_column_has_its_own_decimal_sign_where_its_cells_show_it(
    cells: tuple[str, ...], lat: str, speeds: list[float]
) -> None:
    assert [fix["speed_mps"] for fix in one("speed", *cells, lat=lat, lon=lat)] == speeds


def test_thousands_show_no_decimal_sign() -> None:
    assert decimal_of(["1.234", "12.345"], ",") == ","
    assert decimal_of(["1.234,5"], ".") == ","
    assert decimal_of(["1.5", "1,5"], ".") == "."


def test_reports_of_owntracks_are_understood_a_line_each() -> None:
    fix = {"_type": "location", "tid": "ab", "topic": "owntracks/u/phone", "tst": 1795424400, "lat": 60.1, "lon": 24.9}
    items = [fix | {"vel": 36, "batt": 80, "cog": 90, "acc": 5, "alt": 3}, fix | {"_type": "transition"}]
    content = b"\n".join(json.dumps(item).encode() for item in items)
    outcomes = list(ndjson.read(io.BytesIO(content), Reading("day.ndjson", "day")))
    assert outcomes[1] == Skip("not_a_position", 2)
    assert isinstance(outcomes[0], Point)
    assert outcomes[0].time == 1795424400_000
    assert outcomes[0].position == {
        "vehicle": "u-phone", "lat": 60.1, "lon": 24.9, "speed_mps": 10.0, "heading": 90, "altitude_m": 3,
        "accuracy_m": 5, "battery_pct": 80,
    }  # fmt: skip


def test_records_of_geotab_have_km_h_and_a_device_that_is_an_object() -> None:
    record = {
        "device": {"id": "b1"},
        "dateTime": "2026-11-23T09:00:00Z",
        "latitude": 60.1,
        "longitude": 24.9,
        "speed": 36,
    }
    content = json.dumps({"result": [record]}).encode()
    [point] = document.read(io.BytesIO(content), Reading("day.json", "day"))
    assert isinstance(point, Point)
    assert point.position == {"vehicle": "b1", "lat": 60.1, "lon": 24.9, "speed_mps": 10.0}


def test_messages_of_flespi_have_names_with_dots() -> None:
    message = {"ident": "86", "timestamp": 1795424400, "position.latitude": 60.1, "position.longitude": 24.9}
    content = json.dumps({"result": [message]}).encode()
    [point] = document.read(io.BytesIO(content), Reading("day.json", "day"))
    assert isinstance(point, Point)
    assert point.position == {"vehicle": "86", "lat": 60.1, "lon": 24.9}


@pytest.mark.parametrize(
    ("cell", "degrees"),
    [("NE", 45.0), ("nnw", 337.5), ("W", 270.0), ("north-east", 45.0), ("South West", 225.0), ("Nordost", 45.0),
     ("S.", 180.0), ("90,5", 90.5), ("NO", "NO"), ("СВ", 45.0), ("юз", 225.0), ("left", "left")],
)  # fmt: skip
def test_a_heading_may_be_a_point_of_the_compass(cell: str, degrees: Any) -> None:
    [fix] = one("heading", cell)
    assert fix["heading"] == degrees


def test_an_o_in_a_heading_is_the_side_that_the_titles_show() -> None:
    for titles, degrees in (
        ("Fahrzeug;Zeit;Breite;Lange;Kurs", 45.0),
        ("vehiculo;tiempo;latitud;longitud;rumbo", 315.0),
    ):
        content = f"{titles}\nv;1795424400;60.1;24.9;NO\nv;1795424401;60.1;24.9;N\n"
        [first, second] = csv.read(io.BytesIO(content.encode()), Reading("day.csv", "day"))
        assert isinstance(first, Point)
        assert isinstance(second, Point)
        assert isinstance(first.position, dict)
        assert isinstance(second.position, dict)
        assert (first.position["heading"], second.position["heading"]) == (degrees, 0.0)


@pytest.mark.parametrize("minus", "-\u2212\u2013\ufe63\uff0d")
def test_a_minus_may_be_typeset(minus: str) -> None:
    [fix] = one("altitude;note", f"{minus}5;{minus}", lat=f"{minus}33.8", lon=f"{minus}70,6")
    assert (fix["lat"], fix["lon"], fix["altitude_m"]) == (-33.8, -70.6, -5.0)
    [fix] = one("speed (km/h)", "36", lat=f"{minus}33\u00b048'", lon=f"{minus}70.6")
    assert (fix["lat"], fix["lon"], fix["speed_mps"]) == (-33.8, -70.6, 10.0)
