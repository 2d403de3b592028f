from __future__ import annotations

from typing import Any

import pytest

from tests.support.scenario import START, box, feature, point
from tracker.errors import Invalid
from tracker.regions.importing import read_regions
from tracker.regions.region import Region, is_ours, region_id

SQUARE = box(0, 0, 400, 300)
WEEK = {"zone": "UTC", "weekly": {"mon": [["08:00", "17:00"]]}}


def read(properties: Any = None, geometry: Any = SQUARE, id: str = "depot", **more: Any) -> Region:
    return Region.read_feature(feature(geometry) | {"properties": properties} | more, id=id, version=3, now=START)


def test_a_region_answers_what_it_was_given() -> None:
    properties = {
        "name": "Depot",
        "color": "#A0b1C2",
        "group": "north",
        "debounce": "none",
        "rules": {"dwell_s": 60, "schedule": WEEK},
        "notify": ["dwell", "cross"],
        "attributes": {"floor": 2, "gate": "B", "wet": False, "note": None},
    }
    answer = read(properties).feature()
    assert answer["id"] == "depot"
    assert answer["geometry"] == SQUARE
    assert {name: answer["properties"][name] for name in properties} == properties
    assert answer["properties"]["version"] == 3
    assert answer["properties"]["area_m2"] == pytest.approx(120_000, rel=1e-3)
    assert answer["properties"]["updated_at"] == "2026-11-23T09:00:00.000Z"


def test_what_is_not_said_has_a_default() -> None:
    for properties in (None, {}, {"name": " ", "color": None, "notify": None, "rules": None, "debounce": None}):
        answer = read(properties).feature()["properties"]
        assert answer["name"] == "depot"
        assert answer["notify"] == ["enter", "exit", "dwell"]
        assert answer["debounce"] == "accuracy"
        assert answer["group"] is None
        assert answer["rules"] == {} == answer["attributes"]


def test_an_answer_can_be_sent_back() -> None:
    region = read({"name": "Depot", "rules": {"schedule": WEEK}})
    again = Region.read_feature(region.feature(), id="depot", version=3, now=START)
    assert again.feature() == region.feature()
    assert again.decides_like(region)


def test_circles_and_corridors_keep_their_metres() -> None:
    circle = read({"radius_m": 120}, point(0, 0)).feature()
    assert circle["properties"]["radius_m"] == 120
    assert circle["geometry"] == point(0, 0)
    line = {"type": "LineString", "coordinates": [[13.4, 52.5], [13.41, 52.5]]}
    assert read({"buffer_m": 30}, line).feature()["properties"]["buffer_m"] == 30


def test_unknown_scalars_are_kept_as_attributes() -> None:
    assert read({"stroke": "#fff", "width": 2, "attributes": {"width": 3}}).attributes == {"stroke": "#fff", "width": 3}


