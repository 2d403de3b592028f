"""Again: a stretch of what a store has, as `tracker replay --store` plays it: dry, or into a server.

The window is one of fix times, as that of the API's events. So that its first events are those there were, the fleet
lives through a week before it, and through a day after it, in which something of the window may be decided; of neither
is told.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import msgspec

from tracker.fleet.fleet import FleetSettings
from tracker.formats import Point
from tracker.model.commit import StoredPing
from tracker.model.events import TOLD, Event
from tracker.model.ping import Ping, has_place
from tracker.pipeline.entries.journal import Entry, RegionsSaved, SettingsChanged
from tracker.regions.region import Region
from tracker.replay.past.life import Past
from tracker.replay.past.stored import NEVER, Known, Source, numbers_of, regions_at
from tracker.times import rfc3339

DAY_MS = 86_400_000
WARM_UP_DAYS = 7.0
RUN_OUT_MS = DAY_MS


class Window(NamedTuple):
    """[since, until) is told, [begins, ends) lived through."""

    since: int
    until: int
    begins: int
    ends: int

    @classmethod
    def around(cls, since: int | None, until: int | None, warm_up_ms: int | None) -> Window:
        """`warm_up_ms` None: from the first message there is."""
        begins = -NEVER if since is None or warm_up_ms is None else since - warm_up_ms
        ends = NEVER if until is None else until + RUN_OUT_MS
        return cls(-NEVER if since is None else since, NEVER if until is None else until, begins, ends)


class Choice:
    """Of which vehicles: whose id matches a pattern, if there are some, and that are of a group, if there are some."""

    def __init__(self, known: Known, patterns: Sequence[str], groups: Sequence[str]) -> None:
        self._patterns, self._groups = patterns, groups
        self._group_of = {entry.vehicle: entry.group for entry in known.registered}
        self.numbers = numbers_of(known, self.has_vehicle) if patterns or groups else None

    def has_vehicle(self, vehicle: str) -> bool:
        if self._patterns and not any(fnmatchcase(vehicle, pattern) for pattern in self._patterns):
            return False
        return not self._groups or self._group_of.get(vehicle) in self._groups


class Rules(NamedTuple):
    """By what is decided. None: by what was in force at each moment."""

    regions: list[Region] | None
    as_of: int | None
    settings: FleetSettings | None  # of them, those that are none of a fleet's own choosing win


def play(
    source: Source, window: Window, choice: Choice, rules: Rules, tell: Callable[[Event], None], heard: Any
) -> Past:
    """`heard` is told of each message there is in the window, and may be slow."""
    regions, settings, mine = rules.regions, source.settings, rules.settings or FleetSettings()
    if rules.as_of is not None:
        if regions is None:
            regions = regions_at(source.region_log(), rules.as_of)
        settings = [one for one in settings if one[0] <= rules.as_of][-1:] or settings[:1]
    past = Past(_over(settings[0][1] if settings else FleetSettings(), mine), tell, window.since, window.until)

    def deeds() -> Iterator[Entry]:
        if regions:
            yield RegionsSaved(-NEVER, regions)
        for deed in source.deeds(edits=regions is None):
            if type(deed) is not SettingsChanged:
                yield deed
            elif rules.as_of is None:
                yield SettingsChanged(deed.now, _over(deed.settings, mine))

    def arrivals() -> Iterator[StoredPing]:
        for one in source.arrivals_within(window.begins, window.ends, choice.numbers):
            if window.begins <= one.ping.time < window.ends and choice.has_vehicle(one.ping.vehicle):
                if window.since <= one.ping.time < window.until:
                    heard(one)
                yield one

    def quiet(heard: Container[str]) -> Iterator[list[StoredPing]]:
        if window.begins == -NEVER:
            return iter(())
        names = (name for name in source.known.numbers if name not in heard and choice.has_vehicle(name))
        return source.last_before(window.begins, names)

    past.play(deeds(), arrivals(), lambda: min(source.end(), window.ends), quiet)
    return past


def missing(source: Source, since: int, until: int) -> str:
    """Of how much it is known that it was there, and is not kept any more; "" where there is nothing like that."""
    days = sorted(day for day in source.gone if since - DAY_MS < day < until)
    count = sum(source.gone[day] for day in days)
    return (
        f"{count:,} positions from {rfc3339(days[0])[:10]} to {rfc3339(days[-1])[:10]} are not kept any more"
        if count
        else ""
    )


def _over(kept: FleetSettings, mine: FleetSettings) -> FleetSettings:
    """What somebody set for this run wins."""
    own = FleetSettings()
    names = FleetSettings.__struct_fields__
    chosen = {name: getattr(mine, name) for name in names if getattr(mine, name) != getattr(own, name)}
    return msgspec.structs.replace(kept, **chosen)


def stored_events(source: Source, window: Window, choice: Choice) -> Iterator[Event]:
    """What was told then."""
    return (
        event
        for event in source.events_within(window.since, window.until)
        if event.kind != TOLD and choice.has_vehicle(event.vehicle)
    )


# -- into a server


def points(source: Source, window: Window, choice: Choice) -> Iterator[Point]:
    """Each at the time it was received."""
    for one in source.arrivals_within(window.since, window.until, choice.numbers):
        ping = one.ping
        says = has_place(ping) or ping.alarm is not None  # the API takes no heartbeat
        if says and window.since <= ping.time < window.until and choice.has_vehicle(ping.vehicle):
            yield Point(one.received_at, as_item(ping))


def as_item(ping: Ping) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(ping).items() if value is not None}


def shifted(point: Point, shift: int) -> Any:
    position = point.position
    assert isinstance(position, dict)
    return position | {"time": position["time"] + shift} if shift else position
