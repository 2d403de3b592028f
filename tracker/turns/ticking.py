"""Ticking: how long between two frames, and where telling many is cut, so that others have their turn in between.

All of it counts CPU time of the loop's thread: on a machine others use, a slice by the clock on the wall is over before
anybody was told anything.
"""

from __future__ import annotations

from collections.abc import Callable

QUICK_S, TICK_S, WIDEST_S = 0.005, 0.05, 1.0
SHARE = 0.25  #: of the loop that telling viewers may take before ticks become wider (at 40 % pings would feel it)
LIGHT = 0.15  #: of the loop that may go into ticks shorter than TICK_S
SLICE_S = 0.002  #: after so much of it others have their turn
FEW = 16  #: viewers told between two looks at the clock


def tick_s(spent_s: float) -> float:
    """How long a tick lasts in which telling everybody took so much of the thread."""
    return min(max(QUICK_S, min(spent_s / LIGHT, TICK_S), spent_s / SHARE), WIDEST_S)


class Slices:
    """Where telling many viewers stops to let others have their turn. `cpu_s`: what this thread has used by then."""

    def __init__(self, cpu_s: Callable[[], float]) -> None:
        self.spent_s = 0.0  # in slices that are over
        self._cpu_s = cpu_s
        self.begin()

    def begin(self) -> None:
        self._began, self._told = self._cpu_s(), 0

    def is_over(self, *, large: bool = False) -> bool:
        """One more viewer was told something. To look at the clock costs as much as to tell one little: it is looked at
        after every few, and after what is large."""
        self._told += 1
        return (large or not self._told % FEW) and self._cpu_s() - self._began >= SLICE_S

    def end(self) -> None:
        self.spent_s += self._cpu_s() - self._began
