"""Vehicles, regions, events and the rest of the API, from outside."""

from __future__ import annotations

import asyncio
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.servers import Answer, Server, circle, now

V, R, E = "/api/v1/vehicles", "/api/v1/regions", "/api/v1/events"


def is_problem(answer: Answer, status: int, code: str | None = None) -> dict[str, Any]:
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "code", "detail"} <= told.keys()
    assert code in (None, told["code"])
    return told


# ------------------------------------------------------------------------------------------------ vehicles


def test_a_vehicle_registers_itself_by_reporting(server: Server) -> None:
    server.ping("van-7", speed_mps=10)
    vehicle = server.get(f"{V}/van-7").json()
    assert vehicle.keys() == {
        "vehicle", "name", "plate", "group", "kind", "attributes", "position", "state", "state_since", "regions",
        "held",
    }  # fmt: skip
    assert vehicle["state"] == "moving"
    assert vehicle["position"].keys() >= {"time", "lat", "lon", "speed_mps", "received_at"}
    assert vehicle["regions"] == []


def test_what_people_say_of_a_vehicle_is_kept(shared_server: Server) -> None:
    path = f"{V}/api-1"
    said = {"name": "Anna's van", "plate": "ABC-123", "group": "North", "kind": "van", "attributes": {"seats": 3}}
    assert shared_server.send("PUT", path, said).status == 201
    assert shared_server.send("PUT", path, said).status == 200
    shown = shared_server.get(path).json()
    assert {name: shown[name] for name in said} == said
    assert shown["position"] is None
    assert shown["state"] == "unknown"
    assert shared_server.send("PUT", path, shown).status == 200  # what was read may be written
    patched = shared_server.send("PATCH", path, {"plate": None, "attributes": {"seats": None, "doors": 4}}).json()
    assert (patched["plate"], patched["name"], patched["attributes"]) == (None, "Anna's van", {"doors": 4})
    assert shared_server.request("DELETE", path).status == 204
    is_problem(shared_server.get(path), 404, "unknown_vehicle")
    is_problem(shared_server.request("DELETE", path), 404)


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"name": 5}, "name"),
        ({"plate": "x" * 41}, "plate"),
        ({"name": "a\x00b"}, "name"),
        ({"attributes": []}, "attributes"),
        ({"attributes": {"a": "x" * 20_000}}, "attributes"),
        ({"colour": "red"}, "colour"),
        ({"vehicle": "another"}, "vehicle"),
    ],
)
def test_a_wrong_register_entry_names_its_field(shared_server: Server, document: dict[str, Any], field: str) -> None:
    told = is_problem(shared_server.send("PUT", f"{V}/api-2", document), 422, "invalid_vehicle")
    assert [error["field"] for error in told["errors"]] == [field]
    is_problem(shared_server.get(f"{V}/api-2"), 404)


@pytest.mark.parametrize("id", ["Ä 1", "a%b", "日本", "x" * 128, "a?b#c", "a+b", "'\"<&"])
def test_ids_travel_percent_encoded(shared_server: Server, id: str) -> None:
    assert shared_server.ping(id).status == 200
    path = f"{V}/{quote(id, safe='')}"
    assert shared_server.get(path).json()["vehicle"] == id
    assert shared_server.get(f"{path}/track").json()["vehicle"] == id
    assert shared_server.get(f"{path}/track?format=gpx").status == 200
    assert shared_server.get(f"{path}/track?format=csv").status == 200


@pytest.mark.parametrize("id", [quote("\x01"), "x" * 200, "%20a", "%2E%2E"])
def test_an_impossible_id_in_an_address_is_refused(shared_server: Server, id: str) -> None:
    is_problem(shared_server.get(f"{V}/{id}"), 422)


@pytest.mark.parametrize(
    "path",
    [f"{V}/%ff", f"{V}/a%C3/track", f"{V}/%zz", f"{V}/50%", f"{R}/%ff", f"{R}/%ff/versions/1", "/api/v1/events/%ff",
     "/api/v1/events?vehicle=%ff", f"{V}?region=%c3%28"],
)  # fmt: skip
def test_an_address_that_is_no_percent_encoded_utf8_is_refused(shared_server: Server, path: str) -> None:
    assert is_problem(shared_server.get(path), 400)["code"] == "bad_target"


def test_vehicles_are_filtered_by_place_state_region_and_words(server: Server) -> None:
    server.ping("fiji", lat=-17, lon=179.9)
    server.ping("samoa", lat=-14, lon=-172)
    server.ping("helsinki", speed_mps=9)
    server.send("PUT", f"{V}/silent", {"name": "Helsinki spare"})
    server.send("PUT", f"{R}/town", circle(60.17, 24.94, 500))

    def ids(query: str) -> list[str]:
        return [vehicle["vehicle"] for vehicle in server.get(f"{V}?{query}").json()["vehicles"]]

    assert ids("") == ["fiji", "helsinki", "samoa", "silent"]
    assert ids("bbox=24,60,25,61") == ["helsinki"]
    assert ids("bbox=170,-30,-170,0") == ["fiji", "samoa"]
    assert ids("state=moving") == ["helsinki"]
    assert ids("state=moving,unknown&q=SPARE") == ["silent"]
    assert ids("region=town") == ["helsinki"]
    assert ids("q=hels") == ["helsinki", "silent"]
    is_problem(server.get(f"{V}?region=nowhere"), 404, "unknown_region")


