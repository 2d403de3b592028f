"""`tracker demo` as somebody sees it in the first minute."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.support.servers import ROOT, now
from tests.support.waiting import deadline, free_port, until_sync


class Demo:
    def __init__(self, port: int, process: subprocess.Popen[str]) -> None:
        self.port = port
        self.process = process

    def request(self, method: str, path: str, document: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=deadline(20))
        try:
            body = None if document is None else json.dumps(document)
            connection.request(method, path, body, {"content-type": "application/json"})
            return json.loads(connection.getresponse().read())
        except OSError:
            return {}
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        return self.request("GET", path)

    def vehicles(self) -> dict[str, Any]:
        return {one["vehicle"]: one for one in self.get("/api/v1/vehicles?limit=1000").get("vehicles", ())}

    def reporting(self) -> int:
        return sum(one["position"] is not None for one in self.vehicles().values())


@contextmanager
def demo(*arguments: object) -> Iterator[Demo]:
    port = free_port()
    command = [sys.executable, "-m", "tracker", "demo", "--port", str(port), *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, stdout=-1, stderr=subprocess.STDOUT, text=True) as process:
        running = Demo(port, process)
        try:
            until_sync(lambda: running.get("/readyz"), "the demo is ready", 30)
            yield running
        finally:
            if process.poll() is None:
                process.kill()


def test_sixty_named_vans_drive_and_enter_regions_within_ten_seconds() -> None:
    with demo() as running:
        assert running.get("/api/v1/page")["demo"] is True
        until_sync(lambda: running.reporting() == 60, "all vans report", 20)
        vans = running.vehicles()
        assert vans["van-12"]["name"] == "Van 12"
        assert {"plate", "group", "kind"} <= {name for name, value in vans["van-12"].items() if value}

        def entered() -> list[Any]:
            events = running.get("/api/v1/events?limit=1000&kind=enter").get("events", [])
            return [event for event in events if event["reason"] == "moved"]

        event = until_sync(entered, "a van drives into a region", 30)[0]
        first = min(instant(van["state_since"]) for van in vans.values())
        assert instant(event["time"]) - first < 10
        assert len(running.get("/api/v1/regions")["regions"]) >= 5
        assert running.get("/fixtures/demo/streets.geojson")["attribution"].startswith("© OpenStreetMap")
        running.process.send_signal(signal.SIGTERM)
        out, _ = running.process.communicate(timeout=deadline(20))
        assert running.process.returncode == 0
        assert f"http://127.0.0.1:{running.port}" in out
        assert "Traceback" not in out


def test_a_vehicle_of_ones_own_drives_among_the_vans() -> None:
    with demo("--vehicles", 5) as running:
        for lat in (60.17, 60.18, 48.85):  # wherever: nobody's first try is a jump
            running.request("POST", "/api/v1/positions", {"vehicle": "mine", "time": now(), "lat": lat, "lon": 24.94})
            assert running.vehicles()["mine"]["position"]["lat"] == lat


def test_a_restart_in_the_same_folder_goes_on(tmp_path: Path) -> None:
    with demo("--vehicles", 20, "--data", tmp_path) as running:
        until_sync(lambda: running.reporting() == 20, "all vans report", 20)
        running.request("PATCH", "/api/v1/vehicles/van-03", {"name": "Renamed"})
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=deadline(20))
        connection.request("DELETE", "/api/v1/regions/harbour")
        assert connection.getresponse().status == 204
        connection.close()
        before = running.vehicles()
        running.process.kill()
    with demo("--vehicles", 20, "--data", tmp_path) as running:
        newest = max(van["position"]["time"] for van in before.values())
        until_sync(
            lambda: all(van["position"]["time"] > newest for van in running.vehicles().values()), "all vans go on", 30
        )
        assert running.vehicles()["van-03"]["name"] == "Renamed"
        assert "harbour" not in {region["id"] for region in running.get("/api/v1/regions")["regions"]}


def instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
