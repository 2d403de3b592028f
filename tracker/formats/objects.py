"""Objects: a JSON object of any make as a point, its names put into the words of the API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from tracker.formats import Point, Reading, Skip, Unreadable
from tracker.formats.clock import Clock
from tracker.formats.columns import SAID_SIDE
from tracker.formats.degrees import LAT, LON, read_degrees
from tracker.formats.fields import (
    finished,
    read_flag,
    read_heading,
    read_measure,
    read_percent,
    read_quantity,
    read_speed,
)
from tracker.formats.makers import Maker, find_maker, in_plain_names
from tracker.formats.names import ELSEWHERE, Plan, plain, plan, spaced
from tracker.formats.places import PLACES, read_place
from tracker.formats.sides import Unclear, read_side

SAMPLE = 500  #: items that are looked at before the first is taken
#: names under which a place may be an object of its own
_PLACES = PLACES | {
    *("pos", "fix", "state", "reported", "gps_data", "gpsdata", "current_location", "vehicle_location"),
    *("last_location", "last_known_location", "last_known_position"),
}
#: … and those under which a vehicle may have many of them
_LISTS = _PLACES | {"locations", "positions", "points", "records", "fixes", "history", "track"}
_SPEEDS = frozenset({"speed_mps", "speed_kmh", "speed_kn"})
_DEEPEST = 3  #: objects in each other around a place
_LONGEST = 2_000  #: characters of an object that is kept as text


class _Form(NamedTuple):
    """What the names of an object say, whatever its values are."""

    plan: Plan
    maker: Maker | None
    sides: tuple[tuple[str, str, str], ...]  # lat or lon, the name beside it that says its side, the sides there are
    odd: tuple[str, ...]  # fields of ours whose values others write in other types than the API takes


@lru_cache(maxsize=4096)
def _form(names: tuple[str, ...]) -> _Form:
    found = plan(names)
    sides = tuple(
        (field, name, of)
        for field, of in (("lat", LAT), ("lon", LON))
        for name in found.rest
        if SAID_SIDE[of].fullmatch(plain(name)) or SAID_SIDE[of].fullmatch(spaced(name))
    )
    return _Form(found, find_maker(set(names)), sides, tuple(field for field in _READERS if field in found.fields))


def from_object(item: dict[str, Any], reading: Reading, clock: Clock, line: int) -> Point | Skip:
    """A JSON object as a point. What the API knows stays untouched, and what nobody can read is left to the gate."""
    if item.get("valid") is False and "fixTime" in item and "deviceId" in item:  # of a Traccar server
        return Skip("no_fix", line)
    form = _form(tuple(item))
    maker = form.maker
    if maker is not None or "lat" not in form.plan.fields:
        item, maker = _plainly(item)
        form = _form(tuple(item))
    found = form.plan
    place = item.copy()
    for name, field in found.renamed:
        place[field] = place.pop(name)
    speed = found.speed
    if speed is not None and (speed not in _SPEEDS or type(place[speed]) is str):
        _set_speed(place, found, maker, reading)
    for field in form.odd:
        value = place[field]
        if type(value) is not float and value is not None:
            place[field] = _READERS[field](value)
    for field, name, of in form.sides:
        _set_side(place, field, name, of)
    for name in found.rest:
        if type(place.get(name)) is dict or type(place.get(name)) is list:
            _keep(place, name, reading)
    vehicle = place.setdefault("vehicle", reading.vehicle)
    if type(vehicle) is dict:  # what a server says of its device
        told = (vehicle.get(name) for name in ("id", "uniqueId", "imei", "name"))
        vehicle = place["vehicle"] = next((one for one in told if type(one) in (str, int)), vehicle)
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


def _plainly(item: dict[str, Any]) -> tuple[dict[str, Any], Maker | None]:
    """The same with its place beside the rest, in names that anybody understands where its maker is known."""
    whole = unpacked(item)
    maker = find_maker(item.keys() | whole.keys())
    return (whole if maker is None else in_plain_names(whole, maker)), maker


def _set_speed(place: dict[str, Any], found: Plan, maker: Maker | None, reading: Reading) -> None:
    """In m/s, where it is a number and its unit is that of its text, its name, its maker or the user."""
    name = str(found.speed)
    value, factor = place[name], None
    if type(value) is str:
        value, factor = read_measure(value.strip(), ".", "speed")
    if type(value) is not float and type(value) is not int:
        return
    if factor is not None:
        del place[name]
        place["speed_mps"] = round(value * factor, 3)
    elif name in _SPEEDS:
        place[name] = value
    else:
        unit = found.unit or (maker.unit if maker is not None else reading.speed_unit)
        del place[name]
        place["speed_mps"] = read_speed(value, unit)
        if not found.unit:
            reading.note(f"speed = {name!r}, taken for {unit}" + (f", as {maker.name} has it" if maker else ""))


def _set_side(place: dict[str, Any], field: str, name: str, of: str) -> None:
    """`"lat": 33.8, "latDir": "S"`; what is no side is an attribute."""
    side, value = place.get(name), place.get(field)
    if type(side) is str and type(value) in (int, float) and (said := read_side(side.strip(), "?")) in of:
        place[field] = read_degrees(repr(value), ".", said, of)
        del place[name]


def _degrees(of: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        try:
            return read_degrees(value.strip(), of=of) if type(value) is str else value
        except Unclear:
            return value

    return read


def _measure(field: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not str:
            return value
        number, factor = read_measure(value.strip(), ".", field)
        return round(number * factor, 3) if factor is not None and isinstance(number, float) else number

    return read


def _flag(value: Any) -> Any:
    return read_flag(str(value)) if type(value) is str or (type(value) is int and value in (0, 1)) else value


def _alarm(value: Any) -> Any:
    """A text stays what it is; that there is one is all that a flag says."""
    return ("alarm" if value else None) if value is True or (value in (0, 1) and type(value) is not float) else value


#: how a field is read whose value has not the type that the API takes
_READERS: dict[str, Callable[[Any], Any]] = {
    "lat": _degrees(LAT),
    "lon": _degrees(LON),
    "heading": lambda value: read_heading(value.strip()) if type(value) is str else value,
    **{field: _measure(field) for field in ("altitude_m", "accuracy_m", "odometer_m")},
    "battery_pct": lambda value: read_quantity(value.strip()) if type(value) is str else value,
    "ignition": _flag,
    "driver": lambda value: str(value) if type(value) is int else value,
    "alarm": _alarm,
}


def _keep(place: dict[str, Any], name: str, reading: Reading) -> None:
    """An object or a list as text, which is what an attribute can be."""
    value = place[name]
    if name == "attributes" and isinstance(value, dict):
        if any(isinstance(one, dict | list) for one in value.values()):
            place[name] = value = dict(value)
            for inner in value:
                if isinstance(value[inner], dict | list):
                    _keep(value, inner, reading)
        return
    if name == "attributes":
        return
    text = msgspec.json.encode(value).decode()
    if len(text) > _LONGEST:
        reading.note(f"{name[:40]!r} is too long for an attribute, and left out")
        del place[name]
        return
    reading.note("objects and lists in it are kept as JSON text")
    place[name] = text


def unpacked(item: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    """The same with its place beside the rest: an object of its own, a pair, WKT, or degrees * 1e7."""
    if _has_place(item):
        return item
    for name, inner in item.items():
        if isinstance(inner, dict) and "coordinates" not in inner and plain(name) in _PLACES and depth < _DEEPEST:
            inner = unpacked(inner, depth + 1)
            if _has_place(inner):
                return _beside(item, name, inner)
    for name, value in item.items():
        if plain(name) in PLACES and (pair := read_place(value, name)) is not None:
            rest = {other: kept for other, kept in item.items() if other != name}
            return rest | {"lat": pair[0], "lon": pair[1]}
    e7 = {name: item.get(f"{name}E7") for name in ("latitude", "longitude")}
    if all(type(value) is int for value in e7.values()):
        rest = {name: value for name, value in item.items() if not name.endswith("E7")}
        return rest | {name: value / 1e7 for name, value in e7.items() if type(value) is int and abs(value) < 1e12}
    return item


def spread(item: dict[str, Any]) -> Iterable[Any]:
    """The positions of an object that lists them beside what it says of their vehicle; otherwise itself."""
    if "lat" in item:  # nearly all
        return (item,)
    for name, listed in item.items():
        if isinstance(listed, list) and plain(name) in _LISTS and any(is_position(one) for one in listed[:9]):
            return [_beside(item, name, one) if isinstance(one, dict) else one for one in listed]
    return (item,)


def _beside(item: dict[str, Any], name: str, inner: dict[str, Any]) -> dict[str, Any]:
    """What stands in an object under `name` beside the rest of it, whose own id says whose it is."""
    rest = {other: value for other, value in item.items() if other != name}
    return rest | {other: value for other, value in inner.items() if other not in ("id", "name") or other not in rest}


def is_position(item: Any) -> bool:
    return isinstance(item, dict) and _has_place(unpacked(item))


def _has_place(item: dict[str, Any]) -> bool:
    return {"lat", "lon"} <= plan(tuple(item)).fields.keys()


def check_fields(items: list[dict[str, Any]], reading: Reading) -> None:
    """Raises Unreadable when none of them has a place, or none a time, and says what they have."""
    plans = [plan(tuple(_plainly(item)[0])) for item in items]
    named = ", ".join(dict.fromkeys(str(name)[:40] for item in items[:20] for name in list(item)[:20]))[:400]
    if not named:
        return
    if not any({"lat", "lon"} & found.fields.keys() for found in plans):
        going = any(ELSEWHERE.fullmatch(plain(name)) for item in items for name in _names(item))
        said = "its places are where somebody is going, not where a vehicle was," if going else "no place (lat, lon)"
        raise Unreadable(f"{reading.name}: {said} among: {named}")
    if not any("time" in found.fields for found in plans):
        raise Unreadable(
            f"{reading.name}: no time (such as time, timestamp) among: {named}. "
            "A list of places, or of plans, is no recording",
        )


def _names(item: dict[str, Any]) -> Iterator[str]:
    """Names, those of an object in it after its own: `destination` with `lat` is `destination_lat`."""
    for name, value in item.items():
        yield name
        if isinstance(value, dict):
            yield from (f"{name}_{inner}" for inner in value)
