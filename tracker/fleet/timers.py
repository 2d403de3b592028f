"""Timers: what happens to a vehicle without a word from it, on the receipt clock: dwell, silence, motion states."""

from __future__ import annotations

from tracker.fleet.cause import Occasion
from tracker.fleet.doubts import WAIT_MS, settle
from tracker.fleet.motion import FLOOR_MS, change, change_due
from tracker.fleet.vehicle import Vehicle
from tracker.fleet.windows import by_our_clock, next_edge, turn
from tracker.model.events import Event
from tracker.model.states import MOVING, OFFLINE
from tracker.regions.book import RegionBook

SILENT, WINDOW = -1, -2  #: beside the region ids (dwell) and motion states that a timer may be for
DOUBT = -3  #: the one fix that would move it was not refuted
MISSED = 3  #: who usually reports less often than that is not silent before it missed so many reports


def next_alarm(book: RegionBook, vehicle: Vehicle, silence_ms: int) -> tuple[int, str | int]:
    """(when, for what): a region whose dwell is due, WINDOW, SILENT, or the motion state it goes into.

    Never at the instant of its newest message: others that came with it are to be taken first.
    """
    due, what = change_due(vehicle)
    alarm: tuple[int, str | int] = (due, what)
    if vehicle.state == MOVING:
        usual = MISSED * round(vehicle.gap_ms) if vehicle.gap_ms > FLOOR_MS else 0
        silent = vehicle.received_at + max(silence_ms, usual)
        if what == OFFLINE:
            alarm = max(due, silent), what  # gone for good comes after gone quiet
        if not vehicle.silent and silent <= alarm[0]:
            alarm = silent, SILENT
    if vehicle.doubt is not None and vehicle.doubt.received_at + WAIT_MS < alarm[0]:
        alarm = vehicle.doubt.received_at + WAIT_MS, DOUBT
    for key, visit in vehicle.visits.items():
        region = book.regions.get(key)  # None: deleted, and the vehicle has not seen that yet
        dwell_s = region.rules.dwell_s if region else None
        if dwell_s is not None and not visit.dwelled:
            at = visit.received_at + round(dwell_s * 1000)
            if at < alarm[0] or (at == alarm[0] and isinstance(alarm[1], str) and key < alarm[1]):
                alarm = at, key
    if book.scheduled and by_our_clock(vehicle) and (edge := next_edge(book, vehicle)) < alarm[0]:
        alarm = edge, WINDOW
    return max(alarm[0], vehicle.received_at + 1), alarm[1]


def ring(book: RegionBook, vehicle: Vehicle, what: str | int, due: int, now: int) -> list[Event]:
    """The timer went off. `time` is when it was due; a dwell is due by the clock of the fixes."""
    if what == WINDOW:
        return turn(book, vehicle, next_edge(book, vehicle), due, now)
    if what == DOUBT:
        return settle(book, vehicle, None, now)
    seen = (vehicle.decided if vehicle.beyond else None) or vehicle.ping
    occasion = Occasion("timer", due, vehicle.ping.time, now, vehicle.delayed, seen)
    if isinstance(what, str):
        occasion.dwell(book.regions[what], vehicle.visits[what])
    elif what == SILENT:
        vehicle.silent = True
        # one silence after each message, those without a place too
        occasion.make(
            "silent", cause=vehicle.top, heard_at=vehicle.received_at, silent_s=(due - vehicle.received_at) / 1000
        )
    else:
        change(vehicle, what)
    return occasion.events


def expel(book: RegionBook, vehicle: Vehicle, now: int) -> list[Event]:
    """The vehicle is removed: it leaves every region it is in."""
    vehicle.write_peak()
    occasion = Occasion("vehicle_removed", now, f"removed {now}", now, vehicle.delayed, vehicle.decided or vehicle.ping)
    occasion.by_our_clock()
    for key, visit in sorted(vehicle.visits.items()):
        occasion.leave_region(book.regions[key], visit)
    return occasion.events
