"""Visits: how a vehicle's fixes become membership of regions, calmly.

A vehicle is out of a region, touches it, or visits it:

    out ──covers──► touch ──deep enough──► visit          deep enough: sd <= -min(accuracy, 25 m, ½·area/perimeter)
     ▲                │                      │            clear:       sd >  max(20 m, 2·accuracy)
     └──clear (cross)─┘◄───────clear (exit)──┘            sd: signed metres to the edge, negative inside

With debounce "none" deep enough is inside and clear is outside. The first decision (first seen, region created or
changed, window opened) is plain containment. A line between two fixes that cuts a region counts as touching it. A
vehicle that did not move meanwhile (motion.py) crossed nothing: that was noise.
"""

from __future__ import annotations

import msgspec

from tracker.geo import distance_m
from tracker.ping import Ping
from tracker.regions import Region, RegionBook
from tracker.rules import NO_ACCURACY_M
from tracker.vehicle import Touch, Vehicle, Visit

CLEAR_M = 20.0  #: this far outside is out, however good the accuracy
WORST_M = 50.0  #: accuracy counts at most this much, so nothing over 100 m outside is ever a member
CROSS_GAP_MS = 300_000  #: after a longer silence the straight line is no evidence


class Moves(msgspec.Struct):
    """What one fix did, each in order of region id."""

    exits: list[tuple[str, Visit]]
    crosses: list[tuple[str, Touch]]
    enters: list[str]


def counted(accuracy_m: float | None) -> float:
    """The accuracy that decides, metres."""
    return min(accuracy_m, WORST_M) if accuracy_m else NO_ACCURACY_M


def is_deep(region: Region, ping: Ping) -> bool:
    """Is a covered fix far enough inside?"""
    if region.exact:
        return True
    return region.shape.signed_distance_m(ping.lat, ping.lon) <= -min(counted(ping.accuracy_m), region.inner_m)


def is_clear(region: Region, ping: Ping) -> bool:
    """Is a fix that is not covered far enough outside?"""
    if region.exact:
        return True
    return region.shape.signed_distance_m(ping.lat, ping.lon) > max(CLEAR_M, 2 * counted(ping.accuracy_m))


def appear(book: RegionBook, vehicle: Vehicle, ping: Ping) -> Moves:
    """Where a vehicle is that nobody saw coming: plain containment decides, and no line leads there."""
    visits = vehicle.visits
    raw = vehicle.raw = book.covering(ping.lat, ping.lon, vehicle.clock)
    exits = sorted(key for key in visits if key not in raw)
    moves = Moves([], [], sorted(key for key in raw if key not in visits))
    if visits:
        vehicle.write_peak()
    moves.exits = [(key, visits.pop(key)) for key in exits]
    vehicle.touches.clear()
    vehicle.settled = True
    return moves


def move(book: RegionBook, vehicle: Vehicle, ping: Ping) -> Moves | None:
    """Take the vehicle's regions from its newest fix to `ping`. None when nothing went in, out or across.

    Who calls opens the visits of `enters`, and makes `ping` the newest fix.
    """
    before = vehicle.ping
    raw = book.covering(ping.lat, ping.lon, vehicle.clock)
    gap = ping.time - before.time
    cut = book.cells.crossed(before.lat, before.lon, ping.lat, ping.lon, vehicle.visits) if gap <= CROSS_GAP_MS else ()
    if not cut and vehicle.settled and raw == vehicle.raw:
        return None
    visits, touches, regions = vehicle.visits, vehicle.touches, book.regions
    moves = Moves([], [], [])
    moving, passed = vehicle.still_since == 0, list[str]()
    vehicle.raw = raw
    for key in [key for key in visits if key not in raw]:
        if is_clear(regions[key], ping):
            if not moves.exits:
                vehicle.write_peak()
            moves.exits.append((key, visits.pop(key)))
    for key, enters, leaves in cut:
        if book.scheduled and not regions[key].open_at(vehicle.clock):
            continue
        entered_at, exited_at = before.time + round(enters * gap), before.time + round(leaves * gap)
        touch = touches.get(key)
        if touch is None:
            touch = touches[key] = Touch(entered_at, exited_at)
            passed.append(key)
        touch.exited_at = max(touch.exited_at, exited_at)
        touch.chord_m += (leaves - enters) * distance_m(before.lat, before.lon, ping.lat, ping.lon)
    for key in raw:
        if key in visits:
            continue
        if is_deep(regions[key], ping):
            touches.pop(key, None)
            moves.enters.append(key)
        elif touch := touches.get(key):
            touch.exited_at = ping.time
        else:
            touches[key] = Touch(ping.time, ping.time)
    for key, touch in list(touches.items()) if touches else ():
        touch.moved = touch.moved or moving
        if key not in raw and is_clear(regions[key], ping):
            del touches[key]
            if touch.moved or key in passed or regions[key].exact:
                moves.crosses.append((key, touch))
    vehicle.settled = not touches and len(visits) == len(raw)
    if not (moves.exits or moves.crosses or moves.enters):
        return None
    vehicle.write_peak()
    if len(moves.exits) > 1:
        moves.exits.sort()
    if len(moves.crosses) > 1:
        moves.crosses.sort()
    moves.enters.sort()
    return moves
