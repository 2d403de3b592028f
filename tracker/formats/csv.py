"""CSV with a header: columns are recognised by their names, in any order, delimiter and spelling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice
from typing import Any, BinaryIO

from tracker.formats import Point, Reading, Skip, Unreadable
from tracker.formats.clock import ORDERS, Clock, find_order, short_years
from tracker.formats.columns import Columns, find_columns
from tracker.formats.degrees import LAT, LON, read_degrees
from tracker.formats.fields import (
    NO,
    NOTHING,
    YES,
    decimal_of,
    finished,
    read_alarm,
    read_flag,
    read_heading,
    read_measure,
    read_percent,
    read_quantity,
    read_speed,
    read_value,
    unfinished,
)
from tracker.formats.minutes import spaced_out
from tracker.formats.names import UNITS, plain
from tracker.formats.own import COLUMNS, position_of, unguarded
from tracker.formats.places import find_spread
from tracker.formats.preamble import MOST_PREAMBLE, find_header, is_header
from tracker.formats.rows import Row, find_delimiter, read_rows
from tracker.formats.sides import Unclear, read_side
from tracker.formats.text import DAMAGED, lines

NAME = "csv"
ABOUT = "comma, semicolon, tab or bar separated, with a header; columns are recognised by name"
ITEM = "row"

SAMPLE = 500  #: rows that are looked at before the first is taken


def recognises(name: str, head: str) -> bool:
    starts = (line for line in head.lstrip("\ufeff").splitlines() if line.strip() and not _is_hint(line))
    header = next(starts, "")
    return name.endswith((".csv", ".tsv")) or is_header(header)


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    rows = table(file, reading.name, reading)
    header = next(rows, Row(1, [])).cells  # none: the file is nothing but delimiters
    if tuple(header) == COLUMNS:
        yield from _our_own(rows, reading)
        return
    sample, rows = _sampled(rows)
    if (spread := find_spread(header, sample, reading)) is not None:
        header, sample, rows = spread.header, list(spread.rows(sample)), spread.rows(rows)
    columns = find_columns(header, [row.cells for row in sample], reading)
    zone = reading.zone or ("UTC" if _says_utc(header[columns.time]) else None)
    times = [_time(row.cells, columns) for row in sample]
    order = reading.dates or find_order(times, reading.name, year_first="TAG" in header)  # TAG: a Columbus logger
    if order in ORDERS:
        reading.note(f"times are {ORDERS[order]}")
    if said := short_years(times, order):
        reading.note(said)
    clock = Clock(reading.name, zone, order)
    if zone is not None:
        reading.note(f"times without a zone are {zone}")
    point = _with_fix(_compiled(columns, sample, reading, clock), columns, sample, reading)
    width = len(header)
    for row in chain(sample, rows):
        if not row.whole:
            yield Skip("open_quote", row.line)
        elif len(row.cells) > width and any(cell.strip() for cell in row.cells[width:]):
            yield Skip("surplus_cells", row.line)
        else:
            yield point(row)


def _sampled(rows: Iterator[Row]) -> tuple[list[Row], Iterator[Row]]:
    """The first rows, and those after them; a fault among the first is met where it stands."""
    sample: list[Row] = []
    try:
        sample.extend(islice(rows, SAMPLE))
    except DAMAGED as fault:
        return sample, _raising(fault)
    return sample, rows


def _raising(fault: Exception) -> Iterator[Row]:
    raise fault
    yield  # a generator: it is raised when its turn comes


def _our_own(rows: Iterator[Row], reading: Reading) -> Iterator[Point | Skip]:
    """A table that we wrote: nothing to recognise, and nothing taken for something else."""
    reading.note("an export of this program")
    clock = Clock(reading.name, None)
    for row in rows:
        if not row.whole or len(row.cells) > len(COLUMNS):
            yield Skip("surplus_cells" if row.whole else "open_quote", row.line)
        else:
            time, position = position_of(row.cells)
            yield finished(position, time, clock, row.line)


def table(file: BinaryIO, name: str, reading: Reading | None = None) -> Iterator[Row]:
    """The header, then every row. An encoding mark, Excel's `sep=;`, comments and empty lines may come before them;
    and, of a recording, what a report says of itself, which is noted in its `reading`.

    Raises Unreadable.
    """
    source = lines(file, name, reading=reading)
    delimiter, number = "", 0
    for line in source:
        number += 1
        if line.lower().startswith("sep=") and len(line) == 5:
            delimiter = line[4]
        elif line.strip() and not _is_hint(line):
            break
    else:
        raise Unreadable(f"{name} is empty")
    start = [line]
    if reading is not None and not is_header(line):
        start += islice(source, MOST_PREAMBLE)
        at = find_header(start, reading)
        start, number = start[at:], number + at
    delimiter = delimiter or find_delimiter(start[0])
    yield from read_rows(chain(start, source), delimiter, number)


def _is_hint(line: str) -> bool:
    return line.startswith("#") or line.lower().startswith("sep=")


def _says_utc(title: str) -> bool:
    return bool({"utc", "gmt", "zulu"} & set(plain(title).split("_")))


def _time(cells: list[str], columns: Columns) -> str:
    time = cells[columns.time].strip() if columns.time < len(cells) else ""
    if columns.clock >= 0:
        return f"{time} {cells[columns.clock].strip() if columns.clock < len(cells) else ''}".strip()
    return time


def _compiled(columns: Columns, sample: list[Row], reading: Reading, clock: Clock) -> Callable[[Row], Point | Skip]:
    """One function for all rows of a file: this is where a recording of millions spends its time."""
    decimal, vehicle_at, clock_at = columns.decimal, columns.vehicle, columns.clock
    time_at, speed_at, unit = columns.time, columns.speed, columns.unit or reading.speed_unit
    letter_o, joined = columns.letter_o, columns.joined
    plainly = decimal == "." and columns.north < 0 and columns.east < 0 and not joined
    lat_at, lon_at = columns.lat, columns.lon
    places = (("lat", lat_at, columns.north, LAT), ("lon", lon_at, columns.east, LON))

    def marks(at: int) -> str:
        return decimal_of((row.cells[at] for row in sample if at < len(row.cells)), decimal)

    others = tuple(
        (at, _METRES.get(field, field), _reader(field, marks(at), letter_o, reading)) for at, field in columns.others
    )
    of_speed = marks(speed_at) if speed_at >= 0 else decimal
    factor = UNITS[unit] if of_speed == "." else None
    attributes = columns.attributes
    named = [at for at, _ in columns.others + attributes]
    width = 1 + max(
        vehicle_at, time_at, clock_at, speed_at, columns.lat, columns.lon, columns.north, columns.east, *named
    )

    def place(position: dict[str, Any], name: str, text: str, side: str | None, of: str) -> None:
        said = read_side(side, letter_o) if side else ""
        text = spaced_out(text) if joined else text
        degrees = read_degrees(text, decimal, "" if said == "?" else said, of, letter_o)
        if side is not None and said in ("", "?") and type(degrees) is float and degrees > 0:
            raise _NoSide
        if degrees is not None:
            position[name] = degrees

    def point(row: Row) -> Point | Skip:
        cells = row.cells
        if len(cells) < width:
            cells = cells + [""] * (width - len(cells))
        vehicle = cells[vehicle_at].strip() if vehicle_at >= 0 else reading.vehicle
        if vehicle[:1] == "'":
            vehicle = unguarded(vehicle)
        position: dict[str, Any] = {"vehicle": vehicle}
        lat, lon = (_plain(cells[lat_at]), _plain(cells[lon_at])) if plainly else (None, None)
        if lat is not None and lon is not None:  # nearly every row of nearly every table
            position["lat"], position["lon"] = lat, lon
        else:
            try:
                for name, at, side_at, of in places:
                    place(position, name, cells[at].strip(), cells[side_at].strip() if side_at >= 0 else None, of)
            except Unclear:
                return Skip("unclear_side", row.line)
            except _NoSide:
                return Skip("no_side", row.line)
        if speed_at >= 0:
            number = _plain(cells[speed_at])
            if number is None or factor is None:
                number = _speed(cells[speed_at].strip(), of_speed, unit)
            elif 113.9 < (number := round(number * factor, 3)) < 114.1:  # perhaps what says that it is not known
                number = read_speed(float(cells[speed_at]), unit)
            if number is not None:
                position["speed_mps"] = number
        for at, field, reader in others:
            if (text := cells[at].strip()) and (value := reader(text)) is not None:
                position[field] = value
        if attributes:
            kept = {
                name: read_value(text)
                for at, name in attributes
                if (text := cells[at].strip()) and text.lower() not in NOTHING
            }
            if kept:
                position["attributes"] = kept
        text = cells[time_at].strip() if clock_at < 0 else _time(cells, columns)
        time = clock.read_time(text, row.line, vehicle)
        if time is None:
            return unfinished(position, text, clock, row.line)
        return Point(time, position, 0, row.line)

    return point


def _with_fix(
    point: Callable[[Row], Point | Skip], columns: Columns, sample: list[Row], reading: Reading
) -> Callable[[Row], Point | Skip]:
    """The same, of a table that says of each row whether its receiver knew where it was."""
    for at, title in columns.attributes:
        said = {row.cells[at].strip().lower() for row in sample if at < len(row.cells)} - {""}
        if plain(title) in _VALID and said and said <= YES | NO:
            reading.note(f"rows whose {title!r} is no have no fix")
            return lambda row: (
                Skip("no_fix", row.line)
                if row.cells[at : at + 1] and row.cells[at].strip().lower() in NO
                else point(row)
            )
    return point


class _NoSide(ValueError):
    """A column says the side of every row, but not of this one, or in a word nobody knows."""


def _speed(text: str, decimal: str, unit: str) -> Any:
    """m/s of a cell, which may name its unit itself."""
    number, factor = read_measure(text, decimal, "speed")
    return read_speed(number, unit) if factor is None or not isinstance(number, float) else round(number * factor, 3)


def _measure(text: str, decimal: str, field: str) -> Any:
    if text[-1:].isdigit():
        return read_quantity(text, decimal)
    number, factor = read_measure(text, decimal, field)
    return round(number * factor, 3) if factor is not None and isinstance(number, float) else number


def _heading(text: str, decimal: str, letter_o: str) -> Any:
    return read_quantity(text, decimal) if text[-1:].isdigit() else read_heading(text, decimal, letter_o)


def _plain(cell: str) -> float | None:
    """A number that needs no more than `float` to be read; None when it may need more."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if -1e6 < number < 1e6 and "_" not in cell else None


_VALID = frozenset({"valid", "gps_valid", "fix_valid", "position_valid", "gultig", "valide", "valido"})
_METRES = {"altitude_ft": "altitude_m"}


def _metres(feet: Any) -> Any:
    return round(feet * 0.3048, 2) if isinstance(feet, float) else feet


def _reader(field: str, decimal: str, letter_o: str, reading: Reading) -> Callable[[str], Any]:
    if field == "battery_pct":
        return lambda text: read_percent(read_quantity(text, decimal), reading)
    if field == "altitude_ft":
        return lambda text: _metres(read_quantity(text, decimal))
    if field == "heading":
        return partial(_heading, decimal=decimal, letter_o=letter_o)
    if field in ("altitude_m", "accuracy_m", "odometer_m"):
        return partial(_measure, decimal=decimal, field=field)
    if field == "alarm":
        return read_alarm
    return read_flag if field == "ignition" else lambda text: None if text.lower() in NOTHING else text
