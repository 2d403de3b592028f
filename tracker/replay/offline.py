"""Dry run: a recording through the same fleet and regions without a server, the recorded time as the clock.

Timers (a dwell, a silence) fire when the recording passes them, so what is heard does not depend on how fast it is
played; after the last point the clock stands still. The same files give the same events, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import msgspec

from tracker.errors import BadRequest, Invalid
from tracker.fleet.fleet import Fleet, FleetSettings, Outcome, Step
from tracker.formats import Point, Unreadable, item
from tracker.live import messages
from tracker.model.events import Event
from tracker.model.ping import Ping, Unfit
from tracker.pipeline.entries.journal import Messages, RegionsSaved, decide
from tracker.protocols.native import read_item
from tracker.regions.drawings import read_drawings
from tracker.regions.foreign import Drawn
from tracker.regions.ids import Ids
from tracker.regions.importing import read_all
from tracker.regions.kmz import Kmz, is_zip
from tracker.replay.canonical import Digest
from tracker.replay.tally import Tally
from tracker.times import LAST

MAX_REGIONS = 64 * 2**20  #: bytes of a zipped file of regions, inflated
AT_ONCE = 1_000  #: vehicles a timer or a region takes in one step


class Offline:
    """Takes batches as a server does; what happens is written as NDJSON."""

    def __init__(
        self,
        events: TextIO,
        regions: Sequence[Drawn | dict[str, Any]],
        began: int,
        *,
        settings: FleetSettings | None = None,
        as_of: int = LAST,
    ) -> None:
        """`began`: the first recorded time, from which the regions count as drawn; `as_of`: our clock, which no fix
        may be ahead of. Raises Invalid."""
        self._events = events
        self._fleet = Fleet(settings, kept=False)
        self._clock = began
        self._as_of = as_of
        self.written = 0
        self.digest = Digest()
        if regions:
            found = read_all(map(_drawn, regions), began, lambda index: f"region-{index + 1}")
            if (refusal := found.refusal()) is not None:
                raise refusal
            drawn = [msgspec.structs.replace(region, version=1) for region in found.regions]
            self._tell(decide(self._fleet, RegionsSaved(began, drawn)))
            while step := self._fleet.evaluate(AT_ONCE):
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
        step = decide(self._fleet, Messages(now, pings))
        if step.change.events:
            self._tell(step)
        for outcome in step.outcomes:
            if outcome == Outcome.ACCEPTED:
                tally.accepted += 1
            elif outcome in (Outcome.DUPLICATE, Outcome.CONFLICT):
                tally.duplicates += 1
                tally.conflicts += outcome == Outcome.CONFLICT
            else:
                tally.accepted += 1
                tally.late += outcome == Outcome.LATE
                tally.held += outcome == Outcome.HELD

    def _tell(self, step: Step) -> None:
        for event in step.change.events:
            self._events.write(msgspec.json.encode(shown(event)).decode() + "\n")
            self.digest.add_event(event)
            self.written += 1


def shown(event: Event) -> dict[str, Any]:
    """An event as the API answers it, without `seq` and `received_at`, which nothing here has."""
    told = messages.event(event)
    del told["seq"], told["received_at"]
    return told


def load_regions(path: str) -> list[Drawn]:
    """The regions of a file as `POST /api/v1/regions` reads it: GeoJSON, one Feature a line, KML, KMZ.

    Raises Unreadable. Random ids would make every run another: one without an id gets its place in the file as one.
    """
    try:
        data = Path(path).read_bytes()
        if is_zip(data):
            packed = Kmz(data, MAX_REGIONS)
            data = b"".join(packed.pieces())
        return _named(read_drawings(data, len(data), xml=path.lower().endswith(".kml")))
    except OSError as fault:
        raise Unreadable(f"cannot read {path}: {fault.strerror or fault}", usage=True) from None
    except BadRequest as fault:
        raise Unreadable(f"{path}: {fault.detail}", usage=True) from None


def _named(drawings: Iterable[Drawn]) -> list[Drawn]:
    """Here, where nothing is replaced, an `id` among the properties may be one, if no other region has it."""
    named: list[Drawn] = []
    ids, taken = Ids(), set[str]()
    for one in drawings:
        if isinstance(one.feature, dict) and "id" not in one.feature:
            attributes = one.feature["properties"].get("attributes")
            with suppress(Invalid):
                id = ids.read_id(attributes.get("id")) if isinstance(attributes, dict) else None
                if id is not None and id not in taken:
                    one = one._replace(feature=one.feature | {"id": id})
        if isinstance(one.feature, dict) and "id" in one.feature:
            taken.add(one.feature["id"])
        named.append(one)
    return named


def _drawn(given: Drawn | dict[str, Any]) -> Drawn:
    return given if isinstance(given, Drawn) else Drawn(given)


def explain(fault: Invalid, path: str) -> str:
    """Every fault of a regions file on a line."""
    return "\n".join([f"{path}: {fault.detail}", *map(_explained, fault.errors)])


def _explained(error: dict[str, Any]) -> str:
    place = [f"line {error['line']}" if "line" in error else "", repr(error["name"]) if "name" in error else ""]
    return f"  {', '.join(filter(None, [*place, error.get('field')]))}: {error.get('message', '')}"
