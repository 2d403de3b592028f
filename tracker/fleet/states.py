"""Thresholds of motion: from which speed on a vehicle moves, how long it stands until it is idle and parked."""

from __future__ import annotations

from tracker.model.states import IDLE, MOVING, PARKED, UNKNOWN

MOVING_MPS = 5 / 3.6  #: from this speed on a vehicle moves
IDLE_MS = 60_000  #: slower for this long: idle
PARKED_MS = 300_000  #: idle for this long: parked
NO_ACCURACY_M = 10.0  #: what a fix without accuracy is taken for
STRAY_M = 100.0  #: a receiver that says "0 m/s" is not believed beyond this distance


def moves(speed_mps: float | None, strayed_m: float, slack_m: float) -> bool:
    """Does a fix show movement? By its speed; without one, by its distance from where the vehicle last moved to.

    `slack_m` is what both fixes may be wrong by. A reported 0 m/s is not believed over a long distance: some
    receivers never report anything else.
    """
    if speed_mps is None:
        return strayed_m > slack_m
    return speed_mps >= MOVING_MPS or strayed_m > STRAY_M + slack_m


def at_rest(state: int, still_ms: int, ignition: bool | None) -> int:
    """The motion state of a vehicle that has not moved for `still_ms`."""
    if ignition is False or still_ms >= IDLE_MS + PARKED_MS:
        return PARKED
    if still_ms >= IDLE_MS:
        return IDLE
    return state if state in (MOVING, IDLE, PARKED) else UNKNOWN
