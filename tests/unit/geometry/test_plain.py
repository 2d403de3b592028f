"""Outlines read many at once are, to the last bit, what each is read alone."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest

from tracker.geometry.area import Area
from tracker.geometry.geojson import read_shape
from tracker.geometry.plain import MOST_CORNERS, plain_ring, read_plain

GOOD = [[10.0, 50.0], [10.01, 50.0], [10.01, 50.01], [10.0, 50.01], [10.0, 50.0]]

ODD: dict[str, list[Any]] = {
    "an altitude": [[*place, 7.0] for place in GOOD],
    "a text": [["10", 50.0], *GOOD[1:]],
    "a bool": [[True, 50.0], *GOOD[1:]],
    "no position": [None, *GOOD[1:]],
    "beyond 180": [[lon + 169.995, lat] for lon, lat in GOOD],
    "on the antimeridian": [[lon + 169.99, lat] for lon, lat in GOOD],
    "at a pole": [[lon, lat + 39.99] for lon, lat in GOOD],
    "a long edge": [[lon * 10, lat] for lon, lat in GOOD],
    "a position twice": [GOOD[0], *GOOD],
    "two places": [GOOD[0], GOOD[1], GOOD[0]],
    "a crossing": [*GOOD[:4], [10.005, 49.998]],
    "a line": [GOOD[0], GOOD[1], [10.02, 50.0], GOOD[0]],
    "an endless number": [[float("inf"), 50.0], *GOOD[1:]],
}


def polygon(ring: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [ring]}


def star(chance: Random) -> list[list[float]]:
    """Some corners around a place anywhere, either way round, closed or not."""
    lon, lat, corners = chance.uniform(-179, 179), chance.uniform(-89, 89), chance.randrange(3, 200)
    reach = chance.choice([0.00001, 0.001, 0.04])
    angles = sorted(chance.uniform(0, 2 * np.pi) for _ in range(corners))[:: chance.choice([1, -1])]
    ring = [[lon + reach * float(np.cos(angle)), lat + reach * float(np.sin(angle))] for angle in angles]
    return ring + ring[: chance.randrange(2)]


def told(area: Any) -> list[Any]:
    assert isinstance(area, Area)
    edge = area.boxes[0]
    lat, lon = (edge[1] + edge[3]) / 2, (edge[0] + edge[2]) / 2 + 0.01
    return [
        *(area.edges.tobytes(), area.edges.shape, area.boxes, area.bounds, area.area_m2, area.perimeter_m, area.kind),
        *(area.parts.wkb, area.signed_distance_m(lat, lon), area.geojson(), area.parameters(), area.stretches),
    ]


def test_many_are_what_each_is_alone() -> None:
    chance = Random(5)
    rings = [star(chance) for _ in range(300)]
    found = read_plain(rings)
    assert sum(one is not None for one in found) > 250  # GEOS takes few of these stars otherwise
    for ring, one in zip(rings, found, strict=True):
        if one is not None:
            alone = read_shape(polygon(ring))
            assert told(one) == told(alone)
            assert one.decides_like(alone)


@pytest.mark.parametrize("what", ODD)
def test_what_is_not_plain_is_left_and_its_neighbours_are_read(what: str) -> None:
    found = read_plain([GOOD, ODD[what], GOOD])
    assert [one is None for one in found] == [False, True, False]
    assert read_plain([ODD[what]]) == [None]


def test_whole_numbers_and_minus_zero_are_positions() -> None:
    ring = [[-0.0, 0], [0.01, 0], [0, 0.01]]
    [found] = read_plain([ring])
    assert told(found) == told(read_shape(polygon(ring)))


@pytest.mark.parametrize(
    "geometry",
    [
        None,
        {"type": "Point", "coordinates": [1, 2]},
        {"type": "Polygon"},
        {"type": "Polygon", "coordinates": [GOOD, GOOD]},
        polygon("ring"),
        polygon(GOOD[:2]),
        polygon(GOOD * MOST_CORNERS),
    ],
)
def test_other_geometries_are_no_plain_outlines(geometry: Any) -> None:
    assert plain_ring(geometry) is None


def test_one_ring_of_some_corners_is_a_plain_outline() -> None:
    assert plain_ring(polygon(GOOD)) is GOOD