@pytest.mark.parametrize(
    ("properties", "field"),
    [
        ([], "properties"),
        ({"name": 5}, "properties.name"),
        ({"name": "x" * 201}, "properties.name"),
        ({"name": "two\nlines"}, "properties.name"),
        ({"group": ["a"]}, "properties.group"),
        ({"color": "reddish"}, "properties.color"),
        ({"color": "#12345"}, "properties.color"),
        ({"color": 7}, "properties.color"),
        ({"debounce": "a lot"}, "properties.debounce"),
        ({"debounce": []}, "properties.debounce"),
        ({"notify": "enter"}, "properties.notify"),
        ({"notify": ["enter", "leave"]}, "properties.notify"),
        ({"notify": [[]]}, "properties.notify"),
        ({"rules": 5}, "properties.rules"),
        ({"rules": {"dwell_s": 0}}, "properties.rules.dwell_s"),
        ({"rules": {"schedule": {"zone": "x", "weekly": {}}}}, "properties.rules.schedule.zone"),
        ({"attributes": [1]}, "properties.attributes"),
        ({"attributes": {"deep": {"a": "x" * 4097}}}, "properties.attributes.deep"),
        ({"attributes": {"long": "x" * 4097}}, "properties.attributes.long"),
        ({"attributes": {f"a{n}": n for n in range(65)}}, "properties.attributes"),
        ({"style": ["x"] * 2000}, "properties.style"),
        ({"radius_m": "120"}, "properties.radius_m"),
    ],
)
def test_every_wrong_property_is_named(properties: Any, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(properties)
    assert [error["field"] for error in caught.value.errors] == [field]
    assert all(error["code"] and error["message"] for error in caught.value.errors)


@pytest.mark.parametrize("wrong", [[], None, {"type": "Polygon"}, {"type": "FeatureCollection", "features": []}])
def test_only_a_feature_is_a_region(wrong: Any) -> None:
    with pytest.raises(Invalid, match="Feature"):
        Region.read_feature(wrong, id="depot", version=1, now=START)


def test_all_faults_come_at_once_those_of_the_shape_too() -> None:
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    with pytest.raises(Invalid, match="and 2 more") as caught:
        read({"color": "reddish", "notify": 1}, bow)
    fields = [error["field"] for error in caught.value.errors]
    assert fields[:2] == ["properties.color", "properties.notify"]
    assert fields[2].startswith("geometry")
    assert caught.value.errors[2]["at"] == pytest.approx([0.5, 0.5])


POINT, LINE, BOX = (
    {"type": "Point", "coordinates": [13.4, 52.5]},
    {"type": "LineString", "coordinates": [[13.4, 52.5], [13.5, 52.5]]},
    {"type": "Polygon", "coordinates": [[[13, 52], [13, 53], [14, 53], [13, 52]]]},
)


@pytest.mark.parametrize("wrong", ["far", "", "100", True, [100], {"metres": 100}, -5, 0, 1e12, None])
@pytest.mark.parametrize(("geometry", "name"), [(POINT, "radius_m"), (LINE, "buffer_m")])
def test_a_wrong_size_is_told_once_as_what_is_wrong_with_it(geometry: Any, name: str, wrong: Any) -> None:
    with pytest.raises(Invalid) as caught:
        Region.read_feature(
            {"type": "Feature", "geometry": geometry, "properties": {name: wrong}}, id="a", version=1, now=0
        )
    is_number = isinstance(wrong, int | float) and not isinstance(wrong, bool)
    code = "size_missing" if wrong is None else "size_range" if is_number else "wrong_type"
    assert [(one["code"], one["field"]) for one in caught.value.errors] == [(code, f"properties.{name}")]
    assert caught.value.code == code


@pytest.mark.parametrize(("geometry", "name"), [(BOX, "radius_m"), (BOX, "buffer_m"), (POINT, "buffer_m")])
def test_a_size_that_its_shape_does_not_need_is_told_as_one_that_it_does(geometry: Any, name: str) -> None:
    properties = {"radius_m": 10, name: "far"}
    with pytest.raises(Invalid) as caught:
        Region.read_feature(
            {"type": "Feature", "geometry": geometry, "properties": properties}, id="a", version=1, now=0
        )
    assert [one["code"] for one in caught.value.errors] == ["wrong_type"]


@pytest.mark.parametrize(
    ("geometry", "name"),
    [
        ({"type": "Point", "coordinates": ["x", 52]}, "radius_m"),
        ({"type": "LineString", "coordinates": [[13, "y"], [14, 52]]}, "buffer_m"),
    ],
)
def test_what_is_wrong_with_a_place_and_with_its_size_comes_at_once(geometry: Any, name: str) -> None:
    with pytest.raises(Invalid) as caught:
        Region.read_feature(
            {"type": "Feature", "geometry": geometry, "properties": {name: -1}}, id="a", version=1, now=0
        )
    assert [one["code"] for one in caught.value.errors] == ["coordinates_type", "size_range"]


def test_a_region_without_a_shape_is_none() -> None:
    with pytest.raises(Invalid):
        Region.read_feature({"type": "Feature", "properties": {}}, id="depot", version=1, now=START)


@pytest.mark.parametrize("id", ["", "a b", "ä", "x" * 65, "a/b", "a\n", ".", "..", "preview"])
def test_a_wrong_id_is_refused(id: str) -> None:
    with pytest.raises(Invalid, match="region id"):
        region_id(id)
    with pytest.raises(Invalid):
        read_regions([feature(box(0, 0, 400, 300)) | {"id": id}], START, str)


def test_a_region_stored_under_an_id_that_is_refused_now_is_still_read() -> None:
    assert read(id="preview").id == "preview"


def test_a_change_of_shape_schedule_or_debounce_decides_anew_another_name_does_not() -> None:
    region = read({"name": "Depot"})
    assert read({"name": "Store", "color": "#000000", "rules": {"dwell_s": 5}}).decides_like(region)
    assert not read({"debounce": "none"}).decides_like(region)
    assert not read({"rules": {"schedule": WEEK}}).decides_like(region)
    assert not read({}, box(0, 0, 400, 301)).decides_like(region)
    a, b, c, d, _ = SQUARE["coordinates"][0]
    assert read({}, {"type": "Polygon", "coordinates": [[c, b, a, d, c]]}).decides_like(region)
    assert not read({"radius_m": 10}, point(0, 0)).decides_like(read({"radius_m": 11}, point(0, 0)))


def test_how_deep_is_deep_depends_on_the_region_too() -> None:
    assert read().inner_m == 25
    assert read({}, box(0, 0, 10, 10)).inner_m == pytest.approx(0.5 * 100 / 40, rel=1e-3)


def test_every_property_of_an_answer_is_known() -> None:
    assert all(map(is_ours, read({"radius_m": 5}, point(0, 0)).feature()["properties"]))


def test_every_fault_of_an_import_has_the_index_of_its_feature_up_to_a_thousand() -> None:
    good, bad = feature(box(0, 0, 400, 300)), feature(box(0, 0, 400, 300)) | {"properties": {"name": 5}}
    unread = Invalid("not_geojson", "no Feature")
    with pytest.raises(Invalid) as caught:
        read_regions([good | {"id": "a"}, bad, unread, good | {"id": "a"}], START, str)
    found = [(error["index"], error["code"]) for error in caught.value.errors]
    assert found == [(1, "invalid_region"), (2, "not_geojson"), (3, "duplicate_id")]
    with pytest.raises(Invalid) as caught:
        read_regions([bad] * 2000, START, str)
    assert len(caught.value.errors) == 1000


def test_a_number_that_is_none_is_told_once_by_whom_it_concerns() -> None:
    for given, codes in (
        ({"radius_m": "far"}, ["wrong_type"]),
        ({"radius_m": 5, "buffer_m": "wide"}, ["wrong_type"]),
    ):
        with pytest.raises(Invalid) as told:
            read(given, point(0, 0))
        assert [error["code"] for error in told.value.errors] == codes
