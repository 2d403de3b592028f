"""GPX 1.0 and 1.1: tracks and routes, one vehicle a track name (the file's name where a track has none)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element

from tracker.formats import Point, Reading, Skip
from tracker.formats.clock import Clock
from tracker.formats.fields import finished, position, read_number, read_speed
from tracker.formats.xml import child_text, elements, find_text, tag

NAME = "gpx"
ABOUT = "GPX 1.0 and 1.1; each track is a vehicle, points without a time are left out and counted"
ITEM = "point"

POINTS = ("trkpt", "rtept", "wpt")


def recognises(name: str, head: str) -> bool:
    return "<gpx" in head or name.endswith(".gpx")


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    clock = Clock(reading.name, reading.zone or "UTC")  # the format knows no other
    track = ""  # the name of the one we are in, which GPX writes before its points
    waypoints: list[Point | Skip] | None = []  # marks on a map, unless the file has nothing else
    number = 0
    for event, element, parent in elements(file, reading.name, POINTS):
        kind = tag(element)
        if event == "start":
            if kind in ("trk", "rte"):
                track = ""
        elif kind == "name" and parent in ("trk", "rte"):
            track = (element.text or "").strip().replace("/", "-")
        elif kind in POINTS:
            number += 1
            if kind == "wpt" and waypoints is not None:
                waypoints.append(_point(element, reading.vehicle, clock, number))
                continue
            yield from (Skip("waypoint", mark.line) for mark in waypoints or ())
            waypoints = None
            yield (
                Skip("waypoint", number) if kind == "wpt" else _point(element, track or reading.vehicle, clock, number)
            )
    yield from waypoints or ()


def _point(element: Element, vehicle: str, clock: Clock, number: int) -> Point | Skip:
    time = child_text(element, "time")
    if time is None:
        return Skip("no_time", number)
    fields: dict[str, Any] = {}
    if (speed := find_text(element, "speed")) is not None:
        fields["speed_mps"] = read_speed(read_number(speed), "mps")
    if (course := find_text(element, "course") or find_text(element, "bearing")) is not None:
        fields["heading"] = read_number(course)
    if (height := child_text(element, "ele")) is not None:
        fields["altitude_m"] = read_number(height)
    lat, lon = (read_number(element.get(name, "")) for name in ("lat", "lon"))
    return finished(position(vehicle, lat, lon, **fields), time, clock, number)
