"""Whatever is in a file: every item of it has its one outcome, or a sentence says why it cannot be read."""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.recordings import play, valid
from tracker.formats import Unreadable, formats

VALID = valid()
NAMES = st.sampled_from(sorted(VALID))
ODD = [
    *(b"\0", b'"', b"'", b"\n", b"\r", b",", b";", b"\t", b"|", b"{", b"}", b"[", b"]", b"<", b"</name>", b"&#0;", b"*FF"),
    *(b"NaN", b"-Infinity", b"1e999", b"1e308", b"9" * 25, b"9" * 5000, b"null", b"true", b"[]", b"{}", b'""', b'"a"', b"1_0"),
    *(b'["a",{"b":[1]}]', b'{"a":{"b":1}}', b'"\\ud800"', b'"time"', b'"coordinates"', b"181", b"-1", b"%", b"N", b"W", b"#"),
    *(b"0001-01-01T00:00:00Z", b"9999-12-31 23:59:59", b"0000-00-00", b"2026-10-25 02:30:00", b"+99:99", b"13/13/2026"),
    *("١٢".encode(), "²".encode(), "\u200f".encode(), "🚐".encode(), b"\xed\xa0\x80", b"\xff\xfe", b"\xef\xbb\xbf", b"\xe9"),
    *(b"sep=,\n", b"!AIVDM,2,1,,A,", b"<![CDATA[", b"]]>", b"<!--", b'<!DOCTYPE a [<!ENTITY b "c">]>', b"-24:00", b"12:00 PM"),
]  # fmt: skip
_TOKEN = re.compile(rb'"[^"\n]*"|[-+\d.]+|[A-Za-z_]+|[^\s\w]')


def settle(name: str, content: bytes, **how: Any) -> None:
    """It is read, and the sums are right; or it is refused in a sentence."""
    refused = ""
    try:
        recording, tally = play(name, content, **how)
    except Unreadable as fault:
        refused = fault.detail
    if refused:
        assert re.search(r"[a-z]{2,} .*[a-z]{2,}", refused), refused
        assert "generator" not in refused
        assert len(refused) < 2_000
        return
    assert recording.items == recording.count + recording.skipped.total()
    assert tally.accepted + tally.duplicates + tally.rejected == recording.count
    assert sum(tally.reasons.values()) == tally.rejected


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """The same file after some mishaps: cut, flipped, parts doubled, lost or moved, odd values in the place of others."""
    content = whole
    for _ in range(draw(st.integers(1, 5))):
        spans = [match.span() for match in _TOKEN.finditer(content)] or [(0, len(content))]
        start, end = spans[draw(st.integers(0, len(spans) - 1))]
        match draw(st.integers(0, 5)):
            case 0:
                content = content[:start]
            case 1:
                content = content[:start] + bytes([draw(st.integers(0, 255))]) + content[start + 1 :]
            case 2 | 3:
                content = content[:start] + draw(st.sampled_from(ODD)) + content[end:]
            case 4:
                content = content[:end] + content[start:]
            case _:
                first, last = spans[draw(st.integers(0, len(spans) - 1))]
                content = content[:start] + content[first:last] + content[end:]
    return content


@given(
    st.binary(max_size=300),
    st.sampled_from(["day", *(f"day.{ending}" for ending in ["csv", "json", "gpx", "zip", "gz", "fit", "pb"])]),
)
@settings(max_examples=200)
def test_any_bytes_are_read_or_refused(content: bytes, name: str) -> None:
    settle(name, content)


@given(st.data(), NAMES, st.sampled_from([None, "UTC", "Europe/Berlin"]), st.booleans())
@settings(max_examples=1000)
def test_a_damaged_recording_of_any_format_is_read_as_far_as_it_goes(
    data: st.DataObject, name: str, zone: str | None, split: bool
) -> None:
    settle(name, data.draw(damaged(VALID[name])), zone=zone, split=split)


@given(st.data(), NAMES, st.sampled_from([one.NAME for one in formats()]))
@settings(max_examples=300)
def test_a_recording_read_as_another_format_is_read_or_refused(data: st.DataObject, name: str, format: str) -> None:
    settle(name, data.draw(st.one_of(st.just(VALID[name]), damaged(VALID[name]))), format=format, zone="UTC")


def packed(name: str, content: bytes, kind: int) -> bytes:
    if kind == 0:
        return gzip.compress(content, mtime=0)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA)[kind - 1]) as archive:
        archive.writestr(zipfile.ZipInfo(name), content)
        archive.writestr(zipfile.ZipInfo("other.csv"), VALID["day.csv"])
    return whole.getvalue()


@given(st.data(), NAMES, st.integers(0, 3))
@settings(max_examples=300)
def test_a_damaged_archive_is_read_as_far_as_it_goes(data: st.DataObject, name: str, kind: int) -> None:
    content = bytearray(packed(name, VALID[name], kind))
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    settle(f"{name}.gz", bytes(content[: data.draw(st.integers(1, len(content)))]))


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.just(10**400), st.just("2026-11-23T09:00:00Z"),
    st.sampled_from(["Point", "LineString", "Feature", "MovingPoint", "GeometryCollection"]),
)  # fmt: skip
KEYS = st.sampled_from(
    [
        "type",
        "features",
        "geometry",
        "geometries",
        "coordinates",
        "properties",
        "id",
        "time",
        "times",
        "coordTimes",
        "positions",
        "entity",
        "vehicle",
        "position",
        "lat",
        "lon",
        "latitude",
        "longitude",
        "timestamp",
        "datetimes",
        "temporalGeometry",
        "temporalProperties",
        "prisms",
        "values",
        "phenomenons",
        "speed",
        "battery",
        "heading",
        "header",
        "gtfs_realtime_version",
        "attributes",
        "point",
        "data",
        "class",
        "mode",
        "VP",
        "tst",
    ]
)
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=5))
)


@given(DOCUMENTS, st.sampled_from(["json", "geojson", "gtfs", "ndjson", "gpsd"]))
@settings(max_examples=600)
def test_any_json_document_is_read_or_refused(document: Any, format: str) -> None:
    settle("day.json", json.dumps(document).encode(), format=format, zone="UTC")
