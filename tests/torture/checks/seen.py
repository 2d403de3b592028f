"""Each viewer heard each event it may see once and in order, on whichever nodes it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple


class Heard(NamedTuple):
    """Of one viewer: the regions it follows (None: all there is), and (seq, id) of what it was told."""

    viewer: str
    regions: Collection[str] | None
    events: Sequence[tuple[int, str]]


def check_seen(heard: Heard, events: Mapping[tuple[int, str], str | None]) -> Iterator[str]:
    """`events`: the region of each (seq, id) there is."""
    may = [key for key, region in events.items() if heard.regions is None or region in heard.regions]
    missed = sorted(set(may) - set(heard.events))
    if missed:
        yield f"{heard.viewer} missed {len(missed)} events, the first of them {missed[0]}"
    doubled = [key for key, times in Counter(heard.events).items() if times > 1]
    if doubled:
        yield f"{heard.viewer} heard {len(doubled)} events twice, one of them {doubled[0]}"
    strange = sorted(set(heard.events) - set(may))
    if strange:
        yield f"{heard.viewer} heard {len(strange)} events that are not there or not for it, one of them {strange[0]}"
    if sorted(heard.events) != list(heard.events):
        at = next(at for at, (one, next) in enumerate(zip(heard.events, heard.events[1:], strict=False)) if next < one)
        yield f"{heard.viewer} heard {heard.events[at + 1]} after {heard.events[at]}"
