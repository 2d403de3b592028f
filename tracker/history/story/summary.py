"""Summary: a vehicle's story in numbers, of a span and of each day in it, as days are where its reader lives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tracker.history.story.trips import Story
from tracker.times import EPOCH, MS

Span = tuple[int, int]


class Totals(NamedTuple):
    since: int
    until: int
    metres: float
    driving_ms: int
    idle_ms: int  # on trips, at lights and in jams
    stopped_ms: int
    silent_ms: int  # from one fix to the next
    trips: int  # that began in it
    stops: int
    fastest_mps: float | None
    dwells: dict[str, int]  # region → ms

    @property
    def utilisation(self) -> float:
        """The share of the span that it was on trips."""
        return (self.driving_ms + self.idle_ms) / max(1, self.until - self.since)


def totals(story: Story | None, dwells: Mapping[str, Sequence[Span]], since: int, until: int) -> Totals:
    """Of since <= time < until."""
    if story is None:
        return Totals(since, until, 0.0, 0, 0, 0, 0, 0, 0, None, {})
    trips = [trip for trip in story.trips if trip.since < until and trip.until > since]
    cuts = [(trip, max(since, trip.since), min(until, trip.until)) for trip in trips]
    on_trips = sum(end - begin for _, begin, end in cuts)
    idle = sum(trip.way.waited_ms(begin, end) for trip, begin, end in cuts)
    silent = sum(_shared((one.since, one.until), since, until) for one in story.silences)
    fastest = [best for trip, begin, end in cuts if (best := trip.way.fastest_mps(begin, end)) is not None]
    inside = {id: sum(_shared(span, since, until) for span in spans) for id, spans in dwells.items()}
    return Totals(
        since,
        until,
        sum(trip.way.metres_in(begin, end) for trip, begin, end in cuts),
        on_trips - idle,
        idle,
        _shared((story.since, story.until), since, until) - on_trips - silent,
        silent,
        sum(since <= trip.since for trip in trips),
        sum(since <= stop.since < until for stop in story.stops),
        max(fastest, default=None),
        {id: ms for id, ms in inside.items() if ms},
    )


def _shared(span: Span, since: int, until: int) -> int:
    return max(0, min(span[1], until) - max(span[0], since))


def days(zone: ZoneInfo, since: int, until: int) -> Iterator[tuple[date, Span]]:
    """The days of a zone in since <= time < until, cut to it: of 23 and 25 hours too, and none that a zone left out."""
    day = _local(since, zone)
    while (begins := _midnight(day, zone)) < until:
        ends = _midnight(day + timedelta(1), zone)
        if max(begins, since) < min(ends, until):
            yield day, (max(begins, since), min(ends, until))
        day += timedelta(1)


def midnights(zone: ZoneInfo, since: int, until: int) -> Span:
    """The whole days that hold these."""
    return _midnight(_local(since, zone), zone), _midnight(_local(until, zone) + timedelta(1), zone)


def _local(ms: int, zone: ZoneInfo) -> date:
    return (EPOCH + ms * MS).astimezone(zone).date()


def _midnight(day: date, zone: ZoneInfo) -> int:
    """Where the clock is put forward at midnight, the instant at which it is."""
    return (datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) - EPOCH) // MS
