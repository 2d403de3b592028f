"""A shape nobody knew goes the whole way, told in one file and one row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from tests.support.ellipse import ROW, Ellipse
from tests.support.scenario import START, Town, place, point
from tracker.errors import Invalid
from tracker.geometry.cells.index import CellIndex
from tracker.geometry.geojson import FORMS, parameter_names, read_shape
from tracker.geometry.shape import Shape
from tracker.regions.region import Region

LONG = {"semi_major_m": 400.0, "semi_minor_m": 100.0, "bearing_deg": 30.0}


@pytest.fixture(scope="module", autouse=True)
def known() -> Iterator[None]:
    FORMS.append(ROW)
    parameter_names.cache_clear()
    yield
    FORMS.remove(ROW)
    parameter_names.cache_clear()


def test_it_is_read_by_its_own_numbers_and_a_circle_by_its_radius() -> None:
    assert isinstance(read_shape(point(0, 0), **LONG), Ellipse)
    assert read_shape(point(0, 0), radius_m=100).kind == "circle"
    with pytest.raises(Invalid, match="semi_minor_m is missing"):
        read_shape(point(0, 0), semi_major_m=100)


@given(st.lists(st.tuples(st.floats(-600, 600), st.floats(-600, 600)), min_size=1, max_size=20))
def test_cells_answer_as_the_shape_does(places: list[tuple[float, float]]) -> None:
    shape: Shape = read_shape(point(0, 0), **LONG)
    index: CellIndex[str] = CellIndex()
    index.add_shape("long", shape)
    for spot in places:
        lat, lon = place(*spot)
        assert (index.at(lat, lon) == ("long",)) == shape.covers(lat, lon)


def test_a_region_keeps_it_and_is_read_back_the_same() -> None:
    feature = {"type": "Feature", "geometry": point(0, 0), "properties": {"name": "Ring"} | LONG | {"door": 3}}
    region = Region.read_feature(feature, id="ring", version=1, now=START)
    answer = region.feature()
    assert LONG.items() <= answer["properties"].items()
    assert answer["properties"]["attributes"] == {"door": 3}
    again = Region.read_feature(answer, id="ring", version=1, now=START)
    assert again.shape.decides_like(region.shape)
    assert np.isclose(region.shape.area_m2, 125_663.7)
    assert region.shape.parts.covers(shapely.Point(*reversed(place(190, 330))))


def test_a_vehicle_goes_in_and_out_of_it() -> None:
    town = Town()
    town.region("long", point(0, 0), **LONG)
    drive = town.drive("van-7")
    drive.at(-500, 0).at(0, 0).expect("enter long").at(120, 220).expect().at(500, 0).expect("exit long")
    drive.at(-500, 0, after=20).expect("cross long")
