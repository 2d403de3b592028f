"""Every format into points, in the words of the API; a value nobody can read goes on to the gate."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tracker.formats import Point, Reading, Skip, Unreadable, find_format, formats, item
from tracker.formats.text import decode_head
from tracker.model.ping import Unfit, read_ping
from tracker.replay.recording import Choice, Recording

ROOT = Path(__file__).parents[3]
TRACKS = ROOT / "fixtures" / "tracks"


def read(name: str, content: str | bytes, format: str | None = None, **how: Any) -> list[Point | Skip]:
    data = content.encode() if isinstance(content, str) else content
    found = find_format(name, decode_head(data[:8192]), format)
    return list(found.read(io.BytesIO(data), Reading(name, name.partition(".")[0], **how)))


def points(name: str, content: str | bytes, format: str | None = None, **how: Any) -> list[Point]:
    return [one for one in read(name, content, format, **how) if isinstance(one, Point)]


def position(point: Point) -> dict[str, Any]:
    assert isinstance(point.position, dict)
    return point.position


def skips(name: str, content: str | bytes) -> list[str]:
    return [one.reason for one in read(name, content) if isinstance(one, Skip)]


# -- CSV -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        "vehicle_id,timestamp,latitude,longitude,speed",
        "vehicle,time,lat,lon,speed_mps",
        "Device ID,DateTime,Latitude,LNG,Speed (m/s)",
        "track_id,fix_time,lat,long,velocity",
        "IMEI,GPS time,Y,X,GPS speed",
    ],
)
def test_csv_columns_are_recognised_by_name(header: str) -> None:
    [point] = points("a.csv", f"{header}\n7,2026-11-23T09:00:00Z,60.17,24.94,5\n")
    assert point.time == 1_795_424_400_000
    assert point.position == {"vehicle": "7", "lat": 60.17, "lon": 24.94, "speed_mps": 5.0}


@pytest.mark.parametrize(
    ("column", "value", "mps"),
    [
        ("speed_kmh", "36", 10.0),
        ("Speed (km/h)", "36", 10.0),
        ("speed_kn", "10", 5.144),
        ("speed_mph", "10", 4.47),
        ("speed", "10", 10.0),
    ],
)
def test_the_name_of_a_speed_says_its_unit(column: str, value: str, mps: float) -> None:
    [point] = points("a.csv", f"id,time,lat,lon,{column}\n7,1795424400,60,24,{value}\n")
    assert position(point)["speed_mps"] == mps


def test_a_speed_of_no_unit_takes_the_one_that_is_asked_for() -> None:
    [point] = points("a.csv", "id,time,lat,lon,speed\n7,1795424400,60,24,36\n", speed_unit="kmh")
    assert position(point)["speed_mps"] == 10.0


@pytest.mark.parametrize("unknown", ["113.995", "113.9952", "-1"])
def test_a_speed_the_receiver_does_not_know_is_left_out_and_counted_by_the_gate(unknown: str) -> None:
    [point] = points("a.csv", f"id,time,lat,lon,speed\n7,1795424400,60,24,{unknown}\n")
    ignored: list[str] = []
    assert read_ping(item(point), point.time, ignored).speed_mps is None
    assert ignored == ["speed_mps"]


def test_semicolons_tabs_a_bom_and_decimal_commas_are_read() -> None:
    expected = {"vehicle": "Käpylä", "lat": 60.17, "lon": 24.94}
    for content in (
        "\ufeffvehicle;time;lat;lon\r\nKäpylä;2026-11-23T09:00:00Z;60,17;24,94\r\n",
        "sep=;\nvehicle;time;lat;lon\nKäpylä;2026-11-23T09:00:00Z;60.17;24.94\n",
        "# exported\n\nvehicle\ttime\tlat\tlon\nKäpylä\t2026-11-23T09:00:00Z\t60.17\t24.94\n",
    ):
        assert points("a.csv", content)[0].position == expected


def test_what_windows_writes_is_read_and_what_is_no_text_is_refused() -> None:
    text = "vehicle,time,lat,lon\nKäpylä,2026-11-23T09:00:00Z,60.17,24.94\n"
    assert [point.vehicle for point in points("a.csv", text.encode("cp1252"))] == ["Käpylä"]
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        assert [point.vehicle for point in points("a.csv", text.encode(encoding))] == ["Käpylä"], encoding
    with pytest.raises(Unreadable, match="no column for the time"):
        points("a.csv", b"lat,lon\rtime,\xff\n")


def test_other_columns_become_attributes() -> None:
    text = 'vehicle,time,lat,lon,route,trip,note\n7,1795424400,60,24,3,007,"a, b"\n7,1795424401,60,24,,,\n'
    first, second = points("a.csv", text)
    assert position(first)["attributes"] == {"route": 3, "trip": "007", "note": "a, b"}
    assert "attributes" not in second.position


@pytest.mark.parametrize("time", ["-99999999999999", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
@pytest.mark.parametrize("shift", [-(10**12), 0, 10**12])
def test_a_year_nothing_can_write_is_left_to_the_gate(time: str, shift: int) -> None:
    told, edge = points("a.csv", f"vehicle,time,lat,lon\n7,{time},60,24\n7,9999-12-31T23:59:59Z,60,24\n")
    assert item(told, shift) == {"vehicle": "7", "time": time, "lat": 60.0, "lon": 24.0}
    with pytest.raises(Unfit, match="ahead"):
        read_ping(item(edge, shift), 0)


def test_without_a_vehicle_column_the_file_is_the_vehicle() -> None:
    assert position(points("van-7.csv", "time,lat,lon\n1795424400,60,24\n")[0])["vehicle"] == "van-7"


def test_a_track_id_is_the_vehicle_and_a_row_id_is_not() -> None:
    [point] = points("a.csv", "id,latitude,longitude,track_id,time\n1,60,24,9,1795424400\n")
    assert position(point)["vehicle"] == "9"
    assert position(point)["attributes"] == {"id": 1}


def test_date_and_time_in_two_columns_are_one_time() -> None:
    [point] = points("a.csv", "id,date,time,lat,lon\n7,2026-11-23,09:00:00,60,24\n", zone="UTC")
    assert point.time == 1_795_424_400_000


def test_the_first_naive_time_says_how_to_go_on() -> None:
    with pytest.raises(Unreadable, match=r"line 2: the time '2026-11-23 9:00' has no zone.*--zone") as caught:
        points("a.csv", "id,time,lat,lon\n7,2026-11-23 9:00,60,24\n")
    assert caught.value.usage


def test_a_zone_makes_naive_times_instants() -> None:
    [point] = points("a.csv", "id,time,lat,lon\n7,2026-11-23 11:00,60,24\n", zone="Europe/Helsinki")
    assert point.time == 1_795_424_400_000


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(Unreadable, match="no time zone is called 'Mars/Base'"):
        points("a.csv", "id,time,lat,lon\n7,2026-11-23 11:00,60,24\n", zone="Mars/Base")


def test_a_column_that_says_utc_and_a_gpx_need_no_zone() -> None:
    assert points("a.csv", "id,time (UTC),lat,lon\n7,2026-11-23 9:00,60,24\n")[0].time == 1_795_424_400_000
    text = gpx(f"<trk><trkseg>{trkpt('2026-11-23T09:00:00')}</trkseg></trk>")
    assert points("a.gpx", text)[0].time == 1_795_424_400_000


def test_cells_that_say_nothing_are_nothing() -> None:
    text = "id,time,lat,lon,accuracy,battery,speed\n7,1795424400,60,24,N/A,87%,null\n"
    assert points("a.csv", text)[0].position == {"vehicle": "7", "lat": 60.0, "lon": 24.0, "battery_pct": 87.0}


def test_a_single_bad_row_goes_to_the_gate_beside_its_neighbours() -> None:
    text = "id,time,lat,lon\n7,1795424400,60,24\n7,yesterday,60,24\n7,2026-11-23 9:00,60,24\n7,1795424401,here,24\n7\n"
    good, *bad = points("a.csv", text)
    assert [one.time for one in (good, *bad)] == [1_795_424_400_000] * 3 + [1_795_424_401_000] * 2
    assert position(bad[0])["time"] == "yesterday"
    assert position(bad[1])["time"] == "2026-11-23 9:00"
    assert position(bad[2])["lat"] == "here"
    assert "lat" not in bad[3].position
    assert bad[3].line == 6


def test_a_csv_without_a_place_names_its_columns() -> None:
    with pytest.raises(Unreadable, match=r"no column for the latitude.*among: id, when") as caught:
        points("a.csv", "id,when\n1,2\n")
    assert not caught.value.usage


# -- times -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T09:00:00Z",
        "2026-11-23T09:00:00.000+00:00",
        "2026-11-23 11:00:00+0200",
        "2026-11-23 11:00:00 +02:00",
        "2026/11/23 09:00:00 UTC",
        "20261123T090000Z",
        "2026-11-23T04:00:00-05:00",
        "1795424400",
        "1795424400.0",
        "1795424400000",
    ],
)
def test_the_usual_spellings_of_one_instant_agree(text: str) -> None:
    assert points("a.csv", f"id,time,lat,lon\n7,{text},60,24\n")[0].time == 1_795_424_400_000


# -- GPX, KML, TCX ---------------------------------------------------------------------------------------------------

GPX = '<?xml version="1.0"?><gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1">{}</gpx>'


def gpx(body: str) -> str:
    return GPX.format(body)


def trkpt(time: str | None, inner: str = "") -> str:
    return f'<trkpt lat="60.17" lon="24.94">{f"<time>{time}</time>" if time else ""}{inner}</trkpt>'


def test_each_gpx_track_is_a_vehicle_and_an_unnamed_one_is_its_file() -> None:
    one = f"<trk><name>Van 7</name><trkseg>{trkpt('2026-11-23T09:00:00Z')}</trkseg></trk>"
    other = f"<trk><trkseg>{trkpt('2026-11-23T09:00:01Z')}</trkseg><trkseg/></trk>"
    assert [position(p)["vehicle"] for p in points("ride.gpx", gpx(one + other))] == ["Van 7", "ride"]


def test_gpx_speed_course_and_height_are_read_wherever_they_stand() -> None:
    plain = "<ele>12.5</ele><speed>10</speed><course>90</course>"
    extended = (
        "<ele>12.5</ele><extensions><x:TPX xmlns:x='urn:x'>"
        "<x:speed>10</x:speed><x:course>90</x:course></x:TPX></extensions>"
    )
    for inner in (plain, extended):
        [point] = points("a.gpx", gpx(f"<trk><trkseg>{trkpt('2026-11-23T09:00:00Z', inner)}</trkseg></trk>"))
        wanted = {"speed_mps": 10.0, "heading": 90.0, "altitude_m": 12.5}
        assert position(point) | wanted == position(point)


def test_gpx_points_without_a_time_are_left_out_and_counted() -> None:
    text = gpx(f"<wpt lat='1' lon='2'/><trk><trkseg>{trkpt(None)}{trkpt('2026-11-23T09:00:00Z')}</trkseg></trk>")
    assert skips("a.gpx", text) == ["waypoint", "no_time"]
    assert len(points("a.gpx", text)) == 1


def test_a_gpx_of_nothing_but_waypoints_is_played() -> None:
    text = "\ufeff" + gpx("<wpt lat='1' lon='2'><time>2026-11-23T09:00:00Z</time></wpt>")
    assert points("marks.gpx", text)[0].position == {"vehicle": "marks", "lat": 1.0, "lon": 2.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<gpx><trk>", "not well-formed"),
        ('<!DOCTYPE gpx [<!ENTITY a "aaa">]><gpx>&a;</gpx>', "entities"),
        ("<gpx>" + "<a>" * 500, "nest"),
        ('<?xml version="1.0" encoding="klingon"?><gpx/>', "klingon"),
        ('<?xml version="1.0" encoding="shift-jis"?><gpx/>', "multi-byte"),
    ],
)
def test_dangerous_or_broken_xml_is_refused(text: str, message: str) -> None:
    with pytest.raises(Unreadable, match=message):
        points("a.gpx", text)


def test_kml_tracks_pair_times_with_places() -> None:
    text = (
        '<kml xmlns:gx="http://www.google.com/kml/ext/2.2"><Placemark><name>Bus</name><gx:Track>'
        "<when>2026-11-23T09:00:00Z</when><when>2026-11-23T09:00:01Z</when><when/>"
        "<gx:coord>24.94 60.17 5</gx:coord><gx:coord></gx:coord><gx:coord>1 2 3</gx:coord>"
        "</gx:Track></Placemark></kml>"
    )
    assert points("a.kml", text)[0].position == {"vehicle": "Bus", "lat": 60.17, "lon": 24.94, "altitude_m": 5.0}
    assert skips("a.kml", text) == ["no_position", "no_time"]


def test_tcx_trackpoints_are_read() -> None:
    place = "<Position><LatitudeDegrees>60</LatitudeDegrees><LongitudeDegrees>24</LongitudeDegrees></Position>"
    inner = f"<Trackpoint><Time>2026-11-23T09:00:00Z</Time>{place}</Trackpoint><Trackpoint/>"
    text = f"<TrainingCenterDatabase><Track>{inner}</Track></TrainingCenterDatabase>"
    assert len(points("a.tcx", text)) == 1
    assert skips("a.tcx", text) == ["no_position"]


# -- JSON and its relatives ------------------------------------------------------------------------------------------


def test_ndjson_in_our_own_words_stays_as_it_is() -> None:
    line = '{"vehicle":"7","time":"2026-11-23T09:00:00Z","lat":60.17,"lon":24.94,"speed_kmh":36,"ignition":true,"x":1}'
    [point] = points("a.ndjson", line + "\n\n")
    fields = {"vehicle": "7", "lat": 60.17, "lon": 24.94, "speed_kmh": 36, "ignition": True, "x": 1}
    assert (point.time, point.position) == (1_795_424_400_000, fields)


def test_ndjson_in_other_words_is_understood() -> None:
    line = '{"device_id":7,"timestamp":1795424400,"latitude":60.17,"lng":24.94,"speed_kph":36}'
    assert points("a.jsonl", line)[0].position == {"vehicle": "7", "lat": 60.17, "lon": 24.94, "speed_mps": 10.0}


def test_a_line_that_is_no_object_goes_to_the_gate() -> None:
    text = '{"vehicle":"7","time":1795424400,"lat":1,"lon":2}\n{broken\n[]\n'
    good, *bad = points("a.ndjson", text)
    assert good.vehicle == "7"
    assert [(one.position, one.time, one.vehicle) for one in bad] == [
        ("{broken", good.time, None),
        ("[]", good.time, None),
    ]


def test_a_track_as_the_api_answers_it_can_be_played_again() -> None:
    text = '{"vehicle":"7","positions":[{"time":"2026-11-23T09:00:00Z","lat":60.17,"lon":24.94}],"next":null}'
    assert points("track.json", text)[0].position == {"vehicle": "7", "lat": 60.17, "lon": 24.94}


def test_wkt_points_in_json_are_read() -> None:
    text = '[{"point":"POINT(11.5 48.1)","time":"2014-09-10 06:54:07+0200","id":"car"}]'
    [point] = points("a.json", text)
    assert point.position == {"vehicle": "car", "lat": 48.1, "lon": 11.5}
    assert point.time == 1_410_324_847_000


def test_geojson_points_are_read_and_other_shapes_counted() -> None:
    text = (
        '{"type":"FeatureCollection","features":['
        '{"type":"Feature","geometry":{"type":"Point","coordinates":[9.2,53.1]},"properties":{"id":"m1",'
        '"time":"2020-03-25T16:31:52Z","phenomenons":{"GPS Speed":{"value":36,"unit":"km/h"},"Rpm":{"value":1500}}}},'
        '{"type":"Feature","geometry":{"type":"LineString","coordinates":[]},"properties":{}}]}'
    )
    [point] = points("trip.geojson", text)
    assert point.position == {"vehicle": "trip", "lat": 53.1, "lon": 9.2, "speed_mps": 10.0, "Rpm": 1500}
    assert skips("trip.geojson", text) == ["not_a_point"]


def test_cabs_hfp_and_gtfs_are_recognised_by_their_first_line() -> None:
    assert position(points("new_abc.txt", "37.78006 -122.48844 1 1211018561\n")[0])["vehicle"] == "abc"
    topic = "2018-10-09T04:32:52.549Z /hfp/v1/journey/ongoing/bus/0018/00640/1057/1/A b/07:32/1/3/60;25"
    hfp = (
        f'{topic} {{"VP":{{"tst":"2018-10-09T04:32:52Z","spd":8.5,"hdg":314,"lat":60.2,"long":25.0}}}}\n'
        f'{topic} {{"VP":{{"lat":null}}}}\n'
    )
    assert position(points("capture.txt", hfp)[0])["vehicle"] == "0018-00640"
    assert skips("capture.txt", hfp) == ["no_position"]
    gtfs = (
        '{"header":{"gtfs_realtime_version":"1.0","timestamp":5},"entity":[{"id":"e","vehicle":{"vehicle":{"id":"0806"},'
        '"timestamp":1527605319,"position":{"latitude":42.2,"longitude":-70.9,"bearing":315}}},{"id":"x"}]}'
    )
    assert position(points("feed.json", gtfs)[0])["vehicle"] == "0806"
    assert skips("feed.json", gtfs) == ["not_a_position"]


# -- choosing and ordering -------------------------------------------------------------------------------------------


def test_what_nothing_recognises_names_the_formats() -> None:
    with pytest.raises(Unreadable, match="gpx, kml, tcx") as caught:
        points("a.bin", "\x00\x01 nothing")
    assert caught.value.usage
    with pytest.raises(Unreadable, match="no format is called 'xls'"):
        points("a.csv", "x", format="xls")


def test_a_format_can_be_forced() -> None:
    assert len(points("a.dat", "id,time,lat,lon\n7,1795424400,60,24\n", format="csv")) == 1
    assert len({format.NAME for format in formats()}) == len(formats())


@pytest.mark.parametrize("in_memory", [2, 3, 1000])
def test_points_come_in_time_order_and_ties_in_file_order(tmp_path: Path, in_memory: int) -> None:
    rows = [("c", 30), ("a", 10), ("b", 10), ("a", 20), ("d", 10), ("c", 30), ("a", 5)]
    path = tmp_path / "a.csv"
    path.write_text("id,time,lat,lon\n" + "".join(f"{id},{1795424400 + s},60,24\n" for id, s in rows))
    recording = Recording(in_memory)
    recording.add_source(str(path))
    wanted = [f"{id}{s}" for id, s in sorted(rows, key=lambda row: row[1])]
    for _ in range(2):  # a loop plays it again
        assert [f"{position(p)['vehicle']}{p.time // 1000 - 1795424400}" for p in recording] == wanted
    assert (recording.count, recording.first, recording.last) == (7, 1_795_424_405_000, 1_795_424_430_000)
    recording.close()


def test_several_sources_are_merged_and_named(tmp_path: Path) -> None:
    recording = Recording()
    for name, second in (("x", 2), ("y", 1)):
        (tmp_path / f"{name}.csv").write_text(f"time,lat,lon\n{1795424400 + second},60,24\n")
        recording.add_source(str(tmp_path / f"{name}.csv"))
    assert [recording.where(point) for point in recording] == ["y.csv line 2", "x.csv line 2"]


def test_gzip_is_unpacked_whatever_it_is_called(tmp_path: Path) -> None:
    for name in ("vans.csv.gz", "vans.csv"):
        (tmp_path / name).write_bytes(gzip.compress((TRACKS / "vans.csv").read_bytes()))
        recording = Recording()
        recording.add_source(str(tmp_path / name))
        assert recording.count == 560


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"\xef\xbb\xbf \n", "is empty"), (gzip.compress(b"x,y\n" * 999)[:12], "a.csv is damaged")],
)
def test_an_empty_or_damaged_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(Unreadable, match=message):
        Recording().add_source(str(tmp_path / "a.csv"))


def test_points_are_chosen_by_time_and_vehicle() -> None:
    choice = Choice(since=1_790_000_010_000, until=1_790_000_020_000, vehicles=("van-0[12]", "x*"))
    recording = Recording()
    recording.add_source(str(TRACKS / "vans.ndjson"), choice)
    assert {position(point)["vehicle"] for point in recording} == {"van-01", "van-02"}
    assert all(1_790_000_010_000 <= point.time < 1_790_000_020_000 for point in recording)


def test_the_shipped_tracks_are_the_same_drive() -> None:
    found = {}
    for name in ("vans.csv", "vans.ndjson"):
        recording = Recording()
        recording.add_source(str(TRACKS / name))
        found[name] = [(p.time, position(p)["vehicle"], position(p)["lat"]) for p in recording]
    assert sorted(found["vans.csv"]) == sorted(found["vans.ndjson"])


def test_every_format_and_option_is_documented() -> None:
    from tracker.commands.cli import replay

    page = (ROOT / "docs" / "replay.md").read_text("utf-8")
    for format in formats():
        assert f"| `{format.NAME}` |" in page
    for option in (text for parameter in replay.params for text in parameter.opts if text.startswith("--")):
        assert f"`{option}`" in page


@pytest.mark.parametrize("value", ["[]", "{}", "true", '"fast"'])
def test_a_speed_of_another_type_goes_to_the_gate(value: str) -> None:
    message = f'{{"VP":{{"lat":60,"long":24,"tst":"2026-11-23T09:00:00Z","spd":{value},"hdg":{value}}}}}'
    [point] = points("a.txt", f"0 /hfp/v1/journey/ongoing/bus/0012/00815 {message}\n")
    with pytest.raises(Unfit, match="`speed_mps` is a number"):
        read_ping(item(point), 2**42)


@pytest.mark.parametrize(
    "item",
    [
        {"timestamp": "2026-11-23T09:00:00Z", "latitudeE7": 601000000, "longitudeE7": 249000000},
        {"timestampMs": "1795424400000", "latitudeE7": 601000000, "longitudeE7": 249000000},
        {"timestamp": 1795424400, "location": {"lat": 60.1, "lng": 24.9}},
        {"timestamp": 1795424400000, "coords": {"latitude": 60.1, "longitude": 24.9, "accuracy": 5}},
    ],
)
def test_a_place_is_found_wherever_json_has_it(item: dict[str, Any]) -> None:
    for name, content in (("a.json", json.dumps({"locations": [item]})), ("a.ndjson", json.dumps(item))):
        [point] = points(name, content)
        assert (position(point)["lat"], position(point)["lon"], point.time) == (60.1, 24.9, 1_795_424_400_000)


def test_features_sent_as_locations_are_read() -> None:
    feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [24.9, 60.1]},
               "properties": {"timestamp": "2026-11-23T09:00:00Z", "device_id": "p"}}  # fmt: skip
    [point] = points("a.json", json.dumps({"locations": [feature]}))
    assert point.vehicle == "p"


@pytest.mark.parametrize(
    ("items", "why"),
    [
        ([{"vehicle": "v", "time": 1795424400, "destination": {"lat": 60, "lon": 24}}], "going.*destination"),
        ([{"vehicle": "v", "time": 1795424400, "dest_lat": 60, "dest_lon": 24}], "going.*dest_lat"),
        ([{"name": "Home", "lat": 60, "lon": 24}], "no time.*name, lat, lon.*list of places"),
        ([{"vehicle": "v", "lat": 60, "lon": 24, "planned_time": "2026-11-23T10:00:00Z"}], "planned_time.*plans"),
        ([{"name": "Depot", "area": "POLYGON((60 24,60 25,61 25,60 24))"}], "no place.*area"),
        ({"timelineObjects": [{"placeVisit": {}}]}, "no place.*timelineObjects"),
    ],
)
def test_destinations_plans_and_places_are_refused_with_what_was_seen(items: Any, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        points("a.json", json.dumps(items))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.gpx", '<gpx><rte><name>plan</name><rtept lat="60" lon="24"/></rte></gpx>'),
        ("a.gpx", '<gpx><wpt lat="60" lon="24"><name>Home</name></wpt></gpx>'),
        ("a.kml", "<kml><Placemark><Polygon><outerBoundaryIs/></Polygon></Placemark></kml>"),
        ("a.kml", "<kml><Placemark><Point><coordinates>24,60</coordinates></Point></Placemark></kml>"),
    ],
)
def test_places_without_times_are_said_to_be_no_recording(name: str, content: str) -> None:
    reading = Reading(name, "van")
    assert all(isinstance(one, Skip) for one in find_format(name, content).read(io.BytesIO(content.encode()), reading))
    assert "no recording" in reading.notes[0]
