"""NDJSON: one position a line, spelled as the API takes them; other spellings of the same fields are understood."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from tracker.formats import Point, Reading, Skip, Unreadable
from tracker.formats.clock import Clock
from tracker.formats.geojson import read_feature
from tracker.formats.json import decode_any
from tracker.formats.objects import from_object, spread
from tracker.formats.owntracks import from_report, is_report
from tracker.formats.text import LONGEST, find_encoding, lines

NAME = "ndjson"
ABOUT = "one JSON object a line: positions as the API takes them, or with the same names as in CSV"
ITEM = "line"


def recognises(name: str, head: str) -> bool:
    if name.endswith((".ndjson", ".jsonl")):
        return True
    first = head.lstrip("\ufeff").partition("\n")[0].strip()
    return first.startswith("{") and first.endswith("}")


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    clock = Clock(reading.name, reading.zone, reading.dates or "")
    for number, line in enumerate(_lines(file, reading.name), 1):
        if not line.strip():
            continue
        try:
            item: Any = decode_any(line)
        except ValueError:
            item = None
        if not isinstance(item, dict):
            yield Point(clock.last or 0, line[:200].decode("utf-8", "replace").strip(), line=number)
        elif item.get("type") == "Feature":
            yield from read_feature(item, reading, clock, number)
        elif is_report(item):
            yield from_report(item, "", reading, clock, number)
        else:
            for one in spread(item):
                yield (
                    from_object(one, reading, clock, number)
                    if isinstance(one, dict)
                    else Point(clock.last or 0, str(one)[:200], line=number)
                )


def _lines(file: BinaryIO, name: str) -> Iterator[bytes]:
    """Lines as UTF-8. Raises Unreadable for one without an end."""
    first = file.readline(LONGEST)
    encoding, mark = find_encoding(first)
    if encoding != "utf-8":
        yield from (line.encode() for line in lines(file, name, first))
        return
    line = first[mark:]
    while line:
        if len(line) >= LONGEST and not line.endswith(b"\n"):
            raise Unreadable(f"{name}: a line is longer than {LONGEST} bytes; perhaps it is --format json")
        yield line
        line = file.readline(LONGEST)
