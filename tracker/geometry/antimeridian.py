"""Longitudes that go on where the map ends: boxes and polygons across ±180."""

from __future__ import annotations

from collections.abc import Iterable

import shapely
from shapely import affinity

from tracker.geometry import earth as geo

Box = tuple[float, float, float, float]  # west, south, east, north; within ±180 unless called unwrapped


def wrap(lon: float) -> float:
    return lon if -180 <= lon <= 180 else geo.turn(lon)


def lerp(lat1: float, lon1: float, lat2: float, lon2: float, t: float) -> tuple[float, float]:
    return float(lat1 + (lat2 - lat1) * t), float(lon1 + (lon2 - lon1) * t)


def join_boxes(boxes: Iterable[Box]) -> Box:
    """The one box around all, the way round that is narrower."""
    boxes = list(boxes)
    south, north = min(b[1] for b in boxes), max(b[3] for b in boxes)
    west, east = min(b[0] for b in boxes), max(b[2] for b in boxes)
    if west <= -180 and east >= 180:
        spans = sorted((b[0], b[2]) for b in boxes)
        reach, best = spans[0][1], (0.0, west, east)
        for w, e in spans[1:]:
            if w - reach > best[0]:
                best = (w - reach, w, reach)
            reach = max(reach, e)
        _, west, east = best
    return west, south, east, north


def split_box(box: Box) -> list[Box]:
    """A box with unwrapped longitudes as boxes within ±180."""
    west, south, east, north = box
    if east - west >= 360:
        return [(-180.0, south, 180.0, north)]
    west, east = geo.turn(west), geo.turn(west) + (east - west)
    if east <= 180:
        return [(west, south, east, north)]
    return [(west, south, 180.0, north), (-180.0, south, east - 360, north)]


def cut(polygons: list[shapely.Polygon]) -> list[shapely.Polygon]:
    """Cut at ±180 and brought back within."""
    world = shapely.box(-180, -90, 180, 90)
    parts: list[shapely.Polygon] = []
    for shape in polygons:
        west, _, east, _ = shape.bounds
        if west >= -180 and east <= 180:
            parts.append(shape)
            continue
        shape = shapely.normalize(shape)  # GEOS rounds a cut by the direction of the edge
        pieces = [shapely.intersection(affinity.translate(shape, turns), world) for turns in (-360, 0, 360)]
        if east - west >= 360:
            pieces = [shapely.union_all(pieces)]  # where it meets itself is no edge
        parts += [part for part in shapely.get_parts(pieces) if part.geom_type == "Polygon" and part.area > 0]
    return parts
