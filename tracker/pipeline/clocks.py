"""Clocks: ours, which somebody may set, beside one that nobody sets: what differs between them shows that it was."""

from __future__ import annotations

from collections.abc import Callable

SET_MS = 2000  #: a clock that differs more from the steady one was set; less is drift, and harms no timer


class Clocks:
    """Both in milliseconds."""

    def __init__(self, wall: Callable[[], int], steady: Callable[[], int] | None = None) -> None:
        self._wall = wall
        self._steady = steady or wall
        self._read = (0, 0)  # what both said last

    def begin(self) -> None:
        self._read = self._wall(), self._steady()

    def now(self) -> int:
        return self._wall()

    def look(self) -> tuple[int, int]:
        """(what our clock says, by how much it was set since the last look).

        Both clocks going back tells it too: some set even the one that only ever goes on.
        """
        wall, steady = self._wall(), self._steady()
        before, self._read = self._read, (wall, steady)
        by = wall - before[0] - max(steady - before[1], 0)
        return wall, by if abs(by) > SET_MS else 0

    def look_again(self, by: int) -> None:
        """That it was set could not be stored: the next look notices it once more."""
        wall, steady = self._read
        self._read = wall - by, steady
