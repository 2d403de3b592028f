"""Tally: of each kind what there was, what is here, and why the rest is not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

#: why a position is not taken, in words
WHY = {
    "no_fix": "without a place",
    "time_in_future": "of a time to come",
    "time_too_old": "from before 2000",
    "time_invalid": "without a time",
    "missing": "without a place or time",
}


class Count(msgspec.Struct):
    there: int = 0
    here: int = 0
    new: int = 0
    why: dict[str, int] = {}  #: not here
    wrong: int = 0  #: of those, what somebody has to look at

    def miss(self, why: str, count: int = 1, *, wrong: bool = False) -> None:
        if count:
            self.why[why] = self.why.get(why, 0) + count
            self.wrong += count if wrong else 0

    def refuse(self, answer: dict[str, Any]) -> None:
        """What of some positions was not taken."""
        told = Counter(error["code"] for error in answer["errors"])
        for code, number in told.items():
            self.miss(WHY.get(code, code), number)
        self.miss("refused", answer["rejected"] - told.total())


class Tally:
    def __init__(self) -> None:
        self.kinds: dict[str, Count] = {}

    def __getitem__(self, kind: str) -> Count:
        return self.kinds.setdefault(kind, Count())

    def lines(self) -> list[str]:
        told = [f"{'':<10}{'there':>10}{'here':>10}{'new':>10}  not here"]
        for kind, count in self.kinds.items():
            why = ", ".join(
                f"{number:,} {reason}" for reason, number in sorted(count.why.items(), key=lambda one: -one[1])
            )
            told.append(f"{kind:<10}{count.there:>10,}{count.here:>10,}{count.new:>10,}  {why}".rstrip())
        return told

    @property
    def wrong(self) -> int:
        return sum(count.wrong for count in self.kinds.values())
