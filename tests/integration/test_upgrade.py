"""A data folder of every released version is opened by this one, and nothing in it is lost or told differently."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.house import GOOD, House
from tests.support.servers import ROOT, Server
from tests.support.waiting import deadline

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


def lines(page: str, heading: str) -> str:
    """The commands below a heading, as somebody would paste them."""
    section = re.search(rf"^## {heading}.*?$(.*?)^## ", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    assert section, f"{page} has no heading {heading}"
    return "".join(re.findall(r"^```(?:sh)?\n(.*?)^```", section[1], re.MULTILINE | re.DOTALL))


def paste(commands: str, server: Server, folder: Path) -> str:
    """Into a shell of somebody whose server has this folder and this port; what it prints. Each command goes well."""
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / "tracker").write_text(f'#!/bin/sh\nexec {sys.executable} -m tracker "$@"\n')
    (folder / "bin" / "tracker").chmod(0o755)
    commands = commands.replace("/var/lib/tracker", str(server.data)).replace(":8000", f":{server.port}")
    commands = commands.replace(".venv/bin/tracker", "tracker").replace("curl ", "curl --fail-with-body ")
    environ = os.environ | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder, env=environ, capture_output=True, text=True, timeout=deadline(90),
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


def test_what_ran_goes_on_as_before_until_the_page_on_upgrading_was_followed(release: Path, tmp_path: Path) -> None:
    expected = json.loads((release / "expected.json").read_text())
    unit = (ROOT / "packaging" / "tracker.service").read_text()
    assert "\nExecStart=/opt/tracker/bin/tracker serve --data /var/lib/tracker\n" in unit, "what is started here"
    server = House(tmp_path / "data")
    server.data.mkdir()
    shutil.copy(release / "tracker.db", server.data)
    try:
        server.start()
        first = server.first_link()
        assert "nobody signs in here yet: whoever reaches this server" in server.log.read_text()
        paste(lines("README.md", "Send a position") + lines("README.md", "Draw a region"), server, tmp_path)
        paste(lines("docs/upgrading.md", "From 0.1.0"), server, tmp_path)

        said = server.log.read_text()
        assert "from now on people sign in" in said
        for path in ("vehicles", "events", "audit"):
            assert server.get(f"/api/v1/{path}").status == 401
        assert server.ping("forgotten").status == 401
        assert server.get("/healthz").status == 200
        assert server.post("/api/v1/session", {"link": first, "name": "eve", "password": GOOD}).status == 404
        link = paste("tracker users link ada --data /var/lib/tracker", server, tmp_path).strip().partition("#")[2]
        server.cookie = server.sign_in({"link": link, "password": GOOD})
        told = server.get("/api/v1/tokens", cookie=server.cookie).json()
        assert [one["asked"] for one in told["without"]] == ["POST /api/v1/positions"]
        assert {one["name"]: bool(one["used_at"]) for one in told["tokens"]} == {"vans": True, "prometheus": True}
        assert "127.0.0.1 asked once without a good token" in server.log.read_text()

        server.kill()
        server.start()
        assert "/signin#" not in server.log.read_text()[len(said) :], "there is an administrator"
        seen = server.get("/api/v1/events?after=0&limit=1000", cookie=server.cookie).json()["events"]
        assert [part_of(*pair) for pair in zip(seen, expected["events"], strict=False)] == expected["events"]
        entry = server.get("/api/v1/vehicles/my-van", cookie=server.cookie).json()
        assert entry["name"] == "My van"
        assert "my-yard" in {region["id"] for region in entry["regions"]}
    finally:
        server.kill()


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
