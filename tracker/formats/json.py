"""A JSON document with positions in it: an array, `{"positions": […]}`, or a track as the API answers it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from tracker.formats import Point, Reading, Skip, Unreadable
from tracker.formats.clock import Clock
from tracker.formats.fields import from_object

NAME = "json"
ABOUT = 'an array of positions, `{"positions": […]}`, a track as the API answers it; `point` may be WKT'
ITEM = "item"

_WKT = re.compile(r"POINT\s*\(\s*([^\s()]+)\s+([^\s()]+)\s*\)", re.IGNORECASE)


def recognises(name: str, head: str) -> bool:
    start = head.lstrip("\ufeff \t\r\n")
    return start.startswith(("[", '{"positions"')) or (name.endswith(".json") and start.startswith("{"))


def decode(file: BinaryIO, name: str) -> Any:
    """A whole JSON document. Raises Unreadable."""
    return parse(file.read(), name)


def parse(content: bytes, name: str) -> Any:
    """The same from bytes. Raises Unreadable."""
    try:
        return msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise Unreadable(f"{name}: not JSON: {fault}") from None


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    document = decode(file, reading.name)
    if isinstance(document, dict) and isinstance(document.get("positions"), list):
        if isinstance(document.get("vehicle"), str):
            reading = msgspec.structs.replace(reading, vehicle=document["vehicle"])
        document = document["positions"]
    if isinstance(document, dict):
        document = [document]
    if not isinstance(document, list):
        raise Unreadable(f"{reading.name}: neither an array of positions nor an object with `positions`")
    clock = Clock(reading.name, reading.zone)
    for number, item in enumerate(document, 1):
        if not isinstance(item, dict):
            yield Point(clock.last or 0, str(item)[:200], line=number)
            continue
        yield from_object(_unpacked(item), reading, clock, number)


def _unpacked(item: dict[str, Any]) -> dict[str, Any]:
    """The same with `point`: "POINT(lon lat)" as lat and lon."""
    match = _WKT.fullmatch(item["point"].strip()) if isinstance(item.get("point"), str) else None
    if match is None:
        return item
    try:
        lon, lat = float(match[1]), float(match[2])
    except ValueError:
        return item
    return {name: value for name, value in item.items() if name != "point"} | {"lat": lat, "lon": lon}