def test_a_list_comes_in_pages(server: Server) -> None:
    server.post("/api/v1/positions", [{"vehicle": f"v{n:02}", "time": now(), "lat": 1, "lon": 1} for n in range(25)])
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = server.get(f"{V}?limit=10{cursor}").json()
        seen += [vehicle["vehicle"] for vehicle in page["vehicles"]]
        cursor = f"&cursor={page['next']}"
    assert seen == [f"v{n:02}" for n in range(25)]
    assert page["next"] is None


@pytest.mark.parametrize(
    "query",
    [
        "bbox=1,2,3", "bbox=a,b,c,d", "bbox=0,10,10,0", "bbox=nan,0,1,1", "limit=0", "limit=1001", "limit=x",
        "limit=-1", "limit=--5", "state=flying", "cursor=%25%25", "cursor=WzFd", "colour=red",
    ],
)  # fmt: skip
def test_a_parameter_that_makes_no_sense_is_named(shared_server: Server, query: str) -> None:
    told = is_problem(shared_server.get(f"{V}?{query}"), 422)
    assert told["errors"][0]["field"] == query.partition("=")[0]


def test_a_track_comes_in_fix_order_each_fix_once_and_in_pages(server: Server) -> None:
    for n in (3, 1, 2, 2, 0):
        server.ping("van-7", lat=60 + n / 1000, time=1_795_000_000 + n)
    track = server.get(f"{V}/van-7/track").json()
    assert [fix["lat"] for fix in track["positions"]] == [60, 60.001, 60.002, 60.003]
    assert track["next"] is None
    first = server.get(f"{V}/van-7/track?limit=3").json()
    rest = server.get(f"{V}/van-7/track?limit=3&cursor={first['next']}").json()
    assert first["positions"] + rest["positions"] == track["positions"]
    half_open = server.get(f"{V}/van-7/track?from=1795000001&until=2026-11-18T11:06:43Z").json()["positions"]
    assert [fix["lat"] for fix in half_open] == [60.001, 60.002]


def test_a_track_can_be_had_in_the_formats_of_other_programs(server: Server) -> None:
    for n in range(2):
        server.ping("<van>&", lat=60 + n, time=1_795_000_000 + 600 * n, altitude_m=5)
    path = f"{V}/{quote('<van>&')}/track?format="
    shape = server.get(f"{path}geojson").json()
    assert shape["geometry"] == {"type": "LineString", "coordinates": [[24.94, 60.0], [24.94, 61.0]]}
    gpx = server.get(f"{path}gpx").body.decode()
    assert "<name>&lt;van&gt;&amp;</name>" in gpx
    assert gpx.count("<trkpt") == 2
    csv = server.get(f"{path}csv").body.decode().splitlines()
    assert csv[0].startswith("vehicle,time,lat,lon")
    assert len(csv) == 3
    is_problem(server.get(f"{path}shp"), 422)


# ------------------------------------------------------------------------------------------------- regions


def test_a_region_is_created_read_replaced_and_deleted(server: Server) -> None:
    path = f"{R}/depot"
    server.ping("van-7")
    created = server.send("PUT", path, circle(60.17, 24.94, 200, name="Depot"))
    assert (created.status, created.headers["etag"]) == (201, '"1"')
    properties = created.json()["properties"]
    assert (properties["version"], properties["inside_count"]) == (1, 1)
    assert properties["area_m2"] == pytest.approx(125_664, rel=1e-3)
    assert server.get(f"{V}/van-7").json()["regions"][0]["id"] == "depot"
    replaced = server.send("PUT", path, circle(0, 0, 200, name="Depot"))
    assert (replaced.status, replaced.headers["etag"]) == (200, '"2"')
    assert server.get(path).json() == replaced.json()
    assert replaced.json()["properties"]["inside_count"] == 0
    assert server.get(f"{path}/versions/1").json()["geometry"]["coordinates"] == [24.94, 60.17]
    assert len(server.get(f"{path}/versions").json()["versions"]) == 2
    assert server.request("DELETE", path).status == 204
    is_problem(server.get(path), 404, "unknown_region")
    is_problem(server.request("DELETE", path), 404)
    is_problem(server.get(f"{path}/versions/9"), 404, "unknown_version")
    assert server.get(f"{path}/versions/2").status == 200
    assert [event["kind"] for event in server.events()] == ["enter", "exit"]


def test_what_was_read_may_be_written_back(shared_server: Server) -> None:
    path = f"{R}/back"
    shared_server.send("PUT", path, circle(10, 10, 200, name="A", attributes={"x": 1}))
    read = shared_server.get(path).json()
    assert shared_server.send("PUT", path, read).status == 200
    again = shared_server.get(path).json()
    for computed in ("version", "updated_at"):
        del read["properties"][computed], again["properties"][computed]
    assert again == read


