"""GPX 1.0 and 1.1: tracks and routes, one vehicle a track name (the file's name where a track has none)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element

from tracker.formats import Point, Reading, Skip, Unreadable
from tracker.formats.clock import Clock
from tracker.formats.fields import finished, position, read_number, read_speed
from tracker.formats.json import decode_any
from tracker.formats.own import OPTIONAL
from tracker.formats.tracks import Tracks
from tracker.formats.xml import child_text, elements, find_text, tag

NAME = "gpx"
ABOUT = "GPX 1.0 and 1.1; each track is a vehicle, points without a time are left out and counted"
ITEM = "point"

POINTS = ("trkpt", "rtept", "wpt")
MOST_WAYPOINTS = 1_000_000


def recognises(name: str, head: str) -> bool:
    return "<gpx" in head or ":gpx" in head[:2000] or name.endswith(".gpx")


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    clock = Clock(reading.name, reading.zone or "UTC")  # the format knows no other
    tracks = Tracks(reading)
    waypoints: list[Point | Skip] | None = []  # marks on a map, unless the file has nothing else
    number, extensions, timed = 0, 0, False
    for event, element, parent in elements(file, reading.name, POINTS):
        kind = tag(element)
        if event == "cut":  # a place of which not all is known
            continue
        if kind == "extensions":
            extensions += 1 if event == "start" else -1
        elif extensions:
            continue
        elif event == "start":
            if kind in ("trk", "rte"):
                tracks.begin_track()
        elif kind == "name" and parent in ("trk", "rte"):
            tracks.name(element.text or "")
        elif kind in POINTS:
            number += 1
            if kind == "wpt" and waypoints is not None:
                waypoints.append(_point(element, {"vehicle": reading.vehicle}, clock, number))
                if len(waypoints) == MOST_WAYPOINTS:  # more than marks for a track, and than memory is there for
                    raise Unreadable(
                        f"{reading.name}: {MOST_WAYPOINTS:,} waypoints and no track yet; that is no recording"
                    )
                continue
            yield from (Skip("waypoint", mark.line) for mark in waypoints or ())
            waypoints = None
            if kind == "wpt":
                yield Skip("waypoint", number)
            else:
                outcome = tracks.seen(_point(element, tracks.vehicle, clock, number))
                timed = timed or isinstance(outcome, Point)
                yield outcome
    tracks.finish()
    if number and not timed and not any(isinstance(mark, Point) for mark in waypoints or ()):
        reading.note(f"{number} places, none with a time: a route, a plan or a list of places; that is no recording")
    elif waypoints:
        reading.note("it has no track: its waypoints are taken for fixes")
    if waypoints:
        yield from waypoints


def _point(element: Element, vehicle: dict[str, Any], clock: Clock, number: int) -> Point | Skip:
    time = child_text(element, "time")
    if time is None:
        return Skip("no_time", number)
    fields = dict(vehicle)
    if (said := _our_own(element)) is not None:
        lat, lon = (read_number(element.get(name, "")) for name in ("lat", "lon"))
        fields |= said
        return finished(position(fields.pop("vehicle"), lat, lon, **fields), time, clock, number)
    if (speed := find_text(element, "speed")) is not None:
        fields["speed_mps"] = read_speed(read_number(speed), "mps")
    if (course := find_text(element, "course") or find_text(element, "bearing")) is not None:
        fields["heading"] = read_number(course)
    if (height := child_text(element, "ele")) is not None:
        fields["altitude_m"] = read_number(height)
    lat, lon = (read_number(element.get(name, "")) for name in ("lat", "lon"))
    return finished(position(fields.pop("vehicle"), lat, lon, **fields), time, clock, number)


def _our_own(element: Element) -> dict[str, Any] | None:
    """What an export of this program says of a fix, as JSON in an element of its own."""
    for child in element.iter():
        if child.tag == "tracker:position":
            try:
                said = decode_any((child.text or "").encode())
            except ValueError:
                return None
            return (
                {name: said[name] for name in ("vehicle", *OPTIONAL) if name in said}
                if isinstance(said, dict)
                else None
            )
    return None
