"""GeoJSON: points and lines with times among their properties, and OGC Moving Features JSON (19-045r3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, BinaryIO, NamedTuple

from tracker.formats import Point, Reading, Skip, Unreadable
from tracker.formats.clock import Clock
from tracker.formats.fields import NOT_A_NUMBER
from tracker.formats.json import LISTS, decode
from tracker.formats.names import UNITS, plan
from tracker.formats.objects import from_object

NAME = "geojson"
ABOUT = "Points with a time among their properties, lines with a time for each of their points, MF-JSON"
ITEM = "point"

_GEOMETRIES = ("Point", "MultiPoint", "LineString", "MultiLineString", "GeometryCollection", "Polygon", "MultiPolygon")
_TYPES = frozenset({"Feature", "FeatureCollection", *_GEOMETRIES, "MovingPoint", "MovingGeometryCollection"})
_AREAS = ("Polygon", "MultiPolygon")
_ENVIROCAR_UNITS = {"km/h": UNITS["kmh"], "m/s": 1.0}
#: names of a list with a time for each point of a line
_TIMES = ("coordTimes", "times", "timestamps", "datetimes", "coordinateTimes")


class Place(NamedTuple):
    """One place of a feature: what stands in its coordinates, and what is said of it. None: it has none."""

    coordinates: Any
    said: dict[str, Any]
    why: str = ""  # a reason to skip it


def recognises(name: str, head: str) -> bool:
    start = head.lstrip("\ufeff \t\r\n")
    typed = any(f'"type":"{one}"' in head.replace('": "', '":"') for one in _TYPES)
    return name.endswith((".geojson", ".mfjson")) or (start.startswith("{") and typed)


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    document, damage = decode(file, reading.name)
    features = _features(document)
    if features is None:
        raise Unreadable(f"{reading.name}: not GeoJSON: neither a feature nor a geometry")
    by_feature = [list(_places(feature)) for feature in features]
    places = [place for some in by_feature for place in some]
    _check([_geometry_type(feature) for feature in features], places, reading)
    ids = _vehicles(features, by_feature, reading)
    clock = Clock(reading.name, reading.zone, reading.dates or "")
    number = 0
    for id, some in zip(ids, by_feature, strict=True):
        for place in some:
            number += 1
            yield _outcome(place, id, reading, clock, number)
    if damage is not None:
        raise damage


def _features(document: Any) -> list[Any] | None:
    """The features of any GeoJSON document; a bare geometry is one without properties."""
    if not isinstance(document, dict):
        return None
    for name in ("features", *LISTS):  # Overland sends its features as `locations`
        listed = document.get(name)
        if isinstance(listed, list) and (name == "features" or any(_geometry_type(one) for one in listed[:9])):
            return listed
    kind = document.get("type")
    if kind == "Feature":
        return [document]
    return [{"type": "Feature", "geometry": document}] if isinstance(kind, str) and kind in _TYPES else None


def _geometry_type(feature: Any) -> str:
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    return str(geometry.get("type")) if isinstance(geometry, dict) else ""


def _places(feature: Any) -> Iterator[Place]:
    if not isinstance(feature, dict):
        yield Place(None, {}, "not_a_point")
        return
    properties = feature.get("properties")
    said = _properties(properties) if isinstance(properties, dict) else {}
    moving = feature.get("temporalGeometry")
    if isinstance(moving, dict):
        yield from _moving(moving, said, feature.get("temporalProperties"))
        return
    listed = (_listed(feature, name) for name in _TIMES)
    times = next((one for one in listed if isinstance(one, list)), None)
    each = properties.get("positions") if isinstance(properties, dict) else None  # in our own exports
    yield from _of_geometry(feature.get("geometry"), said, times, each if isinstance(each, list) else [])


def _properties(properties: dict[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in properties.items() if not isinstance(value, dict | list)}
    if isinstance(properties.get("attributes"), dict):
        said["attributes"] = properties["attributes"]
    if isinstance(phenomena := properties.get("phenomenons"), dict):
        said |= _measured(phenomena)
    return said


def _listed(feature: dict[str, Any], name: str) -> Any:
    """Times beside the coordinates, where converters of GPX put them."""
    properties = feature.get("properties")
    if not isinstance(properties, dict):
        return None
    beside = properties.get("coordinateProperties")
    return properties.get(name) or (beside.get(name) if isinstance(beside, dict) else None)


def _of_geometry(geometry: Any, said: dict[str, Any], times: list[Any] | None, each: list[Any]) -> Iterator[Place]:
    """`times`, and what `each` says more, stand beside the points of a line."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind in ("MovingPoint", "MovingGeometryCollection"):
        yield from _moving(geometry, said, None)
        return
    parts = geometry.get("geometries") if kind == "GeometryCollection" else None
    if isinstance(parts, list):
        for part in parts:
            yield from _of_geometry(part, said, None, [])
        return
    coordinates = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if kind == "Point":
        yield from _line([coordinates], said, times, each)
    elif kind in ("MultiPoint", "LineString") and isinstance(coordinates, list):
        yield from _line(coordinates, said, times, each)
    elif kind == "MultiLineString" and isinstance(coordinates, list):
        for at, line in enumerate(coordinates):
            own = times[at] if times and at < len(times) and isinstance(times[at], list) else None
            yield from _line(line if isinstance(line, list) else [None], said, own, [])
    else:
        yield Place(None, said, "not_a_point")


