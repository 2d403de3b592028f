"""A dry run: the same fleet and regions, the recording as the clock, and the same bytes every time."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tracker.cli import cli
from tracker.errors import TrackerError
from tracker.formats import Point
from tracker.replay.offline import Offline, load_regions

ROOT = Path(__file__).parents[2]
TRACKS = ROOT / "fixtures" / "tracks"
REGIONS = ROOT / "fixtures" / "demo" / "regions.geojson"
START = 1_795_424_400_000

YARD: dict[str, Any] = {
    "type": "Feature",
    "id": "yard",
    "properties": {"radius_m": 200, "rules": {"dwell_s": 60}},
    "geometry": {"type": "Point", "coordinates": [24.94, 60.17]},
}


def point(second: int, lat: float, vehicle: str = "7", **fields: Any) -> Point:
    return Point(START + second * 1000, {"vehicle": vehicle, "lat": lat, "lon": 24.94, **fields}, line=second)


def play(points: list[Point], regions: list[dict[str, Any]], batch: int = 1000) -> tuple[list[dict[str, Any]], Any]:
    out = io.StringIO()
    offline = Offline(out, regions, points[0].time)
    tally: Any = None
    for start in range(0, len(points), batch):
        part = offline.send(points[start : start + batch])
        tally = tally.add(part) or tally if tally else part
    return [json.loads(line) for line in out.getvalue().splitlines()], tally


VISIT = [point(0, 60.18), point(10, 60.175), point(20, 60.1701), point(120, 60.17), point(130, 60.175, speed_mps=50)]


def test_going_in_staying_and_going_out_make_their_events() -> None:
    events, tally = play(VISIT, [YARD])
    assert [(event["kind"], event["time"][11:19]) for event in events] == [
        ("enter", "09:00:20"),
        ("dwell", "09:01:20"),
        ("exit", "09:02:10"),
    ]
    assert all("seq" not in event and "received_at" not in event for event in events)
    assert events[2]["duration_s"] == 110.0
    assert tally.accepted == 5


def test_how_points_are_batched_changes_nothing() -> None:
    assert play(VISIT, [YARD], 1)[0] == play(VISIT, [YARD], 2)[0] == play(VISIT, [YARD])[0]


def test_a_timer_fires_when_the_recording_passes_it_and_not_after_its_end() -> None:
    events, _ = play([point(0, 60.17), point(70, 60.3, "other")], [YARD])
    assert [event["kind"] for event in events] == ["enter", "dwell"]
    events, _ = play([point(0, 60.17), point(50, 60.3, "other")], [YARD])
    assert [event["kind"] for event in events] == ["enter"]


def test_the_gate_and_duplicates_count_as_on_a_server() -> None:
    points = [point(0, 60.17), point(0, 60.17), point(0, 60.2), point(1, 95.0), point(2, 60.17, time="yesterday")]
    _, tally = play(points, [])
    assert (tally.sent, tally.accepted, tally.duplicates, tally.conflicts, tally.rejected) == (5, 1, 2, 1, 2)
    assert tally.reasons == {"lat_out_of_range": 1, "time_invalid": 1}


def test_region_files_of_every_kind_are_read(tmp_path: Path) -> None:
    path = tmp_path / "regions.json"
    for document in (
        YARD,
        [YARD],
        {"type": "FeatureCollection", "features": [YARD]},
        {"regions": [YARD], "next": None},
    ):
        path.write_text(json.dumps(document))
        assert [feature["id"] for feature in load_regions(str(path))] == ["yard"]
    path.write_text(json.dumps([{key: value for key, value in YARD.items() if key != "id"}]))
    assert load_regions(str(path))[0]["id"] == "region-1"


def replay(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["replay", *arguments])


def test_events_are_the_result_and_the_summary_stands_beside_it() -> None:
    result = replay(str(TRACKS / "vans.csv"), "--dry-run", "--regions", str(REGIONS))
    assert result.exit_code == 0
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert {event["kind"] for event in events} >= {"enter", "exit"}
    assert "sent: 560\naccepted: 560\n" in result.stderr
    assert f"events: {len(events)}" in result.stderr


def test_with_a_file_for_the_events_the_summary_is_the_result(tmp_path: Path) -> None:
    written = []
    for name in ("a", "b"):
        result = replay(
            *(str(TRACKS / "vans.ndjson"), "--dry-run", "--regions", str(REGIONS), "--events", str(tmp_path / name))
        )
        assert result.stdout.startswith("vehicles: 6\nitems: 560\nsent: 560\n")
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]
    assert written[0].count(b"\n") > 10


@pytest.mark.parametrize("name", ["vans.csv", "vans.gpx", "vans.ndjson"])
def test_the_shipped_tracks_visit_the_demo_regions(name: str) -> None:
    result = replay(str(TRACKS / name), "--dry-run", "--regions", str(REGIONS))
    assert result.stdout.count('"kind":"enter"') >= 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--regions", str(REGIONS)], "--regions belongs to --dry-run"),
        (["--events", "x"], "--events belongs to --dry-run"),
        (["--dry-run", "--loop"], "goes without --loop"),
        (["--from", "2026-01-02T00:00:00Z", "--until", "2026-01-01T00:00:00Z"], "--from is not before --until"),
        (["--format", "xls"], "no format is called 'xls'"),
        (["--to", "ftp://x"], "is no address"),
    ],
)
def test_wrong_use_is_told(arguments: list[str], message: str) -> None:
    result = replay(str(TRACKS / "vans.csv"), *arguments)
    assert isinstance(result.exception, TrackerError)
    assert message in result.exception.detail
    assert result.exception.usage  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "arguments", [["--speed", "0"], ["--speed", "fast"], ["--from", "soon"], ["--speed-unit", "x"]]
)
def test_click_refuses_what_it_can_see(arguments: list[str]) -> None:
    assert replay(str(TRACKS / "vans.csv"), *arguments).exit_code == 2


def test_regions_that_are_not_valid_are_explained(tmp_path: Path) -> None:
    path = tmp_path / "regions.geojson"
    path.write_text(json.dumps({**YARD, "properties": {}}))
    result = replay(str(TRACKS / "vans.csv"), "--dry-run", "--regions", str(path))
    assert isinstance(result.exception, TrackerError)
    assert "radius_m" in result.exception.detail


def test_nothing_chosen_is_said_and_is_a_failure() -> None:
    result = replay(str(TRACKS / "vans.csv"), "--dry-run", "--vehicle", "nobody")
    assert result.exit_code == 1
    assert "nothing to play" in result.stderr
    assert "items: 560\nsent: 0\n" in result.stderr
    assert "skipped: 560 (not_chosen: 560)" in result.stderr
