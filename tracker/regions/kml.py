"""KML → GeoJSON: the Placemarks of a file as Features that can become regions.

Read: name, description, id, Polygon (with holes), MultiGeometry, LinearRing, Point and LineString, the colour of a
style of its own, a shared one or a StyleMap, the Folder as `group`, and ExtendedData: what a region has of its own
(`radius_m`, `buffer_m`, `color`, `group`, `debounce`, `rules`, …) goes there, the rest is kept as attributes. Altitudes
are let go. Whether the shapes make sense is for `read_shape` to say. A Placemark that cannot be used costs only itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

import msgspec

from tracker.errors import Invalid, TooLarge
from tracker.geometry.geojson import parameter_names
from tracker.regions.colors import read_abgr
from tracker.regions.placemarks import Part, parts, pieces

MAX_PLACEMARKS = 20_000

_GEOMETRIES = frozenset({"Polygon", "LinearRing", "Point", "LineString", "MultiGeometry"})
_TRACKS = frozenset({"Track", "MultiTrack"})
_PROPERTIES = {"color", "group", "debounce", "rules", "notify", "attributes"}


def read_kml(data: bytes | bytearray) -> dict[str, Any]:
    """A FeatureCollection. BadRequest: no XML; Invalid: no Placemark in it, or one unreadable."""
    file = KmlFile(pieces(data))
    features = [file.feature(at) for at in range(len(file))]
    for feature in features:
        if isinstance(feature, Invalid):
            raise feature
    return {"type": "FeatureCollection", "features": features}


class Placemark(NamedTuple):
    """What one gave: a Feature as JSON, or what is wrong with it."""

    given: bytes | Invalid
    style: str  # the shared one it names
    line: int
    name: str
    kind: str  # of its geometry


class KmlFile:
    """The Features of a file, kept as JSON: a tree or lists of numbers would be many times as large."""

    def __init__(self, data: Iterable[bytes | bytearray]) -> None:
        """Raises like `read_kml`, but for what is wrong with one Placemark."""
        self.placemarks: list[Placemark] = []
        self._colors: dict[str, dict[str, str]] = {}  # style → kind of geometry → colour
        self._maps: dict[str, str] = {}  # StyleMap → the style of its normal state
        for part in parts(data):
            self._take(part)
        if all(isinstance(one.given, Invalid) and one.given.code == "geometry_missing" for one in self.placemarks):
            raise Invalid("no_features", "There is no Placemark with a Polygon, Point or LineString in this KML.")

    def __len__(self) -> int:
        return len(self.placemarks)

    def feature(self, at: int) -> dict[str, Any] | Invalid:
        """One of them, with the colour of its style."""
        one = self.placemarks[at]
        if isinstance(one.given, Invalid):
            return one.given
        feature: dict[str, Any] = msgspec.json.decode(one.given)
        if "color" not in feature["properties"] and (colors := self._shared(one.style)):
            feature["properties"]["color"] = colors.get(one.kind) or next(iter(colors.values()))
        return feature

    def _shared(self, style: str) -> dict[str, str]:
        for _ in range(3):  # a StyleMap of a StyleMap is none, but a circle of them must end
            style = self._maps.get(style, style)
        return self._colors.get(style, {})

    def _take(self, part: Part) -> None:
        element, id = part.element, f"#{part.element.get('id', '')}"
        if element.tag == "Style":
            self._colors[id] = _colors(element)
        elif element.tag == "StyleMap":
            self._map(element, id)
        else:
            self._place(part)
            if len(self.placemarks) > MAX_PLACEMARKS:
                many = f"More than {MAX_PLACEMARKS:,} Placemarks are too many for one request."
                raise TooLarge("too_many_items", many)

    def _map(self, element: Element, id: str) -> None:
        for pair in element.iterfind("Pair"):
            if (pair.findtext("key") or "").strip() == "normal":
                self._maps[id] = _url(pair)
                if (style := pair.find("Style")) is not None:
                    self._maps[id] = f"{id} normal"
                    self._colors[f"{id} normal"] = _colors(style)

    def _place(self, part: Part) -> None:
        element = part.element
        name = " ".join((element.findtext("name") or "").split())  # programs wrap long ones
        called = name or element.get("id") or ""
        style = _url(element)
        if (own := element.find("StyleMap")) is not None:
            style = f"#line {part.line}"
            self._map(own, style)
        try:
            features = _features(element, name, part.folder)
        except Invalid as fault:
            self.placemarks.append(Placemark(fault, "", part.line, called, ""))
            return
        for feature in features:
            kind = feature["geometry"]["type"]
            self.placemarks.append(Placemark(msgspec.json.encode(feature), style, part.line, called, kind))


def _url(element: Element) -> str:
    """The style that is named; one of another file is looked for here, since this is the only one we have."""
    return "#" + (element.findtext("styleUrl") or "").strip().rpartition("#")[2]


def _colors(style: Element) -> dict[str, str]:
    """The colour of each kind of geometry: of what is filled the fill, unless it is off or cannot be seen."""
    seen: dict[str, str] = {}
    for kind in ("PolyStyle", "LineStyle", "IconStyle"):
        color = read_abgr(style.findtext(f"{kind}/color") or "")
        if color is not None and color[1] and (style.findtext(f"{kind}/fill") or "1").strip().lower() not in _OFF:
            seen[kind] = color[0]
    area = seen.get("PolyStyle") or seen.get("LineStyle")
    line = seen.get("LineStyle") or seen.get("PolyStyle")
    point = seen.get("IconStyle") or area
    kinds = {"Polygon": area, "MultiPolygon": area, "LineString": line, "Point": point}
    return {kind: color for kind, color in kinds.items() if color is not None}


_OFF = ("0", "false")


def _features(placemark: Element, name: str, folder: str) -> list[dict[str, Any]]:
    """Raises Invalid when nothing can be made of it."""
    properties = _properties(placemark)
    if name:
        properties["name"] = name
    if folder:
        properties.setdefault("group", folder)
    geometries = _geometries(placemark, name or placemark.get("id") or "a Placemark")
    if not geometries:
        raise _none(placemark)
    given = placemark.get("id") or ""
    features: list[dict[str, Any]] = []
    for i, geometry in enumerate(geometries, 1):
        feature: dict[str, Any] = {"type": "Feature", "geometry": geometry, "properties": dict(properties)}
        if (style := placemark.find("Style")) is not None and (colors := _colors(style)):
            feature["properties"].setdefault("color", colors.get(geometry["type"]) or next(iter(colors.values())))
        if len(geometries) > 1 and name:
            feature["properties"]["name"] = f"{name} {i}"
        if given:
            feature["id"] = given if len(geometries) == 1 else f"{given}-{i}"
        features.append(feature)
    return features


def _none(placemark: Element) -> Invalid:
    """What to say of a Placemark without a shape."""
    if track := next((one for one in placemark.iter() if one.tag in _TRACKS), None):
        count = sum(one.tag == "coord" for one in track.iter())
        message = f"a recorded track (gx:{track.tag}, {count:,} positions) is no region; play it with `tracker replay`"
        return Invalid("a_track", message, [{"code": "a_track", "field": "geometry", "message": message}])
    message = "has no Polygon, LineString or Point"
    return Invalid("geometry_missing", message, [{"code": "geometry_missing", "field": "geometry", "message": message}])


def _properties(placemark: Element) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    if text := (placemark.findtext("description") or "").strip():
        properties["description"] = text
    pairs = [(data.get("name"), data.findtext("value")) for data in placemark.iterfind("ExtendedData/Data")]
    pairs += [(data.get("name"), data.text) for data in placemark.iterfind("ExtendedData/SchemaData/SimpleData")]
    attributes: dict[str, Any] = {}
    for key, given in pairs:
        value = (given or "").strip()
        if key in parameter_names():
            properties[key] = _number(value)
        elif key in _PROPERTIES:
            properties[key] = value
        elif key:
            attributes[key] = value
    if placemark.find("TimeStamp/when") is not None:  # what tells a fix from a place
        attributes.setdefault("time", (placemark.findtext("TimeStamp/when") or "").strip())
    if attributes:
        properties["attributes"] = attributes
    return properties


def _geometries(placemark: Element, name: str) -> list[dict[str, Any]]:
    """The polygons as one geometry, every point and line as its own."""
    polygons: list[Any] = []
    others: list[dict[str, Any]] = []
    queue = [child for child in placemark if child.tag in _GEOMETRIES]
    while queue:
        shape = queue.pop(0)
        if shape.tag == "MultiGeometry":
            queue += [child for child in shape if child.tag in _GEOMETRIES]
        elif shape.tag == "Polygon":
            outer = shape.find("outerBoundaryIs/LinearRing")
            if outer is None:
                message = "a Polygon without an outer boundary: a hole in nothing"
                raise Invalid("no_outline", message, [_fault(message, "no_outline")])
            holes = shape.iterfind("innerBoundaryIs/LinearRing")
            polygons.append([_positions(ring, name) for ring in (outer, *holes)])
        elif shape.tag == "LinearRing":
            polygons.append([_positions(shape, name)])
        elif shape.tag == "Point":
            positions = _positions(shape, name)
            others.append({"type": "Point", "coordinates": positions[0] if positions else []})
        else:
            others.append({"type": "LineString", "coordinates": _positions(shape, name)})
    if len(polygons) == 1:
        return [{"type": "Polygon", "coordinates": polygons[0]}, *others]
    return [{"type": "MultiPolygon", "coordinates": polygons}, *others] if polygons else others


def _positions(shape: Element, name: str) -> list[list[float]]:
    """`lon,lat[,altitude]`, parted by spaces; some programs write spaces after the commas too."""
    text = re.sub(r"\s*,\s*", ",", shape.findtext("coordinates") or "")
    positions = []
    for i, item in enumerate(text.split()):
        parts = item.split(",")
        try:
            positions.append([float(parts[0]), float(parts[1])])
        except (ValueError, IndexError):
            message = f"position {i} of {name!r} is {item[:40]!r}, not longitude,latitude"
            raise Invalid("coordinates_type", message, [_fault(message)]) from None
    return positions


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _fault(message: str, code: str = "coordinates_type") -> dict[str, Any]:
    return {"code": code, "field": "coordinates", "message": message}
