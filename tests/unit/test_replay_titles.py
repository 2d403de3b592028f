"""Titles of tables in other languages, lines before them, and columns that hold more or less than one field."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tracker.formats import Point, Reading, Skip, csv
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
    ],
)
def test_titles_in_german_french_and_spanish_are_understood(titles: str) -> None:
    for text in (titles, titles.upper()):
        [fix] = fixes(f"{text}\n{ROW}", zone="UTC")
        assert fix == FIX | {"at": "2026-11-23T09:00:05.000Z"}


def test_accents_may_be_signs_of_their_own() -> None:
    """As macOS writes them: the letter, then its dots."""
    [fix] = fixes("Fahrzeug;Zeit;Breite;La\u0308nge\nv;2026-11-23T09:00:05Z;60,1;24,9\n")
    assert (fix["lat"], fix["lon"]) == (60.1, 24.9)


def test_a_width_and_a_length_are_no_place_where_there_is_one() -> None:
    [fix] = fixes("vehicle,time,lat,lon,Breite,Länge\nv,1795424400,60,24,2.5,12\n")
    assert (fix["lat"], fix["lon"], fix["attributes"]) == (60, 24, {"Breite": 2.5, "Länge": 12})


@pytest.mark.parametrize(("cell", "on"), [("ein", True), ("Ja", True), ("oui", True), ("aus", False), ("Nein", False)])
def test_yes_and_no_are_understood_in_those_languages(cell: str, on: bool) -> None:
    [fix] = fixes(f"Fahrzeug;Zeit;Breite;Länge;Zündung\nv;1795424400;60,1;24,9;{cell}\n")
    assert fix["ignition"] is on
