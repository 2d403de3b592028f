"""KML files people really have, and those somebody made to hurt."""

from __future__ import annotations

import pytest

from tracker.errors import BadRequest, Invalid
from tracker.geometry.geojson import read_shape
from tracker.regions.kml import read_kml

RING = "8,50,0 8.1,50,0 8.1,50.1,0 8,50.1,0 8,50,0"
HOLE = "8.02,50.02 8.04,50.02 8.04,50.04 8.02,50.04 8.02,50.02"


def kml(inside: str) -> bytes:
    return (
        f'<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>{inside}</Document></kml>'.encode()
    )


def polygon(ring: str = RING, hole: str = "") -> str:
    inner = f"<innerBoundaryIs><LinearRing><coordinates>{hole}</coordinates></LinearRing></innerBoundaryIs>"
    outer = f"<outerBoundaryIs><LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs>"
    return f"<Polygon>{outer}{inner if hole else ''}</Polygon>"


def test_a_polygon_with_a_hole_and_a_name_becomes_a_feature() -> None:
    [feature] = read_kml(
        kml(f'<Folder><Placemark id="yard-1"><name> Yard </name>{polygon(hole=HOLE)}</Placemark></Folder>')
    )["features"]
    assert feature["id"] == "yard-1"
    assert feature["properties"] == {"name": "Yard"}
    shape = read_shape(feature["geometry"])
    assert shape.covers(50.05, 8.05)
    assert not shape.covers(50.03, 8.03)


def test_a_name_that_was_wrapped_is_one_line_again() -> None:
    [feature] = read_kml(kml(f"<Placemark><name>North\n    Yard</name>{polygon()}</Placemark>"))["features"]
    assert feature["properties"]["name"] == "North Yard"


def test_a_multigeometry_of_polygons_becomes_one_multipolygon() -> None:
    other = polygon("9,50 9.1,50 9.1,50.1 9,50")
    [feature] = read_kml(kml(f"<Placemark><MultiGeometry>{polygon()}{other}</MultiGeometry></Placemark>"))["features"]
    assert feature["geometry"]["type"] == "MultiPolygon"
    assert read_shape(feature["geometry"]).covers(50.02, 9.05)


def test_extended_data_gives_radius_group_and_attributes() -> None:
    data = "".join(
        f'<Data name="{name}"><value>{value}</value></Data>'
        for name, value in (("radius_m", "150"), ("group", "sites"), ("customer", "Ada"))
    )
    point = "<Point><coordinates>8.5,50.5,12</coordinates></Point>"
    [feature] = read_kml(kml(f"<Placemark><name>Gate</name><ExtendedData>{data}</ExtendedData>{point}</Placemark>"))[
        "features"
    ]
    assert feature["geometry"] == {"type": "Point", "coordinates": [8.5, 50.5]}
    assert feature["properties"] == {
        "name": "Gate",
        "radius_m": 150.0,
        "group": "sites",
        "attributes": {"customer": "Ada"},
    }


def test_points_and_lines_of_a_multigeometry_become_features_of_their_own() -> None:
    line = "<LineString><coordinates>8,50 8.1, 50.1</coordinates></LineString>"
    point = "<Point><coordinates>8,50</coordinates></Point>"
    features = read_kml(
        kml(f'<Placemark id="a"><name>A</name><MultiGeometry>{line}{point}</MultiGeometry></Placemark>')
    )["features"]
    assert [feature["geometry"]["type"] for feature in features] == ["LineString", "Point"]
    assert [feature["properties"]["name"] for feature in features] == ["A 1", "A 2"]
    assert [feature["id"] for feature in features] == ["a-1", "a-2"]
    assert features[0]["geometry"]["coordinates"] == [[8.0, 50.0], [8.1, 50.1]]


