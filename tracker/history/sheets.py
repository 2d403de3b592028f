"""Sheets: trips, stops and sums as rows, for tables of any kind, and the files that are tables: CSV, XLSX, Parquet.

A text that a spreadsheet would run as a formula begins with a quote, in each of them.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tracker.errors import Invalid
from tracker.formats import own
from tracker.model.ping import Ping
from tracker.times import EPOCH, MS, parse_time

TRIP = ("from", "until", "start_lat", "start_lon", "end_lat", "end_lon", "distance_m", "duration_s")
TRIPS = (*TRIP, "driving_s", "idle_s", "max_mps")
STOPS = ("from", "until", "lat", "lon", "duration_s", "regions")
SUMS = ("from", "until", "distance_m", "driving_s", "idle_s", "stopped_s", "silent_s", "trips", "stops", "max_mps")
DAYS = ("day", *SUMS, "utilisation", "regions")
TIMES = frozenset({"from", "until", "time"})

Document = dict[str, Any]  # as it is told in JSON


class Sheet(NamedTuple):
    name: str
    columns: tuple[str, ...]
    rows: list[list[Any]]


def trips(documents: Sequence[Document]) -> Sheet:
    return _sheet("Trips", TRIPS, [(one["vehicle"], trip) for one in documents for trip in one["trips"]])


def gaps(documents: Sequence[Document]) -> Sheet:
    return _sheet("Gaps", TRIP, [(one["vehicle"], gap) for one in documents for gap in one["gaps"]])


def stops(documents: Sequence[Document]) -> Sheet:
    return _sheet("Stops", STOPS, [(one["vehicle"], stop) for one in documents for stop in one["stops"]])


def days(documents: Sequence[Document]) -> Sheet:
    return _sheet("Days", DAYS, [(one["vehicle"], day) for one in documents for day in one["days"]])


def track(pings: Sequence[Ping]) -> Sheet:
    rows = [[own.unguarded(cell) if isinstance(cell, str) else cell for cell in own.cells(ping)] for ping in pings]
    return Sheet("Track", own.COLUMNS, rows)


#: what is asked for → the sheet that tells it
TELLS = {"trips": trips, "stops": stops, "summary": days}


def _sheet(name: str, columns: tuple[str, ...], things: list[tuple[str, Document]]) -> Sheet:
    return Sheet(
        name, ("vehicle", *columns), [[vehicle, *(_cell(thing, c) for c in columns)] for vehicle, thing in things]
    )


def _cell(thing: Document, column: str) -> Any:
    if column in thing:
        value = thing[column]
        if column == "regions":
            return "; ".join(one["name"] for one in value)
        return value
    place, _, axis = column.partition("_")
    return thing[place][axis]


def as_csv(sheets: Sequence[Sheet], _: ZoneInfo) -> bytes:
    """The first: a table is one."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(sheets[0].columns)
    table.writerows([_guarded(cell) for cell in row] for row in sheets[0].rows)
    return text.getvalue().encode()


def as_xlsx(sheets: Sequence[Sheet], zone: ZoneInfo) -> bytes:
    """One sheet each. Times are those on the clock where the reader is, which its heading says: a cell has no zone."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    book = Workbook(write_only=True)
    for sheet in sheets:
        page = book.create_sheet(sheet.name)
        page.freeze_panes = "B2"
        for at, column in enumerate(sheet.columns):
            page.column_dimensions[chr(ord("A") + at)].width = 20 if column in TIMES or column == "vehicle" else 13
        heading = []
        for column in sheet.columns:
            cell = WriteOnlyCell(page, f"{column} ({zone.key})" if column in TIMES else column)
            cell.font = Font(bold=True)
            heading.append(cell)
        page.append(heading)
        times = [column in TIMES for column in sheet.columns]
        for row in sheet.rows:
            page.append(
                [_local(cell, zone) if is_time else _legible(cell) for cell, is_time in zip(row, times, strict=True)]
            )
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def as_parquet(sheets: Sequence[Sheet], _: ZoneInfo) -> bytes:
    """The first, times as instants in UTC."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        message = (
            "Parquet needs the extra `parquet` where the server is (pip install 'live-map-tracker[parquet]'); "
            "csv and xlsx always work"
        )
        raise Invalid.of_field("format", message) from None
    sheet = sheets[0]
    columns: dict[str, Any] = {}
    for at, name in enumerate(sheet.columns):
        values = [row[at] for row in sheet.rows]
        if name in TIMES:
            columns[name] = pyarrow.array([parse_time(one) for one in values], pyarrow.timestamp("ms", "UTC"))
        elif name in ("vehicle", "day", "regions"):
            columns[name] = pyarrow.array([_guarded(one) for one in values], pyarrow.string())
        else:
            kind = pyarrow.int64() if name in ("trips", "stops") else pyarrow.float64()
            columns[name] = pyarrow.array(values, kind)
    written = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), written)
    return written.getvalue()


def _guarded(value: Any) -> Any:
    return own.guarded(value) if isinstance(value, str) else value


def _legible(value: Any) -> Any:
    """XML takes no control characters."""
    return _CONTROL.sub("\ufffd", own.guarded(value)) if isinstance(value, str) else value


_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def _local(time: str, zone: ZoneInfo) -> datetime:
    return (EPOCH + parse_time(time) * MS).astimezone(zone).replace(tzinfo=None)


#: name → its type, and who writes it
TABLES: dict[str, tuple[str, Callable[[Sequence[Sheet], ZoneInfo], bytes]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", as_xlsx),
    "parquet": ("application/vnd.apache.parquet", as_parquet),
}
