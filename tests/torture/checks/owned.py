"""In an epoch a partition, and so a vehicle, is of one run of a node; and epochs only go up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Held(NamedTuple):
    """What the lease of a partition was as a commit with vehicles in it ended."""

    xid: int
    run: str  # of a node: who was connected to PostgreSQL
    partition: int
    epoch: int
    owner: str  # by the name that it gave itself


def check_owned(held: Sequence[Held]) -> Iterator[str]:
    """In the order of their transactions."""
    runs = defaultdict[tuple[int, int], set[str]](set)
    named = defaultdict[str, set[str]](set)
    newest = dict[int, Held]()
    for one in sorted(held):
        runs[one.partition, one.epoch].add(one.run)
        named[one.owner].add(one.run)
        before = newest.setdefault(one.partition, one)
        if one.epoch < before.epoch:
            yield f"partition {one.partition}: epoch {one.epoch} commits after {before.epoch}"
        newest[one.partition] = max(before, one, key=lambda held: held.epoch)
    for (partition, epoch), several in runs.items():
        if len(several) > 1:
            yield f"partition {partition}, epoch {epoch}: {', '.join(sorted(several))} committed in it"
    for owner, several in named.items():
        if len(several) > 1:
            yield f"{owner} is the name of {', '.join(sorted(several))}, or others committed what it owns"
