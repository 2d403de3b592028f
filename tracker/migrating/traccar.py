"""Traccar's words in ours. Rows come from its API or from its tables: names in small letters are the same in both."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from tracker.migrating.wkt import read_area
from tracker.model.change import SECRET
from tracker.model.ping import MAX_ID, SPEEDS, Unfit, vehicle_id, vehicle_of

Row = Mapping[str, Any]

KNOT_MPS = SPEEDS["speed_kn"]
CORRIDOR_M = 25.0  #: on each side of a line that says no `polylineDistance`
MOST_NAME = 100
#: of a position, what is worked out here anew
_OURS = frozenset({"ignition", "batteryLevel", "odometer", "alarm", "driverUniqueId", "distance", "motion"})
_ABOUT = ("phone", "model", "contact")


def row_of(item: Mapping[Any, Any]) -> Row:
    return {str(name).lower().strip(): value for name, value in item.items() if name is not None}


def number_of(row: Row, name: str = "id") -> int:
    """0: none. Text in a table, a number in JSON."""
    try:
        return int(row.get(name) or 0)
    except (TypeError, ValueError):
        return 0


def attributes_of(row: Row) -> dict[str, Any]:
    """An object in the API, its text in a table."""
    said = row.get("attributes")
    if isinstance(said, str):
        try:
            said = json.loads(said)
        except ValueError:
            said = _unescaped(said)
    return dict(said) if isinstance(said, dict) else {}


def _unescaped(text: str) -> Any:
    """What `mysql --batch` printed has its backslashes twice."""
    try:
        return json.loads(text.replace("\\\\", "\\"))
    except ValueError:
        return None


def flag_of(row: Row, name: str) -> bool:
    return str(row.get(name, "")).lower() in ("true", "t", "1", "\x01", "b'1'", "0x01")


def time_of(value: Any, zone: tzinfo = UTC) -> int | None:
    """UTC milliseconds. The API tells the zone, a table does not: Traccar keeps UTC there."""
    if isinstance(value, bool) or value in (None, ""):
        return None
    if isinstance(value, int | float):
        return int(value)
    try:
        read = datetime.fromisoformat(str(value).strip())
        read = read if read.tzinfo else read.replace(tzinfo=zone)
        return round(read.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def vehicle_ids(devices: Iterable[Row]) -> tuple[dict[int, str], list[str]]:
    """Device number → vehicle, never one for two; and a note on each that cannot be called as it was there."""
    ids: dict[int, str] = {}
    taken: set[str] = set()
    changed: list[tuple[int, str]] = []
    for device in devices:
        number, said = number_of(device), str(device.get("uniqueid") or "")
        try:
            kept = vehicle_id(said)
        except Unfit:
            kept = ""
        if kept and kept not in taken:  # two may differ only in how their letters are put together
            ids[number] = kept
            taken.add(kept)
        else:
            changed.append((number, said))
    notes = []
    for number, said in changed:
        name = vehicle_of(said)
        name = "" if name in (".", "..") else name
        if not name or name in taken:
            suffix = f" (traccar {number})" if name else f"traccar {number}"
            name = name[: MAX_ID - len(suffix)] + suffix
        ids[number] = name
        taken.add(name)
        notes.append(f"device {number}: {said!r} cannot be the id of a vehicle here: it is {name!r}")
    return ids, notes


def group_names(groups: Iterable[Row]) -> dict[int, str]:
    """Group number → name: its own; where two are called alike, with those it lies in before it."""
    rows = {number_of(group): group for group in groups}
    own = {number: str(group.get("name") or "").strip() or f"group {number}" for number, group in rows.items()}
    alike = Counter(own.values())

    def path(number: int, below: tuple[int, ...] = ()) -> str:
        parent = number_of(rows[number], "groupid")
        if parent not in rows or parent in (number, *below):
            return own[number]
        return f"{path(parent, (*below, number))} / {own[number]}"

    names: dict[int, str] = {}
    for number, name in own.items():
        name = name if alike[name] == 1 else path(number)
        if len(name) > MOST_NAME or name in names.values():
            suffix = f" (traccar {number})"
            name = name[: MOST_NAME - len(suffix)] + suffix
        names[number] = name
    return names


def entry_of(device: Row, groups: Mapping[int, str]) -> dict[str, Any]:
    """What the register says of it."""
    entry: dict[str, Any] = {}
    if name := str(device.get("name") or "").strip():
        entry["name"] = name[:200]
    if group := groups.get(number_of(device, "groupid")):
        entry["group"] = group
    if (kind := str(device.get("category") or "").strip()) and kind != "default":
        entry["kind"] = kind[:40]
    attributes = _scalars(attributes_of(device))
    attributes |= {name: said for name in _ABOUT if (said := str(device.get(name) or "").strip())}
    if flag_of(device, "disabled"):
        attributes["disabled"] = True
    if attributes:
        entry["attributes"] = attributes
    return entry


def region_of(geofence: Row) -> tuple[str, dict[str, Any], list[str]]:
    """Its id here, the Feature, and what of it nobody obeys here. Raises ValueError."""
    number, said = number_of(geofence), attributes_of(geofence)
    geometry, radius = read_area(str(geofence.get("area") or ""))
    name = str(geofence.get("name") or "").strip() or f"geofence {number}"
    properties: dict[str, Any] = {"name": name[:200]}
    if radius is not None:
        properties["radius_m"] = radius
    elif geometry["type"] == "LineString":
        properties["buffer_m"] = _number(said.pop("polylineDistance", None)) or CORRIDOR_M
    if limit := _number(said.pop("speedLimit", None)):
        properties["rules"] = {"speed_limit_mps": round(limit * KNOT_MPS, 3)}
    color = said.pop("color", None)
    if isinstance(color, str) and color.startswith("#"):
        properties["color"] = color
    left = [f"its {one}" for one in ("floor", "ceiling", "hide") if said.get(one)]
    if number_of(geofence, "calendarid"):
        left.append("its calendar: it is in force at all times until it has a `schedule`")
    attributes = _scalars(said)
    if description := str(geofence.get("description") or "").strip():
        attributes["description"] = description
    if attributes:
        properties["attributes"] = attributes
    return f"traccar-{number}", {"type": "Feature", "geometry": geometry, "properties": properties}, left


MARK = "traccar"  #: the attribute that says which geofence of which Traccar a region was


def mark_of(geofence: Row, origin: str) -> str:
    """What it was there; `origin`: the Traccar's address, where that says which one it is."""
    area = " ".join(str(geofence.get("area") or "").split())
    return f"{origin} {hashlib.sha256(area.encode()).hexdigest()[:12]}".strip()


