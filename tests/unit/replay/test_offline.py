"""A dry run: the same fleet and regions, the recording as the clock, and the same bytes every time."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tracker.commands.cli import cli
from tracker.errors import TrackerError
from tracker.formats import Point
from tracker.regions.importing import read_all
from tracker.replay.offline import Offline, load_regions

ROOT = Path(__file__).parents[3]
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
        tally = tally.add_tally(part) or tally if tally else part
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


def test_a_vehicle_that_went_quiet_while_it_moved_is_silent_then_heard() -> None:
    points = [point(0, 60.1, speed_mps=9), point(10, 60.101, speed_mps=9), point(1210, 60.102, speed_mps=9)]
    events, _ = play(points, [])
    assert [(event["kind"], event["time"][11:19]) for event in events] == [
        ("silent", "09:05:10"),
        ("heard", "09:20:10"),
    ]


def test_a_timer_that_has_nothing_to_say_does_not_hold_up_those_behind_it() -> None:
    """The one of the first fix is passed over; the vehicle never reports again, another does once."""
    points = [point(0, 60.1, speed_mps=9), point(10, 60.101, speed_mps=9), point(500, 60.3, "other")]
    events, _ = play(points, [])
    assert [(event["kind"], event["vehicle"], event["time"][11:19]) for event in events] == [
        ("silent", "7", "09:05:10")
    ]


def test_a_dwell_has_the_place_and_the_why_of_its_enter() -> None:
    events, _ = play([point(0, 60.18), point(10, 60.1701), point(40, 60.1703), point(200, 60.1702)], [YARD])
    enter, dwell = (event for event in events if event["kind"] in ("enter", "dwell"))
    assert [dwell[name] for name in ("time", "lat", "lon", "why")] == [
        "2026-11-23T09:01:10.000Z", enter["lat"], enter["lon"], enter["why"],
    ]  # fmt: skip
    assert enter["why"]["to"]["time"] == "2026-11-23T09:00:10.000Z"


DAYS = {day: [["08:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
DAILY = {**YARD, "properties": {"radius_m": 200, "rules": {"schedule": {"zone": "UTC", "weekly": DAYS}}}}


def test_one_row_decades_off_makes_no_event_for_every_day_between() -> None:
    events, _ = play([point(-20 * 365 * 86_400, 60.17), point(0, 60.17)], [DAILY])
    assert [event["reason"] for event in events] == ["first_seen"]


@pytest.mark.parametrize("days", [7.1, 10, 13, 30])
def test_a_gap_of_more_than_a_week_tells_only_what_is_at_its_end(days: float) -> None:
    events, _ = play([point(0, 60.17), point(round(days * 86_400), 60.17)], [DAILY])
    assert len([event for event in events if event["reason"].startswith("window")]) <= 1


def test_three_days_between_two_fixes_tell_every_edge_of_a_window() -> None:
    events, _ = play([point(0, 60.17), point(3 * 86_400, 60.17)], [DAILY])
    assert [(event["kind"], event["time"][8:13]) for event in events] == [
        ("enter", "23T09"), ("exit", "23T17"), ("enter", "24T08"), ("exit", "24T17"),
        ("enter", "25T08"), ("exit", "25T17"), ("enter", "26T08"),
    ]  # fmt: skip
    assert [event["duration_s"] for event in events if event["kind"] == "exit"] == [28_800.0, 32_400.0, 32_400.0]


def test_a_row_after_the_clock_of_the_run_is_refused_and_told(tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    rows = ["2026-01-01T10:00:00Z", "2026-01-02T10:00:00Z", "2026-01-02T10:01:01Z"]
    path.write_text("vehicle,time,lat,lon\n" + "".join(f"v,{row},60.1,24.9\n" for row in rows))
    result = replay(str(path), "--dry-run", "--as-of", "2026-01-02T10:00:00Z")
    assert "accepted: 2" in result.stderr
    assert "rejected: 1 (time_in_future: 1)" in result.stderr
    path.write_text("vehicle,time,lat,lon\nv,2100-01-01T00:00:00Z,60.1,24.9\nv,2026-01-01T10:00:00Z,60.1,24.9\n")
    assert "rejected: 1 (time_in_future: 1)" in replay(str(path), "--dry-run").stderr


def test_a_dry_run_obeys_the_settings_of_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "drive.csv"
    rows = [(0, 60.1), (10, 60.101), (100, 60.102)]
    path.write_text(
        "vehicle,time,lat,lon,speed_kmh\n"
        + "".join(f"v,2026-01-01T10:{second // 60:02}:{second % 60:02}Z,{lat},24.9,30\n" for second, lat in rows)
    )
    assert replay(str(path), "--dry-run").stdout == ""
    monkeypatch.setenv("TRACKER_SILENCE_S", "60")
    assert [json.loads(line)["kind"] for line in replay(str(path), "--dry-run").stdout.splitlines()] == [
        "silent", "heard",
    ]  # fmt: skip
    monkeypatch.delenv("TRACKER_SILENCE_S")
    config = tmp_path / "tracker.toml"
    config.write_text("silence_s = 60\n")
    monkeypatch.setenv("TRACKER_CONFIG", str(config))
    assert '"silent"' in replay(str(path), "--dry-run").stdout


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
        assert [region.id for region in read_all(load_regions(str(path)), 0, str).regions] == ["yard"]
    path.write_text(json.dumps([{key: value for key, value in YARD.items() if key != "id"}]))
    [unnamed] = load_regions(str(path))
    assert isinstance(unnamed.feature, dict)
    assert "id" not in unnamed.feature


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
        (["--as-of", "2026-01-02T00:00:00Z"], "--as-of belongs to --dry-run"),
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


def test_a_dry_run_reads_the_regions_a_server_reads(tmp_path: Path) -> None:
    ring = "24,60 25,60 25,61 24,61 24,60"
    outline = f"<outerBoundaryIs><LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs>"
    path = tmp_path / "regions.kml"
    path.write_text(f'<kml><Placemark id="way/1"><Polygon>{outline}</Polygon></Placemark></kml>')
    result = replay(str(TRACKS / "vans.csv"), "--dry-run", "--regions", str(path))
    assert '"region":"way-1"' in result.stdout
    path.write_text(
        f"<kml>\n<Placemark><name>P</name><Point><coordinates>{ring[:5]}</coordinates></Point></Placemark></kml>"
    )
    result = replay(str(TRACKS / "vans.csv"), "--dry-run", "--regions", str(path))
    assert isinstance(result.exception, TrackerError)
    assert "line 2, 'P', properties.radius_m: radius_m is missing" in result.exception.detail
    result = replay(str(TRACKS / "vans.csv"), "--dry-run", "--regions", str(TRACKS / "vans.gpx"))
    assert isinstance(result.exception, TrackerError)
    assert "This is GPX" in result.exception.detail


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


AREA = "24,60 25,60 25,61 24,60"
OUTLINE = f"<outerBoundaryIs><LinearRing><coordinates>{AREA}</coordinates></LinearRing></outerBoundaryIs>"
RING = [[24, 60], [25, 60], [25, 61], [24, 60]]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("regions.kml", f"<kml><Placemark><name>a</name><Polygon>{OUTLINE}</Polygon></Placemark></kml>"),
        ("regions.geojson", json.dumps({"type": "Polygon", "coordinates": [RING]})),
        ("places.kml", "<kml><Placemark><Point><coordinates>24,60</coordinates></Point></Placemark></kml>"),
        ("places.geojson", json.dumps({"type": "Point", "coordinates": [24, 60]})),
        ("places.csv", "id,lat,lon\n1,60,24\n"),
        ("places.json", json.dumps([{"id": 1, "lat": 60, "lon": 24}])),
        ("places.ndjson", json.dumps({"id": 1, "lat": 60, "lon": 24})),
        ("areas.csv", "id,time,geom\n1,1795424400,POLYGON((24 60))\n"),
        ("trips.csv", "time,destination_lat,destination_lon\n1795424400,60,24\n"),
        ("trips.json", json.dumps([{"time": 1795424400, "destination": {"lat": 60, "lon": 24}}])),
    ],
)
def test_what_is_no_recording_is_nothing_to_play_in_every_format(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    result = replay(str(path), "--dry-run")
    code = 2 if getattr(result.exception, "usage", False) else 1 if result.exception else result.exit_code
    assert code == 1
