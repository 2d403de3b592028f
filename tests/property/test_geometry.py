"""The index against oracles: shapely for what is straight, pyproj's geodesics for what is round.

Coordinates come from a coarse lattice as often as not, so that places fall on vertices, edges, shared borders and the
sides of cells, where mistakes live.
"""

from __future__ import annotations

from itertools import pairwise
from math import cos, radians, sin
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st
from pyproj import Geod

from tracker.errors import Invalid
from tracker.geometry import earth as geo
from tracker.geometry.area import Area
from tracker.geometry.cells.index import CellIndex
from tracker.geometry.geojson import read_shape
from tracker.geometry.shape import Shape

GEOD = Geod(ellps="WGS84")

#: where to look: towns, the antimeridian, the equator, near both poles (lat, lon)
CORNERS = st.sampled_from([(50.0, 8.0), (0.0, 0.0), (-17.0, 179.998), (65.0, -180.0), (88.0, 30.0), (-89.9, -179.99)])


def steps(most: int) -> st.SearchStrategy[float]:
    """Lattice steps of half a cell, or anything between."""
    return st.one_of(
        st.integers(0, most).map(lambda i: i * 0.001), st.floats(0, most * 0.001, allow_nan=False, width=64)
    )


@st.composite
def polygons(draw: st.DrawFn, corner: tuple[float, float]) -> dict[str, Any]:
    """Boxes on the lattice with a hole, triangles, stars, pairs of neighbours; unwrapped east of ±180."""
    lat, lon = corner
    kind = draw(st.sampled_from(["box", "triangle", "star", "neighbours"]))
    if kind == "triangle":
        ring = [[lon + draw(steps(12)), lat + draw(steps(12)) / 2] for _ in range(3)]
        return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    if kind == "star":
        count = draw(st.sampled_from([5, 12, 90]))
        x, y = lon + draw(steps(12)), lat + 0.003
        random = draw(st.randoms(use_true_random=False))
        rays = [random.uniform(0.0002, 0.006) for _ in range(count)]
        ring = [
            [x + ray * cos(radians(360 * i / count)), y + ray * 0.5 * cos(radians(360 * i / count - 90))]
            for i, ray in enumerate(rays)
        ]
        return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    west, south = lon + draw(st.integers(0, 8)) * 0.001, lat + draw(st.integers(0, 6)) * 0.001
    wide, high = draw(st.integers(2, 8)) * 0.001, draw(st.integers(2, 6)) * 0.001

    def box(w: float, s: float, e: float, n: float) -> list[list[float]]:
        return [[w, s], [e, s], [e, n], [w, n], [w, s]]

    shell = box(west, south, west + wide, south + high)
    if kind == "neighbours":  # two parts that touch in one corner
        return {
            "type": "MultiPolygon",
            "coordinates": [[shell], [box(west + wide, south + high, west + wide + 0.001, south + high + 0.001)]],
        }
    hole = box(west + wide / 4, south + high / 4, west + wide / 2, south + high / 2)
    return {"type": "Polygon", "coordinates": [shell, hole]}


def rounded(polygon: dict[str, Any]) -> dict[str, Any]:
    """As positions are kept, 1e-7 degrees: nobody tells on which side of a nearer edge one lies."""
    return polygon | {"coordinates": np.round(polygon["coordinates"], 7).tolist()}


@st.composite
def areas(draw: st.DrawFn, corner: tuple[float, float]) -> Area:
    try:
        shape = read_shape(rounded(draw(polygons(corner))))
    except Invalid:
        assume(False)
    assert isinstance(shape, Area)
    return shape


@st.composite
def places(draw: st.DrawFn, corner: tuple[float, float], shapes: list[Shape]) -> tuple[float, float]:
    """On the lattice, anywhere, on a vertex, in the middle of an edge, or just beside one. (lat, lon) within ±180."""
    lat, lon = corner
    with_edges = [shape for shape in shapes if isinstance(shape, Area)]
    on_an_edge: bool = draw(st.booleans())
    if with_edges and on_an_edge:
        points = shapely.get_coordinates(draw(st.sampled_from(with_edges)).parts)
        i = draw(st.integers(0, len(points) - 2))
        (x, y), (x2, y2) = points[i].tolist(), points[i + 1].tolist()
        way = draw(st.sampled_from(["vertex", "middle", "beside"]))
        if way != "vertex":
            t = draw(st.floats(0, 1))
            x, y = x + (x2 - x) * t, y + (y2 - y) * t
        if way == "beside":
            x += draw(st.floats(-1e-12, 1e-12))
    else:
        x, y = lon + draw(steps(18)) - 0.002, lat + draw(steps(12)) - 0.002
    return max(-90.0, min(90.0, y)), (x if -180 <= x <= 180 else geo.turn(x))