@pytest.mark.parametrize("shared", [True, False])
def test_the_colour_of_a_style_is_turned_round(shared: bool) -> None:
    style = "<PolyStyle><color>7f0000ff</color></PolyStyle>"
    if shared:
        text = f'<Style id="s">{style}</Style><Placemark><styleUrl>#s</styleUrl>{polygon()}</Placemark>'
    else:
        text = f"<Placemark><Style>{style}</Style>{polygon()}</Placemark>"
    [feature] = read_kml(kml(text))["features"]
    assert feature["properties"]["color"] == "#ff0000"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_whatever_the_encoding(encoding: str) -> None:
    bomb = (
        f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE kml [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
        "<kml><Placemark><name>&b;</name></Placemark></kml>"
    )
    with pytest.raises(BadRequest) as raised:
        read_kml(bomb.encode(encoding))
    assert raised.value.code == "kml_doctype"


def test_what_is_not_xml_is_told_with_its_line() -> None:
    with pytest.raises(BadRequest, match="line 2"):
        read_kml(b"<kml>\n<Placemark></kml>")


def test_an_empty_file_is_not_xml() -> None:
    with pytest.raises(BadRequest):
        read_kml(b"")


def test_a_file_without_shapes_is_invalid() -> None:
    with pytest.raises(Invalid) as raised:
        read_kml(kml("<Placemark><name>only a name</name></Placemark>"))
    assert raised.value.code == "no_features"


def test_a_bad_coordinate_names_its_placemark() -> None:
    with pytest.raises(Invalid, match=r"position 1 of 'Yard' is '8\.1'"):
        read_kml(kml(f"<Placemark><name>Yard</name>{polygon('8,50 8.1 8,51')}</Placemark>"))


def test_elements_nested_without_end_are_refused() -> None:
    with pytest.raises(BadRequest) as raised:
        read_kml(b"<a>" * 100_000)
    assert raised.value.code == "too_deep"


@pytest.mark.parametrize("inside", ["<a/>" * 60_000, f"<name>{'x' * 2_200_000}</name>", f'<a b="{"x" * 2_200_000}"/>'])
def test_a_placemark_of_too_much_is_refused(inside: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_kml(kml(f"<Placemark>{inside}{polygon()}</Placemark>"))
    assert caught.value.code == "body_too_large"


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ("<a/>" * 1_001, "too_many_items"),
        (f"<!--{'x' * 5_000_000}-->", "body_too_large"),
        ("<Placemark/>" * 101, "too_many_items"),
    ],
)
def test_a_file_of_too_much_is_refused(inside: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.regions.placemarks.MAX_ELEMENTS", 1_000)
    monkeypatch.setattr("tracker.regions.kml.MAX_PLACEMARKS", 100)
    with pytest.raises((BadRequest, Invalid)) as caught:
        read_kml(kml(inside))
    assert caught.value.code == code


def test_a_ring_alone_is_an_area_and_what_describes_it_stays() -> None:
    ring = f"<LinearRing><coordinates>{RING}</coordinates></LinearRing>"
    data = '<ExtendedData><Data name="radius_m"><value>wide</value></Data><Data><value>x</value></Data></ExtendedData>'
    text = f"<Placemark><description> Gate 7 </description>{data}{ring}</Placemark>"
    [feature] = read_kml(kml(text))["features"]
    assert feature["geometry"]["type"] == "Polygon"
    assert feature["properties"] == {"description": "Gate 7", "radius_m": "wide"}


def test_what_is_in_no_placemark_costs_nothing_and_colours_may_come_after() -> None:
    style = '<Style id="n"><PolyStyle><color>ff0000ff</color></PolyStyle></Style>'
    mapped = '<StyleMap id="m"><Pair><key>normal</key><styleUrl>#n</styleUrl></Pair></StyleMap>'
    placemarks = "".join(f"<Placemark><styleUrl>#{id}</styleUrl>{polygon()}</Placemark>" for id in "nmx")
    features = read_kml(kml("<a/>" * 60_000 + placemarks + mapped + style))["features"]
    assert [feature["properties"].get("color") for feature in features] == ["#ff0000", "#ff0000", None]
