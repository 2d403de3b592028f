"""Whatever is sent as a geometry: a shape comes of it, or Invalid that says why; never anything else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tracker.errors import BadRequest, Invalid
from tracker.kml import read_kml
from tracker.shapes import read_shape, repair

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.just(10**400),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=1),
)
NUMBERS = st.one_of(
    st.floats(-200, 200), st.integers(-3, 3), st.sampled_from([0.0, 180.0, -180.0, 90.0, -90.0, 5e-324, 1e-9]), ODD
)
POSITIONS = st.one_of(st.lists(NUMBERS, max_size=4), st.tuples(st.integers(0, 4), st.integers(0, 4)).map(list))
RINGS = st.one_of(st.lists(POSITIONS, max_size=7), ODD)
POLYGONS = st.one_of(st.lists(RINGS, max_size=3), ODD)
COORDINATES = st.one_of(POSITIONS, RINGS, POLYGONS, st.lists(POLYGONS, max_size=3), ODD)
KINDS = st.one_of(st.sampled_from(["Polygon", "MultiPolygon", "Point", "LineString", "GeometryCollection"]), ODD)
GEOMETRIES = st.one_of(st.fixed_dictionaries({"type": KINDS, "coordinates": COORDINATES}), ODD)


def faults_of(work: Callable[[], Any]) -> list[dict[str, Any]]:
    """What is told of `work`; nothing when it can be done."""
    try:
        work()
    except Invalid as error:
        return error.errors or [{}]
    return []


@given(GEOMETRIES, ODD, ODD)
@example({"type": "Polygon", "coordinates": [[[0, 0], [180, 0], [-180, 0], [0, 90]]]}, None, None)
@example({"type": "LineString", "coordinates": [[0, 90], [180, 90], [0, -90]]}, None, 10)
@example({"type": "Point", "coordinates": [0, 90]}, 5e-324, None)
def test_anything_is_a_shape_or_invalid(geometry: Any, radius: Any, buffer: Any) -> None:
    faults = faults_of(lambda: read_shape(geometry, radius, buffer))
    for fault in faults:
        assert fault["code"]
        assert fault["field"].startswith(("geometry", "properties"))
        assert all(-180 <= fault["at"][i] <= 180 for i in (0, 1)) if "at" in fault else True
    if not faults:
        shape = read_shape(geometry, radius, buffer)
        assert shape.area_m2 >= 0
        west, south, east, north = shape.bounds
        assert -180 <= west <= 180
        assert -180 <= east <= 180
        assert -90 <= south <= north <= 90
        shape.covers(0, 0)
        shape.signed_distance_m(45, -180)


@given(GEOMETRIES)
@example({"type": "MultiPolygon", "coordinates": []})
@example({"type": "Polygon", "coordinates": [[[8, 50], [9, 51], [9, 50], [8, 51], [8, 50]], [[8, 50]]]})
def test_anything_is_repaired_into_a_shape_or_invalid(geometry: Any) -> None:
    if not faults_of(lambda: repair(geometry, 10, 10)):
        read_shape(repair(geometry, 10, 10), 10, 10)


@given(st.binary(max_size=60))
def test_any_bytes_are_kml_or_a_told_fault(data: bytes) -> None:
    with pytest.raises(BadRequest):
        read_kml(data)
