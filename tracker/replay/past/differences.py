"""Differences: the events there were beside those other rules give.

The same event has the same id: one of either side alone is compared with it. What is left of a vehicle, a region and a
kind is taken in pairs, those nearest in time first, if they are within a quarter of an hour: it has changed. The rest
vanished, or appeared.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from tracker.model.events import Event
from tracker.replay.canonical import facts

NEAR_MS = 900_000
APPEARED, VANISHED, CHANGED = "appeared", "vanished", "changed"
IGNORED = ("id", "version")  #: hashes of the rest, and how often a region was saved


class Difference(NamedTuple):
    what: str
    before: Event | None
    after: Event | None
    fields: Mapping[str, tuple[Any, Any]] = MappingProxyType({})  # of a change: name → before, after

    @property
    def event(self) -> Event:
        """The one to name it by."""
        event = self.after or self.before
        assert event is not None
        return event


class Differences:
    def __init__(self, before: Iterable[Event], after: Iterable[Event]) -> None:
        was, now = {one.id: one for one in before}, {one.id: one for one in after}
        pairs = [(was[id], now[id]) for id in was.keys() & now.keys()]
        gone = [one for id, one in was.items() if id not in now]
        new = [one for id, one in now.items() if id not in was]
        near = list(_pairs(gone, new))
        paired = {one.id for pair in near for one in pair}
        found = [Difference(CHANGED, a, b, fields) for a, b in (*pairs, *near) if (fields := _fields(a, b))]
        self.same = len(pairs) + len(near) - len(found)
        found += [Difference(VANISHED, one, None) for one in gone if one.id not in paired]
        found += [Difference(APPEARED, None, one) for one in new if one.id not in paired]
        self.found = sorted(found, key=lambda one: (one.event.time, one.event.vehicle, one.event.kind, one.event.id))

    def totals(self) -> Counter[str]:
        return Counter(one.what for one in self.found)

    def by(self, name: str) -> dict[str, Counter[str]]:
        """Per `region` or `vehicle`; "" where an event is of none."""
        table: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for one in self.found:
            table[getattr(one.event, name) or ""][one.what] += 1
        return dict(sorted(table.items()))


def _pairs(gone: list[Event], new: list[Event]) -> Iterator[tuple[Event, Event]]:
    kin: defaultdict[tuple[str, str | None, str], list[Event]] = defaultdict(list)
    for one in sorted(new, key=lambda one: (one.time, one.id)):
        kin[one.vehicle, one.region, one.kind].append(one)
    candidates: list[tuple[int, int, str, str, Event, Event]] = []
    for one in gone:
        if others := kin.get((one.vehicle, one.region, one.kind)):
            first = bisect_left(others, one.time - NEAR_MS, key=lambda other: other.time)
            last = bisect_right(others, one.time + NEAR_MS, key=lambda other: other.time)
            near = others[first:last]
            candidates += [(abs(two.time - one.time), one.time, one.id, two.id, one, two) for two in near]
    taken: set[str] = set()
    for *_, one, two in sorted(candidates, key=lambda candidate: candidate[:4]):
        if taken.isdisjoint((one.id, two.id)):
            taken |= {one.id, two.id}
            yield one, two


def _fields(before: Event, after: Event) -> dict[str, tuple[Any, Any]]:
    was, now = facts(before), facts(after)
    names = sorted((was.keys() | now.keys()) - set(IGNORED))
    return {name: (was.get(name), now.get(name)) for name in names if was.get(name) != now.get(name)}
