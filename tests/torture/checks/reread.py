"""Whoever asks any node where a vehicle is a moment after a fix was acknowledged is told that fix or a newer one.

But while NATS or PostgreSQL is away from some node, and for a few seconds from then on: then nodes tell what they know.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Read(NamedTuple):
    node: str
    vehicle: str
    asked: float  # by a clock that nobody sets, in seconds; when it was answered
    answered: float
    least: int  # time of the newest fix that was acknowledged a moment before, in ms
    status: int  # 0: there was no answer
    time: int  # of the fix that was told; 0: none


Spans = Sequence[tuple[float, float]]  #: begin and end, by the same clock


def is_calm(read: Read, cut: Spans) -> bool:
    return not any(begin <= read.answered and read.asked <= end for begin, end in cut)


def is_old(read: Read) -> bool:
    """An answer that denies what was acknowledged; one that says to come again does not."""
    return read.status not in (0, 429) and read.status < 500 and read.time < read.least


def check_reread(reads: Sequence[Read], cut: Spans) -> Iterator[str]:
    """`cut`: when NATS or PostgreSQL was away from some node, with these few seconds."""
    old = [read for read in reads if is_calm(read, cut) and is_old(read)]
    if old:
        one = max(old, key=lambda read: read.least - read.time)
        yield (
            f"{len(old)} answers of {len(reads)} are older than what was acknowledged before; {one.node} says {one.status}"
            f" of {one.vehicle}, with a fix of {one.time}, and {one.least} was acknowledged"
        )
