"""Ground: the land that is built in, whole and coarse, and as fine as there is around what a report shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.affinity import translate

Box = tuple[float, float, float, float]

AROUND = 3.0  #: degrees beside the tracks at least, or as much as they are wide
COARSE = 0.25  #: degrees the coast of the rest of the world may be off
SPECK = 0.15  #: square degrees of an island that is left out there
FINE = 0.004


def read_land(file: Path) -> list[shapely.Polygon]:
    """The polygons of a TopoJSON with an object `land`, each within ±180°."""
    topology = json.loads(file.read_text())
    (scale_x, scale_y), (west, south) = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = [np.cumsum(arc, axis=0) * (scale_x, scale_y) + (west, south) for arc in topology["arcs"]]

    def ring(parts: list[int]) -> npt.NDArray[np.float64]:
        lines = [arcs[part] if part >= 0 else arcs[~part][::-1] for part in parts]
        return np.concatenate([line if at == 0 else line[1:] for at, line in enumerate(lines)])

    polygons: list[Any] = []
    for geometry in topology["objects"]["land"]["geometries"]:
        polygons += [
            shapely.Polygon(_unrolled(ring(rings[0])), [_unrolled(ring(hole)) for hole in rings[1:]])
            for rings in (geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]])
        ]
    whole = shapely.make_valid(np.array(polygons, dtype=object))
    return [
        part
        for turn in (-1, 0, 1)
        for piece in shapely.clip_by_rect(whole, 360.0 * turn - 180, -90, 360.0 * turn + 180, 90)
        for part in _polygons(translate(piece, -360.0 * turn))
    ]


def _unrolled(ring: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Goes on over the antimeridian, where it is written to leap back; one around the earth is closed at the pole."""
    lon, lat = np.unwrap(ring[:, 0], period=360), ring[:, 1]
    if abs(lon[-1] - lon[0]) > 180:
        pole = np.copysign(90.0, lat.mean())
        lon, lat = np.concatenate((lon, lon[[-1, 0]])), np.concatenate((lat, (pole, pole)))
    return np.column_stack((lon, lat))


def land(polygons: list[shapely.Polygon], box: Box | None) -> dict[str, Any]:
    """Rings of integers, the first point of each whole and then differences; `fine` is all there is in `box`."""
    whole = shapely.make_valid(np.array(polygons, dtype=object))
    coarse = [one for one in shapely.simplify(whole, COARSE) if one.area > SPECK]
    told: dict[str, Any] = {"steps": 100, "coarse": _rings(coarse, 100)}
    if box is not None:
        west, south, east, north = box
        wide, high = max(AROUND, east - west), max(AROUND / 2, north - south)
        around = (west - wide, max(-89.0, south - high), east + wide, min(89.0, north + high))
        cut = [
            translate(piece, 360.0 * turn)
            for turn in (-1, 0, 1)
            for piece in shapely.clip_by_rect(
                whole, around[0] - 360.0 * turn, around[1], around[2] - 360.0 * turn, around[3]
            )
            if not piece.is_empty
        ]
        told |= {"box": around, "fine_steps": 1000, "fine": _rings(list(shapely.simplify(cut, FINE)), 1000)}
    return told


def _rings(shapes: list[Any], steps: int) -> list[list[int]]:
    rings: list[list[int]] = []
    for polygon in (part for shape in shapes for part in _polygons(shape)):
        for line in (polygon.exterior, *polygon.interiors):
            points = np.round(shapely.get_coordinates(line)[:-1] * steps).astype(int)
            moved = np.any(np.diff(points, axis=0, prepend=points[:1] - 1), axis=1)
            if np.count_nonzero(moved) > 2:
                rings.append(np.diff(points[moved], axis=0, prepend=0).ravel().tolist())
    return rings


def _polygons(shape: Any) -> list[shapely.Polygon]:
    if isinstance(shape, shapely.Polygon):
        return [] if shape.is_empty else [shape]
    return [part for one in getattr(shape, "geoms", ()) for part in _polygons(one)]