def is_of(known: Mapping[str, Any], feature: Mapping[str, Any], mark: str) -> bool:
    """Is the region that is here this geofence, or only one of the same number of another Traccar?"""
    said = known["properties"].get("attributes", {}).get(MARK)
    if isinstance(said, str):
        *ours, was = said.split(" ")
        *theirs, is_now = mark.split(" ")
        return was == is_now or (bool(ours) and ours == theirs)
    alike: list[tuple[Any, Any]] = [(one["properties"].get("name"), one["geometry"]) for one in (known, feature)]
    return any(ours == theirs for ours, theirs in zip(*alike, strict=True))


def position_of(row: Row, vehicle: str, zone: tzinfo = UTC) -> dict[str, Any]:
    """A position as the API takes it; what is wrong with it is for the one judge of all positions to say."""
    said = attributes_of(row)
    fixed, told = time_of(row.get("fixtime"), zone), time_of(row.get("devicetime"), zone)
    item: dict[str, Any] = {
        "vehicle": vehicle,
        "time": next((time for time in (fixed, told) if time is not None), row.get("fixtime")),
        "lat": _number(row.get("latitude")),
        "lon": _number(row.get("longitude")),
        "speed_kn": _number(row.get("speed")),
        "heading": _number(row.get("course")),
        "altitude_m": _number(row.get("altitude")),
        "accuracy_m": _number(row.get("accuracy")),
        "battery_pct": _number(said.get("batteryLevel")),
        "odometer_m": next((n for one in ("odometer", "totalDistance") if (n := _number(said.get(one)))), None),
        "driver": _text(said.get("driverUniqueId")),
        "alarm": _text(said.get("alarm")),
        "ignition": said["ignition"] if isinstance(said.get("ignition"), bool) else None,
    }
    more = {name: value for name, value in _scalars(said).items() if name not in _OURS and name != "totalDistance"}
    if "valid" in row and not flag_of(row, "valid"):
        more["valid"] = False
    if flag_of(row, "outdated"):
        more["outdated"] = True
    item = {name: value for name, value in item.items() if value is not None}
    return item | ({"attributes": more} if more else {})


def event_of(row: Row, vehicle: str, region: str | None, place: Row | None, zone: tzinfo = UTC) -> dict[str, Any]:
    """An event as `POST /api/v1/history/told` takes it; `place`: its position, where there is one."""
    said = _scalars(attributes_of(row))
    if region is None and (geofence := number_of(row, "geofenceid")):
        said["geofence"] = geofence
    if maintenance := number_of(row, "maintenanceid"):
        said["maintenance"] = maintenance
    when = next((row[name] for name in ("eventtime", "servertime") if row.get(name)), None)
    item: dict[str, Any] = {
        "vehicle": vehicle,
        "time": time_of(when, zone),
        "what": str(row.get("type") or "unknown")[:100],
        "by": "Traccar",
        "number": str(number_of(row)),
        "region": region,
        "attributes": said,
    }
    if place is not None:
        item |= {"lat": _number(place.get("latitude")), "lon": _number(place.get("longitude"))}
    return {name: value for name, value in item.items() if value not in (None, {})}


def _scalars(said: Mapping[str, Any]) -> dict[str, Any]:
    """Texts, numbers and flags that have a value; no passwords."""
    return {
        name: value[:1000] if isinstance(value, str) else value
        for name, value in said.items()
        if isinstance(value, str | int | float | bool)
        and value != ""
        and not name.endswith(SECRET)
        and "password" not in name.lower()
    }


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value in (None, ""):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _text(value: Any) -> str | None:
    return str(value)[:256] if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None
