"""What must still work with a planted fault: the program is imported whole, starts, and takes a ping."""

from __future__ import annotations

import importlib
import pkgutil
import time
from pathlib import Path

import tracker
from tracker.config import Settings
from tracker.web.app import create_app


async def test_the_server_starts_and_takes_a_ping(tmp_path: Path) -> None:
    for module in pkgutil.walk_packages(tracker.__path__, "tracker."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    app = create_app(Settings(data=str(tmp_path / "data")))
    async with app.test_app():
        client = app.test_client()
        ping = {"vehicle": "smoke", "time": int(time.time() * 1000), "lat": 60.17, "lon": 24.94}
        answer = await client.post("/api/v1/positions", json=ping)
        assert answer.status_code == 200
