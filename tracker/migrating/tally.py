"""Tally: of each kind what there was, what is here, and why the rest is not."""

from __future__ import annotations

from collections import Counter

import msgspec


class Count(msgspec.Struct):
    there: int = 0
    here: int = 0
    new: int = 0
    why: Counter[str] = msgspec.field(default_factory=Counter)  #: not here
    wrong: int = 0  #: of those, what somebody has to look at

    def miss(self, why: str, count: int = 1, *, wrong: bool = False) -> None:
        if count:
            self.why[why] += count
            self.wrong += count if wrong else 0


class Tally:
    def __init__(self) -> None:
        self.kinds: dict[str, Count] = {}

    def __getitem__(self, kind: str) -> Count:
        return self.kinds.setdefault(kind, Count())

    def lines(self) -> list[str]:
        told = [f"{'':<10}{'there':>10}{'here':>10}{'new':>10}  not here"]
        for kind, count in self.kinds.items():
            why = ", ".join(f"{number:,} {reason}" for reason, number in count.why.most_common())
            told.append(f"{kind:<10}{count.there:>10,}{count.here:>10,}{count.new:>10,}  {why}".rstrip())
        return told

    @property
    def wrong(self) -> int:
        return sum(count.wrong for count in self.kinds.values())
