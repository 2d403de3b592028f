"""Jumps: a fix no vehicle can have driven to. It is held until the next one says which of the two places is right."""

from __future__ import annotations

from typing import Protocol

from tracker.fleet.states import NO_ACCURACY_M
from tracker.fleet.vehicle import Vehicle
from tracker.geometry.earth import distance_m
from tracker.model.ping import Ping

DEGREE_M = 111_700.0  #: no degree is longer
MOST_HELD = 2  #: held in a row; the third is taken as a first sight
FASTEST_MPS = 350.0  #: no steady journey is faster, whatever its speeds say


class Limits(Protocol):
    @property
    def jump_mps(self) -> float: ...
    @property
    def jump_gap_s(self) -> float: ...


def jumps(limits: Limits, before: Ping, ping: Ping, shown: Ping) -> bool:
    """Would the vehicle have gone faster than anything that drives?

    Its own speed is no proof, trackers derive it from two places; but that of the newest fix shown beside it is.
    """
    gap_s = abs(ping.time - before.time) / 1000
    reach = limits.jump_mps * (gap_s if gap_s > 1 else 1.0)
    if (abs(ping.lat - before.lat) + abs(ping.lon - before.lon)) * DEGREE_M <= reach:
        return False
    if gap_s > limits.jump_gap_s:
        return False
    far_m = distance_m(before.lat, before.lon, ping.lat, ping.lon) - _accuracy(before) - _accuracy(ping)
    if far_m <= reach:
        return False
    implied_mps = far_m / max(gap_s, 1.0)
    return not (implied_mps <= FASTEST_MPS and _agrees(ping, implied_mps) and _agrees(shown, implied_mps))


def weigh(limits: Limits, vehicle: Vehicle, ping: Ping) -> tuple[tuple[Ping, ...], bool]:
    """Two stories of where a vehicle is: its newest place, or where a ping was held. Which fixes are to be taken now,
    in this order, and is it as at first sight? None of them: `ping` is held."""
    old, held = vehicle.sure, vehicle.held
    assert old is not None  # otherwise nothing would have been a jump
    if held is None:
        vehicle.held, vehicle.doubts = ping, 1
        return (), False
    like_old, like_held = not jumps(limits, old, ping, old), not jumps(limits, held, ping, old)
    if ping.time < held.time:  # the held one is not refuted by something before it
        if not (like_old or like_held):
            return (), False
        if not like_held:
            return (ping,), False
        vehicle.held, vehicle.doubts = None, 0
        return (ping, held), False
    if like_old and like_held:
        like_held = _speed_mps(held, ping) < _speed_mps(old, ping)
    anew = not (like_old or like_held)
    if anew and vehicle.doubts < MOST_HELD:
        vehicle.held, vehicle.doubts = ping, vehicle.doubts + 1
        return (), False
    vehicle.held, vehicle.doubts = None, 0
    return ((held, ping) if like_held else (ping,)), anew


def _accuracy(ping: Ping) -> float:
    return ping.accuracy_m or NO_ACCURACY_M


def _agrees(ping: Ping, implied_mps: float) -> bool:
    """Does a fix claim about this speed?"""
    return ping.speed_mps is not None and abs(ping.speed_mps - implied_mps) <= 0.3 * implied_mps


def _speed_mps(before: Ping, ping: Ping) -> float:
    gap_s = max(abs(ping.time - before.time) / 1000, 1.0)
    return distance_m(before.lat, before.lon, ping.lat, ping.lon) / gap_s
