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

from tracker.errors import BadRequest, Invalid, Unsupported

MAX_DEPTH = 100  #: elements within elements
MAX_PLACEMARKS = 20_000

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_GEOMETRIES = frozenset({"Polygon", "LinearRing", "Point", "LineString", "MultiGeometry"})
_PROPERTIES = frozenset({"radius_m", "buffer_m", "color", "group", "debounce"})


def read_kml(data: bytes) -> dict[str, Any]:
    """A FeatureCollection. BadRequest: no XML; Unsupported: a KMZ; Invalid: no Placemark in it, or one unreadable."""
    if data[:2] == b"PK":
        raise Unsupported("kmz", "This is a KMZ, a zipped KML: unzip it and send the .kml inside.")
    root = _parse(data)
    styles = {f"#{style.get('id')}": style for style in root.iter("Style") if style.get("id")}
    features: list[dict[str, Any]] = []
    for placemark in root.iter("Placemark"):
        features += _features(placemark, styles)
        if len(features) > MAX_PLACEMARKS:
            raise Invalid("too_many_features", f"More than {MAX_PLACEMARKS:,} Placemarks are too many for one request.")
    if not features:
        raise Invalid("no_features", "There is no Placemark with a Polygon, Point or LineString in this KML.")
    return {"type": "FeatureCollection", "features": features}


def _parse(data: bytes) -> Element:
    """The tree, names without their namespace."""
    builder, depth = TreeBuilder(), 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise BadRequest("kml_depth", f"The KML has elements more than {MAX_DEPTH} deep.")
        builder.start(name.rpartition(" ")[2], attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name.rpartition(" ")[2])

    def refuse(*_: object) -> None:
        raise BadRequest("kml_doctype", "The KML has a document type declaration (<!DOCTYPE); remove it.")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        message = expat.ErrorString(error.code)
        detail = f"This is not XML: {message} in line {error.lineno}, column {error.offset + 1}."
        raise BadRequest("not_xml", detail) from None
    return builder.close()


def _features(placemark: Element, styles: dict[str, Element]) -> Iterator[dict[str, Any]]:
    name = " ".join((placemark.findtext("name") or "").split())  # programs wrap long ones
    properties = _properties(placemark, styles)
    if name:
        properties["name"] = name
    geometries = _geometries(placemark, name or placemark.get("id") or "a Placemark")
    given = placemark.get("id") or ""
    for i, geometry in enumerate(geometries, 1):
        feature: dict[str, Any] = {"type": "Feature", "geometry": geometry, "properties": dict(properties)}
        if len(geometries) > 1 and name:
            feature["properties"]["name"] = f"{name} {i}"
        id = given if len(geometries) == 1 else f"{given}-{i}"
        if given and _ID.fullmatch(id):
            feature["id"] = id
        yield feature


def _properties(placemark: Element, styles: dict[str, Element]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    style = placemark.find("Style")
    if style is None:
        style = styles.get((placemark.findtext("styleUrl") or "").strip())
    color = None if style is None else style.findtext("PolyStyle/color") or style.findtext("LineStyle/color")
    if color and re.fullmatch(r"[0-9a-fA-F]{8}", color.strip()):
        aabbggrr = color.strip().lower()
        properties["color"] = f"#{aabbggrr[6:8]}{aabbggrr[4:6]}{aabbggrr[2:4]}"
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
