"""The sum rule: whatever an independent reader counts in a file has one outcome each, and no reason is without a name."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.recordings import play, valid
from tracker.formats import REASONS, Unreadable

DATA = Path(__file__).parents[4] / "shared" / "data"
VALID = valid()


def rows(content: bytes) -> int:
    text = io.StringIO(content.decode(), newline="")
    return sum(1 for row in csv.reader(text, delimiter=";" if b"Fahrzeug;" in content else ",") if any(row)) - 1


def lines(content: bytes) -> int:
    return sum(1 for line in content.splitlines() if line.strip() and not line.startswith(b"#"))


def tags(*names: str) -> Callable[[bytes], int]:
    def count(content: bytes) -> int:
        return sum(1 for one in ElementTree.fromstring(content).iter() if one.tag.rpartition("}")[2] in names)

    return count


def places(content: bytes) -> int:
    """gx:coord, and the tuples of `coordinates` outside of areas."""
    root = ElementTree.fromstring(content)
    shapes = [one for one in root.iter() if one.tag.rpartition("}")[2] in ("Point", "LineString")]
    tuples = sum(len((one.text or "").split()) for shape in shapes for one in shape if one.tag.endswith("coordinates"))
    return tuples + tags("coord")(content)


def listed(content: bytes) -> int:
    document = json.loads(content)
    if isinstance(document, list):
        return len(document)
    if "temporalGeometry" in document:
        return len(document["temporalGeometry"]["coordinates"])
    found = next(document[name] for name in ("features", "entity", "positions") if name in document)
    return sum(len(one["geometry"]["coordinates"]) if "coordTimes" in str(one) else 1 for one in found)


COUNTERS: dict[str, Callable[[bytes], int]] = {
    "csv": rows, "cabs": lines, "hfp": lines, "owntracks": lines, "nmea": lines, "gpsd": lines, "ndjson": lines,
    "gpx": tags("trkpt", "rtept", "wpt"), "tcx": tags("Trackpoint"), "siri": tags("VehicleActivity"), "kml": places,
    "json": listed, "geojson": listed, "gtfs": listed, "fit": lambda _content: 6,
}  # fmt: skip


def check(name: str, content: bytes, expected: int | None = None) -> None:
    recording, tally = play(name, content, zone="UTC")
    [source] = recording.sources
    assert recording.items == (COUNTERS[source.format](content) if expected is None else expected), name
    assert recording.items == tally.accepted + tally.duplicates + tally.rejected + recording.skipped.total()
    assert set(recording.skipped) <= REASONS.keys()
    assert sum(tally.reasons.values()) == tally.rejected


@pytest.mark.parametrize("name", sorted(VALID))
def test_every_item_of_every_format_has_one_outcome(name: str) -> None:
    check(name, VALID[name])


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", ["day.csv", "new_cab.txt", "hfp.txt", "drive.nmea", "gpsd.log", "day.ndjson"])
def test_every_line_of_a_damaged_log_has_one_outcome(name: str, seed: int) -> None:
    """Whatever becomes of the signs of its lines, there stay as many lines; only a table's first may not change."""
    chance = random.Random(seed)
    first, *others = VALID[name].splitlines(keepends=True)
    damaged = bytearray(b"".join(others * 3))
    for _ in range(60):
        at = chance.randrange(len(damaged))
        if damaged[at] not in b'\r\n"':  # a quote more or less can make one row of two
            damaged[at] = chance.choice(b"0123456789abcXYZ.,;{}[]:-+*$ ")
    check(name, first + bytes(damaged), lines(first + bytes(damaged)) - (name == "day.csv"))


@pytest.mark.skipif(not DATA.is_dir(), reason="real recordings, not part of the repository")
def test_every_item_of_real_recordings_has_one_outcome() -> None:
    seen = set()
    for path in sorted(DATA.rglob("*")):
        kind = path.relative_to(DATA).parts[0] if path.is_file() else ""
        if (
            path.suffix in ("", ".md", ".pb", ".txtpb")
            or kind in ("", "device-frames")
            or path.name == "go_track_tracks.csv"
        ):
            continue
        if path.stat().st_size < 1_000_000:
            check(path.name, path.read_bytes())
            seen.add(kind)
    assert len(seen) >= 7


def test_a_zip_of_everything_has_the_sum_of_its_files() -> None:
    """Every format at once, packed as it is, as a gzip or as a zip in the zip; beside them what is no recording."""
    whole = io.BytesIO()
    expected = 0
    with zipfile.ZipFile(whole, "w") as archive:
        for number, (name, content) in enumerate(sorted(VALID.items())):
            inner = io.BytesIO()
            with zipfile.ZipFile(inner, "w") as box:
                box.writestr(name, content)
            packed = (content, gzip.compress(content), inner.getvalue())[number % 3]
            archive.writestr(f"{number}/{name}{('', '.gz', '.zip')[number % 3]}", packed)
            [source] = play(name, content, zone="UTC").recording.sources
            expected += COUNTERS[source.format](content)
        archive.writestr("places.csv", "id,lat,lon\n1,60,24\n")
        archive.writestr("regions.geojson", '{"type":"Polygon","coordinates":[[[24,60],[25,60],[25,61],[24,60]]]}')
        archive.writestr("readme.txt", "about this")
    recording, tally = play("all.zip", whole.getvalue(), zone="UTC")
    assert recording.items == expected + 2
    assert recording.skipped["unreadable"] == 2
    assert recording.items == tally.accepted + tally.duplicates + tally.rejected + recording.skipped.total()
    notes = " ".join(note for source in recording.sources for note in source.notes)
    assert "left out: all.zip/places.csv: no column for the time" in notes
    assert "left out: all.zip/regions.geojson: areas, not tracks" in notes


def test_an_archive_with_no_recording_in_it_says_what_it_has() -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("places.csv", "id,lat,lon\n1,60,24\n")
        archive.writestr("readme.txt", "about this")
    with pytest.raises(Unreadable, match="no column for the time"):
        play("all.zip", whole.getvalue())
