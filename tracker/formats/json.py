"""JSON documents with positions in them: an array, `{"positions": […]}`, or a track as the API answers it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from tracker.formats import Point, Reading, Skip, Unreadable
from tracker.formats.clock import Clock
from tracker.formats.fields import NOT_A_NUMBER
from tracker.formats.objects import SAMPLE, check_fields, from_object
from tracker.formats.text import find_encoding, whole

NAME = "json"
ABOUT = 'an array of positions, `{"positions": […]}`, a track as the API answers it; `point` may be WKT'
ITEM = "item"

#: names under which exports wrap their list
LISTS = ("positions", "locations", "points", "data", "items", "results", "records")


def recognises(name: str, head: str) -> bool:
    start = head.lstrip("\ufeff \t\r\n")
    return start.startswith("[") or re.match(r'\{\s*"positions"', start) is not None or (
        name.endswith(".json") and start.startswith("{") and not _is_lines(start)
    )  # fmt: skip


def _is_lines(head: str) -> bool:
    """One object a line, whatever the file is called."""
    first, _, second = head.partition("\n")
    return first.rstrip().endswith("}") and second.lstrip().startswith("{")


def decode(file: BinaryIO, name: str) -> Any:
    """A whole JSON document. Raises Unreadable."""
    return parse(whole(file, name), name)


def parse(content: bytes, name: str) -> Any:
    """The same from bytes; NaN and Infinity, which JSON has no word for, become a number nothing can have."""
    try:
        encoding, mark = find_encoding(content)
        if encoding != "utf-8":  # what PowerShell writes
            content, mark = content[mark:].decode(encoding, "replace").encode(errors="replace"), 0
        return decode_any(content[mark:])
    except ValueError as fault:
        raise Unreadable(f"{name}: not JSON: {str(fault)[:200]}") from None


def decode_any(content: bytes) -> Any:
    """Raises ValueError."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        why = fault
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if b"NaN" not in content and b"Infinity" not in content:
        raise ValueError(str(why)) from None
    try:
        return json.loads(content, parse_constant=lambda word: NOT_A_NUMBER)
    except (ValueError, RecursionError):
        raise ValueError(str(why)) from None


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    document = decode(file, reading.name)
    if isinstance(document, dict):
        wrapped = next((name for name in LISTS if isinstance(document.get(name), list)), None)
        if wrapped is not None:
            if isinstance(document.get("vehicle"), str):  # a track as the API answers it
                reading.vehicle = document["vehicle"]
                document = [_as_sent(item) for item in document[wrapped]]
            else:
                document = document[wrapped]
        else:
            document = [document]
    if not isinstance(document, list):
        raise Unreadable(f"{reading.name}: neither an array of positions nor an object with `positions`")
    check_fields([item for item in document[:SAMPLE] if isinstance(item, dict)], reading)
    clock = Clock(reading.name, reading.zone)
    for number, item in enumerate(document, 1):
        if not isinstance(item, dict):
            yield Point(clock.last or 0, str(item)[:200], line=number)
            continue
        yield from_object(item, reading, clock, number)


def _as_sent(item: Any) -> Any:
    """A position of a track without what its server said of it."""
    if not isinstance(item, dict):
        return item
    return {name: value for name, value in item.items() if name not in ("received_at", "late", "held")}
