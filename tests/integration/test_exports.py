"""Out and in again: what a track is written as replays into the same track, on another server, to the last byte."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.servers import ROOT, Server
from tracker.formats import item
from tracker.formats.own import guarded, unguarded
from tracker.history.writers import FORMATS
from tracker.model.commit import StoredPing
from tracker.model.ping import Ping
from tracker.protocols.native import read_item
from tracker.replay.recording import Recording

VEHICLES = [
    "van-7",
    "=1+1",
    "-33",
    "+49 171",
    "@home",
    "'quoted'",
    "Käpylä 漢字",
    "a  b",
    "\u0646\u200c\u0627",
    "<&>\"'",
    "x" * 128,
]
FULL = {
    "speed_mps": 12.345,
    "heading": 359.99,
    "altitude_m": -3.21,
    "accuracy_m": 4.5,
    "ignition": False,
    "battery_pct": 81.25,
    "odometer_m": 12345678.9,
    "driver": "N/A",
    "alarm": "0",
    "attributes": {"door": "open", "n": 1, "x": 1.5, "on": True, "=f": "=1+1", "time": "x", "speed": 7},
}


def exported(server: Server, vehicle: str, form: str) -> bytes:
    answer = server.get(f"/api/v1/vehicles/{quote(vehicle, safe='')}/track?format={form}")
    assert answer.status == 200
    return answer.body


def replay(server: Server, *files: Path) -> str:
    command = [sys.executable, "-m", "tracker", "replay", *map(str, files), "--to", server.url, "--speed", "max"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("form", ["csv", "gpx", "geojson"])
def test_an_export_replays_into_the_same_bytes(form: str, start_server: Callable[..., Server], tmp_path: Path) -> None:
    here, there = start_server(), start_server()
    for at, vehicle in enumerate(VEHICLES):
        places = [
            {"vehicle": vehicle, "lat": 60 + step / 1e4, "lon": 24 + at, "time": 1_795_424_400 + step}
            for step in range(3)
        ]
        assert here.post("/api/v1/positions", [places[0], places[1] | FULL, places[2]]).status == 200
    files = [tmp_path / f"export-{at}.{form}" for at in range(len(VEHICLES))]
    for vehicle, file in zip(VEHICLES, files, strict=True):
        file.write_bytes(exported(here, vehicle, form))
    assert f"accepted: {3 * len(VEHICLES)}\n" in replay(there, *files)
    for vehicle, file in zip(VEHICLES, files, strict=True):
        assert exported(there, vehicle, form) == file.read_bytes()


def test_a_track_as_json_replays_without_what_its_server_said_of_it(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    here, there = start_server(), start_server()
    here.post("/api/v1/positions", [{"vehicle": "v", "lat": 60, "lon": 24, "time": 1_795_424_400} | FULL])
    (tmp_path / "v.json").write_bytes(exported(here, "v", "json"))
    replay(there, tmp_path / "v.json")
    tracks = [json.loads(exported(server, "v", "json"))["positions"] for server in (here, there)]
    for [fix] in tracks:
        assert fix.pop("received_at")
    assert tracks[0] == tracks[1]


@pytest.mark.parametrize("form", ["csv", "gpx", "geojson"])
def test_a_download_is_all_of_the_range_however_long(form: str, start_server: Callable[..., Server]) -> None:
    server = start_server()
    places = [
        {"vehicle": "v", "lat": 60, "lon": 24 + step / 1e5, "time": 1_795_424_400 + step} for step in range(1_300)
    ]
    server.post("/api/v1/positions", places)
    whole = exported(server, "v", form)
    assert whole.count(b"24.0") >= 1_200
    some = server.get(f"/api/v1/vehicles/v/track?format={form}&limit=10")
    assert some.headers["x-next"]
    until = server.get(f"/api/v1/vehicles/v/track?format={form}&until=1795424410").body
    assert len(until) < len(whole) / 50


# -- the same without a server, for any fix --------------------------------------------------------------------------

texts = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=20)
scalars = st.one_of(
    texts, st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False)
)


@st.composite
def pings(draw: st.DrawFn) -> Ping:
    def some(low: float, high: float) -> float | None:
        return draw(st.none() | st.integers(round(low * 100), round(high * 100)).map(lambda value: value / 100))

    return Ping(
        vehicle=draw(st.sampled_from(VEHICLES)),
        time=draw(st.integers(1_000_000_000_000, 1_900_000_000_000)),
        lat=draw(st.integers(1, 899_999_999)) / 1e7,
        lon=draw(st.integers(-1_799_999_999, 1_799_999_999)) / 1e7,
        speed_mps=some(0, 900),
        heading=some(0, 359.99),
        altitude_m=some(-1000, 9000),
        accuracy_m=some(0.01, 500),
        ignition=draw(st.none() | st.booleans()),
        battery_pct=some(0, 100),
        odometer_m=some(0, 1e9),
        driver=draw(st.none() | texts),
        alarm=draw(st.none() | texts),
        attributes=dict(draw(st.dictionaries(texts, scalars, max_size=4))) or None,
    )


@pytest.mark.parametrize("form", ["csv", "gpx", "geojson"])
@given(ping=pings())
def test_any_fix_is_read_back_as_it_was(form: str, tmp_path_factory: pytest.TempPathFactory, ping: Ping) -> None:
    writer = FORMATS[form][1](ping.vehicle)
    whole = writer.begin() + writer.write(StoredPing(1, ping, 0)) + b"".join(writer.end(None))
    path = tmp_path_factory.mktemp("export") / f"file.{form}"
    path.write_bytes(whole)
    recording = Recording()
    recording.add_source(str(path))
    [point] = recording
    ignored: list[str] = []
    assert read_item(item(point), 2_000_000_000_000, ignored) == ping
    assert not ignored


@given(texts)
def test_a_guarded_text_is_never_a_formula_and_reads_back(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert guarded(text).lstrip()[:1] not in tuple("=+-@") or not text.strip()
