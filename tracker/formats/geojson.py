"""GeoJSON points with a time among their properties (enviroCar's spelling included)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from tracker.formats import Point, Reading, Skip, Unreadable
from tracker.formats.clock import Clock
from tracker.formats.fields import from_object
from tracker.formats.json import decode
from tracker.formats.names import UNITS

NAME = "geojson"
ABOUT = "a FeatureCollection of Points, the time and the rest among their properties"
ITEM = "feature"

_ENVIROCAR_UNITS = {"km/h": UNITS["kmh"], "m/s": 1.0}


def recognises(name: str, head: str) -> bool:
    return name.endswith(".geojson") or '"FeatureCollection"' in head


def read(file: BinaryIO, reading: Reading) -> Iterator[Point | Skip]:
    document = decode(file, reading.name)
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise Unreadable(f"{reading.name}: not a GeoJSON FeatureCollection")
    clock = Clock(reading.name, reading.zone)
    for number, feature in enumerate(features, 1):
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        if not isinstance(geometry, dict) or geometry.get("type") != "Point":
            yield Skip("not_a_point", number)
            continue
        properties = feature.get("properties") or {}
        item = {name: value for name, value in properties.items() if not isinstance(value, dict | list)}
        item.pop("id", None)  # of the measurement, not of the vehicle
        if isinstance(phenomena := properties.get("phenomenons"), dict):
            item |= _measured(phenomena)
        coordinates = geometry.get("coordinates") or []
        for name, value in zip(("lon", "lat", "altitude_m"), coordinates, strict=False):
            item.setdefault(name, value)
        yield from_object(item, reading, clock, number) if "time" in item or len(item) > 2 else Skip("no_time", number)


def _measured(phenomena: dict[str, Any]) -> dict[str, Any]:
    """enviroCar: {"GPS Speed": {"value": 58.9, "unit": "km/h"}, "Rpm": …}."""
    item: dict[str, Any] = {}
    for name, measure in phenomena.items():
        value = measure.get("value") if isinstance(measure, dict) else None
        if not isinstance(value, int | float):
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
