"""Traccar: a server of it forwards what its trackers say, one `{"position", "device"}` a request; 266 protocols so.

Its speeds are knots. What it could not place (`valid` false, or `outdated`: a copy of the last known place) is heard
without a place.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tracker.protocols import Payload, Reading, Reply, Spoken, osmand
from tracker.protocols.heard import speed
from tracker.protocols.items import read_items
from tracker.protocols.who import name_of

DAWARICH = "/api/v1/traccar/points"

_TIMES = ("fixTime", "deviceTime", "serverTime")
_PLACE = {
    "latitude": "lat",
    "longitude": "lon",
    "course": "heading",
    "altitude": "altitude_m",
    "accuracy": "accuracy_m",
}
_ATTRIBUTES = {
    "batteryLevel": "battery_pct",
    "ignition": "ignition",
    "odometer": "odometer_m",
    "driverUniqueId": "driver",
}
_BEATS = ("deviceOnline", "deviceMoving", "deviceStopped")  #: events by which a device was there
_TAKEN = frozenset({"alarm", *_ATTRIBUTES})


def read(payload: Payload, now: int) -> Reading:
    reply = Reply(b"[]", "application/json") if payload.path == DAWARICH else Reply()
    reading = Reading(reply=reply)
    _, documents = read_items(payload.body, "")
    for document in documents:
        if isinstance(document, dict) and "location" in document:  # not of a server, but of Traccar's app
            return msgspec.structs.replace(osmand.read(payload, now), reply=reply)
        said = _said(document)
        if said is None:
            reading.discard()
        else:
            reading.hear(said, now)
    return reading


def _said(document: Any) -> dict[str, Any] | None:
    if not isinstance(document, dict):
        return None
    position, event = document.get("position"), _object(document.get("event"))
    alarm = _object(event.get("attributes")).get("alarm") or (event.get("type") == "alarm" or None)
    if not isinstance(position, dict):  # an event without one
        if alarm is None and event.get("type") not in _BEATS:
            return None
        position = {"valid": False, "fixTime": event.get("eventTime")}
    attributes = _object(position.get("attributes"))
    said = {ours: attributes.get(theirs) for theirs, ours in _ATTRIBUTES.items()}
    said["alarm"] = attributes.get("alarm") or alarm
    said["attributes"] = {name: value for name, value in _flat(attributes).items() if name not in _TAKEN}
    times: tuple[str, ...] = _TIMES
    if position.get("valid") is not False and position.get("outdated") is not True:
        said |= {ours: position.get(theirs) for theirs, ours in _PLACE.items()}
        said["speed_mps"] = speed(position.get("speed"), "kn")
    else:
        times = ("deviceTime", *_TIMES)  # the fix is an older one
    said["time"] = next((position[name] for name in times if position.get(name) is not None), None)
    said["vehicle"] = name_of(_object(document.get("device")).get("uniqueId"))
    return said


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _flat(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if not isinstance(value, dict | list)}


SPOKEN = (Spoken("traccar", (DAWARICH,), read=read, gateway=True),)
