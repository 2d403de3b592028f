"""All nodes and all viewers know the same of every vehicle that is their business: its newest fix and the regions it is in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple


class Place(NamedTuple):
    time: int  # of the fix, in ms
    lat: float
    lon: float
    regions: frozenset[str] = frozenset()


Places = Mapping[str, Place]  #: by vehicle


def check_alike(who: str, known: Places, wanted: Places, may: Places | None = None) -> Iterator[str]:
    """`may`: what it may know besides, and then so."""
    right = {**(may or {}), **wanted}
    wrong = sorted(name for name in known.keys() | wanted.keys() if known.get(name) != right.get(name))
    if wrong:
        one = wrong[0]
        yield f"{who} is wrong of {len(wrong)} vehicles; {one}: {known.get(one)}, and it is {right.get(one)}"
