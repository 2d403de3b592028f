"""Distances, directions and keys, at the places where such formulas break."""

from __future__ import annotations

import pytest
from pyproj import Geod

from tracker.geometry import earth as geo
from tracker.geometry.plane import meeting

GEOD = Geod(ellps="WGS84")


def test_a_degree_is_as_long_as_on_the_ellipsoid() -> None:
    kx, ky = geo.frame(50)
    assert kx == pytest.approx(GEOD.inv(8, 50, 8.001, 50)[2] * 1000, rel=1e-6)
    assert ky == pytest.approx(GEOD.inv(8, 49.9995, 8, 50.0005)[2] * 1000, rel=1e-6)


@pytest.mark.parametrize(
    "places",
    [
        (50, 8, 50, 8),
        (50, 8, 50.00001, 8.00001),
        (50, 8, 50.09, 8.09),
        (50, 8, -33, 151),
        (0, 179.99, 0, -179.99),
        (89.99, 0, 89.99, 180),
        (90, 17, 90, -140),
        (-90, 0, 90, 0),
        (79.99, 10, 80.05, 10.05),
        (0, 0, 0, 90),
    ],
)
def test_a_distance_is_that_of_the_geodesic(places: tuple[float, float, float, float]) -> None:
    lat1, lon1, lat2, lon2 = places
    assert geo.distance_m(*places) == pytest.approx(GEOD.inv(lon1, lat1, lon2, lat2)[2], rel=1e-6, abs=1e-6)


def test_opposite_places_get_an_answer_within_half_a_percent() -> None:
    assert geo.distance_m(0, 0, 0.3, 179.7) == pytest.approx(GEOD.inv(0, 0, 179.7, 0.3)[2], rel=5e-3)


@pytest.mark.parametrize(
    ("lat", "lon", "expected"), [(51, 8, 0), (50, 9, 89.6), (49, 8, 180), (50, 7, 270.4), (50, 8, 0)]
)
def test_a_bearing_is_clockwise_from_north(lat: float, lon: float, expected: float) -> None:
    assert geo.bearing(50, 8, lat, lon) == pytest.approx(expected, abs=0.1)


def test_a_bearing_goes_the_short_way_over_the_antimeridian() -> None:
    assert geo.bearing(0, 179.9, 0, -179.9) == pytest.approx(90)


@pytest.mark.parametrize("azimuth", [0, 77, 180, 301.5])
@pytest.mark.parametrize("lat", [0, 50, -89.5])
@pytest.mark.parametrize("metres", [1, 5_000, 800_000])
def test_a_destination_lies_so_many_metres_away(lat: float, azimuth: float, metres: float) -> None:
    there = geo.destination(lat, 179.9, azimuth, metres)
    assert -180 <= there[1] <= 180
    assert GEOD.inv(179.9, lat, there[1], there[0])[2] == pytest.approx(metres, rel=1e-5)


@pytest.mark.parametrize(("degrees", "short"), [(0, 0), (190, -170), (-190, 170), (540, -180), (180, -180), (359, -1)])
def test_a_turn_is_the_short_way_round(degrees: float, short: float) -> None:
    assert geo.turn(degrees) == short


def test_a_cell_lies_in_its_box() -> None:
    for lat, lon in ((50.0011, 8.0039), (-33.5, -70.6), (0, 0), (-90, -179.999), (89.9999, 179.9999)):
        west, south, east, north = geo.cell_box(geo.cell(lat, lon))
        assert west - 1e-9 <= lon < east + 1e-9
        assert south - 1e-9 <= lat < north + 1e-9


def test_both_sides_of_the_antimeridian_are_one_cell() -> None:
    assert geo.cell(12, 180) == geo.cell(12, -180)
    assert geo.cell(12, 179.999) != geo.cell(12, -179.999)


@pytest.mark.parametrize(
    ("lat", "lon", "zoom", "tile"),
    [
        (0, 0, 0, (0, 0)),
        (52.52, 13.405, 12, (2200, 1343)),
        (90, -180, 3, (0, 0)),
        (-90, 180, 3, (7, 7)),
        (85.0511, 179.999, 1, (1, 0)),
    ],
)
def test_a_tile_is_that_of_the_slippy_map(lat: float, lon: float, zoom: int, tile: tuple[int, int]) -> None:
    assert geo.tile(lat, lon, zoom) == tile


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ((0, 0, 4, 0, 1, 0, 3, 0), (0.0, 1.0)),  # along it
        ((0, 0, 4, 0, 2, 0, 6, 0), (0.0, 0.5)),
        ((0, 0, 0, 4, 0, 2, 0, 6), (0.0, 0.5)),
        ((0, 0, 4, 0, 2, 0, 2, 0), (0.0, 0.0)),  # a point on it
        ((0, 0, 4, 0, 2, 0, 2, 5), (0.0, 0.0)),  # begins on it
        ((0, 0, 4, 0, 2, 5, 2, 0), (1.0, 1.0)),  # ends on it
        ((0, 0, 4, 0, 2, 1, 2, 5), None),
        ((0, 0, 4, 4, 2, 1, 4, 3), None),  # beside it, within its box
    ],
)
def test_where_two_lines_meet(line: tuple[float, ...], found: tuple[float, float] | None) -> None:
    assert meeting(*line[4:], *line[:4]) == found
