"""Player: a recording at its own pace, or faster, into whatever takes batches of points."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Protocol

from tracker.formats import Point
from tracker.model.ping import AHEAD_MS, OLDEST
from tracker.replay.progress import Progress
from tracker.replay.recording import Played
from tracker.replay.tally import Tally

BATCH = 1_000  #: points a request holds at most
TICK_S = 0.1  #: points of one tenth of a second go together
BETWEEN_ROUNDS_S = 1.0


class Taker(Protocol):
    def send(self, points: list[Point], shift: int = 0) -> Tally: ...


class Player:
    """Plays a recording once or for ever. The clocks and the sleep are arguments: tests wait for nothing."""

    def __init__(
        self,
        recording: Played,
        taker: Taker,
        progress: Progress,
        *,
        speed: float | None = 1.0,  # None: as fast as they are taken
        now: bool = False,
        loop: bool = False,
        wall: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.tally = Tally()
        self._recording = recording
        self._taker = taker
        self._progress = progress
        self._speed = speed
        self._shifts = now or loop
        self._loop = loop
        self._wall = wall
        self._monotonic = monotonic
        self._sleep = sleep

    def play(self) -> None:
        """`tally` holds what happened so far, also when this is interrupted. Raises Failed."""
        self._warn()
        while True:
            self._round()
            if not self._loop:
                return
            self._sleep(BETWEEN_ROUNDS_S)

    def _round(self) -> None:
        first = self._recording.first or 0
        shift = self._wall() - first if self._shifts else 0
        began = self._monotonic()
        done = 0
        batch: list[Point] = []
        due_until = began  # what is due by then goes with the batch
        for point in self._recording:
            due = self._due(point, first, began)
            if batch and (len(batch) >= BATCH or due > due_until):
                done += self._send(batch, shift, done)
                batch = []
            if due > due_until:
                self._wait(due)
                due_until = max(due, self._monotonic())
            batch.append(point)
        if batch:
            done += self._send(batch, shift, done)
        self._progress.update(done, self._recording.last, last=True)

    def _due(self, point: Point, first: int, began: float) -> float:
        """When to send it, on the monotonic clock. What is older than any fix can be does not make us wait."""
        if self._speed is None or point.time < OLDEST:
            return began
        elapsed = (point.time - first) / 1000 / self._speed
        return began + math.ceil(elapsed / TICK_S) * TICK_S

    def _wait(self, due: float) -> None:
        while (left := due - self._monotonic()) > 0:
            self._sleep(min(left, 1.0))

    def _send(self, batch: list[Point], shift: int, done: int) -> int:
        self.tally.add_tally(self._taker.send(batch, shift))
        at = batch[-1].time
        left = None
        if self._speed is not None and self._recording.last is not None:
            left = (self._recording.last - at) / 1000 / self._speed
        self._progress.update(done + len(batch), at if at >= OLDEST else None, left)
        return len(batch)

    def _warn(self) -> None:
        """Shifted times that are played faster than they were recorded run ahead of the clock."""
        span = (self._recording.last or 0) - (self._recording.first or 0)
        ahead = span if self._speed is None else span * (1 - 1 / self._speed)
        if self._shifts and ahead > AHEAD_MS:
            self._progress.say(
                "note: at this speed the shifted times run ahead of the clock, and a server takes no fix over "
                f"{AHEAD_MS // 1000} s in the future; --now and --loop go with --speed 1"
            )
