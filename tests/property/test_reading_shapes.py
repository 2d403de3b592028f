"""Whatever is sent as a geometry: a shape comes of it, or Invalid that says why; never anything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tracker.errors import BadRequest, Invalid
from tracker.geometry.geojson import read_shape, repair
from tracker.regions.drawings import read_drawings
from tracker.regions.importing import read_all
from tracker.regions.kml import read_kml

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
    faults = faults_of(lambda: read_shape(geometry, radius_m=radius, buffer_m=buffer))
    for fault in faults:
        assert fault["code"]
        assert fault["field"].startswith(("geometry", "properties"))
        assert all(-180 <= fault["at"][i] <= 180 for i in (0, 1)) if "at" in fault else True
    if not faults:
        shape = read_shape(geometry, radius_m=radius, buffer_m=buffer)
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
    if not faults_of(lambda: repair(geometry, radius_m=10, buffer_m=10)):
        read_shape(repair(geometry, radius_m=10, buffer_m=10), radius_m=10, buffer_m=10)


@given(st.binary(max_size=60))
def test_any_bytes_are_kml_or_a_told_fault(data: bytes) -> None:
    with pytest.raises(BadRequest):
        read_kml(data)


MEMBERS = st.dictionaries(
    st.sampled_from(
        ["type", "geometry", "properties", "id", "crs", "coordinates", "geometries", "features", "lat", "lon"]
    ),
    st.one_of(
        ODD, GEOMETRIES, st.lists(st.one_of(ODD, GEOMETRIES), max_size=2), st.sampled_from(["Feature", "Point", "time"])
    ),
    max_size=6,
)
PROPERTIES = st.dictionaries(
    st.sampled_from(["name", "Name", "id", "color", "fill", "rules", "attributes", "radius_m", "time", "x"]),
    st.one_of(ODD, st.lists(ODD, max_size=2), st.sampled_from(["{", "[1]", "1", "red"])),
)
FEATURES = st.one_of(
    MEMBERS,
    st.fixed_dictionaries({"type": st.just("Feature"), "geometry": GEOMETRIES, "properties": PROPERTIES, "id": ODD}),
)


@given(
    st.one_of(
        ODD, FEATURES, st.lists(FEATURES, max_size=3).map(lambda some: {"type": "FeatureCollection", "features": some})
    )
)
@example({"type": []})
@example(
    [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [1, 1]},
            "properties": {"radius_m": 5, "x": "\ud800"},
        }
    ]
)
@example(
    [{"type": "Feature", "geometry": {"type": {}}, "id": {}, "properties": {"attributes": "{}", "name": "\ud800"}}]
)
def test_any_document_is_regions_or_a_told_fault(document: Any) -> None:
    with suppress(BadRequest):
        found = read_all(read_drawings(json.dumps(document).encode(), 2**20), 0, str)
        assert all(error["code"] and error["message"] for error in found.errors)
        assert (found.refusal() is None) == (found.refused == 0)
        assert msgspec.json.encode([region.feature() for region in found.regions])


@given(st.binary(max_size=60), st.booleans())
def test_any_bytes_are_regions_or_a_told_fault(data: bytes, xml: bool) -> None:
    with suppress(BadRequest):
        assert read_all(read_drawings(data, 2**20, xml=xml), 0, str).errors is not None
