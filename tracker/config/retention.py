"""Retention: how long positions are kept, by group of vehicles. Without a rule they are kept for ever."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import NamedTuple

DAY_MS = 86_400_000
ALL = "*"  #: vehicles of no group that has a rule of its own
ALWAYS = "always"

_RULE = re.compile(r"\s*(?P<group>.*\S)\s*:\s*(?P<whole>\d{1,5})\s*(?:/\s*(?P<thinned>\d{1,5}|always)\s*)?")


class Keep(Enum):
    WHOLE = "whole"
    THINNED = "thinned"
    GONE = "gone"


class Rule(NamedTuple):
    """Of a day's positions, by how many days ago it ended (UTC)."""

    whole: int  # so long they are kept as they came
    thinned: int | None  # and so long a part of them; None: for ever

    def keeps(self, day: int, now: int) -> Keep:
        """`day`: when it began, `now`: UTC ms."""
        age = (now - day) // DAY_MS
        if age <= self.whole:
            return Keep.WHOLE
        return Keep.THINNED if self.thinned is None or age <= self.thinned else Keep.GONE

    def changes(self, day: int, now: int, *, is_thinned: bool = False) -> tuple[int | None, Keep]:
        """When it is kept otherwise the next time, and how from then on; None: never."""
        ends = [(self.whole, Keep.THINNED), (self.thinned, Keep.GONE)]
        if self.thinned == self.whole or is_thinned:
            ends.pop(0)
        for days, keep in ends:
            if days is not None and (at := day + (days + 1) * DAY_MS) > now:
                return at, keep
        return None, self.keeps(day, now)


def read_rules(texts: Iterable[str]) -> dict[str, Rule]:
    """Group → rule, of texts like `trucks:30/365`. Raises ValueError, which says what is wrong."""
    rules: dict[str, Rule] = {}
    for text in texts:
        said = _RULE.fullmatch(text)
        if said is None:
            raise ValueError(f"{text!r} is no rule; it looks like *:30/365, trucks:90/always or vans:14 (days)")
        whole, until = int(said["whole"]), said["thinned"]
        thinned = None if until == ALWAYS else int(until or whole)
        if whole < 1 or (thinned is not None and thinned < whole):
            raise ValueError(f"{text!r}: at least one day is kept whole, and what is thinned is older than that")
        if said["group"] in rules:
            raise ValueError(f"{text!r}: there are two rules for {said['group']!r}")
        rules[said["group"]] = Rule(whole, thinned)
    return rules


def rule_of(rules: Mapping[str, Rule], group: str | None) -> Rule | None:
    """What holds for a vehicle; None: everything is kept."""
    return rules.get(group or ALL) or rules.get(ALL)
