"""Sheets: trips, stops and sums as tables, as a reader of each kind of file reads them."""

from __future__ import annotations

import csv
import io
import sys
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from tests.support.scenario import START
from tracker.errors import Invalid
from tracker.history import sheets
from tracker.history.sheets import Sheet, as_csv, as_parquet, as_xlsx
from tracker.model.ping import Ping

HELSINKI = ZoneInfo("Europe/Helsinki")
NINE, TEN = "2026-11-23T09:00:00.000Z", "2026-11-23T10:00:00.500Z"
GAP: dict[str, Any] = {
    "from": NINE,
    "until": TEN,
    "start": {"lat": 60.0, "lon": 24.0},
    "end": {"lat": 60.5, "lon": 24.5},
    "distance_m": 1234.5,
    "duration_s": 3600.5,
}
TRIP = GAP | {"driving_s": 3000.25, "idle_s": 600.25, "max_mps": None}
REGIONS = [{"id": "r1", "name": "=Yard"}, {"id": "r2", "name": "Gate"}]
STOP = {"from": NINE, "until": TEN, "lat": 60.25, "lon": 24.25, "duration_s": 3600.5, "regions": REGIONS}
DAY = {
    "day": "2026-11-23",
    "from": NINE,
    "until": TEN,
    "distance_m": 10.5,
    "driving_s": 1.0,
    "idle_s": 2.0,
    "stopped_s": 3.0,
    "silent_s": 4.0,
    "trips": 5,
    "stops": 6,
    "max_mps": 7.25,
    "utilisation": 0.125,
    "regions": REGIONS,
}


def test_each_trip_and_gap_is_a_row_with_its_ends() -> None:
    told = sheets.trips([{"vehicle": "a", "trips": [TRIP, TRIP]}, {"vehicle": "b", "trips": []}])
    assert (told.name, [row[0] for row in told.rows]) == ("Trips", ["a", "a"])
    assert dict(zip(told.columns, told.rows[0], strict=True)) == {
        "vehicle": "a",
        "from": NINE,
        "until": TEN,
        "start_lat": 60.0,
        "start_lon": 24.0,
        "end_lat": 60.5,
        "end_lon": 24.5,
        "distance_m": 1234.5,
        "duration_s": 3600.5,
        "driving_s": 3000.25,
        "idle_s": 600.25,
        "max_mps": None,
    }
    silent = sheets.gaps([{"vehicle": "b", "gaps": [GAP]}])
    assert silent == Sheet(
        "Gaps", ("vehicle", *sheets.TRIP), [["b", NINE, TEN, 60.0, 24.0, 60.5, 24.5, 1234.5, 3600.5]]
    )


def test_regions_of_a_stop_or_a_day_are_one_cell() -> None:
    assert sheets.stops([{"vehicle": "a", "stops": [STOP]}]).rows == [
        ["a", NINE, TEN, 60.25, 24.25, 3600.5, "=Yard; Gate"]
    ]
    days = sheets.days([{"vehicle": "a", "days": [DAY]}])
    assert days.rows == [
        ["a", "2026-11-23", NINE, TEN, 10.5, 1.0, 2.0, 3.0, 4.0, 5, 6, 7.25, 0.125, "=Yard; Gate"],
    ]


def test_a_track_is_a_sheet_of_what_was_said_to_be_guarded_once() -> None:
    told = sheets.track([Ping("van", START, 60.5, 24.5, 3.5, driver="=Ann")])
    row = dict(zip(told.columns, told.rows[0], strict=True))
    assert (told.name, row["vehicle"], row["time"], row["speed_mps"], row["heading"]) == (
        "Track",
        "van",
        NINE,
        3.5,
        None,
    )
    assert row["driver"] == "=Ann"
    assert b",'=Ann," in as_csv([told], HELSINKI)


def test_csv_is_the_first_sheet_and_holds_no_formula() -> None:
    table = as_csv([sheets.stops([{"vehicle": "-van", "stops": [STOP]}]), Sheet("Other", ("other",), [])], HELSINKI)
    assert list(csv.reader(io.StringIO(table.decode()))) == [
        ["vehicle", "from", "until", "lat", "lon", "duration_s", "regions"],
        ["'-van", NINE, TEN, "60.25", "24.25", "3600.5", "'=Yard; Gate"],
    ]


def test_a_workbook_has_a_page_for_each_sheet_with_times_on_the_clock_of_its_reader() -> None:
    document = {"vehicle": "van\x07\uffff", "trips": [TRIP], "stops": [STOP]}
    book = load_workbook(io.BytesIO(as_xlsx([sheets.trips([document]), sheets.stops([document])], HELSINKI)))
    assert book.sheetnames == ["Trips", "Stops"]
    heading, row = book["Stops"].iter_rows(values_only=True)
    assert heading[:4] == ("vehicle", "from (Europe/Helsinki)", "until (Europe/Helsinki)", "lat")
    assert row == (
        "van\ufffd\ufffd",
        datetime(2026, 11, 23, 11),
        datetime(2026, 11, 23, 12, 0, 0, 500_000),
        60.25,
        24.25,
        3600.5,
        "'=Yard; Gate",
    )
    page = book["Trips"]
    assert (page.freeze_panes, page["A1"].font.bold, page["A2"].font.bold) == ("B2", True, False)
    assert (page.column_dimensions["B"].width, page.column_dimensions["D"].width) == (20, 13)
    assert page["L2"].value is None  # a speed nobody knows is an empty cell


def test_parquet_has_instants_whole_numbers_and_texts() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(io.BytesIO(as_parquet([sheets.days([{"vehicle": "=van", "days": [DAY]}])], HELSINKI)))
    kinds = {name: str(table.schema.field(name).type) for name in ("vehicle", "from", "trips", "distance_m", "regions")}
    assert kinds == {
        "vehicle": "string",
        "from": "timestamp[ms, tz=UTC]",
        "trips": "int64",
        "distance_m": "double",
        "regions": "string",
    }
    [row] = table.to_pylist()
    assert row["from"] == datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert (row["vehicle"], row["regions"], row["trips"], row["stops"]) == ("'=van", "'=Yard; Gate", 5, 6)
    assert (date.fromisoformat(row["day"]), row["distance_m"], row["utilisation"]) == (date(2026, 11, 23), 10.5, 0.125)


def test_without_its_extra_parquet_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(Invalid, match=r"live-map-tracker\[parquet\]") as refused:
        as_parquet([sheets.stops([])], HELSINKI)
    [fault] = refused.value.errors
    assert (refused.value.code, fault["field"], fault["code"]) == ("bad_parameter", "format", "bad_parameter")
