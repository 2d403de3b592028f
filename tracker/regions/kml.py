"""KML → GeoJSON: the Placemarks of a file as Features that can become regions.

Read: name, description, id, Polygon (with holes), MultiGeometry, LinearRing, Point and LineString, the colour of a
style of its own, a shared one or a StyleMap, the Folder as `group`, and ExtendedData: what a region has of its own
(`radius_m`, `buffer_m`, `color`, `group`, `debounce`, `rules`, …) goes there, the rest is kept as attributes. Altitudes
are let go. Whether the shapes make sense is for `read_shape` to say. A Placemark that cannot be used costs only itself.

XML can be made to explode; a document type declaration, which is what that needs and KML does not, is refused.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import msgspec

from tracker.errors import BadRequest, Invalid, TooLarge
from tracker.geometry.geojson import parameter_names
from tracker.regions.colors import read_abgr

MAX_DEPTH = 100  #: elements within elements
MAX_ELEMENTS = 2_000_000  #: of a file, whatever they are
MAX_PLACEMARKS = 20_000
MAX_PARTS = 50_000  #: elements of one Placemark or Style
MAX_TEXT = 2 * 2**20  #: characters of one
MAX_NAMES = 1_000  #: characters of the name of a Folder that are looked at
PIECE = 64 * 1024  #: bytes given to the parser in one go: it keeps the GIL while it reads text

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


def pieces(data: bytes | bytearray) -> Iterator[bytes | bytearray]:
    for at in range(0, len(data), PIECE):
        yield data[at : at + PIECE]


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
        for part in _parts(data):
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
                raise Invalid("too_many_features", many)

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


class Part(NamedTuple):
    """A Placemark or shared style, the Folder it is in, and the line where it begins."""

    element: Element
    folder: str
    line: int


_PARTS = frozenset({"Placemark", "Style", "StyleMap"})


def _parts(data: Iterable[bytes | bytearray]) -> Iterator[Part]:
    """The Placemarks and shared styles as they end, names without their namespace; nothing else is kept."""
    builder, inside = TreeBuilder(), 0  # elements deep in the one that is kept
    depth = count = parts = characters = line = 0
    ended: list[Part] = []
    folders: list[tuple[int, str]] = []  # open ones: how deep, and their names
    naming = False  # within the name of one

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count, inside, parts, characters, line, naming
        depth, count, name = depth + 1, count + 1, name.rpartition(" ")[2]
        if depth > MAX_DEPTH:
            raise BadRequest("kml_depth", f"The KML has elements more than {MAX_DEPTH} deep.")
        if count > MAX_ELEMENTS:
            raise TooLarge("too_many_items", f"The KML has over {MAX_ELEMENTS:,} elements; send parts of it.")
        if not inside and name not in _PARTS:
            naming = name == "name" and bool(folders) and folders[-1][0] == depth - 1
            if name == "Folder":
                folders.append((depth, ""))
            return
        if not inside:
            parts, characters, line = 0, 0, parser.CurrentLineNumber
        inside, parts = inside + 1, parts + 1
        characters += sum(map(len, attributes.values()))
        check()
        builder.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth, inside, builder, naming
        depth, naming = depth - 1, False
        if folders and folders[-1][0] > depth:
            folders.pop()
        if inside:
            inside -= 1
            builder.end(name.rpartition(" ")[2])
            if not inside:
                folder = next((name for _, name in reversed(folders) if name.strip()), "")
                ended.append(Part(builder.close(), " ".join(folder.split()), line))
                builder = TreeBuilder()

    def text(characters_: str) -> None:
        nonlocal characters
        if inside:
            characters += len(characters_)
            check()
            builder.data(characters_)
        elif naming:
            at, name = folders[-1]
            folders[-1] = at, (name + characters_)[:MAX_NAMES]

    def check() -> None:
        if parts > MAX_PARTS or characters > MAX_TEXT:
            raise TooLarge(
                "body_too_large", f"One Placemark may have {MAX_PARTS:,} elements and {MAX_TEXT:,} characters."
            )

    def refuse(*_: object) -> None:
        raise BadRequest("kml_doctype", "The KML has a document type declaration (<!DOCTYPE); remove it.")

    taken = 0
    for piece, last, encoding in _with_encoding(data):
        if not taken:
            parser = expat.ParserCreate(encoding, namespace_separator=" ")
            parser.buffer_text = True
            parser.StartElementHandler, parser.EndElementHandler = start, end
            parser.CharacterDataHandler = text
            parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
        try:
            parser.Parse(piece, last)
        except expat.ExpatError as error:
            message = expat.ErrorString(error.code)
            detail = f"This is not XML: {message} in line {error.lineno}, column {error.offset + 1}."
            raise BadRequest("not_xml", detail) from None
        except (LookupError, ValueError) as error:  # an encoding nobody here can read
            raise BadRequest("not_xml", f"This XML cannot be read ({error}); save it as UTF-8.") from None
        if taken - parser.CurrentByteIndex > MAX_TEXT:
            raise TooLarge("body_too_large", f"A tag or comment of the KML is over {MAX_TEXT:,} bytes long.")
        taken += max(len(piece), 1)
        yield from ended
        ended.clear()


_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=", re.ASCII)
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _with_encoding(data: Iterable[bytes | bytearray]) -> Iterator[tuple[bytes | bytearray, bool, str | None]]:
    """Each piece, whether it is the last, and the encoding to read all in, if the file does not say it.

    A file that says none is UTF-8; of one that is not, its first piece shows it: then it is Windows' western code page.
    """
    before: bytes | bytearray | None = None
    encoding = None
    for piece in data:
        if before is None:
            piece = piece.lstrip(b" \t\r\n")  # before a declaration XML allows none, programs leave some
            if not piece.startswith(_MARKS) and b"\0" not in piece[:4] and not _DECLARED.match(piece):
                encoding = None if _is_utf8(piece) else "windows-1252"
        else:
            yield before, False, encoding
        before = piece
    yield before or b"", True, encoding


def _is_utf8(piece: bytes | bytearray) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(bytes(piece))
    except UnicodeDecodeError:
        return False
    return True


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
            raise Invalid("kml_coordinates", message, [_fault(message)]) from None
    return positions


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _fault(message: str, code: str = "kml_coordinates") -> dict[str, Any]:
    return {"code": code, "field": "coordinates", "message": message}
