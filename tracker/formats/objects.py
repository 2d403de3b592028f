"""Objects: a JSON object of any make as a point, its names put into the words of the API."""

from __future__ import annotations

from typing import Any

from tracker.formats import Point, Reading
from tracker.formats.clock import Clock
from tracker.formats.fields import finished, read_percent, read_speed
from tracker.formats.names import plan

_SPEEDS = frozenset({"speed_mps", "speed_kmh", "speed_kn"})
#: what a position of a Traccar server always has; its speeds are knots
_TRACCAR = frozenset({"deviceId", "fixTime", "serverTime"})


def from_object(item: dict[str, Any], reading: Reading, clock: Clock, line: int) -> Point:
    """A JSON object as a point. What the API knows stays untouched, and what nobody can read is left to the gate."""
    found = plan(tuple(item))
    place = item.copy()
    for name, field in found.renamed:
        place[field] = place.pop(name)
    speed = found.speed
    if speed is not None and speed not in _SPEEDS and _is_number(item[speed]):
        unit = found.unit or ("kn" if item.keys() >= _TRACCAR else reading.speed_unit)
        place["speed_mps"] = read_speed(place.pop(speed), unit)
        if not found.unit:
            reading.note(f"speed = {speed!r}, taken for {unit}")
    vehicle = place.setdefault("vehicle", reading.vehicle)
    if type(vehicle) is int:
        place["vehicle"] = str(vehicle)
    if "battery_pct" in place and "battery_pct" not in item:
        place["battery_pct"] = read_percent(place["battery_pct"], reading)
    lon = place.get("lon")
    if type(lon) is float and 180 < lon <= 360:
        reading.note("longitudes of 180 … 360 are taken for -180 … 0")
        place["lon"] = round(lon - 360, 9)
    time = place.pop("time", None)
    if type(time) is int or type(time) is float:
        time = repr(time)
    if type(time) is str:
        return finished(place, time, clock, line)
    place["time"] = time  # absent, or of a type no time has
    return Point(clock.last or 0, place, line=line)


def _is_number(value: Any) -> bool:
    return type(value) is float or type(value) is int
