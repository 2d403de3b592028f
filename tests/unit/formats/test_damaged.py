"""Files as they really come damaged: each ends in a sentence, or the rest of it is played and every item accounted for."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from typing import Any

import pytest

from tests.support.recordings import BEGAN, play, valid
from tracker.formats import Unreadable, text

VALID = valid()
CSV, NDJSON, GPX, KML = (VALID[name] for name in ("day.csv", "day.ndjson", "ride.gpx", "ride.kml"))
HEADER = b"vehicle,time,lat,lon\n"
MEGABYTE = 1 << 20


def row(time: object = BEGAN, lat: object = 60, lon: object = 24, vehicle: object = "v") -> bytes:
    return f"{vehicle},{time},{lat},{lon}\n".encode()


def zipped(*members: tuple[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", kind) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return whole.getvalue()


def document(**fields: Any) -> bytes:
    return json.dumps({"positions": [{"vehicle": "v", "time": BEGAN, "lat": 60, "lon": 24} | fields]}).encode()


def feature(**fields: Any) -> bytes:
    whole = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [24, 60]}, "properties": {"time": BEGAN}}
    return json.dumps({"type": "FeatureCollection", "features": [whole | fields]}).encode()


def deep(text: str, levels: int = 100_000) -> bytes:
    return (text * levels).encode()


def gpx(inner: str) -> bytes:
    return f'<gpx version="1.1"><trk><name>v</name><trkseg>{inner}</trkseg></trk></gpx>'.encode()


PT = '<trkpt lat="60" lon="24"><time>2026-11-23T09:00:00Z</time></trkpt>'
LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE gpx [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><gpx><trk><name>&c;</name></trk></gpx>'
)
OUTSIDE = b'<!DOCTYPE gpx [<!ENTITY a SYSTEM "file:///etc/passwd">]><gpx><trk><name>&a;</name></trk></gpx>'
BROKEN_MEMBER = bytearray(zipped(("a.csv", CSV), ("b.csv", CSV), kind=zipfile.ZIP_STORED))
BROKEN_MEMBER[BROKEN_MEMBER.rindex(b"PK\x03\x04") + 3] = 0x55

#: name, content, and what it comes to: a part of the sentence that refuses it, or its counts: items, accepted, reasons
DAMAGED: list[tuple[str, bytes, Any]] = [
    # -- nothing, or not what it says
    ("day.csv", b"", 'day\\.csv is empty'),
    ("day.csv", b"\n\n  \n", 'day\\.csv is empty'),
    ("day.csv", bytes(5_000), 'day\\.csv is empty'),
    ("day.csv", b"\xef\xbb\xbf", 'day\\.csv is empty'),
    ("day.csv", b";;;;\n", 'no column for the latitude'),
    ("day.csv", b"sep=;\n", 'day\\.csv is empty'),
    ("day.csv", HEADER, (0, 0, {})),
    ("day.csv", b"<html><body>403 Forbidden</body></html>", 'no column for the latitude'),
    ("day.csv", b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj", 'no column for the latitude'),
    ("day.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), 'no column for the latitude'),
    ("day.json", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), 'not a format we know\\. If it is one of fit, gpx, kml, tcx, si'),
    ("day.gpx", CSV, 'not well-formed XML'),
    ("day.csv", GPX, (6, 6, {})),
    ("day.json", NDJSON, (6, 6, {})),
    ("day.ndjson", VALID["day.json"], (6, 6, {})),
    ("day.kml", VALID["ride.gpx"], (6, 6, {})),
    ("ride.fit", CSV, (6, 6, {})),
    # -- cut short, flipped
    ("day.csv", CSV[:-30], (6, 6, {})),
    ("day.json", VALID["day.json"][:-30], (6, 5, {'unreadable': 1})),
    ("list.json", VALID["list.json"][:-20], (6, 5, {'unreadable': 1})),
    ("day.ndjson", NDJSON[:-30], (6, 5, {'not_an_object': 1})),
    ("points.geojson", VALID["points.geojson"][:-20], (6, 5, {'unreadable': 1})),
    ("day.json", VALID["day.json"][:20], 'not JSON: Input data was truncated'),
    ("list.json.gz", gzip.compress(VALID["list.json"], 0, mtime=0)[:-60], (6, 5, {'unreadable': 1})),
    ("day.json", VALID["day.json"].replace(b'"lat": 60.3', b'"lat": 60.'), (4, 3, {'unreadable': 1})),
    ("ride.gpx", GPX[:-60], (6, 5, {'unreadable': 1})),
    ("ride.gpx", GPX[:40], 'not well-formed XML'),
    ("ride.kml", KML[:-60], (6, 5, {'unreadable': 1})),
    ("ride.kml", KML[:-90], (5, 4, {'unreadable': 1})),
    ("ride.kml", KML[:250], 'not well-formed XML'),
    ("ride.kml.gz", gzip.compress(KML, 0, mtime=0)[:-110], (5, 4, {'unreadable': 1})),
    ("ride.tcx", VALID["ride.tcx"][:-70], (6, 5, {'unreadable': 1})),
    ("vm.xml", VALID["vm.xml"][:-90], (6, 5, {'unreadable': 1})),
    ("ride.fit", VALID["ride.fit"][:-20], (5, 4, {'unreadable': 1})),
    ("ride.fit", VALID["ride.fit"][:70] + b"\xff\xff\xff" + VALID["ride.fit"][73:], (7, 5, {'unreadable': 1, 'time_in_future': 1})),
    ("drive.nmea", VALID["drive.nmea"][:-20], (12, 6, {'supplement': 5, 'bad_checksum': 1})),
    ("drive.nmea", VALID["drive.nmea"].replace(b"6000.2", b"6000.3"), (12, 5, {'supplement': 5, 'bad_checksum': 2})),
    ("gpsd.log", VALID["gpsd.log"].replace(b'"mode":3', b'"mode":', 1), (6, 5, {'not_json': 1})),
    ("hfp.txt", VALID["hfp.txt"][:-20], (6, 5, {'not_json': 1})),
    ("new_cab.txt", VALID["new_cab.txt"][:-12], (6, 5, {'not_four_columns': 1})),
    # -- packed badly
    ("day.csv.gz", gzip.compress(CSV, mtime=0)[:20], 'Compressed file ended before the end-of-stream marker was re'),
    ("day.csv.gz", gzip.compress(CSV, 0, mtime=0)[:-20], (6, 5, {'unreadable': 1})),
    ("day.csv.gz", gzip.compress(CSV, mtime=0)[:-6], (7, 6, {'unreadable': 1})),
    ("day.csv.gz", gzip.compress(CSV, mtime=0) + b"rubbish", (7, 6, {'unreadable': 1})),
    ("day.csv.gz", CSV, (6, 6, {})),
    ("day.csv", gzip.compress(gzip.compress(CSV, mtime=0), mtime=0), (6, 6, {})),
    ("day.csv", gzip.compress(gzip.compress(gzip.compress(CSV, mtime=0), mtime=0)), 'no column for the latitude'),
    ("day.zip", zipped(("a.csv", CSV), ("readme.txt", b"hello")), (6, 6, {})),
    ("day.zip", zipped(("readme.txt", b"hello")), 'nothing in it is a recording of a format we know'),
    ("day.zip", zipped(), 'not a format we know\\. If it is one of fit, gpx, kml, tcx, si'),
    ("day.zip", zipped(("a.csv", CSV))[:100], 'the zip is damaged: File is not a zip file'),
    ("day.zip", bytes(BROKEN_MEMBER), (7, 6, {'unreadable': 1})),
    ("day.zip", zipped(("a.zip", zipped(("b.zip", zipped(("c.csv", CSV)))))), 'nothing in it is a recording of a format we know'),
    ("day.kmz", zipped(("doc.kml", KML), ("files/icon.png", b"\x89PNG")), (6, 6, {})),
    ("day.zip", zipped(("a.csv", CSV), ("b.csv", b"\0" * MEGABYTE * 8)), (6, 6, {})),
    # -- text of other kinds
    ("day.csv", CSV.decode().encode("utf-16"), (6, 6, {})),
    ("day.csv", CSV.decode().encode("utf-32"), (6, 6, {})),
    ("day.csv", CSV.decode().encode("utf-16-be")[:-1], (6, 6, {})),
    ("day.csv", CSV.replace(b"\n", b"\r"), (6, 6, {})),
    ("day.csv", CSV + "Zürich".encode("cp1252") + b",1795424400,60,24,,\n", (7, 7, {})),
    ("day.csv", CSV + b"\xef\xbb\xbf" + CSV, (13, 12, {'vehicle_invalid': 1})),
    ("day.csv", CSV.replace(b"24.3", b"24\x00.3"), (6, 5, {'wrong_type': 1})),
    ("day.csv", HEADER + row(lat="٦٠", lon="٢٤") + row(BEGAN + 1), (2, 2, {})),
    ("day.csv", HEADER + row("٢٠٢٦-11-23T09:00:00Z") + row(), (2, 2, {})),
    ("day.ndjson", b"\xef\xbb\xbf" + NDJSON + b"\n\xef\xbb\xbf" + NDJSON, (12, 11, {'not_an_object': 1})),
    ("day.json", VALID["day.json"].decode().encode("utf-16"), (6, 6, {})),
    ("ride.gpx", GPX.replace(b'<?xml version="1.0"?>', b'<?xml version="1.0" encoding="klingon"?>'), 'cannot be read as text: unknown encoding: klingon'),
    ("ride.gpx", GPX.replace(b"<name>v", b"<name>\xe9"), 'not well-formed XML'),
    # -- values nobody expects
    ("day.csv", HEADER + row("1e400") + row("9" * 5_000) + row("0001-01-01") + row("9999-12-31T23:59:59Z") + row(), "the time '0001-01-01' has no zone\\. Say where it was recorded"),
    ("day.csv", HEADER + row("2026-02-30T10:00:00Z") + row("24:00") + row("2026-11-23T25:00:00Z") + row(), (4, 1, {'time_invalid': 3})),
    ("day.csv", HEADER + row(lat="1e999") + row(lat="9" * 400) + row(lat="NaN") + row(lat="6_0") + row(lat="0x3c"), (5, 0, {'not_finite': 2, 'missing': 1, 'wrong_type': 2})),
    ("day.csv", HEADER + row(lat=91) + row(lon=-181) + row(lat="", lon="") + row(vehicle="") + row(vehicle="a/b"), (5, 0, {'lat_out_of_range': 1, 'lon_out_of_range': 1, 'missing': 1, 'vehicle_empty': 1, 'vehicle_invalid': 1})),
    ("day.csv", HEADER + b"v\n" + b",,,\n" + b"v,1795424400\n" + row() + b"v,1795424401,60,24,9\n", (4, 1, {'surplus_cells': 1, 'missing': 2})),
    ("day.csv", b"lat,lat,lon,lon,time,time\n60,61,24,25,1795424400,1795424401\n", (1, 1, {})),
    ("day.json", document(speed=10**400, heading=-(10**30), altitude=[1], battery={"a": 1}, attributes=[1, 2]), (1, 0, {'wrong_type': 1})),
    ("day.json", document(vehicle=["v"]), (1, 0, {'wrong_type': 1})),
    ("day.json", document(time={"a": 1}), (1, 0, {'wrong_type': 1})),
    ("day.json", document(lat="60", lon=None), (1, 0, {'missing': 1})),
    ("day.json", b'{"positions": [1, null, "a", [], {}, {"vehicle": null}]}', "no place"),
    ("day.json", b'{"positions": {"a": 1}}', "no place"),
    ("day.json", b"[" + b"9" * 5_000 + b"]", 'not JSON: Integer value out of range - at `'),
    ("points.geojson", feature(geometry=None), 'places or lines without times'),
    ("points.geojson", feature(properties=[1], id={"a": 1}), 'places or lines without times'),
    ("points.geojson", feature(geometry={"type": ["Point"], "coordinates": [24, 60]}), 'places or lines without times'),
    ("points.geojson", feature(geometry={"type": "Point", "coordinates": 5}), (1, 0, {'no_position': 1})),
    ("points.geojson", feature(geometry={"type": "Point", "coordinates": ["a", {}]}), (1, 0, {'wrong_type': 1})),
    ("points.geojson", json.dumps({"type": ["Feature"], "features": 1}).encode(), 'not GeoJSON: neither a feature nor a geometry'),
    ("gpsd.log", VALID["gpsd.log"].replace(b'"speed":1', b'"speed":' + b"9" * 400, 1), (6, 6, {})),
    ("ride.gpx", gpx('<trkpt lat="x"/>' + PT + '<trkpt lat="60" lon="24"><time>yesterday</time></trkpt>'), (3, 1, {'no_time': 1, 'time_invalid': 1})),
    ("ride.gpx", gpx(PT.replace("<time>", "<name>a</name><speed>1e999</speed><ele>NaN</ele><time>")), (1, 1, {})),
    # -- bombs
    ("ride.gpx", LAUGHS, 'it declares XML entities, which track files never need; refu'),
    ("ride.gpx", OUTSIDE, 'it declares XML entities, which track files never need; refu'),
    ("ride.gpx", deep("<gpx>"), 'elements nest over 200 levels deep; this is no track'),
    ("ride.gpx", b"<gpx>" + deep("<!-- ", MEGABYTE), 'not well-formed XML'),
    ("ride.gpx", b'<gpx a="' + b"x" * 3 * MEGABYTE + b'"></gpx>', 'a single tag or comment is longer than 1048576 bytes; this i'),
    ("day.json", deep("["), 'not JSON: it is nested too deeply'),
    ("day.json", deep('{"positions":'), 'not JSON: it is nested too deeply'),
    ("day.json", b"[" + deep('{"a":') + b"1" + deep("}") + b"]", 'not JSON: it is nested too deeply'),
    ("day.ndjson", NDJSON + b"\n" + deep("[") + b"\n" + NDJSON, (13, 12, {'not_an_object': 1})),
    ("points.geojson", b'{"type":"Feature","properties":{"time":1795424400},"geometry":' + deep('{"type":"GeometryCollection","geometries":[', 400) + b'{"type":"Point","coordinates":[24,60]}' + deep("]}", 400) + b"}", (1, 1, {})),
    ("points.geojson", b'{"type":"Feature","temporalGeometry":' + deep('{"prisms":[', 450) + b'{}' + deep("]}", 450) + b"}", 'places or lines without times'),
    ("day.csv", CSV + b"v," * 5 * MEGABYTE, 'a line is longer than 1048576 bytes; this is no table'),
    ("day.ndjson", NDJSON + b"\n{" + b" " * 10 * MEGABYTE, (7, 6, {'unreadable': 1})),
    ("gpsd.log", VALID["gpsd.log"] + b"\n" + b"x" * 10 * MEGABYTE, (7, 6, {'unreadable': 1})),
    ("drive.nmea", VALID["drive.nmea"] + b"$GP" + b"," * 10 * MEGABYTE, 'a line is longer than 1048576 bytes; this is no log'),
    ("new_cab.txt", VALID["new_cab.txt"] + b"1 " * 5 * MEGABYTE, (7, 6, {'unreadable': 1})),
    ("day.csv", HEADER + b'"v,1795424400,60,24\n' * 5_000, (5000, 5000, {})),
    ("ride.gpx", b"<gpx>" + b"".join(b"<trk><name>v</name>" + PT.encode() + b"</trk>" for _ in range(2_000)) + b"</gpx>", (2000, 2000, {})),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "outcome"), DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_file_is_refused_in_a_sentence_or_played_as_far_as_it_goes(
    name: str, content: bytes, outcome: str | tuple[int, int, dict[str, int]]
) -> None:
    if isinstance(outcome, str):
        with pytest.raises(Unreadable, match=outcome):
            play(name, content)
        return
    recording, tally = play(name, content)
    assert (recording.items, tally.accepted + tally.duplicates, dict(recording.skipped + tally.reasons)) == outcome


def test_a_document_is_read_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few kilobytes of gzip are ten gigabytes of JSON."""
    content = VALID["list.json"]
    monkeypatch.setattr(text, "WHOLE", len(content))
    assert play("list.json", content).recording.items == 6
    with pytest.raises(Unreadable, match=r"longer than .* Cut it"):
        play("list.json.gz", gzip.compress(content + b" " * 100))


