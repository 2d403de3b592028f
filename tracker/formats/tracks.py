"""Tracks: what the named tracks of a GPX, KML or TCX file are called as vehicles."""

from __future__ import annotations

from bisect import bisect
from typing import Any

from tracker.formats import Point, Reading, Skip
from tracker.model.ping import MAX_ID, vehicle_of


class Tracks:
    """The track that is being read, and whether two of one name overlap in time."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._count = 0
        self._spans: dict[str, list[tuple[int, int]]] = {}  # name → first and last time of each of its tracks
        self._span: tuple[int, int] | None = None
        self._name = ""
        self.vehicle: dict[str, Any] = {}  # the fields that say whose the points are
        self.begin_track()

    def begin_track(self) -> None:
        """Another track, whose name is not known yet."""
        self._end()
        self._count += 1
        self.name("")

    def name(self, text: str) -> None:
        whole = " ".join(text.split())
        self._name = vehicle_of(text) or self._reading.vehicle
        own = self._name
        if self._reading.split and self._spans.get(self._name):
            number = f" ({len(self._spans[self._name]) + 1})"
            own = own[: MAX_ID - len(number)] + number
        self.vehicle = {"vehicle": own}
        if len(whole) > MAX_ID:
            self.vehicle["attributes"] = {"name": whole[:4000]}

    def seen(self, outcome: Point | Skip) -> Point | Skip:
        """The same; its time belongs to this track."""
        if isinstance(outcome, Point):
            first, last = self._span or (outcome.time, outcome.time)
            self._span = min(first, outcome.time), max(last, outcome.time)
        return outcome

    def _end(self) -> None:
        if self._span is None:
            return
        first, last = self._span
        spans = self._spans.setdefault(self._name, [])
        at = bisect(spans, self._span)
        meets = (at > 0 and spans[at - 1][1] >= first) or (at < len(spans) and spans[at][0] <= last)
        if meets and not self._reading.split:
            self._reading.note(f"tracks called {self._name!r} overlap in time; --split makes each a vehicle of its own")
        spans.insert(at, self._span)
        self._span = None

    def finish(self) -> None:
        """The file ends."""
        self._end()
