"""Tables as spreadsheets and loggers write them: encodings, quotes, hemispheres, numbers, dates. No row is lost."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.formats import Point, Reading, Skip, Unreadable, csv
from tracker.formats.clock import read_time
from tracker.formats.degrees import read_degrees
from tracker.formats.fields import read_quantity
from tracker.formats.rows import read_rows
from tracker.formats.text import LONGEST, lines
from tracker.times import rfc3339


def read(content: str | bytes, **how: Any) -> tuple[list[Point], Counter[str], list[str]]:
    """The points, the reasons of what is skipped, and the notes."""
    data = content.encode() if isinstance(content, str) else content
    reading = Reading("day.csv", "day", **how)
    outcomes = list(csv.read(io.BytesIO(data), reading))
    skipped = Counter(one.reason for one in outcomes if isinstance(one, Skip))
    return [one for one in outcomes if isinstance(one, Point)], skipped, reading.notes


def positions(content: str | bytes, **how: Any) -> list[dict[str, Any]]:
    points, _, _ = read(content, **how)
    return [dict(point.position) for point in points if isinstance(point.position, dict)]


def one(header: str, row: str, **how: Any) -> dict[str, Any]:
    [position] = positions(f"vehicle,time,lat,lon,{header}\nv,1795424400,60,24,{row}\n", **how)
    return {name: value for name, value in position.items() if name not in ("vehicle", "lat", "lon")}


# -- quotes and cells ------------------------------------------------------------------------------------------------


def test_a_quote_that_nobody_closes_costs_no_other_row() -> None:
    rows = [
        f'v,{1795424400 + i},60,24,"5 pallets' if i in (7, 90) else f"v,{1795424400 + i},60,24,ok" for i in range(200)
    ]
    points, skipped, _ = read("vehicle,time,lat,lon,note\n" + "\n".join(rows))
    assert len(points) == 200
    assert not skipped
    assert [point.line for point in points] == list(range(2, 202))


def test_an_open_quote_that_hides_cells_is_named_with_its_line() -> None:
    text = 'vehicle,time,lat,lon,note\nv,1795424400,60,24,ok\n"v,1795424401,60,24\nv,1795424402,60,24,ok\n'
    outcomes = list(csv.read(io.BytesIO(text.encode()), Reading("day.csv", "day")))
    assert [(one.reason, one.line) for one in outcomes if isinstance(one, Skip)] == [("open_quote", 3)]
    assert sum(isinstance(one, Point) for one in outcomes) == 2


def test_a_note_of_several_lines_stays_one_row() -> None:
    text = 'vehicle,time,lat,lon,note\nv,1795424400,60,24,"two\nlines, and ""quotes"""\nw,1795424401,60,24,\n'
    points, _, _ = read(text)
    assert [point.line for point in points] == [2, 4]
    assert positions(text)[0]["attributes"] == {"note": 'two\nlines, and "quotes"'}


def test_a_line_break_in_a_title_hides_no_unit() -> None:
    assert one('"speed\n(km/h)"', "36") == {"speed_mps": 10.0}


def test_more_cells_than_titles_are_told_not_guessed() -> None:
    points, skipped, _ = read("lat,lon,time\n60,1,24,9,1795424400\n60,24,1795424400\n60,24,1795424401,,\n")
    assert skipped == {"surplus_cells": 1}
    assert len(points) == 2


@given(st.lists(st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\r"), max_size=8),
                         min_size=3, max_size=3), min_size=1, max_size=12))  # fmt: skip
def test_what_a_writer_of_csv_writes_is_read_back(rows: list[list[str]]) -> None:
    import csv as standard

    out = io.StringIO()
    writer = standard.writer(out, lineterminator="\n", quoting=standard.QUOTE_ALL)
    writer.writerow(["a", "b", "c"])
    writer.writerows(rows)
    got = list(read_rows(out.getvalue().removesuffix("\n").split("\n"), ","))[1:]
    wanted = [row for row in rows if sum(cell.count("\n") for cell in row) < 40]
    assert [row.cells for row in got if row.whole] == wanted or len(wanted) < len(rows)


