"""A small Traccar of our own making: what it keeps, served as its API does or written as its tables."""

from __future__ import annotations

import contextlib
import csv
import json
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tracker.times import rfc3339

TOKEN = "a-token-of-traccar"
MONDAY = 1_788_163_200_000  # 2026-08-31T08:00:00Z
FIXES = 40  # of each of three devices


def told(ms: int) -> str:
    return rfc3339(ms).replace("Z", "+00:00")


def fix(number: int, device: int, at: int, lat: float, lon: float, **more: Any) -> dict[str, Any]:
    attributes = {"batteryLevel": 87.0, "distance": 12.3, "totalDistance": 4567.8 + number, "motion": True, "rpm": 900}
    return {
        "id": number, "deviceId": device, "protocol": "osmand", "serverTime": told(at + 900), "deviceTime": told(at),
        "fixTime": told(at), "valid": True, "outdated": False, "latitude": lat, "longitude": lon, "altitude": 12.0,
        "speed": 10.0, "course": 90.0, "address": None, "accuracy": 5.0, "network": None, "geofenceIds": None,
        "attributes": attributes,
    } | more  # fmt: skip


def device(number: int, unique: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number, "attributes": {}, "groupId": 0, "calendarId": 0, "name": name, "uniqueId": unique,
        "status": "offline", "lastUpdate": told(MONDAY), "positionId": 1, "phone": None, "model": None,
        "contact": None, "category": None, "disabled": False, "expirationTime": None,
    } | more  # fmt: skip


def geofence(number: int, name: str, area: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "attributes": {}, "calendarId": 0, "name": name, "description": None, "area": area} | more


