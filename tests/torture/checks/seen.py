"""Each viewer heard each event it may see once and in order, on whichever nodes it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

Heard = Sequence[tuple[int, str]]  #: (seq, id) of what it was told


def check_seen(viewer: str, heard: Heard, events: Mapping[tuple[int, str], bool | None]) -> Iterator[str]:
    """`events`: is it for this viewer? None: it may be."""
    missed = sorted({key for key, is_its in events.items() if is_its} - set(heard))
    if missed:
        yield f"{viewer} missed {len(missed)} events, the first of them {missed[0]}"
    doubled = [key for key, times in Counter(heard).items() if times > 1]
    if doubled:
        yield f"{viewer} heard {len(doubled)} events twice, one of them {doubled[0]}"
    strange = sorted(key for key in set(heard) if events.get(key, False) is False)
    if strange:
        yield f"{viewer} heard {len(strange)} events that are not there or not for it, one of them {strange[0]}"
    if sorted(heard) != list(heard):
        at = next(at for at, (one, next) in enumerate(pairwise(heard)) if next < one)
        yield f"{viewer} heard {heard[at + 1]} after {heard[at]}"
