"""Titles of tables in other languages, lines before them, and columns that hold more or less than one field."""

from __future__ import annotations

import io
from typing import Any

import msgspec
import pytest

from tracker.formats import Point, Reading, Skip, Unreadable, csv, json
from tracker.times import rfc3339


def read(text: str, **how: Any) -> tuple[list[Point], list[Skip], list[str]]:
    reading = Reading("day.csv", "day", **how)
    outcomes = list(csv.read(io.BytesIO(text.encode()), reading))
    points = [one for one in outcomes if isinstance(one, Point)]
    return points, [one for one in outcomes if isinstance(one, Skip)], reading.notes


def fixes(text: str, **how: Any) -> list[dict[str, Any]]:
    return [point.position | {"at": rfc3339(point.time)} for point in read(text, **how)[0]]  # type: ignore[operator]


# -- languages -------------------------------------------------------------------------------------------------------

ROW = "HH-AB 1;23.11.2026;09:00:05;60,17;24,94;36,0;90\n"
FIX = {"vehicle": "HH-AB 1", "lat": 60.17, "lon": 24.94, "speed_mps": 10.0, "heading": 90.0}


@pytest.mark.parametrize(
    "titles",
    [
        "Fahrzeug;Datum;Uhrzeit;Breite;Länge;Geschwindigkeit (km/h);Richtung",
        "Kennzeichen;Datum;Zeit;Breitengrad;Längengrad;Geschwindigkeit [km/h];Kurs",
        "FAHRZEUG-ID;DATUM;UHRZEIT;Geogr. Breite;Geogr. Länge;Geschw. km/h;Fahrtrichtung",
        "Gerät;Datum;Uhrzeit;Breitengrad;Laengengrad;Geschwindigkeit in km/h;Kurs",
        "Véhicule;Date;Heure;Latitude;Longitude;Vitesse (km/h);Cap",
        "Immatriculation;Date;Heure;Latitude;Longitude;Vitesse km/h;Direction",
        "Vehículo;Fecha;Hora;Latitud;Longitud;Velocidad (km/h);Rumbo",
        "Matrícula;Fecha;Hora;Latitud;Longitud;Velocidad km/h;Dirección",
        "Veículo;Data;Hora;Latitude;Longitude;Velocidade (km/h);Direção",
        "Targa;Data;Ora;Latitudine;Longitudine;Velocità (km/h);Direzione",
        "Kenteken;Datum;Tijd;Breedtegraad;Lengtegraad;Snelheid (km/u);Richting",
        "Pojazd;Data;Godzina;Szerokość;Długość;Prędkość (km/h);Kierunek",
    ],
)
def test_titles_in_eight_languages_are_understood(titles: str) -> None:
    for text in (titles, titles.upper()):
        [fix] = fixes(f"{text}\n{ROW}", zone="UTC")
        assert fix == FIX | {"at": "2026-11-23T09:00:05.000Z"}


def test_accents_may_be_signs_of_their_own() -> None:
    """As macOS writes them: the letter, then its dots."""
    [fix] = fixes("Fahrzeug;Zeit;Breite;La\u0308nge\nv;2026-11-23T09:00:05Z;60,1;24,9\n")
    assert (fix["lat"], fix["lon"]) == (60.1, 24.9)


def test_a_column_called_data_that_holds_no_days_is_no_date() -> None:
    [fix] = fixes("vehicle,time,data,lat,lon\nv,2026-11-23T09:00:05Z,7f0a,60,24\n")
    assert (fix["at"], fix["attributes"]) == ("2026-11-23T09:00:05.000Z", {"data": "7f0a"})


def test_a_width_and_a_length_are_no_place_where_there_is_one() -> None:
    [fix] = fixes("vehicle,time,lat,lon,Breite,Länge\nv,1795424400,60,24,2.5,12\n")
    assert (fix["lat"], fix["lon"], fix["attributes"]) == (60, 24, {"Breite": 2.5, "Länge": 12})


@pytest.mark.parametrize(("cell", "on"), [("ein", True), ("Ja", True), ("oui", True), ("aus", False), ("Nein", False)])
def test_yes_and_no_are_understood_in_those_languages(cell: str, on: bool) -> None:
    [fix] = fixes(f"Fahrzeug;Zeit;Breite;Länge;Zündung\nv;1795424400;60,1;24,9;{cell}\n")
    assert fix["ignition"] is on