def test_two_editors_do_not_overwrite_each_other(shared_server: Server) -> None:
    path = f"{R}/guarded"
    shape = circle(20, 20, 100)
    assert shared_server.send("PUT", path, shape, If_None_Match="*").status == 201
    is_problem(shared_server.send("PUT", path, shape, If_None_Match="*"), 412, "exists")
    assert shared_server.send("PUT", path, shape, If_Match='"1"').status == 200
    told = is_problem(shared_server.send("PUT", path, shape, If_Match='"1"'), 412, "version_conflict")
    assert told["current"]["properties"]["version"] == 2
    is_problem(shared_server.send("PATCH", path, {}, If_Match='"1"'), 412, "version_conflict")
    is_problem(shared_server.request("DELETE", path, headers={"If-Match": '"1"'}), 412)
    is_problem(shared_server.send("PUT", f"{R}/missing", shape, If_Match="*"), 412, "gone")
    assert shared_server.get(path, If_None_Match='"2"').status == 200
    assert shared_server.send("PATCH", path, {"properties": {"name": "New"}}, If_Match='"0", "2"').status == 200
    assert shared_server.request("DELETE", path, headers={"If-Match": '"3"'}).status == 204


def test_a_patch_changes_only_what_it_names(shared_server: Server) -> None:
    path = f"{R}/patched"
    shared_server.send("PUT", path, circle(30, 30, 100, name="A", color="#112233", attributes={"a": 1, "b": 2}))
    patch = {"properties": {"radius_m": 300, "color": None, "attributes": {"a": None}}}
    properties = shared_server.send("PATCH", path, patch).json()["properties"]
    assert (properties["name"], properties["radius_m"], properties["attributes"]) == ("A", 300, {"b": 2})
    is_problem(shared_server.send("PATCH", path, []), 422)
    is_problem(shared_server.send("PATCH", f"{R}/nothing", {}), 404)


def test_a_posted_feature_gets_an_id_or_keeps_its_own(shared_server: Server) -> None:
    made = shared_server.post(R, circle(40, 40, 100))
    assert made.status == 201
    assert made.headers["location"] == f"{R}/{made.json()['id']}"
    own = shared_server.post(R, circle(40, 40, 100) | {"id": "own.id"})
    assert own.json()["id"] == "own.id"
    assert shared_server.post(R, circle(40, 40, 100) | {"id": "own.id"}).status == 200
    assert shared_server.post(R, circle(40, 40, 100) | {"id": 17}).json()["id"] == "17"


def test_a_collection_is_stored_whole_or_not_at_all(server: Server) -> None:
    good = [circle(n / 10, 10, 100) | {"id": f"c{n}"} for n in range(50)]
    collection: dict[str, Any] = {"type": "FeatureCollection", "features": good}
    answer = server.post(R, collection)
    assert (answer.status, answer.json()["created"], answer.json()["replaced"]) == (201, 50, 0)
    again = server.post(R, collection)
    assert (again.status, again.json()["created"], again.json()["replaced"]) == (200, 0, 50)
    bad = [*good[:2], {"type": "Feature", "geometry": None}, circle(1, 1, -5), circle(1, 1, 5) | {"id": ["a"]}, 5]
    told = is_problem(server.post(R, {"type": "FeatureCollection", "features": bad}), 422)
    assert {error["index"] for error in told["errors"]} == {2, 3, 4, 5}
    told = is_problem(server.post(R, {"type": "FeatureCollection", "features": [circle(1, 1, -5)]}), 422)
    assert told["errors"][0]["index"] == 0
    assert server.get(f"{R}/c0").json()["properties"]["version"] == 2
    exported = server.get(f"{R}?format=geojson").json()
    assert exported["type"] == "FeatureCollection"
    assert len(exported["features"]) == 50
    assert server.post(R, exported).status == 200


def test_regions_come_in_pages(shared_server: Server) -> None:
    for n in range(3):
        shared_server.send("PUT", f"{R}/page-{n}", circle(50, 50, 10))
    first = shared_server.get(f"{R}?limit=2").json()
    assert len(first["regions"]) == 2
    assert shared_server.get(f"{R}?limit=2&cursor={first['next']}").json()["regions"]


@pytest.mark.parametrize(
    "document",
    [
        None, 5, [], {}, {"type": "Polygon", "coordinates": []}, {"type": "Feature"},
        {"type": "Feature", "geometry": {"type": "Circle"}, "properties": {}},
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 1]}, "properties": {}},
        circle(60, 24, 100) | {"id": "other"},
        circle(91, 0, 100), circle(60, 24, 100, name=5), circle(60, 24, 100, debounce="much"),
        circle(60, 24, 100, rules={"dwell_s": -1}), circle(60, 24, 100, notify=["shout"]),
        circle(60, 24, 100) | {"properties": []},
        {"type": "Feature", "properties": {},
         "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}},
    ],
)  # fmt: skip
def test_what_is_no_region_is_422_and_changes_nothing(shared_server: Server, document: Any) -> None:
    told = is_problem(shared_server.send("PUT", f"{R}/wrong", document), 422)
    assert told["errors"][0]["message"]
    is_problem(shared_server.get(f"{R}/wrong"), 404)


def test_nan_in_a_geometry_is_named(shared_server: Server) -> None:
    body = json.dumps(circle(60, 24, 100)).replace("60", "NaN")
    is_problem(shared_server.request("PUT", f"{R}/wrong", body), 422)


