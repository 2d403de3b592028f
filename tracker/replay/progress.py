"""Progress: how far a replay is, on standard error; one line that changes on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from tracker.times import rfc3339

TERMINAL_S, PLAIN_S = 0.25, 5.0  #: between two lines


class Progress:
    """`update` as often as you like. `total` points, of which `done` are answered; None: nobody has counted them."""

    def __init__(self, stream: TextIO, total: int | None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._total = total
        self._monotonic = monotonic
        self._terminal = stream.isatty()
        self._began = self._shown = monotonic()
        self._width = 0

    def update(self, done: int, at: int | None, left_s: float | None = None, *, last: bool = False) -> None:
        """`at`: the recorded time reached, UTC ms; `left_s`: when the pace of the recording says how long it takes."""
        now = self._monotonic()
        if not last and now - self._shown < (TERMINAL_S if self._terminal else PLAIN_S):
            return
        self._shown = now
        spent = now - self._began
        rate = done / spent if spent > 0 else 0.0
        parts = [f"{done:,}", f"{rate:,.0f} pings/s"]
        if self._total is not None:
            if left_s is None and rate:
                left_s = (self._total - done) / rate
            percent = 100 if done >= self._total else int(100 * done / self._total)
            parts[:1] = [f"{percent:3d} %", f"{done:,} of {self._total:,}"]
        if last or self._total is not None:
            parts.append(f"{duration(spent)} in all" if last else f"{duration(left_s or 0)} left")
        if at is not None:
            parts.append(rfc3339(at)[:19] + "Z")
        self._line("  ".join(parts), last)

    def say(self, text: str) -> None:
        """A line of its own."""
        if self._terminal and self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._width = 0
        self._stream.write(text + "\n")
        self._stream.flush()

    def _line(self, text: str, last: bool) -> None:
        if not self._terminal:
            self.say(text)
            return
        self._stream.write("\r" + text.ljust(self._width) + ("\n" if last else ""))
        self._stream.flush()
        self._width = 0 if last else len(text)


def duration(seconds: float) -> str:
    """3 s, 4 min 10 s, 2 h 5 min, 3 d 4 h."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    for name, size, smaller, part in (("d", 86_400, "h", 3_600), ("h", 3_600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {name}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"