# -- a place in one column -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "cell"),
    [
        ("Position", '"60.1,24.9"'),
        ("Location", '"(60.1, 24.9)"'),
        ("coords", "60.1 24.9"),
        ("latlng", '"60.1,24.9"'),
        ("lon_lat", '"24.9,60.1"'),
        ("gps", "N60.1 E24.9"),
        ("Koordinaten", '"60,1; 24,9"'),
        ("Coordonnées", '"60°06\'00""N, 24°54\'00""E"'),
        ("geom", "POINT(24.9 60.1)"),
        ("wkt", '"POINT Z (24.9 60.1 12)"'),
        ("the_geom", "SRID=4326;POINT(24.9 60.1)"),
        ("geometry", '"{""type"":""Point"",""coordinates"":[24.9,60.1]}"'),
    ],
)
def test_a_column_may_hold_both_degrees(title: str, cell: str) -> None:
    points, skipped, notes = read(f"vehicle,time,{title},note\nv,1795424400,{cell},x\nv,1795424401,,x\n")
    first, second = (point.position for point in points)
    assert first == {"vehicle": "v", "lat": 60.1, "lon": 24.9, "attributes": {"note": "x"}}
    assert second == {"vehicle": "v", "attributes": {"note": "x"}}
    assert not skipped
    assert any(f"the column {title!r} holds the places" in note for note in notes)


def test_a_pair_that_cannot_have_its_latitude_first_has_it_last() -> None:
    points, _, notes = read('vehicle,time,position\nv,1,"24.9,60.1"\nv,2,"151.2,-33.8"\n')
    assert [(p.position["lat"], p.position["lon"]) for p in points] == [(60.1, 24.9), (-33.8, 151.2)]  # type: ignore[index]
    assert any("longitude first" in note for note in notes)


def test_a_cell_that_is_no_place_is_left_to_the_gate() -> None:
    [_, fix] = fixes('vehicle,time,position\nv,1795424400,"60.1,24.9"\nv,1795424401,Helsinki\n')
    assert (fix["lat"], "lon" in fix) == ("Helsinki", False)


def test_a_place_beside_degrees_is_an_attribute() -> None:
    [fix] = fixes('vehicle,time,lat,lon,position\nv,1795424400,60,24,"1,2"\n')
    assert (fix["lat"], fix["lon"], fix["attributes"]) == (60, 24, {"position": "1,2"})


def test_a_flight_of_flightradar24_has_knots_and_feet() -> None:
    [fix] = fixes(
        "Timestamp,UTC,Callsign,Position,Altitude,Speed,Direction\n"
        '1795424400,2026-11-23T09:00:00Z,FIN7LM,"60.317,24.963",1000,100,270\n'
    )
    assert fix == {
        "vehicle": "FIN7LM", "at": "2026-11-23T09:00:00.000Z", "lat": 60.317, "lon": 24.963, "heading": 270.0,
        "speed_mps": 51.444, "altitude_m": 304.8, "attributes": {"UTC": "2026-11-23T09:00:00Z"},
    }  # fmt: skip


@pytest.mark.parametrize(
    "place",
    [
        {"coordinates": [24.9, 60.1]},
        {"location": {"type": "Point", "coordinates": [24.9, 60.1, 5]}},
        {"geometry": {"type": "Point", "coordinates": [24.9, 60.1]}},
        {"loc": {"coordinates": [24.9, 60.1]}},
        {"latLng": [60.1, 24.9]},
        {"lngLat": [24.9, 60.1]},
        {"position": "60.1,24.9"},
        {"geom": "POINT (24.9 60.1)"},
    ],
)
def test_an_object_may_hold_both_degrees_in_one_value(place: dict[str, Any]) -> None:
    reading = Reading("day.json", "day")
    content = msgspec.json.encode([{"vehicle": "v", "time": 1795424400} | place])
    [point] = json.read(io.BytesIO(content), reading)
    assert isinstance(point, Point)
    assert point.position == {"vehicle": "v", "lat": 60.1, "lon": 24.9}


@pytest.mark.parametrize(
    "place", [{"location": [60.1, 24.9]}, {"coordinates": [[24.9, 60.1], [25, 60]]}, {"loc": {"type": "Polygon"}}]
)
def test_an_array_whose_order_nobody_says_is_no_place(place: dict[str, Any]) -> None:
    content = msgspec.json.encode([{"vehicle": "v", "time": 1795424400} | place])
    with pytest.raises(Unreadable, match="no place"):
        list(json.read(io.BytesIO(content), Reading("day.json", "day")))