def shapely_covers(shape: Area, lat: float, lon: float) -> bool:
    sides = (180.0, -180.0) if abs(lon) == 180 else (lon,)
    return any(shape.parts.covers(shapely.Point(x, lat)) for x in sides)


@given(st.data())
def test_the_index_finds_exactly_what_shapely_covers(data: st.DataObject) -> None:
    corner = data.draw(CORNERS)
    shapes = data.draw(st.lists(areas(corner), min_size=1, max_size=4))
    index: CellIndex[int] = CellIndex()
    for key, shape in enumerate(shapes):
        index.add_shape(key, shape)
    for _ in range(6):
        lat, lon = data.draw(places(corner, list(shapes)))
        expected = tuple(key for key, shape in enumerate(shapes) if shapely_covers(shape, lat, lon))
        assert index.at(lat, lon) == expected
        assert tuple(key for key, shape in enumerate(shapes) if shape.covers(lat, lon)) == expected


@given(st.data())
def test_a_line_crosses_exactly_what_shapely_intersects(data: st.DataObject) -> None:
    corner = data.draw(CORNERS)
    shapes = data.draw(st.lists(areas(corner), min_size=1, max_size=4))
    index: CellIndex[int] = CellIndex()
    for key, shape in enumerate(shapes):
        index.add_shape(key, shape)
    for _ in range(4):
        lat1, lon1 = data.draw(places(corner, list(shapes)))
        lat2, lon2 = data.draw(places(corner, list(shapes)))
        unwrapped = lon1 + geo.turn(lon2 - lon1) if abs(lon2 - lon1) > 180 else lon2
        copies = [
            shapely.LineString([(lon1 + turns, lat1), (unwrapped + turns, lat2)]) for turns in (-360.0, 0.0, 360.0)
        ]
        # a line along the antimeridian, and one end on it, touch from both sides
        expected = [key for key, shape in enumerate(shapes) if any(shape.parts.intersects(line) for line in copies)]
        if abs(lon2 - lon1) > 180 and any(abs(x) > 256 for line in copies for x, _ in line.coords):
            continue  # 360° away the oracle's own coordinates are rounded
        crossed = index.crossed(lat1, lon1, lat2, lon2)
        assert [key for key, _, _ in crossed] == expected
        for key, enters, leaves in crossed:
            assert 0 <= enters <= leaves <= 1
            assert (enters == 0) or not shapes[key].covers(lat1, lon1)
            assert (leaves == 1) or not shapes[key].covers(lat2, lon2)
        skip = expected[:1]
        assert [key for key, _, _ in index.crossed(lat1, lon1, lat2, lon2, skip)] == expected[1:]


@given(st.data())
def test_an_edited_index_answers_like_a_new_one(data: st.DataObject) -> None:
    corner = data.draw(CORNERS)
    index: CellIndex[str] = CellIndex(max_cells=data.draw(st.sampled_from([3, 1000])))
    kept: dict[str, Shape] = {}
    for _ in range(data.draw(st.integers(1, 8))):
        key = data.draw(st.sampled_from("abcd"))
        if key in kept and data.draw(st.booleans()):
            index.remove(key)
            del kept[key]
        else:
            round_one = {"type": "Point", "coordinates": [max(-180.0, min(180.0, corner[1])), corner[0]]}
            radius = data.draw(st.floats(1, 5000))
            shape = data.draw(areas(corner)) if data.draw(st.booleans()) else read_shape(round_one, radius_m=radius)
            index.add_shape(key, shape)
            kept[key] = shape
        new: CellIndex[str] = CellIndex()
        new.update(kept)
        for _ in range(3):
            lat, lon = data.draw(places(corner, list(kept.values())))
            assert index.at(lat, lon) == new.at(lat, lon)
            assert index.at(lat, lon) == tuple(sorted(k for k, shape in kept.items() if shape.covers(lat, lon)))


LATS = st.one_of(st.floats(-90, 90), st.sampled_from([0.0, 90.0, -90.0, 89.999, -89.9, 84.9]))
LONS = st.one_of(st.floats(-180, 180), st.sampled_from([0.0, 180.0, -180.0, 179.9999]))


