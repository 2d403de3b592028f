"""Migrating: a Traccar of our own making into a data folder: counts, words, what goes wrong; and a second time."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support.traccar import FIXES, TOKEN, Traccar
from tracker.commands.cli import cli
from tracker.commands.office import office
from tracker.config import Settings


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, ["import", "traccar", *map(str, words)], catch_exceptions=True)


def table(result: Result) -> dict[str, list[int]]:
    rows = [line.split() for line in result.stdout.splitlines()[1:]]
    return {row[0]: [int(cell.replace(",", "")) for cell in row[1:4]] for row in rows}


@pytest.fixture
def traccar() -> Traccar:
    return Traccar()


def test_what_a_traccar_that_runs_has_is_here_once_however_often_it_is_asked(tmp_path: Path, traccar: Traccar) -> None:
    data = tmp_path / "data"
    with traccar.serve() as url:
        asked = "--from-url", url, "--token", TOKEN, "--data", data, "--from", "2026-08-01T00:00:00Z"
        first = run(*asked, "--until", "2026-10-01T00:00:00Z")
        again = run(*asked, "--until", "2026-10-01T00:00:00Z")
    assert first.exit_code == 1, first.output  # the torn shape is for somebody to look at
    assert "'Torn' (number 5)" in first.stderr and "its calendar" in first.stderr
    assert "'A/B' cannot be the id of a vehicle here: it is 'A-B (traccar 1)'" in first.stderr
    there = len(traccar.positions)
    assert table(first) == {
        "devices": [4, 4, 4], "groups": [3, 3, 0], "geofences": [5, 4, 4], "positions": [there, 120, 120],
        "events": [5, 5, 5],
    }  # fmt: skip
    assert "1 told again for the same time" in first.stdout and "1 without a place" in first.stdout
    assert {kind: row[2] for kind, row in table(again).items()} == dict.fromkeys(table(again), 0)
    assert {kind: row[:2] for kind, row in table(again).items()} == {k: row[:2] for k, row in table(first).items()}
    with office(Settings(data=str(data))) as ours:
        van = ours.ask("GET", "/api/v1/vehicles/A-B%20(traccar%201)")
        assert (van["name"], van["group"], van["kind"]) == ("Slash", "North / Vans", "van")
        assert van["attributes"] == {"speedLimit": 43.2, "phone": "+358 1"}
        assert ours.ask("GET", "/api/v1/vehicles/A-B")["attributes"] == {"disabled": True}
        track = ours.ask(
            "GET", "/api/v1/vehicles/350612/track?from=2026-08-01T00:00:00Z&until=2026-10-01T00:00:00Z&limit=1000"
        )
        assert len(track["positions"]) == FIXES and track["positions"][0]["speed_mps"] == pytest.approx(5.144, abs=1e-3)
        port = ours.ask("GET", "/api/v1/regions/traccar-2")
        assert port["geometry"] == {"type": "Point", "coordinates": [25.2, 60.1]}
        assert port["properties"]["radius_m"] == 250.5 and port["properties"]["color"] == "#aa2200"
        assert port["properties"]["rules"]["speed_limit_mps"] == pytest.approx(8.334, abs=1e-3)
        assert ours.ask("GET", "/api/v1/regions/traccar-3")["properties"]["buffer_m"] == 40
        told = ours.ask("GET", "/api/v1/events?kind=told")["events"]
        assert sorted(one["what"] for one in told) == sorted(one["type"] for one in traccar.events)
        [left] = [one for one in told if one["what"] == "geofenceExit"]
        assert (left["region"], left["vehicle"], left["lat"], left["told_by"]) == (
            "traccar-1", "A-B (traccar 1)", 60.015, "Traccar",
        )  # fmt: skip
        [online] = [one for one in told if one["what"] == "deviceOnline"]
        assert online["placed"] is False and online["delayed"] is True
        decided = ours.ask("GET", "/api/v1/events?kind=enter,exit&region=traccar-1")["events"]
        assert [one["kind"] for one in decided if one["reason"] != "region_created"] == ["enter", "exit"]


@pytest.mark.parametrize("form", ["tables", "dump"])
def test_an_export_of_its_database_says_the_same(tmp_path: Path, traccar: Traccar, form: str) -> None:
    path = traccar.write_tables(tmp_path) if form == "tables" else traccar.write_dump(tmp_path / "traccar.sql")
    first, again = (run(path, "--data", tmp_path / "data") for _ in range(2))
    there = len(traccar.positions)
    assert table(first) == {
        "devices": [4, 4, 4], "groups": [3, 3, 0], "geofences": [5, 4, 4], "positions": [there, 120, 120],
        "events": [5, 5, 5],
    }, first.output  # fmt: skip
    assert {kind: row[2] for kind, row in table(again).items()} == dict.fromkeys(table(again), 0)
