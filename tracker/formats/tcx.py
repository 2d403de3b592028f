"""TCX, Garmin's Training Center format: the trackpoints of each activity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from tracker.formats import Point, Reading, Skip
from tracker.formats.clock import Clock
from tracker.formats.fields import finished, position, read_number, read_speed
from tracker.formats.xml import child_text, elements, find_text, tag

NAME = "tcx"
ABOUT = "Garmin TCX; points without a position are left out and counted"
ITEM = "point"


def recognises(name: str, head: str) -> bool:
    return "<TrainingCenterDatabase" in head or name.endswith(".tcx")


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    clock = Clock(reading.name, reading.zone or "UTC")  # the format knows no other
    number = 0
    for event, element, _ in elements(file, reading.name, ("Trackpoint",)):
        if event != "end" or tag(element) != "Trackpoint":
            continue
        number += 1
        lat, lon = find_text(element, "latitudedegrees"), find_text(element, "longitudedegrees")
        time = child_text(element, "Time")
        if lat is None or lon is None:
            yield Skip("no_position", number)
        elif time is None:
            yield Skip("no_time", number)
        else:
            place = position(
                reading.vehicle,
                read_number(lat),
                read_number(lon),
                altitude_m=read_number(child_text(element, "AltitudeMeters") or ""),
                speed_mps=read_speed(read_number(find_text(element, "speed") or ""), "mps"),
            )
            yield finished(place, time, clock, number)
