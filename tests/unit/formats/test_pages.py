"""Tables in one-byte code pages, and titles in letters of their own."""

from __future__ import annotations

import io

import pytest

from tests.support.recordings import play
from tracker.formats import Point, Reading, csv, find_format
from tracker.formats.text import decode_head

RUSSIAN = ("Объект;Время;Широта;Долгота;Скорость, км/ч;Курс", "Газель 7")
POLISH = ("Pojazd;Czas;Szerokość;Długość geograficzna;Prędkość (km/h);Kierunek", "Żuk")
GREEK = ("Όχημα;Ώρα;Πλάτος;Μήκος;Ταχύτητα km/h;Κατεύθυνση", "Βαν")
GERMAN = ("Fahrzeug;Zeit;Breite;Länge;Geschwindigkeit km/h;Kurs", "Müllwagen")
FRENCH = ("Véhicule;Horodatage;Latitude;Longitude;Vitesse km/h;Cap", "Camion de l'été")
CZECH = ("Vozidlo;Čas;Šířka;Délka;Rychlost km/h;Směr", "Škoda")
TURKISH = ("Araç;Zaman;Enlem;Boylam;Hız km/h;Yön", "Kamyon şoför")


@pytest.mark.parametrize(
    ("table", "page"),
    [
        *((RUSSIAN, page) for page in ("cp1251", "koi8-r", "cp866", "utf-8", "utf-16", "mac-cyrillic")),
        *((POLISH, page) for page in ("cp1250", "utf-8")),
        *((GREEK, page) for page in ("cp1253", "utf-8")),
        *((GERMAN, page) for page in ("cp1252", "cp850", "cp437", "mac-roman")),
        *((FRENCH, page) for page in ("cp1252", "cp850", "mac-roman")),
        *((CZECH, page) for page in ("cp1250", "utf-8")),
        *((TURKISH, page) for page in ("cp1254", "utf-8")),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_titles_show_the_code_page(table: tuple[str, str], page: str, end: str) -> None:
    titles, vehicle = table
    content = end.join([titles, *(f"{vehicle};{1795424400 + i};60.1;24.9;36;90" for i in range(3)), ""]).encode(page)
    assert decode_head(content).splitlines()[0] == titles
    outcomes = list(csv.read(io.BytesIO(content), Reading("day.csv", "day")))
    assert [one.position for one in outcomes if isinstance(one, Point)] == [
        {"vehicle": vehicle, "lat": 60.1, "lon": 24.9, "speed_mps": 10.0, "heading": 90}
    ] * 3
    assert find_format("day.txt", decode_head(content)).NAME == "csv"


def test_the_code_page_is_told() -> None:
    reading = Reading("day.csv", "day")
    content = "Отчёт за день\nОбъект;Время;Широта;Долгота\nГазель;1795424400;60,1;24,9\n".encode("cp1251")
    [point] = csv.read(io.BytesIO(content), reading)
    assert isinstance(point, Point)
    assert point.position == {"vehicle": "Газель", "lat": 60.1, "lon": 24.9}
    assert "not UTF-8: read in the code page cp1251" in reading.notes


@pytest.mark.parametrize(("vehicle", "page"), [("Газель", "cp1251"), ("Müller", "cp1252"), ("Élysée", "cp1252")])
def test_names_below_plain_titles_are_read_as_their_letters_suggest(vehicle: str, page: str) -> None:
    content = "vehicle,time,lat,lon\n" + "".join(f"{vehicle},{1795424400 + i},60.1,24.9\n" for i in range(100))
    recording, tally = play("day.csv", content.encode(page))
    assert recording.vehicles == {vehicle}
    assert tally.accepted == recording.items == 100


def test_cyrillic_letters_for_the_sides_are_sides() -> None:
    content = "Время;Широта;С/Ю;Долгота;В/З\n1795424400;33.8;Ю;70.6;З\n".encode("cp1251")
    [point] = csv.read(io.BytesIO(content), Reading("day.csv", "day"))
    assert isinstance(point, Point)
    assert point.position == {"vehicle": "day", "lat": -33.8, "lon": -70.6}
