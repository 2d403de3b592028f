"""Dry run: a recording through the same fleet and regions without a server, the recorded time as the clock.

Timers (a dwell, a silence) fire when the recording passes them, so what is heard does not depend on how fast it is
played; after the last point the clock stands still. The same files give the same events, byte for byte.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TextIO

import msgspec

from tracker import wire
from tracker.errors import Invalid
from tracker.events import Event
from tracker.features import read_regions
from tracker.fleet import Fleet, FleetSettings, Outcome, Step
from tracker.formats import Point, Unreadable, item
from tracker.ping import Ping, Unfit
from tracker.protocols.native import read_item
from tracker.replay.tally import Tally
from tracker.times import LAST

AT_ONCE = 1_000  #: vehicles a timer or a region takes in one step


class Offline:
    """Takes batches as a server does; what happens is written as NDJSON."""

    def __init__(
        self,
        events: TextIO,
        regions: list[dict[str, Any]],
        began: int,
        *,
        settings: FleetSettings | None = None,
        as_of: int = LAST,
    ) -> None:
        """`began`: the first recorded time, from which the regions count as drawn; `as_of`: our clock, which no fix
        may be ahead of. Raises Invalid."""
        self._events = events
        self._fleet = Fleet(settings)
        self._clock = began
        self._as_of = as_of
        self.written = 0
        if regions:
            drawn = [msgspec.structs.replace(region, version=1) for region in read_regions(regions, began)]
            self._tell(self._fleet.save_regions(drawn, began))
            while step := self._fleet.evaluate(AT_ONCE, began):
                self._tell(step)

    def send(self, points: list[Point], shift: int = 0) -> Tally:
        tally = Tally(sent=len(points))
        moment: list[Ping] = []
        ignored: list[str] = []
        for point in points:
            try:
                ping = read_item(item(point, shift, number=True), self._as_of + shift, ignored)
            except Unfit as fault:
                tally.rejected += 1
                tally.refuse(fault.code, f"line {point.line}: {fault.message}")
                continue
            if moment and ping.time != moment[0].time:
                self._take(moment, tally)
                moment = []
            moment.append(ping)
        if moment:
            self._take(moment, tally)
        tally.ignored = len(ignored)
        return tally

    def _take(self, pings: list[Ping], tally: Tally) -> None:
        """The pings of one moment, after whatever was due before it."""
        now = self._clock = max(self._clock, pings[0].time)
        while (due := self._fleet.due_at()) is not None and due <= now:
            if step := self._fleet.fire(now, AT_ONCE):
                self._tell(step)
        step = self._fleet.apply(pings, now)
        self._tell(step)
        for outcome in step.outcomes:
            if outcome in (Outcome.DUPLICATE, Outcome.CONFLICT):
                tally.duplicates += 1
                tally.conflicts += outcome == Outcome.CONFLICT
            else:
                tally.accepted += 1
                tally.late += outcome == Outcome.LATE
                tally.held += outcome == Outcome.HELD

    def _tell(self, step: Step) -> None:
        for event in step.change.events:
            self._events.write(msgspec.json.encode(shown(event)).decode() + "\n")
            self.written += 1


def shown(event: Event) -> dict[str, Any]:
    """An event as the API answers it, without `seq` and `received_at`, which nothing here has."""
    told = wire.event(event)
    del told["seq"], told["received_at"]
    return told


def load_regions(path: str) -> list[dict[str, Any]]:
    """The Features of a GeoJSON file: one, a FeatureCollection, or an array as `GET /api/v1/regions` answers them.

    Raises Unreadable; one without an id gets its place in the file as one.
    """
    try:
        document: Any = msgspec.json.decode(Path(path).read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except OSError as fault:
        raise Unreadable(f"cannot read {path}: {fault.strerror or fault}", usage=True) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise Unreadable(f"{path} is not JSON: {fault}") from None
    if isinstance(document, dict):
        document = document.get("features", document.get("regions", [document]))
    if not isinstance(document, list) or not all(isinstance(feature, dict) for feature in document):
        raise Unreadable(f"{path} is no GeoJSON Feature or FeatureCollection")
    return [_named(feature, number) for number, feature in enumerate(document, 1)]


def _named(feature: dict[str, Any], number: int) -> dict[str, Any]:
    """Random ids would make every run another: without an id it is its number."""
    properties = feature.get("properties")
    id = feature.get("id", properties.get("id") if isinstance(properties, dict) else None)
    return feature | {"id": str(id) if isinstance(id, str | int) else f"region-{number}"}


def explain(fault: Invalid, path: str) -> str:
    """Every fault of a regions file on a line."""
    faults = [f"  {error.get('field', '')}: {error.get('message', '')}" for error in fault.errors]
    return "\n".join([f"{path}: {fault.detail}", *faults])
