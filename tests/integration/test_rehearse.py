"""A region is dragged over yesterday: what the server tells of it is what `tracker replay --diff` finds."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from tests.support.servers import Server, circle
from tracker.commands.cli import cli

PATH = "/api/v1/history/rehearse"
NOW = int(time.time())


def drive(vehicle: str) -> list[dict[str, Any]]:
    """Half a day to and fro, through the yard and past it, with stands in it."""
    rng = random.Random(vehicle)
    told, lat, lon, at = [], 60.17, 24.90, NOW - 40_000
    while at < NOW - 2000:
        to = (60.17 + rng.uniform(-0.01, 0.01), 24.94 + rng.choice([-0.06, -0.001, 0.0, 0.004, 0.06]))
        for step in range(1, 13):
            place = {"lat": lat + (to[0] - lat) * step / 12, "lon": lon + (to[1] - lon) * step / 12}
            told.append({"vehicle": vehicle, "time": at, **place, "speed_mps": 11, "accuracy_m": rng.choice([5, 30])})
            at += 30
        lat, lon = to
        for _ in range(rng.choice([1, 20])):
            told.append({"vehicle": vehicle, "time": at, "lat": lat, "lon": lon, "speed_mps": 0})
            at += 30
    return told


def yard(east: float) -> dict[str, Any]:
    ring = [[24.935, 60.165], [24.945, 60.165], [east, 60.173], [24.935, 60.175], [24.935, 60.165]]
    properties = {"name": "Yard", "rules": {"dwell_s": 120}}
    return {
        "type": "Feature",
        "id": "yard",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": properties,
    }


def test_a_dragged_region_tells_the_ids_that_replay_finds(start_server: Callable[..., Server], tmp_path: Path) -> None:
    server = start_server()
    assert server.send("PUT", "/api/v1/regions/yard", yard(24.945)).status == 201
    assert server.send("PUT", "/api/v1/regions/other", circle(60.17, 24.944, 300, name="Other")).status == 201
    for n in range(2):
        assert server.post("/api/v1/positions", drive(f"van-{n}")).status == 200
    for step in range(4):
        going = server.post(f"{PATH}?going=1", yard(24.945 - step * 0.003)).json()
    told = server.post(PATH, yard(24.936)).json()
    assert {name: going[name] for name in going} == {name: told[name] for name in going}
    assert going["vanished_count"] and going["same"]

    drawn = tmp_path / "drawn.geojson"
    features = [yard(24.936), server.get("/api/v1/regions/other").json()]
    drawn.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    done = CliRunner().invoke(
        cli,
        [
            "replay",
            "--store",
            str(server.data),
            "--diff",
            "--format",
            "ndjson",
            "--regions",
            str(drawn),
            "--from",
            told["from"],
            "--until",
            told["until"],
        ],
    )
    found: dict[str, set[str]] = {"appeared": set(), "vanished": set(), "changed": set()}
    for one in map(json.loads, done.stdout.splitlines()):
        if one["region"] == "yard":
            found[one["what"]].add((one.get("after") or one["before"])["id"])
    assert {what: {one["id"] for one in told[what]} for what in found} == found

    assert server.post(PATH, yard(24.936) | {"geometry": {"type": "Polygon", "coordinates": []}}).status == 422
    assert server.post(f"{PATH}?limit=0", yard(24.96)).json()["appeared"] == []
