"""WKT as Traccar writes it: the latitude comes first, and a circle is one of its own."""

from __future__ import annotations

import json
import re
from typing import Any

NUMBER = r"-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?"
_CIRCLE = re.compile(rf"CIRCLE\s*\(\s*({NUMBER})[\s,]+({NUMBER})\s*,\s*({NUMBER})\s*\)", re.IGNORECASE)
_SHAPE = re.compile(r"(MULTIPOLYGON|POLYGON|LINESTRING)\s*(?=\()", re.IGNORECASE)
_PLACE = re.compile(rf"({NUMBER})\s+({NUMBER})")
_TYPES = {"MULTIPOLYGON": ("MultiPolygon", 3), "POLYGON": ("Polygon", 2), "LINESTRING": ("LineString", 1)}


def read_area(text: str) -> tuple[dict[str, Any], float | None]:
    """A GeoJSON geometry, longitude first, and of a circle its radius in metres. Raises ValueError."""
    text = " ".join(text.split())
    if circle := _CIRCLE.fullmatch(text):
        lat, lon, radius = map(float, circle.groups())
        return {"type": "Point", "coordinates": [lon, lat]}, radius
    found = _SHAPE.match(text)
    if found is None:
        raise ValueError(f"{text[:40]!r} is no CIRCLE, POLYGON or LINESTRING")
    kind, depth = _TYPES[found[1].upper()]
    listed = _PLACE.sub(r"[\2, \1]", text[found.end() :]).replace("(", "[").replace(")", "]")
    try:
        places: Any = json.loads(listed)
    except ValueError:
        raise ValueError(f"{text[:40]!r} does not end, or holds something else than places") from None
    if not _is_nested(places, depth):
        raise ValueError(f"{text[:40]!r} has not the brackets of a {kind}")
    if depth > 1:
        for ring in (ring for polygon in ([places] if depth == 2 else places) for ring in polygon):
            if ring[0] != ring[-1]:  # Traccar need not close it
                ring.append(ring[0])
    return {"type": kind, "coordinates": places}, None


def _is_nested(places: Any, depth: int) -> bool:
    if not isinstance(places, list) or not places:
        return False
    if depth == 0:
        return len(places) == 2 and all(isinstance(one, int | float) for one in places)
    return all(_is_nested(one, depth - 1) for one in places)
