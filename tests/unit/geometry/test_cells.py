"""The cell index: what it remembers, what it forgets, and the line between two places."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest

from tracker.geometry import earth as geo
from tracker.geometry.cells.arrays import CellArrays
from tracker.geometry.cells.index import CellIndex
from tracker.geometry.geojson import read_shape
from tracker.geometry.shape import Shape


def about(key: str, enters: float, leaves: float) -> list[Any]:
    """One region that a line cuts between these parts of its length."""
    return [(key, pytest.approx(enters), pytest.approx(leaves))]


def box(west: float, south: float, east: float, north: float) -> Shape:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return read_shape({"type": "Polygon", "coordinates": [ring]})


def circle(lat: float, lon: float, radius: float) -> Shape:
    return read_shape({"type": "Point", "coordinates": [lon, lat]}, radius_m=radius)


def town(count: int = 60, seed: int = 4) -> dict[int, Shape]:
    """Stars, circles and corridors on top of each other."""
    rng = random.Random(seed)
    shapes: dict[int, Shape] = {}
    for key in range(count):
        lat, lon, reach = rng.gauss(50, 0.02), rng.gauss(8, 0.02), 10 ** rng.uniform(-3.5, -1.7)
        if key % 5 == 0:
            shapes[key] = circle(lat, lon, reach * 100_000)
        elif key % 7 == 0:
            line = [[lon, lat], [lon + reach, lat + reach], [lon + 2 * reach, lat]]
            shapes[key] = read_shape({"type": "LineString", "coordinates": line}, buffer_m=reach * 20_000)
        else:
            corners = rng.choice([3, 8, 40, 300])
            angles = [2 * math.pi * i / corners for i in range(corners)]
            ring = [
                [lon + r * math.cos(a), lat + r * math.sin(a)] for a in angles for r in [reach * rng.uniform(0.5, 1)]
            ]
            shapes[key] = read_shape({"type": "Polygon", "coordinates": [[*ring, ring[0]]]})
    return shapes


def index_of(shapes: dict[Any, Shape], **limits: int) -> CellIndex[Any]:
    index: CellIndex[Any] = CellIndex(**limits)
    for key, shape in shapes.items():
        index.add_shape(key, shape)
    return index


def test_an_empty_index_covers_nothing() -> None:
    index: CellIndex[str] = CellIndex()
    assert index.at(50, 8) == ()
    assert index.crossed(50, 8, 51, 9) == []
    assert len(index) == 0


def test_answers_are_sorted_whatever_the_order_of_adding() -> None:
    shapes = {key: box(8, 50, 9, 51) for key in ("c", "a", "b")} | {"d": box(8.4, 50.4, 8.4005, 50.4005)}
    assert index_of(shapes).at(50.5, 8.5) == ("a", "b", "c")
    assert index_of(shapes).at(50.4001, 8.4001) == ("a", "b", "c", "d")


def test_equal_answers_are_the_same_tuple() -> None:
    index = index_of({"a": box(8, 50, 9, 51), "b": box(8.5, 50, 9, 51)})
    assert index.at(50.5, 8.7) is index.at(50.6, 8.8)
    assert index.at(50.5, 8.5) is index.at(50.6, 8.8)  # on the edge of b, in a cell with boundary


def test_places_around_many_shapes_are_those_of_every_shape_asked() -> None:
    shapes = town()
    index = index_of(shapes)
    rng = random.Random(5)
    for _ in range(3000):
        lat, lon = rng.gauss(50, 0.03), rng.gauss(8, 0.03)
        assert index.at(lat, lon) == tuple(key for key, shape in shapes.items() if shape.covers(lat, lon))


def test_lines_through_many_shapes_are_those_of_every_shape_asked() -> None:
    shapes = town(30)
    index = index_of(shapes)
    rng = random.Random(6)
    for reach in [0.0002, 0.003, 0.02, 0.2] * 60:  # from within one cell to more cells than are walked
        lat1, lon1 = rng.gauss(50, 0.03), rng.gauss(8, 0.03)
        lat2, lon2 = lat1 + rng.gauss(0, reach), lon1 + rng.gauss(0, reach)
        expected = {key: met for key, shape in shapes.items() if (met := shape.crossing(lat1, lon1, lat2, lon2))}
        crossed = {key: (enters, leaves) for key, enters, leaves in index.crossed(lat1, lon1, lat2, lon2)}
        assert crossed.keys() == expected.keys()
        for key, met in crossed.items():
            assert met == pytest.approx(expected[key], abs=1e-6)


def test_a_crossing_tells_where_along_the_line() -> None:
    index = index_of({"a": box(8.0005, 50, 8.0007, 50.001), "b": circle(50.0005, 8.003, 20)})
    crossed = index.crossed(50.0005, 8, 50.0005, 8.004)
    assert [key for key, _, _ in crossed] == ["a", "b"]
    assert crossed[0][1:] == pytest.approx((0.125, 0.175))
    half = 20 / geo.frame(50.0005)[0] / 0.004
    assert crossed[1][1:] == pytest.approx((0.75 - half, 0.75 + half), abs=1e-6)
    assert index.crossed(50.0005, 8, 50.0005, 8.004, skip={"a"}) == crossed[1:]


@pytest.mark.parametrize("row", [-1, 0, 1])
@pytest.mark.parametrize("column", [-2, -1, 0, 1, 2])
def test_a_line_between_known_cells_where_nothing_is_still_meets_what_lies_in_those_between(
    column: int, row: int
) -> None:
    lat, lon = 50.001 + row * 0.002, 8.001 + column * 0.002
    places = [(50.001 + (lat - 50.001) * share, 8.001 + (lon - 8.001) * share) for share in (0.4, 0.5, 0.6)]
    index = index_of({key: circle(*place, 5) for key, place in zip("abc", places, strict=True)})
    for x in range(-3, 4):
        for y in range(-2, 3):
            index.at(50.001 + y * 0.002, 8.001 + x * 0.002)  # every cell is known now
    assert [key for key, _, _ in index.crossed(50.001, 8.001, lat, lon)] == ["a", "b", "c"]
    assert index.crossed(50.001, 8.001, lat, lon, skip="abc") == []


def test_a_line_along_an_edge_touches_it() -> None:
    index = index_of({"a": box(8.001, 50, 8.002, 50.001)})
    assert index.crossed(50.001, 8, 50.001, 8.004) == about("a", 0.25, 0.5)
    assert index.crossed(50.0010001, 8, 50.0010001, 8.004) == []


def test_a_line_almost_along_the_side_of_a_column_misses_no_cell() -> None:
    gates = {i: box(8 - 1e-7, 50.0005 + i / 500, 8 + 1e-7, 50.0006 + i / 500) for i in range(10)}
    index = index_of(gates)
    for tilt in (1e-14, 3e-14, 1e-13, 1e-10, -1e-13):
        crossed = index.crossed(50, 8 - tilt, 50.02, 8 + tilt)
        assert [key for key, _, _ in crossed] == list(range(10))


def test_a_line_goes_the_short_way_over_the_antimeridian() -> None:
    index = index_of({"a": box(179.999, -1, -179.999, 1), "far": box(-10, -1, 10, 1)})
    assert index.crossed(0, 179.99, 0, -179.99) == about("a", 0.45, 0.55)
    assert index.crossed(0, -179.99, 0, 179.99) == about("a", 0.45, 0.55)


def test_the_antimeridian_itself_is_covered_from_both_names() -> None:
    index = index_of({"east": box(179, -1, 180, 1), "west": box(-180, -1, -179, 1), "both": box(179, -1, -179, 1)})
    for lon in (180, -180):
        assert index.at(0, lon) == ("both", "east", "west")
    index.remove("west")
    for lon in (180, -180):
        assert index.at(0, lon) == ("both", "east")


def test_poles_are_ordinary_places() -> None:
    cap = {"type": "Polygon", "coordinates": [[[-180, 89], [180, 89], [180, 90], [-180, 90], [-180, 89]]]}
    index = index_of({"circle": circle(90, 0, 1000), "cap": read_shape(cap)})
    assert index.at(90, 123) == ("cap", "circle")
    assert index.at(89.5, -77) == ("cap",)
    assert index.at(-90, 0) == ()


def test_every_cell_of_a_block_answers_as_the_shapes_do() -> None:
    shapes = town() | {100: circle(50, 8, 20_000), 101: box(7.9, 49.9, 8.1, 50.1), 102: box(8, 50, 8.032, 50.032)}
    shapes |= {103: circle(51, 8, 100_000), 104: box(8.0321, 50, 8.5, 50.01)}
    index, rng = index_of(shapes), random.Random(3)
    for column in range(-20, 20):
        for row in range(-20, 20):
            lat, lon = 50 + (row + rng.choice([0, 0.5, rng.random()])) * 0.002, 8 + (column + rng.random()) * 0.002
            assert index.at(lat, lon) == tuple(key for key, shape in shapes.items() if shape.covers(lat, lon))


def test_a_line_that_is_held_is_crossed_by_no_boundary() -> None:
    shapes = town()
    index, rng, held = index_of(shapes), random.Random(5), 0
    for _ in range(4000):
        lat, lon = rng.gauss(50, 0.02), rng.gauss(8, 0.02)
        there = lat + rng.gauss(0, 0.0004), lon + rng.gauss(0, 0.0004)
        before, after = index.at(lat, lon), index.at(*there)
        if (keys := index.held(lat, lon, *there)) is not None:
            held += 1
            assert keys == before == after
            assert index.crossed(lat, lon, *there, skip=keys) == []
    assert held > 1500


def test_a_line_with_an_end_where_edges_end_is_not_held() -> None:
    index = index_of({"a": read_shape({"type": "Polygon", "coordinates": [
        [[8.0005, 50.0005], [8.0015, 50.0005], [8.0015, 50.0015], [8.001, 50.001], [8.0005, 50.0015], [8.0005, 50.0005]]
    ]})})  # fmt: skip
    assert index.held(50.0002, 8.001, 50.0003, 8.001) is None  # nobody was there yet
    index.at(50.001, 8.001)
    assert index.held(50.0002, 8.001, 50.0003, 8.001) == ()
    assert index.held(50.0008, 8.001, 50.0009, 8.0011) == ("a",)
    assert index.held(50.0005, 8.001, 50.0006, 8.001) is None  # along an edge
    assert index.held(50.0006, 8.001, 50.0005, 8.001) is None
    assert index.held(50.0002, 8.001, 50.0006, 8.001) is None  # over one
    assert index.held(50.0007, 8.0004, 50.0007, 8.0006) is None  # into it
    assert index.held(50.0007, 8.0006, 50.0007, 8.0004) is None  # out of it
    assert index.held(50.0007, 8.0005, 50.0008, 8.0006) is None  # from its edge


def test_a_line_is_held_in_cells_of_one_kind_and_nowhere_else() -> None:
    index = index_of({"a": box(8.01, 50, 8.02, 50.02), "round": circle(50.011, 8.031, 20)})
    for row in range(4):
        for column in range(16):
            index.at(50.005 + row * 0.002, 8.001 + column * 0.002)
    assert index.held(50.005, 8.001, 50.007, 8.003) == ()
    assert index.held(50.005, 8.013, 50.007, 8.015) == ("a",)
    assert index.held(50.005, 8.001, 50.005, 8.015) is None  # too far
    assert index.held(50.005, 8.007, 50.005, 8.013) is None
    assert index.held(50.0111, 8.0302, 50.0111, 8.0303) is None  # beside what is round
    assert index.held(50, -180, 50, -179.999) is None
    index.add_shape("b", box(8.0045, 50.0045, 8.005, 50.005))
    assert index.held(50.0059, 8.0039, 50.0061, 8.0041) is None  # a cell between is of another kind


def test_more_shapes_than_answers_are_kept_for_hold_nobody() -> None:
    index = index_of({key: box(8.0001, 50.0001, 8.001 + key / 10_000, 50.0018) for key in range(5)})
    assert index.at(50.001, 8.0005) == (0, 1, 2, 3, 4)
    assert index.held(50.001, 8.0005, 50.001, 8.0006) is None


def test_a_changed_shape_is_seen_at_once() -> None:
    index = index_of({"a": box(8, 50, 8.01, 50.01)})
    assert index.at(50.005, 8.005) == ("a",)
    index.add_shape("a", box(9, 50, 9.01, 50.01))
    assert index.at(50.005, 8.005) == ()
    assert index.at(50.005, 9.005) == ("a",)
    index.remove("a")
    assert index.at(50.005, 9.005) == ()
    assert len(index) == 0


def test_removing_what_is_not_there_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        CellIndex[str]().remove("a")


def test_many_changes_at_once_are_those_changes_one_by_one() -> None:
    shapes = town(300)
    index: CellIndex[int] = CellIndex()
    index.update(dict(list(shapes.items())[:200]))
    index.at(50, 8)
    index.update(dict.fromkeys(range(50)) | {key: shapes[key] for key in range(200, 300)})
    for place in ((50, 8), (50.01, 8.01), (49.98, 8)):
        assert index.at(*place) == tuple(key for key in range(50, 300) if shapes[key].covers(*place))


def test_remembered_cells_are_bounded_and_forgetting_changes_no_answer() -> None:
    shapes = town(20)
    index, small = index_of(shapes), index_of(shapes, max_cells=10)
    rng = random.Random(7)
    for _ in range(500):
        lat, lon = rng.gauss(50, 0.02), rng.gauss(8, 0.02)
        assert small.at(lat, lon) == index.at(lat, lon)
        assert small.cells <= 10


def test_an_edit_forgets_only_the_cells_it_may_reach() -> None:
    index = index_of({"a": box(8, 50, 8.01, 50.01)})
    for i in range(100):
        index.at(50 + i / 100, 8)
    index.add_shape("b", box(8, 50, 8.0001, 50.0001))
    assert 97 <= index.cells < 100


def test_a_shape_nobody_drives_into_makes_no_cells() -> None:
    index = index_of({"country": box(-10, 35, 30, 60)})
    assert index.cells == 0
    assert index.at(50.1, 8.1) == ("country",)
    assert index.cells == 1


def test_ten_thousand_vertices_in_one_cell_are_decided_exactly() -> None:
    angles = [2 * math.pi * i / 10_000 for i in range(10_000)]
    ring = [[8.001 + 0.0009 * math.cos(a), 50.001 + 0.0009 * math.sin(a)] for a in angles]
    shape = read_shape({"type": "Polygon", "coordinates": [[*ring, ring[0]]]})
    index = index_of({"a": shape})
    assert index.at(50.001, 8.001) == ("a",)
    assert index.at(50.0019, 8.0019) == ()
    for lon, lat in ring[:200]:
        assert index.at(lat, lon) == ("a",)
    assert index.crossed(50.001, 8, 50.001, 8.002) == about("a", 0.05, 0.95)


def test_whole_arrays_get_the_answers_of_single_places() -> None:
    shapes = town() | {100: box(179.9, -1, -179.9, 1)}
    index = index_of(shapes)
    arrays = CellArrays(index)
    rng = random.Random(8)
    places = [(rng.gauss(50, 0.03), rng.gauss(8, 0.03)) for _ in range(3000)]
    places += [(0.5, 180), (0.5, -180), (1, 179.95), (0, -179.9), (90, 0), (-90, 180)]
    places += [(y, x) for shape in list(shapes.values())[:9] for x, y in shape_corners(shape)]
    for _ in range(2):  # found, then remembered
        at, number = arrays.contains_many(*np.array(places).T)
        found: list[tuple[int, ...]] = [()] * len(places)
        for i, k in zip(at.tolist(), number.tolist(), strict=True):
            found[i] += (arrays.keys[k],)
        assert found == [index.at(lat, lon) for lat, lon in places]


def test_whole_arrays_follow_an_edit() -> None:
    index = index_of({"a": box(8, 50, 8.01, 50.01)})
    arrays = CellArrays(index)
    assert [len(column) for column in arrays.contains_many([50.005], [8.005])] == [1, 1]
    index.remove("a")
    assert [len(column) for column in arrays.contains_many([50.005], [8.005])] == [0, 0]
    assert [len(column) for column in arrays.contains_many([], [])] == [0, 0]


def shape_corners(shape: Shape) -> list[tuple[float, float]]:
    part = shape.parts.geoms[0]
    return [(float(x), float(y)) for x, y in part.exterior.coords[:20]]
