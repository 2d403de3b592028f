"""Senders: clients that post the newest fixes of their vehicles to any node, and again until they are acknowledged."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from tests.support.waiting import deadline
from tests.torture.routes import SPEED_MPS, Route

PATIENCE_S = 6.0  #: for an answer
MOST = 20  #: fixes of a vehicle in one request
FIELDS = ("vehicle", "time", "lat", "lon", "speed_mps", "alarm")
AGAIN = {429, 503, 507}  #: answers after which a client sends the same again


def ask(port: int, method: str, path: str, document: Any = None) -> tuple[int, Any]:
    """Status and body; 0: there was no answer that one could read."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=deadline(PATIENCE_S))
    try:
        body = None if document is None else json.dumps(document)
        connection.request(method, path, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        told = answer.read()
        return answer.status, json.loads(told) if told else None
    except (OSError, http.client.HTTPException, ValueError):
        return 0, None
    finally:
        connection.close()


class Sender(threading.Thread):
    """`ports`: of the nodes. By vehicle: how many of its fixes were ever sent, and how many acknowledged."""

    def __init__(self, number: int, routes: Sequence[Route], ports: Sequence[int]) -> None:
        super().__init__(daemon=True, name=f"sender {number}")
        self.routes = routes
        self.sent = {route.vehicle: 0 for route in routes}
        self.acknowledged = dict(self.sent)
        self.answers = dict[int, int]()  # how often each status
        self.newest_answers = dict[int, str]()  # by port
        self.faults: list[str] = []
        self.newest = time.monotonic()  # when something was acknowledged last
        self.longest = 0.0  # seconds between two acknowledgements
        self.over = threading.Event()
        self._ports = ports
        self._chance = random.Random(number)

    def run(self) -> None:
        end: int | None = None
        while True:
            now = time.time_ns() // 1_000_000
            if self.over.is_set():
                end = end or now
            batch = self._due(end or now)
            if batch:
                self._deliver(batch)
            elif end:
                return
            else:
                self.over.wait(0.05)  # until there is something to be said

    def _due(self, now: int) -> dict[str, int]:
        """Which of its vehicles have fixes that are not acknowledged, and up to which they are sent now."""
        due = dict[str, int]()
        for route in self.routes:
            done = self.acknowledged[route.vehicle]
            upto = min(route.due(now), done + MOST)
            if upto > done:
                due[route.vehicle] = upto
        return due

    def _deliver(self, batch: dict[str, int]) -> None:
        fixes = [
            dict(zip(FIELDS, (route.vehicle, *route.fix(number), SPEED_MPS, route.alarm(number)), strict=True))
            for route in self.routes
            for number in range(self.acknowledged[route.vehicle], batch.get(route.vehicle, 0))
        ]
        self.sent |= batch
        while True:
            port = self._chance.choice(self._ports)
            status, told = ask(port, "POST", "/api/v1/positions", fixes)
            self.newest_answers[port] = f"{status} {'' if status == 200 else json.dumps(told)[:400]}"
            self.answers[status] = self.answers.get(status, 0) + 1
            if status == 200:
                break
            if status and status not in AGAIN:
                self.faults.append(f"{self.name} was answered {status}: {json.dumps(told)[:600]}")
                if len(self.faults) > 5:
                    return
            threading.Event().wait(self._chance.uniform(0.05, 0.3))  # as clients do, so as not to make it worse
        counts = [told[name] for name in ("accepted", "duplicates")]
        if sum(counts) != len(fixes) or told["conflicts"] or told["late"] or told["held"]:
            self.faults.append(f"{self.name} sent {len(fixes)} fixes in order and was answered {told}")
        self.acknowledged |= batch
        now = time.monotonic()
        self.longest, self.newest = max(self.longest, now - self.newest), now


def all_delivered(senders: Sequence[Sender]) -> Callable[[], bool]:
    """Since this was called each of them has delivered something, or is done."""
    began = time.monotonic()
    return lambda: all(sender.newest > began or not sender.is_alive() for sender in senders)
