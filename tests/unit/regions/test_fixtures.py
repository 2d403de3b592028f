"""The shapes of fixtures/regions: those that can be read, and those whose name is the fault they have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tracker.errors import Invalid
from tracker.geometry.geojson import read_shape
from tracker.geometry.shape import Shape

FOLDER = Path(__file__).parents[3] / "fixtures" / "regions"


def features(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / name).read_text())["features"]
    return found


def read(feature: dict[str, Any]) -> Shape:
    properties = feature["properties"]
    return read_shape(feature["geometry"], radius_m=properties.get("radius_m"), buffer_m=properties.get("buffer_m"))


@pytest.mark.parametrize("feature", features("shapes.geojson"), ids=lambda feature: feature["id"])
def test_every_kind_of_shape_is_answered_as_it_was_drawn(feature: dict[str, Any]) -> None:
    shape = read(feature)
    assert shape.geojson() == feature["geometry"]
    assert shape.area_m2 > 1000
    assert shape.perimeter_m > 100


@pytest.mark.parametrize("feature", features("antimeridian.geojson"), ids=lambda feature: feature["id"])
def test_every_way_to_draw_across_the_antimeridian_covers_it(feature: dict[str, Any]) -> None:
    shape = read(feature)
    west, _, east, _ = shape.bounds
    assert west > east
    assert shape.covers(-16.95 if shape.kind == "corridor" else -17, 180)
    assert not shape.covers(-17, 0)


@pytest.mark.parametrize("feature", features("poles.geojson"), ids=lambda feature: feature["id"])
def test_shapes_at_the_poles_cover_what_they_should(feature: dict[str, Any]) -> None:
    shape = read(feature)
    inside = {"north": (90, -120), "antarctica": (-89.99, 5), "beside": (89.7, 20)}[feature["id"]]
    outside = {"north": (89.0, 20), "antarctica": (-60, 0), "beside": (89.7, 50)}[feature["id"]]
    assert shape.covers(*inside)
    assert not shape.covers(*outside)


@pytest.mark.parametrize("feature", features("invalid.geojson"), ids=lambda feature: feature["id"])
def test_every_fault_is_told_by_its_name(feature: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as raised:
        read(feature)
    assert raised.value.errors[0]["code"] == feature["properties"]["name"]
