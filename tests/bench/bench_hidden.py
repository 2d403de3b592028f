"""Whether the time of an answer tells that something is there which may not be seen.

    python tests/bench/bench_hidden.py [requests] [words]     2,000 of each route unless said otherwise; only the routes
                                                              with one of these words in them: "GET events,DELETE"

A server with more events than its hub remembers; a viewer and a dispatcher who see one region of fifty ask for an id
that is hidden from them and for one that never was, of the same length, 1 to 60 characters: hidden, never, never,
hidden, by HTTP. Both medians, and how far they are apart: it should be less than 3 % or 20 µs. The machine may be busy:
whoever asks in turn is held up alike.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import machine
from clients import Server

from tracker.access.console import read_console

TIMES = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
ONLY = sys.argv[2].split(",") if len(sys.argv) > 2 else [""]
VEHICLES, REGIONS, ALARMS = 5000, 50, range(1, 12, 2)
WARM_S = 2.0
PEOPLE, TRIES = 70, 3  #: a name is heard so often at once
V1 = "/api/v1"


class Client:
    """One connection of somebody."""

    def __init__(self, server: Server, token: str) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", server.port)
        self._headers = {"authorization": f"Bearer {token}"} if token else {}

    def ask(self, method: str, path: str, document: Any = None, **headers: str) -> tuple[int, bytes]:
        body = None if document is None else json.dumps(document)
        self._line.request(method, path, body, {**self._headers, "content-type": "application/json", **headers})
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
            owner.do("PUT", f"{V1}/regions/{named('r', n)}", square(n))
    began = time.time_ns() // 1_000_000 - 3_600_000
    for minute in range(12):
        for start in range(0, VEHICLES, 1000):
            fixes = [
                {"vehicle": named("v", n), "time": began + minute * 60_000, "lat": 60 + n % REGIONS / 10 + minute / 1e5}
                | {"lon": 25, "speed_mps": 5, "accuracy_m": 5, **({"alarm": "sos"} if minute in ALARMS else {})}
                for n in range(start, start + 1000)
            ]
            owner.do("POST", f"{V1}/positions", fixes)


def square(n: int) -> dict[str, Any]:
    lat = 60 + n / 10
    ring = [[24.9, lat - 0.01], [25.1, lat - 0.01], [25.1, lat + 0.01], [24.9, lat + 0.01], [24.9, lat - 0.01]]
    properties = {"name": f"region {n}", "group": "yards" if n == 0 else "quarries"}
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": properties}


def named(letter: str, n: int) -> str:
    """An id; some are short, some long."""
    return f"{letter}{n}".ljust(1 + n % 60, "x")


def ids(owner: Client) -> dict[str, tuple[list[str], list[str]]]:
    """What is hidden, and what looks like it and never was."""
    hidden = [n for n in range(VEHICLES) if n % REGIONS][:400]
    vehicles = {named("v", n) for n in hidden}
    oldest = {  # the hub knows them no more
        kind: [
            one["id"]
            for one in owner.do("GET", f"{V1}/events?limit=5000&kind={kind}")["events"]
            if one["vehicle"] in vehicles
        ]
        for kind in ("enter", "alarm")
    }
    tokens = [owner.do("POST", f"{V1}/users/ada/tokens", {"name": "x"})["id"] for _ in range(50)]
    for n in range(50):
        owner.do("POST", f"{V1}/users", {"name": named("u", n), "role": "viewer"})
        owner.do("POST", f"{V1}/groups", {"name": named("g", n), "regions": ["quarries"]})
    return {
        "vehicle": ([named("v", n) for n in hidden], [named("w", n) for n in hidden]),
        "region": ([named("r", n) for n in range(1, REGIONS)], [named("q", n) for n in range(1, REGIONS)]),
        "enter": (oldest["enter"], [id[::-1] for id in oldest["enter"]]),
        "alarm": (oldest["alarm"], [id[::-1] for id in oldest["alarm"]]),
        "user": ([named("u", n) for n in range(50)], [named("n", n) for n in range(50)]),
        "group": ([named("g", n) for n in range(50)], [named("h", n) for n in range(50)]),
        "token": (tokens, [id[::-1] for id in tokens]),
    }


def routes() -> Iterator[tuple[str, str, str, str, Any]]:
    """(who asks, what is named, method, address, body). None of them makes anything."""
    seer, does = "viewer", "dispatcher"
    yield seer, "vehicle", "GET", "vehicles/ID", None
    for form in ("json", "csv"):
        yield seer, "vehicle", "GET", f"vehicles/ID/track?format={form}", None
    yield seer, "vehicle", "GET", "vehicles/ID/payloads", None
    yield does, "vehicle", "PUT", "vehicles/ID", {"name": "x"}
    yield does, "vehicle", "PATCH", "vehicles/ID", {"name": "x"}
    yield does, "vehicle", "DELETE", "vehicles/ID", None
    yield does, "vehicle", "DELETE", "vehicles/ID?history=true", None
    yield seer, "vehicle", "GET", "events?vehicle=ID", None
    yield seer, "region", "GET", "regions/ID", None
    yield seer, "region", "GET", "regions/ID/versions", None
    yield seer, "region", "GET", "regions/ID/versions/2", None
    yield does, "region", "PUT", "regions/ID", square(1)  # of a group in which they may not draw
    yield does, "region", "PATCH", "regions/ID", {"properties": {"name": "x"}}
    yield does, "region", "DELETE", "regions/ID", None
    yield seer, "region", "GET", "vehicles?region=ID", None
    yield seer, "region", "GET", "events?region=ID", None
    for kind in ("enter", "alarm"):  # of a region, and of none
        yield seer, kind, "GET", "events/ID", None
        yield does, kind, "POST", "events/ID/ack", {"by": "x"}
        yield does, kind, "DELETE", "events/ID/ack", None
    yield seer, "user", "GET", "users/ID", None
    yield seer, "user", "PATCH", "users/ID", {"password": "two blue vans"}
    yield seer, "user", "GET", "users/ID/tokens", None
    yield seer, "user", "POST", "users/ID/link", {}
    yield seer, "group", "GET", "groups/ID", None
    yield seer, "token", "GET", "tokens/ID", None
    yield seer, "token", "GET", "tokens/ID/payloads", None
    yield seer, "token", "DELETE", "tokens/ID", None
    yield seer, "token", "POST", "tokens/ID/rotate", {}


def main() -> None:
    os.environ["TRACKER_BEHIND_PROXY"] = "loopback"  # so that wrong passwords may come from everywhere
    os.environ["TRACKER_UNKNOWN_VEHICLES"] = "create"
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
        both = ids(owner)
        print(f"\n### Hidden and never there: medians of {TIMES} requests each\n\n{machine()}\n")
        print("| who | route | hidden | never | apart | |\n| --- | --- | ---: | ---: | ---: | --- |")
        for role, what, method, address, body in routes():
            if any(word in f"{method} {address}" for word in ONLY):
                row(
                    f"{role} | {method} {address.replace('ID', what.upper())}",
                    asking(people[role], method, f"{V1}/{address}", body, both[what]),
                )
        if any(word in "POST session" for word in ONLY):
            for who, known in people_of(owner).items():
                row(f"anybody | POST session, {who}", signing_in(Client(server, ""), known), PEOPLE * TRIES, 0)


Ask = Callable[[int, int], int]  # (which of both, n): the status


def asking(client: Client, method: str, path: str, body: Any, named: tuple[list[str], list[str]]) -> Ask:
    return lambda which, n: client.ask(method, path.replace("ID", named[which][n % len(named[which])]), body)[0]


def people_of(owner: Client) -> dict[str, str]:
    """Those whose name there is, and what their names begin with."""
    password: dict[str, Any] = {"password": "two blue vans in may"}
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "a wrong password": ("ben", password),
        "of who is disabled": ("ann", password | {"disabled": True}),
        "of who never chose one": ("leo", {}),
    }
    for name, more in kinds.values():
        for n in range(PEOPLE):
            owner.do("POST", f"{V1}/users", {"name": f"{name}{n}", "role": "viewer", **more})
    return {who: name for who, (name, _) in kinds.items()}


def signing_in(nobody: Client, known: str) -> Ask:
    """With a wrong password, from all over the world: none of them waits for having guessed before."""

    def ask(which: int, n: int) -> int:
        of = {"name": f"{(known, f'{known[0]}im')[which]}{n % PEOPLE}", "password": "three red vans"}
        where = {"x-forwarded-for": f"{ord(known[0])}.{which}.{n}.1"}
        return nobody.ask("POST", f"{V1}/session", of, **where)[0]

    return ask


def row(what: str, ask: Ask, times: int = TIMES, warm_s: float = WARM_S) -> None:
    took: tuple[list[float], list[float]] = ([], [])
    said: tuple[set[int], set[int]] = (set(), set())
    warm = time.perf_counter() + warm_s
    while time.perf_counter() < warm:
        ask(0, 0), ask(1, 0)
    for n in range(times):
        for which in (0, 1) if n % 2 else (1, 0):
            began = time.perf_counter_ns()
            status = ask(which, n)
            took[which].append((time.perf_counter_ns() - began) / 1000)
            said[which].add(status)
    hidden, never = map(statistics.median, took)
    apart = hidden - never
    fine = abs(apart) < 20 or abs(apart) / never < 0.03
    same = "" if said[0] == said[1] else f" {said}"
    print(
        f"| {what} | {hidden:.0f} µs | {never:.0f} µs | {apart:+.1f} µs, {apart / never:+.1%} |"
        f" {min(said[0])}{same}{'' if fine else ' TOO MUCH'} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
