"""GPX, KML and what is packed: names of every make, times that pair or are not guessed, the rest of a damaged file."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tracker.formats import Point, Reading, Skip, Unreadable, find_format
from tracker.model.ping import vehicle_id, vehicle_of
from tracker.replay.recording import Recording


def read(name: str, content: str, **how: Any) -> tuple[list[Point], Counter[str], list[str]]:
    reading = Reading(name, "day", **how)
    outcomes = list(find_format(name, content).read(io.BytesIO(content.encode()), reading))
    skipped = Counter(one.reason for one in outcomes if isinstance(one, Skip))
    return [one for one in outcomes if isinstance(one, Point)], skipped, reading.notes


def fields(point: Point) -> dict[str, Any]:
    assert isinstance(point.position, dict)
    return point.position


def trk(name: str, *seconds: int, more: str = "", inner: str = "") -> str:
    points = "".join(
        f'<trkpt lat="60.{second:02d}" lon="24"><time>2026-11-23T09:00:{second:02d}Z</time>{inner}</trkpt>'
        for second in seconds
    )
    return f"<trk><name>{name}</name>{more}<trkseg>{points}</trkseg></trk>"


def gpx(*tracks: str) -> str:
    return f'<gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1">{"".join(tracks)}</gpx>'


def kml(*marks: str) -> str:
    return f'<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="urn:gx"><Document>{"".join(marks)}</Document></kml>'


def mark(name: str, inner: str) -> str:
    return f"<Placemark><name>{name}</name>{inner}</Placemark>"


@pytest.mark.parametrize(
    ("name", "vehicle"),
    [
        ("\n  Morning\n  run\n", "Morning run"),
        ("Tab\tbed", "Tab bed"),
        ("right\u200fleft", "rightleft"),
        ("a/b", "a-b"),
        ("x" * 200, "x" * 128),
        ("", "day"),
        ("\u200e", "day"),
        ("Cafe\u0301", "Café"),
    ],
)
def test_every_name_of_a_track_is_a_vehicle(name: str, vehicle: str) -> None:
    [point], _, _ = read("a.gpx", gpx(trk(name, 1)))
    assert point.vehicle == vehicle_id(vehicle)
    if len(name) > 128:
        assert fields(point)["attributes"] == {"name": name}


def test_a_name_cut_short_never_ends_in_a_space() -> None:
    assert vehicle_of("x" * 127 + " y") == "x" * 127


def test_the_name_of_an_extension_is_not_the_track_s() -> None:
    more = '<extensions><x:trk xmlns:x="u"><x:name>other</x:name></x:trk></extensions>'
    assert read("a.gpx", gpx(trk("real", 1, more=more)))[0][0].vehicle == "real"
    late = trk("real", 1).replace("<name>real</name>", "").replace("<trkseg>", f"{more}<name>real</name><trkseg>")
    assert read("a.gpx", gpx(late))[0][0].vehicle == "real"


def test_a_height_that_is_no_number_costs_the_fix_nothing() -> None:
    [point], _, _ = read("a.gpx", gpx(trk("v", 1, inner="<ele>NaN</ele>")))
    assert fields(point)["altitude_m"] == 1e300


def test_tracks_of_one_name_that_overlap_are_said_and_can_be_split() -> None:
    content = gpx(trk("v", 1, 2, 3), trk("v", 3, 4), trk("w", 1))
    _, _, notes = read("a.gpx", content)
    assert notes == ["tracks called 'v' overlap in time; --split makes each a vehicle of its own"]
    points, _, notes = read("a.gpx", content, split=True)
    assert {point.vehicle for point in points} == {"v", "v (2)", "w"}
    assert not notes
    assert not read("a.gpx", gpx(trk("v", 1, 2), trk("v", 3, 4)))[2]


def test_waypoints_taken_for_fixes_are_said() -> None:
    content = gpx('<wpt lat="60" lon="24"><time>2026-11-23T09:00:00Z</time></wpt>')
    points, _, notes = read("a.gpx", content)
    assert len(points) == 1
    assert notes == ["it has no track: its waypoints are taken for fixes"]
    assert read("a.gpx", content.replace("</gpx>", trk("v", 1) + "</gpx>"))[1] == {"waypoint": 1}


WHENS = [f"<when>2026-11-23T09:00:0{second}Z</when>" for second in range(3)]
COORDS = [f"<gx:coord>24 60.{second} 5</gx:coord>" for second in range(3)]


def test_a_track_with_a_missing_time_is_not_paired_by_guessing() -> None:
    points, skipped, _ = read("a.kml", kml(mark("v", f"<gx:Track>{''.join(WHENS[:2] + COORDS)}</gx:Track>")))
    assert not points
    assert skipped == {"unpaired": 3}


def test_times_and_places_that_alternate_pair_with_their_neighbours() -> None:
    inner = WHENS[0] + COORDS[0] + COORDS[1] + WHENS[2] + COORDS[2]
    points, skipped, _ = read("a.kml", kml(mark("v", f"<gx:Track>{inner}</gx:Track>")))
    assert [fields(point)["lat"] for point in points] == [60.0, 60.2]
    assert skipped == {"no_time": 1}


def test_points_with_a_time_stamp_are_fixes_and_a_line_with_a_span_its_two_ends() -> None:
    stamp = "<TimeStamp><when>2026-11-23T09:00:00Z</when></TimeStamp><Point><coordinates>24,60,7</coordinates></Point>"
    span = (
        "<TimeSpan><begin>2026-11-23T09:00:00Z</begin><end>2026-11-23T09:10:00Z</end></TimeSpan>"
        "<LineString><coordinates>24,60 24.1,60.1 24.2,60.2</coordinates></LineString>"
    )
    plain = "<Point><coordinates>24,60</coordinates></Point>"
    points, skipped, _ = read("a.kml", kml(mark("v", stamp), mark("w", span), mark("x", plain)))
    assert [(point.vehicle, fields(point)["lat"], point.time % 3_600_000) for point in points] == [
        ("v", 60.0, 0),
        ("w", 60.0, 0),
        ("w", 60.2, 600_000),
    ]
    assert skipped == {"no_time": 2}


# -- what is packed, and what is damaged -----------------------------------------------------------------------------


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return out.getvalue()


def recorded(path: Path, content: bytes) -> Recording:
    path.write_bytes(content)
    recording = Recording()
    recording.add_source(str(path))
    return recording


TRACK = gpx(trk("v", 1, 2)).encode()
TABLE = b"vehicle,time,lat,lon\nw,1795424400,60,24\n"


@pytest.mark.parametrize(
    ("name", "content", "items"),
    [
        (
            "a.kmz",
            zipped(doc_kml=kml(mark("v", f"<gx:Track>{''.join(WHENS + COORDS)}</gx:Track>")).encode(), icon_png=b"x"),
            3,
        ),
        ("a.zip", zipped(a_gpx=TRACK, b_csv=TABLE, readme_txt=b"about this"), 3),
        ("a.gpx.gz", gzip.compress(TRACK), 2),
        ("a.zip.gz", gzip.compress(zipped(a_gpx=TRACK)), 2),
        ("a.zip", zipped(a_gz=gzip.compress(TABLE)), 1),
    ],
)
def test_what_is_packed_is_unpacked(tmp_path: Path, name: str, content: bytes, items: int) -> None:
    recording = recorded(tmp_path / name, content)
    assert recording.items == recording.count == items


def test_of_a_damaged_file_the_rest_is_played_and_the_damage_told(tmp_path: Path) -> None:
    recording = recorded(tmp_path / "cut.gpx", gpx(trk("v", *range(40))).encode()[:-900])
    assert 20 < recording.count < 40
    assert recording.items == recording.count + 1
    assert recording.skipped == {"unreadable": 1}
    assert "not well-formed" in recording.sources[0].notes[-1]


def test_of_a_gzip_cut_short_the_rest_is_played(tmp_path: Path) -> None:
    rows = b"".join(b"w,%d,60,24,%d\n" % (1795424400 + i, i * 7919) for i in range(30_000))
    recording = recorded(tmp_path / "cut.csv.gz", gzip.compress(b"vehicle,time,lat,lon,n\n" + rows)[:-2000])
    assert 10_000 < recording.count < 30_000
    assert recording.skipped == {"unreadable": 1}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (zipped(readme_txt=b"hello"), "nothing in it is a recording"),
        (zipped(a_gpx=TRACK)[:40], "damaged"),
        (b"PK\x03\x04" + b"\0" * 40, "damaged"),
        (b"", "is empty"),
        (b"\0" * 500, "is empty"),
        (b"\xff\xd8\xff\xe0 a picture", "not a format we know"),
    ],
)
def test_what_is_no_recording_is_refused_in_a_sentence(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        recorded(tmp_path / "a.bin", content)


def numbered(count: int, name: str = "Ride", step: int = 1) -> str:
    return kml(
        *(
            mark(f"{name}-{i}", f"<TimeStamp><when>2026-11-23T09:00:{i * step:02}Z</when></TimeStamp>"
                                f"<Point><coordinates>24,60.{i}</coordinates></Point>")
            for i in range(count)
        )
    )  # fmt: skip


def test_placemarks_that_number_the_points_of_a_track_are_one_vehicle() -> None:
    points, _, notes = read("a.kml", numbered(12))
    assert [point.vehicle for point in points] == ["Ride"] * 12
    assert "number" in notes[0]


def test_a_fleet_whose_names_end_in_numbers_stays_one() -> None:
    for content in (numbered(12, step=0), numbered(5)):  # all at once; few
        points, _, _ = read("a.kml", content)
        assert len({point.vehicle for point in points}) == len(points)
