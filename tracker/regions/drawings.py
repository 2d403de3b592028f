"""What comes in as regions: GeoJSON of any form, one Feature a line, KML or KMZ; each Feature decoded in its turn.

Whoever made the file, what it says becomes what a region has: a bare geometry a Feature, a collection of geometries
its areas as one and every point and line as its own, `Name` a name, `fill` a colour, an id with a `/` one that an
address can hold. What cannot be used is told with its name and line, and costs nothing else.
"""

from __future__ import annotations

import codecs
import hashlib
import re
import unicodedata
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from tracker.errors import BadRequest, Invalid, TooLarge
from tracker.geometry.geojson import parameter_names
from tracker.protocols.native import read_document
from tracker.protocols.pieces import cut
from tracker.regions.colors import read_color
from tracker.regions.kml import KmlFile, pieces
from tracker.regions.region import ANSWERED, ID, MAX_NAME, MAX_TEXT, is_ours, region_id
from tracker.regions.strays import check_document, check_item, check_text

MOST_FEATURES = 10_000  #: of one request
MOST_PARTS = 1_000  #: regions made of one Feature
#: what an answer has besides; a document that was read may be written back with them
COMPUTED = (ANSWERED - {"id"}) | {"perimeter_m"}
GEOMETRIES = (
    *("Polygon", "MultiPolygon", "Point", "MultiPoint", "LineString", "MultiLineString"),
    "GeometryCollection",
)  # not a set: what is looked for may be a list
UNADDRESSABLE = (".", "..", "preview")  #: told rather than made into another
_DEGREES = re.compile(r"crs:?84h?$|(4326|4979|4258|4269|4171|4167)$", re.IGNORECASE)

Body = bytes | bytearray
Read = Callable[[bytes], Any]


class Drawn(NamedTuple):
    """One region of a file, as a Feature, or what is wrong with it."""

    feature: dict[str, Any] | Invalid
    line: int = 0  # where it begins; 0: not in a file of several
    name: str = ""  # for messages


class Drawings:
    """The regions of a file, to be read once. `alone`: it is one Feature or geometry rather than a list."""

    def __init__(self, drawn: Iterable[Drawn], alone: bool = False) -> None:
        self.alone = alone
        self._drawn = drawn

    def __iter__(self) -> Iterator[Drawn]:
        for count, one in enumerate(self._drawn):
            check_count(count + 1)
            yield one

    def only(self) -> dict[str, Any]:
        """The one region of a file that has no other. Raises Invalid."""
        found = list(zip(range(2), self, strict=False))
        if len(found) != 1:
            count = "several" if found else "none"
            raise fault("one_region", "type", f"this takes one region, a GeoJSON Feature, and here are {count}")
        feature = found[0][1].feature
        if isinstance(feature, Invalid):
            raise feature
        return feature


