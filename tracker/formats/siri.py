"""SIRI Vehicle Monitoring: the VehicleActivity elements of a delivery (CEN/TS 15531)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO
from xml.etree.ElementTree import Element

from tracker.formats import Point, Reading, Skip
from tracker.formats.clock import Clock
from tracker.formats.fields import finished, position, read_number, read_speed
from tracker.formats.xml import elements, find_text, tag

NAME = "siri"
ABOUT = "SIRI-VM, the XML of public transport: one vehicle activity a fix"
ITEM = "activity"


def recognises(_name: str, head: str) -> bool:
    return "www.siri.org.uk/siri" in head or "<VehicleMonitoringDelivery" in head


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    clock = Clock(reading.name, reading.zone, reading.dates or "")
    number = 0
    for event, element, _ in elements(file, reading.name, ("VehicleActivity",)):
        if event == "end" and tag(element) == "VehicleActivity":
            number += 1
            yield _activity(element, reading, clock, number)


def _activity(activity: Element, reading: Reading, clock: Clock, number: int) -> Point | Skip:
    lat, lon = find_text(activity, "latitude"), find_text(activity, "longitude")
    time = find_text(activity, "recordedattime")
    if lat is None or lon is None:
        return Skip("no_position", number)
    if time is None:
        return Skip("no_time", number)
    attributes = {"line": find_text(activity, "publishedlinename") or find_text(activity, "lineref"),
                  "operator": find_text(activity, "operatorref")}  # fmt: skip
    place = position(
        find_text(activity, "vehicleref") or find_text(activity, "vehiclemonitoringref") or reading.vehicle,
        read_number(lat),
        read_number(lon),
        heading=read_number(find_text(activity, "bearing") or ""),
        speed_mps=read_speed(read_number(find_text(activity, "velocity") or ""), "mps"),
        attributes={name: value for name, value in attributes.items() if value} or None,
    )
    return finished(place, time, clock, number)
