"""Membership: how a vehicle's fixes become membership of regions, calmly.

A vehicle is out of a region, touches it, or visits it:

    out ──covers──► touch ──deep enough──► visit          deep enough: sd <= -min(accuracy, 25 m, ½·area/perimeter)
     ▲                │                      │            clear:       sd >  max(20 m, 2·accuracy)
     └──clear (cross)─┘◄───────clear (exit)──┘            sd: signed metres to the edge, negative inside

With debounce "none" deep enough is inside and clear is outside. The first decision (first seen, region created or
changed, window opened) is plain containment. A line between two fixes that cuts a region counts as touching it. A
vehicle that did not move meanwhile (motion.py) crossed nothing: that was noise. What one fix would do to a vehicle that
stands waits for a second one (doubts.py).
"""

from __future__ import annotations

import msgspec

from tracker.fleet.states import NO_ACCURACY_M
from tracker.fleet.vehicle import Doubt, Touch, Vehicle, Visit
from tracker.geometry.earth import distance_m
from tracker.model.ping import Ping
from tracker.regions.book import RegionBook
from tracker.regions.region import Region

CLEAR_M = 20.0  #: this far outside is out, however good the accuracy
WORST_M = 50.0  #: accuracy counts at most this much, so nothing over 100 m outside is ever a member
BEYOND_M = 2 * WORST_M  #: this far outside is seen by no viewer of the region
CROSS_GAP_MS = 300_000  #: after a longer silence the straight line is no evidence


class Moves(msgspec.Struct):
    """What one fix did, each in order of region id."""

    exits: list[tuple[str, Visit]]
    crosses: list[tuple[str, Touch]]
    enters: list[str]


def counted(accuracy_m: float | None) -> float:
    """The accuracy that decides, metres."""
    return min(accuracy_m, WORST_M) if accuracy_m else NO_ACCURACY_M


def thresholds(region: Region, accuracy_m: float | None) -> tuple[float, float]:
    """How many metres inside is in, and how many outside is out."""
    if region.exact:
        return 0.0, 0.0
    accuracy = counted(accuracy_m)
    return min(accuracy, region.inner_m), max(CLEAR_M, 2 * accuracy)


def is_deep(region: Region, ping: Ping) -> bool:
    """Is a covered fix far enough inside?"""
    deep_m, _ = thresholds(region, ping.accuracy_m)
    return region.exact or region.shape.signed_distance_m(ping.lat, ping.lon) <= -deep_m


def is_clear(region: Region, ping: Ping) -> bool:
    """Is a fix that is not covered far enough outside?"""
    _, clear_m = thresholds(region, ping.accuracy_m)
    return region.exact or region.shape.signed_distance_m(ping.lat, ping.lon) > clear_m


def beyond(book: RegionBook, vehicle: Vehicle) -> tuple[str, ...]:
    """The regions a vehicle is in though its newest place, which did not decide, lies far outside."""
    lat, lon = vehicle.ping.lat, vehicle.ping.lon
    shapes = ((key, book.regions[key].shape) for key in vehicle.visits if key in book.regions)
    return tuple(key for key, shape in shapes if shape.signed_distance_m(lat, lon) > BEYOND_M)


def is_near(book: RegionBook, region: str, lat: float, lon: float) -> bool:
    """May a place be told to who sees this region?"""
    drawn = book.regions.get(region)
    return drawn is not None and drawn.shape.signed_distance_m(lat, lon) <= BEYOND_M


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


def move(
    book: RegionBook,
    vehicle: Vehicle,
    before: Ping,
    ping: Ping,
    now: int,
    doubtful: bool = False,
    back: Ping | None = None,
) -> Moves | None:
    """Take the vehicle's regions from the fix `before` to `ping`. None when nothing went in, out or across.

    `doubtful`: what it would do to calm regions waits as the vehicle's doubt. `back`: the fix before one that turned
    out wrong, from where the line into calm regions comes. Who calls opens the visits of `enters`.
    """
    if vehicle.settled:  # the usual case: nothing that has an edge lies on the way, and all is as it was
        held = book.cells.held(before.lat, before.lon, ping.lat, ping.lon)
        if held is not None and held == vehicle.raw:
            return None
    raw = book.covering(ping.lat, ping.lon, vehicle.clock)
    gap = ping.time - before.time
    cut = book.cells.crossed(before.lat, before.lon, ping.lat, ping.lon, vehicle.visits) if gap <= CROSS_GAP_MS else ()
    if not cut and vehicle.settled and raw == vehicle.raw:
        return None
    visits, touches, regions = vehicle.visits, vehicle.touches, book.regions
    moves, waits = Moves([], [], []), Moves([], [], [])
    moving, passed = vehicle.still_since == 0 and not doubtful, list[str]()
    vehicle.raw = raw
    for key in [key for key in visits if key not in raw]:
        if not is_clear(regions[key], ping):
            continue
        if doubtful and not regions[key].exact:
            waits.exits.append((key, visits[key]))
            continue
        if not moves.exits:
            vehicle.write_peak()
        moves.exits.append((key, visits.pop(key)))
    lines = [(before, one) for one in cut]
    if back is not None:
        lines = [(before, one) for before, one in lines if regions[one[0]].exact]
        if ping.time - back.time <= CROSS_GAP_MS:
            found = book.cells.crossed(back.lat, back.lon, ping.lat, ping.lon, visits)
            lines += [(back, one) for one in found if not regions[one[0]].exact]
    for start, (key, enters, leaves) in lines:
        if book.scheduled and not regions[key].open_at(vehicle.clock):
            continue
        gap = ping.time - start.time
        entered_at, exited_at = start.time + round(enters * gap), start.time + round(leaves * gap)
        chord_m = (leaves - enters) * distance_m(start.lat, start.lon, ping.lat, ping.lon)
        touch = touches.get(key)
        if doubtful and not regions[key].exact:
            if touch is None and key not in raw and is_clear(regions[key], ping):
                waits.crosses.append((key, Touch(entered_at, exited_at, chord_m, True)))
            continue
        if touch is None:
            touch = touches[key] = Touch(entered_at, exited_at)
            passed.append(key)
        touch.exited_at = max(touch.exited_at, exited_at)
        touch.chord_m += chord_m
    for key in raw:
        if key in visits:
            continue
        if is_deep(regions[key], ping):
            if doubtful and not regions[key].exact:
                waits.enters.append(key)
                continue
            touches.pop(key, None)
            moves.enters.append(key)
        elif touch := touches.get(key):
            touch.exited_at = ping.time
        else:
            touches[key] = Touch(ping.time, ping.time)
    for key, touch in list(touches.items()) if touches else ():
        touch.moved = touch.moved or moving
        if key not in raw and is_clear(regions[key], ping):
            told = touch.moved or key in passed or regions[key].exact
            if told and doubtful and not regions[key].exact:
                waits.crosses.append((key, touch))
                continue
            del touches[key]
            if told:
                moves.crosses.append((key, touch))
    if waits.exits or waits.enters or waits.crosses:
        gone = [key for key, _ in waits.exits]
        vehicle.doubt = Doubt(ping, back or before, now, gone, waits.enters, dict(waits.crosses))
    vehicle.settled = not touches and len(visits) == len(raw) and vehicle.doubt is None
    if not (moves.exits or moves.crosses or moves.enters):
        return None
    vehicle.write_peak()
    if len(moves.exits) > 1:
        moves.exits.sort()
    if len(moves.crosses) > 1:
        moves.crosses.sort()
    moves.enters.sort()
    return moves
