"""The polygon around a circle or a corridor: to draw and to measure by. It decides nothing; `buffer` does."""

from __future__ import annotations

from math import ceil

import numpy as np
import shapely
from shapely import affinity

from tracker.geometry import earth as geo
from tracker.geometry.antimeridian import cut
from tracker.geometry.area import Area
from tracker.geometry.earth import frame

SIDES = 128  #: of a circle: it lies 0.03 % inside
STRETCH = 16  #: chords buffered in one metre frame (about 16 km)


def outline(points: list[tuple[float, float]], reach_m: float) -> Area:
    """All within `reach_m` of one (lat, lon), or of the line through several; longitudes unwrapped."""
    drawn = _circle(*points[0], reach_m) if len(points) == 1 else _corridor(points, reach_m)
    parts = cut([part for part in shapely.get_parts(drawn) if part.geom_type == "Polygon"])
    coordinates = [[np.asarray(r.coords).tolist() for r in (part.exterior, *part.interiors)] for part in parts]
    return Area.from_parts({"type": "MultiPolygon", "coordinates": coordinates}, parts)


def _circle(lat: float, lon: float, radius: float) -> shapely.Geometry:
    ring = []
    for i in range(SIDES):
        y, x = geo.destination(lat, lon, 360 * i / SIDES, radius)
        ring.append((lon + geo.turn(x - lon), y))
    for pole in (90.0, -90.0):
        if geo.distance_m(lat, lon, pole, lon) < radius:  # around a pole: what lies between the rim and the pole
            rim = sorted(((x + 180) % 360 - 180, y) for x, y in ring)
            rim = [(rim[-1][0] - 360, rim[-1][1]), *rim, (rim[0][0] + 360, rim[0][1])]
            return shapely.Polygon([(rim[0][0], pole), *rim, (rim[-1][0], pole)]).intersection(
                shapely.box(-180, -90, 180, 90)
            )
    return shapely.Polygon(ring).buffer(0)


def _corridor(points: list[tuple[float, float]], reach_m: float) -> shapely.Geometry:
    stretches = ceil((len(points) - 1) / STRETCH)
    pieces = []
    for i in range(stretches):
        stretch = points[i * STRETCH : (i + 1) * STRETCH + 1]
        lat0, lon0 = stretch[len(stretch) // 2]
        kx, ky = frame(max(-89.0, min(89.0, lat0)))
        local = shapely.LineString([((lon - lon0) * kx, (lat - lat0) * ky) for lat, lon in stretch])
        grown = local.buffer(reach_m, quad_segs=16)
        pieces.append(affinity.affine_transform(grown, [1 / kx, 0, 0, 1 / ky, lon0, lat0]))
    return shapely.union_all(pieces)
