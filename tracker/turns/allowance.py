"""Allowance: how often somebody may do something, with some saved up for a burst."""

from __future__ import annotations

from collections.abc import Hashable

BURST_S = 3.0  #: seconds' worth of it that may come at once


class Allowance:
    __slots__ = ("_at", "_left", "_rate")

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._left = BURST_S * rate
        self._at = now

    def take_one(self, now: float) -> bool:
        """Whether it may be done once more."""
        self._left = min(BURST_S * self._rate, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def is_whole(self, now: float) -> bool:
        """Whether nothing of it is used up: a new one would be the same."""
        return self._left + (now - self._at) * self._rate >= BURST_S * self._rate


class Allowances:
    """Those of many, for as long as they differ from new ones."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._known: dict[Hashable, Allowance] = {}

    def take_one_for(self, who: Hashable, now: float) -> bool:
        if (allowance := self._known.get(who)) is None:
            allowance = self._known[who] = Allowance(self.rate, now)
        return allowance.take_one(now)

    def forget_whole(self, now: float) -> None:
        for who in [who for who, allowance in self._known.items() if allowance.is_whole(now)]:
            del self._known[who]
