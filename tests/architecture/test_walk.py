"""The walk in docs/architecture.md is the way one ping goes."""

from __future__ import annotations

import re
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from tracker.config import Settings
from tracker.web.app import create_app

ROOT = Path(__file__).parents[2]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()


def part(title: str) -> str:
    return ARCHITECTURE.partition(f"## {title}")[2].partition("\n## ")[0]


def test_the_files_that_the_docs_lead_to_are_there() -> None:
    named = re.findall(r"`((?:tracker|static|tests|fixtures)/[\w/.]+)`", ARCHITECTURE)
    assert len(named) > 40
    assert [name for name in named if not (ROOT / name).exists()] == []


async def test_one_ping_enters_the_rooms_in_the_order_of_the_walk(tmp_path: Path) -> None:
    """From its body to who is told. The socket before and the page after it are walked by the browser tests."""
    entered: dict[str, int] = {}
    walking = False

    def note(frame: FrameType, event: str, _: Any) -> None:
        if walking and event == "call":
            entered.setdefault(frame.f_code.co_filename.removeprefix(f"{ROOT}/"), len(entered))

    threading.setprofile(note)
    before = sys.getprofile()
    try:
        app = create_app(Settings(data=str(tmp_path / "data"), tiles=""))
        async with app.test_app() as running:
            client = running.test_client()
            square = [[[24.9, 60.1], [25.0, 60.1], [25.0, 60.2], [24.9, 60.2], [24.9, 60.1]]]
            region = {
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": square},
                "properties": {"name": "A"},
            }
            assert (await client.put("/api/v1/regions/a", json=region)).status_code == 201
            now = app.extensions["node"].clock()
            outside, inside = (
                {"vehicle": "v", "time": now - 5000 + ago, "lat": lat, "lon": 24.95}
                for ago, lat in ((0, 60.2005), (4000, 60.199))
            )
            assert (await client.post("/api/v1/positions", json=outside)).status_code == 200
            app.extensions["node"].hub.routing.watch(True)  # else who moved is only noted
            walking = True
            sys.setprofile(note)
            answer = await client.post("/api/v1/positions", json=inside)
            sys.setprofile(before)
            walking = False
            assert answer.status_code == 200
    finally:
        sys.setprofile(before)
        threading.setprofile(None)
    steps = re.split(r"^\d+\. ", part("The walk of one ping"), flags=re.MULTILINE)[1:]
    assert len(steps) == 10
    walk = [re.findall(r"`(tracker/[\w/.]+)`", step) for step in steps[1:9]]
    assert [name for step in walk for name in step if name not in entered] == []
    first = [min(entered[name] for name in step) for step in walk]
    assert first == sorted(first), [step[0] for step in walk]
