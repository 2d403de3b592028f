"""A data folder of every released version is opened by this one, and nothing in it is lost or told differently."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.servers import ROOT, Server

RELEASES = sorted(path.parent for path in (ROOT / "fixtures" / "data").glob("*/tracker.db"))


@pytest.fixture(params=RELEASES, ids=lambda folder: folder.name)
def release(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.param
    return folder


def part_of(whole: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """What a later version says of the things this one knew; it may say more."""
    return {key: whole.get(key) for key in expected}


def test_this_version_s_folder_is_kept_for_the_next(release: Path) -> None:
    assert "0.1.0" in [folder.name for folder in RELEASES]
    assert (release / "expected.json").is_file()


def test_a_folder_of_a_released_version_is_opened_with_all_that_is_in_it(
    release: Path, tmp_path: Path, start_server: Callable[..., Server]
) -> None:
    expected = json.loads((release / "expected.json").read_text())
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(release / "tracker.db", data)
    server = start_server(data)
    holds(server, expected)
    assert server.ping("van-1", lat=60.1691, lon=24.94).status == 200
    server.kill()
    server.start()
    assert len(track(server, "van-1")) == len(expected["tracks"]["van-1"]) + 1
    holds(server, {**expected, "tracks": {}, "vehicles": []})


def holds(server: Server, expected: dict[str, Any]) -> None:
    events = server.events(after=0)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert [part_of(*pair) for pair in zip(events, expected["events"], strict=False)] == expected["events"]

    regions = {region["id"]: region for region in server.get("/api/v1/regions?limit=1000").json()["regions"]}
    assert sorted(regions) == sorted(region["id"] for region in expected["regions"])
    for region in expected["regions"]:
        found = regions[region["id"]]
        assert found["geometry"] == region["geometry"]
        assert part_of(found["properties"], region["properties"]) == region["properties"]
    for place, version in expected["versions"].items():
        id, number = place.split("/")
        assert part_of(server.get(f"/api/v1/regions/{id}/versions/{number}").json(), version) == version

    for vehicle in expected["vehicles"]:
        found = server.get(f"/api/v1/vehicles/{quote(vehicle['vehicle'])}").json()
        inside = {region["id"] for region in found["regions"]}
        # a weekly window turns by the clock of whoever opens the folder
        scheduled = {region["id"] for region in expected["regions"] if "schedule" in region["properties"]["rules"]}
        assert inside - scheduled == set(vehicle.pop("regions")) - scheduled
        assert part_of(found, vehicle) == vehicle
    for vehicle, fixes in expected["tracks"].items():
        assert [part_of(*pair) for pair in zip(track(server, vehicle), fixes, strict=True)] == fixes


def track(server: Server, vehicle: str) -> list[dict[str, Any]]:
    path = f"/api/v1/vehicles/{quote(vehicle)}/track?from=2000-01-01T00:00:00Z&until=2100-01-01T00:00:00Z&limit=10000"
    found: list[dict[str, Any]] = server.get(path).json()["positions"]
    return found