class Traccar:
    def __init__(self) -> None:
        self.version: str | None = "6.14.5"
        self.token = TOKEN
        self.all = True  # who asks may see everything
        self.longest_days = 0  # of one report; 0: any
        self.page = False  # every answer is a page of something else
        self.moved = ""  # where it says it is
        self.asked: list[str] = []
        self.groups = [
            {"id": 1, "name": "North", "groupId": 0, "attributes": {}},
            {"id": 2, "name": "Vans", "groupId": 1, "attributes": {}},
            {"id": 3, "name": "Vans", "groupId": 0, "attributes": {}},
        ]
        self.devices = [
            device(1, "A/B", "Slash", groupId=2, category="van", phone="+358 1", attributes={"speedLimit": 43.2}),
            device(2, "A-B", "Dash", groupId=3, disabled=True),
            device(3, "350612", "Lorry 3", groupId=1, category="truck"),
            device(4, "never", "Never heard", positionId=0),
        ]
        self.geofences = [
            geofence(1, "Yard", "POLYGON ((60.0 24.99, 60.01 24.99, 60.01 25.01, 60.0 25.01, 60.0 24.99))"),
            geofence(2, "Port", "CIRCLE (60.1 25.2, 250.5)", attributes={"speedLimit": 16.2, "color": "#aa2200"}),
            geofence(3, "Ring road", "LINESTRING (60.2 24.9, 60.21 24.95)", attributes={"polylineDistance": 40}),
            geofence(4, "Nights", "CIRCLE (61 25, 100)", calendarId=7),
            geofence(5, "Torn", "POLYGON ((60.0 24.99, 60.01"),
        ]
        self.positions: list[dict[str, Any]] = []
        for which in (1, 2, 3):
            for n in range(FIXES):
                at, number = MONDAY + which * 86_400_000 + n * 30_000, which * 1000 + n
                self.positions.append(fix(number, which, at, 60 + n * 5e-4, 24.9 + which * 0.1))
        last = self.positions[-1]
        more = {"outdated": True, "deviceTime": told(MONDAY + 4 * 86_400_000)}
        self.positions.append(last | more | {"id": 9001})  # where it last was, told again
        self.positions.append(fix(9002, 3, MONDAY + 5 * 86_400_000, 0.0, 0.0, valid=False))
        self.events = [
            self.event(1, 1, "geofenceEnter", 1000, geofenceId=1),
            self.event(2, 1, "geofenceExit", 1030, geofenceId=1),
            self.event(3, 2, "alarm", 2005, attributes={"alarm": "sos"}),
            self.event(4, 3, "deviceOnline", 0),
            self.event(5, 3, "deviceOverspeed", 3001, attributes={"speed": 60.5, "speedLimit": 43.2}),
        ]

    def event(self, number: int, device: int, kind: str, position: int, **more: Any) -> dict[str, Any]:
        at = MONDAY + device * 86_400_000 + position % 1000 * 30_000
        return {
            "id": number, "attributes": {}, "deviceId": device, "type": kind, "eventTime": told(at),
            "positionId": position, "geofenceId": 0, "maintenanceId": 0,
        } | more  # fmt: skip

    # ------------------------------------------------------------------------------------------------------- its API

    @contextlib.contextmanager
    def serve(self) -> Iterator[str]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"traccar": self}))
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who has read enough hangs up
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def answer(self, path: str, query: dict[str, list[str]], bearer: str) -> tuple[int, Any]:
        if self.page or self.moved:
            return 302 if self.moved else 200, "<html>a page"
        if path == "/api/server":
            return 200, {"id": 1, "version": self.version}
        if bearer not in (f"Bearer {self.token}", "Basic YWRtaW46c2VzYW1l"):
            return 401, "HTTP 401 Unauthorized"
        name = path.rpartition("/")[2]
        if name == "statistics":
            return (200, []) if self.all else (400, "Administrator access required - SecurityException")
        if name in ("devices", "groups", "geofences"):
            return 200, getattr(self, name)
        if "id" in query:
            found = [one for one in self.positions if str(one["id"]) in query["id"]]
            return (200, found) if len(found) == len(query["id"]) else (400, "NullPointerException")
        times = {"positions": "fixTime", "events": "eventTime"}
        since, until = (datetime.fromisoformat(query[end][0]) for end in ("from", "to"))
        if self.longest_days and path.startswith("/api/reports") and (until - since).days > self.longest_days:
            return 400, "Time period exceeds the limit - IllegalArgumentException"
        of = [one for one in getattr(self, name) if one["deviceId"] == int(query["deviceId"][0])]
        found = [one for one in of if since <= datetime.fromisoformat(one[times[name]]) <= until]
        return 200, sorted(found, key=lambda one: str(one[times[name]]))

    # ---------------------------------------------------------------------------------------------------- its tables

    def write_tables(self, folder: Path) -> Path:
        for name in ("devices", "groups", "geofences", "positions", "events"):
            with (folder / f"tc_{name}.csv").open("w", newline="") as file:
                rows = [self._as_columns(row) for row in getattr(self, name)]
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
        return folder

    def write_dump(self, path: Path) -> Path:
        with path.open("w") as file:
            for name in ("devices", "groups", "geofences", "positions", "events"):
                rows = [self._as_columns(row) for row in getattr(self, name)]
                file.write(f"COPY public.tc_{name} ({', '.join(rows[0])}) FROM stdin;\n")
                for row in rows:
                    cells = (str(value).replace("\\", "\\\\").replace("\t", "\\t") for value in row.values())
                    file.write("\t".join("\\N" if cell == "" else cell for cell in cells) + "\n")
                file.write("\\.\n\n")
        return path

    @staticmethod
    def _as_columns(row: dict[str, Any]) -> dict[str, Any]:
        """Small letters, times without a zone, JSON as text."""
        found = {}
        for name, value in row.items():
            if name.endswith("Time") and value:
                value = value.replace("T", " ").removesuffix("+00:00")
            elif isinstance(value, bool):
                value = "t" if value else "f"
            found[name.lower()] = json.dumps(value) if isinstance(value, dict) else "" if value is None else value
        return found


class _Handler(BaseHTTPRequestHandler):
    traccar: Traccar
    protocol_version = "HTTP/1.1"
    wbufsize = 65_536  # an answer is one packet: two would wait for an acknowledgement

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.traccar.asked.append(parts.path)
        status, document = self.traccar.answer(
            parts.path, parse_qs(parts.query), self.headers.get("authorization") or ""
        )
        body = (document if isinstance(document, str) else json.dumps(document)).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        if self.traccar.moved:
            self.send_header("location", self.traccar.moved)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        pass
