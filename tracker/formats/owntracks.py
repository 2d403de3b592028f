"""OwnTracks: the lines its recorder keeps, `time <tab> what <tab> JSON`; of the JSON a location is a fix."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from tracker.formats import Point, Reading, Skip
from tracker.formats.clock import Clock
from tracker.formats.fields import finished, position
from tracker.formats.json import decode_any
from tracker.formats.text import raw_lines
from tracker.protocols.owntracks import in_our_words, name_in

NAME = "owntracks"
ABOUT = "lines of the OwnTracks recorder (.rec); locations are fixes, a vehicle by its topic, else its tid"
ITEM = "line"

_LINE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z\t\S+\s*\t\s*\{")


def recognises(_name: str, head: str) -> bool:
    return _LINE.match(head) is not None


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    clock = Clock(reading.name, reading.zone, reading.dates or "")
    for number, line in enumerate(raw_lines(file, reading.name), 1):
        if line.strip():
            yield _line(line, reading, clock, number)


def is_report(item: dict[str, Any]) -> bool:
    """One that the app sends: a `_type`, and what is told of the phone by short names."""
    return isinstance(item.get("_type"), str) and "tst" in item


def from_report(said: dict[str, Any], received: str, reading: Reading, clock: Clock, number: int) -> Point | Skip:
    if said.get("_type") != "location":
        return Skip("not_a_position", number)
    told = in_our_words(said)
    told["attributes"] = told["attributes"] or None
    place = position(name_in(said.get("topic"), said.get("tid")) or reading.vehicle, **told)
    return finished(place, str(place.pop("time", received)), clock, number)


def _line(line: bytes, reading: Reading, clock: Clock, number: int) -> Point | Skip:
    received, _, rest = line.partition(b"\t")
    try:
        said: Any = decode_any(rest.partition(b"\t")[2].strip())
    except ValueError:
        said = None
    if not isinstance(said, dict):
        return Skip("not_json", number)
    return from_report(said, received.decode("utf-8", "replace"), reading, clock, number)
