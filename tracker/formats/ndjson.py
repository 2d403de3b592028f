"""NDJSON: one position a line, spelled as the API takes them; other spellings of the same fields are understood."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from tracker.formats import Point, Reading, Skip
from tracker.formats.clock import Clock
from tracker.formats.fields import from_object

NAME = "ndjson"
ABOUT = "one JSON object a line: positions as the API takes them, or with the same names as in CSV"
ITEM = "line"


def recognises(name: str, head: str) -> bool:
    if name.endswith((".ndjson", ".jsonl")):
        return True
    first = head.lstrip("\ufeff").partition("\n")[0].strip()
    return first.startswith("{") and first.endswith("}")


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    clock = Clock(reading.name, reading.zone)
    for number, line in enumerate(file, 1):
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line.strip():
            continue
        try:
            item: Any = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            item = None
        if isinstance(item, dict):
            yield from_object(item, reading, clock, number)
        else:
            yield Point(clock.last or 0, line[:200].decode("utf-8", "replace").strip(), line=number)
