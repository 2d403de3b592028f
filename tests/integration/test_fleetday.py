"""A day of the fleet as one file: exported beside a server, verified, and served by a host that knows ranges alone."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.support.fleetday import BEGIN, HOUR, SAMPLE, SeededStore, made, opened
from tests.support.granted import LAT, LON, Town, town
from tests.support.servers import ROOT
from tests.support.static_host import Host
from tests.support.waiting import deadline
from tracker.bundles.day import blocks
from tracker.bundles.day.layout import DETAILS, EVENTS, REGIONS, TRACK, VEHICLES
from tracker.bundles.day.reading import Day
from tracker.commands.cli import cli
from tracker.errors import TrackerError
from tracker.times import parse_time, rfc3339

DAY = "2026-11-22"


async def export(folder: Path, *more: str, day: str = DAY) -> tuple[int, str, Path]:
    file = folder.parent / "out.fleetday"
    words = ["export", "day", day, str(file), "--data", str(folder), *more]
    done = await asyncio.to_thread(CliRunner().invoke, cli, words)
    return done.exit_code, done.output, file


def positions(day: Day) -> dict[str, list[dict[str, Any]]]:
    """As `/track` tells them, but for what few vehicles say."""
    names = [one["vehicle"] for one in day.rows(VEHICLES)]
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    parts = {(one.kind, one.hour, one.group): one for one in day.directory.parts}
    for (kind, hour, group), entry in parts.items():
        if kind != TRACK or hour is None or (DETAILS, hour, group) not in parts:
            continue
        track, details = day.block(entry), day.block(parts[DETAILS, hour, group])
        begins = day.directory.since + hour * HOUR
        own = (track.columns["time"] >= begins) & (track.columns["time"] < begins + HOUR)
        whose = [
            names[n] for n, count in zip(track.head.vehicles, track.head.counts, strict=True) for _ in range(count)
        ]
        rows = [at for at, mine in enumerate(own) if mine]
        for place, at in enumerate(rows):
            time = int(track.columns["time"][at])
            told = {"time": rfc3339(time), "lat": track.columns["lat"][at] / 1e7, "lon": track.columns["lon"][at] / 1e7}
            for name, column, unit in (
                ("speed_mps", "speed", 1e3),
                ("heading", "heading", 1e2),
                ("accuracy_m", "accuracy", 1e2),
            ):
                if (value := int(details.columns[column][place])) != -1:
                    told[name] = value / unit
            if (value := int(details.columns["altitude"][place])) != -(1 << 31):
                told["altitude_m"] = value / 1e2
            told |= details.head.extra.get(str(place), {})
            told["received_at"] = rfc3339(time + int(details.columns["delay"][place]))
            if taken := int(track.columns["taken"][at]):
                told |= {1: {"late": True}, 2: {"held": True}}[taken]
            found[whose[at]].append(told)
    return found


@pytest.fixture
async def place(tmp_path: Path) -> Any:
    async with town(tmp_path / "data") as made:
        yield made


async def test_what_is_exported_beside_a_server_is_what_its_tracks_tell(place: Town, tmp_path: Path) -> None:
    begin = parse_time(f"{DAY}T00:00:00+02:00")
    fixes = [
        {"vehicle": vehicle, "time": begin + minute * 60_000 + 123, "lat": LAT + north, "lon": LON, "accuracy_m": 5, **more}
        for vehicle, minute, north, more in (
            ("van-1", -3, 0.0, {}),
            ("van-1", 5, 0.0004, {"speed_mps": 3.25, "heading": 12.5, "altitude_m": -4.5}),
            ("van-1", 7, 0.001, {"driver": "Aino", "ignition": True, "attributes": {"door": "open"}}),
            ("van-1", 6, 0.0008, {"battery_pct": 55.5}),
            ("van-1", 8, 4.0, {}),
            ("van-1", 1439, 0.0005, {}),
            ("van-1", 1440, 0.0006, {}),
            ("late-one", 900, 0.0, {}),
            ("erased", 901, 0.0, {}),
        )
    ]  # fmt: skip
    for fix in fixes:
        await place.do("POST", "/api/v1/positions", json=fix)
    await place.do("PUT", "/api/v1/vehicles/van-1", json={"name": "Väinö", "group": "north"})
    await place.do("DELETE", "/api/v1/vehicles/erased?history=true")
    code, said, file = await export(tmp_path / "data", "--tz", "Europe/Helsinki")
    assert code == 0, said
    with file.open("rb") as opened_file:
        day = Day.open(opened_file)
        day.verify()
        assert f"hash: {day.hash}" in said.splitlines()
        read = positions(day)
        regions = [(one["id"], one["version"]) for one in day.rows(REGIONS)]
        events = list(day.rows(EVENTS))
    span = f"from={rfc3339(begin)}&until={rfc3339(begin + 24 * HOUR)}"
    tracks: dict[str, Any] = {}
    for vehicle in ("van-1", "late-one"):
        answer = await place.ask("all", "GET", f"/api/v1/vehicles/{vehicle}/track?{span}&limit=1000")
        tracks[vehicle] = (await answer.get_json())["positions"]
    assert read == tracks
    assert len(tracks["van-1"]) == 5
    assert {"held": True}.items() <= tracks["van-1"][3].items()
    answer = await place.ask("all", "GET", f"/api/v1/events?{span}&limit=1000")
    told = [one for one in (await answer.get_json())["events"] if one["kind"] != "erased"]
    assert {one["id"]: one for one in events} == {one["id"]: one for one in told}
    assert events
    answer = await place.ask("all", "GET", f"/api/v1/history/regions?{span}")
    assert regions == [(one["id"], one["version"]) for one in (await answer.get_json())["versions"]]
    done = await asyncio.to_thread(CliRunner().invoke, cli, ["verify", str(file)])
    assert (done.exit_code, f"hash: {day.hash}" in done.output.splitlines()) == (0, True)


def verified(file: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tracker", "verify", str(file)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=deadline(30), check=False)


def test_a_changed_byte_ends_verify_with_the_name_of_its_part(tmp_path: Path) -> None:
    damaged = bytearray(SAMPLE.read_bytes())
    entry = next(one for one in opened(SAMPLE.read_bytes()).directory.parts if one.kind == EVENTS)
    damaged[entry.offset + 5] ^= 1
    file = tmp_path / "damaged.fleetday"
    file.write_bytes(damaged)
    done = verified(file)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("tracker: events 08.0: it was changed")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("2026-11-22 TMP/nowhere/x.fleetday --data TMP", "is no place for a file"),
        ("2026-11-22 TMP/x.fleetday --data TMP/none", "there is no folder"),
        ("9999-01-01 TMP/x.fleetday --data TMP", "has not begun"),
        ("yesterday TMP/x.fleetday", "yesterday"),
        ("2026-11-22 TMP/x.fleetday --tz Mars/Base", "Mars/Base"),
    ],
)
def test_what_cannot_be_exported_is_said(words: str, says: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["export", "day", *words.replace("TMP", str(tmp_path)).split()])
    assert done.exit_code != 0
    assert says in done.output + str(done.exception)
    assert isinstance(done.exception, TrackerError | SystemExit)
    assert list(tmp_path.iterdir()) == []


def test_an_hour_of_a_thousand_vehicles_is_a_twentieth_of_the_file_by_range() -> None:
    store = SeededStore(1000, 180_000)
    file, _ = made(store)
    host = Host({"one.fleetday": file})
    try:
        url = f"{host.url}/one.fleetday"
        command = [sys.executable, str(ROOT / "examples" / "read_fleetday.py"), url, "--hour", "9"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=deadline(60), check=False)
    finally:
        host.stop()
    assert done.returncode == 0, done.stderr
    begins = BEGIN + 9 * HOUR
    kept = {
        (name, rfc_of(time), f"{lat / 1e7:.7f}", f"{lon / 1e7:.7f}")
        for name, n in store.names.items()
        for time, lat, lon in hour_of(store, n, begins)
    }
    told = [tuple(line.split(",")) for line in done.stdout.splitlines()[1:]]
    assert {(one[0], *one[2:]) for one in told} == kept
    assert len(told) == len(kept)
    assert f"hash {opened(file).hash}" in done.stderr
    found = re.search(r"read ([\d,]+) of ([\d,]+) bytes", done.stderr)
    assert found is not None
    read, whole = (int(one.replace(",", "")) for one in found.groups())
    assert whole == len(file)
    assert read / whole <= 0.05


def hour_of(store: SeededStore, n: int, begins: int) -> Any:
    kept = store.kept[n].cut(begins, begins + HOUR)
    return zip(*(getattr(kept, name).tolist() for name in blocks.TRACK_COLUMNS[:3]), strict=True)


def rfc_of(time: int) -> str:
    return datetime.fromtimestamp(time / 1000, UTC).isoformat(timespec="milliseconds")
