"""Events have the numbers 1, 2, 3, … in the order in which a reader finds them, and each is there once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence


def check_numbered(events: Sequence[tuple[int, str]]) -> Iterator[str]:
    """(seq, id), as a node lists them."""
    for place, (seq, id) in enumerate(events, 1):
        if seq != place:
            yield f"event {id} has the number {seq} in place {place}"
            break
    doubled = [id for id, times in Counter(id for _, id in events).items() if times > 1]
    if doubled:
        yield f"{len(doubled)} events are there twice, one of them {doubled[0]}"
