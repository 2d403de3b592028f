"""`tracker replay` and `tracker vehicles import` against a real server, killed and restarted on the way."""

from __future__ import annotations

import csv
import json
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.recordings import valid
from tests.support.servers import ROOT, Server, circle
from tests.support.waiting import deadline, free_port, until_sync
from tracker.formats import Unreadable
from tracker.replay.recording import Recording
from tracker.times import parse_time

TRACKS = ROOT / "fixtures" / "tracks"
DATA = ROOT.parent / "shared" / "data"

real_data = pytest.mark.skipif(not DATA.is_dir(), reason="the recorded tracks are not part of the repository")


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "tracker", *map(str, arguments)]


def run(*arguments: object, stdin: bytes | None = None) -> tuple[int, str, str]:
    done = subprocess.run(command(*arguments), cwd=ROOT, input=stdin, capture_output=True, timeout=deadline(120))
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def counts(summary: str) -> dict[str, int]:
    return {name: int(value) for name, value in re.findall(r"^([a-z ]+): (\d+)", summary, re.MULTILINE)}


def fix_times(server: Server) -> set[str]:
    return {vehicle["position"]["time"] for vehicle in server.get("/api/v1/vehicles").json()["vehicles"]}


def replay(server: Server, *arguments: object) -> dict[str, int]:
    code, out, err = run("replay", *arguments, "--to", server.url, "--speed", "max")
    assert code == 0, err
    return counts(out)


