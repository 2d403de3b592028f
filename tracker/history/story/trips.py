"""Trips: what a vehicle did while it did not stand, between stops and silences; with these, all there is to tell of it.

Where an odometer tells about as much as the way between the fixes, it counts; otherwise that way does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from tracker.geometry.earth import distance_m
from tracker.history.story.belief import FASTEST_MPS
from tracker.history.story.ground import Ground
from tracker.history.story.stops import Silence, Stop, Stops, radius_m
from tracker.history.story.way import Place, Way, way_of
from tracker.model.columns import Columns

LESS, MORE, SLACK_M = 0.85, 1.6, 150.0  #: an odometer that says so much of the way, give or take, is believed
SEEN = 0.8  #: of the way, between the first and the last fix that say it


class Trip(NamedTuple):
    since: int
    until: int
    start: Place
    end: Place
    way: Way
    corrected: tuple[str, ...] = ()  # by these corrections


class Quiet(NamedTuple):
    """A silence, as it is told: from one fix to the next."""

    since: int
    until: int
    start: Place
    end: Place
    metres: float  # it went at least
    corrected: tuple[str, ...] = ()


class Story(NamedTuple):
    """What became of a vehicle, in order."""

    since: int  # its first fix
    until: int  # its last
    fixes: int
    strays: int  # that are not believed
    trips: list[Trip]
    stops: list[Stop]
    silences: list[Quiet]


def story_of(columns: Columns) -> Story | None:
    """Of one vehicle's fixes; None when there are none."""
    if not len(columns):
        return None
    stops = Stops()
    stops.take_fixes(columns)
    found = stops.done()
    ground, odometer = stops.ground, _Odometer(stops.ground, columns)
    return Story(
        ground.t[0],
        ground.t[-1],
        len(ground),
        len(ground) - sum(map(len, stops.runs)),
        list(_trips(ground, stops.runs, [one for one in found if isinstance(one, Stop)], odometer)),
        [one for one in found if isinstance(one, Stop)],
        [_quiet(ground, one, odometer) for one in found if isinstance(one, Silence)],
    )


def _trips(ground: Ground, runs: list[list[int]], stops: list[Stop], odometer: _Odometer) -> Sequence[Trip]:
    found: list[Trip] = []
    at = 0
    for run in runs:
        before: Stop | None = None
        while True:
            after = stops[at] if at < len(stops) and stops[at].first <= run[-1] else None
            first = bisect_left(run, before.leaves) if before else 0
            end = bisect_left(run, after.first) + 1 if after else len(run)
            if (trip := _trip(ground, run[first:end], before, after, odometer)) is not None:
                found.append(trip)
            if after is None:
                break
            before, at = after, at + 1
    return found


def _trip(
    ground: Ground, fixes: list[int], before: Stop | None, after: Stop | None, odometer: _Odometer
) -> Trip | None:
    if len(fixes) < 2:
        return None
    since = before.until if before else ground.t[fixes[0]]
    until = after.since if after else ground.t[fixes[-1]]
    moved = before is not None and after is not None
    way = way_of(ground, fixes, since, until, moved=moved)
    if way is None or until <= since or not way.metres[-1]:
        return None
    stays = fixes[-1] if after else fixes[0]
    if not moved and not any(ground.far(stays, i) > radius_m(ground, i) for i in fixes):
        return None
    way = odometer.corrected(fixes, way)
    start = (before.lat, before.lon) if before else ground.place(fixes[0])
    end = (after.lat, after.lon) if after else ground.place(fixes[-1])
    return Trip(since, until, start, end, way)


def _quiet(ground: Ground, silence: Silence, odometer: _Odometer) -> Quiet:
    i, k = silence
    (start, end), seconds = (ground.place(i), ground.place(k)), ground.seconds(i, k)
    metres, counted = distance_m(*start, *end), odometer.between(i, k)
    if counted is not None and _least(metres) <= counted <= FASTEST_MPS * seconds:
        metres = counted
    return Quiet(ground.t[i], ground.t[k], start, end, metres)


def _least(metres: float) -> float:
    """That an odometer says of a way: of a short one not next to nothing, as one that counts kilometres does."""
    return max(metres / 2, metres * LESS - SLACK_M)


class _Said(msgspec.Struct):
    odometer_m: float | None = None


_decode = msgspec.json.Decoder(_Said).decode


class _Odometer:
    def __init__(self, ground: Ground, columns: Columns) -> None:
        self._ground, self._extra = ground, columns.extra

    def corrected(self, fixes: list[int], way: Way) -> Way:
        """The way as long as it counted, where that can be believed."""
        first = next((i for i in fixes if self._at(i) is not None), None)
        if first is None:
            return way
        last = next(i for i in reversed(fixes) if self._at(i) is not None)
        metres = way.metres_in(self._ground.t[first], self._ground.t[last])
        if metres < SEEN * way.metres[-1]:
            return way
        counted = self.between(first, last)
        if counted is None or not _least(metres) <= counted <= metres * MORE + SLACK_M:
            return way
        return way._replace(metres=way.metres * (counted / metres))

    def between(self, i: int, k: int) -> float | None:
        """What it counted, if it counted on."""
        first, last = self._at(i), self._at(k)
        return None if first is None or last is None or last <= first else last - first

    def _at(self, i: int) -> float | None:
        extra = self._extra.get(i)
        return _decode(extra).odometer_m if extra and b"odometer_m" in extra else None
