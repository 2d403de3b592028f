"""Oracle: what one node makes of a vehicle's pings and the edits of one region, by the pure fleet.

An edit and a ping that were under way together may come in either order, each vehicle in its own: all orders that the
answers leave are tried side by side, and one of them has to tell the very events that were told, in their order.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from tracker.fleet.fleet import Fleet
from tracker.fleet.step import Step
from tracker.model.events import event_id
from tracker.model.ping import Ping
from tracker.regions.region import Region

FAR_M = 60.0  #: from an edge: there no ping decides anything
TIMERS_MS = 60_000  #: after the last fix they have gone off: longer than any dwell, shorter than a doubt (2 min)


class Edit(NamedTuple):
    """A version of a region, and how many pings of the vehicle came before it: between `least` and `most`."""

    region: Region
    least: int
    most: int


class Way:
    """One order in which all may have happened so far."""

    def __init__(self) -> None:
        self.fleet = Fleet(remembers=1)
        self.edits = 0
        self.events: list[str] = []

    def fork(self) -> Way:
        other = copy.copy(self)
        other.fleet, other.events = copy.deepcopy(self.fleet), self.events.copy()
        return other

    def take(self, step: Step | None, region: str | None) -> None:
        events = step.commit.events if step else ()
        self.events += [one.id for one in events if one.region == region and (region or one.kind == "alarm")]

    def edit(self, region: Region, now: int) -> Way:
        self.take(self.fleet.save_regions([region], now), region.id)
        while step := self.fleet.evaluate(1000):
            self.take(step, region.id)
        self.edits += 1
        return self

    def key(self, vehicle: str) -> tuple[Any, ...]:
        known = self.fleet.vehicles.get(vehicle)
        return self.edits, len(self.events), known and known.pack()


class Story(NamedTuple):
    fault: str  # "": it is explained
    inside: frozenset[bool]  # is it in the region at the end, by the orders that explain it


def explain(
    vehicle: str, region: str | None, pings: Sequence[Ping], edits: Sequence[Edit], told: Sequence[str]
) -> Story:
    """`region` None: alarms. `told`: ids of the events of this vehicle in this region, by seq. Timers are over at the end."""
    edits = _in_order(edits, len(pings))
    ways, now, best = [Way()], 0, 0
    for at in range(len(pings) + 1):
        now = pings[at].time if at < len(pings) else now + TIMERS_MS
        found = dict[tuple[Any, ...], Way]()
        for way in ways:
            for after in _edited(way, edits, at, now, pings, told):
                if at < len(pings):
                    after.take(after.fleet.apply([pings[at]], now), region)
                else:
                    _end(after, now, region)
                if after.events == list(told[: len(after.events)]):
                    found[after.key(vehicle)] = after
                best = max(best, _common(after.events, told))
        ways = list(found.values())
    right = [way for way in ways if len(way.events) == len(told) and way.edits == len(edits)]
    if not right:
        what = f"{told[best]} was told" if best < len(told) else "less was told than happened"
        return Story(
            f"{vehicle} in {region or 'its alarms'}: from event {best + 1} of {len(told)} on it is none of ours ({what})",
            frozenset(),
        )
    return Story("", frozenset(region in way.fleet.vehicles[vehicle].visits for way in right if pings))


def _in_order(edits: Sequence[Edit], pings: int) -> list[Edit]:
    """What comes before one that came before is before that as well."""
    least = [*accumulate((edit.least for edit in edits), max)]
    most = [*accumulate((edit.most for edit in reversed(edits)), min, initial=pings)][:0:-1]
    return [Edit(edit.region, *span) for edit, *span in zip(edits, least, most, strict=True)]


def _edited(
    way: Way, edits: Sequence[Edit], at: int, now: int, pings: Sequence[Ping], told: Sequence[str]
) -> list[Way]:
    """Those in which so many pings came before the next ping, or the end."""
    ways = []
    while way.edits < len(edits) and edits[way.edits].least <= at:
        if at < edits[way.edits].most:
            if _may_wait(way, edits, at, pings, told[len(way.events) :][:1]):
                break
            ways.append(way.fork())
        way.edit(edits[way.edits].region, now)
    return [*ways, way]


def _may_wait(way: Way, edits: Sequence[Edit], at: int, pings: Sequence[Ping], next: Sequence[str]) -> bool:
    """Is it all the same whether what may come now comes before the next ping or after it, or can it not come now?"""
    near = pings[max(0, at - 1) : at + 1]
    known = way.fleet.vehicles.get(near[0].vehicle)
    shapes = [edits[way.edits - 1].region.shape] if way.edits else []
    for edit in edits[way.edits :]:
        region, shape = edit.region, edit.region.shape
        if edit.least > at:
            break
        if known is not None:
            inside = region.id in known.visits
            if inside != shape.covers(known.ping.lat, known.ping.lon):
                kind = "exit" if inside else "enter"
                return list(next) != [event_id(kind, known.ping.vehicle, region.id, region.version)]
        shapes.append(shape)
        if any(abs(one.signed_distance_m(ping.lat, ping.lon)) < FAR_M for one in shapes for ping in near):
            return False
    return True


def _end(way: Way, now: int, region: str | None) -> None:
    while (due := way.fleet.due_at()) is not None and due <= now:
        way.take(way.fleet.fire(due), region)


def _common(some: Sequence[str], others: Sequence[str]) -> int:
    return next(
        (at for at, (a, b) in enumerate(zip(some, others, strict=False)) if a != b), min(len(some), len(others))
    )
