"""Reader: asks any node where vehicles are of which a fix was acknowledged a moment ago, by whichever node."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence

from tests.torture.checks.reread import Read
from tests.torture.nodes import Node
from tests.torture.routes import Route
from tests.torture.senders import ask
from tracker.times import parse_time

EVERY_S = 0.25
MOMENT_S = 1.0  #: what is looked at already comes by itself, to a node that was paused as well


class Reader(threading.Thread):
    def __init__(
        self, number: int, nodes: Sequence[Node], routes: Sequence[Route], count: Callable[[str], int]
    ) -> None:
        """`count`: how many fixes of a vehicle are acknowledged by now."""
        super().__init__(daemon=True, name=f"reader {number}")
        self.over = threading.Event()
        self.reads: list[Read] = []
        self._nodes, self._routes, self._count = nodes, routes, count
        self._chance = random.Random(number)

    def run(self) -> None:
        while not self.over.wait(self._chance.uniform(0, 2 * EVERY_S)):
            self._read(self._chance.choice(self._routes))

    def _read(self, route: Route) -> None:
        if not (count := self._count(route.vehicle)):
            return
        if self.over.wait(MOMENT_S):
            return
        node, asked = self._chance.choice(self._nodes), time.monotonic()
        status, told = ask(node.server.port, "GET", f"/api/v1/vehicles/{route.vehicle}")
        at = told["position"] if status == 200 else None
        newest = parse_time(at["time"]) if at else 0
        least = route.fix(count - 1)[0]
        self.reads.append(Read(node.name, route.vehicle, asked, time.monotonic(), least, status, newest))
