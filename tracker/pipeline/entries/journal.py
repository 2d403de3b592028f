"""Journal: all that can happen to a fleet, one struct each, with its `now`. The same entries tell the same events.

Whoever lives through a journal (the server, a dry run, a rehearsal, the recorded day) gives its entries to `decide`,
one after the other. Timers need no entry: before a vehicle takes one, those of its own that are due by then go off. Nor
does the way of an edit round all vehicles: each has seen the newest before it takes anything else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tracker.fleet.fleet import Fleet, FleetSettings, Known, Step
from tracker.model.change import Acked, Change, Registered
from tracker.model.commit import Commit
from tracker.model.events import Event
from tracker.model.ping import Ping
from tracker.regions.region import Region


class Messages(msgspec.Struct, frozen=True, gc=False):
    """What vehicles said, received together; with a place or without one."""

    now: int
    pings: list[Ping]


class RegionsSaved(msgspec.Struct, frozen=True):
    """Created or changed, under the versions they carry."""

    now: int
    regions: list[Region]


class RegionsDeleted(msgspec.Struct, frozen=True):
    now: int
    ids: list[str]


class VehicleRegistered(msgspec.Struct, frozen=True):
    now: int
    entry: Registered


class VehicleRemoved(msgspec.Struct, frozen=True):
    now: int
    vehicle: str
    erased: bool = False  # its history and that of its events, too


class EventAcknowledged(msgspec.Struct, frozen=True):
    """Or, `by` nobody, no longer."""

    now: int
    event: str
    by: str | None


class EventsTold(msgspec.Struct, frozen=True):
    """By another system: they are kept, and decide nothing."""

    now: int
    events: list[Event]


class ClockSet(msgspec.Struct, frozen=True):
    """Somebody set our clock: what was received before is told by the clock there is now."""

    now: int  # by the clock before
    by: int


class SettingsChanged(msgspec.Struct, frozen=True):
    """The server was started with others."""

    now: int
    settings: FleetSettings


Entry = (
    Messages
    | RegionsSaved
    | RegionsDeleted
    | VehicleRegistered
    | VehicleRemoved
    | EventAcknowledged
    | EventsTold
    | ClockSet
    | SettingsChanged
)


def decide(fleet: Fleet, entry: Entry, known: Known | None = None) -> Step:
    """The one door into the fleet. `known`: of the fixes it does not remember, those that are stored."""
    if type(entry) is Messages:
        return fleet.apply(entry.pings, entry.now, known)
    return _DECIDES[type(entry)](fleet, entry)


def _acknowledge(entry: EventAcknowledged) -> Step:
    """An event is none of the fleet's any more."""
    acked = [Acked(entry.event, entry.by, entry.now)]
    return Step(Commit(acked=acked), Change(acked=acked), [])


_DECIDES: dict[type, Callable[[Fleet, Any], Step]] = {
    RegionsSaved: lambda fleet, entry: fleet.save_regions(entry.regions, entry.now),
    RegionsDeleted: lambda fleet, entry: fleet.delete_regions(entry.ids, entry.now),
    VehicleRegistered: lambda fleet, entry: fleet.register(entry.entry),
    VehicleRemoved: lambda fleet, entry: (fleet.erase_vehicle if entry.erased else fleet.remove_vehicle)(
        entry.vehicle, entry.now
    ),
    EventsTold: lambda _fleet, entry: Step(Commit(events=entry.events), Change(events=entry.events), []),
    EventAcknowledged: lambda _fleet, entry: _acknowledge(entry),
    ClockSet: lambda fleet, entry: fleet.set_clock(entry.by),
    SettingsChanged: lambda fleet, entry: fleet.change_settings(entry.settings),
}
