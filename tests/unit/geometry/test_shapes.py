"""What people draw: what it covers, how large it is, and what is told when it makes no sense."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
import shapely
from pyproj import Geod

from tracker.errors import Invalid
from tracker.geometry.area import Area
from tracker.geometry.buffer import Round
from tracker.geometry.geojson import read_shape, repair

GEOD = Geod(ellps="WGS84")


def polygon(*rings: list[Any]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[list(p) for p in ring] for ring in rings]}


def box(west: float, south: float, east: float, north: float) -> list[Any]:
    return [(west, south), (east, south), (east, north), (west, north), (west, south)]


def faults(geometry: Any, **metres: Any) -> list[dict[str, Any]]:
    with pytest.raises(Invalid) as raised:
        read_shape(geometry, **metres)
    assert raised.value.status == 422
    assert raised.value.code == raised.value.errors[0]["code"]
    for fault in raised.value.errors:
        assert {"code", "field", "message"} <= set(fault)
    return raised.value.errors


def fault(geometry: Any, **metres: Any) -> dict[str, Any]:
    [only] = faults(geometry, **metres)
    return only


# -- membership ---------------------------------------------------------------------------------------------------


def test_boundary_vertices_and_hole_edges_are_inside_and_the_hole_is_not() -> None:
    shape = read_shape(polygon(box(8, 50, 9, 51), box(8.25, 50.25, 8.75, 50.75)))
    for lat, lon in ((50, 8), (51, 9), (50.5, 8), (50, 8.5), (50.25, 8.5), (50.75, 8.75), (50.5, 8.25)):
        assert shape.covers(lat, lon)
    assert not shape.covers(50.5, 8.5)
    assert not shape.covers(50.5, 7.9999999999)
    assert not shape.covers(50.2500000001, 8.5)


def test_a_ring_may_be_open_and_wind_either_way() -> None:
    ring = box(8, 50, 9, 51)
    assert read_shape(polygon(ring[:-1])).covers(50.5, 8.5)
    assert read_shape(polygon(ring[::-1])).covers(50.5, 8.5)
    assert read_shape(polygon(ring[:-1])).geojson()["coordinates"] == [[list(p) for p in ring[:-1]]]  # as drawn


def test_repeated_positions_and_altitudes_do_no_harm() -> None:
    shape = read_shape(polygon([(8, 50, 100), (8, 50, 100), (9, 50, 7), (9, 51), (9, 51), (8, 50)]))
    assert shape.covers(50.1, 8.9)


ACROSS = [
    box(179, -1, -179, 1),  # with a jump
    box(179, -1, 181, 1),  # on beyond 180
    box(-181, -1, -179, 1),
    [(-179, -1), (-179, 1), (179, 1), (179, -1), (-179, -1)],
    [(180, -1), (-179, -1), (-179, 1), (-180, 1), (179, 1), (179, -1), (-180, -1)],  # with both names of ±180
]


@pytest.mark.parametrize("ring", ACROSS)
def test_an_area_across_the_antimeridian_covers_both_sides(ring: list[Any]) -> None:
    shape = read_shape(polygon(ring))
    for lon in (179, 179.5, 180, -180, -179.5, -179):
        assert shape.covers(0, lon)
        assert shape.covers(1, lon)
    for lon in (178.99, -178.99, 0, 90):
        assert not shape.covers(0, lon)
    assert shape.bounds == (179, -1, -179, 1)
    assert shape.area_m2 == pytest.approx(read_shape(polygon(box(10, -1, 12, 1))).area_m2, rel=1e-9)
    assert shape.perimeter_m == pytest.approx(read_shape(polygon(box(10, -1, 12, 1))).perimeter_m, rel=1e-9)
    assert shape.signed_distance_m(0, 180) == pytest.approx(-111_319.49 * math.cos(0), rel=0.01)
    assert shape.signed_distance_m(0, -178.99) == pytest.approx(1113.19, rel=1e-4)


def test_a_cut_area_is_the_same_as_one_across() -> None:
    cut = {
        "type": "MultiPolygon",
        "coordinates": [[[list(p) for p in box(179, -1, 180, 1)]], [[list(p) for p in box(-180, -1, -179, 1)]]],
    }
    shape, whole = read_shape(cut), read_shape(polygon(ACROSS[0]))
    assert shape.covers(0.5, 180)
    assert shape.covers(0.5, -180)
    assert shape.signed_distance_m(0.9, 180) == pytest.approx(whole.signed_distance_m(0.9, 180))
    assert shape.perimeter_m == pytest.approx(whole.perimeter_m)


def test_a_hole_across_the_antimeridian_is_a_hole_from_both_sides() -> None:
    shape = read_shape(polygon(box(178, -2, -178, 2), box(-179.5, -1, 179.5, 1)))  # the hole unwraps the other way
    assert not shape.covers(0, 180)
    assert not shape.covers(0, -179.9)
    assert shape.covers(1.5, 180)


def test_a_hole_counts_against_the_area_however_it_winds() -> None:
    shell, hole = box(12, 48, 12.0134, 48.009), box(12.0002, 48.0001, 12.0132, 48.0089)
    one, other = read_shape(polygon(shell, hole)), read_shape(polygon(shell, hole[::-1]))
    assert one.area_m2 == other.area_m2
    solid = read_shape(polygon(shell)).area_m2
    assert one.area_m2 == pytest.approx(solid - read_shape(polygon(hole)).area_m2, rel=1e-9)


def test_parts_that_wind_differently_add_up() -> None:
    parts = [[box(0, 0, 1, 1)], [box(2, 0, 3, 1)[::-1]]]
    shape = read_shape({"type": "MultiPolygon", "coordinates": parts})
    assert shape.area_m2 == pytest.approx(2 * read_shape(polygon(box(0, 0, 1, 1))).area_m2, rel=1e-12)


WORLDS = [
    box(-180, -90, 180, 90),
    box(-180, -90, 180, 90)[::-1],
    [(180, 90), (-180, 90), (-180, -90), (180, -90)],
    [(-180, -90), (0, -90), (180, -90), (180, 90), (0, 90), (-180, 90), (-180, -90)],
    box(0, -90, 360, 90),
]


@pytest.mark.parametrize("ring", WORLDS)
def test_the_whole_world_is_a_shape_without_an_edge(ring: list[Any]) -> None:
    shape = read_shape(polygon(ring))
    assert shape.area_m2 == pytest.approx(5.10065621724e14, rel=1e-9)
    assert shape.perimeter_m == 0
    for lat, lon in ((90, 0), (-90, 180), (0, -180), (12, 34)):
        assert shape.covers(lat, lon)
        assert shape.signed_distance_m(lat, lon) == -math.inf


@pytest.mark.parametrize("west", [0, -180, -90])
def test_a_band_around_the_world_may_begin_anywhere(west: float) -> None:
    shape = read_shape(polygon(box(west, 10, west + 360, 20)))
    assert shape.area_m2 == pytest.approx(read_shape(polygon(box(-180, 10, 180, 20))).area_m2, rel=1e-12)
    assert shape.signed_distance_m(15, west) == pytest.approx(-553_000, rel=0.01)  # to the north, not to where it began


def test_an_edge_goes_the_long_way_round_where_the_short_way_makes_no_shape() -> None:
    shape = read_shape(polygon([(-170, 60), (0, 60), (170, 60), (170, 80), (-170, 80), (-170, 60)]))
    assert shape.covers(70, 0)
    assert not shape.covers(70, 175)


def test_a_valid_shape_of_a_square_millimetre_is_taken() -> None:
    assert 0 < read_shape(polygon(box(8, 50, 8.00000001, 50.00000001))).area_m2 < 1e-5


def test_a_corridor_is_the_same_from_either_end() -> None:
    line = [[8.0, 50.0], [8.3, 50.1], [8.31, 50.4]]
    one = read_shape({"type": "LineString", "coordinates": line}, buffer_m=50)
    other = read_shape({"type": "LineString", "coordinates": line[::-1]}, buffer_m=50)
    assert one.decides_like(other)
    assert one.signed_distance_m(50.07, 8.2) == other.signed_distance_m(50.07, 8.2)


def test_the_short_way_round_is_meant() -> None:
    assert not read_shape(polygon(box(-170, 10, 170, 20))).covers(15, 0)
    assert read_shape(polygon(box(-170, 10, 170, 20))).covers(15, 175)


def test_a_band_around_the_world_is_one() -> None:
    shape = read_shape(polygon(box(-180, 10, 180, 20)))
    for lon in (-180, -90, 0, 179.9, 180):
        assert shape.covers(15, lon)
    assert shape.perimeter_m == pytest.approx(2 * 2 * math.pi * 6_371_000 * 0.9626, rel=0.01)


def test_antarctica_as_it_is_usually_cut_covers_the_pole() -> None:
    ring = [(-180, -90), (-180, -70), (-60, -65), (60, -70), (180, -70), (180, -90), (-180, -90)]
    shape = read_shape(polygon(ring))
    assert shape.covers(-89, 123)
    assert shape.covers(-90, 0)
    assert shape.covers(-80, 180)
    assert not shape.covers(-60, 0)
    assert shape.signed_distance_m(-70.1, 180) == pytest.approx(-11_150, rel=0.02)  # to the coast, not to the cut


def test_a_pole_is_as_deep_inside_its_cap_as_the_cap_is_wide() -> None:
    cap = read_shape(polygon(box(-180, 80, 180, 90)))
    assert cap.signed_distance_m(90, 0) == pytest.approx(-1_117_000, rel=0.01)


def test_a_multipolygon_covers_its_parts() -> None:
    geometry = {
        "type": "MultiPolygon",
        "coordinates": [[[list(p) for p in box(i, 50, i + 0.5, 51)]] for i in range(5)],
    }
    shape = read_shape(geometry)
    assert [shape.covers(50.5, i + 0.25) for i in range(5)] == [True] * 5
    assert [shape.covers(50.5, i + 0.75) for i in range(5)] == [False] * 5
    assert shape.kind == "multipolygon"


# -- circles and corridors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lat", [0, 30, 60, 75, 84, 89.9, -90])
@pytest.mark.parametrize("radius", [5, 150, 20_000, 900_000])
def test_a_circle_is_true_metres_at_every_latitude(lat: float, radius: float) -> None:
    shape = read_shape({"type": "Point", "coordinates": [179.99, lat]}, radius_m=radius)
    for azimuth in range(0, 360, 30):
        for share, inside in ((0.9999, True), (1.0001, False)):
            lon2, lat2, _ = GEOD.fwd(179.99, lat, azimuth, radius * share)
            assert shape.covers(lat2, lon2) is inside
    assert isinstance(shape, Round)
    assert shape.kind == "circle"
    assert shape.area_m2 == pytest.approx(math.pi * radius**2, rel=0.005)
    west, south, east, north = shape.bounds
    assert south <= lat <= north
    if abs(lat) < 89:
        assert west > east or radius < 500 or (west, east, north) == (-180, 180, 90)  # across, or all round


def test_a_circle_around_a_pole_covers_every_longitude() -> None:
    shape = read_shape({"type": "Point", "coordinates": [0, 89.5]}, radius_m=200_000)
    assert shape.covers(90, 77)
    assert all(shape.covers(88.9, lon) for lon in range(-180, 181, 20))
    assert shape.parts.covers(shapely.Point(150, 89))  # what is drawn of it


@pytest.mark.parametrize(("lat", "lon"), [(0, 8), (50, 8), (-70, 179.99), (84, -179.9)])
def test_a_corridor_is_true_metres_beside_and_beyond_its_line(lat: float, lon: float) -> None:
    line = [[lon, lat], [lon + 0.2, lat]]
    shape = read_shape({"type": "LineString", "coordinates": line}, buffer_m=200)
    for share, inside in ((0.9999, True), (1.0001, False)):
        for azimuth in (0, 180):
            lon2, lat2, _ = GEOD.fwd(lon + 0.1, lat, azimuth, 200 * share)
            assert shape.covers(lat2, lon2) is inside
        lon2, lat2, _ = GEOD.fwd(lon, lat, 270, 200 * share)
        assert shape.covers(lat2, lon2) is inside
    length = GEOD.inv(lon, lat, lon + 0.2, lat)[2]
    assert shape.area_m2 == pytest.approx(length * 400 + math.pi * 200**2, rel=0.005)
    assert shape.perimeter_m == pytest.approx(2 * length + 2 * math.pi * 200, rel=0.005)


def test_a_corridor_of_a_thousand_kilometres_is_right_along_all_of_it() -> None:
    shape = read_shape({"type": "LineString", "coordinates": [[-5, 40], [10, 52], [25, 60]]}, buffer_m=2_000)
    for t in (0.013, 0.31, 0.77, 0.99):
        lon, lat = 10 + 15 * t, 52 + 8 * t
        assert shape.covers(lat, lon)
        assert shape.signed_distance_m(lat, lon) == pytest.approx(-2000, abs=0.05)
    assert not shape.covers(52.05, 10)
    assert len(shape.boxes) > 20  # many small boxes: a cell far from the line need not ask


def test_a_corridor_goes_over_the_antimeridian_the_short_way() -> None:
    shape = read_shape({"type": "LineString", "coordinates": [[179.9, -17], [-179.9, -17]]}, buffer_m=1_000)
    assert shape.covers(-17, 180)
    assert shape.covers(-17, -179.95)
    assert not shape.covers(-17, 0)


# -- metres -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ring", [box(8, 50, 8.01, 50.01), box(-70, -40, -60, -30), box(20, 60, 20.0001, 60.0001)])
def test_area_and_perimeter_are_those_of_the_ellipsoid(ring: list[Any]) -> None:
    shape = read_shape(polygon(ring))
    assert isinstance(shape, Area)
    fine = shapely.segmentize(shapely.Polygon(ring), 0.01 if ring[1][0] - ring[0][0] > 1 else 1)  # straight in lon/lat
    area, perimeter = GEOD.geometry_area_perimeter(fine)
    assert shape.area_m2 == pytest.approx(abs(area), rel=1e-5)
    assert shape.perimeter_m == pytest.approx(perimeter, rel=1e-5)


@pytest.mark.parametrize(
    ("lat", "lon", "metres"),
    [(50.005, 8.005, -358.4), (50.005, 7.999, 71.7), (50.011, 8.005, 111.2), (50.01, 8.002, 0)],
)
def test_the_distance_to_the_edge_is_negative_inside(lat: float, lon: float, metres: float) -> None:
    shape = read_shape(polygon(box(8, 50, 8.01, 50.01)))
    assert shape.signed_distance_m(lat, lon) == pytest.approx(metres, abs=0.1)


def test_the_edge_of_a_hole_counts() -> None:
    shape = read_shape(polygon(box(8, 50, 8.1, 50.1), box(8.04, 50.04, 8.06, 50.06)))
    assert shape.signed_distance_m(50.05, 8.05) == pytest.approx(716, abs=5)
    assert shape.signed_distance_m(50.05, 8.039) == pytest.approx(-71.6, abs=0.5)


# -- what is refused, and where -----------------------------------------------------------------------------------


def test_a_bow_tie_is_refused_at_its_crossing() -> None:
    told = fault(polygon([(8, 50), (9, 51), (9, 50), (8, 51), (8, 50)]))
    assert told["code"] == "self_crossing"
    assert told["at"] == pytest.approx([8.5, 50.5])
    assert told["field"] == "geometry.coordinates"


def test_a_crossing_beyond_the_antimeridian_is_named_within_the_map() -> None:
    told = fault(polygon([(179.8, 0), (180.4, 1), (180.4, 0), (179.8, 1), (179.8, 0)]))
    assert told["at"] == pytest.approx([-179.9, 0.5])


def test_a_geometry_without_a_type_is_told_that_there_is_none() -> None:
    told = fault({})["message"]
    assert told.endswith("Point or LineString; there is none")


@pytest.mark.parametrize(
    ("geometry", "code", "field"),
    [
        (None, "geometry_missing", "geometry"),
        ([], "geometry_missing", "geometry"),
        ({}, "geometry_type", "geometry.type"),
        ({"type": "GeometryCollection", "geometries": []}, "geometry_type", "geometry.type"),
        ({"type": ["Polygon"], "coordinates": []}, "geometry_type", "geometry.type"),
        ({"type": "Polygon"}, "coordinates_type", "geometry.coordinates"),
        ({"type": "Polygon", "coordinates": "8,50"}, "coordinates_type", "geometry.coordinates"),
        ({"type": "Polygon", "coordinates": []}, "too_few_points", "geometry.coordinates"),
        ({"type": "Polygon", "coordinates": [[]]}, "too_few_points", "geometry.coordinates[0]"),
        ({"type": "Polygon", "coordinates": [5]}, "coordinates_type", "geometry.coordinates[0]"),
        ({"type": "Polygon", "coordinates": [[[8, 50], [9, 50], 7]]}, "coordinates_type", "geometry.coordinates[0][2]"),
        (
            {"type": "Polygon", "coordinates": [[[8, 50], [9], [9, 51]]]},
            "coordinates_type",
            "geometry.coordinates[0][1]",
        ),
        (
            {"type": "Polygon", "coordinates": [[[8, 50], ["9", 50], [9, 51]]]},
            "coordinates_type",
            "geometry.coordinates[0][1][0]",
        ),
        (
            {"type": "Polygon", "coordinates": [[[8, 50], [True, 50], [9, 51]]]},
            "coordinates_type",
            "geometry.coordinates[0][1][0]",
        ),
        (
            {"type": "Polygon", "coordinates": [[[8, 50], [9, None], [9, 51]]]},
            "coordinates_type",
            "geometry.coordinates[0][1][1]",
        ),
        (polygon([(8, 50), (9, 51), (8, 50)]), "too_few_points", "geometry.coordinates[0]"),
        (polygon([(8, 50), (9, 51)]), "too_few_points", "geometry.coordinates[0]"),
        (polygon([(8, 50)] * 5), "too_few_points", "geometry.coordinates[0]"),
        (polygon([(8, 50), (9, 50), (10, 50), (8, 50)]), "zero_area", "geometry.coordinates[0]"),
        (polygon([(8, 50), (9, math.nan), (9, 51)]), "not_finite", "geometry.coordinates[0][1][1]"),
        (polygon([(8, 50), (math.inf, 50), (9, 51)]), "not_finite", "geometry.coordinates[0][1][0]"),
        (polygon([(8, 50), (9, 90.01), (9, 51)]), "lat_out_of_range", "geometry.coordinates[0][1][1]"),
        (polygon([(8, 50), (10**400, 50), (9, 51)]), "lon_out_of_range", "geometry.coordinates[0][1][0]"),
        (polygon(box(200, 50, 201, 51)), "lon_out_of_range", "geometry.coordinates[0][0][0]"),
        (polygon(box(8, 50, 9, 51), box(20, 50, 21, 51)), "hole_outside", "geometry.coordinates"),
        (polygon(box(8, 50, 9, 51), box(8.2, 50.2, 8.8, 50.8), box(8.3, 50.3, 8.4, 50.4)), "hole_nested", None),
        (polygon([(0, 80), (120, 80), (-120, 80), (0, 80)]), "around_pole", "geometry.coordinates[0]"),
        (polygon([(-180, -70), (-60, -70), (60, -70), (180, -70)]), "around_pole", "geometry.coordinates[0]"),
        ({"type": "MultiPolygon", "coordinates": []}, "too_few_points", "geometry.coordinates"),
        (
            {"type": "MultiPolygon", "coordinates": [[[[8, 50], [9, 51]]]]},
            "too_few_points",
            "geometry.coordinates[0][0]",
        ),
        (
            {"type": "MultiPolygon", "coordinates": [[box(8, 50, 9, 51)], [box(8.5, 50.5, 9.5, 51.5)]]},
            "parts_overlap",
            "geometry.coordinates",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_field(geometry: Any, code: str, field: str | None) -> None:
    told = faults(geometry)[0]
    assert (told["code"], told["field"]) == (code, field or told["field"])


def test_a_fault_says_where_it_lies() -> None:
    assert fault(polygon([(8, 50), (9, 50), (10, 50), (8, 50)]))["at"] == [8, 50]
    assert fault(polygon(box(8, 50, 9, 51), box(20, 50, 21, 51)))["at"] == [20, 50]


def test_every_bad_position_is_told_but_not_thousands() -> None:
    assert len(faults(polygon([(8, 91), (9, 50), (9, math.nan), (500, 51)]))) == 3
    assert len(faults(polygon([(8, 91)] * 5000))) == 20


def test_ten_thousand_vertices_are_allowed_and_one_more_is_not() -> None:
    def ring(count: int) -> list[Any]:
        angles = [2 * math.pi * i / count for i in range(count)]
        return [(8 + 3 * math.cos(a), 50 + 2 * math.sin(a)) for a in angles]

    shape = read_shape(polygon(ring(10_000)))
    assert shape.covers(50, 8)
    assert shape.area_m2 == pytest.approx(shape.area_m2, rel=1e-9)
    for count in (10_001, 50_000):
        assert fault(polygon(ring(count)))["code"] == "too_many_vertices"
    many = {"type": "MultiPolygon", "coordinates": [[box(i / 50, 50, i / 50 + 0.01, 51)] for i in range(2501)]}
    assert fault(many)["code"] == "too_many_vertices"


@pytest.mark.parametrize(
    ("metres", "code"),
    [
        (None, "size_missing"),
        ("100", "wrong_type"),
        (True, "wrong_type"),
        (0, "size_range"),
        (-5, "size_range"),
        (math.nan, "size_range"),
        (math.inf, "size_range"),
        (30_000_000, "size_range"),
    ],
)
def test_a_circle_needs_a_radius_that_makes_sense(metres: Any, code: str) -> None:
    told = fault({"type": "Point", "coordinates": [8, 50]}, radius_m=metres)
    assert (told["code"], told["field"]) == (code, "properties.radius_m")


def test_what_is_no_number_is_not_called_a_huge_one() -> None:
    said = [
        fault({"type": "Point", "coordinates": [8, 50]}, radius_m=one)["message"] for one in (math.nan, math.inf, 1e300)
    ]
    assert [one.partition(" is not")[0] for one in said] == ["nan", "inf", "(a huge number)"]


def test_a_corridor_needs_a_line_and_a_buffer() -> None:
    assert fault({"type": "LineString", "coordinates": [[8, 50], [9, 50]]})["code"] == "size_missing"
    assert fault({"type": "LineString", "coordinates": [[8, 50], [8, 50]]}, buffer_m=5)["code"] == "too_few_points"
    assert fault({"type": "LineString", "coordinates": [[8, 50], [9, 50]]}, buffer_m=1e7)["code"] == "size_range"
    around = [[170 * (-1) ** i, i / 100] for i in range(2000)]
    assert fault({"type": "LineString", "coordinates": around}, buffer_m=5)["code"] == "too_long"


def test_a_circle_lies_on_the_map() -> None:
    assert fault({"type": "Point", "coordinates": [190, 50]}, radius_m=5)["code"] == "lon_out_of_range"
    assert fault({"type": "Point", "coordinates": []}, radius_m=5)["code"] == "coordinates_type"


# -- repair -------------------------------------------------------------------------------------------------------


def test_a_bow_tie_is_repaired_into_its_two_wings() -> None:
    mended = repair(polygon([(8, 50), (9, 51), (9, 50), (8, 51), (8, 50)]))
    assert mended["type"] == "MultiPolygon"
    shape = read_shape(mended)
    assert shape.covers(50.5, 8.1)
    assert shape.covers(50.5, 8.9)
    assert not shape.covers(50.9, 8.5)


def test_overlapping_parts_are_repaired_into_one() -> None:
    mended = repair({"type": "MultiPolygon", "coordinates": [[box(8, 50, 9, 51)], [box(8.5, 50.5, 9.5, 51.5)]]})
    assert mended["type"] == "Polygon"
    assert read_shape(mended).covers(51.2, 9.2)


def test_what_is_valid_is_repaired_into_itself() -> None:
    geometry = polygon(box(8, 50, 9, 51))
    assert repair(geometry) == geometry


def test_a_tangle_is_not_repaired_for_minutes() -> None:
    rng = random.Random(1)
    tangle = [(rng.random(), rng.random()) for _ in range(2000)]
    with pytest.raises(Invalid) as caught:
        repair(polygon([*tangle, tangle[0]]))
    assert caught.value.code == "too_tangled"


def test_what_would_have_too_many_vertices_when_repaired_is_refused() -> None:
    turns = [2 * math.pi * (i + 0.5) / 10_000 for i in range(10_000)]
    eight = [(math.sin(turn), math.sin(2 * turn)) for turn in turns]  # its crossing belongs to both its loops
    with pytest.raises(Invalid) as caught:
        repair(polygon([*eight, eight[0]]))
    assert caught.value.code == "too_many_vertices"


def test_nothing_can_be_repaired_into_nothing() -> None:
    for geometry in (polygon([(8, 50), (9, 50), (10, 50), (8, 50)]), polygon([(8, 91), (9, 50), (9, 51)]), None):
        with pytest.raises(Invalid):
            repair(geometry)


@pytest.mark.parametrize(
    ("geometry", "metres"),
    [
        ({"type": "Point", "coordinates": [180, 0]}, {"radius_m": 1000}),
        ({"type": "LineString", "coordinates": [[179.9, 0], [-179.9, 0.1]]}, {"buffer_m": 50}),
        (polygon(box(-180, -90, 180, 90)), {}),
    ],
)
def test_every_kind_of_shape_that_is_valid_is_repaired_into_itself(geometry: Any, metres: dict[str, float]) -> None:
    assert repair(geometry, **metres) == geometry


@pytest.mark.parametrize(
    ("coordinates", "code"),
    [(None, "coordinates_type"), (5, "coordinates_type"), ([], "too_few_points"), ([[[[0, 0]] * 200_000]], "many")],
)
def test_parts_that_are_none_are_refused(coordinates: Any, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_shape({"type": "MultiPolygon", "coordinates": coordinates})
    assert code in caught.value.code


@pytest.mark.parametrize(
    ("coordinates", "code"), [(None, "coordinates_type"), (5, "coordinates_type"), ([], "zero_area")]
)
def test_parts_that_are_none_cannot_be_repaired(coordinates: Any, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        repair({"type": "MultiPolygon", "coordinates": coordinates})
    assert caught.value.code == code
