"""Windows: what the schedules of regions do to one vehicle, and the dwells that are due meanwhile.

Each vehicle has followed the schedules up to its own `clock`. While its newest fix was at most a day old when it
came, that is our clock, and a timer goes off at the next edge round that fix; an older one (a recording) lives by its
fixes: the edges between two of them are told when the later one comes. Between two fixes it is where the earlier one
was.
"""

from __future__ import annotations

from collections.abc import Collection

from tracker.fleet.cause import Occasion, dwell_at
from tracker.fleet.vehicle import NEVER, Vehicle
from tracker.model.events import Event
from tracker.regions.book import RegionBook

DAY_MS = 86_400_000
LONG_MS = 7 * DAY_MS  #: between fixes further apart only the state at the end is told


def by_our_clock(vehicle: Vehicle) -> bool:
    """Does it live by our clock? Otherwise it is a recording."""
    return vehicle.fixed_at - vehicle.ping.time <= DAY_MS


def next_edge(book: RegionBook, vehicle: Vehicle) -> int:
    """When a schedule next opens or closes a region round the newest fix. After a week of silence none lets it in."""
    edge, last = NEVER, vehicle.ping.time + LONG_MS
    for key in _concerned(book, vehicle):
        change = book.schedule(key).change_after(vehicle.clock)
        if change is not None and change < edge and (change <= last or key in vehicle.visits):
            edge = change
    return edge


def turn(book: RegionBook, vehicle: Vehicle, edge: int, received: int, now: int) -> list[Event]:
    """A timer went off at an edge. `received`: when an idle server would have; `now`: when we did."""
    at = edge if now - vehicle.ping.time <= LONG_MS else now  # nobody wants to hear a year of edges
    return _turn(book, vehicle, at, received, now, vehicle.delayed, _concerned(book, vehicle))


def follow(
    book: RegionBook, vehicle: Vehicle, upto: int, now: int, delayed: bool, passing: Collection[str] = ()
) -> list[Event]:
    """Let the schedules between the vehicle's clock and `upto` open and close regions where its newest fix is."""
    clock = vehicle.clock
    if upto <= clock:
        return []
    if not book.scheduled or book.is_quiet(clock, upto):
        vehicle.clock = upto
        return []
    events: list[Event] = []
    concerned = _concerned(book, vehicle, passing)
    each = upto - vehicle.ping.time <= LONG_MS  # after a longer gap only what is at its end
    while concerned and (edge := _first_change(book, concerned, vehicle.clock)) <= upto:
        events += dwells(book, vehicle, edge, now, delayed)
        events += _turn(book, vehicle, edge if each else upto, now, now, delayed, concerned)
    if vehicle.clock < upto:
        events += _turn(book, vehicle, upto, now, now, delayed, concerned)
    return events


def dwells(book: RegionBook, vehicle: Vehicle, upto: int, now: int, delayed: bool) -> list[Event]:
    """The dwells that are due by the clock of the fixes, in order."""
    due = sorted(
        (at, key)
        for key, visit in vehicle.visits.items()
        if not visit.dwelled
        and (region := book.regions.get(key))
        and region.rules.dwell_s is not None
        and (at := dwell_at(region, visit)) <= upto
    )
    if not due:
        return []
    occasion = Occasion("timer", upto, upto, now, delayed, vehicle.ping)
    for _, key in due:
        occasion.dwell(book.regions[key], vehicle.visits[key])
    return occasion.events


def _concerned(book: RegionBook, vehicle: Vehicle, passing: Collection[str] = ()) -> list[str]:
    """Regions with a schedule that the newest fix, a visit or a touch has to do with."""
    fix = vehicle.decided
    here = () if fix is None else book.cells.at(fix.lat, fix.lon)
    found = book.scheduled.intersection((*here, *vehicle.visits, *vehicle.touches))
    return sorted(found.difference(passing)) if found else []


def _first_change(book: RegionBook, keys: list[str], clock: int) -> int:
    changes = (book.schedule(key).change_after(clock) for key in keys)
    return min((change for change in changes if change is not None), default=NEVER)


def _turn(
    book: RegionBook, vehicle: Vehicle, at: int, received: int, now: int, delayed: bool, keys: list[str]
) -> list[Event]:
    """From the state at the vehicle's clock to the state at `at`."""
    clock, ping, visits, events = vehicle.clock, vehicle.decided, vehicle.visits, list[Event]()
    vehicle.clock = at
    if ping is None:
        return events
    here = book.cells.at(ping.lat, ping.lon)
    turned: list[tuple[int, str]] = []
    for key in keys:
        schedule = book.schedule(key)
        is_open = schedule.open_at(at)
        if not is_open:
            vehicle.touches.pop(key, None)
            if vehicle.doubt is not None:
                vehicle.doubt.drop(key)
        if key in visits and not is_open:
            turned.append((schedule.change_after(clock) or at, key))
        elif key in here and key not in visits and is_open and not schedule.open_at(clock):
            turned.append((schedule.change_before(at) or at, key))
    for edge, key in sorted(turned):
        region = book.regions[key]
        vehicle.write_peak()
        if key in visits:
            occasion = Occasion("window_close", edge, f"window {edge}", now, delayed, ping)
            visit = visits.pop(key)
            if region.rules.dwell_s is not None and not visit.dwelled and dwell_at(region, visit) <= edge:
                occasion.dwell(region, visit)
            occasion.leave_region(region, visit)
        else:
            occasion = Occasion("window_open", edge, f"window {edge}", now, delayed, ping)
            visits[key] = occasion.enter(region, max(received, edge))  # a timer of long ago went off for a later edge
        events += occasion.events
    vehicle.raw = book.covering(ping.lat, ping.lon, at)
    return events
