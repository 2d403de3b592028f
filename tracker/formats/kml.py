"""KML with Google's gx:Track: times and coordinates side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO
from xml.etree.ElementTree import Element

from tracker.formats import Point, Reading, Skip
from tracker.formats.clock import Clock
from tracker.formats.fields import finished, position, read_number
from tracker.formats.xml import elements, tag

NAME = "kml"
ABOUT = "KML with gx:Track or gx:MultiTrack; each placemark is a vehicle"
ITEM = "point"


def recognises(name: str, head: str) -> bool:
    return "<kml" in head or name.endswith(".kml")


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    clock = Clock(reading.name, reading.zone or "UTC")  # the format knows no other
    placemark, number = "", 0
    for event, element, parent in elements(file, reading.name, ("Track", "Placemark")):
        kind = tag(element)
        if event == "start":
            if kind == "Placemark":
                placemark = ""
        elif kind == "name" and parent == "Placemark":
            placemark = (element.text or "").strip().replace("/", "-")
        elif kind == "Track":
            for point in _track(element, placemark or reading.vehicle, clock, number):
                number += 1
                yield point


def _track(track: Element, vehicle: str, clock: Clock, number: int) -> Iterator[Point | Skip]:
    times = [(child.text or "").strip() for child in track if tag(child) == "when"]
    places = [(child.text or "").split() for child in track if tag(child) == "coord"]
    for i, place in enumerate(places):
        line = number + i + 1
        if i >= len(times) or not times[i]:
            yield Skip("no_time", line)
        elif len(place) < 2:
            yield Skip("no_position", line)
        else:
            lon, lat = read_number(place[0]), read_number(place[1])
            height = read_number(place[2]) if len(place) > 2 else None
            yield finished(position(vehicle, lat, lon, altitude_m=height), times[i], clock, line)
