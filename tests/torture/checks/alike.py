"""All nodes and all viewers of everything know the same of every vehicle: its newest fix and the regions it is in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

Place = tuple[int, float, float, tuple[str, ...]]  #: time of the fix in ms, degrees, regions in their order


def check_alike(who: str, known: Mapping[str, Place], wanted: Mapping[str, Place]) -> Iterator[str]:
    """By vehicle."""
    wrong = sorted(name for name in known.keys() | wanted.keys() if known.get(name) != wanted.get(name))
    if wrong:
        one = wrong[0]
        yield f"{who} is wrong of {len(wrong)} vehicles; {one}: {known.get(one)}, and it is {wanted.get(one)}"
