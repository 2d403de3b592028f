"""Preamble: what a report says of itself before its table: whose it is, from when to when."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tracker.formats import Reading
from tracker.formats.names import NAMES, plain
from tracker.formats.places import PLACES
from tracker.formats.rows import find_delimiter
from tracker.model.ping import vehicle_of

MOST_PREAMBLE = 60  #: lines before the titles
_LAT, _LON, _TIME = (frozenset(NAMES[field]) for field in ("lat", "lon", "time"))
_VEHICLE = frozenset(NAMES["vehicle"]) - {"id", "name"}


def is_header(line: str) -> bool:
    """Does it title the columns of a recording?"""
    titles = {plain(title) for title in line.split(find_delimiter(line))}
    return bool((titles & _LAT and titles & _LON) or (titles & PLACES and titles & _TIME))


def find_header(lines: Sequence[str], reading: Reading) -> int:
    """Which of these lines titles the columns: the first where none is better. What stands before it is noted."""
    at = quotes = 0
    while not (is_header(lines[at]) and quotes % 2 == 0):  # an odd quote: inside of a title that goes over several
        quotes += lines[at].count('"')
        at += 1
        if at == len(lines):
            return 0
    told = [line.strip(" \t,;|") for line in lines[:at] if line.strip(" \t,;|")]
    reading.note(f"before the titles, and skipped: {'; '.join(told)[:400]}")
    for line in told:
        cells = [cell.strip(' "') for cell in re.split(r"[:,;|\t]+", line, maxsplit=1)]
        if len(cells) == 2 and plain(cells[0]) in _VEHICLE and (vehicle := vehicle_of(cells[1].strip(" :,;|\t"))):
            reading.vehicle = vehicle
            reading.note(f"vehicle = {vehicle!r}, as is said before the titles")
            break
    return at