def track(server: Server, vehicle: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.get(f"/api/v1/vehicles/{vehicle}/track?limit=10000").json()["positions"]
    return found


def test_every_format_of_the_same_drive_ends_on_the_map(server: Server) -> None:
    told = replay(server, TRACKS / "vans.csv")
    assert told | {"vehicles": 6, "sent": 560, "accepted": 560, "late": 0, "rejected": 0} == told
    assert replay(server, TRACKS / "vans.ndjson") | {"accepted": 0, "duplicates": 560} == counts(
        run("replay", TRACKS / "vans.ndjson", "--to", server.url, "--speed", "max")[1]
    )
    assert replay(server, TRACKS / "vans.gpx")["duplicates"] == 189
    assert len(server.get("/api/v1/vehicles").json()["vehicles"]) == 6
    times = [row["time"] for row in track(server, "van-03")]
    assert times == sorted(times)


def test_a_dry_run_says_what_the_server_then_does(server: Server, tmp_path: Path) -> None:
    yard = circle(60.1713, 24.9440, 170) | {"id": "yard"}
    server.send("PUT", "/api/v1/regions/yard", circle(60.1713, 24.9440, 170))
    (tmp_path / "regions.geojson").write_text(json.dumps(yard))
    replay(server, TRACKS / "vans.ndjson")
    _, out, _ = run("replay", TRACKS / "vans.ndjson", "--dry-run", "--regions", tmp_path / "regions.geojson")
    kinds = ("enter", "exit", "cross")
    rehearsed = [event for event in map(json.loads, out.splitlines()) if event["kind"] in kinds]
    assert rehearsed
    assert sorted(event["id"] for event in rehearsed) == sorted(
        event["id"] for event in server.events() if event["kind"] in kinds
    )


def test_bad_rows_cost_only_themselves_and_are_counted_by_reason(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "mixed.csv"
    rows = ["7,2026-01-01T00:00:00Z,60,24", "7,2026-01-01T00:00:01Z,95,24", "7,2026-01-01T00:00:02Z,0,0"]
    rows += ["7,yesterday,60,24", ",2026-01-01T00:00:03Z,60,24", "7,2026-01-01T00:00:00Z,60,24"]
    path.write_text("\n".join(["vehicle,time,lat,lon", *rows]))
    code, out, err = run("replay", path, "--to", server.url, "--speed", "max")
    assert code == 0
    assert counts(out) == {
        "vehicles": 1,
        "items": 6,
        "sent": 6,
        "accepted": 1,
        "late": 0,
        "held": 0,
        "duplicates": 1,
        "conflicts": 0,
        "discarded": 0,
        "ignored": 0,
        "rejected": 4,
        "skipped": 0,
        "out of order": 1,
    }
    assert "rejected: 4 (lat_out_of_range: 1, no_fix: 1, time_invalid: 1, vehicle_empty: 1)" in out
    assert "mixed.csv line 3" in err


def test_a_replay_survives_kills_and_counts_every_point_once(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    path = tmp_path / "many.csv"
    lines = [f"v{i % 50},{1_767_225_600 + i // 50},{60 + i // 50 * 1e-5:.5f},24" for i in range(30_000)]
    lines += lines[-500:]  # real duplicates, which stay duplicates
    path.write_text("\n".join(["vehicle,time,lat,lon", *lines]))
    server = start_server()

    def has(wanted: int) -> bool:
        return stored(server, "v0") * 50 >= wanted

    with subprocess.Popen(
        command("replay", path, "--to", server.url, "--speed", "max"), cwd=ROOT, stdout=-1, stderr=-1, text=True
    ) as player:
        for wanted in (2_000, 12_000, 22_000):
            until_sync(partial(has, wanted), "some are stored", 60)
            server.kill()
            server.start()
        out, err = player.communicate(timeout=deadline(120))
        assert player.returncode == 0, err
    told = counts(out)
    assert (told["sent"], told["accepted"], told["duplicates"], told["rejected"]) == (30_500, 30_000, 500, 0)
    assert told["late"] == 0
    assert sum(stored(server, f"v{i}") for i in range(50)) == 30_000


def stored(server: Server, vehicle: str) -> int:
    answer = server.get(f"/api/v1/vehicles/{vehicle}/track?limit=10000")
    return len(answer.json()["positions"]) if answer.status == 200 else 0


def test_no_server_is_a_failure_with_a_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    impatient = (
        "import tracker.replay.connection as c; c.FIRST_PATIENCE_S = 0.3; from tracker.commands.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", impatient, "replay", str(TRACKS / "vans.csv"), "--to", f"127.0.0.1:{free_port()}"],
        capture_output=True,
        text=True,
        timeout=deadline(30),
    )
    assert done.returncode == 1
    assert "cannot be reached: Connection refused" in done.stderr
    assert counts(done.stdout)["sent"] == 0


def test_nothing_taken_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    path.write_text("vehicle,time,lat,lon\nv,1795424400,91,24\n")
    code, out, _ = run("replay", path, "--dry-run", "--events", tmp_path / "events", "--as-of", "2026-11-24T00:00:00Z")
    assert (code, counts(out)["rejected"]) == (1, 1)


def test_damaged_recordings_come_to_the_same_dry_and_live(server: Server, tmp_path: Path) -> None:
    """Every format, each cut short and with a few signs changed; no process of them ends in a traceback."""
    chance = random.Random(9)
    paths = []
    for name, content in valid().items():
        damaged = bytearray(content[: len(content) - 40])
        for _ in range(3):
            damaged[chance.randrange(len(damaged))] = chance.choice(b"0123456789x,;")
        for kind, bytes_ in (("whole", content), ("damaged", bytes(damaged))):
            path = tmp_path / f"{kind}-{name}"
            path.write_bytes(bytes_)
            try:
                Recording().add_source(str(path), zone="UTC")
            except Unreadable:
                continue
            paths.append(path)
    assert len(paths) > 25
    how = ["--zone", "UTC"]
    code, out, err = run("replay", *paths, *how, "--dry-run", "--events", tmp_path / "events")
    assert code == 0, err
    dry = counts(out)
    live = replay(server, *paths, *how)
    assert {name: dry[name] for name in live} == live
    assert dry["items"] == dry["accepted"] + dry["duplicates"] + dry["discarded"] + dry["rejected"] + dry["skipped"]


@pytest.mark.parametrize(
    "arguments",
    [["missing.csv"], [], [TRACKS / "vans.csv", "--format", "xls"], [TRACKS / "vans.csv", "--speed", "-1"]],
)
def test_wrong_use_ends_with_two(arguments: list[object]) -> None:
    code, out, err = run("replay", *arguments)
    assert (code, out) == (2, "")
    assert err
    assert "Traceback" not in err


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell that starts us in the background has us, and so our children, ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_with_the_summary(server: Server) -> None:
    with subprocess.Popen(
        command("replay", TRACKS / "vans.ndjson", "--to", server.url), cwd=ROOT, stdout=-1, stderr=-1, text=True
    ) as player:
        until_sync(lambda: len(fix_times(server)) > 1, "the second batch is there: the first was answered", 30)
        player.send_signal(signal.SIGINT)
        out, err = player.communicate(timeout=deadline(30))
    assert player.returncode == 1
    assert "stopped" in err
    assert "Traceback" not in err
    assert 0 < counts(out)["sent"] < 560
    assert counts(out)["not played"] == 560 - counts(out)["sent"] > 0


def test_now_puts_old_vehicles_on_the_map_of_today(server: Server) -> None:
    with subprocess.Popen(
        command("replay", TRACKS / "vans.ndjson", "--to", server.url, "--now", "--loop"),
        cwd=ROOT,
        stdout=-1,
        stderr=-1,
        text=True,
    ) as player:
        found = until_sync(lambda: server.get("/api/v1/vehicles").json()["vehicles"], "a vehicle", 30)
        player.send_signal(signal.SIGTERM)
        out, _ = player.communicate(timeout=deadline(30))
    assert player.returncode == 0  # a loop is ended no other way
    assert counts(out)["rejected"] == 0
    moment, received = (parse_time(found[0]["position"][name]) for name in ("time", "received_at"))
    assert abs(received - moment) < 3_600_000


def test_a_source_can_be_a_pipe_and_a_part_of_it_be_chosen(server: Server) -> None:
    text = (TRACKS / "vans.ndjson").read_bytes()
    chosen = ("--from", "2026-09-21T14:14:00Z", "--until", "2026-09-21T14:15:00Z", "--vehicle", "van-0[12]")
    code, out, _ = run("replay", "-", "--to", server.url, "--speed", "max", *chosen, stdin=text)
    assert code == 0
    assert counts(out)["vehicles"] == 2
    assert all("14:14" in str(row["time"]) for row in track(server, "van-01"))


def test_a_fleet_list_becomes_the_register(server: Server, tmp_path: Path) -> None:
    server.ping("7")
    path = tmp_path / "fleet.csv"
    path.write_text("\ufeffvehicle;name;plate;group;seats\n7;Van 7;ABC-1;North;3\nnew;;XYZ-2;South;\n", "utf-8")
    code, out, err = run("vehicles", "import", path, "--to", server.url)
    assert (code, counts(out)) == (0, {"created": 1, "updated": 1, "failed": 0}), err
    seven = server.get("/api/v1/vehicles/7").json()
    assert (seven["name"], seven["plate"], seven["group"], seven["attributes"]) == (
        *("Van 7", "ABC-1", "North"),
        {"seats": 3},
    )
    path.write_text("vehicle,kind,plate\n7,van,\n/,x,y\n")
    code, out, err = run("vehicles", "import", path, "--to", server.url)
    assert (code, counts(out)) == (1, {"created": 0, "updated": 1, "failed": 1})
    assert "line 3" in err
    seven = server.get("/api/v1/vehicles/7").json()
    assert (seven["kind"], seven["plate"], seven["attributes"]) == ("van", "ABC-1", {"seats": 3})


@pytest.mark.parametrize("content", ["name,plate\na,b\n", ""])
def test_a_list_that_names_no_vehicle_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "fleet.csv"
    path.write_text(content)
    code, _, err = run("vehicles", "import", path, "--to", "http://127.0.0.1:1")
    assert code in (1, 2)
    assert "vehicle" in err


@real_data
def test_a_day_of_austins_buses_arrives_whole(server: Server) -> None:
    path = DATA / "austin-bus" / "2015-06-07.csv"
    with path.open(newline="") as file:
        rows = [(row["vehicle_id"], row["timestamp"]) for row in csv.DictReader(file)]
    told = replay(server, path)
    assert (told["vehicles"], told["out of order"]) == (146, 592)  # as its README states
    assert (told["sent"], told["accepted"], told["duplicates"]) == (len(rows), len(set(rows)), 0) == (45_134, 45_134, 0)
    assert (told["late"], told["rejected"]) == (0, 0)
    vehicles = server.get("/api/v1/vehicles?limit=1000").json()["vehicles"]
    assert len(vehicles) == 146
    assert not [vehicle for vehicle in vehicles if vehicle["state"] == "offline"]  # silence counts from receipt


@real_data
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("gpx/limerick-bus-304.gpx", {"vehicles": 1, "sent": 2144, "accepted": 2144}),
        ("austin-bus/2016-09-01.csv", {"vehicles": 307, "sent": 548, "duplicates": 241}),
        ("austin-bus/2017-04-18.csv", {"vehicles": 320, "sent": 44_300, "rejected": 22, "out of order": 608}),
        ("helsinki-hfp/hfp-v1-0001-3000.txt", {"vehicles": 1412, "sent": 2913, "skipped": 87}),
        ("gpx/cerknicko-without-times.gpx", {"sent": 5, "skipped": 298}),
        ("gpx/multitrackgpx.gpx", {"vehicles": 3, "sent": 117}),
        ("munich-car/x0001-001.json", {"sent": 1194, "accepted": 1194}),
        ("envirocar/track_1.geojson", {"sent": 368, "accepted": 368}),
        ("sf-cabs/new_eincufpy.txt", {"sent": 3920}),
        ("gtfsrt-mbta/VehiclePositions_enhanced.json", {"vehicles": 550, "sent": 550}),
    ],
)
def test_real_recordings_end_with_the_counts_their_readme_states(
    shared_server: Server, name: str, wanted: dict[str, int]
) -> None:
    told = replay(shared_server, DATA / name)
    assert told | wanted == told


