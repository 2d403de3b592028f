"""CSV with a header: columns are recognised by their names, in any order, delimiter and spelling."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple

from tracker.formats import Point, Reading, Skip, Unreadable
from tracker.formats.clock import Clock
from tracker.formats.fields import finished, position, read_flag, read_heading, read_number, read_speed, read_value
from tracker.formats.names import NAMES, plain, speed_unit

NAME = "csv"
ABOUT = "comma, semicolon or tab separated, with a header; columns are recognised by name"
ITEM = "row"

_DELIMITERS = ",;\t|"
NOTHING = frozenset({"null", "none", "nan", "n/a", "na", "nil", "-", "--", "unknown", "\\n"})  #: cells that say nothing


class Columns(NamedTuple):
    """Where each field stands, -1 where there is none."""

    vehicle: int
    time: int
    clock: int  # a second column with the time of day, beside one with the date
    lat: int
    lon: int
    speed: int
    unit: str  # "": the name does not say
    others: tuple[tuple[int, str], ...]  # number and flag and text fields of ours
    attributes: tuple[tuple[int, str], ...]


def recognises(name: str, head: str) -> bool:
    lines = (line for line in head.lstrip("\ufeff").splitlines() if line.strip() and not line.startswith("#"))
    header = next(lines, "")
    columns = {plain(title) for title in header.split(find_delimiter(header))}
    return name.endswith((".csv", ".tsv")) or bool(columns & {*NAMES["lat"]} and columns & {*NAMES["lon"]})


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    lines = _after_hint(decode(line) for line in file)
    header, delimiter = read_header(next(lines, ""), reading.name)
    columns = find_columns(header, reading.name)
    zone = reading.zone or ("UTC" if _says_utc(header[columns.time]) else None)
    clock = Clock(reading.name, zone)
    rows = csv.reader(lines, delimiter=delimiter)
    try:
        for row in rows:
            if any(cell.strip() for cell in row):
                yield _point(row, columns, reading, clock, rows.line_num + 1)
    except csv.Error as fault:
        raise Unreadable(f"{reading.name}, line {rows.line_num + 1}: not CSV: {fault}") from None


def find_columns(header: list[str], name: str) -> Columns:
    """Which column is which. Raises Unreadable when position or time is not among them."""
    columns = [plain(title) for title in header]
    found: dict[str, int] = {}
    for field, names in NAMES.items():
        for spelling in names:
            if spelling in columns and columns.index(spelling) not in found.values():
                found[field] = columns.index(spelling)
                break
    for field, what in (("lat", "latitude"), ("lon", "longitude"), ("time", "time")):
        if field not in found:
            raise Unreadable(
                f"{name}: no column for the {what} (such as {', '.join(NAMES[field][:3])}) among: "
                + ", ".join(title.strip()[:40] for title in header[:20]),
                usage=True,
            )
    clock = -1
    if columns[found["time"]] in ("time", "clock") and "date" in columns:
        found["time"], clock = columns.index("date"), found["time"]
    elif columns[found["time"]] == "date":
        clock = next((columns.index(one) for one in ("time_of_day", "clock", "hour") if one in columns), -1)
    speed, unit = -1, ""
    for i, column in enumerate(columns):
        said = speed_unit(column)
        if said is not None and (speed < 0 or (said and not unit)):
            speed, unit = i, said
    taken = {*found.values(), clock, speed}
    ours = tuple((i, field) for field, i in found.items() if field not in ("vehicle", "time", "lat", "lon"))
    rest = tuple((i, title.strip()) for i, title in enumerate(header) if i not in taken and title.strip())
    return Columns(found.get("vehicle", -1), found["time"], clock, found["lat"], found["lon"], speed, unit, ours, rest)


def _point(row: list[str], columns: Columns, reading: Reading, clock: Clock, line: int) -> Point:
    def cell(i: int) -> str:
        text = row[i].strip() if 0 <= i < len(row) else ""
        return "" if text.lower() in NOTHING else text

    fields: dict[str, Any] = {
        "speed_mps": read_speed(read_number(cell(columns.speed)), columns.unit or reading.speed_unit),
        "attributes": {name: read_value(cell(i)) for i, name in columns.attributes if cell(i)} or None,
    }
    for i, name in columns.others:
        if text := cell(i):
            fields[name] = _READ.get(name, str)(text)
    vehicle = cell(columns.vehicle) if columns.vehicle >= 0 else reading.vehicle
    time = f"{cell(columns.time)} {cell(columns.clock)}" if columns.clock >= 0 else cell(columns.time)
    lat, lon = read_number(cell(columns.lat)), read_number(cell(columns.lon))
    return finished(position(vehicle, lat, lon, **fields), time.strip(), clock, line)


_READ: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("altitude_m", "accuracy_m", "battery_pct", "odometer_m"), read_number),
    "heading": lambda text: read_heading(read_number(text)),
    "ignition": read_flag,
}


def _says_utc(title: str) -> bool:
    return bool({"utc", "gmt", "zulu"} & set(plain(title).split("_")))


def _after_hint(text: Iterable[str]) -> Iterator[str]:
    """The lines from the header on: a byte order mark, Excel's `sep=;`, comments and empty lines may come before it."""
    started = False
    for line in text:
        line = line if started else line.lstrip("\ufeff")
        if not started and (not line.strip() or line.startswith("#") or line.lower().startswith("sep=")):
            continue
        started = True
        yield line


def decode(content: bytes) -> str:
    """UTF-8, or what spreadsheets on Windows write when nobody asks them."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def read_header(line: str, name: str) -> tuple[list[str], str]:
    """The titles of the columns, and what separates them. Raises Unreadable."""
    if "\0" in line:
        raise Unreadable(f"{name} is no text in UTF-8 (perhaps it is UTF-16); save it as UTF-8")
    delimiter = find_delimiter(line)
    try:
        return next(csv.reader([line], delimiter=delimiter), []), delimiter
    except csv.Error as fault:
        raise Unreadable(f"{name}: its first line is not CSV: {fault}") from None


def find_delimiter(header: str) -> str:
    """What separates the most columns of the header, quoted parts left out."""
    bare = "".join(part for i, part in enumerate(header.split('"')) if i % 2 == 0)
    return max(_DELIMITERS, key=bare.count)