@given(LATS, LONS, st.floats(0, 6.6).map(lambda e: 10.0**e), st.floats(0, 360), st.floats(-3e-4, 3e-4))
def test_circles_are_true_metres_to_a_ten_thousandth(
    lat: float, lon: float, radius: float, azimuth: float, off: float
) -> None:
    assume(abs(off) > 1e-4)
    there_lon, there_lat, _ = GEOD.fwd(lon, lat, azimuth, radius * (1 + off))
    shape = read_shape({"type": "Point", "coordinates": [lon, lat]}, radius_m=radius)
    index: CellIndex[str] = CellIndex()
    index.add_shape("circle", shape)
    assert shape.covers(there_lat, there_lon) == (off < 0)
    assert (index.at(there_lat, there_lon) == ("circle",)) == (off < 0)
    assert shape.signed_distance_m(there_lat, there_lon) == pytest.approx(radius * off, abs=1e-6 * radius + 1e-6)


@given(
    st.floats(-88, 88),
    LONS,
    st.lists(st.tuples(st.floats(-0.3, 0.3), st.floats(1e-5, 0.3)), min_size=1, max_size=4),
    st.floats(0.5, 4.5).map(lambda e: 10.0**e),
    st.floats(0, 1),
    st.floats(0, 360),
    st.floats(0, 1.5),
)
def test_corridors_are_true_metres_to_a_ten_thousandth(
    lat: float,
    lon: float,
    moves: list[tuple[float, float]],
    buffer: float,
    along: float,
    azimuth: float,
    away: float,
) -> None:
    line = [(lat, lon)]
    for north, east in moves:
        line.append((max(-88.0, min(88.0, line[-1][0] + north)), line[-1][1] + east))
    k = min(int(along * len(moves)), len(moves) - 1)
    t = along * len(moves) - k
    foot = [a + (b - a) * t for a, b in zip(line[k], line[k + 1], strict=True)]
    there_lon, there_lat, _ = GEOD.fwd(foot[1], foot[0], azimuth, buffer * away)
    nearest = min(nearest_m(a, b, there_lat, there_lon) for a, b in pairwise(line))
    drawn = {"type": "LineString", "coordinates": [[geo.turn(x), y] for y, x in line]}
    shape = read_shape(drawn, buffer_m=buffer)
    assert shape.signed_distance_m(there_lat, there_lon) == pytest.approx(nearest - buffer, abs=1e-4 * buffer)
    if abs(nearest - buffer) > 1e-4 * buffer:
        index: CellIndex[str] = CellIndex()
        index.add_shape("corridor", shape)
        assert shape.covers(there_lat, there_lon) == (nearest < buffer)
        assert (index.at(there_lat, there_lon) == ("corridor",)) == (nearest < buffer)


def nearest_m(a: tuple[float, float], b: tuple[float, float], lat: float, lon: float) -> float:
    """Geodesic metres to the line straight in lon/lat: searched, coarsely and then finely."""
    low, high = 0.0, 1.0
    for _ in range(7):
        ts = [low + (high - low) * i / 40 for i in range(41)]
        lats, lons = [a[0] + (b[0] - a[0]) * t for t in ts], [a[1] + (b[1] - a[1]) * t for t in ts]
        metres = GEOD.inv(lons, lats, [lon] * 41, [lat] * 41)[2]
        best = min(range(41), key=metres.__getitem__)
        low, high = ts[max(best - 1, 0)], ts[min(best + 1, 40)]
    return float(metres[best])


@given(LATS, LONS, LATS, LONS)
def test_distances_are_those_of_the_geodesic(lat1: float, lon1: float, lat2: float, lon2: float) -> None:
    true = GEOD.inv(lon1, lat1, lon2, lat2)[2]
    assume(true < 19_800_000)  # nearly opposite places have their own, looser promise
    assert geo.distance_m(lat1, lon1, lat2, lon2) == pytest.approx(true, rel=1e-6, abs=1e-3)


@given(st.data())
def test_the_distance_to_the_edge_is_shapelys_in_a_local_frame(data: st.DataObject) -> None:
    corner = data.draw(st.sampled_from([(50.0, 8.0), (0.0, 0.0), (-17.0, 178.0)]))
    shape = data.draw(areas(corner))
    lat, lon = data.draw(places(corner, [shape]))
    kx, ky = geo.frame(lat)
    boundary = shapely.transform(shape.parts.boundary, lambda xy: (xy - (lon, lat)) * (kx, ky))
    metres = boundary.distance(shapely.Point(0, 0))
    signed = shape.signed_distance_m(lat, lon)
    assert abs(signed) == pytest.approx(metres, rel=1e-3, abs=1e-6)
    assert (signed <= 0) == (shape.covers(lat, lon) or signed == 0)


#: where shapes of some size lie (lat, lon of a corner, degrees of a lattice step)
FRAMES = st.sampled_from(
    [(50.0, 8.0, 1e-3), (-17.0, 179.995, 1e-3), (86.0, 170.0, 0.3), (-90.0, -3.0, 1.0), (0.0, 100.1, 9.0)]
)


