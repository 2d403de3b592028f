"""Dispatcher: edits regions and acknowledges events on any node, and keeps what was answered."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.torture.routes import EDITED, edited
from tests.torture.senders import ask

EDITS = 0.25  #: of what it does; the rest are acknowledgements


class Asked(NamedTuple):
    """An edit; by vehicle, how many of its fixes were acknowledged before it, and were sent when it was answered."""

    region: str
    number: int
    version: int | None  # None: it may have been done, or be done yet
    before: dict[str, int]
    after: dict[str, int] | None


class Dispatcher(threading.Thread):
    def __init__(
        self,
        number: int,
        ports: Sequence[int],
        counts: Callable[[], tuple[dict[str, int], dict[str, int]]],
        events: Callable[[], Sequence[tuple[int, str]]],
        every_s: float,
    ) -> None:
        """`counts`: what is acknowledged and what is sent now, by vehicle; `events`: of which one is acknowledged."""
        super().__init__(daemon=True, name=f"dispatcher {number}")
        self.over = threading.Event()
        self.edits: list[Asked] = []
        self.acked: list[tuple[str, str]] = []
        self.answers = dict[int, int]()  # to acknowledgements
        self.faults: list[str] = []
        self._ports, self._counts, self._events, self._every_s = ports, counts, events, every_s
        self._chance = random.Random(number)
        self._number = number
        self._asked = 0

    def run(self) -> None:
        while not self.over.wait(self._chance.uniform(0, 2 * self._every_s)):
            if self._chance.random() < EDITS:
                self.edit(EDITED[self._number % len(EDITED)])
            else:
                self._acknowledge()

    def edit(self, name: str) -> bool:
        """True: it was answered."""
        number = self._asked
        self._asked += 1
        before = dict(self._counts()[0])
        port = self._chance.choice(self._ports)
        status, told = ask(port, "PUT", f"/api/v1/regions/{name}", edited(name, number))
        done = status in (200, 201)
        if not done and status not in (0, 429, 503, 507):
            self.faults.append(f"an edit was answered {status}: {told}")
        version = told["properties"]["version"] if done else None
        after = dict(self._counts()[1]) if done else None
        self.edits.append(Asked(name, number, version, before, after))
        return done

    def _acknowledge(self) -> None:
        events = self._events()
        if not events:
            return
        id = self._chance.choice(events[-50:])[1]
        by = f"{self.name} {self._chance.randrange(1000)}"
        status, told = ask(self._chance.choice(self._ports), "POST", f"/api/v1/events/{id}/ack", {"by": by})
        self.answers[status] = self.answers.get(status, 0) + 1
        if status == 200:
            self.acked.append((id, told["ack"]["by"]))
        elif status not in (0, 429, 503, 507):
            self.faults.append(f"an acknowledgement of {id} was answered {status}: {told}")