# -- encodings and line ends -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_encoding_line_end_and_delimiter_is_read(encoding: str, end: str, delimiter: str) -> None:
    rows = [
        ["vehicle", "time", "lat", "lon"],
        ["Käpylä", "2026-11-23T09:00:00Z", "60.17", "24.94"],
        ["b", "1795424401", "60", "24"],
    ]
    text = "".join(delimiter.join(row) + end for row in rows)
    assert positions(text.encode(encoding)) == [
        {"vehicle": "Käpylä", "lat": 60.17, "lon": 24.94},
        {"vehicle": "b", "lat": 60.0, "lon": 24.0},
    ]


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(Unreadable, match="a line is longer"):
        list(lines(io.BytesIO(b"x" * (LONGEST + 10)), "a.csv"))
    with pytest.raises(Unreadable, match="a line is longer"):
        list(lines(io.BytesIO(("x" * (LONGEST + 70_000)).encode("utf-16")), "a.csv"))


# -- degrees ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("60.17", 60.17),
        ("-33.8688", -33.8688),
        ("60,17", 60.17),
        ("33.8688S", -33.8688),
        ("S 33.8688", -33.8688),
        ("151.2093 e", 151.2093),
        ("60°10'12\"N", 60.17),
        ("60° 10′ 12.0″ N", 60.17),
        ("60 10 12 N", 60.17),
        ("60:10:12", 60.17),
        ("N60 10.200", 60.17),
        ("24°56'24\"W", -24.94),
        ("-24 56 24", -24.94),
        ("", None),
        ("NaN", None),
        ("6_0.1", "6_0.1"),
        ("60°70'N", "60°70'N"),
        ("N 60 S", "N 60 S"),
        ("here", "here"),
    ],
)
def test_degrees_are_read_in_every_spelling(text: str, degrees: Any) -> None:
    found = read_degrees(text)
    assert found == (pytest.approx(degrees, abs=1e-9) if isinstance(degrees, float) else degrees)


@pytest.mark.parametrize("titles", ["N/S,{lon},E/W", ",{lon},", "lat_dir,{lon},lon_dir"])
def test_a_column_with_the_hemisphere_is_heeded_with_a_title_or_without(titles: str) -> None:
    header = "vehicle,time,latitude," + titles.format(lon="longitude")
    [position] = positions(f"{header}\nv,1795424400,33.8688,S,151.2093,E\n")
    assert (position["lat"], position["lon"]) == (-33.8688, 151.2093)


def test_of_a_side_that_contradicts_itself_nothing_is_believed() -> None:
    assert read_degrees("33.5N", side="S") == "33.5N"
    assert read_degrees("33.5S", side="S") == -33.5


# -- numbers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("1,234", ".", 1234.0),
        ("1,234.5", ".", 1234.5),
        ("1.234,5", ",", 1234.5),
        ("1.234", ",", 1234.0),
        ("1 234,5", ",", 1234.5),
        ("1\u00a0234.5", ".", 1234.5),
        ("1’234.5", ".", 1234.5),
        ("12,5", ".", 12.5),
        ("87 %", ".", 87.0),
        ("6_0.1", ".", "6_0.1"),
        ("1e3", ".", 1000.0),
        ("", ".", None),
        ("n/a", ".", None),
        ("fast", ".", "fast"),
    ],
)
def test_numbers_are_read_as_spreadsheets_write_them(text: str, decimal: str, number: Any) -> None:
    assert read_quantity(text, decimal) == number


@pytest.mark.parametrize(
    ("cell", "alarm"), [("0", None), ("1", "alarm"), ("false", None), ("sos", "sos"), ("OK", None)]
)
def test_an_alarm_column_of_zeros_and_ones_alarms_only_where_it_says_so(cell: str, alarm: str | None) -> None:
    assert one("alarm", cell).get("alarm") == alarm


# -- times -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "order", "time"),
    [
        ("23.11.2026 09:00", "dmy", "2026-11-23T09:00:00.000Z"),
        ("23/11/2026 09:00:30", "dmy", "2026-11-23T09:00:30.000Z"),
        ("11/23/2026 9:00 AM", "mdy", "2026-11-23T09:00:00.000Z"),
        ("11/23/2026 12:05 am", "mdy", "2026-11-23T00:05:00.000Z"),
        ("11-23-2026 12:05:06 PM", "mdy", "2026-11-23T12:05:06.000Z"),
        ("2026/11/23 21:00", "dmy", "2026-11-23T21:00:00.000Z"),
        ("2026-11-23T09:00:00.0009Z", "dmy", "2026-11-23T09:00:00.000Z"),
        ("1795424400.9999", "dmy", "2026-11-23T09:00:00.999Z"),
    ],
)
def test_dates_are_read_by_day_by_month_or_by_year(text: str, order: str, time: str) -> None:
    assert rfc3339(read_time(text, "UTC", order)) == time