def _line(line: list[Any], said: dict[str, Any], times: list[Any] | None, each: list[Any]) -> Iterator[Place]:
    if not line:
        yield Place(None, said, "not_a_point")
    for at, coordinates in enumerate(line):
        own = said | each[at] if at < len(each) and isinstance(each[at], dict) else said
        if times and at < len(times) and times[at] is not None:
            own = own | {"time": times[at]}
        yield Place(coordinates, own)


def _moving(moving: dict[str, Any], said: dict[str, Any], others: Any) -> Iterator[Place]:
    """A MovingPoint: coordinates and datetimes side by side, other values in series of their own."""
    if isinstance(prisms := moving.get("prisms"), list):
        for prism in prisms:
            yield from _moving(prism if isinstance(prism, dict) else {}, said, others)
        return
    coordinates, times = moving.get("coordinates"), moving.get("datetimes")
    if moving.get("type") != "MovingPoint" or not isinstance(coordinates, list) or not isinstance(times, list):
        yield Place(None, said, "not_a_point")
        return
    values = _series(others)
    for at, place in enumerate(coordinates):
        time = times[at] if at < len(times) else None
        yield Place(place, said | values.get(str(time), {}) | ({"time": time} if time is not None else {}))


def _series(others: Any) -> dict[str, dict[str, Any]]:
    """temporalProperties: time → name → value."""
    values: dict[str, dict[str, Any]] = {}
    for group in others if isinstance(others, list) else []:
        times = group.get("datetimes") if isinstance(group, dict) else None
        if not isinstance(times, list):
            continue
        for name, series in group.items():
            listed = series.get("values") if isinstance(series, dict) else None
            if isinstance(listed, list):
                for time, value in zip(times, listed, strict=False):
                    values.setdefault(str(time), {})[name] = value
    return values


def _check(kinds: list[str], places: list[Place], reading: Reading) -> None:
    """Raises Unreadable for a document that is no recording at all, and says what it is."""
    seen = Counter(kind or "nothing" for kind in kinds)
    what = ", ".join(f"{count} {kind}" for kind, count in seen.most_common(4))
    if kinds and all(kind in _AREAS for kind in kinds):
        raise Unreadable(f"{reading.name}: areas, not tracks ({what}); areas go with --regions")
    if places and not any("time" in plan(tuple(place.said)).fields for place in places if not place.why):
        raise Unreadable(f"{reading.name}: places or lines without times ({what}); that is no recording")


def _vehicles(features: list[Any], places: list[list[Place]], reading: Reading) -> list[str | None]:
    """The vehicle of each feature, where an id of the feature names one. Ids that count measurements do not."""
    ids = [_id(feature) for feature in features]
    told = [id for id in ids if id is not None]
    times = [str(some[0].said.get("time")) for some in places if some]
    distinct = len(told) == len(set(told)) == len(features) > 2
    if distinct and all(len(some) == 1 for some in places) and all(a < b for a, b in pairwise(times)):
        reading.note("the ids of its features name measurements, not vehicles")
        return [None] * len(features)
    return ids


def _id(feature: Any) -> str | None:
    if not isinstance(feature, dict):
        return None
    properties = feature.get("properties")
    said = properties if isinstance(properties, dict) else {}
    if "phenomenons" in said:  # enviroCar: an id of the measurement
        return None
    for value in (feature.get("id"), said.get("id")):
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)
    return None


def read_feature(feature: dict[str, Any], reading: Reading, clock: Clock, number: int) -> Iterator[Point | Skip]:
    """One feature on a line of its own."""
    for place in _places(feature):
        yield _outcome(place, _id(feature), reading, clock, number)


def _outcome(place: Place, id: str | None, reading: Reading, clock: Clock, number: int) -> Point | Skip:
    if place.why:
        return Skip(place.why, number)
    item = {name: value for name, value in place.said.items() if name != "id"}
    coordinates = place.coordinates if isinstance(place.coordinates, list | tuple) else ()
    if len(coordinates) < 2:
        return Skip("no_position", number)
    for name, value in zip(("lon", "lat", "altitude_m"), coordinates, strict=False):
        if value is not None:
            item.setdefault(name, value)
    found = plan(tuple(item)).fields
    if "time" not in found or item[found["time"]] is None:
        return Skip("no_time", number)
    if id is not None and found.get("vehicle") in (None, "name"):
        item["vehicle"] = id
    return from_object(item, reading, clock, number)


def _measured(phenomena: dict[str, Any]) -> dict[str, Any]:
    """enviroCar: {"GPS Speed": {"value": 58.9, "unit": "km/h"}, "Rpm": …}."""
    item: dict[str, Any] = {}
    for name, measure in phenomena.items():
        value = measure.get("value") if isinstance(measure, dict) else None
        if not isinstance(value, int | float) or not abs(value) < NOT_A_NUMBER:
            continue
        if name == "GPS Speed" and measure.get("unit") in _ENVIROCAR_UNITS:
            item["speed_mps"] = round(max(0.0, value * _ENVIROCAR_UNITS[measure["unit"]]), 3)
        elif name == "GPS Bearing":
            item["heading"] = round(value % 360, 2)
        elif name == "GPS Altitude":
            item["altitude_m"] = round(value, 2)
        else:
            item[name] = round(value, 6)
    return item
