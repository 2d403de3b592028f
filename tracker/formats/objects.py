"""Objects: a JSON object of any make as a point, its names put into the words of the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tracker.formats import Point, Reading, Skip, Unreadable
from tracker.formats.clock import Clock
from tracker.formats.fields import finished, read_percent, read_speed
from tracker.formats.names import ELSEWHERE, plain, plan
from tracker.formats.places import PLACES, read_place

SAMPLE = 500  #: items that are looked at before the first is taken
_PLACES = ("location", "position", "coords", "coordinates", "coordinate", "geo", "gps", "geolocation", "last_position")
_SPEEDS = frozenset({"speed_mps", "speed_kmh", "speed_kn"})
#: what a position of a Traccar server always has; its speeds are knots
_TRACCAR = frozenset({"deviceId", "fixTime", "serverTime"})
_GEOTAB = frozenset({"device", "dateTime", "latitude", "longitude"})  #: the same of Geotab's; km/h


def from_object(item: dict[str, Any], reading: Reading, clock: Clock, line: int) -> Point | Skip:
    """A JSON object as a point. What the API knows stays untouched, and what nobody can read is left to the gate."""
    if item.get("valid") is False and "fixTime" in item and "deviceId" in item:  # of a Traccar server
        return Skip("no_fix", line)
    found = plan(tuple(item))
    if "lat" not in found.fields:
        item = unpacked(item)
        found = plan(tuple(item))
    place = item.copy()
    for name, field in found.renamed:
        place[field] = place.pop(name)
    speed = found.speed
    if speed is not None and speed not in _SPEEDS and _is_number(item[speed]):
        own = "kn" if item.keys() >= _TRACCAR else "kmh" if item.keys() >= _GEOTAB else ""
        unit = found.unit or own or reading.speed_unit
        place["speed_mps"] = read_speed(place.pop(speed), unit)
        if not found.unit:
            reading.note(f"speed = {speed!r}, taken for {unit}")
    vehicle = place.setdefault("vehicle", reading.vehicle)
    if type(vehicle) is dict and type(vehicle.get("id")) in (str, int):  # what a server says of its device
        vehicle = place["vehicle"] = vehicle["id"]
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


def unpacked(item: dict[str, Any]) -> dict[str, Any]:
    """The same with its place beside the rest: an object of its own, a pair, WKT, or degrees * 1e7."""
    for name in _PLACES:
        inner = item.get(name)
        if isinstance(inner, dict) and {"lat", "lon"} <= plan(tuple(inner)).fields.keys():
            return {other: value for other, value in item.items() if other != name} | inner
    for name, value in item.items():
        if plain(name) in PLACES and (pair := read_place(value, name)) is not None:
            rest = {other: kept for other, kept in item.items() if other != name}
            return rest | {"lat": pair[0], "lon": pair[1]}
    e7 = {name: item.get(f"{name}E7") for name in ("latitude", "longitude")}
    if all(type(value) is int for value in e7.values()):
        rest = {name: value for name, value in item.items() if not name.endswith("E7")}
        return rest | {name: value / 1e7 for name, value in e7.items() if type(value) is int and abs(value) < 1e12}
    return item


def check_fields(items: list[dict[str, Any]], reading: Reading) -> None:
    """Raises Unreadable when none of them has a place, or none a time, and says what they have."""
    plans = [plan(tuple(unpacked(item))) for item in items]
    named = ", ".join(dict.fromkeys(str(name)[:40] for item in items[:20] for name in list(item)[:20]))[:400]
    if not named:
        return
    if not any({"lat", "lon"} & found.fields.keys() for found in plans):
        going = any(ELSEWHERE.fullmatch(plain(name)) for item in items for name in _names(item))
        said = "its places are where somebody is going, not where a vehicle was," if going else "no place (lat, lon)"
        raise Unreadable(f"{reading.name}: {said} among: {named}", usage=True)
    if not any("time" in found.fields for found in plans):
        raise Unreadable(
            f"{reading.name}: no time (such as time, timestamp) among: {named}. "
            "A list of places, or of plans, is no recording",
            usage=True,
        )


def _names(item: dict[str, Any]) -> Iterator[str]:
    """Names, those of an object in it after its own: `destination` with `lat` is `destination_lat`."""
    for name, value in item.items():
        yield name
        if isinstance(value, dict):
            yield from (f"{name}_{inner}" for inner in value)


def _is_number(value: Any) -> bool:
    return type(value) is float or type(value) is int