def test_a_file_shows_by_one_date_how_it_means_them_all() -> None:
    text = "vehicle,time,lat,lon\nv,03/04/2026 09:00,60,24\nv,{},60,24\n"
    assert rfc3339(read(text.format("13/04/2026 09:00"), zone="UTC")[0][0].time)[:10] == "2026-04-03"
    assert rfc3339(read(text.format("04/13/2026 09:00"), zone="UTC")[0][0].time)[:10] == "2026-03-04"
    assert rfc3339(read(text.format("03/04/2026 10:00"), zone="UTC", dates="mdy")[0][0].time)[:10] == "2026-03-04"
    with pytest.raises(Unreadable, match="--dates dmy or --dates mdy"):
        read(text.format("03/04/2026 10:00"), zone="UTC")


def test_a_time_that_a_spreadsheet_rounded_is_not_believed() -> None:
    [position] = positions("vehicle,time,lat,lon\nv,1.76723E+12,60,24\n")
    assert position["time"] == "1.76723E+12"


def test_the_hour_that_autumn_repeats_is_told_by_the_order_of_the_rows() -> None:
    minutes = [f"2026-10-25 {hour:02d}:{minute:02d}" for hour in (1, 2, 2, 3) for minute in range(0, 60, 10)]
    rows = [f"{vehicle},{time},60,24" for time in minutes for vehicle in "ab"]
    points, _, _ = read("vehicle,time,lat,lon\n" + "\n".join(rows), zone="Europe/Berlin")
    times = [point.time for point in points if point.vehicle == "a"]
    assert len(set(times)) == 24
    assert times == sorted(times)
    assert rfc3339(times[0]) == "2026-10-24T23:00:00.000Z"


def test_a_row_a_little_late_in_the_repeated_hour_stays_in_its_own() -> None:
    rows = ["v,2026-10-25 02:30:10,60,24", "v,2026-10-25 02:30:05,60,24"]
    points, _, _ = read("vehicle,time,lat,lon\n" + "\n".join(rows), zone="Europe/Berlin")
    assert points[0].time - points[1].time == 5000


# -- which column is which -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("title", ["id", "Name", "No"])
def test_a_column_that_numbers_the_rows_is_no_vehicle_and_that_is_said(title: str) -> None:
    cells = [f"{'WPT' if title == 'Name' else ''}{number:03d}" for number in range(1, 6)]
    rows = "\n".join(f"{cell},{1795424400 + at},60,24" for at, cell in enumerate(cells))
    points, _, notes = read(f"{title},time,lat,lon\n{rows}\n")
    assert {point.vehicle for point in points} == {"day"}
    if title != "No":
        assert f"the column {title!r} numbers the rows and is no vehicle" in notes


def test_the_summary_says_which_columns_were_chosen_and_which_ignored() -> None:
    _, _, notes = read("unit,gps_time,lat,lon,speed,route,\nv,1795424400,60,24,5,7,x\n")
    assert notes == [
        "columns: vehicle = 'unit', time = 'gps_time', lat = 'lat', lon = 'lon', speed (mps, taken for granted) = 'speed'",
        "kept as attributes: route",
        "without a title and ignored: column 7",
    ]


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("vendor,pickup_datetime,dropoff_longitude,dropoff_latitude", "where somebody is going"),
        ("order,eta,destination_lat,destination_lon", "where somebody is going"),
        ("name,lat,lon,address", "no column for the time.*A list of places"),
        ("id,polygon,colour", "no column for the latitude"),
    ],
)
def test_destinations_plans_and_places_are_no_recording(header: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(f"{header}\n" + ",".join("1" for _ in header.split(",")) + "\n")


def test_an_empty_column_names_no_vehicle() -> None:
    [fix] = positions("Name,time,lat,lon\n,1795424400,60,24\n")
    assert fix["vehicle"] == "day"


def test_a_table_without_titles_is_refused_as_such() -> None:
    with pytest.raises(Unreadable, match="its first line holds numbers"):
        read("52.1,24.1,1795424400\n52.2,24.2,1795424401\n")