@real_data
def test_naive_times_need_a_zone(shared_server: Server) -> None:
    path = DATA / "aracaju-gotrack" / "go_track_trackspoints.csv"
    code, out, err = run("replay", path, "--to", shared_server.url, "--speed", "max")
    assert (code, out) == (2, "")
    assert "--zone" in err
    told = replay(shared_server, path, "--zone", "America/Maceio")
    assert (told["vehicles"], told["sent"], told["rejected"]) == (163, 18_107, 0)


def test_the_token_may_come_from_the_environment(server: Server) -> None:
    done = subprocess.run(
        command("replay", TRACKS / "vans.gpx", "--to", server.url, "--speed", "max"),
        cwd=ROOT,
        env={**os.environ, "TRACKER_TOKEN": "anything"},
        capture_output=True,
        timeout=deadline(60),
    )
    assert done.returncode == 0


def test_what_a_server_has_is_what_its_past_tells_again(server: Server) -> None:
    """From its folder beside it, and over its API; and a WebSocket takes it as well."""
    replay(server, TRACKS / "vans.csv", "--until", "2026-09-21T14:16:00Z")
    server.send("PUT", "/api/v1/regions/town", circle(60.1713, 24.9440, 600))
    replay(server, TRACKS / "vans.csv")
    code, told, err = run("replay", "--store", server.data, "--diff")
    assert (code, told.startswith("no differences")) == (0, True), told + err
    hashed = err.splitlines()[-1]
    assert re.fullmatch("hash: [0-9a-f]{64}", hashed)
    assert f"stored: {counts(err)['events']} events, hash {hashed.removeprefix('hash: ')}" in err
    assert counts(err)["events"] > 0
    code, events, err = run("replay", "--from-server", server.url, "--dry-run")
    assert (code, err.splitlines()[-1]) == (0, hashed)
    assert len(events.splitlines()) == counts(err)["events"]
    code, summary, err = run("replay", "--store", server.data, "--to", server.ws, "--speed", "max")
    count = counts(summary)
    assert (code, count["accepted"], count["duplicates"]) == (0, 0, 560), (
        f"it counts what the server says: {summary} {err}"
    )
