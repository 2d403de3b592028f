"""What is sent as regions and is none: recordings, lists of places, formats of other programs; each by its name."""

from __future__ import annotations

import codecs
import re
from typing import Any

from tracker.errors import Invalid
from tracker.formats.names import plan

_LISTS = ("coordTimes", "times", "timestamps", "datetimes", "coordinateTimes")
_REPLAY = "play it with `tracker replay`"
_HEAD = 4096  #: bytes a file is known by

#: what a faulty feature was taken for, and how many of them are told
SENTENCES = {
    "a_fix": "{n:,} positions with a time each are a recording, not regions: play it with `tracker replay`",
    "a_track": "{n:,} recorded tracks are not regions: play them with `tracker replay`",
    "a_place": "{n:,} places (points without `radius_m`) are not regions: give each a `radius_m`, and it is a circle",
    "a_position": "{n:,} positions of vehicles are not regions: send them to /api/v1/positions, or "
    "play them with `tracker replay`",
    "a_geofence": "{n:,} geofences of Traccar hold their shape as WKT (`area`), which is not read here: "
    "save them as GeoJSON",
}


def check_item(item: Any) -> None:
    """Raises Invalid for an object that is plainly something else than a region."""
    if not isinstance(item, dict):
        return
    geometry, properties = item.get("geometry"), item.get("properties")
    if "temporalGeometry" in item or str(item.get("type")).startswith("Moving"):
        raise _stray("a_track", f"a moving feature is a recorded track, not a region; {_REPLAY}")
    if "type" in item and ("geometry" in item or "coordinates" in item or "geometries" in item):
        if isinstance(geometry, dict) and isinstance(properties, dict):
            _check_feature(str(geometry.get("type")), properties)
        return
    if isinstance(item.get("area"), str) and re.match(r"\s*(POLYGON|CIRCLE|LINESTRING)\s*\(", item["area"]):
        raise _stray("a_geofence", "a geofence of Traccar holds its shape as WKT (`area`), which is not read here")
    fields = plan(tuple(name for name in item if isinstance(name, str))).fields
    if "lat" in fields and "lon" in fields:
        place = f"{str(item[fields['lat']])[:12]}, {str(item[fields['lon']])[:12]}"
        message = f"a position ({place}) is not a region; send it to /api/v1/positions, or {_REPLAY}"
        raise _stray("a_position", message)


def _check_feature(kind: str, properties: dict[str, Any]) -> None:
    if kind in ("LineString", "MultiLineString") and properties.get("buffer_m") is None:
        name = next((name for name in _LISTS if isinstance(properties.get(name), list)), None)
        if name is not None:
            raise _stray("a_track", f"a line with times (`{name}`) is a recorded track, not a region; {_REPLAY}")
    if kind in ("Point", "MultiPoint") and properties.get("radius_m") is None:
        attributes = properties.get("attributes")
        said = properties | (attributes if isinstance(attributes, dict) else {})
        name = plan(tuple(said)).fields.get("time")
        if name is not None and said[name] not in (None, ""):
            message = f"a point with a time (`{name}`) is a fix of a recording, not a region; {_REPLAY}"
            raise _stray("a_fix", message)


def kind_of(error: Invalid) -> str:
    """What a faulty feature was taken for: the code of its error, but that a point without a radius is a place."""
    a_place = error.code == "size_missing" and error.errors[0]["field"] == "properties.radius_m"
    return "a_place" if a_place else error.code


def summary(codes: list[str]) -> str | None:
    """One sentence for a file of nothing else than one thing that is no region."""
    if len(codes) < 2 or len(set(codes)) != 1:
        return None
    sentence = SENTENCES.get(codes[0])
    return sentence and sentence.format(n=len(codes))


def check_document(document: Any) -> None:
    """Raises Invalid for a whole document of another program or another resource."""
    if not isinstance(document, dict):
        return
    if document.get("type") == "Topology":
        raise _not_regions("This is TopoJSON: save it as GeoJSON first (topo2geo, mapshaper and QGIS do).")
    if str(document.get("geometryType", "")).startswith("esri") or "rings" in document:
        raise _not_regions("This is JSON of Esri (`rings`, `attributes`): save it as GeoJSON first (`f=geojson`).")
    for name in ("positions", "locations", "vehicles", "events", "timelineObjects", "semanticSegments", "trackPoints"):
        if isinstance(document.get(name), list):
            count = len(document[name])
            raise _not_regions(f"This is a recording or a list of `{name}` ({count:,}), not regions; {_REPLAY}.")


def check_text(body: bytes | bytearray) -> None:
    """Raises Invalid for a file that is no JSON, no KML and something we know."""
    head = bytes(body[:_HEAD])
    if head.startswith(b"SQLite format 3\0"):
        raise _not_regions("This is a GeoPackage or another SQLite file: save it as GeoJSON first (QGIS, ogr2ogr).")
    if head.startswith(b"\0\0\x27\x0a"):
        raise _not_regions("This is a shapefile: save it as GeoJSON or KML first (QGIS, ogr2ogr).")
    text = _decoded(head).lstrip("\ufeff \t\r\n")
    if root := re.match(r"(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>]*>|\s)*<(?:\w+:)?(\w+)", text, re.DOTALL):
        _check_root(root[1], body)
        return
    if re.match(r"[$!](G[A-Z]|BD|AI|P[A-Z])[A-Z]{2,4},", text):
        raise _not_regions(f"These are sentences of a receiver (NMEA, {_lines(body):,} lines), not regions; {_REPLAY}.")
    if re.match(r"(SRID=\d+;)?\s*(MULTI)?(POLYGON|POINT|LINESTRING)\s*Z?M?\s*\(", text, re.IGNORECASE):
        raise _not_regions(
            "This is WKT, which the page takes pasted into its card of a region; here send GeoJSON or KML."
        )
    line = text.partition("\n")[0]
    if text[:1] not in ("{", "[", "") and max(line.count(mark) for mark in ",;\t") >= 2:
        seen = f"a table ({_lines(body):,} lines, the first {line.strip()[:60]!r})"
        raise _not_regions(f"This is {seen}, not regions; if it is a recording, {_REPLAY}.")


def _check_root(root: str, body: bytes | bytearray) -> None:
    if root == "gpx":
        tracks, points = body.count(b"<trk>"), body.count(b"<trkpt")
        points, marks = points + body.count(b"<rtept"), body.count(b"<wpt")
        seen = f"{tracks:,} tracks, {points:,} points, {marks:,} waypoints"
        raise _not_regions(f"This is GPX ({seen}), a recording rather than regions; {_REPLAY}.")
    told = {
        "TrainingCenterDatabase": f"This is TCX, a recording rather than regions; {_REPLAY}.",
        "Siri": f"This is SIRI, a recording rather than regions; {_REPLAY}.",
        "osm": "This is OpenStreetMap XML: save it as GeoJSON first (overpass turbo, osmtogeojson).",
        "FeatureCollection": "This is GML: save it as GeoJSON or KML first (QGIS, ogr2ogr).",
        "html": "This is a web page, not a file of regions; was it saved from a login or an error page?",
    }
    if root in told or root.lower() == "html":
        raise _not_regions(told.get(root, told["html"]))


def _decoded(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "replace")
    return head.decode("utf-8", "replace")


def _lines(body: bytes | bytearray) -> int:
    return body.count(b"\n") + (not body.endswith(b"\n"))


def _stray(code: str, message: str) -> Invalid:
    return Invalid(code, message, [{"field": "type", "code": code, "message": message}])


def _not_regions(message: str) -> Invalid:
    return Invalid("not_regions", message)
