"""Drag: one region in somebody's hand. Each new shape is decided only for the legs that the change comes near; of all
others what is known stays true. While it goes on, what takes too long follows; at rest everything is decided anew."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from heapq import nlargest
from typing import Any

from tracker.fleet.fleet import FleetSettings
from tracker.history.rehearsal import MARGIN_M
from tracker.live import messages
from tracker.model.events import Event
from tracker.regions.region import Region
from tracker.replay.past.differences import APPEARED, CHANGED, VANISHED, Difference, Differences
from tracker.replay.rehearsing.ground import Ground
from tracker.replay.rehearsing.line import Leg, Line, lie_in, widened
from tracker.replay.rehearsing.playing import Play, Span
from tracker.stores import Box
from tracker.times import rfc3339

LOOSE_M = 300.0  #: around a region, and half its size: so far its edge goes before legs are cut anew


class Drag:
    def __init__(
        self,
        lines: Sequence[Line],
        settings: Sequence[tuple[int, FleetSettings]],
        span: Span,
        before: Iterable[Event],
    ) -> None:
        """`before`: what was told of the region, with since <= time < until."""
        self._lines, self._settings, self._span = lines, settings, span
        self._before: defaultdict[str, list[Event]] = defaultdict(list)
        for event in before:
            self._before[event.vehicle].append(event)
        self._zone: list[Box] = []
        self._legs: list[tuple[Line, Leg]] = []
        self._ground: Ground | None = None
        self._crossed = set[int]()  # legs with a cross
        self._told: list[list[Event]] = []
        self._of: dict[str, list[int]] = {}  # vehicle → its legs
        self._differ: dict[str, Differences] = {}
        self._behind = set[int]()  # legs that are yet to be decided with the last shape
        self.decided = 0  # legs, for the last shape

    def move(self, region: Region, whole: bool, may: Callable[[], bool] = lambda: True) -> None:
        """It has this shape now. `whole`: everything is decided anew, as at rest.

        `may`: is there time for one leg more? Those that are left are decided next time, whatever shape it has then.
        """
        ground, self._ground = self._ground, None  # broken off, everything is to be done
        if ground is None or not lie_in(widened(region.shape.boxes, MARGIN_M), self._zone):
            ground, whole = self._cut(region), True
        concerned = ground.lay(region) if whole else ground.shift(region, self._crossed)
        late = [] if whole else sorted(self._behind)
        concerned = [*late, *(at for at in concerned if whole or at not in self._behind)]
        decided = self._decide(Play(region, self._settings, self._span), concerned, ground, whole, may)
        self._behind = set(concerned[decided:])
        concerned = concerned[:decided]
        vehicles = self._before.keys() | self._of.keys() if whole else {self._legs[at][0].vehicle for at in concerned}
        for vehicle in vehicles:
            after = [event for at in self._of.get(vehicle, ()) for event in self._told[at]]
            self._differ[vehicle] = Differences(self._before.get(vehicle, ()), after)
        self._ground, self.decided = ground, len(concerned)

    def _decide(self, play: Play, legs: list[int], ground: Ground, whole: bool, may: Callable[[], bool]) -> int:
        """How many of them, the first ones; one at least."""
        for count, (at, stops) in enumerate(zip(legs, ground.stops(legs), strict=True)):
            if count and not whole and not may():
                return count
            told = self._told[at] = play.leg(*self._legs[at], stops)
            (self._crossed.add if any(event.kind == "cross" for event in told) else self._crossed.discard)(at)
        return len(legs)

    def _cut(self, region: Region) -> Ground:
        west, south, east, north = region.shape.bounds
        size_m = max(north - south, min(east - west, 360 - (east - west))) * 111_000
        self._zone = widened(region.shape.boxes, LOOSE_M + size_m / 2)
        self._legs = [(line, leg) for line in self._lines for leg in line.legs(self._zone)]
        self._legs = [one for one in self._legs if one[1].ends or one[0].time[one[1].last] >= self._span.since]
        self._told = [[] for _ in self._legs]
        self._of = {}
        for at, (line, _) in enumerate(self._legs):
            self._of.setdefault(line.vehicle, []).append(at)
        self._differ = {}
        self._crossed = set()
        return Ground(self._legs)

    def answer(self, most: int) -> dict[str, Any]:
        """What it would have done, beside what was told: `most` events of each, the newest."""
        counts: Counter[str] = Counter(event.kind for told in self._told for event in told)
        found: dict[str, list[Difference]] = {APPEARED: [], VANISHED: [], CHANGED: []}
        for differences in self._differ.values():
            for one in differences.found:
                found[one.what].append(one)
        listed = {what: [_shown(one) for one in _newest(some, most)] for what, some in found.items()}
        return {
            "counts": dict(counts),
            "events_count": counts.total(),
            "behind": len(self._behind),
            "same": sum(one.same for one in self._differ.values()),
            **{f"{what}_count": len(some) for what, some in found.items()},
            **listed,
            "vehicles": len(self._lines),
            "pings": sum(len(line.heard.time) for line in self._lines),
            "from": rfc3339(self._span.since),
            "until": rfc3339(self._span.until),
        }

    def events(self) -> list[Event]:
        """All that it would have told."""
        return [event for told in self._told for event in told]


def _newest(some: list[Difference], most: int) -> list[Difference]:
    return nlargest(most, some, key=lambda one: (one.event.time, one.event.id))


def _shown(one: Difference) -> dict[str, Any]:
    """Without its explanation: a metre of it belongs to the shape it was told with."""
    told = messages.event(one.event)
    for name in ("seq", "received_at", "why"):
        told.pop(name, None)
    if one.fields:
        told["fields"] = list(one.fields)
    return told
