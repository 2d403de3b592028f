"""GTFS-realtime VehiclePositions, one snapshot a file: JSON, protocol buffer, or the text form of one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from tracker.formats import Point, Reading, Skip, Unreadable
from tracker.formats.clock import Clock
from tracker.formats.fields import finished, position, read_speed
from tracker.formats.json import parse
from tracker.formats.text import whole

NAME = "gtfs"
ABOUT = "GTFS-realtime VehiclePositions: JSON, and with the extra `gtfs` protocol buffers and their text form"
ITEM = "entity"

_BINARY = re.compile(r"\n.\n\x03[12]\.\d", re.DOTALL)  # a header that begins with its version
_TEXT = re.compile(r'^\s*header\s*:?\s*\{\s*gtfs_realtime_version\s*:\s*"', re.MULTILINE)


def recognises(name: str, head: str) -> bool:
    if '"gtfs_realtime_version"' in head or '"gtfsRealtimeVersion"' in head:
        return True
    return _BINARY.match(head) is not None or _TEXT.search(head) is not None or name.endswith((".pb", ".txtpb"))


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    feed = _feed(whole(file, reading.name), reading.name)
    entities = feed.get("entity")
    if not isinstance(entities, list):
        raise Unreadable(f"{reading.name}: not a GTFS-realtime feed: it has no `entity` list")
    header = feed.get("header")
    published = header.get("timestamp") if isinstance(header, dict) else None
    clock = Clock(reading.name, reading.zone, reading.dates or "")
    for number, entity in enumerate(entities, 1):
        yield _entity(entity if isinstance(entity, dict) else {}, published, reading, clock, number)


def _feed(content: bytes, name: str) -> dict[str, Any]:
    start = content[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith((b"{", b"[")):
        said = parse(content, name)
        return said if isinstance(said, dict) else {}
    try:
        from google.protobuf import json_format, message, text_format
        from google.transit import gtfs_realtime_pb2
    except ImportError:
        raise Unreadable(f"{name}: GTFS-realtime needs the extra gtfs: pip install 'live-map-tracker[gtfs]'") from None
    feed = gtfs_realtime_pb2.FeedMessage()
    try:
        if _BINARY.match(content[:16].decode("latin-1")):
            feed.ParseFromString(content)
        else:
            text_format.Parse(content.decode("utf-8"), feed, allow_unknown_field=True)
    except (message.DecodeError, text_format.ParseError, UnicodeDecodeError, RecursionError) as fault:
        raise Unreadable(f"{name}: not a GTFS-realtime feed: {str(fault)[:200]}") from None
    document: dict[str, Any] = json_format.MessageToDict(feed, preserving_proto_field_name=True)
    return document | {"entity": document.get("entity", [])}


def _entity(entity: dict[str, Any], published: Any, reading: Reading, clock: Clock, number: int) -> Point | Skip:
    if _get(entity, "is_deleted") is True:
        return Skip("deleted", number)
    vehicle = entity.get("vehicle")
    if not isinstance(vehicle, dict):
        return Skip("not_a_position", number)
    place = vehicle.get("position")
    if not isinstance(place, dict):
        return Skip("no_position", number)
    who, trip = _object(vehicle.get("vehicle")), _object(vehicle.get("trip"))
    attributes = {
        "route_id": _get(trip, "route_id"),
        "trip_id": _get(trip, "trip_id"),
        "label": who.get("label"),
        "license_plate": _get(who, "license_plate"),
    }
    time = _since_1970(vehicle.get("timestamp")) or _since_1970(published)
    if not time:
        return Skip("no_time", number)
    return finished(
        position(
            str(who.get("id") or who.get("label") or entity.get("id") or reading.vehicle),
            place.get("latitude"),
            place.get("longitude"),
            speed_mps=read_speed(place.get("speed"), "mps"),
            heading=place.get("bearing"),
            odometer_m=place.get("odometer"),
            attributes={name: value for name, value in attributes.items() if isinstance(value, str) and value} or None,
        ),
        time,
        clock,
        number,
    )


def _since_1970(value: Any) -> str:
    """Seconds as text; 0 means that nobody said when."""
    text = str(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else ""
    return "" if text in ("0", "0.0") else text


def _get(fields: dict[str, Any], name: str) -> Any:
    """A field in the feed's own spelling, or in the camel case that JSON of protocol buffers has."""
    first, *rest = name.split("_")
    return fields.get(name, fields.get(first + "".join(word.title() for word in rest)))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
