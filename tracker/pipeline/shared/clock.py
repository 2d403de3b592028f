"""The time by which several nodes agree: the database's, whatever a machine's own clock says."""

from __future__ import annotations

from collections.abc import Callable

NEAR_MS = 100  #: an answer that took longer tells the time too vaguely
SLEW_MS = 1  #: what is corrected at once, so that no timer sees it
SET_MS = 250  #: what is further off was set, if it is seen twice in a row


class SharedClock:
    """UTC milliseconds. `steady`: milliseconds that nobody sets; `wall` is believed until the database was heard."""

    def __init__(self, wall: Callable[[], int], steady: Callable[[], int]) -> None:
        self._steady = steady
        self._ahead = wall() - steady()
        self._heard = False
        self._off = False  # it was last time

    def __call__(self) -> int:
        return self._steady() + self._ahead

    def hear_time(self, told: int, asked: int, answered: int) -> None:
        """The database said this time at some moment between two of the steady clock's."""
        if answered - asked > NEAR_MS and self._heard:
            return
        by = told - (asked + answered) // 2 - self._ahead
        if not self._heard or (abs(by) > SET_MS and self._off):
            self._ahead += by
        elif abs(by) <= SET_MS:
            self._ahead += max(-SLEW_MS, min(by, SLEW_MS))
        self._off = abs(by) > SET_MS and self._heard and not self._off
        self._heard = True
