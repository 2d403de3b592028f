"""GTFS-realtime VehiclePositions in their JSON spelling, one snapshot a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from tracker.formats import Point, Reading, Skip, Unreadable
from tracker.formats.clock import Clock
from tracker.formats.fields import finished, position, read_heading, read_speed
from tracker.formats.json import decode

NAME = "gtfs"
ABOUT = "GTFS-realtime VehiclePositions as JSON"
ITEM = "entity"


def recognises(name: str, head: str) -> bool:
    return '"gtfs_realtime_version"' in head or '"gtfsRealtimeVersion"' in head


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    document = decode(file, reading.name)
    entities = document.get("entity") if isinstance(document, dict) else None
    if not isinstance(entities, list):
        raise Unreadable(f"{reading.name}: not a GTFS-realtime feed: it has no `entity` list")
    header = document.get("header")
    published = header.get("timestamp") if isinstance(header, dict) else None
    clock = Clock(reading.name, reading.zone)
    for number, entity in enumerate(entities, 1):
        vehicle = entity.get("vehicle") if isinstance(entity, dict) else None
        place = vehicle.get("position") if isinstance(vehicle, dict) else None
        if not isinstance(vehicle, dict) or not isinstance(place, dict):
            yield Skip("not_a_position", number)
            continue
        who, trip = vehicle.get("vehicle") or {}, vehicle.get("trip") or {}
        yield finished(
            position(
                str(who.get("id") or entity.get("id") or reading.vehicle),
                place.get("latitude"),
                place.get("longitude"),
                speed_mps=read_speed(place.get("speed"), "mps"),
                heading=read_heading(place.get("bearing")),
                attributes=_named(route_id=trip.get("route_id"), trip_id=trip.get("trip_id"), label=who.get("label")),
            ),
            str(vehicle.get("timestamp") or published or ""),
            clock,
            number,
        )


def _named(**attributes: Any) -> dict[str, Any] | None:
    return {name: value for name, value in attributes.items() if value} or None