@st.composite
def drawings(draw: st.DrawFn) -> list[list[list[tuple[float, float]]]]:
    """Polygons, each a list of closed rings (lon, lat), counter-clockwise and unwrapped: boxes with holes, stars."""
    lat, lon, step = draw(FRAMES)
    polygons = []
    for i in range(draw(st.integers(1, 3))):
        west = lon + 3 * i * step
        if draw(st.booleans()):
            wide, high = draw(st.floats(0.5, 2.9)) * step, draw(st.floats(0.5, 10)) * step
            north = min(lat + high, 90.0)

            def at(x: float, y: float, w: float = west, e: float = wide, n: float = north) -> tuple[float, float]:
                return w + e * x, lat + (n - lat) * y

            rings = [[at(0, 0), at(1, 0), at(1, 1), at(0, 1), at(0, 0)]]
            for k in range(draw(st.integers(0, 2))):
                low, high = 0.05 + 0.45 * k, 0.45 + 0.45 * k
                rings.append([at(low, low), at(high, low), at(high, high), at(low, low)])
        else:
            random = draw(st.randoms(use_true_random=False))
            count = random.choice([5, 12, 90])
            rays = [random.uniform(0.1, 1.4) * step for _ in range(count)]
            ring = [
                (
                    west + 1.45 * step + r * cos(radians(360 * k / count)),
                    lat + 1.5 * step + r * sin(radians(360 * k / count)),
                )
                for k, r in enumerate(rays)
            ]
            rings = [[*ring, ring[0]]]
        polygons.append(rings)
    return polygons


@st.composite
def redrawn(draw: st.DrawFn, polygons: list[list[list[tuple[float, float]]]]) -> dict[str, Any]:
    """The same in another hand: rings turned and begun elsewhere, parts and holes in another order, 181 as -179."""

    def ring(given: list[tuple[float, float]]) -> list[list[float]]:
        corners = given[:-1]
        k = draw(st.integers(0, len(corners) - 1))
        corners = corners[k:] + corners[:k]
        if draw(st.booleans()):
            corners.reverse()
        if draw(st.booleans()):
            corners.append(corners[0])
        return [[x - 360 if x > 180 else x, y] for x, y in corners]

    parts = [[ring(rings[0]), *draw(st.permutations([ring(hole) for hole in rings[1:]]))] for rings in polygons]
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": parts[0]}
    return {"type": "MultiPolygon", "coordinates": draw(st.permutations(parts))}


@given(st.data())
def test_however_it_is_drawn_a_shape_is_the_same_to_the_last_bit(data: st.DataObject) -> None:
    polygons = data.draw(drawings())
    one, other = (read_area(data.draw(redrawn(polygons))) for _ in range(2))
    assert one.decides_like(other)
    assert (one.area_m2, one.perimeter_m, one.boxes) == (other.area_m2, other.perimeter_m, other.boxes)
    for _ in range(4):
        x, y = data.draw(st.sampled_from([corner for rings in polygons for ring in rings for corner in ring]))
        lat = max(-90.0, min(90.0, y + data.draw(st.floats(-1e-3, 1e-3))))
        lon = geo.turn(x + data.draw(st.floats(-1e-3, 1e-3)))
        assert one.covers(lat, lon) == other.covers(lat, lon) == shapely_covers(one, lat, lon)
        assert one.signed_distance_m(lat, lon) == other.signed_distance_m(lat, lon)


@given(st.data())
def test_what_shapely_calls_valid_is_taken_with_the_area_of_the_ellipsoid(data: st.DataObject) -> None:
    polygons = data.draw(drawings())
    assume(shapely.MultiPolygon([(rings[0], rings[1:]) for rings in polygons]).is_valid)
    shape = read_area(data.draw(redrawn(polygons)))
    fine = 0.0005 if max(abs(lat) for rings in polygons for _, lat in rings[0]) > 85 else 0.005
    true = 0.0
    for rings in polygons:
        for i, ring in enumerate(rings):
            lons, lats = shapely.get_coordinates(shapely.segmentize(shapely.LinearRing(ring), fine)).T
            true += (-1 if i else 1) * abs(GEOD.polygon_area_perimeter(lons, lats)[0])
    assert shape.area_m2 == pytest.approx(true, rel=1e-5, abs=0.5)  # the oracle is good to 0.1 m²


def read_area(geometry: dict[str, Any]) -> Area:
    shape = read_shape(geometry)
    assert isinstance(shape, Area)
    return shape
