"""Home Assistant's companion app: a webhook without a time and without a name, so it is now, and the token says who."""

from __future__ import annotations

from typing import Any

from tracker.errors import BadRequest
from tracker.protocols import Payload, Reading, Reply, Spoken
from tracker.protocols.native import read_document
from tracker.protocols.pieces import check_weight
from tracker.protocols.who import check_named, whose

_FINE = Reply(b"{}", "application/json")


def read(payload: Payload, now: int) -> Reading:
    reading = Reading(reply=_FINE)
    check_weight(payload.body)
    document = read_document(payload.body.strip())
    if not isinstance(document, dict):
        raise BadRequest("not_positions", 'this is JSON, but not `{"type", "data"}`')
    kind, data = document.get("type"), document.get("data")
    if kind == "encrypted":
        raise BadRequest("encrypted", "this app encrypts; register it without `supports_encryption`")
    said: dict[str, Any] | None = None
    if kind == "update_location" and isinstance(data, dict):
        said = _location(data)
    elif kind == "update_sensor_states" and isinstance(data, list):
        said = _sensors(data)
    if said is None:
        reading.discard()
    else:
        reading.hear(said | {"vehicle": whose(payload), "time": now}, now)
        check_named(reading, "put one behind the token in the address")
    return reading


def _location(data: dict[str, Any]) -> dict[str, Any]:
    gps = data.get("gps")
    lat, lon = gps[:2] if isinstance(gps, list) and len(gps) > 1 else (None, None)
    return {
        "lat": lat,
        "lon": lon,
        "speed_mps": data.get("speed"),
        "heading": data.get("course"),
        "altitude_m": data.get("altitude"),
        "accuracy_m": data.get("gps_accuracy"),
        "battery_pct": data.get("battery"),
        "attributes": {"location_name": data.get("location_name"), "time_source": "server"},
    }


def _sensors(data: list[Any]) -> dict[str, Any] | None:
    """A heartbeat, where the battery is among them."""
    level = next(
        (one.get("state") for one in data if isinstance(one, dict) and one.get("unique_id") == "battery_level"), None
    )
    return None if level is None else {"battery_pct": level, "attributes": {"time_source": "server"}}


SPOKEN = (Spoken("homeassistant", ("/api/webhook/{token}/",), read=read),)