# -- lines before the titles -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before",
    [
        "Report type:,Route\nDevice:,Van 7\nGroup:,\nPeriod:,2026-11-23 to 2026-11-24\n\n",
        'Route report\n"Device: Van 7"\n',
        "Device: Van 7,,,,\n,,,,\n",
        "Fahrtbericht;;\nFahrzeug;Van 7;\n",
    ],
)
def test_lines_before_the_titles_are_skipped_and_noted(before: str) -> None:
    points, skipped, notes = read(
        before + "Valid,Time,Latitude,Longitude\nTRUE,1795424400,60.1,24.9\n,1795424401,60.2,24.9\n"
    )
    assert [(p.vehicle, p.position["lat"]) for p in points] == [("Van 7", 60.1), ("Van 7", 60.2)]  # type: ignore[index]
    assert points[0].line == before.count("\n") + 2
    assert not skipped
    assert any(note.startswith("before the titles, and skipped: ") and "Van 7" in note for note in notes)


def test_a_title_over_several_lines_is_no_preamble() -> None:
    [fix] = fixes('"speed\n(km/h)",vehicle,time,lat,lon\n36,v,1795424400,60,24\n')
    assert (fix["speed_mps"], fix["vehicle"]) == (10, "v")


def test_rows_of_a_file_without_such_a_line_are_not_taken_for_a_preamble() -> None:
    with pytest.raises(Unreadable, match="no column for the latitude"):
        read("Report\n" + "a,b,c\n" * 100)


# -- receivers that do not know where they are -----------------------------------------------------------------------


@pytest.mark.parametrize("title", ["valid", "Valid", "Gültig", "gps_valid"])
def test_rows_that_are_not_valid_have_no_fix(title: str) -> None:
    points, skipped, _ = read(
        f"deviceId,fixTime,{title},latitude,longitude\n7,1795424400,true,60,24\n7,1795424401,false,0,0\n7,1795424402,,60,24\n"
    )
    assert [point.line for point in points] == [2, 4]
    assert [(one.reason, one.line) for one in skipped] == [("no_fix", 3)]


def test_a_column_called_valid_that_says_how_is_an_attribute() -> None:
    assert [fix["attributes"] for fix in fixes("time,lat,lon,VALID\n1795424400,60,24,SPS\n")] == [{"VALID": "SPS"}]


def test_a_position_of_traccar_that_is_not_valid_is_no_fix() -> None:
    item = {"deviceId": 7, "fixTime": "2026-11-23T09:00:00Z", "serverTime": "x", "latitude": 60, "longitude": 24}
    content = msgspec.json.encode([item | {"valid": True}, item | {"valid": False}])
    outcomes = list(json.read(io.BytesIO(content), Reading("day.json", "day")))
    assert isinstance(outcomes[0], Point)
    assert outcomes[1] == Skip("no_fix", 2)


# -- days ------------------------------------------------------------------------------------------------------------


def test_days_as_spreadsheets_count_them_are_times_where_all_are_like_that() -> None:
    text = "vehicle;time;lat;lon\nv;46349,375;60,1;24,9\nv;46349,3750578704;60,1;24,9\nv;46350;60,1;24,9\n"
    points, _, notes = read(text, zone="Europe/Helsinki")
    assert [rfc3339(point.time) for point in points] == [
        "2026-11-23T07:00:00.000Z", "2026-11-23T07:00:05.000Z", "2026-11-23T22:00:00.000Z",
    ]  # fmt: skip
    assert any("numbers of days, counted from 1900" in note for note in notes)
    with pytest.raises(Unreadable, match="has no zone"):
        read(text)


@pytest.mark.parametrize("times", [("46349", "46350"), ("46349.5", "1795424400"), ("12.5", "13.5")])
def test_other_numbers_are_no_days(times: tuple[str, str]) -> None:
    rows = "".join(f"v,{time},60,24\n" for time in times)
    points, _, notes = read(f"vehicle,time,lat,lon\n{rows}", zone="UTC")
    assert points[0].time == int(float(times[0]) * 1000) or "time" in points[0].position
    assert not any("numbers of days" in note for note in notes)


def test_dates_of_six_digits_of_a_columbus_logger_have_their_year_first() -> None:
    text = "INDEX,TAG,DATE,TIME,LATITUDE N/S,LONGITUDE E/W,HEIGHT,SPEED,HEADING\n1,T,{},{},60.100000N,024.900000W,12,36,90\n"
    for date, time in (("261123", "090005"), ("091103", "90005")):
        [fix] = fixes(text.format(date, time), zone="UTC")
        assert (fix["lat"], fix["lon"], fix["heading"]) == (60.1, -24.9, 90)
        assert fix["at"] == f"20{date[:2]}-11-{date[4:]}T09:00:05.000Z"


def test_six_digits_of_any_other_make_are_not_guessed() -> None:
    [point], _, _ = read("date,time,lat,lon\n231126,090005,60,24\n", zone="UTC")
    assert point.position["time"] == "231126 090005"  # type: ignore[index]
