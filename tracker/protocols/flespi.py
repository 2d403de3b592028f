"""flespi: a stream posts arrays of flat messages, `ident` and names with dots, of whatever hardware it decodes.

It sends the next batch when this one is answered, and the same again until then: an item that cannot be taken is
counted and holds nobody up.
"""

from __future__ import annotations

from typing import Any

from tracker.protocols import Payload, Reading, Reply, Spoken
from tracker.protocols.heard import number, speed
from tracker.protocols.items import read_items
from tracker.protocols.who import name_of

_PLACE = "position."
#: theirs → ours
_FIELDS = {
    "position.direction": "heading",
    "position.altitude": "altitude_m",
    "battery.level": "battery_pct",
    "engine.ignition.status": "ignition",
    "driver.id": "driver",
}
_TAKEN = frozenset({"ident", "timestamp", "position.latitude", "position.longitude", "position.speed", *_FIELDS})
_TAKEN |= {"position.valid", "vehicle.mileage", "server.timestamp", "channel.id", "protocol.id", "device.id"}
_TAKEN |= {"device.type.id", "peer", "position.timestamp"}

#: tags of a name that is true → an alarm by the rest of its name
_ALARMS = frozenset({"alarm", "sos", "panic", "crash", "accident", "towing", "jamming"})
_NO_ALARMS = frozenset({"mode", "armed", "enabled", "supported"})
_SAY_NOTHING = frozenset({"alarm", "event", "status", "trigger", "start"})


def read(payload: Payload, now: int) -> Reading:
    reading = Reading(reply=Reply(b'{"result":"ok"}', "application/json"))
    _, messages = read_items(payload.body, "messages")
    for message in messages:
        if isinstance(message, dict):
            reading.hear(_said(message), now)
        else:
            reading.discard()
    return reading


def _said(message: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {ours: message.get(theirs) for theirs, ours in _FIELDS.items()}
    if message.get("position.valid") is not False:
        said["lat"], said["lon"] = message.get("position.latitude"), message.get("position.longitude")
        said["speed_mps"] = speed(message.get("position.speed"), "kmh")
    if said.get("lat") is None:
        said["heading"] = said["altitude_m"] = None
    time = message.get("timestamp")
    said["time"] = message.get("server.timestamp") if time is None else time
    mileage = number(message.get("vehicle.mileage"))
    said["odometer_m"] = None if mileage is None else mileage * 1000
    said["vehicle"] = name_of(message.get("ident"))
    attributes: dict[str, Any] = {}
    alarms: list[str] = []
    for name, value in message.items():
        if name in _TAKEN:
            continue
        if value is True and (alarm := _alarm(name)):
            alarms.append(alarm)
        elif not isinstance(value, dict | list):
            attributes[name] = value
    said["alarm"] = ", ".join(alarms) or None
    said["attributes"] = attributes
    return said


def _alarm(name: str) -> str:
    """What is alarming when this is true; "" when nothing is: sos.alarm.event → sos."""
    tags = name.split(".")
    if _ALARMS.isdisjoint(tags) or not _NO_ALARMS.isdisjoint(tags):
        return ""
    return " ".join(tag for tag in tags if tag not in _SAY_NOTHING) or "alarm"


SPOKEN = (Spoken("flespi", read=read, gateway=True),)
