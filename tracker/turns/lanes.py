"""Lanes: work that must go on for as long as the server runs. One that fails begins again, counted and logged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic

from tracker.errors import TrackerError

MANY = 3  #: faults in a row that a lane may have and still be said to live
PAUSE_S, LONGEST_S = 0.05, 1.0  #: before a lane begins again; doubled from fault to fault
LOGGED_S, SELDOM_S = 1.0, 60.0  #: a lane that fails again and again is logged only so often, and ever more seldom

log = logging.getLogger(__name__)


class Lane:
    """What is known of one lane. A round that went well makes good for all faults before it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.faults = 0
        self.in_a_row = 0
        self._logged_at = float("-inf")

    def failed(self, fault: Exception) -> float:
        """A round of it failed. Answers after how many seconds the next should begin."""
        self.in_a_row += 1
        self.note(fault, f"the lane {self.name!r} failed ({self.in_a_row} in a row) and begins again")
        return float(min(PAUSE_S * 2 ** min(self.in_a_row - 1, 10), LONGEST_S))

    def went_well(self) -> None:
        if self.in_a_row > MANY:
            log.warning("the lane %r goes on after %d faults in a row", self.name, self.in_a_row)
        self.in_a_row = 0

    def note(self, fault: Exception, what: str) -> None:
        """Count and log a fault; one that did not end a round says nothing of whether the lane lives."""
        self.faults += 1
        now = monotonic()
        if now - self._logged_at >= min(max(LOGGED_S, self.in_a_row / 2), SELDOM_S):
            self._logged_at = now
            ours = not isinstance(fault, TrackerError)  # else it says all there is to say
            log.error("%s: %s; fault %d of this lane", what, fault, self.faults, exc_info=fault if ours else None)

    @property
    def lives(self) -> bool:
        return self.in_a_row <= MANY

    async def keep(self, work: Callable[[], Awaitable[None]]) -> None:
        """Round after round of this work, until cancelled."""
        while True:
            try:
                await work()
                self.went_well()
            except Exception as fault:
                await asyncio.sleep(self.failed(fault))


class Lanes:
    """All lanes of a node, by name."""

    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}

    def __getitem__(self, name: str) -> Lane:
        return self._lanes.setdefault(name, Lane(name))

    def dead(self) -> list[str]:
        """Those that fail again and again."""
        return [lane.name for lane in self._lanes.values() if not lane.lives]

    @property
    def faults(self) -> int:
        return sum(lane.faults for lane in self._lanes.values())
