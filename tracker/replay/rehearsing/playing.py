"""Playing: the fleet decides about one region again, leg by leg, passing over fixes that surely change nothing.

As long as a vehicle's visits are what its places say, fix after fix inside, or fix after fix outside and no line
across, changes none of them: it is put down at the last one at which it is known how it moves, and goes on from there
fix by fix. Where anything is odd, too fast or undecided, no fix is passed over.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tracker.fleet.fleet import Fleet, FleetSettings, Step
from tracker.fleet.vehicle import Vehicle
from tracker.model.columns import NOT_SAID
from tracker.model.events import Event
from tracker.pipeline.clocks import SET_MS
from tracker.pipeline.entries.journal import ClockSet, Entry, Messages, RegionsSaved, SettingsChanged, decide
from tracker.regions.region import Region
from tracker.replay.rehearsing.line import Leg, Line

EVER = 1 << 62


class Span(NamedTuple):
    since: int  # events with since <= time < until are told
    until: int
    end: int  # so far the clock is known to have gone on


class Play:
    """One shape. `settings`: (from when on, which), the oldest first."""

    def __init__(self, region: Region, settings: Sequence[tuple[int, FleetSettings]], span: Span) -> None:
        self._region, self._settings, self._span = region, settings, span
        self._fleet = Fleet(settings[0][1], kept=False)
        decide(self._fleet, RegionsSaved(-EVER, [region]))
        self._events: dict[str, Event] = {}

    def leg(self, line: Line, leg: Leg, stops: Sequence[int]) -> list[Event]:
        """Its events, in order. `stops`: the fixes that may change something."""
        self._events = {}
        if stops or leg.begins:  # it begins outside, and stays there
            self._go(line, leg, stops)
        return list(self._events.values())

    def _go(self, line: Line, leg: Leg, stops: Sequence[int]) -> None:
        fleet, fixes = self._fleet, line.fixes
        now = int(line.received[leg.first])
        deeds = iter([deed for deed in line.deeds if leg.begins or deed.now > now])
        self._begin(line, -EVER if leg.begins else now)
        telling = _Telling(self, line, deeds, 0 if leg.begins else int(fixes[leg.first]))
        telling.tell(int(fixes[leg.first]))
        at = leg.first
        if not leg.begins:
            self._leap(line, at, NOT_SAID)
        for stop in [*stops, leg.last]:
            while at < stop:
                vehicle = fleet.vehicles.get(line.vehicle)
                to = self._target(line, vehicle, stop)
                if to > at and self._is_calm(vehicle):
                    self._leap(line, to, int(line.speed[at + 1 : to + 1].max()))
                    telling.at = int(fixes[to]) + 1
                    at = to
                else:
                    at += 1
                    telling.tell(int(fixes[at]))
        if leg.ends:
            telling.tell(len(line.heard.time) - 1)
            telling.do(EVER)
            if line.vehicle in fleet.vehicles:
                self.take(fleet.ring(line.vehicle, max(self._span.end, int(line.heard.received[-1]))))
        if line.vehicle in fleet.vehicles:
            del fleet.vehicles[line.vehicle]

    def _begin(self, line: Line, now: int) -> None:
        """By the settings there were; nothing is known of the vehicle."""
        self._fleet.erase_vehicle(line.vehicle, now)
        settings = [one for since, one in self._settings if since <= now][-1:] or [self._settings[0][1]]
        if settings[0] != self._fleet.settings:
            decide(self._fleet, SettingsChanged(now, settings[0]))

    def _target(self, line: Line, vehicle: Vehicle | None, stop: int) -> int:
        """Where it might be put down; -1 nowhere."""
        schedule = self._region.rules.schedule
        if vehicle is None:
            return -1
        if schedule is not None and (edge := schedule.change_after(vehicle.clock)) is not None:
            stop = min(stop, bisect_left(line.time, edge), bisect_left(line.received, edge))
        return int(line.known[stop - 1])

    def _is_calm(self, vehicle: Vehicle | None) -> bool:
        """Are its visits what its places say, and nothing waits for the next fix?"""
        return (
            vehicle is not None
            and vehicle.settled
            and vehicle.held is None
            and vehicle.sure is vehicle.ping
            and not any(visit.over_since for visit in vehicle.visits.values())
        )

    def _leap(self, line: Line, to: int, peak: int) -> None:
        ping, peak_mps = line.ping(int(line.fixes[to])), peak / 1e3 if peak != NOT_SAID else -1.0
        drove = int(line.drove[to])
        anchor = float(line.lat[drove]), float(line.lon[drove])
        still_since = int(line.time[drove + 1]) if drove < to else 0
        vehicle = self._fleet.vehicles[line.vehicle]
        self._fleet.leap(vehicle, ping, int(line.received[to]), peak_mps, anchor, still_since)

    def take(self, step: Step) -> None:
        since, until, _ = self._span
        for event in step.change.events:
            if event.region == self._region.id and since <= event.time < until:
                self._events.setdefault(event.id, event)

    def decide(self, entry: Entry) -> None:
        self.take(decide(self._fleet, entry))


class _Telling:
    """Of one line, what has been told."""

    def __init__(self, play: Play, line: Line, deeds: Iterator[Entry], at: int) -> None:
        self._play, self._line, self._deeds = play, line, deeds
        self._deed = next(deeds, None)
        self._now = 0
        self.at = at  # is told next, of all that was heard

    def tell(self, last: int) -> None:
        """On to this one."""
        line = self._line
        for at in range(self.at, last + 1):
            now = int(line.heard.received[at])
            self.do(now)
            if now < self._now - SET_MS:
                self._play.decide(ClockSet(self._now, now - self._now))
            self._now = now
            self._play.decide(Messages(now, [line.ping(at)]))
        self.at = last + 1

    def do(self, now: int) -> None:
        while self._deed is not None and self._deed.now <= now:
            self._play.decide(self._deed)
            self._deed = next(self._deeds, None)
