"""JSON documents with positions in them: an array, `{"positions": […]}`, or a track as the API answers it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import msgspec

from tracker.formats import Point, Reading, Skip, Unreadable
from tracker.formats.clock import Clock
from tracker.formats.fields import NOT_A_NUMBER
from tracker.formats.objects import SAMPLE, check_fields, from_object, is_position, spread
from tracker.formats.text import as_far, find_encoding
from tracker.model.ping import vehicle_of

NAME = "json"
ABOUT = 'an array of positions, `{"positions": […]}`, a track as the API answers it; `point` may be WKT'
ITEM = "item"

#: names under which exports wrap their list
LISTS = ("positions", "locations", "points", "data", "items", "results", "result", "records", "messages",
         "vehicles", "devices", "units", "assets", "objects", "history", "track", "fixes", "response")  # fmt: skip

_WHOSE = ("imei", "ident", "device_id", "deviceId", "vehicle_id", "vehicleId", "unit_id", "unitId")

_LIST = re.compile(r'\s*(?:\{.{0,10000}?"(' + "|".join(("features", *LISTS)) + r')"\s*:\s*)?\[\s*', re.DOTALL)
#: what a logger writes before a line of something else: `[12:00:01] $GPRMC`
_STAMP = re.compile(r'\[[^\[\]{}"\n]+\][ \t]*[^\s,]')
_NEXT = re.compile(r"\s*(?:,\s*|(?=\]))")


def recognises(name: str, head: str) -> bool:
    start = head.lstrip("\ufeff \t\r\n")
    return (start.startswith("[") and not _STAMP.match(start)) or re.match(r'\{\s*"positions"', start) is not None or (
        name.endswith(".json") and start.startswith("{") and not _is_lines(start)
    )  # fmt: skip


def _is_lines(head: str) -> bool:
    """One object a line, whatever the file is called."""
    first, _, second = head.partition("\n")
    return first.rstrip().endswith("}") and second.lstrip().startswith("{")


class Document(NamedTuple):
    value: Any
    damage: Unreadable | None = None  # it breaks off: the value has what is whole of its list


def decode(file: BinaryIO, name: str) -> Document:
    """A whole JSON document, or the items of its list up to where it is damaged. Raises Unreadable."""
    content, fault = as_far(file, name)
    try:
        if fault is None:
            return Document(parse(content, name))
        raise Unreadable(f"{name} is damaged: {fault}")
    except Unreadable as damage:
        value = _salvaged(content)
        if value is None:
            raise
        return Document(value, damage)


def _salvaged(content: bytes) -> Any:
    """The document with those items of its list that are whole; None when there are none."""
    encoding, mark = find_encoding(content)
    text = content[mark:].decode(encoding, "replace")
    start = _LIST.match(text)
    if start is None:
        return None
    decoder = json.JSONDecoder(parse_constant=lambda _word: NOT_A_NUMBER)
    items: list[Any] = []
    at = start.end()
    try:
        document = json.loads(text[:at] + ("]}" if start[1] else "]"))
        while text[at : at + 1] not in ("", "]"):
            item, at = decoder.raw_decode(text, at)
            following = _NEXT.match(text, at)
            if following is None:  # a number, perhaps, of which digits are missing
                break
            items.append(item)
            at = following.end()
    except (ValueError, RecursionError):
        pass
    if not items:
        return None
    return document | {start[1]: items} if start[1] else items


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
        return json.loads(content, parse_constant=lambda _word: NOT_A_NUMBER)
    except (ValueError, RecursionError):
        raise ValueError(str(why)) from None


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    document, damage = decode(file, reading.name)
    items = _listed(document, reading)
    if items is None:
        raise Unreadable(f"{reading.name}: neither an array of positions nor an object with `positions`")
    items = [one for item in items for one in (spread(item) if isinstance(item, dict) else (item,))]
    check_fields([item for item in items[:SAMPLE] if isinstance(item, dict)], reading)
    clock = Clock(reading.name, reading.zone, reading.dates or "")
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            yield Point(clock.last or 0, str(item)[:200], line=number)
            continue
        yield from_object(item, reading, clock, number)
    if damage is not None:
        raise damage


def _listed(document: Any, reading: Reading) -> list[Any] | None:
    """The items of a document, in lists up to three objects deep; None: it has none. Whose they are is noted."""
    for _ in range(3):
        if not isinstance(document, dict):
            break
        wrapped = next((name for name in LISTS if isinstance(document.get(name), list)), None)
        if wrapped is not None and isinstance(document.get("vehicle"), str):  # a track as the API answers it
            reading.vehicle = document["vehicle"]
            return [_as_sent(item) for item in document[wrapped]]
        told = next((document[name] for name in _WHOSE if type(document.get(name)) in (str, int)), "")
        inner = wrapped or next((name for name in LISTS if isinstance(document.get(name), dict)), None)
        inner = inner or _only(document)
        if inner is None:
            return [document]
        reading.vehicle = vehicle_of(str(told)) or reading.vehicle
        document = document[inner]
    return document if isinstance(document, list) else None if not isinstance(document, dict) else [document]


def _only(document: dict[str, Any]) -> str | None:
    """The name that all of a document stands under: an export of one user has it under what that one is called."""
    if len(document) != 1:
        return None
    [(name, value)] = document.items()
    is_it = any(map(is_position, value[:9])) if isinstance(value, list) else isinstance(value, dict)
    return name if is_it else None


def _as_sent(item: Any) -> Any:
    """A position of a track without what its server said of it."""
    if not isinstance(item, dict):
        return item
    return {name: value for name, value in item.items() if name not in ("received_at", "late", "held")}
