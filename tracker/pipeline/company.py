"""Company: whom a commit waits for. One costs 0.3 to 0.6 ms of CPU, however few pings it holds."""

from __future__ import annotations

GATHER_S = 0.004  #: since the last commit began: whoever comes alone, or while the disk is slow, never waits


class Company:
    """Those the last commit answered may come again at once, and some came meanwhile: so many are expected.

    Senders that wait for their answers are soon all in one commit, which begins when the last of them is back; one who
    is alone never waits. Where more keep coming than are expected, a commit begins every GATHER_S. Times are in seconds
    of a steady clock.
    """

    def __init__(self) -> None:
        self._answered = self._expected = 0
        self._began = float("-inf")

    def begin(self, taken: int, now: float) -> None:
        """A commit of so many begins."""
        self._answered, self._began = taken, now

    def end(self, waiting: int) -> None:
        """It ended, and so many wait for the next."""
        self._expected = self._answered + waiting

    def wait_s(self, waiting: int, now: float) -> float:
        """How long the next commit waits for company; 0: not at all."""
        return 0.0 if waiting >= self._expected else max(0.0, self._began + GATHER_S - now)
