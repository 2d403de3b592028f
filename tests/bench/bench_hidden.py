"""Whether the time of an answer tells that something is there which may not be seen.

    python tests/bench/bench_hidden.py [requests] [word]      2,000 of each route unless said otherwise

A server with a store of some size; a viewer and a dispatcher who see one region of fifty ask in turn for an id that is
hidden from them and for one that never was, by HTTP. Both medians, and how far they are apart: it should be less than
3 % or 20 µs. The machine may be busy: whoever asks in turn is held up alike.
"""

from __future__ import annotations

import http.client
import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import machine
from clients import Server

from tracker.access.console import read_console

TIMES = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
ONLY = sys.argv[2] if len(sys.argv) > 2 else ""
VEHICLES, REGIONS = 5000, 50
V1 = "/api/v1"


class Client:
    """One connection of somebody."""

    def __init__(self, server: Server, token: str) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", server.port)
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}

    def ask(self, method: str, path: str, document: Any = None) -> tuple[int, bytes]:
        body = None if document is None else json.dumps(document)
        self._line.request(method, path, body, self._headers)
        answer = self._line.getresponse()
        return answer.status, answer.read()

    def do(self, method: str, path: str, document: Any = None) -> Any:
        status, body = self.ask(method, path, document)
        assert status < 300, (status, body)
        return json.loads(body) if body else None


def fill(owner: Client) -> None:
    """Vehicles spread over the regions, each with a track, and the events they made."""
    for n in range(REGIONS):
        for _ in range(4):
            owner.do("PUT", f"{V1}/regions/r{n:03}", square(n))
    began = time.time_ns() // 1_000_000 - 3_600_000
    for minute in range(12):
        for start in range(0, VEHICLES, 1000):
            fixes = [
                {"vehicle": f"v{n:05}", "time": began + minute * 60_000, "lat": 60 + n % REGIONS / 10 + minute / 1e5}
                | {"lon": 25, "speed_mps": 5, "accuracy_m": 5, **({"alarm": "sos"} if minute == 5 else {})}
                for n in range(start, start + 1000)
            ]
            owner.do("POST", f"{V1}/positions", fixes)


def square(n: int) -> dict[str, Any]:
    lat = 60 + n / 10
    ring = [[24.9, lat - 0.01], [25.1, lat - 0.01], [25.1, lat + 0.01], [24.9, lat + 0.01], [24.9, lat - 0.01]]
    properties = {"name": f"region {n}", "group": "yards" if n == 0 else "quarries"}
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": properties}


def ids(owner: Client) -> dict[str, tuple[list[str], list[str]]]:
    """What is hidden, and what looks like it and never was."""
    vehicles = [f"v{n:05}" for n in range(VEHICLES) if n % REGIONS][:400]
    regions = [f"r{n:03}" for n in range(1, REGIONS)]
    told = owner.do("GET", f"{V1}/events?limit=10000&kind=enter")["events"][:400]
    told += owner.do("GET", f"{V1}/events?limit=10000&kind=alarm")["events"][:400]
    events = [event["id"] for event in told if event["vehicle"] in set(vehicles)]
    return {
        "vehicle": (vehicles, [f"w{id[1:]}" for id in vehicles]),
        "region": (regions, [f"q{id[1:]}" for id in regions]),
        "event": (events, [id[::-1] for id in events]),
    }


def routes() -> Iterator[tuple[str, str, str, Any]]:
    """(what is named, method, address, body)."""
    shape = square(0)
    yield "vehicle", "GET", "vehicles/ID", None
    for form in ("json", "csv"):
        yield "vehicle", "GET", f"vehicles/ID/track?format={form}", None
    yield "vehicle", "PUT", "vehicles/ID", {"name": "x"}
    yield "vehicle", "PATCH", "vehicles/ID", {"name": "x"}
    yield "vehicle", "DELETE", "vehicles/ID", None
    yield "vehicle", "DELETE", "vehicles/ID?history=true", None
    yield "vehicle", "GET", "events?vehicle=ID", None
    yield "region", "GET", "regions/ID", None
    yield "region", "GET", "regions/ID/versions", None
    yield "region", "GET", "regions/ID/versions/2", None
    yield "region", "PUT", "regions/ID", shape
    yield "region", "PATCH", "regions/ID", {"properties": {"name": "x"}}
    yield "region", "DELETE", "regions/ID", None
    yield "region", "GET", "vehicles?region=ID", None
    yield "region", "GET", "events?region=ID", None
    yield "event", "GET", "events/ID", None
    yield "event", "POST", "events/ID/ack", {"by": "x"}
    yield "event", "DELETE", "events/ID/ack", None


def main() -> None:
    with Server() as server:
        console = read_console(Path(server.folder.name))
        assert console is not None
        owner = Client(server, console.secret)
        owner.do("POST", f"{V1}/users", {"name": "ada", "role": "administrator"})
        may = ["watch", "acknowledge", "edit_regions", "edit_vehicles"]
        owner.do("POST", f"{V1}/groups", {"name": "yards", "regions": ["yards"], "vehicles": "all", "may": may})
        people = {}
        for role in ("viewer", "dispatcher"):
            owner.do("POST", f"{V1}/users", {"name": role, "role": role, "groups": ["yards"]})
            people[role] = Client(server, owner.do("POST", f"{V1}/users/{role}/tokens", {"name": "bench"})["token"])
        fill(owner)
        named = ids(owner)
        print(f"\n### Hidden and never there: medians of {TIMES} requests each\n\n{machine()}\n")
        print("| who | route | hidden | never | apart | |\n| --- | --- | ---: | ---: | ---: | --- |")
        for what, method, address, body in routes():
            if ONLY in f"{method} {address}":
                for role, client in people.items():
                    row(role, client, method, f"{V1}/{address}", body, named[what])


def row(role: str, client: Client, method: str, path: str, body: Any, named: tuple[list[str], list[str]]) -> None:
    took: tuple[list[float], list[float]] = ([], [])
    said: tuple[set[int], set[int]] = (set(), set())
    for n in range(TIMES):
        for which in (0, 1) if n % 2 else (1, 0):
            id = named[which][n % len(named[which])]
            began = time.perf_counter_ns()
            status, _ = client.ask(method, path.replace("ID", id), body)
            took[which].append((time.perf_counter_ns() - began) / 1000)
            said[which].add(status)
    hidden, never = map(statistics.median, took)
    apart = hidden - never
    fine = abs(apart) < 20 or abs(apart) / never < 0.03
    print(
        f"| {role} | {method} {path} | {hidden:.0f} µs | {never:.0f} µs | {apart:+.1f} µs, {apart / never:+.1%} |"
        f" {'' if fine else 'TOO MUCH'}{'' if said[0] == said[1] else f' {said}'} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
