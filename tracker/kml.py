"""KML → GeoJSON: the Placemarks of a file as Features that can become regions.

Read: name, id, Polygon (with holes), MultiGeometry, LinearRing, Point and LineString, the colour of a style, and
ExtendedData: `radius_m`, `buffer_m`, `color`, `group` and `debounce` go where a region has them, the rest into
`attributes`. Altitudes are let go. Whether the shapes make sense is for `read_shape` to say.

XML can be made to explode; a document type declaration, which is what that needs and KML does not, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import msgspec

from tracker.errors import BadRequest, Invalid, TooLarge, Unsupported
from tracker.regions import ID

MAX_DEPTH = 100  #: elements within elements
MAX_ELEMENTS = 2_000_000  #: of a file, whatever they are
MAX_PLACEMARKS = 20_000
MAX_PARTS = 50_000  #: elements of one Placemark or Style
MAX_TEXT = 2 * 2**20  #: characters of one
PIECE = 64 * 1024  #: bytes given to the parser in one go: it keeps the GIL while it reads text

_GEOMETRIES = frozenset({"Polygon", "LinearRing", "Point", "LineString", "MultiGeometry"})
_PROPERTIES = frozenset({"radius_m", "buffer_m", "color", "group", "debounce"})


def read_kml(data: bytes | bytearray) -> dict[str, Any]:
    """A FeatureCollection. BadRequest: no XML; Unsupported: a KMZ; Invalid: no Placemark in it, or one unreadable."""
    file = KmlFile(data)
    return {"type": "FeatureCollection", "features": [file.feature(at) for at in range(len(file))]}


class KmlFile:
    """The Features of a file, kept as JSON: a tree or lists of numbers would be many times as large."""

    def __init__(self, data: bytes | bytearray) -> None:
        """Raises like `read_kml`."""
        if data[:2] == b"PK":
            raise Unsupported("kmz", "This is a KMZ, a zipped KML: unzip it and send the .kml inside.")
        self._features: list[tuple[bytes, str]] = []  # and the style each names
        self._colors: dict[str, str] = {}
        self._maps: dict[str, str] = {}  # StyleMap → the style of its normal state
        for element in _parts(data):
            self._take(element)
        if not self._features:
            raise Invalid("no_features", "There is no Placemark with a Polygon, Point or LineString in this KML.")

    def __len__(self) -> int:
        return len(self._features)

    def feature(self, at: int) -> dict[str, Any]:
        """One of them, with the colour of its style."""
        text, style = self._features[at]
        feature: dict[str, Any] = msgspec.json.decode(text)
        if color := self._colors.get(self._maps.get(style, style)):
            feature["properties"]["color"] = color
        return feature

    def _take(self, element: Element) -> None:
        id = f"#{element.get('id', '')}"
        if element.tag == "Style":
            if color := _color(element):
                self._colors[id] = color
        elif element.tag == "StyleMap":
            for pair in element.iterfind("Pair"):
                if (pair.findtext("key") or "").strip() == "normal":
                    self._maps[id] = (pair.findtext("styleUrl") or "").strip()
        else:
            style = "" if element.find("Style") is not None else (element.findtext("styleUrl") or "").strip()
            self._features += [(msgspec.json.encode(feature), style) for feature in _features(element)]
            if len(self._features) > MAX_PLACEMARKS:
                many = f"More than {MAX_PLACEMARKS:,} Placemarks are too many for one request."
                raise Invalid("too_many_features", many)


_PARTS = frozenset({"Placemark", "Style", "StyleMap"})


def _parts(data: bytes | bytearray) -> Iterator[Element]:
    """The Placemarks and shared styles as they end, names without their namespace; nothing else is kept."""
    builder, inside = TreeBuilder(), 0  # elements deep in the one that is kept
    depth = count = parts = characters = 0
    ended: list[Element] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count, inside, parts, characters
        depth, count, name = depth + 1, count + 1, name.rpartition(" ")[2]
        if depth > MAX_DEPTH:
            raise BadRequest("kml_depth", f"The KML has elements more than {MAX_DEPTH} deep.")
        if count > MAX_ELEMENTS:
            raise TooLarge("too_many_items", f"The KML has over {MAX_ELEMENTS:,} elements; send parts of it.")
        if not inside and name not in _PARTS:
            return
        if not inside:
            parts = characters = 0
        inside, parts = inside + 1, parts + 1
        characters += sum(map(len, attributes.values()))
        check()
        builder.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth, inside, builder
        depth -= 1
        if inside:
            inside -= 1
            builder.end(name.rpartition(" ")[2])
            if not inside:
                ended.append(builder.close())
                builder = TreeBuilder()

    def text(characters_: str) -> None:
        nonlocal characters
        if inside:
            characters += len(characters_)
            check()
            builder.data(characters_)

    def check() -> None:
        if parts > MAX_PARTS or characters > MAX_TEXT:
            raise TooLarge(
                "body_too_large", f"One Placemark may have {MAX_PARTS:,} elements and {MAX_TEXT:,} characters."
            )

    def refuse(*_: object) -> None:
        raise BadRequest("kml_doctype", "The KML has a document type declaration (<!DOCTYPE); remove it.")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    for at in range(0, len(data) + 1, PIECE):
        try:
            parser.Parse(data[at : at + PIECE], at + PIECE > len(data))
        except expat.ExpatError as error:
            message = expat.ErrorString(error.code)
            detail = f"This is not XML: {message} in line {error.lineno}, column {error.offset + 1}."
            raise BadRequest("not_xml", detail) from None
        if at - parser.CurrentByteIndex > MAX_TEXT:
            raise TooLarge("body_too_large", f"A tag or comment of the KML is over {MAX_TEXT:,} bytes long.")
        yield from ended
        ended.clear()


def _color(style: Element) -> str | None:
    color = (style.findtext("PolyStyle/color") or style.findtext("LineStyle/color") or "").strip().lower()
    return f"#{color[6:8]}{color[4:6]}{color[2:4]}" if re.fullmatch(r"[0-9a-f]{8}", color) else None


def _features(placemark: Element) -> Iterator[dict[str, Any]]:
    name = " ".join((placemark.findtext("name") or "").split())  # programs wrap long ones
    properties = _properties(placemark)
    if name:
        properties["name"] = name
    geometries = _geometries(placemark, name or placemark.get("id") or "a Placemark")
    given = placemark.get("id") or ""
    for i, geometry in enumerate(geometries, 1):
        feature: dict[str, Any] = {"type": "Feature", "geometry": geometry, "properties": dict(properties)}
        if len(geometries) > 1 and name:
            feature["properties"]["name"] = f"{name} {i}"
        id = given if len(geometries) == 1 else f"{given}-{i}"
        if given and ID.fullmatch(id):
            feature["id"] = id
        yield feature


def _properties(placemark: Element) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    if (style := placemark.find("Style")) is not None and (color := _color(style)):
        properties["color"] = color
    pairs = [(data.get("name"), data.findtext("value")) for data in placemark.iterfind("ExtendedData/Data")]
    pairs += [(data.get("name"), data.text) for data in placemark.iterfind("ExtendedData/SchemaData/SimpleData")]
    for key, text in pairs:
        value = (text or "").strip()
        if key in ("radius_m", "buffer_m"):
            properties[key] = _number(value)
        elif key in _PROPERTIES:
            properties[key] = value
        elif key:
            attributes[key] = value
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
            holes = shape.iterfind("innerBoundaryIs/LinearRing")
            polygons.append([_positions(ring, name) for ring in (outer, *holes) if ring is not None])
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
            raise Invalid("kml_coordinates", message, [_fault(message)]) from None
    return positions


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _fault(message: str) -> dict[str, Any]:
    return {"code": "kml_coordinates", "field": "coordinates", "message": message}