def read_drawings(body: Body, most_each: int, read: Read = read_document, xml: bool = False) -> Drawings:
    """Slow for large ones. `xml`: it is said to be. Raises BadRequest, TooLarge, Invalid."""
    head = bytes(body[:4096]).lstrip(codecs.BOM_UTF8 + b" \t\r\n")
    wide = body[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or b"\0" in body[:4]
    if head[:1] == b"<" or (xml and head[:1] not in (b"{", b"[")) or (wide and b"<" in body[:6]):
        check_text(body)
        return read_kml_pieces(pieces(body))
    if wide or body.startswith(codecs.BOM_UTF8):
        body = _utf8(body)
    try:
        return _json(body, most_each, read)
    except TooLarge as fault:
        if fault.code == "too_many_items":
            check_count(MOST_FEATURES + 1)
        raise
    except BadRequest as fault:
        if fault.code in ("not_json", "not_utf8"):
            check_text(body)
        raise


def read_kml_pieces(data: Iterable[Body]) -> Drawings:
    file = KmlFile(data)
    check_count(len(file))
    return Drawings(_kml(file))


def _kml(file: KmlFile) -> Iterator[Drawn]:
    ids = Ids()
    for at, mark in enumerate(file.placemarks):
        feature = file.feature(at)
        yield from _tidied(feature, mark.line, mark.name, ids)


def _json(body: Body, most_each: int, read: Read) -> Drawings:
    if lines := _lines(body, most_each):
        return Drawings(_each(body, lines, read))
    frame, spans = cut(body, "features", MOST_FEATURES, most_each)
    if spans is None and re.match(rb'\s*\{\s*"regions"', body[:100]):  # as GET answers them
        frame, spans = cut(body, "regions", MOST_FEATURES, most_each)
    document = read(bytes(frame))
    check_document(document)
    if isinstance(document, list):
        return Drawings(_each(body, spans or [], read))
    if not isinstance(document, dict):
        raise fault("not_geojson", "type", "this is no GeoJSON: send a Feature, a FeatureCollection or a geometry")
    collection = document.get("type") == "FeatureCollection"
    if not collection and not (isinstance(document.get("regions"), list) and "type" not in document):
        drawn = list(_tidied(document, 0, "", Ids()))  # somebody's own work: its faults are told, not mended
        return Drawings(drawn, alone=len(drawn) == 1)
    if not isinstance(document.get("features" if collection else "regions"), list):
        raise fault("not_geojson", "features", "a FeatureCollection has an array of `features`")
    check_degrees(document)
    return Drawings(_each(body, spans or [], read))


def _each(body: Body, spans: Iterable[tuple[int, int]], read: Read) -> Iterator[Drawn]:
    ids, line, before = Ids(), 1, 0
    for index, (start, end) in enumerate(spans):
        while body[start : start + 1].isspace():
            start += 1
        line, before = line + body.count(b"\n", before, start), start
        try:
            item = read(bytes(body[start:end]))
        except BadRequest as fault:
            if isinstance(fault, TooLarge):
                raise type(fault)(fault.code, f"Feature {index}: {fault.detail}") from None
            yield Drawn(Invalid(fault.code, fault.detail), line)
            continue
        yield from _tidied(item, line, "", ids)


def _lines(body: Body, most: int) -> list[tuple[int, int]]:
    """Where each line is of a file of one Feature a line (also with the mark of RFC 8142); empty when it is none."""
    first = bytes(body[: body.find(b"\n", 0, most) + 1]).strip(b"\x1e \t\r\n")
    marked = body[:1] == b"\x1e"
    if not first or not (marked or body[len(first) :].strip()):
        return []
    try:
        if not marked and not isinstance(read_document(first), dict):
            return []
    except BadRequest:
        return []
    spans, at = [], 0
    while at < len(body):
        end = body.find(b"\n", at)
        end = len(body) if end < 0 else end
        start = at + (body[at : at + 1] == b"\x1e")
        if body[start:end].strip():
            spans.append((start, end))
            check_count(len(spans))
        if end - at > most:
            raise TooLarge("body_too_large", f"one item of this body may have {most} bytes")
        at = end + 1
    return spans


def _utf8(body: Body) -> bytes:
    """Whatever mark it begins with. Raises BadRequest."""
    try:
        if body.startswith(codecs.BOM_UTF8):
            return bytes(body[3:])
        encoding = "utf-16" if body[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-16-le"
        text = body.decode("utf-16-be" if body[:1] == b"\0" else encoding)
        return text.removeprefix("\ufeff").encode()
    except UnicodeError:
        raise BadRequest("not_utf8", "the body looks like UTF-16 and is none; send JSON as UTF-8") from None


def check_count(count: int) -> None:
    if count > MOST_FEATURES:
        raise Invalid("too_many_features", f"at most {MOST_FEATURES} features go into one request")


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


class Ids:
    """Ids of one file as a region may have them; the same file gives the same ones."""

    def __init__(self) -> None:
        self._made: dict[str, str] = {}  # id → what it was made of

    def read(self, given: Any) -> str | None:
        """Raises Invalid for what is no id."""
        if given is None:
            return None
        if isinstance(given, float) and given.is_integer():
            given = int(given)
        if isinstance(given, int | float) and not isinstance(given, bool):
            given = str(given)
        if not isinstance(given, str) or not given.strip() or ID.fullmatch(given) or given in UNADDRESSABLE:
            return region_id(given)
        made = addressable(given)
        if self._made.setdefault(made, given) != given:
            made = f"{made[:55]}-{_digest(given)}"
        return made


def addressable(id: str) -> str:
    """Another program's id (`way/1234`) as one that an address can hold; the same one always gives the same."""
    letters = unicodedata.normalize("NFKD", id).encode("ascii", "ignore").decode()
    made = re.sub(r"[^A-Za-z0-9._-]+", "-", letters).strip("-.")
    if id.isascii() and ID.fullmatch(made):
        return made
    return f"{made[:55]}-{_digest(id)}".strip("-")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _tidied(item: dict[str, Any] | Invalid | Any, line: int, name: str, ids: Ids) -> Iterator[Drawn]:
    """The regions one item of a file is meant as."""
    try:
        if isinstance(item, Invalid):
            raise item
        feature = _feature(item)
        name = name or _called(feature)
        parts = _parts(feature["geometry"])
        properties = _properties(feature["properties"], feature["id"])
        if line:
            properties = _with_text(_with_text(properties, "name"), "group")
        given = feature["id"]
        id = ids.read(given)
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
        raise fault("not_a_feature", "type", message)
    check_degrees(item)
    geometry, properties = item.get("geometry"), item.get("properties")
    if isinstance(geometry, dict):
        check_degrees(geometry)
    if properties is not None and not isinstance(properties, dict):
        raise fault("wrong_type", "properties", "`properties` is an object")
    return {"geometry": geometry, "properties": properties or {}, "id": item.get("id")}


def _called(feature: dict[str, Any]) -> str:
    """For messages: its name, or else its id."""
    named = next((feature["properties"].get(key) for key in _NAMES if feature["properties"].get(key)), feature["id"])
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
_JSON = ("rules", "notify", "attributes")


def _properties(given: dict[str, Any], id: Any) -> dict[str, Any]:
    """What a region has of its own under our names and in our types, where another program had its way with it."""
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
    if properties.get("color") in (None, ""):
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
    return " ".join("".join(char if char.isprintable() else " " if char.isspace() else "" for char in text).split())


def _with_attribute(properties: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    attributes = properties.get("attributes")
    if attributes is None or isinstance(attributes, dict):
        properties["attributes"] = {name: value} | (attributes or {})
    return properties


def fault(code: str, field: str, message: str) -> Invalid:
    return Invalid(code, message, [{"field": field, "code": code, "message": message}])
