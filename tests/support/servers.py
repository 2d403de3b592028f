"""Real servers for tests: a process each, a free port, a folder of its own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.waiting import deadline, free_port, until_sync

ROOT = Path(__file__).parents[2]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]  # lower-case names
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """`python -m tracker serve` as its users run it. It can be killed, stopped and started again on its folder."""

    def __init__(self, data: Path, tls: Any = None, **settings: object) -> None:
        """`tls`: how to speak to one that has a `cert`."""
        self.data = data
        self.tls: ssl.SSLContext | None = tls
        self.port = free_port()
        self.settings = settings
        self.program = [sys.executable, "-m", "tracker"]  # a test may put something in front
        self.process: subprocess.Popen[str] | None = None
        self._with_pages: subprocess.Popen[str] | None = None
        self.log = data.parent / f"{data.name}.log"

    @property
    def url(self) -> str:
        return f"http{'s' * bool(self.tls)}://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws{'s' * bool(self.tls)}://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self, *, wait: bool = True) -> Server:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("TRACKER_")}
        environ |= {f"TRACKER_{name.upper()}": str(value) for name, value in {"tiles": "", **self.settings}.items()}
        command = [*self.program, "serve", "--port", str(self.port), "--data", str(self.data)]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log, text=True)
        if wait:
            until_sync(self.is_ready, "the server is ready", 30)
        return self

    def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the server ended with {self.process.returncode}: {self.log.read_text()}"
        try:
            return self.get("/readyz").status == 200
        except OSError:
            return False

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """SIGKILL: what a power cut does to a process."""
        return self._end(signal.SIGKILL)

    def _end(self, number: int) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(number)
        code = self.process.wait(deadline(20))
        self.process = None
        return code

    def at(self, door: str) -> Server:
        """The same server, spoken to at its `port` or `ingest_port`."""
        other = copy(self)
        other.port = self.port if door == "port" else int(str(self.settings[door]))
        return other

    def request(
        self, method: str, path: str, body: bytes | str | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=deadline(60))
        if self.tls:
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=deadline(60), context=self.tls)
        try:
            connection.request(method, path, body.encode() if isinstance(body, str) else body, headers or {})
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, told, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def send(self, method: str, path: str, document: Any, **headers: str) -> Answer:
        """A request with a JSON body."""
        told = {"content-type": "application/json"}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request(method, path, json.dumps(document), told)

    def post(self, path: str, document: Any, **headers: str) -> Answer:
        return self.send("POST", path, document, **headers)

    def ping(self, vehicle: str, lat: float = 60.17, lon: float = 24.94, **fields: Any) -> Answer:
        """One position, by default of this moment."""
        return self.post("/api/v1/positions", {"vehicle": vehicle, "time": now(), "lat": lat, "lon": lon, **fields})

    def events(self, **parameters: Any) -> list[dict[str, Any]]:
        query = "&".join(f"{name}={value}" for name, value in {"limit": 10_000, **parameters}.items())
        found: list[dict[str, Any]] = self.get(f"/api/v1/events?{query}").json()["events"]
        return found

    def memory(self) -> int:
        """Bytes of memory the process holds now; its pages, which are made after it is ready, are in it each time."""
        if self.process is not self._with_pages:
            self.get("/")
            self._with_pages = self.process
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def now(offset_s: float = 0) -> str:
    moment = datetime.fromtimestamp(datetime.now(UTC).timestamp() + offset_s, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def circle(lat: float, lon: float, radius_m: float, **properties: Any) -> dict[str, Any]:
    """A round region as its GeoJSON Feature."""
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
        "properties": {"radius_m": radius_m, **properties},
    }
