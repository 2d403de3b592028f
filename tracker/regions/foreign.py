"""Foreign: what another program made of a region, under our names and in our types.

A bare geometry becomes a Feature, a collection of geometries its areas as one and every point and line as its own,
`Name` a name, `fill` a colour. What cannot be used is told with its name and line, and costs nothing else.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from tracker.errors import Invalid
from tracker.geometry.geojson import parameter_names
from tracker.regions.colors import read_color
from tracker.regions.ids import Ids
from tracker.regions.region import ANSWERED, MAX_NAME, MAX_TEXT, is_ours
from tracker.regions.strays import check_item

MOST_PARTS = 1_000  #: regions made of one Feature
#: what an answer has besides; a document that was read may be written back with them
COMPUTED = (ANSWERED - {"id"}) | {"perimeter_m"}
GEOMETRIES = (
    *("Polygon", "MultiPolygon", "Point", "MultiPoint", "LineString", "MultiLineString"),
    "GeometryCollection",
)  # not a set: what is looked for may be a list
_DEGREES = re.compile(r"crs:?84h?$|(4326|4979|4258|4269|4171|4167)$", re.IGNORECASE)


class Drawn(NamedTuple):
    """One region of a file, as a Feature, or what is wrong with it."""

    feature: dict[str, Any] | Invalid
    line: int = 0  # where it begins; 0: not in a file of several
    name: str = ""  # for messages


def tidied(item: dict[str, Any] | Invalid | Any, line: int, name: str, ids: Ids) -> Iterator[Drawn]:
    """The regions one item of a file is meant as."""
    try:
        if isinstance(item, Invalid):
            raise item
        name = name or _called(item)
        feature = _feature(item)
        parts = _parts(feature["geometry"])
        properties = _properties(feature["properties"], feature["id"])
        if line:
            properties = _with_text(_with_text(properties, "name"), "group")
        given = feature["id"]
        id = ids.read_id(given)
        if id is not None and id != str(given) and isinstance(given, str):
            properties = _with_attribute(properties, "source_id", given)
    except Invalid as error:
        yield Drawn(error, line, name)
        return
    for i, geometry in enumerate(parts, 1):
        one: dict[str, Any] = {"type": "Feature", "geometry": geometry, "properties": dict(properties)}
        if id is not None:
            one["id"] = id if len(parts) == 1 else f"{id[:58]}-{i}"
        if len(parts) > 1 and properties.get("name"):
            one["properties"]["name"] = f"{properties['name'][: MAX_NAME - 6]} {i}"
        yield Drawn(one, line, name)


def _feature(item: Any) -> dict[str, Any]:
    """As a Feature with all its members. Raises Invalid for what is none and no geometry."""
    check_item(item)
    if isinstance(item, dict) and item.get("type") in GEOMETRIES:
        item = {"geometry": item}
    elif not isinstance(item, dict) or item.get("type") != "Feature":
        message = 'a region is a GeoJSON Feature: {"type": "Feature", "geometry": …}'
        raise fault("not_geojson", "type", message)
    check_degrees(item)
    geometry, properties = item.get("geometry"), item.get("properties")
    if isinstance(geometry, dict):
        check_degrees(geometry)
    if properties is not None and not isinstance(properties, dict):
        raise fault("wrong_type", "properties", "`properties` is an object")
    return {"geometry": geometry, "properties": properties or {}, "id": item.get("id")}


def _called(item: Any) -> str:
    """For messages: its name, or else its id, whatever else is wrong with it."""
    if not isinstance(item, dict):
        return ""
    properties = item.get("properties")
    said = properties if isinstance(properties, dict) else {}
    named = next((said.get(key) for key in _NAMES if said.get(key)), item.get("id"))
    return one_line(str(named))[:80] if isinstance(named, str | int | float) else ""


def _parts(geometry: Any) -> list[Any]:
    """The areas of a geometry as one, every point and line as its own; what is no geometry is passed on to be told."""
    if not isinstance(geometry, dict):
        return [geometry]
    areas: list[Any] = []
    others: list[Any] = []
    queue: deque[Any] = deque([geometry])
    if geometry.get("type") not in ("GeometryCollection", "MultiPoint", "MultiLineString"):
        return [geometry]
    while queue:
        one = queue.popleft()
        kind, inside = (one.get("type"), one.get("coordinates")) if isinstance(one, dict) else (None, None)
        if kind == "GeometryCollection" and isinstance(one.get("geometries"), list):
            queue.extendleft(reversed(one["geometries"]))
        elif kind in ("MultiPoint", "MultiLineString") and isinstance(inside, list):
            others += [{"type": kind[5:], "coordinates": each} for each in inside]
        elif kind == "MultiPolygon" and isinstance(inside, list):
            areas += inside
        elif kind == "Polygon":
            areas.append(inside)
        else:
            others.append(one)
        if len(others) > MOST_PARTS:
            raise fault("too_many_parts", "geometry", f"more than {MOST_PARTS:,} points or lines in one Feature")
    if len(areas) == 1:
        return [{"type": "Polygon", "coordinates": areas[0]}, *others]
    if areas:
        return [{"type": "MultiPolygon", "coordinates": areas}, *others]
    if not others:
        raise fault("geometry_missing", "geometry", f"an empty {geometry['type']} encloses nothing")
    return others


_NAMES = ("name", "Name", "NAME", "title", "Title", "TITLE")
_FILLS = ("fill", "stroke", "marker-color", "fillColor", "_umap_options.color")
_PLAIN = frozenset({"name", "group", "color", "debounce", "radius_m", "buffer_m"})  #: as we call them
_COLORS = frozenset({"color", *_FILLS})
_JSON = ("rules", "notify", "attributes")


def _properties(given: dict[str, Any], id: Any) -> dict[str, Any]:
    """What a region has of its own under our names and in our types, where another program had its way with it."""
    sizes = given.get("radius_m"), given.get("buffer_m")
    is_plain = _PLAIN.issuperset(given) and given.get("name") and given.get("color") != ""
    if is_plain and not any(isinstance(size, str) for size in sizes):
        return {name: value for name, value in given.items() if value is not None}
    properties = {name: value for name, value in given.items() if name not in COMPUTED}
    own = properties.pop("id", None)
    if own is not None and str(own) != str(id):
        properties = _with_attribute(properties, "id", own)
    for name in _JSON:  # programs with flat tables keep a list as its text
        if isinstance(text := properties.get(name), str) and text.lstrip()[:1] in ("{", "["):
            try:
                properties[name] = msgspec.json.decode(text)
            except (msgspec.DecodeError, RecursionError):
                raise fault("invalid_region", f"properties.{name}", f"`{name}` is a text that is no JSON") from None
    for name in parameter_names():
        if isinstance(text := properties.get(name), str):
            try:
                properties[name] = float(text)
            except ValueError:
                pass  # told where it is read
    if properties.get("name") is None and (other := next((key for key in _NAMES if given.get(key)), None)):
        properties["name"] = properties.pop(other)
    if properties.get("color") in (None, "") and not _COLORS.isdisjoint(properties):
        colors = (read_color(value) for key in _FILLS if isinstance(value := properties.get(key), str))
        properties["color"] = next((color for color in colors if color is not None), None)
    if isinstance(text := properties.get("description"), str) and len(text) > MAX_TEXT:
        properties["description"] = text[: MAX_TEXT - 1] + "…"
    return {name: value for name, value in properties.items() if value is not None or not is_ours(name)}


def _with_text(properties: dict[str, Any], name: str) -> dict[str, Any]:
    """A name or group as one line of text, short enough; a longer one stays whole as an attribute."""
    value = properties.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return properties
    text = one_line(str(value))
    properties[name] = text[:MAX_NAME]
    return _with_attribute(properties, name, text[:MAX_TEXT]) if len(text) > MAX_NAME else properties


def one_line(text: str) -> str:
    if text.isprintable():  # nearly always: its only white space is blanks
        return " ".join(text.split())
    return " ".join("".join(char if char.isprintable() else " " if char.isspace() else "" for char in text).split())


def _with_attribute(properties: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    attributes = properties.get("attributes")
    if attributes is None or isinstance(attributes, dict):
        properties["attributes"] = {name: value} | (attributes or {})
    return properties


def fault(code: str, field: str, message: str) -> Invalid:
    return Invalid(code, message, [{"field": field, "code": code, "message": message}])


def check_degrees(thing: dict[str, Any]) -> None:
    """Raises Invalid when it says that its coordinates are no degrees of WGS 84."""
    crs = thing.get("crs")
    if not isinstance(crs, dict):
        return
    properties = crs.get("properties")
    said = properties if isinstance(properties, dict) else {}
    name = said.get("name") or said.get("code") or said.get("href") or crs.get("type")
    if _DEGREES.search(str(name)):
        return
    shown = re.sub(r"^urn:ogc:def:crs:(\w+):[^:]*:", r"\1:", str(name))[:60]
    metres = ", metres of Web Mercator" if re.search(r"(3857|900913|3785|102100)$", shown) else ""
    raise fault(
        "not_degrees", "crs", f"the coordinates are in {shown}{metres}, not in degrees; save it as WGS 84 (EPSG:4326)"
    )
