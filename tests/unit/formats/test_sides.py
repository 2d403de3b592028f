"""North, south, east, west: no longitude lands on the wrong side of Greenwich without a word."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tracker.formats import Point, Reading, Skip, Unreadable, csv, json, ndjson
from tracker.formats.degrees import LAT, LON, read_degrees
from tracker.formats.sides import Unclear
from tracker.times import rfc3339

Places = list[tuple[Any, Any]]


def read(text: str, **how: Any) -> tuple[Places, Counter[str], list[str]]:
    reading = Reading("day.csv", "day", **how)
    outcomes = list(csv.read(io.BytesIO(text.encode()), reading))
    points = [one.position for one in outcomes if isinstance(one, Point)]
    places = [(one.get("lat"), one.get("lon")) for one in points if isinstance(one, dict)]
    return places, Counter(one.reason for one in outcomes if isinstance(one, Skip)), reading.notes


# -- a letter that is two sides --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("titles", "lon"),
    [
        ("Fahrzeug;Zeit;Breitengrad;Längengrad", 4.5),
        ("Kennzeichen;time;lat;lon", 4.5),
        ("Voertuig;Tijdstip UTC;lat;lon", 4.5),
        ("Véhicule;Horodatage;Latitude;Longitude", -4.5),
        ("Vehículo;time;Latitud;Longitud", -4.5),
        ("Targa;time;Latitudine;Longitudine", -4.5),
        ("Veículo;time;Latitude;Longitude", -4.5),
    ],
)
@pytest.mark.parametrize("row", ["48.2 N;4.5 O", "48°12'00\"N;4°30'00\"O", "N 48.2;O 4.5"])
def test_the_language_of_the_titles_says_which_side_an_o_is(titles: str, lon: float, row: str) -> None:
    titles = titles.replace("Tijdstip UTC", "time")
    places, skipped, notes = read(f"{titles}\nv;1795424400;{row}\n")
    assert places == [(48.2, pytest.approx(lon))]
    assert not skipped
    assert any(f"an O is {'east' if lon > 0 else 'west'}" in note for note in notes)


@pytest.mark.parametrize(("beside", "lon"), [("E", -4.5), ("W", 4.5), ("Ouest", -4.5), ("Ost", 4.5), ("L", -4.5)])
def test_another_side_in_the_file_says_which_side_an_o_is(beside: str, lon: float) -> None:
    rows = f"vehicle,time,lat,lon\nv,1795424400,48.2 N,4.5 O\nv,1795424401,48.2 N,2.5 {beside}\n"
    assert read(rows)[0][0] == (48.2, lon)
    columns = f"vehicle,time,lat,N/S,lon,E/W\nv,1795424400,48.2,N,4.5,O\nv,1795424401,48.2,N,2.5,{beside}\n"
    assert read(columns)[0][0] == (48.2, lon)


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("vehicle,time,lat,lon\nv,1795424400,48.2 N,4.5 O\n", 1),
        ("vehicle,time,lat,N/S,lon,E/W\nv,1795424400,48.2,N,4.5,O\n", 1),
        ('vehicle,time,position\nv,1795424400,"N48.2 O4.5"\n', 1),
        ("vehicle,time,lat,lon\nv,1795424400,48.2 N,4.5 O\nv,1795424401,48 N,2 E\nv,1795424402,48 N,2 W\n", 1),
        ("Fahrzeug;time;Latitud;lon\nv;1795424400;48.2 N;4.5 O\n", 1),
    ],
)
def test_an_o_that_nothing_explains_costs_its_rows_and_names_the_way_out(table: str, rows: int) -> None:
    from tracker.formats import REASONS

    _, skipped, _ = read(table)
    assert skipped == {"unclear_side": rows}
    assert "--letter-o" in REASONS["unclear_side"]
    assert read(table, letter_o="west")[0][0] == (48.2, -4.5)
    assert read(table, letter_o="east")[0][0] == (48.2, 4.5)


def test_the_command_line_says_what_an_o_is(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from tracker.commands.cli import cli

    table = tmp_path / "day.csv"
    table.write_text("vehicle,time,lat,lon\nv,1795424400,48.2 N,4.5 O\nv,1795424401,48.2 N,4.6 O\n")
    ends = ["--dry-run", "--as-of", "2026-11-24T00:00:00Z"]
    unsaid = CliRunner().invoke(cli, ["replay", str(table), *ends])
    assert unsaid.exit_code == 1
    assert "skipped: 2 (unclear_side: 2)" in unsaid.output
    assert "--letter-o" in unsaid.output
    said = CliRunner().invoke(cli, ["replay", str(table), *ends, "--letter-o", "west"])
    assert said.exit_code == 0
    assert "accepted: 2" in said.output


# -- words and letters of other languages ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("north", "east", "place"),
    [
        ("Sud", "Ouest", (-48.2, -4.5)),
        ("Süd", "Ost", (-48.2, 4.5)),
        ("Sur", "Oeste", (-48.2, -4.5)),
        ("Norte", "Este", (48.2, 4.5)),
        ("Zuid", "Oost", (-48.2, 4.5)),
        ("Nord", "Øst", (48.2, 4.5)),
        ("north", "West", (48.2, -4.5)),
        ("Sul", "L", (-48.2, 4.5)),
    ],
)
def test_sides_are_understood_as_words(north: str, east: str, place: tuple[float, float]) -> None:
    titles = "vehicle,time,latitude,lat_dir,longitude,lon_dir"
    places, skipped, _ = read(
        f"{titles}\nv,1795424400,48.2,{north},4.5,{east}\nv,1795424401,48.2,{north},4.5,{east}\n", letter_o="west"
    )
    assert places == [place, place]
    assert not skipped
    if east != "L":
        assert read(f"vehicle,time,lat,lon\nv,1795424400,48.2 {north},4.5 {east}\n")[0] == [place]


@pytest.mark.parametrize("word", ["É", "K", "?", ""])
def test_a_word_nobody_knows_or_none_costs_its_row_not_its_sign(word: str) -> None:
    table = (
        f"vehicle,time,latitude,lat_dir,longitude,lon_dir\nv,1795424400,48.2,N,4.5,E\nv,1795424401,48.2,N,4.5,{word}\n"
    )
    places, skipped, _ = read(table)
    assert places == [(48.2, 4.5)]
    assert skipped == {"no_side": 1}


def test_a_language_nobody_knows_costs_all_rows_not_their_signs() -> None:
    _, skipped, _ = read("vehicle,time,latitude,lat_dir,longitude,lon_dir\nv,1795424400,48.2,É,4.5,K\n")
    assert skipped == {"no_side": 1}


def test_one_cell_that_is_no_side_costs_no_other_row_its_sign() -> None:
    rows = "".join(f"v,{1795424400 + i},33.8,{'x' if i == 5 else 'S'},151.2,E\n" for i in range(10))
    places, skipped, _ = read(f"vehicle,time,latitude,N/S,longitude,E/W\n{rows}")
    assert places == [(-33.8, 151.2)] * 9
    assert skipped == {"no_side": 1}


def test_letters_beside_a_place_are_no_side_where_only_one_of_the_two_would_have_it() -> None:
    assert read("vehicle,time,lat,lon,type\nv,1795424400,60,24,W\n")[0] == [(60, 24)]
    assert read("vehicle,time,lat,lon,E/W\nv,1795424400,60,24,W\n")[0] == [(60, -24)]


# -- degrees and their side ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["33 52 12 S", "33°52'12\"S", "33°52'12S", "33d52m12s S", "33.87 s", "S33.87", "-33.87 S"]
)
def test_the_s_of_the_south_is_not_that_of_the_seconds(text: str) -> None:
    assert read_degrees(text) == pytest.approx(-33.87)


@pytest.mark.parametrize(
    ("text", "of"),
    [
        ("-33.87 N", ""),
        ("-4.5 E", ""),
        ("24.9 E", LAT),
        ("60.1 N", LON),
        ("33D52M12S", ""),
        ("24.9 X", ""),
        ("24.9 V", ""),
    ],
)
def test_degrees_that_contradict_their_side_are_left_as_they_are(text: str, of: str) -> None:
    assert read_degrees(text, of=of) == text


def test_an_o_is_no_side_of_its_own() -> None:
    with pytest.raises(Unclear):
        read_degrees("24.9 O")


def test_a_place_with_its_longitude_first_is_told_by_its_letters() -> None:
    assert (
        read('vehicle,time,position\nv,1795424400,"E24.9 N60.1"\nv,1795424401,"N60.1 E24.9"\n')[0] == [(60.1, 24.9)] * 2
    )


# -- days and months -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time", "day"),
    [
        ("23.11.26 09:00:05", "2026-11-23"),
        ("3.4.26 09:00", "2026-04-03"),
        ("11/23/26 9:00 AM", "2026-11-23"),
        ("23.11.2026, 09:00:05", "2026-11-23"),
        ("23/11/2026, 09:00", "2026-11-23"),
    ],
)
def test_short_years_are_read_where_their_order_is_sure_and_that_is_said(time: str, day: str) -> None:
    reading = Reading("day.csv", "day", zone="UTC")
    [point] = csv.read(io.BytesIO(f'vehicle,time,lat,lon\nv,"{time}",60,24\n'.encode()), reading)
    assert isinstance(point, Point)
    assert rfc3339(point.time)[:10] == day
    assert any("dates such as" in note for note in reading.notes) == ("26" in time.replace("2026", ""))


@pytest.mark.parametrize("time", ["23/11/26 09:00", "11/12/26 09:00", "05-06-26"])
def test_short_years_whose_order_nobody_knows_are_asked_for(time: str) -> None:
    with pytest.raises(Unreadable, match="--dates ymd"):
        read(f"vehicle,time,lat,lon\nv,{time},60,24\n", zone="UTC")
    assert len(read(f"vehicle,time,lat,lon\nv,{time},60,24\n", zone="UTC", dates="ymd")[0]) == 1


@pytest.mark.parametrize("format", [json, ndjson])
def test_dates_of_json_are_not_guessed_either(format: Any) -> None:
    def times(*texts: str, **how: Any) -> list[str]:
        items = [{"vehicle": "v", "time": text, "lat": 60, "lon": 24} for text in texts]
        content = msgspec.json.encode(items) if format is json else b"\n".join(map(msgspec.json.encode, items))
        outcomes = list(format.read(io.BytesIO(content), Reading("day.json", "day", zone="UTC", **how)))
        return [rfc3339(one.time)[:10] for one in outcomes]

    with pytest.raises(Unreadable, match="--dates dmy or --dates mdy"):
        times("03/04/2026 09:00")
    assert times("03/04/2026 09:00", dates="mdy") == ["2026-03-04"]
    assert times("04/13/2026 09:00", "04/03/2026 09:00") == ["2026-04-13", "2026-04-03"]
    assert times("13.04.2026 09:00", "03.04.2026 09:00") == ["2026-04-13", "2026-04-03"]
