"""Files of regions as other programs write them: what comes in, and what is told of the rest."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from typing import Any

import pytest

from tests.unit.regions.test_kml import RING, kml, polygon
from tracker.errors import BadRequest, Invalid, TooLarge, Unsupported
from tracker.regions.colors import NAMES, read_abgr, read_color
from tracker.regions.drawings import read_drawings, read_kml_pieces
from tracker.regions.importing import Imported, read_all
from tracker.regions.kmz import Kmz
from tracker.regions.region import Region

BOX = [[[8.0, 50.0], [8.1, 50.0], [8.1, 50.1], [8.0, 50.1], [8.0, 50.0]]]
OTHER = [[[9.0, 50.0], [9.1, 50.0], [9.1, 50.1], [9.0, 50.1], [9.0, 50.0]]]
AREA = {"type": "Polygon", "coordinates": BOX}
PLACE = {"type": "Point", "coordinates": [8.0, 50.0]}
MERCATOR = [[[2772000, 8437000], [2773000, 8437000], [2773000, 8438000], [2772000, 8437000]]]


def feature(geometry: Any = AREA, id: Any = None, **properties: Any) -> dict[str, Any]:
    given = {"type": "Feature", "geometry": geometry, "properties": properties}
    return given if id is None else given | {"id": id}


def collection(*features: Any, **members: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features), **members}


def imported(document: Any) -> Imported:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_all(read_drawings(body, 2**20), 0, lambda index: f"new-{index}")


def regions(document: Any) -> list[Region]:
    found = imported(document)
    assert found.errors == []
    return found.regions


def told(document: Any) -> Invalid:
    """What is said of a file nothing of which is stored."""
    try:
        refusal = imported(document).refusal()
    except Invalid as fault:
        return fault
    assert refusal is not None
    return refusal


# -- colours ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        *("red", " Red ", "#f00", "#F00", "#f00c", "#ff0000", "#ff000080", "ff0000", "0xff0000", "rgb(255, 0, 0)"),
        *("rgb(255 0 0 / 50%)", "rgba(255,0,0,0.5)", "rgb(100%,0%,0%)", "hsl(0,100%,50%)", "hsl(360deg 100% 50%)"),
        "255,0,0,255",
    ],
)
def test_a_colour_is_read_however_it_is_written(text: str) -> None:
    assert read_color(text) == "#ff0000"


@pytest.mark.parametrize("text", ["", "reddish", "bad", "#12", "#12345", "rgb(1,2)", "rgb(nan,0,0)", "hsl(a,b,c)"])
def test_what_is_no_colour_is_none(text: str) -> None:
    assert read_color(text) is None


def test_every_colour_of_css_has_its_name() -> None:
    assert len(NAMES) == 141
    assert (read_color("rebeccapurple"), read_color("DarkSlateGrey")) == ("#663399", "#2f4f4f")
    assert read_abgr("7fff0000") == ("#0000ff", 127)


def test_a_region_takes_a_colour_by_name() -> None:
    assert Region.read_feature(feature(color="tomato"), id="a", version=1, now=0).color == "#ff6347"


def test_the_fill_of_a_drawing_is_its_colour_and_stays_an_attribute() -> None:
    [region] = regions(collection(feature(fill="#0f0", stroke="blue")))
    assert (region.color, region.attributes) == ("#00ff00", {"fill": "#0f0", "stroke": "blue"})


# -- GeoJSON of any make ---------------------------------------------------------------------------------------------


def test_lists_and_objects_are_kept_as_json_text() -> None:
    [region] = regions(collection(feature(tags=["a", 1], owner={"name": "Ada", "deep": [None]})))
    assert region.attributes == {"tags": '["a",1]', "owner": '{"name":"Ada","deep":[null]}'}


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(feature(id="a")),
        json.dumps(AREA),
        json.dumps([feature(id="a")]),
        json.dumps({"regions": [feature(id="a")], "next": None}),
        json.dumps(collection(feature(id="a"), bbox=[8, 50, 9, 51], unknown={"deep": [1]})),
        json.dumps(feature(id="a")) + "\n" + json.dumps(feature(id="b")) + "\n",
        "\x1e" + json.dumps(feature(id="a")) + "\n\x1e" + json.dumps(feature(id="b")),
        json.dumps({"type": "GeometryCollection", "geometries": [AREA]}),
        "\ufeff" + json.dumps(collection(feature(id="a")), indent=1),
        json.dumps(collection(feature({"type": "Polygon", "coordinates": [[[*p, 7] for p in BOX[0]]]}, id="a"))),
        json.dumps({"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": AREA}]}),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_every_form_of_geojson_is_read(body: str, encoding: str) -> None:
    found = regions(body.encode(encoding))
    assert len(found) == body.count('"id": "') or len(found) == 1
    assert all(region.shape.covers(50.05, 8.05) for region in found)


def test_areas_of_a_collection_are_one_region_and_points_and_lines_their_own() -> None:
    line = {"type": "MultiLineString", "coordinates": [[[8, 50], [9, 50]], [[8, 51], [9, 51]]]}
    both = {"type": "GeometryCollection", "geometries": [AREA, {"type": "Polygon", "coordinates": OTHER}, PLACE, line]}
    found = regions(collection(feature(both, id="g", name="Site", radius_m=50, buffer_m=20)))
    assert [(region.id, region.name) for region in found] == [(f"g-{n}", f"Site {n}") for n in range(1, 5)]
    assert [region.shape.geojson()["type"] for region in found] == ["MultiPolygon", "Point", "LineString", "LineString"]


def test_areas_within_a_collection_are_one_wherever_they_lie_and_many_are_told() -> None:
    inner = {"type": "GeometryCollection", "geometries": [{"type": "MultiPolygon", "coordinates": [BOX, OTHER]}]}
    [region] = regions(collection(feature({"type": "GeometryCollection", "geometries": [inner]})))
    assert region.shape.covers(50.05, 8.05) and region.shape.covers(50.05, 9.05)
    many = {"type": "MultiPoint", "coordinates": [[8, 50]] * 1_001}
    assert told(collection(feature(many, radius_m=5))).code == "too_many_parts"
    for kind in ("MultiPoint", "GeometryCollection"):
        empty: dict[str, Any] = {"type": kind, "coordinates": [], "geometries": []}
        assert told(collection(feature(empty))).code == "geometry_missing"


def test_ids_of_other_programs_become_ones_an_address_can_hold_and_stay_known() -> None:
    ids = ["way/1234", 7, 8.0, "urn:x:y", "Höfe 1", "a/b", "a:b", "x" * 80]
    for _ in range(2):  # the same file again replaces
        found = regions(collection(*(feature(id=id) for id in ids)))
        assert [region.id for region in found[:4]] == ["way-1234", "7", "8", "urn-x-y"]
        assert len({region.id for region in found}) == len(ids)
        assert found[4].id == "Hofe-1-777f6a7b"
    assert found[0].attributes == {"source_id": "way/1234"}
    assert found[1].attributes == {}


@pytest.mark.parametrize("id", ["", " ", ".", "..", "preview", True, ["a"], {}])
def test_what_can_be_no_id_is_told(id: Any) -> None:
    assert told(collection(feature(id=id))).code == "invalid_region_id"


def test_one_id_twice_in_a_file_is_told_of_the_second() -> None:
    found = imported(collection(feature(id="a", name="First"), feature(id="a", name="Second")))
    assert [region.name for region in found.regions] == ["First"]
    assert found.errors[0] | {"message": ""} == {
        "index": 1,
        "line": 1,
        "name": "Second",
        "field": "id",
        "code": "duplicate_id",
        "message": "",
    }


def test_names_of_other_programs_are_names_and_lose_nothing() -> None:
    long = "n" * 250
    found = regions(
        collection(
            feature(Name="Depot"), feature(name=12), feature(name="two\n lines"), feature(name=long), feature(id=1)
        )
    )
    assert [region.name for region in found] == ["Depot", "12", "two lines", "n" * 200, "1"]
    assert found[3].attributes == {"name": long}


def test_what_a_flat_table_kept_as_text_is_read_again() -> None:
    [region] = regions(collection(feature(PLACE, radius_m="150", rules='{"dwell_s": 60}', notify='["exit"]')))
    assert (region.parameters["radius_m"], region.rules.dwell_s, region.notify) == (150.0, 60, ("exit",))


@pytest.mark.parametrize(
    ("name", "text", "field"),
    [
        ("rules", "{dwell: 60}", "properties.rules"),
        ("notify", '["exit"', "properties.notify"),
        ("radius_m", "far", "properties.radius_m"),
    ],
)
def test_a_text_that_cannot_be_read_again_is_told_of_its_field(name: str, text: str, field: str) -> None:
    given = {"radius_m": 5} | {name: text}
    assert field in {error["field"] for error in told(collection(feature(PLACE, **given))).errors}


def test_a_description_of_any_length_is_kept_as_far_as_it_may_be() -> None:
    [region] = regions(collection(feature(description="d" * 5_000)))
    kept = region.attributes["description"]
    assert str(kept) == "d" * (len(str(kept)) - 1) + "…"


# -- what is told ----------------------------------------------------------------------------------------------------


def test_one_unusable_feature_refuses_itself_with_its_name_and_line() -> None:
    features = ",\n".join(json.dumps(one) for one in (feature(name="A"), feature(PLACE, name="Bad"), feature(name="C")))
    found = imported(f'{{"type": "FeatureCollection", "features": [\n{features}\n]}}'.encode())
    assert [region.name for region in found.regions] == ["A", "C"]
    assert found.refused == 1
    assert [(error["index"], error["line"], error["name"]) for error in found.errors] == [(1, 3, "Bad")]
    refusal = found.refusal()
    assert refusal is not None
    assert "'Bad', line 3: radius_m is missing" in refusal.detail


@pytest.mark.parametrize("wrong", ['{"type": "Feature", }', "5", "null", '{"type":"Feature","properties":[]}'])
def test_a_feature_that_is_none_costs_only_itself(wrong: str) -> None:
    found = imported(f'{{"type":"FeatureCollection","features":[{json.dumps(feature())},\n{wrong}]}}'.encode())
    assert (len(found.regions), found.errors[0]["line"]) == (1, 2)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"type": "FeatureCollection", "features": {}}, "not_geojson"),
        (collection(*[{}] * 10_001), "too_many_items"),
        ([{}] * 10_001, "too_many_items"),
        (b'{"type": "Feature"}\n' * 10_001, "too_many_items"),
        (b"[1]\n[2]\n", "not_json"),
        (b'{"a": 1\n{"b": 2}\n', "not_json"),
        (b"\xff\xfe{\0\0\xd8", "not_utf8"),
    ],
)
def test_a_file_that_is_no_list_of_features_is_told_as_a_whole(document: Any, code: str) -> None:
    with pytest.raises((BadRequest, Invalid)) as caught:
        imported(document)
    assert caught.value.code == code


def test_a_feature_of_too_much_says_which_it_is() -> None:
    fine, huge = json.dumps(feature()), json.dumps(feature(text="x" * 2**20))
    with pytest.raises(TooLarge):
        imported(f"{fine}\n{huge}\n".encode())
    deep = json.dumps(feature(deep=[[]] * 20_000))

    def read(item: bytes) -> Any:
        if len(item) > 10_000:
            raise TooLarge("too_many_items", "it is too much")
        return json.loads(item)

    with pytest.raises(TooLarge, match="Feature 1: it is too much"):
        list(read_drawings(f'{{"type":"FeatureCollection","features":[{fine},{deep}]}}'.encode(), 2**20, read))


@pytest.mark.parametrize(
    "name", ["urn:ogc:def:crs:EPSG::3857", "EPSG:900913", "urn:ogc:def:crs:EPSG::25832", "EPSG:2056"]
)
def test_another_reference_system_is_said_not_taken_for_degrees(name: str) -> None:
    crs = {"type": "name", "properties": {"name": name}}
    for document in (collection(feature(), crs=crs), feature() | {"crs": crs}, feature(AREA | {"crs": crs})):
        fault = told(document)
        assert fault.code == "not_degrees"
        assert f"EPSG:{name[-4:]}"[-4:] in fault.detail
        assert "WGS 84" in fault.detail


@pytest.mark.parametrize("name", ["urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326", "urn:ogc:def:crs:EPSG::4258"])
def test_degrees_by_any_name_are_taken(name: str) -> None:
    assert regions(collection(feature(), crs={"type": "name", "properties": {"name": name}}))
    assert regions(collection(feature(), crs=None))


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Polygon", "coordinates": MERCATOR},
        {"type": "MultiPolygon", "coordinates": [MERCATOR]},
        {"type": "LineString", "coordinates": MERCATOR[0]},
        {"type": "Point", "coordinates": MERCATOR[0][0]},
    ],
)
def test_metres_are_said_once_not_taken_for_degrees(geometry: Any) -> None:
    fault = told(collection(feature(geometry, radius_m=5, buffer_m=5)))
    assert [error["code"] for error in fault.errors] == ["not_degrees"]
    assert "metres" in fault.detail
    assert "latitude 60.167, longitude 24.901" in fault.detail


@pytest.mark.parametrize(
    ("document", "seen"),
    [
        ([{"vehicle": "a", "lat": 1, "lon": 2}] * 3, "3 positions of vehicles"),
        ({"vehicle": "a", "latitude": 1, "longitude": 2}, "a position"),
        ({"positions": [{"vehicle": "a", "lat": 1, "lon": 2}]}, "`positions`"),
        ([{"deviceId": 7, "fixTime": "2026-01-01T00:00:00Z", "latitude": 1, "longitude": 2}] * 2, "2 positions"),
        (collection(*[feature(PLACE, time="2026-01-01T00:00:00Z")] * 3), "3 positions with a time"),
        (collection(feature({"type": "LineString", "coordinates": BOX[0]}, coordTimes=["a"])), "recorded track"),
        ({"type": "Feature", "temporalGeometry": {"type": "MovingPoint"}}, "recorded track"),
        (collection(*[feature(PLACE, name="Shop")] * 3), "3 places (points without `radius_m`)"),
        ([{"id": 1, "name": "x", "area": "POLYGON((1 2, 3 4))"}], "Traccar"),
        ({"type": "Topology", "objects": {}}, "TopoJSON"),
        ({"geometryType": "esriGeometryPolygon", "features": []}, "Esri"),
        (b"<gpx><trk><trkseg><trkpt lat='1' lon='2'/></trkseg></trk></gpx>", "GPX (1 tracks, 1 points, 0 waypoints)"),
        (b"<?xml version='1.0'?>\n<!-- a --><TrainingCenterDatabase/>", "TCX"),
        (b"<osm version='0.6'></osm>", "OpenStreetMap"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"vehicle,time,lat,lon\na,1,2,3\n", "a table (2 lines, the first 'vehicle,time,lat,lon')"),
        (b"$GPRMC,1,A\n$GPRMC,2,A\n", "NMEA, 2 lines"),
        (b"POLYGON((1 2, 3 4, 5 6, 1 2))", "WKT"),
        (b"SQLite format 3\0...", "GeoPackage"),
        (kml('<Placemark><gx:Track xmlns:gx="g"><gx:coord>1 2</gx:coord></gx:Track></Placemark>'), "recorded track"),
        (kml("<Placemark><TimeStamp><when>2026-01-01</when></TimeStamp>"
             "<Point><coordinates>8,50</coordinates></Point></Placemark>" * 2), "2 positions with a time"),
    ],
)  # fmt: skip
def test_what_is_no_region_is_recognised_and_said(document: Any, seen: str) -> None:
    assert seen in told(document).detail


def test_a_circle_that_has_a_time_is_a_circle() -> None:
    assert regions(collection(feature(PLACE, radius_m=50, time="2026-01-01T00:00:00Z")))


# -- KML -------------------------------------------------------------------------------------------------------------


def test_a_hole_in_nothing_is_refused_by_name_and_line_and_costs_nothing_else() -> None:
    hole = polygon(RING).replace("outer", "inner")
    found = imported(kml(f"<Placemark>{polygon()}</Placemark>\n<Placemark><name>H</name>{hole}</Placemark>"))
    assert len(found.regions) == 1
    assert [(error["code"], error["name"], error["line"]) for error in found.errors] == [("no_outline", "H", 2)]


def test_each_folder_is_a_group_the_innermost_that_has_a_name() -> None:
    mark = f"<Placemark>{polygon()}</Placemark>"
    own = f'<Placemark><ExtendedData><Data name="group"><value>own</value></Data></ExtendedData>{polygon()}</Placemark>'
    inner = f"<Folder><name>In</name>{mark}</Folder><Folder>{mark}</Folder>"
    text = f"<name>Doc</name>{mark}<Folder><name> A &amp;\n B </name>{mark}{inner}{mark}{own}</Folder>{mark}"
    found = regions(kml(text))
    assert [region.group for region in found] == [None, "A & B", "In", "A & B", "A & B", "own", None]


@pytest.mark.parametrize(
    ("style", "color"),
    [
        ('<StyleMap id="s"><Pair><key>normal</key><styleUrl>#n</styleUrl></Pair></StyleMap>', "#ff0000"),
        ('<StyleMap id="s"><Pair><key>normal</key><Style><PolyStyle><color>ff00ff00</color></PolyStyle></Style></Pair>'
         "</StyleMap>", "#00ff00"),
        ('<Style id="s"><LineStyle><color>ff00ff00</color></LineStyle><PolyStyle><color>00ffffff</color></PolyStyle>'
         "</Style>", "#00ff00"),
        ('<Style id="s"><LineStyle><color>ff00ff00</color></LineStyle><PolyStyle><color>ffffffff</color><fill>0</fill>'
         "</PolyStyle></Style>", "#00ff00"),
        ('<Style id="s"><PolyStyle><color>#7f00ff00</color></PolyStyle></Style>', "#00ff00"),
        ('<StyleMap id="s"><Pair><key>highlight</key><styleUrl>#x</styleUrl></Pair><Pair><key>normal</key>'
         "<styleUrl>#n</styleUrl></Pair></StyleMap>", "#ff0000"),
        ('<StyleMap id="s"><Pair><key>normal</key><styleUrl>#s</styleUrl></Pair></StyleMap>', "#3b7dd8"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("url", ["#s", "s", "styles.kml#s"])
def test_the_colour_of_a_style_is_found(style: str, color: str, url: str) -> None:
    named = '<Style id="n"><PolyStyle><color>ff0000ff</color></PolyStyle></Style>'
    mark = f"<Placemark><Style><LabelStyle/></Style><styleUrl>{url}</styleUrl>{polygon()}</Placemark>"
    assert [region.color for region in regions(kml(named + style + mark))] == [color]


def test_a_placemark_may_have_a_style_map_of_its_own() -> None:
    style = "<Style><PolyStyle><color>ff00ff00</color></PolyStyle></Style>"
    mapped = f"<StyleMap><Pair><key>normal</key>{style}</Pair></StyleMap>"
    marks = f"<Placemark>{mapped}{polygon()}</Placemark>\n<Placemark>{polygon()}</Placemark>"
    assert [region.color for region in regions(kml(marks))] == ["#00ff00", "#3b7dd8"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
@pytest.mark.parametrize("declared", [True, False])
def test_kml_is_read_in_any_encoding(encoding: str, declared: bool) -> None:
    said = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>' if declared else ""
    inside = f"<Placemark><name><![CDATA[Köln <Süd>]]></name>{polygon()}</Placemark>"
    [region] = regions(f"{said}<kml><Document>{inside}</Document></kml>".encode(encoding))
    assert region.name == "Köln <Süd>"


def test_an_encoding_nobody_can_read_is_told() -> None:
    with pytest.raises(BadRequest, match="UTF-8"):
        imported(b'<?xml version="1.0" encoding="gbk"?><kml/>')


def test_a_kmz_gives_its_document() -> None:
    data = zipped({"files/a.png": b"x", "other.kml": b"<kml/>", "doc.kml": kml(f"<Placemark>{polygon()}</Placemark>")})
    assert len(list(read_kml_pieces(Kmz(data, 2**20).pieces()))) == 1


@pytest.mark.parametrize(
    ("data", "kind", "seen"),
    [
        (lambda: zipped({"a.shp": b"", "a.dbf": b""}), Invalid, "shapefile"),
        (lambda: zipped({"a.txt": b""}), Invalid, "a.txt"),
        (lambda: zipped({"doc.kml": b" " * 2**20}), TooLarge, "inflates"),
        (lambda: b"PK\x03\x04 and no more", BadRequest, "damaged"),
        (lambda: zipped({"doc.kml": bytes(range(256)) * 8})[:-400], BadRequest, "damaged"),
        (lambda: zipped({"doc.kml": bytes(range(256)) * 8}).replace(b"PTRVQUS", b"PTRWQUS"), BadRequest, "damaged"),
        (lambda: locked(zipped({"doc.kml": b"<kml/>"})), Unsupported, "without a password"),
    ],
)
def test_a_zip_without_regions_is_told(data: Any, kind: type[Exception], seen: str) -> None:
    with pytest.raises(kind, match=seen):
        list(Kmz(data(), 2**24).pieces())


def zipped(files: dict[str, bytes]) -> bytes:
    data = BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return data.getvalue()


def locked(data: bytes) -> bytes:
    """The same zip, its one file marked as encrypted."""
    at = data.index(b"PK\1\2") + 8
    return data[:at] + bytes([data[at] | 1]) + data[at + 1 :]


def test_where_one_region_is_wanted_its_fault_is_told() -> None:
    with pytest.raises(Invalid) as caught:
        read_drawings(json.dumps(feature() | {"type": "Feat"}).encode(), 1 << 20).only()
    assert caught.value.code == "not_geojson"


@pytest.mark.parametrize("count", [0, 2])
def test_where_one_region_is_wanted_one_is_taken(count: int) -> None:
    body = json.dumps(collection(*[feature(name=str(n)) for n in range(count)])).encode()
    with pytest.raises(Invalid) as caught:
        read_drawings(body, 1 << 20).only()
    assert caught.value.code in ("one_region", "no_features")
    one = json.dumps(collection(feature(name="x"))).encode()
    assert read_drawings(one, 1 << 20).only()["properties"]["name"] == "x"


@pytest.mark.parametrize(
    "spoilt",
    [
        {"crs": {"type": "name", "properties": {"name": "EPSG:3857"}}},
        {"type": "Thing"},
        {"type": "Thing", "properties": None, "id": "Yard"},
        {"geometry": None},
        {"geometry": AREA | {"crs": {"type": "name", "properties": {"name": "EPSG:3857"}}}},
    ],
)
def test_whatever_is_wrong_with_a_feature_it_is_told_with_its_name_and_costs_only_itself(
    spoilt: dict[str, Any],
) -> None:
    found = imported(collection(feature(id="a"), feature(name="Yard") | spoilt, feature(id="b")))
    assert [region.id for region in found.regions] == ["a", "b"]
    assert {(error["index"], error["line"], error.get("name")) for error in found.errors} == {(1, 1, "Yard")}


def test_lines_without_a_width_are_no_places() -> None:
    line = {"type": "LineString", "coordinates": [[8, 50], [9, 50]]}
    refused = imported(collection(*[feature(line)] * 3)).refusal()
    assert refused is not None
    assert refused.code == "size_missing"
    assert "places" not in refused.detail


def test_outlines_that_are_read_together_keep_their_order_and_each_fault_its_place() -> None:
    def box(lon: float) -> dict[str, Any]:
        return {"type": "Polygon", "coordinates": [[[lon, 50], [lon + 0.01, 50], [lon + 0.01, 50.01], [lon, 50.01]]]}

    bow = {"type": "Polygon", "coordinates": [[[8, 50], [8.01, 50.01], [8.01, 50], [8, 50.01], [8, 50]]]}
    drawn = [
        *(feature(box(n / 50), id=f"a{n}") for n in range(3)),
        feature(bow, id="bow"),
        feature(box(7), id="b", color="no colour"),
        feature(PLACE, id="circle", radius_m=100),
        "no feature",
        *(feature(box(n / 50), id=f"c{n}") for n in range(1100)),
    ]
    found = imported(collection(*drawn))
    names = ["a0", "a1", "a2", "circle", *(f"c{n}" for n in range(1100))]
    assert [region.id for region in found.regions] == names
    assert [(fault["index"], fault["code"]) for fault in found.errors] == [
        (3, "self_crossing"),
        (4, "invalid_region"),
        (6, "not_geojson"),
    ]
    for region, one in zip(found.regions[:3], drawn, strict=False):
        assert region.decides_like(Region.read_feature(one, id=region.id, version=0, now=0))
