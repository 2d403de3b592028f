"""Overland: GeoJSON features in batches, as the iPhone app sends them and as Dawarich and its clients took them up.

The app sends a batch again until it hears `{"result":"ok"}`; what of it is no position is counted and not kept.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tracker.protocols import Payload, Reading, Reply, Spoken
from tracker.protocols.heard import battery
from tracker.protocols.items import read_items
from tracker.protocols.who import check_named, whose
from tracker.times import rfc3339

JSON = "application/json"
BATCHES, POINTS = "/api/v1/overland/batches", "/api/v1/points"

_OK = b'{"result":"ok"}'
_VISITS = ("trip", "visit")
_CHARGING = {"charging": True, "full": True, "unplugged": False}

#: no attributes: fields of ours, and how the app is set up
_APART = frozenset(
    {"timestamp", "speed", "course", "altitude", "horizontal_accuracy", "battery_level", "battery_state"}
)
_APART |= {"device_id", "unique_id", "wifi", "deferred", "significant_change", "locations_in_payload", "pauses"}
_APART |= {"desired_accuracy", "activity", "tracking_mode", "type"}


def read(payload: Payload, now: int) -> Reading:
    reading = Reading(reply=Reply(_OK, JSON, 201 if payload.path == BATCHES else 200))
    around, features = read_items(payload.body, "locations")
    for feature in features:
        _take(reading, feature, payload, now)
    if (current := around.get("current")) is not None:
        _take(reading, current, payload, now)  # of a later batch: when that comes, this fix is a duplicate of it
    if around.get("trip") is not None:
        reading.discard()
    check_named(reading, "set a device id in the app")
    if payload.path == POINTS:
        reading.reply = Reply(_points(reading), JSON)
    return reading


def _take(reading: Reading, feature: Any, payload: Payload, now: int) -> None:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    if not isinstance(properties, dict) or "action" in properties or properties.get("type") in _VISITS:
        reading.discard()
        return
    geometry = feature.get("geometry")
    place = geometry.get("coordinates") if isinstance(geometry, dict) else None
    lon, lat, *rest = place if isinstance(place, list) and len(place) > 1 else (None, None)
    level = properties.get("battery_level")
    if not level and properties.get("battery_state") == "unknown":
        level = None
    altitude = properties.get("altitude")
    reading.hear(
        {
            "vehicle": whose(payload, properties.get("device_id"), properties.get("unique_id")),
            "time": properties.get("timestamp"),
            "lat": lat,
            "lon": lon,
            "speed_mps": properties.get("speed"),
            "heading": properties.get("course"),
            "altitude_m": rest[0] if altitude is None and rest else altitude,
            "accuracy_m": properties.get("horizontal_accuracy"),
            "battery_pct": battery(level, fraction=True),
            "attributes": _attributes(properties),
        },
        now,
    )


def _attributes(properties: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in properties.items():
        if name in _APART or value == -1 or value == []:
            continue
        kept[name] = ", ".join(map(str, value)) if name == "motion" and isinstance(value, list) else value
    if (state := properties.get("battery_state")) in ("charging", "full", "unplugged"):
        kept["charging"] = _CHARGING[state]
    return kept


def _points(reading: Reading) -> bytes:
    points = [{"timestamp": rfc3339(ping.time), "longitude": ping.lon, "latitude": ping.lat} for ping in reading.pings]
    return msgspec.json.encode({"data": points})


def _refusal(status: int, why: str) -> Reply:
    """The app shows its driver the `error`."""
    return Reply(msgspec.json.encode({"error": why}), JSON, status)


SPOKEN = (Spoken("overland", (BATCHES, POINTS), read=read, refusal=_refusal),)
