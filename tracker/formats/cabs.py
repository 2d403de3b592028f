"""Cabspotting: `latitude longitude occupied unix_seconds`, separated by spaces, no header, one file a cab."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from tracker.formats import Point, Reading, Skip
from tracker.formats.clock import Clock
from tracker.formats.fields import finished, position, read_number
from tracker.formats.text import raw_lines

NAME = "cabs"
ABOUT = "Cabspotting: `latitude longitude occupied seconds` a line, one file a cab"
ITEM = "line"

_LINE = re.compile(r"-?\d+\.\d+ -?\d+\.\d+ [01] \d+")


def recognises(_name: str, head: str) -> bool:
    return _LINE.fullmatch(head.partition("\n")[0].strip()) is not None


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    vehicle = reading.vehicle.removeprefix("new_")
    clock = Clock(reading.name, reading.zone, reading.dates or "")
    for number, line in enumerate(raw_lines(file, reading.name), 1):
        cells = line.decode("utf-8", "replace").split()
        if not cells:
            continue
        if len(cells) != 4:
            yield Skip("not_four_columns", number)
            continue
        lat, lon, occupied, time = cells
        place = position(vehicle, read_number(lat), read_number(lon), attributes={"occupied": occupied == "1"})
        yield finished(place, time, clock, number)
