"""Numbers of events are in the order of the transactions that made them: none was given while an earlier one still ran."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise


def check_ordered(events: Sequence[tuple[int, int, int]]) -> Iterator[str]:
    """(seq, number of the transaction, place in it), in any order."""
    ranked = sorted(events)
    for (_, *before), (seq, *own) in pairwise(ranked):
        if own < before:
            yield f"event {seq} is of transaction {own[0]}, and the one before it of {before[0]}"
            return
