"""Corrections: what a person says was otherwise than it was told: fixes are wrong, a stop began or ended at another
time, trips were one. What was told stays; a correction that is taken back stays as well.

Spans are half-open: since <= time < until.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from tracker.model.columns import Columns
from tracker.model.events import Event
from tracker.model.records import Record
from tracker.times import rfc3339

KIND = "correction"  #: of record
WRONG_FIXES, MOVE_STOP, JOIN_TRIPS = "wrong_fixes", "move_stop", "join_trips"
WHAT = (WRONG_FIXES, MOVE_STOP, JOIN_TRIPS)

Span = tuple[int, int]
Mask = npt.NDArray[np.bool_]


class TakenBack(msgspec.Struct, frozen=True):
    by: str
    at: int
    why: str | None = None


class Correction(msgspec.Struct, frozen=True):
    id: str
    vehicle: str
    what: str
    since: int  # of what is corrected, as it was told: the fixes, the stop, from the first trip to the last
    until: int
    why: str
    by: str
    at: int
    new_since: int | None = None  # of a stop; None: as it was
    new_until: int | None = None
    place: tuple[float, float] | None = None  # of a stop (lat, lon)
    taken_back: TakenBack | None = None

    @property
    def target(self) -> Span:
        """When what is corrected was, as it is known now."""
        since, until = self.new_since, self.new_until
        return self.since if since is None else since, self.until if until is None else until

    @property
    def reach(self) -> Span:
        """All that may be another by it."""
        since, until = self.target
        return min(since, self.since), max(until, self.until)

    def touches(self, since: int, until: int) -> bool:
        first, end = self.reach
        return first < until and end > since

    def says_as(self, other: Correction) -> bool:
        """The same, said by the same person: once is enough."""
        return _said(self) == _said(other)

    def as_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "id": self.id,
            "vehicle": self.vehicle,
            "what": self.what,
            "from": rfc3339(self.since),
            "until": rfc3339(self.until),
        }
        if self.new_since is not None:
            told["new_from"] = rfc3339(self.new_since)
        if self.new_until is not None:
            told["new_until"] = rfc3339(self.new_until)
        told |= {"why": self.why, "by": self.by, "at": rfc3339(self.at), "taken_back": None}
        if self.taken_back is not None:
            by, at, why = self.taken_back.by, self.taken_back.at, self.taken_back.why
            told["taken_back"] = {"by": by, "at": rfc3339(at), "why": why}
        return told


def _said(one: Correction) -> tuple[Any, ...]:
    return one.vehicle, one.what, one.since, one.until, one.new_since, one.new_until, one.why, one.by


class Corrections:
    """All there are, as the records tell them."""

    def __init__(self) -> None:
        self.by_id: dict[str, Correction] = {}
        self._versions: dict[str, int] = {}
        self._by_vehicle: dict[str, list[str]] = {}

    def take(self, records: Iterable[Record]) -> None:
        """Put in force what is durable, in its order."""
        for record in records:
            if record.kind != KIND:
                continue
            known = self.by_id.pop(record.key, None)
            if record.body is None:
                self._versions.pop(record.key, None)
                if known is not None:
                    self._by_vehicle[known.vehicle].remove(record.key)
                    if not self._by_vehicle[known.vehicle]:
                        del self._by_vehicle[known.vehicle]
                continue
            one = msgspec.convert(record.body, Correction)
            self.by_id[record.key], self._versions[record.key] = one, record.version
            if known is None:
                self._by_vehicle.setdefault(one.vehicle, []).append(record.key)

    def vehicles(self) -> list[str]:
        return list(self._by_vehicle)

    def said_of(self, vehicle: str) -> list[Correction]:
        """As they were made, those that were taken back too."""
        return sorted((self.by_id[id] for id in self._by_vehicle.get(vehicle, ())), key=lambda one: (one.at, one.id))

    def standing(self, vehicle: str, since: int, until: int) -> list[Correction]:
        """Those in force that touch a span."""
        return [one for one in self.said_of(vehicle) if one.taken_back is None and one.touches(since, until)]

    def wrong(self, vehicle: str) -> list[Span]:
        """When its fixes are wrong."""
        if vehicle not in self._by_vehicle:
            return []
        return [
            (one.since, one.until)
            for one in self.said_of(vehicle)
            if one.taken_back is None and one.what == WRONG_FIXES
        ]

    def wrong_within(self, since: int, until: int) -> set[str]:
        """Vehicles of which a fix of since <= time < until is wrong."""
        return {id for id in self._by_vehicle for first, end in self.wrong(id) if first < until and end > since}

    def doubts(self, event: Event) -> list[dict[str, Any]]:
        """Who says of a fix that decided an event that it is wrong, when and why. The event stays."""
        if event.vehicle not in self._by_vehicle:
            return []
        times = deciding(event)
        told = (
            one.id
            for one in self.standing(event.vehicle, min(times, default=0), max(times, default=0) + 1)
            if one.what == WRONG_FIXES and any(one.since <= time < one.until for time in times)
        )
        return notes(self.by_id, told)

    def saved(self, one: Correction) -> Record:
        """To be kept, as one more version."""
        return Record(KIND, one.id, self._versions.get(one.id, 0) + 1, msgspec.to_builtins(one))

    def gone(self, vehicle: str, over: Callable[[Correction], bool] = lambda _one: True) -> list[Record]:
        """Nothing is left of those of a vehicle."""
        return [
            Record(KIND, one.id, self._versions[one.id] + 1, None, False) for one in self.said_of(vehicle) if over(one)
        ]


def deciding(event: Event) -> list[int]:
    """When the fixes were that decided it. What is silent sent none that did."""
    if why := event.detail.get("why"):
        return [int(why[one]["time"]) for one in ("from", "to") if one in why]
    return [] if event.kind == "silent" else [event.time]


def right(times: npt.NDArray[np.int64], wrong: Sequence[Span]) -> Mask:
    """Which fixes are in none of these spans."""
    found = np.ones(len(times), np.bool_)
    for since, until in wrong:
        found &= (times < since) | (times >= until)
    return found


def is_wrong(time: int, wrong: Sequence[Span]) -> bool:
    return any(since <= time < until for since, until in wrong)


def without(columns: Columns, wrong: Sequence[Span]) -> Columns:
    """What is left when the fixes of these spans are wrong."""
    kept = right(columns.time, wrong) if wrong else np.ones(0, np.bool_)
    return columns if kept.all() else columns.take(kept)


def notes(corrections: Mapping[str, Correction], ids: Iterable[str]) -> list[dict[str, Any]]:
    """Who says so, when and why."""
    return [
        {"id": one.id, "what": one.what, "by": one.by, "at": rfc3339(one.at), "why": one.why}
        for id in ids
        if (one := corrections.get(id)) is not None
    ]
