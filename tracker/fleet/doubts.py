"""Doubts: no single fix moves a vehicle that stands. Receivers jump 200 m for one fix and claim to be right to 2 m.

What one fix elsewhere would do to a vehicle that stands waits for a second fix that says the same, or for two minutes
without one that says otherwise. Then it happens as of the first: its time, its place, its id. A region with debounce
"none" takes every fix at its word.
"""

from __future__ import annotations

from collections.abc import Sequence

from tracker.fleet.cause import Occasion
from tracker.fleet.detectors import tell
from tracker.fleet.membership import Moves, is_clear, is_deep
from tracker.fleet.vehicle import Doubt, Vehicle
from tracker.model.events import DELAYED_MS, Event
from tracker.model.ping import Ping
from tracker.regions.book import RegionBook

SURE_MPS = 2.0  #: a fix with at least this speed of its own is not doubted
WAIT_MS = 120_000  #: so long nothing has to say otherwise


def is_doubtful(vehicle: Vehicle, ping: Ping) -> bool:
    """Is `ping` one that alone moves nobody? Asked before the vehicle's motion takes it."""
    if ping.speed_mps is not None and ping.speed_mps >= SURE_MPS:
        return False
    if vehicle.stood is not None:
        return True
    return vehicle.still_since != 0 and not vehicle.lone


def settle(book: RegionBook, vehicle: Vehicle, ping: Ping | None, now: int) -> list[Event]:
    """What the doubted fix did after all: `ping` says the same, or (None: nothing came) nothing said otherwise."""
    doubt, vehicle.doubt = vehicle.doubt, None
    if doubt is None:
        return []
    if ping is not None and ping.time - doubt.ping.time >= WAIT_MS:
        ping = None
    moves = _confirmed(book, vehicle, doubt, ping)
    if not (moves.exits or moves.crosses or moves.enters):
        return []
    vehicle.write_peak()
    occasion = Occasion.of_fix(doubt.ping, doubt.before, now)
    occasion.delayed = doubt.received_at - doubt.ping.time > DELAYED_MS
    moves.exits = [(key, vehicle.visits.pop(key)) for key, _ in moves.exits]
    tell(book, vehicle, moves, occasion)
    for key in moves.enters:
        vehicle.visits[key].received_at = doubt.received_at
    return occasion.events


def _confirmed(book: RegionBook, vehicle: Vehicle, doubt: Doubt, ping: Ping | None) -> Moves:
    """What of it `ping` says too, each in order of region id."""
    regions, visits, touches, moves = book.regions, vehicle.visits, vehicle.touches, Moves([], [], [])
    here: Sequence[str] = ()
    cut: set[str] = set()
    if ping is not None:
        here = book.cells.at(ping.lat, ping.lon)
        if doubt.crosses:
            line = book.cells.crossed(doubt.before.lat, doubt.before.lon, ping.lat, ping.lon, visits)
            cut = {key for key, _, _ in line}
    for key in sorted(key for key in doubt.named() if key in regions):  # `intersection` would look through all regions
        region = regions[key]
        if not region.open_at(vehicle.clock):
            continue
        inside = ping is None or (key in here and is_deep(region, ping))
        outside = ping is None or (key not in here and is_clear(region, ping))
        if key in visits:
            if outside and key in doubt.exits:
                moves.exits.append((key, visits[key]))
        elif key in doubt.enters:
            if inside:
                touches.pop(key, None)
                moves.enters.append(key)
        elif key in doubt.crosses and outside and (ping is None or key in touches or key in cut):
            touches.pop(key, None)
            moves.crosses.append((key, doubt.crosses[key]))
    return moves