@pytest.mark.parametrize("id", ["a%20b", "x" * 65, "%C3%A4", "a%2Fb", "%2E%2E", "preview"])
def test_a_region_id_is_plain(shared_server: Server, id: str) -> None:
    assert shared_server.send("PUT", f"{R}/{id}", circle(60, 24, 100)).status in (404, 422)


def test_a_repaired_shape_is_answered_and_not_stored(shared_server: Server) -> None:
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    document = {"type": "Feature", "geometry": bow, "properties": {"name": "Bow"}}
    answer = shared_server.send("PUT", f"{R}/bow?repair=1", document)
    assert answer.status == 200
    is_problem(shared_server.get(f"{R}/bow"), 404)
    assert shared_server.send("PUT", f"{R}/bow", answer.json()).status == 201


def test_every_kind_of_shape_can_be_asked_to_be_repaired(shared_server: Server) -> None:
    round_one = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [180, 0]},
        "properties": {"radius_m": 1000},
    }
    line = {"type": "LineString", "coordinates": [[179.9, 0], [-179.9, 0]]}
    corridor = {"type": "Feature", "geometry": line, "properties": {"buffer_m": 50}}
    for document in (round_one, corridor):
        for answer in (
            shared_server.send("PUT", f"{R}/round?repair=1", document),
            shared_server.post(f"{R}?repair=1", document),
        ):
            assert answer.status == 200, answer.body
            told = answer.json()
            assert (told["geometry"], told["properties"]) == (document["geometry"], document["properties"])
            assert told["repaired"] is False
    is_problem(shared_server.get(f"{R}/round"), 404)


