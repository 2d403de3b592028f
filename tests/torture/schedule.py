"""Schedule: which faults happen to whom, for how long; all of it by a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

SHORTEST_S, LONGEST_S = 0.3, 6.0
BESIDE = 0.3  #: how often the next fault does not wait until this one is over


class Planned(NamedTuple):
    fault: str
    node: int
    hold_s: float  # how long it lasts, where it lasts
    beside: bool  # the next one begins while it lasts
    chance: int  # a seed for what else is drawn


def schedule(seed: int, faults: Sequence[str], nodes: int) -> Iterator[Planned]:
    """Without end. Each fault comes once before any comes again, in another order each time."""
    chance = random.Random(seed)
    while True:
        for fault in chance.sample(faults, len(faults)):
            hold_s = round(chance.uniform(SHORTEST_S, chance.uniform(SHORTEST_S, LONGEST_S)), 2)
            yield Planned(fault, chance.randrange(nodes), hold_s, chance.random() < BESIDE, chance.randrange(1 << 30))
