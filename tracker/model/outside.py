"""Outside: how vehicles, positions and regions look outside. Times become RFC 3339, ids stay."""

from __future__ import annotations

from typing import Any

from tracker.model.change import Registered, VehicleState
from tracker.model.commit import HELD, LATE, SavedRegion, StoredPing
from tracker.model.picture import Picture
from tracker.model.ping import Ping
from tracker.model.states import STATES
from tracker.times import rfc3339

_OPTIONAL = (
    "speed_mps",
    "heading",
    "altitude_m",
    "accuracy_m",
    "ignition",
    "battery_pct",
    "odometer_m",
    "driver",
    "alarm",
    "attributes",
)
_TAKEN = {LATE: {"late": True}, HELD: {"held": True}}


def position(ping: Ping, received_at: int | None = None) -> dict[str, Any]:
    """A ping without its vehicle; what it did not say is left out."""
    shown: dict[str, Any] = {"time": rfc3339(ping.time), "lat": ping.lat, "lon": ping.lon}
    for name in _OPTIONAL:
        value = getattr(ping, name)
        if value is not None:
            shown[name] = value
    if received_at is not None:
        shown["received_at"] = rfc3339(received_at)
    return shown


def stored(row: StoredPing) -> dict[str, Any]:
    return position(row.ping, row.received_at) | _TAKEN.get(row.taken, {})


def vehicle(id: str, picture: Picture, state: VehicleState | None) -> dict[str, Any]:
    """A vehicle that is registered, or was heard, or both: `state` is what may be seen of the latter."""
    entry = picture.register.get(id) or Registered(id)
    shown: dict[str, Any] = {
        "vehicle": id,
        "name": entry.name,
        "plate": entry.plate,
        "group": entry.group,
        "kind": entry.kind,
        "attributes": entry.told(),
        "position": None,
        "state": STATES[0],
        "state_since": None,
        "regions": [],
        "held": None,
    }
    if state:
        shown |= {
            "position": position(state.ping, state.received_at),
            "state": STATES[state.state],
            "state_since": rfc3339(state.since) if state.since else None,
            "regions": [
                {"id": region, "name": region_name(region, picture), "entered_at": rfc3339(entered)}
                for region, entered in state.regions.items()
            ],
            "held": position(state.held) if state.held else None,
        }
    return shown


def region_name(id: str, picture: Picture) -> str | None:
    feature = picture.regions.get(id)
    name: str | None = feature["properties"].get("name") if feature else None
    return name


def region(feature: dict[str, Any], inside: int) -> dict[str, Any]:
    """A region as it is now, with how many vehicles are inside."""
    return feature | {"properties": feature["properties"] | {"inside_count": inside}}


def region_then(one: SavedRegion, ended: int | None, now: dict[str, Any] | None) -> dict[str, Any]:
    """A version of a region, with when it was in force; called what the region is `now`, where there is one."""
    feature = one.feature or {}
    if now is not None:
        feature = feature | {"properties": feature["properties"] | {"name": now["properties"]["name"]}}
    return {
        "id": one.id,
        "version": one.version,
        "from": rfc3339(one.updated_at),
        "until": None if ended is None else rfc3339(ended),
        "feature": feature,
    }