def test_the_whole_world_is_a_region(server: Server) -> None:
    ring = [[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]
    world = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": {"name": "World"}}
    server.ping("van-7", lat=90, lon=-180, time=now(-60))
    assert server.post(f"{R}/preview", world).json()["inside_count"] == 1
    assert server.post(R, world).status == 201
    answer = server.send("PUT", f"{R}/world", world)
    assert answer.status == 201
    assert answer.json()["properties"]["area_m2"] == pytest.approx(5.1e14, rel=1e-3)
    server.ping("van-8", lat=-33, lon=18)
    enter = next(e for e in server.events() if e["vehicle"] == "van-8")
    assert enter["kind"] == "enter"
    assert enter["why"]["to"]["edge_m"] is None  # there is none


def test_a_preview_stores_nothing(server: Server) -> None:
    server.ping("van-7", lat=60.2, time=now(-60))
    server.ping("van-7", time=now(-1))
    told = server.post(f"{R}/preview", circle(60.17, 24.94, 300, debounce="none")).json()
    assert told["inside_count"] == 1
    assert server.get(R).json()["regions"] == []
    assert server.events() == []
    is_problem(server.post(f"{R}/preview", {"type": "Feature"}), 422)


def test_a_saved_region_can_be_tried_as_it_is(server: Server) -> None:
    server.ping("van-7", lat=60.2, time=now(-60))
    server.ping("van-7", time=now(-1))
    saved = server.send("PUT", f"{R}/depot", circle(60.17, 24.94, 300, debounce="none")).json()
    told = server.post(f"{R}/preview", saved).json()
    assert told["region"]["id"] == "depot"
    assert [(event["kind"], event["region"]) for event in told["events"]] == [("enter", "depot")]
    assert server.get(f"{R}/depot").json()["properties"]["version"] == 1
    is_problem(server.post(f"{R}/preview", saved | {"id": ["a"]}), 422)


def test_kml_becomes_regions(server: Server) -> None:
    ring = "24,60 25,60 25,61 24,61 24,60"
    kml = f"""<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><name>Town</name><Polygon>
    <outerBoundaryIs><LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs></Polygon>
    </Placemark></Document></kml>"""
    answer = server.request("POST", R, kml, {"content-type": "application/vnd.google-earth.kml+xml"})
    assert answer.status == 201, answer.body
    assert server.get(R).json()["regions"][0]["properties"]["name"] == "Town"
    assert server.request("POST", R, kml, {"content-type": "text/xml"}).status == 201
    bad = server.request("POST", R, "<kml", {"content-type": "application/vnd.google-earth.kml+xml"})
    assert bad.status in (400, 422)
    zipped = server.request("POST", R, "PK\3\4", {"content-type": "application/vnd.google-earth.kmz"})
    assert "damaged" in is_problem(zipped, 400)["detail"]


def test_of_a_file_with_faults_the_rest_is_taken_when_asked_for(server: Server) -> None:
    good, bad = circle(60, 24, 100, name="Good"), circle(60, 24, -5, name="Bad")
    collection = {"type": "FeatureCollection", "features": [good | {"id": "way/1"}, bad, 5]}
    told = is_problem(server.post(R, collection), 422)
    assert "'Bad', line 1" in told["detail"]
    assert server.get(R).json()["regions"] == []
    answer = server.post(f"{R}?partial=1", collection)
    assert answer.status == 207, answer.body
    assert (answer.json()["created"], answer.json()["rejected"]) == (1, 2)
    assert [(error["index"], error["line"], error.get("name")) for error in answer.json()["errors"]] == [
        (1, 1, "Bad"),
        (2, 1, None),
    ]
    [stored] = server.get(R).json()["regions"]
    assert (stored["id"], stored["properties"]["attributes"]) == ("way-1", {"source_id": "way/1"})
    assert server.post(f"{R}?partial=1", {"type": "FeatureCollection", "features": [good]}).status == 201
    is_problem(server.post(f"{R}?partial=1", {"type": "FeatureCollection", "features": [bad, bad]}), 422)


@pytest.mark.parametrize(
    ("kind", "body", "seen"),
    [
        ("application/gpx+xml", "<gpx><trk><trkpt/></trk></gpx>", "GPX (1 tracks, 1 points, 0 waypoints)"),
        ("application/xml", "<gpx><wpt/></gpx>", "1 waypoints"),
        ("application/json", '[{"vehicle":"a","lat":60,"lon":24},{"vehicle":"a","lat":60,"lon":24}]', "2 positions"),
        ("application/json", '{"positions":[{"vehicle":"a","lat":60,"lon":24}]}', "`positions`"),
        ("text/csv", "vehicle,time,lat,lon\na,1,2,3", "a table (2 lines"),
    ],
)
def test_a_recording_sent_as_regions_is_recognised(shared_server: Server, kind: str, body: str, seen: str) -> None:
    for path in (R, f"{R}?partial=1"):
        assert seen in is_problem(shared_server.request("POST", path, body, {"content-type": kind}), 422)["detail"]
    for path in (f"{R}/preview", f"{R}/wrong"):
        method = "PUT" if path.endswith("wrong") else "POST"
        is_problem(shared_server.request(method, path, body, {"content-type": kind}), 422)


def test_the_same_file_is_stored_tried_and_put(server: Server) -> None:
    ring = "24,60 25,60 25,61 24,61 24,60"
    outline = f"<outerBoundaryIs><LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs>"
    style = "<Style><PolyStyle><color>ff0000ff</color></PolyStyle></Style>"
    kml = f"<kml><Folder><name>G</name><Placemark>{style}<Polygon>{outline}</Polygon></Placemark></Folder></kml>"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("doc.kml", kml)
    header = {"content-type": "application/vnd.google-earth.kmz"}
    for body in (kml.encode(), packed.getvalue()):
        assert server.request("POST", R, body, header).status == 201
        tried = server.request("POST", f"{R}/preview", body, header).json()["region"]["properties"]
        put = server.request("PUT", f"{R}/put", body, header).json()["properties"]
        assert (tried["color"], tried["group"]) == (put["color"], put["group"]) == ("#ff0000", "G")


# -------------------------------------------------------------------------------------------------- events


def drive(server: Server, vehicle: str, times: int) -> None:
    """In and out of the region `box`, one event each."""
    for n in range(times):
        server.ping(vehicle, lat=60.17 if n % 2 else 60.18, time=now((n - times) * 60))


def test_events_are_listed_filtered_and_acknowledged(server: Server) -> None:
    server.send("PUT", f"{R}/box", circle(60.17, 24.94, 200, debounce="none"))
    drive(server, "a", 4)
    drive(server, "b", 3)
    everything = server.get(E).json()
    events = everything["events"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert (everything["next"], everything["last"]) == (None, len(events))
    assert {event["vehicle"] for event in server.events(vehicle="a")} == {"a"}
    assert {event["kind"] for event in server.events(kind="enter")} == {"enter"}
    assert len(server.events(region="box")) == len(events)
    assert server.events(region="nowhere") == []
    first = server.get(f"{E}?limit=2").json()
    assert [event["seq"] for event in first["events"]] == [1, 2]
    assert first["next"] == 2
    assert [event["seq"] for event in server.events(after=2)] == list(range(3, len(events) + 1))
    assert [event["seq"] for event in server.events(before=3)] == [2, 1]
    middle = events[1]["time"]
    assert all(event["time"] >= middle for event in server.events(**{"from": middle}))
    assert all(event["time"] < middle for event in server.events(until=middle))
    id = events[0]["id"]
    assert server.get(f"{E}/{id}").json() == events[0]
    acked = server.post(f"{E}/{id}/ack", {"by": "Anna"}).json()
    assert acked["ack"]["by"] == "Anna"
    assert server.get(f"{E}/{id}").json() == acked
    assert "ack" not in server.request("DELETE", f"{E}/{id}/ack").json()
    nobodies: list[Any] = [{}, {"by": None}, {"by": "  "}, []]
    for nobody in nobodies:
        is_problem(server.post(f"{E}/{id}/ack", nobody), 422, "missing")
    for wrong in (5, ["Anna"], "A" * 201, "An\nna"):
        is_problem(server.post(f"{E}/{id}/ack", {"by": wrong}), 422, "invalid")
    is_problem(server.post(f"{E}/nothing/ack", {"by": "Anna"}), 404)
    is_problem(server.get(f"{E}/nothing"), 404, "unknown_event")


@pytest.mark.parametrize(
    "query", ["after=x", "after=-1", "after=--1", "after=1&before=2", "kind=shout", "from=soon", "limit=10001"]
)
def test_a_filter_that_makes_no_sense_is_refused(shared_server: Server, query: str) -> None:
    is_problem(shared_server.get(f"{E}?{query}"), 422)


# ----------------------------------------------------------------------------------------------- the others


def test_health_is_told_to_people_and_programs(shared_server: Server) -> None:
    assert shared_server.get("/healthz").json()["status"] == "ok"
    assert shared_server.get("/readyz").json()["status"] == "ok"
    metrics = shared_server.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = re.split(r"^(?=# HELP )", metrics.body.decode(), flags=re.MULTILINE)[1:]
    names = []
    for told, kind, *samples in map(str.splitlines, families):
        [name] = {sample.split(" ")[0].partition("{")[0] for sample in samples}
        assert told.startswith(f"# HELP {name} ")
        assert told.endswith(".")
        assert kind == f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}"
        assert name.startswith("tracker_")
        assert all(float(sample.rpartition(" ")[2]) >= 0 for sample in samples)
        assert not re.search(r"_(ms|s|kb|mb)(_total)?$", name), "base units, spelt out"
        names.append(name)
    assert len(names) == len(set(names)) > 30


@pytest.mark.parametrize(
    "path", ["/nothing", "/api/v1/nothing", "/static/nothing.js", "/static/%2e%2e/README.md", "/api"]
)
def test_what_is_not_there_is_a_problem_too(shared_server: Server, path: str) -> None:
    is_problem(shared_server.get(path), 404)


def test_a_method_that_is_not_there_names_those_that_are(shared_server: Server) -> None:
    answer = shared_server.request("PATCH", "/healthz")
    is_problem(answer, 405)
    assert "GET" in answer.headers["allow"]
    assert shared_server.request("HEAD", V).status == 200
    assert shared_server.request("OPTIONS", V).status == 200


@pytest.mark.parametrize("query", ["vehicles?state=flying", "events?kind=flying", "events?from=flying"])
def test_a_parameter_that_cannot_be_is_named_once_with_what_may_be(query: str, shared_server: Server) -> None:
    detail = is_problem(shared_server.get(f"/api/v1/{query}"), 422, "bad_parameter")["detail"]
    assert detail.count("flying") == 1 or query.startswith("events?from")
    assert "one of" in detail or "RFC 3339 time such as" in detail


def test_a_body_of_another_type_is_415(shared_server: Server) -> None:
    is_problem(shared_server.request("PUT", f"{R}/x", "a", {"content-type": "text/csv"}), 415)
    form = {"content-type": "application/x-www-form-urlencoded"}  # what curl -d sends unless told
    for path, say in ((f"{V}/x", "application/json"), (f"{R}/x", "application/geo+json")):
        refused = shared_server.request("PUT", path, "a", form)
        is_problem(refused, 415)
        assert f"Content-Type: {say}" in refused.json()["detail"]
    is_problem(shared_server.request("PUT", f"{V}/x", "{}", {"content-encoding": "gzip"}), 415)


@pytest.mark.parametrize("path", [f"{R}/huge", "/nothing/here"])
def test_a_body_that_is_too_large_or_for_nobody_is_heard_out(shared_server: Server, path: str) -> None:
    answer = shared_server.request("PUT", path, b" " * 80 * 2**20)
    is_problem(answer, 404 if path.startswith("/nothing") else 413)
    refused = shared_server.request("PUT", path, b" " * 80 * 2**20, {"origin": "https://evil.example"})
    is_problem(refused, 403, "origin_not_allowed")


@pytest.mark.parametrize("levels", [65, 300, 900, 9000])
@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")], ids=["arrays", "objects"])
@pytest.mark.parametrize("path", [f"{V}/deep", f"{R}/deep"])
def test_a_document_of_any_depth_is_answered_clearly(
    shared_server: Server, path: str, opened: str, closed: str, levels: int
) -> None:
    shared_server.send("PUT", f"{V}/deep", {})
    shared_server.send("PUT", f"{R}/deep", circle(10, 10, 100))
    body = '{"attributes":{"a":' + opened * levels + "1" + closed * levels + "}}"
    for method in ("PUT", "PATCH"):
        is_problem(shared_server.request(method, path, body, {"content-type": "application/json"}), 400, "too_deep")


@pytest.mark.parametrize("body", ["", "{", "[" * 10_000, "\x00"])
def test_a_body_that_is_no_json_is_400(shared_server: Server, body: str) -> None:
    is_problem(shared_server.request("PUT", f"{V}/x", body), 400)
    is_problem(shared_server.request("POST", R, body), 400)


def test_the_page_and_its_files_may_be_kept_but_are_asked_for_again(shared_server: Server) -> None:
    page = shared_server.get("/")
    assert page.status == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "script-src 'self'" in policy
    assert "http" not in policy  # no tiles, nothing from elsewhere
    etag = page.headers["etag"]
    assert shared_server.get("/", If_None_Match=etag).status == 304
    script = shared_server.get("/static/js/wire.js", Accept_Encoding="gzip")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["content-encoding"] == "gzip"
    assert script.headers["x-content-type-options"] == "nosniff"


def test_the_page_is_told_what_it_has_to_know(shared_server: Server) -> None:
    told = shared_server.get("/api/v1/page").json()
    assert told["demo"] is False
    assert told["tiles"]["reachable"] is False
    assert told["version"]


async def test_every_route_is_described_and_every_described_route_is_there() -> None:
    from tracker.config import Settings
    from tracker.web.api.openapi import ROUTES, document
    from tracker.web.app import create_app
    from tracker.web.history.upkeep import ROUTES as UPKEEP
    from tracker.web.people.described import ROUTES as PEOPLE
    from tracker.web.reports.routes import ROUTES as REPORTS

    app = create_app(Settings(data="/nonexistent", tiles=""))
    routed = {
        (method.lower(), "/" + "/".join("{}" if part.startswith("<") else part for part in rule.rule.split("/")[1:]))
        for rule in app.url_map.iter_rules()
        if not rule.websocket
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {
        (method, "/" + "/".join("{}" if part.startswith("{") else part for part in path.split("/")[1:]))
        for path, methods in document((*ROUTES, *PEOPLE, *REPORTS, *UPKEEP))["paths"].items()
        for method in methods
    }
    raw = {("post", "/api/v1/positions"), ("get", "/api/v1/positions"), ("get", "/api/v1/live")}
    raw |= {("get", "/ingest/{}/{}"), ("post", "/ingest/{}/{}")}
    assert described == routed | raw


def test_the_description_is_openapi(shared_server: Server) -> None:
    told = shared_server.get("/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    names = told["components"]["schemas"].keys()

    def references(part: Any) -> None:
        if isinstance(part, dict):
            if "$ref" in part:
                assert part["$ref"].rpartition("/")[2] in names
            for inner in part.values():
                references(inner)
        elif isinstance(part, list):
            for inner in part:
                references(inner)

    references(told)
    ids = [operation["operationId"] for path in told["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))
    for operation in (operation for path in told["paths"].values() for operation in path.values()):
        for status, answer in operation["responses"].items():  # 403 for a foreign Host, 400, 431: any route has them
            problem = status == "default" or (int(status) >= 400 and operation["operationId"] != "get_readyz")
            assert not problem or list(answer["content"]) == ["application/problem+json"], operation["operationId"]
        assert "default" in operation["responses"]


def test_any_other_error_is_the_problem_the_description_promises(shared_server: Server) -> None:
    told = is_problem(shared_server.get("/healthz", Host="evil.example"), 403, "host_not_allowed")
    assert told["type"] == "urn:tracker:problem:host_not_allowed"


def test_a_vehicle_that_is_not_there_is_not_said_to_have_been_quiet(shared_server: Server) -> None:
    """It may have raised an alarm without a place, or have been deleted."""
    sos = {"vehicle": "unplaced", "time": now(-5), "lat": 0, "lon": 0, "alarm": "sos"}
    assert shared_server.post("/api/v1/positions", sos).status == 200
    assert "no position" in is_problem(shared_server.get(f"{V}/unplaced"), 404, "unknown_vehicle")["detail"]


UNKNOWN = "nobody-knows"


def test_every_parameter_a_list_takes_is_described_and_no_other(shared_server: Server) -> None:
    """The refusal of an unknown parameter names all there are: the description must say the same."""
    server = shared_server
    server.ping("described")
    paths = server.get("/openapi.json").json()["paths"]
    compared = 0
    for path, methods in paths.items():
        described = {p["name"] for p in methods.get("get", {}).get("parameters", ()) if p["in"] == "query"}
        address = path.replace("{vehicle}", "described")
        if "{" in address or "get" not in methods or not (described or path == V):
            continue
        told = is_problem(server.get(f"{address}?{UNKNOWN}=1"), 422, "unknown_parameter")
        assert set(told["detail"].partition("there are ")[2].split(", ")) == described, path
        compared += 1
    # vehicles, the feed of them, track, trips, stops, two summaries, regions, events, stream, changes, users, groups, tokens, targets, quarantine, audit;
    # arrivals, bundle, day, frames, regions then, activity, edits, corrections, compaction, import
    assert compared == 27


@pytest.mark.parametrize(
    ("address", "path"),
    [
        *[(f"{V}/described/track?format={form}", V + "/{vehicle}/track") for form in ("json", "geojson", "gpx", "csv")],
        (R, R),
        (f"{R}?format=geojson", R),
        (f"{V}/described", V + "/{vehicle}"),
        (E, E),
        ("/api/v1/changes", "/api/v1/changes"),
        ("/metrics", "/metrics"),
        ("/healthz", "/healthz"),
    ],
)
def test_every_type_of_an_answer_is_described(shared_server: Server, address: str, path: str) -> None:
    shared_server.ping("described")
    answer = shared_server.get(address)
    assert answer.status == 200
    described = shared_server.get("/openapi.json").json()["paths"][path]["get"]["responses"]["200"]["content"]
    assert answer.headers["content-type"].partition(";")[0] in described


# ------------------------------------------------------------------------------- what stays, and what is erased


@pytest.mark.parametrize("again", [False, True], ids=["gone", "registered again"])
def test_the_track_of_a_deleted_vehicle_stays_readable(server: Server, again: bool) -> None:
    server.ping("van-7", time=now(-60))
    server.ping("van-7", time=now(-1))
    before = server.get(f"{V}/van-7/track").json()
    assert len(before["positions"]) == 2
    assert server.request("DELETE", f"{V}/van-7").status == 204
    if again:
        server.send("PUT", f"{V}/van-7", {"name": "Van"})
    for _ in range(2):
        for form in ("json", "geojson", "gpx", "csv"):
            assert server.get(f"{V}/van-7/track?format={form}").status == 200
        assert server.get(f"{V}/van-7/track").json() == before
        assert server.get(f"{V}/van-7").status == (200 if again else 404)
        server.stop()
        server.start()
    is_problem(server.get(f"{V}/never/track"), 404, "unknown_vehicle")


def test_a_history_is_erased_when_that_is_said_without_a_doubt(server: Server) -> None:
    server.send("PUT", f"{R}/box", circle(60.17, 24.94, 200, debounce="none"))
    drive(server, "gone", 4)
    drive(server, "stays", 4)
    before = server.events()
    theirs = [event for event in before if event["vehicle"] == "stays"]
    is_problem(server.request("DELETE", f"{V}/gone?history=perhaps"), 422, "bad_parameter")
    is_problem(server.request("DELETE", f"{V}/gone?histroy=true"), 422, "unknown_parameter")
    assert server.request("DELETE", f"{V}/gone").status == 204
    assert len(server.get(f"{V}/gone/track").json()["positions"]) == 4
    assert server.request("DELETE", f"{V}/gone?history=true").status == 204  # though it is removed already
    for _ in range(2):
        is_problem(server.get(f"{V}/gone/track"), 404, "unknown_vehicle")
        is_problem(server.request("DELETE", f"{V}/gone?history=true"), 404, "unknown_vehicle")
        after = server.events()
        assert [event["seq"] for event in after] == list(range(1, len(after) + 1))
        erased = [event for event in after if event["kind"] == "erased"]
        assert all(event.keys() == {"seq", "id", "kind", "time"} for event in erased)
        assert {event["id"] for event in erased} >= {event["id"] for event in before if event["vehicle"] == "gone"}
        assert [event for event in after if event.get("vehicle") == "stays"] == theirs
        assert server.get(f"{E}/{erased[0]['id']}").json() == erased[0]
        is_problem(server.post(f"{E}/{erased[0]['id']}/ack", {"by": "Ann"}), 404)
        assert server.events(kind="erased") == erased
        assert len(server.get(f"{V}/stays/track").json()["positions"]) == 4
        server.stop()
        server.start()
    server.ping("gone")
    assert len(server.get(f"{V}/gone/track").json()["positions"]) == 1
    assert b"gone" not in b"".join(
        json.dumps(event).encode() for event in server.get("/api/v1/changes").json()["messages"] if "events" in event
    )


def test_the_first_acknowledgement_stands_until_it_is_taken_back(server: Server) -> None:
    server.send("PUT", f"{R}/box", circle(60.17, 24.94, 200))
    server.ping("a", lat=60.17)
    (event,) = server.events()
    path = f"{E}/{event['id']}/ack"
    first = server.post(path, {"by": "Ann"})
    second = server.post(path, {"by": "Bob"})
    assert (first.status, second.status) == (200, 200)
    assert second.json() == first.json() == server.get(f"{E}/{event['id']}").json()
    assert server.request("DELETE", path).json() == server.request("DELETE", path).json() == event
    assert server.post(path, {"by": "Bob"}).json()["ack"]["by"] == "Bob"


def test_a_list_of_events_says_where_the_log_begins_and_ends(server: Server) -> None:
    empty = server.get(E).json()
    assert (empty["events"], empty["next"], empty["first"], empty["last"]) == ([], None, 1, 0)
    server.send("PUT", f"{R}/box", circle(60.17, 24.94, 200, debounce="none"))
    drive(server, "a", 5)
    for query in ("", "?limit=1", "?after=3", "?before=3&limit=1", "?vehicle=nobody", "?kind=exit", "?after=99"):
        told = server.get(E + query).json()
        assert (told["first"], told["last"]) == (1, 4), query
    pages, after = [], 0
    while after is not None:
        page = server.get(f"{E}?after={after}&limit=2").json()
        pages.append([event["seq"] for event in page["events"]])
        after = page["next"]
    assert pages == [[1, 2], [3, 4]]  # a last page that is full is the last


async def test_of_many_guarded_writes_at_once_one_is_taken(tmp_path: Path) -> None:
    """All of them find the version they name before any is stored: what counts is the turn."""
    from tracker.config import Settings
    from tracker.web.app import create_app

    app = create_app(Settings(data=str(tmp_path / "data"), tiles=""))
    async with app.test_app() as running:
        client = running.test_client()
        path, guard = f"{R}/raced", {"If-Match": '"1"', "Content-Type": "application/json"}
        assert (await client.put(path, json=circle(60, 24, 100))).status_code == 201
        writes = [
            client.put(path, data=json.dumps(circle(60, 24, 100 + n)), headers=guard) for n in range(4)
        ] + [
            client.patch(path, data=json.dumps({"properties": {"radius_m": 200 + n}}), headers=guard) for n in range(4)
        ]  # fmt: skip
        answers = await asyncio.gather(*writes)
        assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
        stored = await (await client.get(path)).get_json()
        assert stored["properties"]["version"] == 2
