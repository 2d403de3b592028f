"""GTFS-realtime: vehicles as a feed of VehiclePositions, which programs of public transport read.

What a feed says beside places comes from attributes, of the fix or else of the register: `trip_id`, `route_id`,
`direction_id`, `start_time`, `start_date`, `stop_id`, `current_stop_sequence`, `current_status`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tracker.model.change import Registered
from tracker.model.ping import Ping
from tracker.outputs.protobuf import Schema

TYPE = "application/x-protobuf"
VERSION = "2.0"
FRESH_S = 90  #: an older position is none of the present, says the specification's best practice

STATUSES = {"INCOMING_AT": 0, "STOPPED_AT": 1, "IN_TRANSIT_TO": 2}
_TRIP = Schema({
    "trip_id": (1, "string"),
    "start_time": (2, "string"),
    "start_date": (3, "string"),
    "route_id": (5, "string"),
    "direction_id": (6, "uint"),
})  # fmt: skip
_PLACE = Schema({
    "latitude": (1, "float"),
    "longitude": (2, "float"),
    "bearing": (3, "float"),
    "odometer": (4, "double"),
    "speed": (5, "float"),
})  # fmt: skip
_WHO = Schema({"id": (1, "string"), "label": (2, "string"), "license_plate": (3, "string")})
_VEHICLE = Schema({
    "trip": (1, _TRIP),
    "position": (2, _PLACE),
    "current_stop_sequence": (3, "uint"),
    "current_status": (4, STATUSES),
    "timestamp": (5, "uint"),
    "stop_id": (7, "string"),
    "vehicle": (8, _WHO),
})  # fmt: skip
_ENTITY = Schema({"id": (1, "string"), "vehicle": (4, _VEHICLE)})
_HEADER = Schema({
    "gtfs_realtime_version": (1, "string"),
    "incrementality": (2, {"FULL_DATASET": 0}),
    "timestamp": (3, "uint"),
})  # fmt: skip
FEED = Schema({"header": (1, _HEADER), "entity": (2, _ENTITY)})


def is_fresh(ping: Ping, now: int, max_age_s: int) -> bool:
    """0: however old it is."""
    return not max_age_s or now - ping.time <= max_age_s * 1000


def feed(entities: Iterable[dict[str, Any]], now: int) -> dict[str, Any]:
    """All that whoever asks may see: what is not in it is not known, so it is a whole data set each time."""
    header = {"gtfs_realtime_version": VERSION, "incrementality": "FULL_DATASET", "timestamp": now // 1000}
    return {"header": header, "entity": list(entities)}


def entity(ping: Ping, entry: Registered | None, now: int) -> dict[str, Any]:
    """One vehicle; what nobody said is left out."""
    said = _Said({**(entry.told() if entry else {}), **(ping.attributes or {})})
    trip = {name: said.get(name, read) for name, read in _OF_TRIP.items()}
    vehicle = {
        "trip": trip if any(value is not None for value in trip.values()) else None,
        "position": {
            "latitude": ping.lat,
            "longitude": ping.lon,
            "bearing": ping.heading,
            "odometer": ping.odometer_m,
            "speed": ping.speed_mps,
        },
        "current_stop_sequence": said.get("current_stop_sequence", _count),
        "current_status": said.get("current_status", _status),
        "timestamp": min(ping.time, now) // 1000,  # a clock may be a little ahead of the header's
        "stop_id": said.get("stop_id", _id),
        "vehicle": {
            "id": ping.vehicle,
            "label": (entry and entry.name) or ping.vehicle,
            "license_plate": entry and entry.plate,
        },
    }
    return {"id": ping.vehicle, "vehicle": _without_none(vehicle)}


def _without_none(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: _without_none(part) for name, part in value.items() if part is not None}


class _Said:
    def __init__(self, attributes: Mapping[str, Any]) -> None:
        self._attributes = attributes

    def get(self, name: str, read: Callable[[str], Any]) -> Any:
        """What it is, if it can be that."""
        value = self._attributes.get(name)
        plain = isinstance(value, str | int | float) and not isinstance(value, bool)
        return read(f"{value:g}" if isinstance(value, float) else str(value).strip()) if plain else None


def _id(text: str) -> str | None:
    return text if text and text.isprintable() else None


def _count(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else None


def _direction(text: str) -> int | None:
    return int(text) if text in ("0", "1") else None


def _date(text: str) -> str | None:
    """`20261126`, or with dashes."""
    digits = text.replace("-", "")
    return digits if re.fullmatch(r"[12]\d{3}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", digits, re.ASCII) else None


def _time(text: str) -> str | None:
    """Of a day that may have over 24 hours."""
    return text if re.fullmatch(r"\d{1,3}:[0-5]\d:[0-5]\d", text, re.ASCII) else None


def _status(text: str) -> str | None:
    return text if text in STATUSES else None


_OF_TRIP: dict[str, Callable[[str], Any]] = {
    "trip_id": _id, "start_time": _time, "start_date": _date, "route_id": _id, "direction_id": _direction,
}  # fmt: skip
