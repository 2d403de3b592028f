"""Small circles: of many places and lines at once they say what they say of one, and they ask for few distances."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tracker.geometry import buffer
from tracker.geometry.earth import distance_m, frame
from tracker.geometry.geojson import read_shape
from tracker.geometry.places import covered, touching
from tracker.geometry.shape import Shape


def circle(lat: float, lon: float, radius_m: float) -> Shape:
    return read_shape({"type": "Point", "coordinates": [lon, lat]}, radius_m=radius_m)


def beside(shape: Shape, chance: random.Random, metres: float) -> tuple[float, float]:
    """A place so far outside, or inside where that is negative."""
    assert isinstance(shape, buffer.Round)
    (lat, lon), (kx, ky) = shape.points[0], frame(shape.points[0][0])
    way = chance.uniform(0, 6.3)
    low, high = 0.0, 2 * (shape.reach_m + abs(metres))
    for _ in range(60):
        middle = (low + high) / 2
        place = lat + middle * np.cos(way) / ky, lon + middle * np.sin(way) / kx
        if shape.signed_distance_m(*place) < metres:
            low = middle
        else:
            high = middle
    return float(place[0]), float(place[1])


@pytest.mark.parametrize("lat", [-69.9, 0.0, 60.17])
@pytest.mark.parametrize("radius_m", [8.0, 5000.0, 20_000.0])
def test_which_of_many_places_lie_in_it_is_as_told_of_each(lat: float, radius_m: float) -> None:
    chance = random.Random(7)
    shape = circle(lat, 24.9, radius_m)
    places = [beside(shape, chance, away) for away in (0, 1e-3, -1e-3, 0.3, -0.3, 0.6, -0.6, 3, -3) for _ in range(8)]
    lats, lons = np.array(places).T
    assert covered(shape, lats, lons).tolist() == [shape.covers(*place) for place in places]


@pytest.mark.parametrize("lat", [-69.9, 0.0, 60.17])
@pytest.mark.parametrize("radius_m", [8.0, 5000.0, 20_000.0])
def test_no_line_that_touches_it_is_left_out(lat: float, radius_m: float) -> None:
    chance = random.Random(11)
    shape = circle(lat, 24.9, radius_m)
    track = [beside(shape, chance, chance.choice((1e-3, 0.2, 0.6, 3, 40, radius_m))) for _ in range(120)]
    lats, lons = np.array(track).T
    told = touching(shape, lats, lons, np.ones(len(track) - 1, np.bool_)).tolist()
    touched = [i for i in range(len(track) - 1) if shape.crossing(*track[i], *track[i + 1])]
    assert touched
    assert set(touched) <= set(told)


def test_whoever_stands_five_metres_beside_a_large_circle_is_not_asked_for_a_crossing() -> None:
    shape = circle(60.17, 24.94, 5000.0)
    lat, lon = beside(shape, random.Random(3), 5.0)
    steps = np.arange(20, dtype=np.float64)
    lats, lons = lat + steps % 3 * 1e-6, lon + steps % 2 * 1e-6
    assert not len(touching(shape, lats, lons, np.ones(19, np.bool_)))


def test_where_a_line_crosses_it_takes_few_distances(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(5)
    shape = circle(60.17, 24.94, 5000.0)
    lines = [(*beside(shape, chance, 30.0), *beside(shape, chance, -30.0)) for _ in range(200)]
    asked, real = [], distance_m

    def counted(*places: float) -> float:
        asked.append(places)
        return real(*places)

    monkeypatch.setattr(buffer, "distance_m", counted)
    for line in lines:
        touched = shape.crossing(*line)
        assert touched is not None
        assert touched[1] == 1
    assert len(asked) < 16 * len(lines)