def test_one_damaged_member_costs_no_other() -> None:
    content = bytearray(zipped(("a.csv", CSV), ("b.csv", CSV), ("c.ndjson", NDJSON), kind=zipfile.ZIP_STORED))
    content[content.index(b"PK\x03\x04", 10) + 3] = 0x55
    recording, tally = play("day.zip", bytes(content))
    assert tally.accepted + tally.duplicates == 12
    assert recording.skipped == {"unreadable": 1}
    assert "b.csv" in recording.examples["unreadable"][0]


def outcome(name: str, content: bytes) -> tuple[int, dict[str, int]]:
    try:
        recording, tally = play(name, content)
    except Unreadable as fault:
        return 0, {fault.detail: 1}
    assert recording.items == tally.accepted + tally.duplicates + tally.rejected + recording.skipped.total()
    return tally.accepted + tally.duplicates, dict(recording.skipped + tally.reasons)


@pytest.mark.parametrize("level", [0, 6])
@pytest.mark.parametrize("end", [b"", b"rubbish", b"\0" * 100])
def test_what_is_whole_of_a_cut_gzip_is_played(level: int, end: bytes) -> None:
    packed = gzip.compress(CSV, level, mtime=0)
    zeros = end[:1] == b"\0"  # which pad a tape, and are none of the file
    assert outcome("day.csv.gz", packed + end) == (6, {"unreadable": 1} if end and not zeros else {})
    assert outcome("day.csv.gz", packed[:-8] + end)[1] == {"unreadable": 1}
    accepted, skipped = outcome("day.csv.gz", packed[: len(packed) * 3 // 4])
    assert accepted >= 1
    assert skipped == {"unreadable": 1}


@pytest.mark.parametrize("name", ["list.json", "day.json", "points.geojson"])
def test_what_is_whole_of_a_cut_list_is_played(name: str) -> None:
    """Wherever it is cut, no item is made of a part."""
    content = VALID[name]
    ends = [at + 1 for at in range(len(content) - 1) if content[at : at + 2] in (b"},", b"}]")][-6:]
    for end in ends:
        assert outcome(name, content[:end] + b",")[1] == {"unreadable": 1}
    assert outcome("list.json", VALID["list.json"][:-1] + b", 17") == (6, {"unreadable": 1})


def test_what_is_whole_of_a_cut_track_is_played() -> None:
    first = KML.index(b"<gx:coord>")
    ends = [at for at in range(first, len(KML)) if KML[at : at + 11] == b"</gx:coord>"]
    for whole, end in enumerate(ends[1:], 1):
        assert outcome("ride.kml", KML[:end]) == (whole, {"unreadable": 1})
